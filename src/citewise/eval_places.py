"""Where quoted words stand in a corpus, and what a reader sees around them there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

from citewise.errors import CitewiseError
from citewise.splitting import split
from citewise.types import Document, Passage, Span

__all__ = ["Library", "Place", "Places"]

Place: TypeAlias = tuple[str, int, int]
"""Document name, start, end."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class Library(Protocol):
    """The documents of an ``Assistant``."""

    def documents(self) -> Sequence[_Named]:
        """What there is, each with its name."""
        ...

    def document(self, name: str) -> Document:
        """The stored document of that name.

        Raises:
            CitewiseError: there is none.
        """
        ...


class Places:
    """Finds words in the documents of a library; each is read and split once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._names = [document.name for document in library.documents()]
        self._documents: dict[str, Document | None] = {}
        self._passages: dict[str, tuple[Passage, ...]] = {}

    def exact(self, quote: str, name: str | None = None) -> Place | None:
        """Where the quote first stands, character by character; only in ``name`` if it is given."""
        for document in self._among(name):
            start = document.text.find(quote)
            if quote and start >= 0:
                return document.name, start, start + len(quote)
        return None

    def loose(self, text: str) -> Place | None:
        """Where the words first stand, whatever the white space between them.

        For what a retriever gave: chunks are often stripped, and their lines joined.
        """
        found = self.exact(text)
        if found or not text.split():
            return found
        pattern = re.compile(r"\s+".join(map(re.escape, text.split())))
        for document in self._among(None):
            if match := pattern.search(document.text):
                return document.name, match.start(), match.end()
        return None

    def text(self, place: Place) -> str | None:
        """The words at a place; None where there are none."""
        name, start, end = place
        document = self._document(name)
        if document is None or not 0 <= start < end <= len(document.text):
            return None
        return document.text[start:end]

    def heading(self, place: Place) -> tuple[str, int | None]:
        """Heading and page of the passage at a place."""
        name, start, end = place
        for passage in self._split(name):
            if passage.start < end and start < passage.end:
                return passage.heading, passage.page
        return "", None

    def with_columns(self, place: Place) -> str:
        """The words at a place; each whole table row among them again, with its columns' names."""
        name, start, end = place
        rows = [s.rendered for s in self._rows(name) if start <= s.start and s.end <= end]
        return "\n".join((self.text(place) or "", *rows))

    def _rows(self, name: str) -> Iterable[Span]:
        return (s for passage in self._split(name) for s in passage.spans if s.kind == "row")

    def _split(self, name: str) -> tuple[Passage, ...]:
        if name not in self._passages:
            document = self._document(name)
            self._passages[name] = split(document) if document else ()
        return self._passages[name]

    def _among(self, name: str | None) -> Iterable[Document]:
        names = self._names if name is None else [name]
        return (document for each in names if (document := self._document(each)))

    def _document(self, name: str) -> Document | None:
        if name not in self._documents:
            try:
                self._documents[name] = self._library.document(name)
            except CitewiseError:
                self._documents[name] = None
        return self._documents[name]
