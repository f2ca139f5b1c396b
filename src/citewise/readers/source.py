"""One source file into documents: read once, hashed, told apart, extracted, members and all."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from citewise.files import SkippedFile
from citewise.limits import ReadLimits, UnusableFileError, mebibytes
from citewise.readers.extracted import Extracted, Member, Tick
from citewise.readers.kinds import format_of, proposed_format
from citewise.types import Document

__all__ = ["Begun", "Item", "extract_source", "plain_document", "read_bytes", "utc"]

_DEEPEST = 2  # A file in an archive in an archive.


@dataclass(frozen=True, slots=True)
class Begun:
    """Said before each file within a file: should the process die, this is the one that did it."""

    number: int
    name: str


Item = Begun | Document | SkippedFile


def read_bytes(path: Path, limits: ReadLimits) -> bytes:
    """The content of a regular file; a link, pipe or device is refused without waiting for it.

    Raises:
        UnusableFileError: see above, or too large, or not readable.
    """
    # It may have been exchanged since it was listed: looked at again once it is open.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with open(os.open(path, flags), "rb") as opened:  # noqa: PTH123
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnusableFileError("is not a regular file")
            if status.st_size > limits.file_bytes:
                raise UnusableFileError(f"is larger than {mebibytes(limits.file_bytes)}")
            return opened.read(limits.file_bytes)
    except OSError as error:
        raise UnusableFileError(f"cannot be read: {error.strerror}") from error


def plain_document(
    data: bytes, name: str, modified: str, kind: str, limits: ReadLimits
) -> Document:
    """A text, kept as it is, newlines and all, so that offsets are true to the file.

    Raises:
        UnusableFileError: it is no text, or too long.
    """
    from citewise.readers.decoding import decode

    text = decode(data)
    return _document(Extracted(text), data, name, modified, kind, "", limits)


def utc(mtime_ns: int) -> str:
    """A file's time as an ISO date and time, such as ``2026-03-01T12:00:00Z``."""
    try:
        moment = datetime.fromtimestamp(mtime_ns // 10**9, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def extract_source(
    data: bytes,
    name: str,
    modified: str,
    limits: ReadLimits,
    tick: Tick,
    done: frozenset[int] = frozenset(),
) -> Iterator[Item]:
    """All documents of a file, each preceded by ``Begun``; what cannot be read gives its reason.

    Args:
        done: numbers of ``Begun`` not to be read again.
    """
    yield from _Reading(name, limits, tick, done).items(data, name, modified, 0)


class _Reading:
    def __init__(self, source: str, limits: ReadLimits, tick: Tick, done: frozenset[int]) -> None:
        self._source = source
        self._limits = limits
        self._tick = tick
        self._done = done
        self._number = 0
        self._members = 0
        self._bytes = 0

    def items(self, data: bytes, name: str, modified: str, depth: int) -> Iterator[Item]:
        number = self._number
        self._number += 1
        self._tick()
        try:
            kind = format_of(name, data[:1024])
            if number not in self._done:
                yield Begun(number, name)
                yield from self._own(data, name, modified, kind)
            if kind in ("zip", "email"):
                yield from self._inner(data, name, kind, depth)
        except UnusableFileError as error:
            if number not in self._done:
                yield SkippedFile(name, str(error))

    def _own(self, data: bytes, name: str, modified: str, kind: str) -> Iterator[Item]:
        if kind == "zip":
            return
        extracted = _extract(data, name, kind, self._limits, self._tick)
        source = self._source if name != self._source else ""
        yield _document(extracted, data, name, modified, kind, source, self._limits)
        for part, reason in extracted.missing:
            yield SkippedFile(f"{name} ({part})", reason)

    def _inner(self, data: bytes, name: str, kind: str, depth: int) -> Iterator[Item]:
        members = _members(data, kind, self._limits)
        if depth >= _DEEPEST and next(members, None) is not None:
            yield SkippedFile(name, "is nested too deeply: unpack it to have its files read")
            return
        taken: set[str] = set()
        empty = True
        for member in members:
            empty = False
            below = f"{name}/{member.name}"
            if below in taken:
                yield SkippedFile(below, "another file in there has the same name")
                continue
            taken.add(below)
            yield from self._member(member, below, depth)
        if empty and kind == "zip":
            raise UnusableFileError("holds no files")

    def _member(self, member: Member, name: str, depth: int) -> Iterator[Item]:
        try:
            proposed_format(name)  # an image is not unpacked to find out that it is one
            self._members += 1
            if self._members > self._limits.members:
                raise UnusableFileError(f"is past the {self._limits.members:,} files that are read")
            data = member.read()
            self._bytes += len(data)
            if self._bytes > self._limits.unpacked_bytes:
                unpacked = mebibytes(self._limits.unpacked_bytes)
                raise UnusableFileError(f"is past the {unpacked} that are unpacked from one file")
        except UnusableFileError as error:
            number, self._number = self._number, self._number + 1
            if number not in self._done:
                yield Begun(number, name)
                yield SkippedFile(name, str(error))
            return
        yield from self.items(data, name, member.modified, depth + 1)


def _members(data: bytes, kind: str, limits: ReadLimits) -> Iterator[Member]:
    if kind == "zip":
        from citewise.readers.from_zip import members_of_zip

        return members_of_zip(data, limits)
    from citewise.readers.from_email import attachments

    return attachments(data)


def _extract(data: bytes, name: str, kind: str, limits: ReadLimits, tick: Tick) -> Extracted:
    from citewise.readers import formats

    return formats.extract(data, name, kind, limits, tick)


def _document(
    extracted: Extracted,
    data: bytes,
    name: str,
    modified: str,
    kind: str,
    source: str,
    limits: ReadLimits,
) -> Document:
    text = extracted.text
    if not text.strip():
        raise UnusableFileError("holds no text")
    if len(text) > limits.text_characters:
        raise UnusableFileError(
            f"holds {len(text):,} characters; at most {limits.text_characters:,} are read"
        )
    digest = hashlib.sha256(data).hexdigest()
    return Document(name, text, digest, extracted.pages, kind, modified, source)
