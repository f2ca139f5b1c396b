"""Reading a corpus: a folder of text and Markdown files, or one such file, as Documents.

Newlines are kept as they are in the file, so that offsets are true to it. A file that cannot be
used is reported with its reason, and the rest is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import CorpusError
from citewise.types import Document

__all__ = ["Corpus", "SkippedFile", "read_corpus"]

SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown"})
MAX_FILE_BYTES = 64 * 1024 * 1024

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was left out of the corpus, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read from ``root``: documents sorted by name, and the files left out."""

    root: Path
    documents: tuple[Document, ...]
    skipped: tuple[SkippedFile, ...] = ()


def read_corpus(root: Path) -> Corpus:
    """Read every text and Markdown file under ``root``, or the one file that ``root`` is.

    Hidden files and folders are passed over. Symbolic links are not followed, so that nothing
    outside the folder is ever read.

    Raises:
        CorpusError: ``root`` does not exist, or holds no document that can be read.
    """
    if not root.exists():
        raise CorpusError(
            f"The corpus {str(root)!r} does not exist.",
            "Give a folder of .txt or .md files, for example --corpus path/to/files.",
        )
    base = root.parent if root.is_file() else root
    documents: list[Document] = []
    skipped: list[SkippedFile] = []
    for path in _files(root, skipped):
        name = _relative_name(path, base)
        try:
            documents.append(_read_document(path, name))
        except _UnusableFileError as reason:
            skipped.append(SkippedFile(name, str(reason)))
    if not documents:
        raise CorpusError(*_nothing_to_read(root, skipped))
    documents.sort(key=lambda document: document.name)
    return Corpus(root, tuple(documents), tuple(skipped))


class _UnusableFileError(Exception):
    """Why one file cannot become a document."""


def _relative_name(path: Path, base: Path) -> str:
    # A file name that is not valid UTF-8 reaches Python with lone surrogates, which nothing
    # downstream could store or print.
    name = path.relative_to(base).as_posix()
    return name.encode("utf-8", "replace").decode("utf-8")


def _files(root: Path, skipped: list[SkippedFile]) -> Iterator[Path]:
    if root.is_file():
        yield root
        return

    def unreadable(error: OSError) -> None:
        folder = Path(error.filename) if error.filename else root
        skipped.append(
            SkippedFile(_relative_name(folder, root), f"cannot be opened: {error.strerror}")
        )

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder) / name


def _read_document(path: Path, name: str) -> Document:
    if path.suffix.lower() not in SUFFIXES:
        raise _UnusableFileError(f"{path.suffix or 'no suffix'} is not a format that can be read")
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise _UnusableFileError("is not a regular file (links are not followed)")
        if status.st_size > MAX_FILE_BYTES:
            raise _UnusableFileError(f"is larger than {MAX_FILE_BYTES // 2**20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise _UnusableFileError(f"cannot be read: {error.strerror}") from error
    text = _decode(data)
    if not text.strip():
        raise _UnusableFileError("holds no text")
    return Document(name, text, hashlib.sha256(data).hexdigest())


def _decode(data: bytes) -> str:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _UnusableFileError(
            f"is not {encoding.upper()} text (byte {error.start}); convert it to UTF-8"
        ) from error
    if "\x00" in text:
        raise _UnusableFileError("is binary: it holds NUL characters")
    return text


def _nothing_to_read(root: Path, skipped: list[SkippedFile]) -> tuple[str, str]:
    kinds = ", ".join(sorted(SUFFIXES))
    if not skipped:
        return f"The corpus {str(root)!r} is empty.", f"Put documents ({kinds}) into it."
    shown = "; ".join(f"{file.name}: {file.reason}" for file in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return (
        f"No document in {str(root)!r} can be read ({shown}{more}).",
        f"Put documents ({kinds}, UTF-8) into it.",
    )
