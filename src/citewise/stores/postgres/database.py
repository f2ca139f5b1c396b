"""Connections to a PostgreSQL store: readers with one state each, one writer for a collection."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from citewise.errors import IndexFault
from citewise.stores.postgres.address import Address, psycopg_library
from citewise.stores.postgres.faults import faults_of
from citewise.stores.postgres.schema import FORMAT, LOCK, create, format_of, recreate

if TYPE_CHECKING:
    import psycopg
    import psycopg_pool

__all__ = ["Database", "Manifest", "Reading"]

# Readers at once in one process; further ones wait for a free connection, this long at the most.
_MOST_CONNECTIONS = 10
_SECONDS_TO_WAIT = 10.0
# Seconds: the server may not have noticed yet that the writer before is dead.
_PATIENCE, _PAUSE = 1.0, 0.02
# Compiling a query costs more than answering it. Of a filtered search, HNSW goes on until enough
# is found; more candidates than pgvector's 40 for a recall above .98.
_SESSION = (
    "SET jit = off",
    "SET hnsw.ef_search = 300",
    "SET hnsw.iterative_scan = strict_order",
    "SET plan_cache_mode = force_custom_plan",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a collection is and holds; ``id`` is 0 where nothing was ever written.

    ``space`` names the vectors of its embedding model, 0 if there are none; ``indexed`` tells
    whether an approximate index over them is ready.
    """

    id: int = 0
    identity: str = ""
    generation: int = 0
    embedder: str = ""
    passage_count: int = 0
    passage_terms: int = 0
    span_count: int = 0
    span_terms: int = 0
    version: str = ""
    pending: str = ""
    space: int = 0
    dimensions: int = 0
    indexed: bool = False


@dataclass(slots=True)
class Reading:
    """One state of a collection, as one transaction sees it.

    Attributes:
        homes: documents of passages that were seen on the way.
        selection: the last passages chosen by a filter, and their documents.
    """

    connection: psycopg.Connection[Any]
    manifest: Manifest
    homes: dict[int, int] = field(default_factory=dict)
    selection: tuple[Any, list[int]] | None = None


class _Open(threading.local):
    """What this thread is reading."""

    reading: Reading | None = None


class Database:
    """A collection in a database; safe to share between threads.

    Attributes:
        place: for messages, without secrets.
        pending: why it has to be built anew although something is there, or "".

    Raises:
        IndexFault: not reachable, not usable, or of a newer format.
    """

    def __init__(self, address: Address, collection: str) -> None:
        self.place = address.place + (f" (collection {collection!r})" if collection else "")
        self.collection = collection
        self.pending = ""
        self._address = address
        self._lock = threading.Lock()
        self._pool: psycopg_pool.ConnectionPool[Any] | None = None
        self._open = _Open()
        with self.faults(), address.connect(autocommit=True) as connection:
            self.read_only = self._prepared(connection)

    def _prepared(self, connection: psycopg.Connection[Any]) -> bool:
        """Create what is missing; return whether this role may only read."""
        (only,) = connection.execute(
            "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
        ).fetchone() or (False,)
        if format_of(connection) is None:
            if only:
                raise IndexFault(
                    f"There is no index in {self.place}, and it cannot be written.",
                    "Build it through an address that can be written.",
                )
            create(connection)
        found = format_of(connection) or 0
        if found > FORMAT:
            raise self._newer()
        if found < FORMAT:
            self.pending = "format changed"
            return bool(only)
        (may,) = connection.execute(
            "SELECT has_table_privilege('citewise.documents', 'INSERT')"
        ).fetchone() or (False,)
        return bool(only or not may)

    def _newer(self) -> IndexFault:
        return IndexFault(
            f"The index in {self.place} was written by a newer citewise than this one, which "
            f"knows formats up to {FORMAT}.",
            "Update citewise, or choose another store.",
        )

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One unchanging state; inside another such block of this thread, the same one.

        Raises:
            IndexFault: not reachable, gone, or of another format.
        """
        if self._open.reading is not None:
            yield self._open.reading
            return
        with self.faults():
            pool = self._opened()
            connection, manifest = self._begun(pool)
            try:
                self._open.reading = Reading(connection, manifest)
                yield self._open.reading
            finally:
                self._open.reading = None
                with contextlib.suppress(psycopg_library().Error):
                    connection.execute("ROLLBACK")
                pool.putconn(connection)

    def _begun(
        self, pool: psycopg_pool.ConnectionPool[Any]
    ) -> tuple[psycopg.Connection[Any], Manifest]:
        """A connection in a new transaction; one that died while it was idle is replaced."""
        for turn in range(_MOST_CONNECTIONS + 1):
            connection = pool.getconn()
            try:
                return connection, self._manifest(connection)
            except BaseException as error:
                dead = connection.broken or connection.closed
                if not dead:
                    connection.execute("ROLLBACK")
                pool.putconn(connection)
                if not dead or turn == _MOST_CONNECTIONS or not isinstance(error, Exception):
                    raise
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _manifest(self, connection: psycopg.Connection[Any]) -> Manifest:
        # Begun and looked up at once: most questions are a few looks, each as long as its way.
        quoted = psycopg_library().sql.Literal(self.collection).as_string(connection)
        cursor = connection.execute(f"{_BEGIN}; {_MANIFEST} {quoted} {_SPACE}".encode())
        cursor.nextset()
        row = cursor.fetchone()
        found = row[-1] if row else 0
        if found > FORMAT:
            raise self._newer()
        if found < FORMAT:
            raise IndexFault(
                f"The index in {self.place} was written by an older citewise.",
                "Build it again with `citewise index`.",
            )
        return Manifest(*row[:-1]) if row and row[0] is not None else Manifest()

    @contextmanager
    def locked(self) -> Iterator[tuple[psycopg.Connection[Any], int]]:
        """The one writing connection of the collection, and the collection's number.

        The lock is held by the connection, so that whoever lost the one has lost the other.

        Raises:
            IndexFault: another writer holds it.
        """
        with self.faults(), self._address.connect(autocommit=True) as connection:
            recreate(connection, "format changed")
            number = self._number(connection)
            self._take_lock(connection, number)
            self.pending = ""
            yield connection, number

    def _number(self, connection: psycopg.Connection[Any]) -> int:
        connection.execute(
            "INSERT INTO citewise.collections (name) VALUES (%s) ON CONFLICT DO NOTHING",
            (self.collection,),
        )
        row = connection.execute(
            "SELECT id FROM citewise.collections WHERE name = %s", (self.collection,)
        ).fetchone()
        assert row is not None  # noqa: S101 - inserted above, and never deleted
        return int(row[0])

    def _take_lock(self, connection: psycopg.Connection[Any], number: int) -> None:
        end = time.monotonic() + _PATIENCE
        while True:
            row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK, number))
            if (row.fetchone() or (False,))[0]:
                return
            if time.monotonic() >= end:
                raise IndexFault(
                    f"The index in {self.place} is being written by {_holder(connection, number)}.",
                    "Wait until it has finished, then run again.",
                )
            time.sleep(_PAUSE)

    def faults(self) -> contextlib.AbstractContextManager[None]:
        """Turns what psycopg raises inside the block into an IndexFault."""
        return faults_of(self._address, self.place)

    def _opened(self) -> psycopg_pool.ConnectionPool[Any]:
        with self._lock:
            if self._pool is None:
                import psycopg_pool

                self._pool = psycopg_pool.ConnectionPool(
                    kwargs={**self._address.parameters, "autocommit": True},
                    min_size=0,
                    max_size=_MOST_CONNECTIONS,
                    timeout=_SECONDS_TO_WAIT,
                    configure=_configure,
                    open=True,
                    name=f"citewise-{id(self):x}",
                )
            return self._pool

    def close(self) -> None:
        """Close the idle connections; the object stays usable."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_MANIFEST = (
    "SELECT c.id, identity, generation, c.embedder, passage_count, passage_terms,"
    " span_count, span_terms, version, pending, coalesce(s.id, 0),"
    " coalesce(dimensions, 0), coalesce(indexed, false), number"
    " FROM citewise.format LEFT JOIN citewise.collections c ON c.name ="
)
_SPACE = "LEFT JOIN citewise.spaces s ON s.id = c.space"


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.execute("; ".join(_SESSION).encode())


def _holder(connection: psycopg.Connection[Any], number: int) -> str:
    row = connection.execute(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND granted"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND a.pid <> pg_backend_pid()",
        (LOCK, number),
    ).fetchone()
    return str(row[0]) if row and row[0] else "another process"
