"""The index over a corpus: built or updated in one step, searched by meaning and by words.

The folder holds one SQLite file, which is the truth, and FAISS files derived from it. Both can be
deleted at any time, because the documents themselves live elsewhere.
"""

from __future__ import annotations

import contextlib
import difflib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from citewise import filters, lexical, records, updating
from citewise.database import FORMAT, Database, meta
from citewise.derived import DerivedVectors
from citewise.errors import CorpusError, IndexFault
from citewise.lexical import Hit
from citewise.locking import writer_lock
from citewise.opening import LOCK, open_database
from citewise.protocols import Embedder
from citewise.records import DocumentInfo, StoredPassage
from citewise.types import Document, Filter
from citewise.updating import Progress, Split, UpdateSummary
from citewise.vectors import remove_other_generations, vectors_path

__all__ = ["DocumentInfo", "Hit", "Index", "StoredPassage", "UpdateSummary"]


_PATIENCE = 1.0  # Seconds.


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
        """Make the index hold these documents; only new and changed ones are split and embedded.

        All of it becomes visible at once. Whatever stops it, the previous state stays.

        Args:
            documents: told apart by name, compared by ``sha256``.
            split: the passages of a document.
            remove_missing: forget stored documents that are not among ``documents``.
            progress: called with the number of texts embedded so far and their total.

        Raises:
            IndexFault: another writer is at work, the folder cannot be written, no room.
            CorpusError: a document cannot be stored.
            InputError: two documents of one name.
        """
        named = updating.by_name(documents)
        with self._database.reading() as connection:
            todo = self._plan(connection, named, remove_missing)
            if not todo.reason:
                self._tidy(int(meta(connection)["generation"]))
                return updating.summary(connection, todo)
        self._refuse_read_only()
        # A reader that replaces a missing vector file holds the lock for a moment.
        with writer_lock(self.folder / LOCK, wait=_PATIENCE):
            with self._database.writing() as connection:
                # Another process may have been faster: look again, now that none can.
                todo = self._plan(connection, named, remove_missing)
                if todo.reason:
                    updating.apply(
                        connection, todo, named, split, self.embedder, progress, self.folder
                    )
                done = updating.summary(connection, todo)
                generation = int(meta(connection)["generation"])
            remove_other_generations(self.folder, generation)
        self._pending = ""
        return done

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
        ids, scores = index.search(vector, k, within)
        return [Hit(int(i), float(score)) for i, score in zip(ids, scores, strict=True)]

    def lexical(self, question: str, k: int, within: NDArray[np.int64] | None = None) -> list[Hit]:
        """The ``k`` passages that fit best by BM25; any characters are allowed.

        Args:
            within: the only passages looked at, as ``selected`` gives them; all by default.
        """
        with self._database.reading() as connection:
            return lexical.rank_passages(connection, question, k, within)

    def span_scores(self, question: str, passages: Sequence[int]) -> dict[tuple[int, int], float]:
        """BM25 of every span of these passages, by passage id and span number."""
        with self._database.reading() as connection:
            return lexical.score_spans(connection, question, passages)

    def idf(self, term: str) -> float:
        """How rare a term of ``lexical_terms`` is among all spans; higher is rarer."""
        with self._database.reading() as connection:
            return lexical.idf(connection, term)

    def contains(self, term: str) -> bool:
        """Whether any document holds this term of ``lexical_terms``."""
        with self._database.reading() as connection:
            return lexical.contains(connection, term)

    def similar(self, term: str) -> str | None:
        """The stored term that a mistyped ``term`` probably means; None if nothing is near."""
        with self._database.reading() as connection:
            return lexical.similar(connection, term)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """The passages with these ids, in that order; those removed since are left out."""
        with self._database.reading() as connection:
            return records.read_passages(connection, ids)

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
        with self._database.reading() as connection:
            manifest = meta(connection)
            documents, characters = connection.execute(
                "SELECT count(*), coalesce(sum(characters), 0) FROM documents"
            ).fetchone()
            (passages,) = connection.execute("SELECT count(*) FROM passages").fetchone()
        return {
            "documents": documents,
            "characters": characters,
            "passages": passages,
            "spans": int(manifest["span_count"]),
            "dimensions": int(manifest["dimensions"]),
            "embedder": manifest["embedder"],
            "generation": int(manifest["generation"]),
            "format": FORMAT,
            "bytes": sum(_size(file) for file in self.folder.iterdir()),
            "path": str(self.folder),
        }

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

    def _plan(
        self, connection: sqlite3.Connection, named: dict[str, Document], remove_missing: bool
    ) -> updating.Plan:
        return updating.plan(
            connection, named, self.embedder, remove_missing=remove_missing, pending=self._pending
        )

    def _tidy(self, generation: int) -> None:
        """Remove what a crash left behind, unless somebody is writing just now."""
        current = vectors_path(self.folder, generation)
        left = any(path != current for path in self.folder.glob("vectors-*.faiss*"))
        if left and not self._database.read_only:
            with contextlib.suppress(IndexFault), writer_lock(self.folder / LOCK):
                remove_other_generations(self.folder, generation)

    def _refuse_read_only(self) -> None:
        if self._database.read_only:
            raise IndexFault(
                f"The documents differ from the index in {self.folder}, which cannot be written.",
                "Make the folder writable, or choose another index folder.",
            )


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)[:3]
    quoted = ", ".join(repr(other) for other in near)
    return f"Nearest: {quoted}." if near else "The index is empty: update it first."


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # Gone since it was listed: a side file of SQLite, or an older generation.
        return 0
