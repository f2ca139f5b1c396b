"""The index over a corpus: built or updated in one step, searched by meaning and by words.

The folder holds one SQLite file, which is the truth, and FAISS files derived from it. Both can be
deleted at any time, because the documents themselves live elsewhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from citewise import filters, lexical, records
from citewise.database import Database, meta
from citewise.derived import DerivedVectors
from citewise.derivedwords import DerivedWords
from citewise.errors import CorpusError, IndexFault
from citewise.index_stats import index_stats
from citewise.lexical import Hit
from citewise.metering import Progress, Step
from citewise.opening import open_database
from citewise.protocols import Embedder
from citewise.records import DocumentInfo, StoredPassage
from citewise.refreshing import Refreshing
from citewise.sources import DocumentSource, Source
from citewise.staging import Split
from citewise.types import Document, Filter
from citewise.updating import Changes, UpdateSummary

__all__ = [
    "Changes",
    "DocumentInfo",
    "Hit",
    "Index",
    "Step",
    "StoredPassage",
    "UpdateSummary",
]


class Index:
    """Documents, passages and spans, ready to be searched. Safe to share between threads.

    One process writes, any number read; a reader sees the old or the new state, never a mixture.
    Made by ``Index.open``.
    """

    def __init__(self, database: Database, embedder: Embedder, pending: str = "") -> None:
        self.folder = database.path.parent
        self.embedder = embedder
        self._database = database
        self._vectors = DerivedVectors(database)
        self._words = DerivedWords(database)
        self._pending = pending

    @classmethod
    def open(cls, path: Path, embedder: Embedder) -> Index:
        """Open the index in the folder ``path``, creating it if needed.

        A damaged database is moved aside and an empty one put in its place; ``update`` fills it.

        Raises:
            IndexFault: not a folder, not readable, not writable and empty, or of a newer format.
        """
        database, pending = open_database(Path(path))
        return cls(database, embedder, pending)

    def update(
        self,
        documents: Iterable[Document],
        split: Split,
        *,
        remove_missing: bool = True,
        progress: Progress | None = None,
    ) -> UpdateSummary:
        """Make the index hold these documents; as ``refresh``, but for documents at hand.

        Args:
            documents: told apart by name, compared by ``sha256``.

        Raises:
            CorpusError: a document cannot be stored.
            InputError: two documents of one name.
        """
        source = DocumentSource(documents)
        return self.refresh(source, split, remove_missing=remove_missing, progress=progress)

    def refresh(
        self,
        source: Source,
        split: Split,
        *,
        remove_missing: bool = True,
        thorough: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> UpdateSummary:
        """Make the index hold what ``source`` holds; only what differs is read and embedded.

        All of it becomes visible at once. Whatever stops it, the previous state stays, and what
        was embedded until then is not embedded again.

        Args:
            split: the passages of a document.
            remove_missing: forget stored documents that ``source`` does not hold.
            thorough: compare contents even where size and time of a file are the same.
            dry_run: only tell what would be done.
            progress: called now and then.

        Raises:
            IndexFault: another writer is at work, the folder cannot be written, no room.
            CorpusError: the corpus does not exist, or nothing in it can be read.
            InputError: the embedding model changed, and not all stored documents are there.
        """
        refreshing = Refreshing(
            self._database, self.embedder, source, split, remove_missing, thorough, progress
        )
        summary = refreshing.run(self._pending, dry_run=dry_run)
        if not dry_run:
            self._pending = ""
        return summary

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the index for all that this thread asks inside the block."""
        with self._database.reading():
            yield

    def selected(self, where: Filter) -> NDArray[np.int64]:
        """The ids of the passages that a checked filter lets through, in ascending order.

        Raises:
            InputError: it names what the index does not hold, or no document fits it.
        """
        with self._database.reading() as connection:
            documents = filters.matching_documents(connection, where)
            return records.passages_of(connection, documents)

    def dense(
        self, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """The ``k`` passages nearest to a unit vector, shape ``(dimensions,)``, by cosine.

        Args:
            within: the only passages looked at, as ``selected`` gives them; all by default.

        Raises:
            IndexFault: built with another embedding model, or the vector has another length.
            InputError: the vector holds NaN or infinity.
        """
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
        """The ``k`` passages that fit best by BM25; any characters are allowed.

        Args:
            question: a text, or its terms.
            within: the only passages looked at, as ``selected`` gives them; all by default.
        """
        with self._database.reading() as connection:
            vocabulary = self._words.current(connection)
            return lexical.rank_passages(connection, question, k, vocabulary, within)

    def span_scores(
        self, question: str | Sequence[str], passages: Sequence[StoredPassage]
    ) -> dict[tuple[int, int], float]:
        """BM25 of every span of these passages, by passage id and span number."""
        with self._database.reading() as connection:
            vocabulary = self._words.current(connection)
            return lexical.score_spans(connection, question, passages, vocabulary)

    def idf(self, term: str) -> float:
        """How rare a term of ``lexical_terms`` is among all spans; higher is rarer."""
        with self._database.reading() as connection:
            return self._words.current(connection).idf(connection, term)

    def contains(self, term: str) -> bool:
        """Whether any document holds this term of ``lexical_terms``."""
        with self._database.reading() as connection:
            return self._words.current(connection).passages(connection, term) > 0

    def similar(self, term: str) -> str | None:
        """The stored term that a mistyped ``term`` probably means; None if nothing is near."""
        with self._database.reading() as connection:
            return self._words.current(connection).similar(connection, term)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """The passages with these ids, in that order; those removed since are left out."""
        with self._database.reading() as connection:
            return records.read_passages(connection, ids)

    def homes(self, ids: Sequence[int]) -> dict[int, int]:
        """What tells the document of each of these passages; those removed since are left out."""
        with self._database.reading() as connection:
            return records.homes_of(connection, ids)

    def document(self, name: str) -> Document:
        """The stored document.

        Raises:
            CorpusError: there is none of that name.
            IndexFault: its text is no longer what was stored.
        """
        with self._database.reading() as connection:
            document = records.read_document(connection, name)
            if document is None:
                names = list(records.digests(connection))
                raise CorpusError(f"There is no document {name!r}.", _nearest(name, names))
            return document

    def documents(self) -> list[DocumentInfo]:
        """What is stored, by name."""
        with self._database.reading() as connection:
            return records.document_infos(connection)

    def stats(self) -> dict[str, int | str]:
        """Counts, the manifest's entries, and the size of the folder in bytes."""
        return index_stats(self._database)

    def identity(self) -> str:
        """What tells this index from any other, such as one built in its place; "" if it is gone.

        Empty too as long as nothing was ever published in it.
        """
        try:
            with self._database.reading() as connection:
                manifest = meta(connection)
        except IndexFault:
            return ""
        return manifest["identity"] if manifest["generation"] != "0" else ""

    def close(self) -> None:
        """Close what is open; the index stays usable."""
        self._database.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)[:3]
    quoted = ", ".join(repr(other) for other in near)
    return f"Nearest: {quoted}." if near else "The index is empty: update it first."
