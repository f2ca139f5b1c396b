"""An index under kills and failing disks: real processes, real files, and every passage proved.

    PYTHONPATH=tests python -m survival kills FOLDER 200
    PYTHONPATH=tests LD_PRELOAD=.../write_faults.so python -m survival faults FOLDER 1

``kills`` ends an update with SIGKILL at random moments, ``faults`` lets each change of a file
(each so-many-th) fail in each way. After every blow the index has to open, hold the old or the
new state as a whole, pass the check, and take the next update. Prints the outcomes as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from citewise.errors import IndexFault
from citewise.index import Index
from citewise.index_check import check_index
from citewise.opening import unopened_database
from citewise.types import Document
from doubles import HashEmbedder, document, split_lines

KINDS = ("full", "broken once", "broken from now on", "torn", "torn and killed", "killed")

# Batches as small as if embedding were slow, and a vector file that is not written every time.
_SMALL_STEPS = {
    "staging": {"_SECONDS": 0.0, "_FEWEST": 20},
    "filing": {"_SMALL": 12, "_SHARE": 0.4},
}


def corpus(name: str, paragraphs: int) -> list[Document]:
    """Two states that share a document, change another, and each have one of their own."""
    subject = {"old": "bread", "new": "ships"}[name]
    lines = [f"Paragraph {i} is about {subject}." for i in range(paragraphs)]
    return [
        document("both.txt", "\n\n".join(lines)),
        document(f"{name}.txt", f"Only {name}."),
        document("same.txt", "Salt comes last.\n\nBread needs yeast.\n\nIt never changes."),
    ]


def state(folder: Path, paragraphs: int) -> str:
    """Which of the two states the index holds as a whole, or what is wrong with it."""
    report = check_index(unopened_database(folder))
    if not report.sound:
        return f"not sound: {report.findings}"
    with Index.open(folder, HashEmbedder()) as index:
        found = {info.name: index.document(info.name).text for info in index.documents()}
        names = [
            name
            for name in ("old", "new")
            if found == {d.name: d.text for d in corpus(name, paragraphs)}
        ]
        if not names:
            return f"mixed: {sorted(found)}"
        wanted = sorted(p.text for d in corpus(names[0], paragraphs) for p in split_lines(d))
        hits = index.dense(index.embedder.embed_query("x"), 10_000)
        if sorted(s.passage.text for s in index.passages([h.id for h in hits])) != wanted:
            return "passages lost or doubled"
        if len(index.lexical(f"only {names[0]}", 99)) != 1:
            return "words lost"
        return names[0]


def update(folder: Path, name: str, paragraphs: int) -> None:
    """Bring the index to a state."""
    with Index.open(folder, HashEmbedder()) as index:
        index.update(corpus(name, paragraphs), split_lines)


def kills(folder: Path, count: int, seed: int = 11) -> dict[str, object]:
    """End updates at random moments."""
    paragraphs, generator, states = 60, random.Random(seed), Counter[str]()  # noqa: S311
    update(folder, "old", paragraphs)
    began = time.perf_counter()
    for name in ("new", "old"):
        update(folder, name, paragraphs)
    longest = time.perf_counter() - began
    waiting = 0
    for _ in range(count):
        child = os.fork()
        if not child:
            try:
                for turn in range(10_000):
                    update(folder, ("new", "old")[turn % 2], paragraphs)
            finally:
                os._exit(1)
        time.sleep(generator.uniform(0.0, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            states["ended by itself"] += 1
        waiting += check_index(unopened_database(folder)).waiting > 0
        states[state(folder, paragraphs)] += 1
    update(folder, "new", paragraphs)
    return {"states": states, "amid preparing": waiting, "last": state(folder, paragraphs)}


def faults(folder: Path, stride: int) -> dict[str, object]:
    """Let every ``stride``-th change of a file fail, in every way."""
    shim = ctypes.CDLL(None)
    paragraphs, before, place = 24, folder / "before", folder / "index"
    update(before, "old", paragraphs)
    (number, _), _ = _blow(shim, before, place, 0, 0, paragraphs)
    outcomes: dict[str, Counter[str]] = {}
    for kind, what in enumerate(KINDS, 1):
        outcomes[what] = Counter()
        for strike in range(1 + (kind * 5) % stride, number + 1, stride):
            (_, ended), found = _blow(shim, before, place, strike, kind, paragraphs)
            if found in ("old", "new"):
                update(place, "new", paragraphs)
                after = state(place, paragraphs)
                found = f"{found}, {ended}" if after == "new" else f"{found}, then {after}"
            outcomes[what][found] += 1
    return {"changes": number, "outcomes": outcomes}


def _blow(
    shim: ctypes.CDLL, before: Path, place: Path, strike: int, kind: int, paragraphs: int
) -> tuple[tuple[int, str], str]:
    """Update a copy in a child process; the changes it made, how it ended, and what is left."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(before, place)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        ended = "crashed"
        try:
            shim.arm_faults(str(place).encode(), ctypes.c_long(strike), kind)
            update(place, "new", paragraphs)
            ended = "done"
        except IndexFault:
            ended = "told"
        except BaseException:
            traceback.print_exc()
        finally:
            shim.arm_faults(b"", ctypes.c_long(0), 0) if kind else None
            os.write(writing, f"{shim.count_faults()} {ended}".encode())
            os._exit(0)
    os.close(writing)
    said = os.read(reading, 100).decode().split()
    os.close(reading)
    os.waitpid(child, 0)
    return (int(said[0]), said[1]) if said else (0, "killed"), state(place, paragraphs)


def main() -> None:
    """Run one of the two."""
    for module, values in _SMALL_STEPS.items():
        for name, value in values.items():
            setattr(sys.modules[f"citewise.{module}"], name, value)
    what, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"kills": kills, "faults": faults}[what](folder, number)))


if __name__ == "__main__":
    main()
