"""A store under kills and failing statements: real processes, and every passage looked at.

    PYTHONPATH=tests python -m store_survival kills ADDRESS 20
    PYTHONPATH=tests python -m store_survival strikes ADDRESS 7

``kills`` ends an update with SIGKILL at random moments. ``strikes`` lets every so-many-th
statement fail, or ends the process before it. After each blow the store has to show the old or
the new state as a whole, and to take the next update. Prints the outcomes as JSON.

Whatever opens the store is a process of its own, forked from one that never did: connections, and
the threads of a client, do not survive a fork.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import citewise.staging
from citewise.errors import IndexFault, InputError
from citewise.stores import open_store
from citewise.types import Document
from doubles import HashEmbedder, document, split_lines

PARAGRAPHS = 24


def corpus(name: str) -> list[Document]:
    """Two states that share a document, change another, and each have one of their own."""
    subject = {"old": "bread", "new": "ships"}[name]
    lines = [f"Paragraph {i} is about {subject}." for i in range(PARAGRAPHS)]
    return [
        document("both.txt", "\n\n".join(lines)),
        document(f"{name}.txt", f"Only {name}."),
        document("same.txt", "Salt comes last.\n\nBread needs yeast.\n\nIt never changes."),
    ]


def update(address: str, name: str) -> str:
    """Bring the store to a state."""
    with open_store(address, HashEmbedder()) as index:
        index.update(corpus(name), split_lines)
    return "done"


def state(address: str) -> str:
    """Which of the two states the store shows as a whole, or what is wrong with it."""
    with open_store(address, HashEmbedder()) as index:
        try:
            report = index.check()
        except InputError:  # A store without a check.
            report = None
        if report is not None and not report.sound:
            return f"not sound: {report.findings}"
        found = {info.name: index.document(info.name).text for info in index.documents()}
        names = [n for n in ("old", "new") if found == {d.name: d.text for d in corpus(n)}]
        if not names:
            return f"mixed: {sorted(found)}"
        wanted = sorted(p.text for d in corpus(names[0]) for p in split_lines(d))
        hits = index.dense(index.embedder.embed_query("x"), 10_000)
        if sorted(s.passage.text for s in index.passages([h.id for h in hits])) != wanted:
            return "passages lost or doubled"
        if len(index.lexical(f"only {names[0]}", 99)) != 1:
            return "words lost"
        return names[0]


def apart(work: Callable[..., str], *arguments: Any, wait: float | None = None) -> str:
    """Do it in a process of its own; what it returned, "killed", or the name of its error.

    Args:
        wait: seconds after which it is killed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        said = "crashed"
        try:
            said = work(*arguments)
        except IndexFault as fault:
            print(fault, file=sys.stderr)
            said = "told"
        except BaseException:
            traceback.print_exc()
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    if wait is not None:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said or "killed"


def forever(address: str) -> str:
    """One state after the other."""
    for turn in range(10_000):
        update(address, ("new", "old")[turn % 2])
    return "ended by itself"


def kills(address: str, count: int, seed: int = 11) -> dict[str, Any]:
    """End updates at random moments."""
    generator, states = random.Random(seed), Counter[str]()  # noqa: S311
    assert apart(update, address, "old") == "done"
    began = time.perf_counter()
    for name in ("new", "old"):
        assert apart(update, address, name) == "done"
    longest = time.perf_counter() - began
    ends = Counter[str]()
    for _ in range(count):
        ends[apart(forever, address, wait=generator.uniform(0.0, longest))] += 1
        states[apart(state, address)] += 1
    ended = apart(update, address, "new")
    return {"ends": ends, "states": states, "last": f"{ended}, {apart(state, address)}"}


def strikes(address: str, stride: int) -> dict[str, Any]:
    """Let every ``stride``-th statement fail, or end the process before it."""
    assert apart(update, address, "old") == "done"
    number = int(apart(_struck, address, "new", 0, ""))
    assert apart(update, address, "old") == "done"
    outcomes: dict[str, Counter[str]] = {}
    for begin, kind in enumerate(("fails", "dies")):
        outcomes[kind] = Counter()
        for strike in range(1 + begin * (stride // 2), number + 1, stride):
            ended = apart(_struck, address, "new", strike, kind)
            outcomes[kind][f"{apart(_after, address)}, {ended}"] += 1
    return {"statements": number, "outcomes": outcomes}


def _after(address: str) -> str:
    """The state after a blow; then to the new one, and back to the old for the next."""
    found = state(address)
    for name in ("new", "old"):
        update(address, name)
        if name == "new" and (after := state(address)) != "new":
            return f"{found}, then {after}"
    return found


def _struck(address: str, name: str, strike: int, kind: str) -> str:
    """Update while one statement fails; return how many there were if none does."""
    blow = _Blow(strike, kind)
    STRIKES[address.partition("://")[0]](blow)
    update(address, name)
    return "done" if strike else str(blow.count)


class _Blow:
    """Called before every statement: at one of them, something happens."""

    def __init__(self, strike: int, kind: str) -> None:
        self.count = 0
        self.strike, self.kind = strike, kind

    def falls(self) -> bool:
        """Whether this statement is to fail."""
        self.count += 1
        if self.count == self.strike and self.kind == "dies":
            os._exit(9)
        return self.count == self.strike


def _strike_psycopg(blow: _Blow) -> None:
    """Statements, COPYs and the two ends of every transaction."""
    import psycopg
    from psycopg.transaction import Transaction

    def before(holder: Any, name: str) -> None:
        real = getattr(holder, name)

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if blow.falls():
                raise psycopg.errors.DiskFull("could not extend file: No space left on device")
            return real(self, *args, **kwargs)

        setattr(holder, name, call)

    for name in ("execute", "executemany", "copy"):
        before(psycopg.Cursor, name)
    before(Transaction, "_commit_gen")
    real = Transaction.__exit__

    def left(self: Any, *about: Any) -> Any:
        result = real(self, *about)
        if about[0] is None and blow.falls():
            raise psycopg.errors.AdminShutdown("terminating connection")
        return result

    Transaction.__exit__ = left  # type: ignore[method-assign]


# How the client of each scheme is made to fail.
STRIKES: dict[str, Callable[[_Blow], None]] = {"postgresql": _strike_psycopg}


def main() -> None:
    """Run one of the two."""
    # Batches as small as if embedding were slow.
    citewise.staging._SECONDS, citewise.staging._FEWEST = 0.0, 20
    what, address, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps({"kills": kills, "strikes": strikes}[what](address, number)))


if __name__ == "__main__":
    main()
