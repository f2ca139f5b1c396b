"""What the database itself tells of a PostgreSQL store: bytes by table and index, rows read."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

__all__ = ["bytes_a_passage", "rows_read"]

_NAMES = {
    "documents": "documents, rows (text)",
    "passages": "passages, rows (text)",
    "spans": "spans, rows",
    "passage_vectors": "passages' vectors, rows (`vector`)",
    "span_vectors": "spans' vectors, rows (`halfvec`)",
    "words": "words, rows (`tsvector`)",
    "terms": "terms, rows and key",
    "terms_pkey": "terms, rows and key",
    "words_by_word": "words, GIN",
    "passage_vectors_space_key_key": "hashes of texts, indexes",
    "span_vectors_space_key_key": "hashes of texts, indexes",
    "passages_pkey": "numbers, indexes that a search uses",
    "passages_by_vector": "numbers, indexes that a search uses",
    "spans_pkey": "numbers, indexes that a search uses",
    "span_vectors_pkey": "numbers, indexes that a search uses",
}
_PATIENCE = 30.0


def bytes_a_passage(connection: Any, passages: int) -> dict[str, float]:
    """Of all tables with what is kept aside of them, and of all indexes; largest first."""
    rows = connection.execute(
        "SELECT relname, CASE relkind WHEN 'r' THEN pg_table_size(oid) ELSE pg_relation_size(oid)"
        " END, relkind = 'i' FROM pg_class WHERE relnamespace = 'citewise'::regnamespace"
        " AND relkind IN ('r', 'i')"
    ).fetchall()
    found: Counter[str] = Counter()
    for name, size, index in rows:
        kind = "other indexes" if index else "other"
        if name.startswith("nearest_"):
            kind = "passages' vectors, HNSW (`halfvec`)"
        found[_NAMES.get(name, kind)] += size
    return {name: round(size / passages, 1) for name, size in found.most_common()}


def rows_read(connection: Any, table: str) -> int:
    """How many rows of a table its indexes have brought up, once nobody else is connected.

    The server counts what a connection reads when that ends, or now and then.
    """
    end = time.monotonic() + _PATIENCE
    while _others(connection):
        if time.monotonic() > end:
            raise RuntimeError("Another connection to this database stays open.")
        time.sleep(0.1)
    (read,) = connection.execute(
        "SELECT coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
        " WHERE schemaname = 'citewise' AND relname = %s",
        (table,),
    ).fetchone()
    return int(read)


def _others(connection: Any) -> int:
    (others,) = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchone()
    return int(others)
