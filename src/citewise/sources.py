"""Where documents come from: a folder, listed cheaply and read file by file, or a plain list."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from citewise.documents import (
    Listing,
    Reading,
    SkippedFile,
    SourceFile,
    list_files,
    nothing_to_read,
    read_sources,
)
from citewise.errors import CorpusError, InputError
from citewise.files import require_corpus
from citewise.remote_address import Corpus, RemoteAddress
from citewise.types import Document

__all__ = ["DocumentSource", "FolderSource", "PreparingSource", "Source", "source_of"]


class Source(Protocol):
    """Gives an update its documents; a file's ``mtime_ns`` is 0 where no time is known.

    ``lasting``: the documents lie where they can be read again. One that cannot be stored is then
    left out and does not stop the update, and what an interrupted update had prepared is kept.
    """

    lasting: bool

    def listing(self) -> Listing:
        """What there is, without reading any of it."""
        ...

    def digest(self, file: SourceFile) -> str:
        """The SHA-256 of a file's bytes; OSError if it cannot be read."""
        ...

    def read(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
        """The documents in each of these files."""
        ...

    def refuse_empty(self, skipped: Sequence[SkippedFile]) -> None:
        """Raise CorpusError if a corpus without any document is taken for a mistake."""
        ...


@runtime_checkable
class PreparingSource(Protocol):
    """A ``Source`` whose ``read`` also splits and embeds, and can pass over what is stored."""

    def pass_over(self, prepared: Collection[tuple[str, str]], replaced: Sequence[str]) -> None:
        """Told before ``read``.

        Args:
            prepared: documents, by name and digest, whose passages and vectors are stored.
            replaced: names of stored documents, of whose vectors new ones may make use.
        """
        ...


class FolderSource:
    """Meets ``Source`` with the files under ``root``, or the one file that it is."""

    lasting = True

    def __init__(self, root: Path) -> None:
        self.root = root

    def listing(self) -> Listing:
        """The files, sorted by name.

        Raises:
            CorpusError: ``root`` does not exist.
        """
        return list_files(self.root)

    def digest(self, file: SourceFile) -> str:
        """The SHA-256 of the file's bytes."""
        # What was a file when it was listed may have become a pipe that nobody writes to.
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        digest = hashlib.sha256()
        with open(os.open(file.path, flags), "rb") as opened:  # noqa: PTH123
            while block := opened.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def read(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
        """The documents in each of these files."""
        return read_sources(files)

    def refuse_empty(self, skipped: Sequence[SkippedFile]) -> None:
        """A folder of which nothing is left is rather one that is not mounted."""
        raise CorpusError(*nothing_to_read(self.root, skipped))


class DocumentSource:
    """Meets ``Source`` with documents that are there already, each as if it were a file.

    Raises:
        InputError: two have the same name.
    """

    lasting = False

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents: dict[str, Document] = {}
        for document in documents:
            if document.name in self._documents:
                raise InputError(
                    f"Two documents are called {document.name!r}.", "Give each a name of its own."
                )
            self._documents[document.name] = document

    def listing(self) -> Listing:
        """The documents, in the order given."""
        named = self._documents.items()
        files = (SourceFile(name, Path(name), len(document.text), 0) for name, document in named)
        return Listing(Path(), tuple(files))

    def digest(self, file: SourceFile) -> str:
        """The digest that the document came with."""
        return self._documents[file.name].sha256

    def read(self, files: Iterable[SourceFile]) -> Iterator[tuple[SourceFile, Reading]]:
        """The documents of these names."""
        for file in files:
            yield file, Reading((self._documents[file.name],))

    def refuse_empty(self, skipped: Sequence[SkippedFile]) -> None:
        """No documents may be given."""


def source_of(corpus: Corpus) -> Source:
    """The documents in a folder, or behind an address, which must exist.

    Raises:
        CorpusError: it does not, or nothing is installed that opens such an address.
    """
    if isinstance(corpus, RemoteAddress):
        from citewise.remote_source import RemoteSource

        remote = RemoteSource(corpus)
        remote.require()
        return remote
    require_corpus(corpus)
    return FolderSource(corpus)
