"""An index whose vectors are in Milvus Lite, every write of which can be watched or cut short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from citewise.folder_index import FolderIndex
from citewise.opening import open_database
from citewise.records import all_vectors
from citewise.stores.milvus.address import MilvusAddress
from citewise.stores.milvus.client import MilvusServer
from citewise.stores.milvus.marker import MARKER, read_marker
from citewise.stores.milvus.rows import difference, wanted
from citewise.stores.milvus.vectors import MilvusVectors
from doubles import HashEmbedder

__all__ = ["MilvusIndex", "WatchedServer", "opened_milvus"]


class WatchedServer(MilvusServer):
    """A real server; ``before`` and ``after`` are called around each write, with what it is."""

    def __init__(self, address: MilvusAddress) -> None:
        super().__init__(address)
        self.before: Callable[[str], None] = lambda what: None
        self.after: Callable[[str], None] = lambda what: None
        self.searches = 0

    def write(self, name: str, rows: Any) -> None:
        what = f"marker {rows[0].key.count(' ') + 1}" if rows and rows[0].id == MARKER else "rows"
        self._watched(what, lambda: super(WatchedServer, self).write(name, rows))

    def delete(self, name: str, ids: Any) -> None:
        self._watched("delete", lambda: super(WatchedServer, self).delete(name, ids))

    def settle(self, name: str) -> None:
        self._watched("settle", lambda: super(WatchedServer, self).settle(name))

    def drop(self, name: str) -> None:
        self._watched("drop", lambda: super(WatchedServer, self).drop(name))

    def nearest(self, *arguments: Any) -> Any:
        self.searches += 1
        return super().nearest(*arguments)

    def _watched(self, what: str, write: Callable[[], None]) -> None:
        self.before(what)
        write()
        self.after(what)


class MilvusIndex(FolderIndex):
    """An index and its server."""

    server: WatchedServer
    kept: MilvusVectors

    def exactly(self, vector: Any, k: int, within: Any = None) -> list[tuple[int, float]]:
        """What exact search over the database finds."""
        with self._database.reading() as connection:
            ids, vectors = all_vectors(connection, len(vector))
        if within is not None:
            ids, vectors = ids[np.isin(ids, within)], vectors[np.isin(ids, within)]
        scores = vectors @ vector
        best = np.lexsort((ids, -scores))[:k]
        return [(int(ids[i]), round(float(scores[i]), 5)) for i in best]

    def found(self, vector: Any, k: int, within: Any = None) -> list[tuple[int, float]]:
        """What it finds by meaning."""
        return [(hit.id, round(hit.score, 5)) for hit in self.dense(vector, k, within)]

    def collection(self) -> str:
        """The name of its collection in Milvus."""
        (name,) = self.server.names(f"citewise_{self.identity()}")
        return name

    def marker(self) -> tuple[str, ...]:
        """What the marker names."""
        return read_marker(self.server, self.collection())

    def differs(self) -> tuple[list[int], list[int]]:
        """The passages that Milvus lacks or has wrong, and those it has too many."""
        with self._database.reading() as connection:
            should = wanted(connection)
        missing, extra = difference(self.server.held(self.collection(), MARKER), should)
        return missing.tolist(), extra.tolist()


def opened_milvus(
    folder: Path, file: Path, embedder: Any = None, collection: str = ""
) -> MilvusIndex:
    """The index in ``folder`` with its vectors in the Milvus Lite ``file``."""
    server = WatchedServer(MilvusAddress(str(file), file=file))
    database, pending = open_database(folder)
    kept = MilvusVectors(database, server, collection)
    index = MilvusIndex(database, embedder or HashEmbedder(), pending, kept)
    index.server, index.kept = server, kept
    return index
