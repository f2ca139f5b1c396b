"""One writer at a time, across threads and processes; the lock dies with its holder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from citewise.database import faults_of
from citewise.errors import IndexFault

__all__ = ["writer_lock"]


_PAUSE = 0.02  # Seconds between two tries.


@contextmanager
def writer_lock(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file ``path`` for the length of the block.

    Args:
        wait: seconds to go on trying.

    Raises:
        IndexFault: another thread or process holds it, or the file cannot be opened.
    """
    # Opened for appending, so that the loser does not empty the holder's note of its process id.
    with faults_of(path.parent):
        # Unbuffered, so that on a full disk nothing is left to fail when it is closed.
        file = path.open("a+b", buffering=0)
    with file:
        if not _locked_within(file, wait):
            raise IndexFault(
                f"The index in {path.parent} is being written by {_holder(file)}.",
                "Wait until it has finished, then run again.",
            )
        try:
            with faults_of(path.parent, (OSError,)):
                file.truncate(0)
                file.write(str(os.getpid()).encode())
            yield
        finally:
            _unlock(file)


def _locked_within(file: FileIO, wait: float) -> bool:
    end = time.monotonic() + wait
    while not _lock(file):
        if time.monotonic() >= end:
            return False
        time.sleep(_PAUSE)
    return True


def _holder(file: FileIO) -> str:
    try:
        file.seek(0)
        number = file.read(20).decode("ascii")
    except (OSError, UnicodeDecodeError):  # Windows refuses reading what another process locked.
        number = ""
    return f"process {number}" if number.isdigit() else "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: FileIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: FileIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: FileIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
