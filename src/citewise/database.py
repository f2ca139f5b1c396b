"""The SQLite file that is the truth: its schema, its condition, its connections, its faults."""

from __future__ import annotations

import contextlib
import errno
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from citewise.errors import IndexFault
from citewise.schema import FORMAT, SCHEMA, TABLES

__all__ = ["Condition", "Database", "condition", "faults_of", "meta", "set_meta", "state"]

_MAGIC = b"SQLite format 3\0"
# A whole-file check reads every page: 0.1 s at this size, too slow beyond it.
_LARGEST_CHECKED = 64 * 1024 * 1024
_WRITER_KIBIBYTES = 65536
_TEXTS = {"identity", "embedder", "vectors_sha256", "version"}
_NUMBERS = {
    "generation",
    "dimensions",
    "vectors_generation",
    "passage_count",
    "span_count",
    "span_terms",
}


_File: TypeAlias = tuple[int, int]  # Its device and its number there.


class Condition(Enum):
    """What a database file turned out to be."""

    EMPTY = "empty"
    SOUND = "sound"
    DAMAGED = "damaged"
    OLDER = "older"
    NEWER = "newer"


def condition(path: Path, *, read_only: bool = False) -> Condition:
    """Look at a database file without changing it.

    Files above 64 MiB have only their header and schema looked at; damage further in shows as
    an IndexFault when it is read.

    Raises:
        sqlite3.OperationalError, OSError: it cannot be read at all.
    """
    if not path.exists() or path.stat().st_size == 0:
        return Condition.EMPTY
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return Condition.DAMAGED
    try:
        with closing(_connect(path, read_only=read_only)) as connection:
            return _condition(connection, path.stat().st_size)
    except UnicodeDecodeError:
        return Condition.DAMAGED
    except sqlite3.DatabaseError as error:
        # Subclasses say that it could not be looked at; the class itself, that it is malformed.
        if type(error) is not sqlite3.DatabaseError:
            raise
        return Condition.DAMAGED


def _condition(connection: sqlite3.Connection, size: int) -> Condition:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        return Condition.NEWER
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return Condition.EMPTY
    if 0 < version < FORMAT:
        return Condition.OLDER
    if not tables >= TABLES:
        return Condition.DAMAGED
    if size <= _LARGEST_CHECKED:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            return Condition.DAMAGED
    return Condition.SOUND


class _Open(threading.local):
    """The connection that this thread is reading from."""

    connection: sqlite3.Connection | None = None


class Database:
    """Connections to one database file; safe to share between threads.

    Readers see one committed state for the length of their block and never wait for the writer.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._idle: queue.LifoQueue[tuple[_File, sqlite3.Connection]] = queue.LifoQueue()
        self._open = _Open()

    def create(self) -> None:
        """Create the schema unless it is there."""
        with closing(_connect(self.path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            with _transaction(connection, "IMMEDIATE"):
                if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                    for statement in SCHEMA.split(";\n"):
                        connection.execute(statement)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one unchanging state; inside another such block, the same one.

        Raises:
            IndexFault: the file cannot be read, or is gone.
        """
        if self._open.connection is not None:
            yield self._open.connection
            return
        # A damaged schema shows as text that is not UTF-8.
        with faults_of(self.path.parent, (sqlite3.Error, UnicodeDecodeError)):
            file, connection = self._reader()
            try:
                with _transaction(connection, "DEFERRED"):
                    self._open.connection = connection
                    yield connection
            finally:
                self._open.connection = None
                self._idle.put((file, connection))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes all become visible at the end of the block, or none do.

        Raises:
            IndexFault: the file cannot be written.
        """
        faults = faults_of(self.path.parent, (sqlite3.Error,))
        with faults, closing(_connect(self.path)) as connection:
            # Vectors are found by digests, which lie all over the file: by default SQLite forgets
            # pages that the next row needs again.
            connection.execute(f"PRAGMA cache_size = -{_WRITER_KIBIBYTES}")
            with _transaction(connection, "IMMEDIATE"):
                yield connection
            # Readers in the middle of a look keep the log: not waited for, as they may be waiting
            # for this. The next update folds it in.
            connection.execute("PRAGMA busy_timeout = 0")
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the idle connections; the object stays usable."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait()[1].close()

    def _reader(self) -> tuple[_File, sqlite3.Connection]:
        """A connection to the file that is there now: it may have been deleted or replaced."""
        file = self._file()
        with contextlib.suppress(queue.Empty):
            while True:
                opened, connection = self._idle.get_nowait()
                if opened == file:
                    return file, connection
                connection.close()
        return file, _connect(self.path, read_only=self.read_only)

    def _file(self) -> _File:
        try:
            status = self.path.stat()
        except OSError as error:
            raise IndexFault(
                f"The index in {self.path.parent} is gone ({error.strerror}).",
                "Build it again with `citewise index`.",
            ) from error
        return status.st_dev, status.st_ino


def meta(connection: sqlite3.Connection) -> dict[str, str]:
    """The manifest: what the index is, what it holds, and which vector file belongs to it.

    Raises:
        sqlite3.DatabaseError: an entry is missing or not a number where it should be.
    """
    manifest = dict(connection.execute("SELECT key, value FROM meta"))
    if not manifest.keys() >= _TEXTS | _NUMBERS or not all(
        str(manifest[key]).isdecimal() for key in _NUMBERS
    ):
        raise sqlite3.DatabaseError("the manifest is not complete")
    return manifest


def state(connection: sqlite3.Connection) -> tuple[str, str]:
    """What tells this state of this index from any other: its identity and its generation.

    Raises:
        sqlite3.DatabaseError: an entry is missing.
    """
    found = connection.execute(
        "SELECT value FROM meta WHERE key IN ('identity', 'generation') ORDER BY key DESC"
    ).fetchall()
    if len(found) != 2:
        raise sqlite3.DatabaseError("the manifest is not complete")
    return found[0][0], found[1][0]


def set_meta(connection: sqlite3.Connection, **values: str | int) -> None:
    """Change entries of the manifest."""
    connection.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)", [(k, str(v)) for k, v in values.items()]
    )


@contextmanager
def faults_of(
    folder: Path, kinds: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
) -> Iterator[None]:
    """Turn what the file system and SQLite raise inside the block into an IndexFault."""
    try:
        yield
    except kinds as error:
        code = error.errno if isinstance(error, OSError) else None
        text = str(error).lower() if isinstance(error, sqlite3.Error) else ""
        raise IndexFault(*_explained(folder, code, text, error)) from error


_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def _explained(folder: Path, code: int | None, text: str, error: Exception) -> tuple[str, str]:
    if code in _NO_ROOM or "is full" in text or "disk i/o error" in text:
        return (
            f"The index in {folder} could not be written to the end ({error}).",
            "Free some disk space and run again; the previous index is untouched.",
        )
    if code in _NOT_ALLOWED or "readonly" in text or "unable to open" in text:
        return (
            f"The index folder {folder} cannot be written ({error}).",
            "Make it writable, or choose another index folder.",
        )
    if "locked" in text:
        return (
            f"The index in {folder} is in use by another process ({error}).",
            "Wait until it has finished, then run again.",
        )
    if "no such module" in text:
        return (
            f"SQLite {sqlite3.sqlite_version} of this Python has no full-text search ({error}).",
            "Use a Python whose sqlite3 module was built with FTS5.",
        )
    if code is not None:
        return f"The index folder {folder} cannot be used ({error}).", "Choose another folder."
    return (
        f"The index in {folder} is damaged ({error}).",
        "Delete the folder and run again: it is rebuilt from the documents.",
    )


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # After some faults SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    if read_only:
        # Without a log nothing can change under us, and SQLite need not create its side files.
        log = path.with_name(path.name + "-wal")
        uri += "?mode=ro" if log.exists() and log.stat().st_size else "?immutable=1"
    connection = sqlite3.connect(
        uri, uri=True, timeout=5.0, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
