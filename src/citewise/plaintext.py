"""Text and Markdown files: decoded, and otherwise kept as they are.

Newlines are kept as they are in the file, so that offsets are true to it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from datetime import datetime, timezone

from citewise.files import SkippedFile, SourceFile
from citewise.types import Document

__all__ = ["read_plain"]

SUFFIXES = {".txt": "text", ".text": "text", ".md": "markdown", ".markdown": "markdown"}
MAX_FILE_BYTES = 64 * 1024 * 1024

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


class UnusableFileError(Exception):
    """Why one file cannot become a document."""


def read_plain(file: SourceFile) -> Document | SkippedFile:
    """The document, or why there is none."""
    suffix = file.path.suffix.lower()
    try:
        if suffix not in SUFFIXES:
            raise UnusableFileError(f"{suffix or 'no suffix'} is not a format that can be read")
        data = read_bytes(file)
        text = decode(data)
        if not text.strip():
            raise UnusableFileError("holds no text")
    except UnusableFileError as reason:
        return SkippedFile(file.name, str(reason))
    digest = hashlib.sha256(data).hexdigest()
    return Document(file.name, text, digest, (), SUFFIXES[suffix], utc(file.mtime_ns))


def read_bytes(file: SourceFile) -> bytes:
    """The content of a regular file, at most ``MAX_FILE_BYTES``; a link or pipe is refused."""
    # It may have been exchanged since it was listed: looked at again once it is open.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with open(os.open(file.path, flags), "rb") as opened:  # noqa: PTH123
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UnusableFileError("is not a regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise UnusableFileError(f"is larger than {MAX_FILE_BYTES // 2**20} MiB")
            return opened.read()
    except OSError as error:
        raise UnusableFileError(f"cannot be read: {error.strerror}") from error


def decode(data: bytes) -> str:
    """The text in ``data``."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnusableFileError(
            f"is not {encoding.upper()} text (byte {error.start}); convert it to UTF-8"
        ) from error
    if "\x00" in text:
        raise UnusableFileError("is binary: it holds NUL characters")
    return text


def utc(mtime_ns: int) -> str:
    """A file's time as an ISO date and time, such as ``2026-03-01T12:00:00Z``."""
    moment = datetime.fromtimestamp(mtime_ns // 10**9, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
