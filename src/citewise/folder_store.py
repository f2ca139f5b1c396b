"""An index in a folder, as an update sees it: SQLite rows, and files derived from them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from citewise.database import Database, meta, set_meta
from citewise.errors import IndexFault
from citewise.locking import writer_lock
from citewise.opening import LOCK
from citewise.planning import Known, known
from citewise.publishing import Outcome, leftovers, publish, sweep
from citewise.schema import LIVE, STAGED
from citewise.staging import Piece
from citewise.storing import add_passages, begin_document, complete_document, delete_document
from citewise.vectors import remove_other_generations, vectors_path
from citewise.vectorstore import Key, add_vectors, known_vectors

__all__ = ["FolderStore"]

# Seconds. A reader that replaces a missing vector file holds the lock for a moment.
_PATIENCE = 1.0


class FolderStore:
    """Meets ``Store`` with a database and the files beside it.

    Args:
        pending: why the index was emptied when it was opened, or "".
    """

    def __init__(self, database: Database, pending: str = "") -> None:
        self.place = str(database.path.parent)
        self.read_only = database.read_only
        self._database = database
        self._folder = database.path.parent
        self._pending = pending

    def known(self) -> Known:
        """What the index knows now."""
        # Not for longer than this: an open transaction keeps SQLite's log from being folded in.
        with self._database.reading() as connection:
            return replace(known(connection), pending=self._pending)

    @contextlib.contextmanager
    def writing(self) -> Iterator[_FolderWriter]:
        """Hold the writer's lock for the length of the block."""
        with writer_lock(self._folder / LOCK, wait=_PATIENCE):
            yield _FolderWriter(self._database)

    def tidy(self, *, leftovers: bool) -> None:
        """Remove files of other generations, and rows that were prepared in vain."""
        if self.read_only:
            return
        generation, prepared = self._remains(leftovers)
        current = vectors_path(self._folder, generation)
        files = any(path != current for path in self._folder.glob("vectors-*.faiss*"))
        if not files and not prepared:
            return
        with contextlib.suppress(IndexFault), writer_lock(self._folder / LOCK):
            if prepared:
                with self._database.writing() as connection:
                    sweep(connection)
            remove_other_generations(self._folder, generation)

    def _remains(self, wanted: bool) -> tuple[int, list[int]]:
        with self._database.reading() as connection:
            generation = int(meta(connection)["vectors_generation"])
            return generation, leftovers(connection) if wanted else []


class _FolderWriter:
    """Meets ``Writer``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[Key, int] = {}
        self._open = 0

    def prepared(self, embedder: str) -> dict[tuple[str, str], int]:
        with self._database.reading() as connection:
            usable = meta(connection).get("staged_embedder") == embedder
            rows = connection.execute(
                "SELECT id, name, sha256, state FROM documents WHERE state != ?", (LIVE,)
            ).fetchall()
        if usable:
            return {(name, sha256): i for i, name, sha256, state in rows if state == STAGED}
        with self._database.writing() as connection:
            for row in rows:
                delete_document(connection, row[0])
            set_meta(connection, staged_embedder=embedder)
        return {}

    def held(self, keys: Iterable[Key]) -> Collection[Key]:
        with self._database.reading() as connection:
            self._known = known_vectors(connection, keys)
        return self._known.keys()

    def add(
        self, pieces: Sequence[Piece], vectors: Mapping[Key, bytes], embedder: str
    ) -> dict[str, int]:
        complete = {}
        with self._database.writing() as connection:
            ids = self._known | add_vectors(connection, vectors)
            for piece in pieces:
                if piece.first:
                    self._open = begin_document(connection, piece.document)
                add_passages(connection, self._open, piece.passages, embedder, ids)
                if piece.last:
                    complete_document(connection, self._open)
                    complete[piece.document.name] = self._open
        return complete

    def publish(self, outcome: Outcome, embedder: str) -> int:
        folder = self._database.path.parent
        with self._database.writing() as connection:
            publish(connection, outcome, embedder, folder)
            manifest = meta(connection)
        remove_other_generations(folder, int(manifest["vectors_generation"]))
        return int(manifest["passage_count"])

    def discard(self) -> None:
        with self._database.writing() as connection:
            sweep(connection)
