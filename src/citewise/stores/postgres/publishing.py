"""The one transaction that turns what was prepared into what readers see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from citewise import __version__
from citewise.planning import FiledFile
from citewise.postings import K1, B
from citewise.publishing import Outcome, remembered
from citewise.schema import LIVE
from citewise.stores.postgres.lexemes import AVERAGE, LONGEST

if TYPE_CHECKING:
    import psycopg

__all__ = ["COUNTED_TERMS", "delete_documents", "publish", "sweep"]


def publish(
    connection: psycopg.Connection[Any], collection: int, outcome: Outcome, embedder: str
) -> int:
    """Carry it out inside an open transaction; return how many passages came and went."""
    row = connection.execute(
        "SELECT generation FROM citewise.collections WHERE id = %s FOR UPDATE", (collection,)
    ).fetchone()
    first = row is None or not row[0]
    moved = connection.execute(
        "SELECT coalesce(sum(passages), 0) FROM citewise.documents WHERE id = ANY(%s)",
        ([*outcome.published, *outcome.deleted],),
    ).fetchone()
    _count(connection, collection, outcome)
    delete_documents(connection, outcome.deleted)
    for document, name, source in outcome.renamed:
        connection.execute(
            "UPDATE citewise.documents SET name = %s, source = %s WHERE id = %s",
            (name, source, document),
        )
    connection.execute(
        "UPDATE citewise.documents SET state = %s WHERE id = ANY(%s)", (LIVE, outcome.published)
    )
    if outcome.sweep:
        sweep(connection, collection)
    _file(connection, collection, outcome.filed)
    connection.execute(
        "UPDATE citewise.collections SET embedder = %s, version = %s, pending = '',"
        " generation = generation + %s, space ="
        " (SELECT s.id FROM citewise.spaces s WHERE s.collection = %s AND s.embedder = %s)"
        " WHERE id = %s",
        (embedder, __version__, int(first or outcome.seen), collection, embedder, collection),
    )
    return int(moved[0]) if moved else 0


def _count(connection: psycopg.Connection[Any], collection: int, outcome: Outcome) -> None:
    """Add what comes to the counts of the collection and of its terms, and take what goes."""
    if not outcome.published and not outcome.deleted:
        return
    documents = {"come": outcome.published, "go": outcome.deleted, "collection": collection}
    connection.execute("SET LOCAL work_mem = '64MB'")
    connection.execute(_CHANGED.encode(), documents)
    for statement in _COUNTING:
        connection.execute(statement.encode(), documents)


COUNTED_TERMS = f"""
    SELECT term, sum(held)::int AS passages, sum(spans)::int AS spans, max(best)::real AS best
    FROM (
        SELECT substr(one.lexeme, strpos(one.lexeme, ':') + 1) COLLATE "C" AS term,
            sign AS held, 0 AS spans, {K1 + 1} * cardinality(positions) / (cardinality(positions)
                + {K1} * ({1 - B} + {B} * length / {AVERAGE})) AS best
        FROM moving JOIN citewise.words USING (document),
            LATERAL unnest(words) AS one (lexeme, positions, weights)
        UNION ALL
        SELECT one.term COLLATE "C", 0, sign, 0
        FROM moving JOIN citewise.passages p USING (document)
            JOIN citewise.spans ON passage = p.id, LATERAL (SELECT DISTINCT left(t, {LONGEST})
                AS term FROM unnest(string_to_array(terms, ' ')) t WHERE t <> '') one
    ) counted GROUP BY term
"""
"""The terms of the documents in ``moving``, counted with their ``sign``."""

_CHANGED = f"""
CREATE TEMP TABLE changed ON COMMIT DROP AS WITH moving (document, sign) AS (
    SELECT unnest(%(come)s::bigint[]), 1 UNION ALL SELECT unnest(%(go)s::bigint[]), -1
) {COUNTED_TERMS}
"""

_COUNTING = (
    "INSERT INTO citewise.terms AS held (collection, term, passages, spans, best)"
    " SELECT %(collection)s, term, passages, spans, best FROM changed"
    " ON CONFLICT (collection, term) DO UPDATE SET passages = held.passages + excluded.passages,"
    " spans = held.spans + excluded.spans, best = greatest(held.best, excluded.best)",
    "DELETE FROM citewise.terms t USING changed WHERE t.collection = %(collection)s"
    " AND t.term = changed.term AND t.passages <= 0 AND t.spans <= 0",
    """
    WITH moving (document, sign) AS (
        SELECT unnest(%(come)s::bigint[]), 1 UNION ALL SELECT unnest(%(go)s::bigint[]), -1
    ), passages AS (
        SELECT coalesce(sum(sign), 0) AS number, coalesce(sum(sign * length), 0) AS terms
        FROM moving JOIN citewise.words USING (document)
    ), spans AS (
        SELECT coalesce(sum(sign), 0) AS number, coalesce(sum(sign * length), 0) AS terms
        FROM moving JOIN citewise.passages p USING (document)
            JOIN citewise.spans ON passage = p.id
    )
    UPDATE citewise.collections SET passage_count = passage_count + passages.number,
        passage_terms = passage_terms + passages.terms,
        span_count = span_count + spans.number, span_terms = span_terms + spans.terms
    FROM passages, spans WHERE id = %(collection)s
    """,
)

# A vector goes with the last passage or span that uses it.
_DELETIONS = (
    "DELETE FROM citewise.span_vectors v USING citewise.spans s, citewise.passages p"
    " WHERE v.id = s.vector AND s.passage = p.id AND p.document = ANY(%(gone)s)"
    " AND NOT EXISTS (SELECT 1 FROM citewise.spans other JOIN citewise.passages its"
    " ON its.id = other.passage WHERE other.vector = v.id AND its.document <> ALL(%(gone)s))",
    "DELETE FROM citewise.passage_vectors v USING citewise.passages p"
    " WHERE v.id = p.vector AND p.document = ANY(%(gone)s) AND NOT EXISTS"
    " (SELECT 1 FROM citewise.passages other"
    " WHERE other.vector = v.id AND other.document <> ALL(%(gone)s))",
    "DELETE FROM citewise.spans USING citewise.passages p"
    " WHERE passage = p.id AND p.document = ANY(%(gone)s)",
    "DELETE FROM citewise.words WHERE document = ANY(%(gone)s)",
    "DELETE FROM citewise.passages WHERE document = ANY(%(gone)s)",
    "DELETE FROM citewise.documents WHERE id = ANY(%(gone)s)",
)


def delete_documents(connection: psycopg.Connection[Any], documents: Sequence[int]) -> None:
    """Remove documents and all that was made from them; counts stay as they are."""
    if documents:
        for statement in _DELETIONS:
            connection.execute(statement.encode(), {"gone": list(documents)})


def sweep(connection: psycopg.Connection[Any], collection: int) -> None:
    """Delete what was prepared and never published."""
    rows = connection.execute(
        "SELECT id FROM citewise.documents WHERE collection = %s AND state <> %s",
        (collection, LIVE),
    )
    delete_documents(connection, [document for (document,) in rows])


def _file(
    connection: psycopg.Connection[Any], collection: int, filed: Mapping[str, FiledFile | None]
) -> None:
    gone = [name for name, file in filed.items() if file is None]
    connection.execute(
        "DELETE FROM citewise.files WHERE collection = %s AND name = ANY(%s)", (collection, gone)
    )
    rows = [
        (collection, name, file.size, file.mtime_ns, file.sha256, remembered(file.skipped))
        for name, file in filed.items()
        if file is not None
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO citewise.files (collection, name, size, mtime_ns, sha256, skipped)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (collection, name) DO UPDATE SET"
            " size = excluded.size, mtime_ns = excluded.mtime_ns, sha256 = excluded.sha256,"
            " skipped = excluded.skipped",
            rows,
        )
