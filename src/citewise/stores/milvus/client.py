"""One Milvus server, connected when it is first needed: all that knows pymilvus."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewise.errors import IndexFault, InputError
from citewise.stores.milvus.address import MilvusAddress
from citewise.stores.milvus.file import drop_graphs, release, served, turn

__all__ = ["MOST_FOUND", "Held", "MilvusServer", "Row"]

MOST_FOUND = 16_384
"""Milvus finds no more than so many rows in one search."""

_SECONDS = 10.0  # For a search or a small write; a lost server must not hold a question longer.
_SLOW_SECONDS = 300.0  # For loading a collection, or writing a batch of rows.
_QUIET_SECONDS = 30.0  # After a failed connection no other is tried for so long.
_BATCH = 1000  # Rows written at a time: 4 MB of 1024 numbers each, a server takes 64 MB.
_LISTED = 8192  # Rows listed at a time.
_KEY_LENGTH = 128
# What HNSW is built and searched with; docs/stores-milvus.md says what recall that gives.
_BUILD = {"M": 16, "efConstruction": 200}
_EFFORT = 2  # The candidates HNSW keeps, as a multiple of the rows wanted, but at least ...
_LEAST_EFFORT = 128
# A server may hang up on a client that asks too often whether it is there; Milvus Lite does.
_PINGS = {"grpc.keepalive_time_ms": 300_000}
# Reads see every write that was acknowledged before they began, whichever process made it.
_LEVEL = "Strong"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a collection; ``key`` says what the vector was made from."""

    id: int
    document: int
    key: str
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Held:
    """Ids, ascending, and the keys of all rows of a collection but the marker."""

    ids: NDArray[np.int64]
    keys: NDArray[np.bytes_]


class MilvusServer:
    """The collections of one server. Safe to share between threads; writers take turns elsewhere.

    Every method raises ``IndexFault`` where the server is not reachable or refuses.
    """

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._client: Any = None
        self._loaded: set[str] = set()
        self._quiet_until = 0.0

    @property
    def is_lite(self) -> bool:
        """Whether it is a file, which this process serves to itself."""
        return self.address.file is not None

    def exists(self, name: str) -> bool:
        """Whether there is a collection of that name."""
        with self._calls() as client:
            return bool(client.has_collection(name, timeout=_SECONDS))

    def create(self, name: str, dimensions: int) -> None:
        """Create a collection of unit vectors, unless it is there."""
        with self._calls() as client:
            if client.has_collection(name, timeout=_SECONDS):
                return
            from pymilvus import DataType

            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("document", DataType.INT64)
            schema.add_field("key", DataType.VARCHAR, max_length=_KEY_LENGTH)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
            index = client.prepare_index_params()
            index.add_index("vector", index_type="HNSW", metric_type="IP", params=_BUILD)
            client.create_collection(
                name,
                schema=schema,
                index_params=index,
                consistency_level=_LEVEL,
                timeout=_SLOW_SECONDS,
            )

    def names(self, prefix: str) -> list[str]:
        """The collections whose names begin so."""
        with self._calls() as client:
            found = client.list_collections(timeout=_SECONDS)
            return sorted(name for name in found if name.startswith(prefix))

    def drop(self, name: str) -> None:
        """Delete a collection; it may be gone."""
        with self._calls() as client:
            self._loaded.discard(name)
            client.drop_collection(name, timeout=_SLOW_SECONDS)

    def write(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows, in place of those with the same ids."""
        with self._calls() as client:
            for start in range(0, len(rows), _BATCH):
                batch = [
                    {"id": r.id, "document": r.document, "key": r.key, "vector": r.vector}
                    for r in rows[start : start + _BATCH]
                ]
                client.upsert(name, batch, timeout=_SLOW_SECONDS)

    def delete(self, name: str, ids: NDArray[np.int64]) -> None:
        """Delete the rows with these ids; some may be gone."""
        with self._calls() as client:
            for start in range(0, len(ids), _LISTED):
                batch = ids[start : start + _LISTED].tolist()
                client.delete(name, ids=batch, timeout=_SLOW_SECONDS)

    def settle(self, name: str) -> None:
        """Let Milvus Lite index what was written; until then it compares row by row.

        A cluster does so by itself.
        """
        if self.is_lite:
            with self._calls() as client:
                client.flush(name, timeout=_SLOW_SECONDS)

    def key_of(self, name: str, row: int) -> str:
        """The key of a row, "" if there is none."""
        with self._reads(name) as client:
            found = client.get(
                name, ids=[row], output_fields=["key"], timeout=_SECONDS, consistency_level=_LEVEL
            )
            return str(found[0]["key"]) if found else ""

    def count(self, name: str) -> int:
        """How many rows there are."""
        with self._reads(name) as client:
            found = client.query(
                name,
                filter="",
                output_fields=["count(*)"],
                timeout=_SECONDS,
                consistency_level=_LEVEL,
            )
            return int(found[0]["count(*)"])

    def held(self, name: str, marker: int) -> Held:
        """All rows but the marker, without their vectors."""
        ids: list[int] = []
        keys: list[str] = []
        with self._reads(name) as client:
            rows = client.query_iterator(
                name,
                batch_size=_LISTED,
                filter=f"id != {marker}",
                output_fields=["id", "key"],
                consistency_level=_LEVEL,
                timeout=_SLOW_SECONDS,
            )
            try:
                while batch := rows.next():
                    ids += [row["id"] for row in batch]
                    keys += [row["key"] for row in batch]
            finally:
                rows.close()
        order = np.argsort(np.array(ids, np.int64), kind="stable")
        return Held(np.array(ids, np.int64)[order], np.array(keys, np.bytes_)[order])

    def nearest(
        self, name: str, vector: NDArray[np.float32], limit: int, documents: Sequence[int] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """About the ``limit`` rows with the greatest inner product, and it, best first.

        Args:
            documents: the only ones whose rows are looked at; all by default.
        """
        effort = max(_LEAST_EFFORT, _EFFORT * limit)
        with self._reads(name) as client:
            (found,) = client.search(
                name,
                data=[vector],
                anns_field="vector",
                limit=limit,
                filter="" if documents is None else f"document in {list(documents)}",
                output_fields=["id"],
                search_params={"metric_type": "IP", "params": {"ef": effort}},
                timeout=_SECONDS,
                consistency_level=_LEVEL,
            )
        ids = np.array([hit["id"] for hit in found], np.int64)
        return ids, np.array([hit["distance"] for hit in found], np.float32)

    def close(self) -> None:
        """Let go of the server, and of a file that nobody else in this process uses."""
        with self._lock:
            client, self._client = self._client, None
            self._loaded.clear()
        if client is None:
            return
        client.close()
        if self.address.file is not None:
            release(self.address.file)

    @contextmanager
    def _reads(self, name: str) -> Iterator[Any]:
        with self._calls() as client:
            if name not in self._loaded:
                self._load(client, name)
                self._loaded.add(name)
            try:
                yield client
            except Exception:
                # Somebody may have dropped or released it: not to be taken for loaded again.
                self._loaded.discard(name)
                raise

    def _load(self, client: Any, name: str) -> None:
        from pymilvus import MilvusException

        try:
            client.load_collection(name, timeout=_SLOW_SECONDS)
        except MilvusException as error:
            file = self.address.file
            if file is None or not drop_graphs(file, name):
                raise
            _log.warning(
                "Milvus Lite could not load %s (%s): its HNSW is built anew from the rows.",
                self.address.shown,
                _brief(error),
            )
            client.load_collection(name, timeout=_SLOW_SECONDS)

    @contextmanager
    def _calls(self) -> Iterator[Any]:
        client = self._connected()
        from grpc import RpcError
        from pymilvus import MilvusException

        file = self.address.file
        try:
            with nullcontext() if file is None else turn(file):
                yield client
        except (MilvusException, RpcError) as error:
            raise IndexFault(
                f"Milvus at {self.address.shown} failed ({_brief(error)}).",
                "Check that it runs and is not full; the documents are kept apart from it.",
            ) from error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                if time.monotonic() < self._quiet_until:
                    raise self._unreachable("it was not a moment ago")
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        library = _library()
        uri = self.address.uri
        if self.address.file is not None:
            uri = served(self.address.file)
        try:
            return library.MilvusClient(
                uri,
                token=self.address.token,
                db_name=self.address.database,
                timeout=_SECONDS,
                grpc_options=_PINGS,
            )
        except library.MilvusException as error:
            if self.address.file is not None:
                release(self.address.file)
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            raise self._unreachable(_brief(error)) from error

    def _unreachable(self, why: str) -> IndexFault:
        return IndexFault(
            f"Milvus at {self.address.shown} is not reachable ({why}).",
            "Start it, or correct the address, user and password of the store.",
        )


def _brief(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def _library() -> Any:
    """pymilvus, imported at first use."""
    try:
        import pymilvus
    except ImportError as error:
        raise InputError(
            f"The Milvus store needs a package that is not installed ({error.name}).",
            'Run: pip install "citewise[milvus]"',
        ) from error
    # Each failure is told by an error of our own; pymilvus would print it as well.
    for name in ("pymilvus", "pymilvus.milvus_client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return pymilvus
