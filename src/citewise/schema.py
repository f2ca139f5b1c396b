"""The tables of the index database, and the number of their format."""

from __future__ import annotations

__all__ = ["FORMAT", "LIVE", "PARTIAL", "SCHEMA", "STAGED", "TABLES"]

# Raise by one whenever the schema, the terms or the splitting change: an index of an older
# format is built anew from the documents, one of a newer format is refused.
FORMAT = 6

# A document's state. Readers see live ones; an update prepares the others beside them, batch by
# batch, and one last transaction makes them live.
LIVE, STAGED, PARTIAL = "live", "staged", "partial"

TABLES = frozenset(
    {"meta", "files", "documents", "passages", "spans", "vectors", "passages_fts", "spans_fts"}
)

# The terms come ready-made from citewise.tokens; SQLite only has to split them at spaces.
_TOKENIZE = "tokenize = \"ascii tokenchars '-.+#'\""

SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (
    name TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    skipped TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('{LIVE}', '{STAGED}', '{PARTIAL}')),
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    characters INTEGER NOT NULL,
    text_sha256 TEXT NOT NULL,
    pages TEXT NOT NULL,
    format TEXT NOT NULL,
    modified TEXT NOT NULL,
    source TEXT NOT NULL,
    tags TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX documents_by_name ON documents (name);
CREATE UNIQUE INDEX live_documents ON documents (name) WHERE state = '{LIVE}';
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    vector BLOB NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES documents,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    kind TEXT NOT NULL,
    heading TEXT NOT NULL,
    page INTEGER,
    text TEXT NOT NULL,
    terms TEXT NOT NULL,
    vector INTEGER NOT NULL REFERENCES vectors
);
CREATE INDEX passages_by_document ON passages (document);
CREATE INDEX passages_by_vector ON passages (vector);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY,
    passage INTEGER NOT NULL REFERENCES passages,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    kind TEXT NOT NULL,
    rendered TEXT NOT NULL,
    terms TEXT NOT NULL,
    length INTEGER NOT NULL,
    vector INTEGER NOT NULL REFERENCES vectors
);
CREATE UNIQUE INDEX spans_by_passage ON spans (passage, number, length);
CREATE INDEX spans_by_vector ON spans (vector);
CREATE TABLE refiled (passage INTEGER PRIMARY KEY, added INTEGER NOT NULL);
CREATE VIEW live_passages AS SELECT passages.id AS id, terms
    FROM passages JOIN documents ON documents.id = document WHERE state = '{LIVE}';
CREATE VIEW live_spans AS SELECT spans.id AS id, spans.terms AS terms
    FROM spans JOIN passages ON passages.id = passage
    JOIN documents ON documents.id = document WHERE state = '{LIVE}';
CREATE VIRTUAL TABLE passages_fts USING fts5
    (terms, content = 'live_passages', content_rowid = 'id', {_TOKENIZE});
CREATE VIRTUAL TABLE spans_fts USING fts5
    (terms, content = 'live_spans', content_rowid = 'id', detail = none, {_TOKENIZE});
CREATE VIRTUAL TABLE passages_vocab USING fts5vocab (passages_fts, row);
CREATE VIRTUAL TABLE spans_vocab USING fts5vocab (spans_fts, row);
INSERT INTO meta VALUES ('identity', lower(hex(randomblob(16)))), ('generation', '0'),
    ('embedder', ''), ('dimensions', '0'), ('vectors_generation', '0'), ('vectors_sha256', ''),
    ('passage_count', '0'), ('span_count', '0'), ('span_terms', '0'), ('version', '');
PRAGMA user_version = {FORMAT};
"""
