"""The lists of words: SQLite's own, and those of a large index in a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import numpy as np

from citewise.database import Database, faults_of, meta
from citewise.derivedwords import SMALL, every_word
from citewise.index_findings import Finding
from citewise.postings import Postings
from citewise.postingsfile import load, postings_path
from citewise.records import live_passages, removed_passages

__all__ = ["check_full_text", "check_postings"]


def check_full_text(database: Database) -> Iterator[Finding]:
    """FTS5 compares its lists with the rows, in a transaction that changes nothing."""
    with (
        faults_of(database.path.parent, (sqlite3.OperationalError,)),
        closing(sqlite3.connect(database.path, isolation_level=None)) as connection,
    ):
        for table in ("passages_fts", "spans_fts"):
            connection.execute("BEGIN")
            problem = _compared(connection, table)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if problem:
                yield Finding("words", f"{table} does not agree with the passages ({problem})")


def _compared(connection: sqlite3.Connection, table: str) -> str:
    try:
        connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
    except sqlite3.OperationalError:  # Locked, for example: nothing is known about the words.
        raise
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""


def check_postings(connection: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    """The file is the one in the manifest, and is what would be made from the rows now."""
    manifest = meta(connection)
    digest = manifest.get("postings_sha256", "")
    # One that an earlier version left to FTS5 has no file until it is searched.
    if int(manifest["passage_count"]) <= SMALL or not digest:
        return
    path = postings_path(folder, int(manifest["vectors_generation"]))
    held = load(path, digest)
    if held is None:
        yield Finding("words", f"{path.name} is missing, or not the one in the manifest")
        return
    changes = connection.execute("SELECT passage FROM refiled WHERE added").fetchall()
    known = np.union1d(np.setdiff1d(held.ids, removed_passages(connection)), changes)
    if not np.array_equal(known, live_passages(connection)):
        yield Finding("words", f"{path.name} does not hold the passages that there are")
    elif len(held.ids) == len(known) and not changes:
        anew = every_word(connection)
        wrong = [name for name in _ARRAYS if not _same(held, anew, name)]
        if wrong:
            yield Finding("words", f"{path.name} holds other {', '.join(wrong)} than the passages")


_ARRAYS = tuple(field.name for field in fields(Postings) if field.name != "average")


def _same(one: Postings, other: Postings, name: str) -> bool:
    return np.array_equal(getattr(one, name), getattr(other, name))
