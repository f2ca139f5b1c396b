"""The vectors of an index kept in Milvus: derived from the database, which stays the truth."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from citewise.database import Database, meta
from citewise.derived import refuse_other_model
from citewise.errors import IndexFault
from citewise.filing import file_vectors
from citewise.locking import writer_lock
from citewise.opening import LOCK
from citewise.stores.milvus.client import MilvusServer
from citewise.stores.milvus.filing import MilvusFiling, Rest
from citewise.stores.milvus.marker import read_marker, stamp_of
from citewise.stores.milvus.search import MilvusSearch

__all__ = ["MilvusVectors"]

_KIND = "Milvus HNSW"
# Seconds. After so many the marker is read again: other processes may have changed Milvus.
_TRUSTED = 5.0
# Seconds. After so many it is tried again whether Milvus can be used.
_AGAIN = 30.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """What is known of a state, and until when that may be relied upon."""

    state: tuple[str, str]
    stamp: str
    search: MilvusSearch
    until: float


class MilvusVectors:
    """Meets ``KeptVectors``; see ``citewise.stores.milvus.marker`` for what keeps it right.

    Args:
        collection: citewise's own; "" for none.
    """

    def __init__(self, database: Database, server: MilvusServer, collection: str) -> None:
        self._database = database
        # Another one, because a thread that reads one state of ``database`` sees no newer one.
        self._published = Database(database.path, read_only=database.read_only)
        self._server = server
        self._filing = MilvusFiling(server, self._published, collection)
        self._rest: Rest | None = None
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def current(self, embedder: str) -> MilvusSearch | None:
        """The vectors of the present state; None if there are no passages.

        Raises:
            IndexFault: they were made by another embedding model than ``embedder``.
        """
        with self._database.reading() as connection:
            manifest = meta(connection)
            refuse_other_model(manifest, embedder, self._database.path.parent)
            if not int(manifest["dimensions"]):
                return None
            state = manifest["identity"], manifest["generation"]
            with self._lock:
                held = self._held
                if held is None or held.state != state:
                    held = self._held = self._looked_at(manifest)
                if held.search.fault is None or time.monotonic() < held.until:
                    return held.search
                # One asks whether it can be used again; the others do not wait for that.
                held.until = time.monotonic() + _AGAIN
            looked = self._looked_at(manifest)
            with self._lock:
                if self._held is held:
                    self._held = looked
            return looked.search

    def file(self, connection: sqlite3.Connection, *, anew: bool = False) -> None:
        """Write what the open transaction adds; see ``KeptVectors``."""
        self._rest = self._filing.file(connection)
        file_vectors(connection, self._database.path.parent, anew=anew, elsewhere=_KIND)

    def settle(self) -> None:
        """Delete what the transaction removed; a fault is told, and mended by the next update."""
        rest, self._rest = self._rest, None
        if rest is None:
            return
        try:
            self._filing.settle(rest)
        except IndexFault as fault:
            _log.warning("%s The next update takes out what is left over.", fault)

    def close(self) -> None:
        """Let go of Milvus; it is connected again when needed."""
        self._server.close()
        self._published.close()
        with self._lock:
            self._held = None

    def _looked_at(self, manifest: dict[str, str]) -> _Held:
        dimensions = int(manifest["dimensions"])
        name, stamp = self._filing.name(manifest, dimensions), stamp_of(manifest)
        fault = None
        try:
            if not self._filing.is_settled(manifest, name):
                stamp = self._mended(manifest, name) or ""
                if not stamp:
                    fault = self._differs()
        except IndexFault as error:
            fault = error
        if fault is not None:
            _log.warning("%s", fault)
        state = manifest["identity"], manifest["generation"]
        wait = _AGAIN if fault is not None else _TRUSTED
        count = int(manifest["passage_count"])
        search = MilvusSearch(
            self._database,
            self._server,
            name,
            dimensions,
            count,
            fault,
            lambda: self._still_holds(name, stamp),
            lambda fault: self._failed(stamp, fault),
        )
        return _Held(state, stamp, search, time.monotonic() + wait)

    def _mended(self, manifest: dict[str, str], name: str) -> str | None:
        """The stamp by which the state can be used after all; None if it cannot be now."""
        if not self._database.read_only:
            lock = writer_lock(self._database.path.with_name(LOCK))
            with suppress(IndexFault), lock:
                if stamp := self._mended_alone(manifest, name):
                    return stamp
        # Somebody is writing. What the marker names is all there; more of it does not matter.
        stamp = stamp_of(manifest)
        return stamp if stamp and stamp in read_marker(self._server, name) else None

    def _mended_alone(self, manifest: dict[str, str], name: str) -> str:
        """The stamp as ``_mended``, with no other writer at work; "" if this state is past."""
        with self._published.reading() as connection:
            now = meta(connection)
        if any(now[key] != manifest[key] for key in ("identity", "generation")):
            return ""
        if self._filing.is_settled(now, name):
            return stamp_of(now)
        _log.warning(
            "Milvus at %s did not hold just what the index in %s does: it is brought in line.",
            self._server.address.shown,
            self._database.path.parent,
        )
        return self._filing.mend()

    def _still_holds(self, name: str, stamp: str) -> bool:
        """Whether Milvus, until now, held the state with this stamp.

        Rows are deleted only after another state was published, or by others than this index.
        """
        with self._published.reading() as connection:
            same = stamp_of(meta(connection)) == stamp
        held = self._held
        if same and held is not None and held.stamp == stamp and time.monotonic() < held.until:
            return True
        holds = stamp in read_marker(self._server, name)
        with self._lock:
            if self._held is not None and self._held.stamp == stamp:
                if holds:
                    self._held.until = time.monotonic() + _TRUSTED
                else:
                    self._held = None
        return holds

    def _failed(self, stamp: str, fault: IndexFault) -> None:
        _log.warning("%s For %.0f seconds it is not asked.", fault, _AGAIN)
        with self._lock:
            held = self._held
            if held is not None and held.stamp == stamp:
                held.search = replace(held.search, fault=fault)
                held.until = time.monotonic() + _AGAIN

    def _differs(self) -> IndexFault:
        return IndexFault(
            f"Milvus at {self._server.address.shown} does not hold the present state of the index "
            f"in {self._database.path.parent}.",
            "Run `citewise index`, which brings it up to date, or wait until whoever is writing "
            "has finished.",
        )
