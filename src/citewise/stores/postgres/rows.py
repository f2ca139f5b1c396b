"""Rows on their way into the tables: many at once, by COPY in PostgreSQL's binary form."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from citewise.stores.postgres.lexemes import LONGEST, MOST_REPEATS

if TYPE_CHECKING:
    import psycopg

__all__ = ["copy_rows", "counted", "new_ids", "stored_terms", "tsvector"]

# Columns in the order of the rows, with their types. Whatever is sent as PostgreSQL's own bytes
# (texts, vectors, words) goes as bytea: in a binary COPY no type is sent along.
_COLUMNS = {
    "passage_vectors": "id int8, space int4, key bytea, vector bytea",
    "span_vectors": "id int8, space int4, key bytea, vector bytea",
    "passages": "id int8, collection int4, document int8, start int4, end int4, page int4,"
    " kind text, heading bytea, text bytea, vector int8",
    "spans": "passage int8, number int4, start int4, end int4, length int4, vector int8,"
    " kind text, rendered bytea, terms text",
    "words": "passage int8, collection int4, document int8, length int4, words bytea",
}


def new_ids(connection: psycopg.Connection[Any], table: str, count: int) -> list[int]:
    """Ids that no row had or will have, ascending."""
    rows = connection.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
        (f"citewise.{table}", count),
    )
    return sorted(number for (number,) in rows)


def copy_rows(
    connection: psycopg.Connection[Any], table: str, rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows of a table."""
    columns = [column.split() for column in _COLUMNS[table].split(",")]
    names = ", ".join(f'"{name}"' for name, _ in columns)
    statement = f"COPY citewise.{table} ({names}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)


def stored_terms(spaced: str) -> str:
    """Terms between spaces, without what PostgreSQL's text cannot hold."""
    return spaced.replace("\0", "")


def counted(collection: int, terms: Sequence[str]) -> list[str]:
    """Each lexeme of ``tsvector``, and how often it stands there; sorted."""
    counts = Counter(term[:LONGEST] for term in terms)
    return sorted(f"{collection}:{t} {min(n, MOST_REPEATS)}" for t, n in counts.items())


def tsvector(collection: int, terms: Sequence[str]) -> bytes:
    """Terms as PostgreSQL receives a tsvector; each stands as often as it occurs.

    They begin with the collection's number, so that a search meets no other collection's.
    """
    counts = Counter(term[:LONGEST] for term in terms)
    parts = [struct.pack(">i", len(counts))]
    for term, count in counts.items():
        places = range(1, min(count, MOST_REPEATS) + 1)
        parts.append(f"{collection}:{term}".encode() + b"\0")
        parts.append(struct.pack(f">H{len(places)}H", len(places), *places))
    return b"".join(parts)
