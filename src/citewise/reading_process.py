"""The parent's side of the process that reads files: started, asked, watched, replaced."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, Any

from citewise.files import SkippedFile, SourceFile
from citewise.limits import ReadLimits, mebibytes
from citewise.settings import public_environment
from citewise.types import Document

__all__ = ["ReaderProcess"]

# Isolated (-I), so that a folder of documents in which the program is started cannot put modules
# of its own in the place of those of Python.
_CODE = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
_CODE += "from citewise.readers.child import main; sys.exit(main())"
_MOST_RESTARTS = 5  # for one file
_SIGNALS = {
    getattr(signal, "SIGKILL", 9): "was stopped by the system, perhaps because memory ran out",
}


class _ProcessEndedError(Exception):
    """Why no more is to be expected from the process."""


class ReaderProcess:
    """Reads files in a process of its own, one after the other. For one thread at a time."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._ended = False

    def read(self, file: SourceFile) -> Iterator[Document | SkippedFile]:
        """The documents of a file, and what of it could not be read; never hangs.

        A file within an archive on which the process ends is reported, and the rest is read.
        """
        done: set[int] = set()
        current = file.name
        deadline = time.monotonic() + self._limits.total_seconds
        for _ in range(_MOST_RESTARTS):
            before = len(done)
            try:
                for kind, value in self._answers(file, done, deadline):
                    if kind == "begun":
                        current = value["name"]
                        done.add(value["number"])
                    else:
                        yield value
            except _ProcessEndedError as error:
                self.close()
                yield SkippedFile(current, str(error))
                # Only what lies within a file leaves something over that is worth another try.
                further = len(done) > max(before, 1) or (len(done) > before and _holds_files(file))
                if not further or time.monotonic() >= deadline:
                    return
            else:
                return
        yield SkippedFile(file.name, "made the reader fail too often; the rest of it was left out")

    def end(self) -> None:
        """End the process for good; a ``read`` that is under way in another thread ends too."""
        self._ended = True
        self.close()

    def close(self) -> None:
        """End the process; the next ``read`` starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close() if pipe else None

    def _answers(
        self, file: SourceFile, done: set[int], deadline: float
    ) -> Iterator[tuple[str, Any]]:
        self._ask(file, done)
        while True:
            (kind, value), *_ = self._next(deadline).items()
            if kind == "end":
                return
            if kind == "failed":
                raise _ProcessEndedError(value)
            if kind == "document":
                yield kind, _document(value)
            elif kind == "skipped":
                yield kind, SkippedFile(**value)
            elif kind == "begun":
                yield kind, value

    def _ask(self, file: SourceFile, done: set[int]) -> None:
        if self._ended:
            raise _ProcessEndedError("was not read to the end")
        process = self._process
        if process is None or process.poll() is not None:
            process = self._start()
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        request = {"path": str(file.path), "name": file.name, "mtime_ns": file.mtime_ns}
        try:
            process.stdin.write(json.dumps({**request, "done": sorted(done)}) + "\n")
            process.stdin.flush()
        except (OSError, ValueError) as error:
            raise _ProcessEndedError(self._obituary()) from error

    def _next(self, deadline: float) -> dict[str, Any]:
        left = deadline - time.monotonic()
        patience = min(float(self._limits.seconds), left)
        try:
            line = self._lines.get(timeout=max(patience, 0.01))
        except queue.Empty as error:
            limits, whole = self._limits, left <= patience
            allowed = limits.total_seconds if whole else limits.seconds
            setting = "CITEWISE_READ_TOTAL_SECONDS" if whole else "CITEWISE_READ_SECONDS"
            reason = f"took longer than {allowed} s to read ({setting})"
            raise _ProcessEndedError(reason) from error
        if line is None:
            raise _ProcessEndedError(self._obituary())
        message = json.loads(line)
        assert isinstance(message, dict)  # noqa: S101 - the child writes nothing else
        return message

    def _start(self) -> subprocess.Popen[str]:
        self.close()
        paths = json.dumps([path for path in sys.path if path])
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _CODE, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=public_environment(),
            # Ctrl+C in the terminal is the parent's matter.
            start_new_session=True,
        )
        assert process.stdin and process.stdout  # noqa: S101 - both are pipes
        settings = {"limits": asdict(self._limits), "parent": os.getpid()}
        with contextlib.suppress(OSError):  # If it died at once, reading tells.
            process.stdin.write(json.dumps(settings) + "\n")
        self._lines = queue.Queue()
        collecting = threading.Thread(
            target=_collect, args=(process.stdout, self._lines), daemon=True
        )
        collecting.start()
        self._process = process
        return process

    def _obituary(self) -> str:
        process = self._process
        if process is None:
            return "was not read to the end"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        status = process.returncode
        if status is not None and -status in _SIGNALS:
            return _SIGNALS[-status]
        memory = mebibytes(self._limits.memory_bytes)
        return f"made the reader crash (status {status}; it has {memory} of memory)"


def _document(fields: dict[str, Any]) -> Document:
    """JSON knows no tuples."""
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return Document(**given)


def _holds_files(file: SourceFile) -> bool:
    return file.path.suffix.lower() in (".zip", ".eml")


def _collect(pipe: IO[str], lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in pipe:
            lines.put(line)
    lines.put(None)
