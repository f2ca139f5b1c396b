"""Proving a collection: every passage against its document, its vector and its words."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from citewise.index_check import CheckReport
from citewise.index_check_documents import PassageRow, SpanRow, compare_passages
from citewise.index_findings import Finding
from citewise.metering import Meter, Progress
from citewise.schema import LIVE
from citewise.spacedterms import passage_terms
from citewise.stores.postgres.database import Database, Reading
from citewise.stores.postgres.publishing import COUNTED_TERMS
from citewise.stores.postgres.rows import counted

__all__ = ["check_collection"]


def check_collection(database: Database, progress: Progress | None = None) -> CheckReport:
    """Look at all of a collection, in one state of it; nothing is changed.

    Raises:
        IndexFault: it cannot be read.
    """
    report = CheckReport()
    with database.reading() as reading:
        for finding in _all_findings(reading, report, progress):
            report.add(finding)
    return report


def _all_findings(
    reading: Reading, report: CheckReport, progress: Progress | None
) -> Iterator[Finding]:
    meter, manifest = Meter(progress), reading.manifest
    documents = reading.connection.execute(
        "SELECT id, name, characters FROM citewise.documents"
        " WHERE collection = %s AND state = %s ORDER BY id",
        (manifest.id, LIVE),
    ).fetchall()
    meter.begin("checking", sum(size for *_, size in documents))
    for document, name, size in documents:
        yield from _document(reading, document, name, report)
        report.documents += 1
        meter.advance(size, name)
    yield from _vectors(reading, report)
    yield from _terms(reading)
    yield from _manifest(reading, report)
    yield from _files(reading)
    report.waiting = _number(
        reading,
        "SELECT count(*) FROM citewise.documents WHERE collection = %s AND state <> %s",
        manifest.id,
        LIVE,
    )


def _number(reading: Reading, statement: str, *values: Any) -> int:
    row = reading.connection.execute(statement.encode(), values).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _document(reading: Reading, document: int, name: str, report: CheckReport) -> Iterator[Finding]:
    row = reading.connection.execute(
        "SELECT text, text_sha256, characters FROM citewise.documents WHERE id = %s", (document,)
    ).fetchone()
    raw, digest, characters = row or (b"", "", 0)
    text = bytes(raw).decode("utf-8", "replace")
    if hashlib.sha256(raw).hexdigest() != digest or len(text) != characters:
        yield Finding("documents", f"{name}: the text is not the one that was stored", document)
        return
    rows = _rows(reading, document)
    yield from compare_passages(document, name, text, rows, reading.manifest.embedder, report)


_PASSAGES = (
    'SELECT p.id, "start", "end", text, heading, key, words.length,'
    " ARRAY(SELECT lexeme || ' ' || cardinality(positions) FROM unnest(words) ORDER BY 1)"
    " FROM citewise.passages p LEFT JOIN citewise.words ON words.passage = p.id"
    " AND words.document = p.document AND words.collection = p.collection"
    " LEFT JOIN citewise.passage_vectors v ON v.id = p.vector AND space = %s"
    ' WHERE p.document = %s ORDER BY "start", "end"'
)
_SPANS = (
    'SELECT passage, number, "start", "end", rendered, terms, length, key FROM citewise.spans'
    " LEFT JOIN citewise.span_vectors v ON v.id = spans.vector AND space = %s"
    " WHERE passage IN (SELECT id FROM citewise.passages WHERE document = %s)"
    " ORDER BY passage, number"
)


def _rows(reading: Reading, document: int) -> Iterator[tuple[PassageRow, list[SpanRow]]]:
    wanted = (reading.manifest.space, document)
    spans: defaultdict[int, list[Any]] = defaultdict(list)
    for passage, *span in reading.connection.execute(_SPANS, wanted):
        spans[passage].append(span)
    for row in reading.connection.execute(_PASSAGES, wanted).fetchall():
        passage, start, end, raw, heading, key, length, lexemes = row
        text, above = bytes(raw).decode(), bytes(heading).decode()
        held = [_span(span, start, text) for span in spans[passage]]
        terms = passage_terms(above, text, [span[4] for span in held])
        same = counted(reading.manifest.id, terms.split()) == sorted(lexemes)
        if not same or length != len(terms.split()):
            terms = "\n"  # what no text has for its terms
        yield (passage, start, end, text, above, terms, key and bytes(key)), held


def _span(row: Any, begin: int, text: str) -> SpanRow:
    number, start, end, rendered, terms, length, key = row
    words = text[start - begin : end - begin] if rendered is None else bytes(rendered).decode()
    return number, start, end, words, terms, length, key and bytes(key)


_USERS = {
    "passage_vectors": "citewise.passages p",
    "span_vectors": "citewise.spans s JOIN citewise.passages p ON p.id = s.passage",
}


def _vectors(reading: Reading, report: CheckReport) -> Iterator[Finding]:
    """Every vector has the right length, is a unit vector, and belongs to something."""
    space, dimensions = reading.manifest.space, reading.manifest.dimensions
    for table, users in _USERS.items():
        user = "p" if table == "passage_vectors" else "s"
        report.vectors += _number(
            reading, f"SELECT count(*) FROM citewise.{table} WHERE space = %s", space
        )
        rows = reading.connection.execute(
            f"SELECT DISTINCT p.document FROM citewise.{table} v JOIN {users}"
            f" ON {user}.vector = v.id WHERE v.space = %s AND (vector_dims(v.vector) <> %s"
            " OR abs(l2_norm(v.vector::halfvec) - 1) > 0.02)".encode(),
            (space, dimensions),
        )
        for (document,) in rows.fetchall():
            yield Finding("vectors", f"one is not {dimensions} numbers of length 1", document)
        unused = _number(
            reading,
            f"SELECT count(*) FROM citewise.{table} v WHERE v.space = %s"
            f" AND NOT EXISTS (SELECT 1 FROM {users} WHERE {user}.vector = v.id)",
            space,
        )
        if unused:
            yield Finding("vectors", f"{unused} in {table} belong to nothing")


_DIFFERENT = f"""
    WITH moving (document, sign) AS (SELECT id, 1 FROM citewise.documents
        WHERE collection = %s AND state = %s), anew AS ({COUNTED_TERMS})
    SELECT count(*) FROM anew
        FULL JOIN (SELECT * FROM citewise.terms WHERE collection = %s) held USING (term)
    WHERE anew.passages IS DISTINCT FROM held.passages
        OR anew.spans IS DISTINCT FROM held.spans OR held.best < anew.best
"""


def _terms(reading: Reading) -> Iterator[Finding]:
    collection = reading.manifest.id
    wrong = _number(reading, _DIFFERENT, collection, LIVE, collection)
    if wrong:
        yield Finding("words", f"{wrong} terms are counted wrongly")


def _manifest(reading: Reading, report: CheckReport) -> Iterator[Finding]:
    manifest = reading.manifest
    live = (
        "FROM citewise.passages p JOIN citewise.documents d ON d.id = p.document"
        " AND d.collection = %s AND state = %s"
    )
    about = (manifest.id, LIVE)
    found = {
        "passage_count": report.passages,
        "span_count": report.spans,
        "passage_terms": _number(
            reading, f"SELECT sum(length) {live} JOIN citewise.words ON passage = p.id", *about
        ),
        "span_terms": _number(
            reading, f"SELECT sum(length) {live} JOIN citewise.spans ON passage = p.id", *about
        ),
    }
    for key, value in found.items():
        if getattr(manifest, key) != value:
            yield Finding("manifest", f"{key} is {getattr(manifest, key)}, counted were {value}")
    listed = _number(
        reading,
        "SELECT sum(passages) FROM citewise.documents WHERE collection = %s AND state = %s",
        *about,
    )
    if listed != report.passages:
        yield Finding("manifest", f"documents list {listed} passages, counted were {found}")
    if report.documents and not manifest.embedder:
        yield Finding("manifest", "it names no embedding model")


def _files(reading: Reading) -> Iterator[Finding]:
    rows = reading.connection.execute(
        "SELECT d.id, d.name FROM citewise.documents d LEFT JOIN citewise.files f"
        " ON f.collection = d.collection AND f.name = CASE source WHEN '' THEN d.name ELSE source"
        " END WHERE d.collection = %s AND state = %s AND f.name IS NULL",
        (reading.manifest.id, LIVE),
    )
    for document, name in rows:
        yield Finding("files", f"{name} comes from a file that is not listed", document)
