"""Reading a corpus: files into Documents, each that cannot be used reported with its reason.

``list_files`` says what there is, ``read_sources`` reads; ``read_corpus`` does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import CorpusError
from citewise.files import Listing, SkippedFile, SourceFile, list_files, safe_name
from citewise.plaintext import read_plain
from citewise.types import Document

__all__ = [
    "Corpus",
    "Listing",
    "Reading",
    "SkippedFile",
    "SourceFile",
    "list_files",
    "nothing_to_read",
    "read_corpus",
    "read_file",
    "read_sources",
]


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read from ``root``: documents sorted by name, and the files left out."""

    root: Path
    documents: tuple[Document, ...]
    skipped: tuple[SkippedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file gave: usually one document, from an archive several; and what it did not."""

    documents: tuple[Document, ...]
    skipped: tuple[SkippedFile, ...] = ()


def read_corpus(root: Path) -> Corpus:
    """Read every file of a known format under ``root``, or the one file that ``root`` is.

    Raises:
        CorpusError: ``root`` does not exist, or holds no document that can be read.
    """
    listing = list_files(root)
    documents: list[Document] = []
    skipped = list(listing.skipped)
    for _, reading in read_sources(listing.files):
        documents.extend(reading.documents)
        skipped.extend(reading.skipped)
    if not documents:
        raise CorpusError(*nothing_to_read(root, skipped))
    documents.sort(key=lambda document: document.name)
    return Corpus(root, tuple(documents), tuple(skipped))


def read_sources(files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
    """Read listed files one after the other; a file that cannot be used gives its reason."""
    for file in files:
        yield file, read_plain_source(file)


def read_file(path: Path, name: str = "") -> Reading:
    """Read one file, under ``name`` if given, else under its own.

    Raises:
        OSError: there is no such file.
    """
    status = path.stat()
    source = SourceFile(safe_name(name or path.name), path, status.st_size, status.st_mtime_ns)
    ((_, reading),) = read_sources([source])
    return reading


def read_plain_source(file: SourceFile) -> Reading:
    """Read a text file in this process."""
    found = read_plain(file)
    if isinstance(found, SkippedFile):
        return Reading((), (found,))
    return Reading((found,))


def nothing_to_read(root: Path, skipped: Sequence[SkippedFile]) -> tuple[str, str]:
    """What to say of a corpus that gave no document: the problem and the remedy."""
    remedy = "Put documents into it: text, Markdown, PDF, Word and others; see docs/documents.md."
    if not skipped:
        return f"The corpus {str(root)!r} is empty.", remedy
    shown = "; ".join(f"{file.name}: {file.reason}" for file in skipped[:5])
    more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
    return f"No document in {str(root)!r} can be read ({shown}{more}).", remedy
