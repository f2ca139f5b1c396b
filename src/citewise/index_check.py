"""Proving an index: every passage against its document, its vector and its words.

Nothing is taken on trust but the documents' text, whose digest is stored: offsets are compared
with the words they point at, keys of vectors and terms are computed again from the text, and
SQLite compares its full-text index with the rows itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from citewise.database import Database, meta
from citewise.errors import IndexFault
from citewise.index_check_documents import check_document
from citewise.index_check_vectors import check_vector_file, check_vectors
from citewise.index_check_words import check_full_text, check_postings
from citewise.index_findings import Finding
from citewise.metering import Meter, Progress
from citewise.schema import LIVE

__all__ = ["CheckReport", "check_index"]

_FIRST = 100


@dataclass
class CheckReport:
    """What was looked at, and what was found wrong; ``findings`` holds the first of them.

    ``waiting`` counts documents that an interrupted update has prepared.
    """

    documents: int = 0
    passages: int = 0
    spans: int = 0
    vectors: int = 0
    waiting: int = 0
    wrong: int = 0
    findings: list[Finding] = field(default_factory=list)
    bad_documents: set[int] = field(default_factory=set)
    unreadable: bool = False

    @property
    def sound(self) -> bool:
        """True if nothing is wrong."""
        return not self.wrong

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if it is among the first."""
        self.wrong += 1
        if finding.document is not None:
            self.bad_documents.add(finding.document)
        if len(self.findings) < _FIRST:
            self.findings.append(finding)


def check_index(database: Database, progress: Progress | None = None) -> CheckReport:
    """Look at everything in an index; nothing is changed.

    Raises:
        IndexFault: the database cannot be opened at all, or an update was published meanwhile.
    """
    report = CheckReport()
    try:
        with database.reading() as connection:
            before = meta(connection)
            for finding in _all_findings(connection, database.path.parent, report, progress):
                report.add(finding)
        if not database.read_only:
            for finding in check_full_text(database):
                report.add(finding)
        with database.reading() as connection:
            if meta(connection) != before:
                raise IndexFault(
                    f"The index in {database.path.parent} was updated while it was checked.",
                    "Run the check again.",
                )
    except IndexFault as fault:
        # Subclasses say that it could not be looked at; the class itself, that it is malformed.
        if type(fault.__cause__) not in (sqlite3.DatabaseError, UnicodeDecodeError):
            raise
        report.unreadable = True
        report.add(Finding("database", str(fault.__cause__)))
    return report


def _all_findings(
    connection: sqlite3.Connection, folder: Path, report: CheckReport, progress: Progress | None
) -> Iterator[Finding]:
    yield from _database(connection, report)
    if report.unreadable:
        return
    meter, embedder = Meter(progress), meta(connection)["embedder"]
    (total,) = connection.execute(
        "SELECT coalesce(sum(characters), 0) FROM documents WHERE state = ?", (LIVE,)
    ).fetchone()
    meter.begin("checking", total)
    for document, name, size in _documents(connection):
        yield from check_document(connection, document, name, embedder, report)
        report.documents += 1
        meter.advance(size, name)
    yield from check_vectors(connection, report)
    yield from check_vector_file(connection, folder)
    yield from check_postings(connection, folder)
    yield from _manifest(connection, report)
    yield from _files(connection)
    (report.waiting,) = connection.execute(
        "SELECT count(*) FROM documents WHERE state != ?", (LIVE,)
    ).fetchone()


def _documents(connection: sqlite3.Connection) -> Iterator[tuple[int, str, int]]:
    last = -1
    while True:
        row = connection.execute(
            "SELECT id, name, characters FROM documents WHERE id > ? AND state = ?"
            " ORDER BY id LIMIT 1",
            (last, LIVE),
        ).fetchone()
        if row is None:
            return
        yield row
        last = row[0]


def _database(connection: sqlite3.Connection, report: CheckReport) -> Iterator[Finding]:
    for (verdict,) in connection.execute("PRAGMA integrity_check(20)"):
        if verdict != "ok":
            # What is inconsistent may still be readable; what follows would fail or mislead.
            report.unreadable = True
            yield Finding("database", str(verdict).split("\n")[0])
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield Finding("database", f"row {row} of {table} belongs to no row of {parent}")


def _manifest(connection: sqlite3.Connection, report: CheckReport) -> Iterator[Finding]:
    manifest = meta(connection)
    (terms,) = connection.execute(
        "SELECT coalesce(sum(length), 0) FROM spans JOIN passages ON passages.id = passage"
        " JOIN documents ON documents.id = document WHERE state = ?",
        (LIVE,),
    ).fetchone()
    counted = {
        "passage_count": report.passages,
        "span_count": report.spans,
        "span_terms": terms,
    }
    for key, value in counted.items():
        if int(manifest[key]) != value:
            yield Finding("manifest", f"{key} is {manifest[key]}, counted were {value}")
    if report.documents and not manifest["embedder"]:
        yield Finding("manifest", "it names no embedding model")


def _files(connection: sqlite3.Connection) -> Iterator[Finding]:
    rows = connection.execute(
        "SELECT id, documents.name FROM documents"
        " LEFT JOIN files ON files.name = CASE source WHEN '' THEN documents.name ELSE source END"
        " WHERE state = ? AND files.name IS NULL",
        (LIVE,),
    )
    for document, name in rows:
        yield Finding("files", f"{name} comes from a file that is not listed", document)
