"""Deleting so that nothing is left in a file: SQLite keeps what it deletes until it is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from citewise.database import faults_of

__all__ = ["erase_deleted"]

_TERMS = ("passages_fts", "spans_fts")


def erase_deleted(database: Path) -> None:
    """Write an index's database anew from what is still in it.

    Deleted rows stay in free pages, and their words in the lists of terms, until both are rebuilt.

    Raises:
        IndexFault: no room, or somebody else is at work on it.
    """
    with (
        faults_of(database.parent, (sqlite3.Error,)),
        closing(sqlite3.connect(database, timeout=10.0, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA secure_delete = ON")
        for table in _TERMS:
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
