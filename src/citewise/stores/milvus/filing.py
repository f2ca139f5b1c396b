"""Bringing a Milvus collection in line with the database: with an update, or after a crash."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.database import Database, meta, set_meta
from citewise.records import dimensions_of
from citewise.stores.milvus.client import MilvusServer
from citewise.stores.milvus.marker import (
    MARKER,
    NO_STATE,
    STAMP,
    new_stamp,
    read_marker,
    stamp_of,
    write_marker,
)
from citewise.stores.milvus.rows import (
    collection_name,
    difference,
    name_prefix,
    rows_of,
    wanted,
)

__all__ = ["MilvusFiling", "Rest"]

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left to be done once readers see the new state; ``name`` is "" if it is empty."""

    identity: str
    name: str
    dimensions: int
    stamp: str
    extra: Ids


@dataclass(frozen=True, slots=True)
class MilvusFiling:
    """Writes the collections of one index. The writer's lock has to be held.

    Attributes:
        published: the database as others see it, whatever this thread has open.
        collection: citewise's own name for it.
    """

    server: MilvusServer
    published: Database
    collection: str

    def name(self, manifest: dict[str, str], dimensions: int) -> str:
        """The collection that belongs to a manifest."""
        identity, embedder = manifest["identity"], manifest["embedder"]
        return collection_name(identity, self.collection, embedder, dimensions)

    def file(self, connection: sqlite3.Connection) -> Rest:
        """Write the rows that the open transaction adds; before ``refiled`` is emptied.

        Raises:
            IndexFault: Milvus is not reachable, or fails; nothing is lost.
        """
        manifest, dimensions = meta(connection), dimensions_of(connection)
        stamp = new_stamp(manifest["generation"])
        set_meta(connection, **{STAMP: stamp})
        nothing = np.empty(0, np.int64)
        if not dimensions:
            return Rest(manifest["identity"], "", 0, stamp, nothing)
        name = self.name(manifest, dimensions)
        with self.published.reading() as before:
            old = stamp_of(meta(before))
            if self._settled(before, name, int(manifest["generation"]) - 1):
                missing, extra = _changes(before, connection)
            else:
                self.server.create(name, dimensions)
                held = self.server.held(name, MARKER)
                missing, extra = difference(held, wanted(connection))
        write_marker(self.server, name, dimensions, old or NO_STATE, stamp)
        for rows in rows_of(connection, missing, dimensions):
            self.server.write(name, rows)
        return Rest(manifest["identity"], name, dimensions, stamp, extra)

    def settle(self, rest: Rest) -> None:
        """After the transaction: delete what went.

        Raises:
            IndexFault: Milvus is not reachable, or fails; the next update mends it.
        """
        if rest.name:
            if len(rest.extra):
                write_marker(self.server, rest.name, rest.dimensions, NO_STATE, rest.stamp)
                self.server.delete(rest.name, rest.extra)
            self.server.settle(rest.name)
            write_marker(self.server, rest.name, rest.dimensions, rest.stamp)
        for name in self.server.names(name_prefix(rest.identity, self.collection)):
            if name != rest.name:
                self.server.drop(name)

    def mend(self) -> str:
        """Make Milvus hold what is published; return the new stamp of that state.

        Raises:
            IndexFault: Milvus is not reachable, or fails, or the folder cannot be written.
        """
        with self.published.reading() as connection:
            manifest = meta(connection)
            dimensions = int(manifest["dimensions"])
            name, stamp = self.name(manifest, dimensions), new_stamp(manifest["generation"])
            self.server.create(name, dimensions)
            missing, extra = difference(self.server.held(name, MARKER), wanted(connection))
            write_marker(self.server, name, dimensions, NO_STATE, stamp)
            for rows in rows_of(connection, missing, dimensions):
                self.server.write(name, rows)
        # Readers know the stamp from here on: all is there, and what should not be is passed over.
        with self.published.writing() as connection:
            set_meta(connection, **{STAMP: stamp})
        self.settle(Rest(manifest["identity"], name, dimensions, stamp, extra))
        return stamp

    def _settled(self, before: sqlite3.Connection, name: str, generation: int) -> bool:
        manifest = meta(before)
        return int(manifest["generation"]) == generation and self.is_settled(manifest, name)

    def is_settled(self, manifest: dict[str, str], name: str) -> bool:
        """Whether Milvus holds the state in the manifest and nothing else.

        The rows are counted, because Milvus may have been restored, or have lost what it had
        not yet brought to disk.
        """
        stamp = stamp_of(manifest)
        return (
            bool(stamp)
            and read_marker(self.server, name) == (stamp,)
            and self.server.count(name) == int(manifest["passage_count"]) + 1
        )


def _changes(before: sqlite3.Connection, now: sqlite3.Connection) -> tuple[Ids, Ids]:
    """The passages that came and went between two states, by their lists of changes."""
    old, new = (dict(c.execute("SELECT passage, added FROM refiled")) for c in (before, now))
    came = [passage for passage, added in new.items() if added and passage not in old]
    went = [passage for passage, added in new.items() if not added and passage not in old]
    # One that came and went since the list was begun is not in it any more.
    went += [passage for passage, added in old.items() if added and passage not in new]
    return np.array(sorted(came), np.int64), np.array(sorted(went), np.int64)
