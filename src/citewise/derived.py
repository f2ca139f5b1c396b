"""The vectors of the current generation: loaded if they can be trusted, else rebuilt."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from citewise.database import Database, meta, set_meta
from citewise.errors import IndexFault
from citewise.filing import file_vectors
from citewise.layers import Layers
from citewise.locking import writer_lock
from citewise.opening import LOCK
from citewise.records import added_vectors, removed_passages
from citewise.vectorfile import built
from citewise.vectors import VectorIndex, vectors_path

__all__ = ["DerivedVectors", "KeptVectors", "SearchedVectors", "refuse_other_model"]

_log = logging.getLogger(__name__)


class SearchedVectors(Protocol):
    """The vectors of one state of the index, as ``Layers`` are."""

    @property
    def oversample(self) -> int:
        """Scores are exact if this is 1; else so many times more are to be found, and ranked."""

    def search(
        self, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``k`` best ids and their scores, best first; equal scores by lower id."""


class KeptVectors(Protocol):
    """Where the vectors derived from the database are kept: files beside it, or a server."""

    def current(self, embedder: str) -> SearchedVectors | None:
        """The vectors of what a reader sees; None if there are no passages.

        Raises:
            IndexFault: they were made by another embedding model than ``embedder``.
        """

    def file(self, connection: sqlite3.Connection, *, anew: bool = False) -> None:
        """Write those of the generation in the manifest, inside the transaction that names it."""

    def settle(self) -> None:
        """Tidy up after that transaction."""

    def close(self) -> None:
        """Let go of what is open; it is opened again when needed."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What was loaded, and of which generation; ``file`` tells which vector file it rests on."""

    state: tuple[str, str]
    file: tuple[str, str, str]
    layers: Layers | None


class DerivedVectors:
    """Keeps the vectors that belong to what a reader of the database sees."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._folder = database.path.parent
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def current(self, embedder: str) -> Layers | None:
        """The vectors of the present generation; None if there are no passages.

        Raises:
            IndexFault: they were made by another embedding model than ``embedder``.
        """
        with self._database.reading() as connection:
            manifest = meta(connection)
            refuse_other_model(manifest, embedder, self._folder)
            # The identity, because another index of as many generations may lie here by now.
            state = manifest["identity"], manifest["generation"]
            with self._lock:
                if self._held is None or self._held.state != state:
                    self._held = self._loaded(connection, manifest, state)
                return self._held.layers

    def file(self, connection: sqlite3.Connection, *, anew: bool = False) -> None:
        """As ``file_vectors``."""
        file_vectors(connection, self._folder, anew=anew)

    def settle(self) -> None:
        """Nothing: files of other generations are removed with those of the words."""

    def close(self) -> None:
        """Nothing: no file stays open."""

    def _loaded(
        self, connection: sqlite3.Connection, manifest: dict[str, str], state: tuple[str, str]
    ) -> _Held:
        dimensions, generation = int(manifest["dimensions"]), manifest["vectors_generation"]
        file = manifest["identity"], generation, manifest["vectors_sha256"]
        if not dimensions:
            return _Held(state, file, None)
        if self._held is not None and self._held.file == file and self._held.layers:
            base = self._held.layers.base
        else:
            path = vectors_path(self._folder, int(generation))
            base = VectorIndex.load(path, manifest["vectors_sha256"])
        if base is None:
            count = int(manifest["passage_count"])
            rebuilt = built(connection, dimensions, count).index
            self._write_back(rebuilt, manifest)
            return _Held(state, ("", "", ""), Layers(rebuilt, None, np.empty(0, np.int64)))
        ids, vectors = added_vectors(connection, dimensions)
        added = VectorIndex.build(ids, vectors) if len(ids) else None
        return _Held(state, file, Layers(base, added, removed_passages(connection)))

    def _write_back(self, index: VectorIndex, manifest: dict[str, str]) -> None:
        """Replace a missing or altered file, if that can be done now; searching needs it not."""
        if self._database.read_only:
            return
        lock = writer_lock(self._folder / LOCK)
        with suppress(IndexFault, OSError), lock, self._database.writing() as connection:
            now = meta(connection)
            # Another generation took its file away with good reason.
            if all(now[key] == manifest[key] for key in ("identity", "generation")):
                path = vectors_path(self._folder, int(now["vectors_generation"]))
                _log.warning("%s was missing or altered; rebuilt from the database.", path)
                if connection.execute("SELECT 1 FROM refiled").fetchone():
                    # The words' file knows of the same changes, and must follow.
                    file_vectors(connection, self._folder, anew=True)
                else:
                    set_meta(connection, vectors_sha256=index.save(path))


def refuse_other_model(manifest: dict[str, str], embedder: str, folder: Path) -> None:
    """A question is embedded as the passages were, or finds nothing of use.

    Raises:
        IndexFault: the index was built with another embedding model than ``embedder``.
    """
    if manifest["generation"] != "0" and manifest["embedder"] != embedder:
        raise IndexFault(
            f"The index in {folder} was built with {manifest['embedder']!r}, not {embedder!r}.",
            "Update it with the embedding model in use.",
        )
