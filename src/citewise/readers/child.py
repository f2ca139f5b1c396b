"""The process in which files are read: a damaged or hostile one can take nothing else along.

Started by ``citewise.reading_process``. The first line of its input holds the limits; each further
line names a file (``{"path", "name", "mtime_ns", "done"}``). Its output is lines of JSON: ``alive``
while it works, ``begun``, ``document`` and ``skipped`` for what it found, ``end`` after each file.
It ends when its input does, which happens when the parent closes it or dies.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from citewise.files import SkippedFile
from citewise.limits import ReadLimits, UnusableFileError, mebibytes
from citewise.readers.source import Begun, Item, extract_source, read_bytes, utc

__all__ = ["main"]

_BETWEEN_SIGNS = 1.0  # Seconds.


def main() -> int:
    """Read files until there are no more to read."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    settings = json.loads(sys.stdin.readline())
    limits = ReadLimits(**settings["limits"])
    threading.Thread(target=_watch, args=(settings["parent"],), daemon=True).start()
    _confine(limits)
    for line in sys.stdin:
        _serve(json.loads(line), limits, answers)
    return 0


def _watch(parent: int) -> None:
    """End when orphaned in the middle of a file."""
    while os.name == "nt" or os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def _confine(limits: ReadLimits) -> None:
    """No more memory or time than allowed, and no writing: a reader has nothing to write."""
    try:
        import resource
    except ImportError:
        return  # Windows: the parent still watches the time.
    wanted = {
        "RLIMIT_AS": limits.memory_bytes,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            # An administrator's limit may be lower already.
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))


def _serve(request: dict[str, Any], limits: ReadLimits, answers: TextIO) -> None:
    said = time.monotonic()

    def say(kind: str, value: Any) -> None:
        nonlocal said
        said = time.monotonic()
        print(json.dumps({kind: value}), file=answers, flush=True)

    def tick() -> None:
        if time.monotonic() - said > _BETWEEN_SIGNS:
            say("alive", True)

    name = request["name"]
    try:
        data = read_bytes(Path(request["path"]), limits)
        done = frozenset(request["done"])
        for item in extract_source(data, name, utc(request["mtime_ns"]), limits, tick, done):
            say(*_as_message(item))
        say("end", True)
    except UnusableFileError as error:
        say("skipped", dataclasses.asdict(SkippedFile(name, str(error))))
        say("end", True)
    except MemoryError:
        # What is left of this process cannot be trusted to read another file.
        reason = f"needs more than {mebibytes(limits.memory_bytes)} of memory to be read"
        print(json.dumps({"failed": reason}), file=answers, flush=True)
        os._exit(1)


def _as_message(item: Item) -> tuple[str, dict[str, Any]]:
    kind = {Begun: "begun", SkippedFile: "skipped"}.get(type(item), "document")
    return kind, {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}


if __name__ == "__main__":
    sys.exit(main())
