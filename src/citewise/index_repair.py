"""Mending an index: what is derived is made anew, what is wrong is read again from its file."""

from __future__ import annotations

import sqlite3

from citewise.database import Database, meta, set_meta
from citewise.filing import file_vectors
from citewise.index_check import CheckReport
from citewise.locking import writer_lock
from citewise.opening import LOCK, begin_anew
from citewise.publishing import sweep
from citewise.schema import LIVE
from citewise.storing import delete_document
from citewise.vectors import remove_other_generations

__all__ = ["repair_index"]


def repair_index(database: Database, report: CheckReport) -> str:
    """Mend what a check found; an update afterwards reads again what had to be taken out.

    The lists of words, the vector file and the counts are rebuilt from the rows. A document with
    a wrong passage is taken out. A database that SQLite calls damaged is put aside as a whole.

    Returns:
        why the index is empty now, or "".

    Raises:
        IndexFault: another writer is at work, no room, or the folder cannot be written.
    """
    with writer_lock(database.path.with_name(LOCK)):
        if report.unreadable:
            return begin_anew(database)
        with database.writing() as connection:
            _take_out(connection, report.bad_documents)
            sweep(connection)
            for table in ("passages_fts", "spans_fts"):
                connection.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")
            generation = _counted(connection)
            file_vectors(connection, database.path.parent, anew=True)
        remove_other_generations(database.path.parent, generation)
        return ""


def _take_out(connection: sqlite3.Connection, documents: set[int]) -> None:
    for document in sorted(documents):
        # Its file is forgotten too, so that the next update reads it whatever its time.
        connection.execute(
            "DELETE FROM files WHERE name = (SELECT CASE source WHEN '' THEN name ELSE source END"
            " FROM documents WHERE id = ?)",
            (document,),
        )
        delete_document(connection, document, listed=False)
    homeless = "SELECT id FROM passages WHERE document NOT IN (SELECT id FROM documents)"
    connection.execute(
        "DELETE FROM spans WHERE passage NOT IN (SELECT id FROM passages)"
        f" OR passage IN ({homeless})"
    )
    connection.execute(f"DELETE FROM passages WHERE id IN ({homeless})")
    connection.execute(
        "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM passages WHERE vector = vectors.id)"
        " AND NOT EXISTS (SELECT 1 FROM spans WHERE vector = vectors.id)"
    )


def _counted(connection: sqlite3.Connection) -> int:
    """Put the counts into the manifest, under a new generation."""
    generation = int(meta(connection)["generation"]) + 1
    live = f"FROM passages JOIN documents ON documents.id = document WHERE state = '{LIVE}'"
    (passages,) = connection.execute(f"SELECT count(*) {live}").fetchone()
    spans, terms = connection.execute(
        f"SELECT count(*), total(length) FROM spans WHERE passage IN (SELECT passages.id {live})"
    ).fetchone()
    set_meta(
        connection,
        generation=generation,
        passage_count=passages,
        span_count=spans,
        span_terms=int(terms),
    )
    return generation
