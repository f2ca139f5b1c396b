"""The rows that passages become, collected and written at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from citewise.records import passage_text
from citewise.spacedterms import passage_terms, spaced_terms
from citewise.stores.postgres.rows import copy_rows, stored_terms, tsvector
from citewise.types import Passage
from citewise.vectorstore import Key, key_of

if TYPE_CHECKING:
    import psycopg

__all__ = ["PassageRows"]


class PassageRows:
    """Collects the rows of passages, to be written at once."""

    def __init__(self, collection: int, embedder: str, vectors: Mapping[Key, int]) -> None:
        self._collection = collection
        self._embedder = embedder
        self._vectors = vectors
        self._tables: dict[str, list[tuple[Any, ...]]] = {"passages": [], "spans": [], "words": []}

    def take(self, number: int, document: int, passage: Passage) -> None:
        """Add a passage with its spans and words."""
        vector = self._vectors[key_of(self._embedder, passage_text(passage), "<f4")]
        place = (passage.start, passage.end, passage.page, passage.kind)
        texts = (passage.heading.encode(), passage.text.encode())
        self._tables["passages"].append(
            (number, self._collection, document, *place, *texts, vector)
        )
        spaced = [stored_terms(spaced_terms(span.rendered)) for span in passage.spans]
        for at, (span, terms) in enumerate(zip(passage.spans, spaced, strict=True)):
            words = passage.text[span.start - passage.start : span.end - passage.start]
            rendered = None if words == span.rendered else span.rendered.encode()
            vector = self._vectors[key_of(self._embedder, span.rendered, "<f2")]
            size = len(terms.split())
            self._tables["spans"].append(
                (number, at, span.start, span.end, size, vector, span.kind, rendered, terms)
            )
        found = stored_terms(passage_terms(passage.heading, passage.text, spaced)).split()
        self._tables["words"].append(
            (number, self._collection, document, len(found), tsvector(self._collection, found))
        )

    def store(self, connection: psycopg.Connection[Any]) -> None:
        """Write them."""
        for table, rows in self._tables.items():
            copy_rows(connection, table, rows)
