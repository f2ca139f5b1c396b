"""An index in PostgreSQL: what is asked is asked there, and nothing is kept here but small caches.

Each cache belongs to one generation of the collection, which every reader's transaction tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewise.errors import IndexFault
from citewise.index import Index, no_document
from citewise.index_check import CheckReport
from citewise.lexical import Hit, scored_spans
from citewise.metering import Progress
from citewise.protocols import Embedder
from citewise.records import DocumentInfo, StoredPassage
from citewise.stores.postgres import records, vectors
from citewise.stores.postgres.address import Address
from citewise.stores.postgres.check import check_collection
from citewise.stores.postgres.database import Database
from citewise.stores.postgres.mending import mend_collection
from citewise.stores.postgres.stats import index_stats
from citewise.stores.postgres.words import Vocabularies
from citewise.stores.postgres.writer import PostgresStore
from citewise.types import Document, Filter

__all__ = ["PostgresIndex"]


class PostgresIndex(Index):
    """Meets ``Index`` with one collection of a PostgreSQL store.

    Attributes:
        database: its connections.
    """

    def __init__(self, database: Database, embedder: Embedder) -> None:
        super().__init__(Path(database.place), embedder, PostgresStore(database))
        self.database = database
        self._words = Vocabularies()

    @classmethod
    def at(cls, address: str, embedder: Embedder, collection: str = "") -> PostgresIndex:
        """Open a collection of the store at an address; the store's tables are made if needed.

        Raises:
            InputError: it is no such address, or psycopg is not installed.
            IndexFault: not reachable, not usable, or of a newer format.
        """
        return cls(Database(Address.parse(address), collection), embedder)

    def check(self, progress: Progress | None = None) -> CheckReport:
        return check_collection(self.database, progress)

    def repair(self, report: CheckReport) -> None:
        mend_collection(self.database, report.bad_documents)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self.database.reading():
            yield

    def expect(self, terms: Iterable[str]) -> None:
        with self.database.reading() as reading:
            self._words.current(reading).frequencies(reading, terms)

    def selected(self, where: Filter) -> NDArray[np.int64]:
        with self.database.reading() as reading:
            return records.selected(reading, where)

    def dense(
        self, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        with self.database.reading() as reading:
            manifest = reading.manifest
            if manifest.generation and manifest.embedder != self.embedder.name:
                raise IndexFault(
                    f"The index in {self.database.place} was built with {manifest.embedder!r}, "
                    f"not {self.embedder.name!r}.",
                    "Update it with the embedding model in use.",
                )
            if not manifest.passage_count:
                return []
            return vectors.nearest(reading, vector, k, within)

    def lexical(
        self, question: str | Sequence[str], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        with self.database.reading() as reading:
            return self._words.current(reading).rank(reading, question, k, within)

    def span_scores(
        self, question: str | Sequence[str], passages: Sequence[StoredPassage]
    ) -> dict[tuple[int, int], float]:
        with self.database.reading() as reading:
            words = self._words.current(reading)
            known = words.known(reading, question)
            weights = {term: words.idf(one) for term, one in known.items()}
            return scored_spans(passages, weights, words.average_span)

    def idf(self, term: str) -> float:
        with self.database.reading() as reading:
            words = self._words.current(reading)
            return words.idf(words.frequencies(reading, [term])[term])

    def contains(self, term: str) -> bool:
        with self.database.reading() as reading:
            words = self._words.current(reading)
            return words.frequencies(reading, [term])[term].passages > 0

    def similar(self, term: str) -> str | None:
        with self.database.reading() as reading:
            return self._words.current(reading).similar(reading, term)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        with self.database.reading() as reading:
            return records.read_passages(reading, ids)

    def homes(self, ids: Sequence[int]) -> dict[int, int]:
        with self.database.reading() as reading:
            return records.homes_of(reading, ids)

    def document(self, name: str) -> Document:
        with self.database.reading() as reading:
            document = records.read_document(reading, name)
            if document is None:
                raise no_document(name, records.names(reading))
            return document

    def documents(self) -> list[DocumentInfo]:
        with self.database.reading() as reading:
            return records.document_infos(reading)

    def stats(self) -> dict[str, int | str]:
        with self.database.reading() as reading:
            return index_stats(reading, self.database.place)

    def identity(self) -> str:
        try:
            with self.database.reading() as reading:
                return reading.manifest.identity if reading.manifest.generation else ""
        except IndexFault:
            return ""

    def close(self) -> None:
        self.database.close()
