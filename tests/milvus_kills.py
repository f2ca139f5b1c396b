"""Kills an update between any two of its writes to Milvus and SQLite; real processes, real files.

    PYTHONPATH=tests python -m milvus_kills FOLDER

Every process is forked before any of them has touched Milvus, so that the libraries are loaded
once. Prints, for each write before which the update was killed, what it was and what was left.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import milvus_lite.server_manager  # noqa: F401 - loaded before the forks
import pymilvus  # noqa: F401

from doubles import HashEmbedder, document, split_lines
from milvus_double import opened_milvus

KILLED = 9
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty"]
OLD = [document(f"{i}.txt", f"{w} stone\n\n{w} {i} water") for i, w in enumerate(WORDS)]
# One document removed, one changed, one added.
NEW = [*OLD[2:], document("1.txt", "birch bark\n\nbirch oil"), document("x.txt", "kelp and salt")]


def forked(work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a process of its own; None if it was killed.

    Raises:
        ChildProcessError: it failed; its traceback has been printed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, json.dumps(work()).encode())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    left = os.waitstatus_to_exitcode(status)
    if left not in (0, KILLED):
        raise ChildProcessError(f"it ended with {left}")
    return json.loads(said) if said else None


def update(folder: Path, documents: list[Any], strike: int = 0) -> list[str]:
    """Bring the index up to date; killed before the write with the number ``strike``, from 1."""
    with opened_milvus(folder / "index", folder / "vectors.db") as index:
        writes: list[str] = []

        def before(what: str) -> None:
            writes.append(what)
            if len(writes) == strike:
                (folder / "killed").write_text(what, "utf-8")
                os._exit(KILLED)

        index.server.before = before
        index.update(documents, split_lines)
        return writes


def look(folder: Path) -> dict[str, Any]:
    """What a reader finds after a kill, and what the next update leaves."""
    with opened_milvus(folder / "index", folder / "vectors.db") as index:
        names = {info.name for info in index.documents()}
        embed = HashEmbedder().embed_query
        right = all(
            index.found(embed(word), 5) == index.exactly(embed(word), 5)
            for word in [*WORDS, "kelp", "bark", "water"]
        )
        found = {
            "state": "old" if "0.txt" in names else "new",
            "right": right,
            "by Milvus": index.server.searches > 0,
            "differs": index.differs(),
            "settled": len(index.marker()) == 1,
        }
        index.update(NEW, split_lines)
        found["afterwards"] = [index.differs(), len(index.marker()), len(index.documents())]
        return found


def main(folder: Path) -> list[dict[str, Any]]:
    """Kill before every write in turn, until an update gets through."""
    base, found = folder / "base", []
    forked(lambda: update(base, OLD))
    for strike in range(1, 100):
        struck = folder / str(strike)
        shutil.copytree(base, struck)
        through = forked(lambda: update(struck, NEW, strike))  # noqa: B023 - called at once
        killed = struck / "killed"
        what = killed.read_text("utf-8") if killed.exists() else "none"
        found.append({"before": what, **forked(lambda: look(struck))})  # noqa: B023
        if through is not None:
            return found
    raise AssertionError("no update ever got through")


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
