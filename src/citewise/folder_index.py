"""An index in a folder: one SQLite file, which is the truth, and FAISS files derived from it.

Both can be deleted at any time, because the documents themselves live elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewise import filters, lexical, records
from citewise.database import Database, meta
from citewise.derived import DerivedVectors
from citewise.derivedwords import DerivedWords
from citewise.errors import IndexFault
from citewise.folder_store import FolderStore
from citewise.index import Index, no_document
from citewise.index_check import CheckReport, check_index
from citewise.index_repair import repair_index
from citewise.index_stats import index_stats
from citewise.lexical import Hit
from citewise.metering import Progress
from citewise.opening import open_database
from citewise.protocols import Embedder
from citewise.records import DocumentInfo, StoredPassage
from citewise.types import Document, Filter

__all__ = ["FolderIndex"]


class FolderIndex(Index):
    """Meets ``Index`` with files in a folder; made by ``open``."""

    def __init__(self, database: Database, embedder: Embedder, pending: str = "") -> None:
        super().__init__(database.path.parent, embedder, FolderStore(database, pending))
        self._database = database
        self._vectors = DerivedVectors(database)
        self._words = DerivedWords(database)

    @classmethod
    def open(cls, path: Path, embedder: Embedder) -> FolderIndex:
        """As ``Index.open``."""
        database, pending = open_database(Path(path))
        return cls(database, embedder, pending)

    def check(self, progress: Progress | None = None) -> CheckReport:
        return check_index(self._database, progress)

    def repair(self, report: CheckReport) -> None:
        repair_index(self._database, report)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._database.reading():
            yield

    def selected(self, where: Filter) -> NDArray[np.int64]:
        with self._database.reading() as connection:
            documents = filters.matching_documents(connection, where)
            return records.passages_of(connection, documents)

    def dense(
        self, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        index = self._vectors.current(self.embedder.name)
        if index is None:
            return []
        ids, scores = index.search(vector, k * index.oversample, within)
        if index.oversample > 1:
            ids, scores = self._ranked_exactly(vector, ids, k)
        return [Hit(int(i), float(score)) for i, score in zip(ids, scores, strict=True)]

    def _ranked_exactly(
        self, vector: NDArray[np.float32], ids: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        with self._database.reading() as connection:
            found, vectors = records.vectors_of(connection, ids, len(vector))
        scores = vectors @ vector
        best = np.lexsort((found, -scores))[:k]
        return found[best], scores[best]

    def lexical(
        self, question: str | Sequence[str], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        with self._database.reading() as connection:
            vocabulary = self._words.current(connection)
            return lexical.rank_passages(connection, question, k, vocabulary, within)

    def span_scores(
        self, question: str | Sequence[str], passages: Sequence[StoredPassage]
    ) -> dict[tuple[int, int], float]:
        with self._database.reading() as connection:
            vocabulary = self._words.current(connection)
            return lexical.score_spans(connection, question, passages, vocabulary)

    def idf(self, term: str) -> float:
        with self._database.reading() as connection:
            return self._words.current(connection).idf(connection, term)

    def contains(self, term: str) -> bool:
        with self._database.reading() as connection:
            return self._words.current(connection).passages(connection, term) > 0

    def similar(self, term: str) -> str | None:
        with self._database.reading() as connection:
            return self._words.current(connection).similar(connection, term)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        with self._database.reading() as connection:
            return records.read_passages(connection, ids)

    def homes(self, ids: Sequence[int]) -> dict[int, int]:
        with self._database.reading() as connection:
            return records.homes_of(connection, ids)

    def document(self, name: str) -> Document:
        with self._database.reading() as connection:
            document = records.read_document(connection, name)
            if document is None:
                raise no_document(name, list(records.digests(connection)))
            return document

    def documents(self) -> list[DocumentInfo]:
        with self._database.reading() as connection:
            return records.document_infos(connection)

    def stats(self) -> dict[str, int | str]:
        return index_stats(self._database)

    def identity(self) -> str:
        try:
            with self._database.reading() as connection:
                manifest = meta(connection)
        except IndexFault:
            return ""
        return manifest["identity"] if manifest["generation"] != "0" else ""

    def close(self) -> None:
        self._database.close()
