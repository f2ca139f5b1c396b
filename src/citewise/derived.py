"""The FAISS index of the current generation: loaded if it can be trusted, else rebuilt."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import suppress

from citewise.database import Database, meta, set_meta
from citewise.errors import IndexFault
from citewise.locking import writer_lock
from citewise.opening import LOCK
from citewise.records import all_vectors
from citewise.vectors import VectorIndex, vectors_path

__all__ = ["DerivedVectors"]

_log = logging.getLogger(__name__)


class DerivedVectors:
    """Keeps the vector index that belongs to what a reader of the database sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._folder = database.path.parent
        self._lock = threading.Lock()
        self._held: tuple[int, VectorIndex | None] = (-1, None)

    def current(self, embedder: str) -> VectorIndex | None:
        """The vectors of the present generation; None if there are no passages.

        Raises:
            IndexFault: they were made by another embedding model than ``embedder``.
        """
        with self._database.reading() as connection:
            manifest = meta(connection)
            if manifest["generation"] != "0" and manifest["embedder"] != embedder:
                raise IndexFault(
                    f"The index in {self._folder} was built with {manifest['embedder']!r}, "
                    f"not {embedder!r}.",
                    "Update it with the embedding model in use.",
                )
            generation = int(manifest["generation"])
            with self._lock:
                if self._held[0] != generation:
                    self._held = (generation, self._loaded(connection, manifest))
                return self._held[1]

    def _loaded(
        self, connection: sqlite3.Connection, manifest: dict[str, str]
    ) -> VectorIndex | None:
        dimensions, generation = int(manifest["dimensions"]), int(manifest["generation"])
        if not dimensions:
            return None
        path = vectors_path(self._folder, generation)
        index = VectorIndex.load(path, manifest["vectors_sha256"])
        if index is None:
            index = VectorIndex.build(*all_vectors(connection, dimensions))
            self._write_back(index, generation)
        return index

    def _write_back(self, index: VectorIndex, generation: int) -> None:
        """Replace a missing or altered file, if that can be done now; searching needs it not."""
        if self._database.read_only:
            return
        lock = writer_lock(self._folder / LOCK)
        with suppress(IndexFault, OSError), lock, self._database.writing() as connection:
            # A newer generation took its file away with good reason.
            if int(meta(connection)["generation"]) == generation:
                path = vectors_path(self._folder, generation)
                _log.warning("%s was missing or altered; rebuilt from the database.", path)
                set_meta(connection, vectors_sha256=index.save(path))
