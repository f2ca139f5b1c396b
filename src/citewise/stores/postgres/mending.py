"""Mending a collection: what is counted is counted anew, what is wrong is taken out."""

from __future__ import annotations

from collections.abc import Collection

from citewise.schema import LIVE
from citewise.stores.postgres.database import Database
from citewise.stores.postgres.publishing import COUNTED_TERMS, delete_documents, sweep

__all__ = ["mend_collection"]

_COUNTED_ANEW = (
    "DELETE FROM citewise.terms WHERE collection = %(collection)s",
    f"""
    WITH moving (document, sign) AS (SELECT id, 1 FROM citewise.documents
        WHERE collection = %(collection)s AND state = '{LIVE}')
    INSERT INTO citewise.terms (collection, term, passages, spans, best)
    SELECT %(collection)s, term, passages, spans, best FROM ({COUNTED_TERMS}) anew
    """,
    "UPDATE citewise.documents d SET passages ="
    " (SELECT count(*) FROM citewise.passages p WHERE p.document = d.id)"
    " WHERE collection = %(collection)s",
    f"""
    WITH live AS (SELECT p.id FROM citewise.passages p JOIN citewise.documents d
        ON d.id = p.document WHERE d.collection = %(collection)s AND state = '{LIVE}'),
    words AS (SELECT count(*) AS number, coalesce(sum(length), 0) AS terms
        FROM live JOIN citewise.words ON passage = id),
    spans AS (SELECT count(*) AS number, coalesce(sum(length), 0) AS terms
        FROM live JOIN citewise.spans ON passage = id)
    UPDATE citewise.collections SET generation = generation + 1,
        passage_count = words.number, passage_terms = words.terms,
        span_count = spans.number, span_terms = spans.terms
    FROM words, spans WHERE id = %(collection)s
    """,
    "DELETE FROM citewise.passage_vectors v USING citewise.spaces s WHERE s.id = v.space"
    " AND s.collection = %(collection)s"
    " AND NOT EXISTS (SELECT 1 FROM citewise.passages WHERE vector = v.id)",
    "DELETE FROM citewise.span_vectors v USING citewise.spaces s WHERE s.id = v.space"
    " AND s.collection = %(collection)s"
    " AND NOT EXISTS (SELECT 1 FROM citewise.spans WHERE vector = v.id)",
)


def mend_collection(database: Database, bad_documents: Collection[int]) -> None:
    """Take out documents in which something is wrong, and count all others anew.

    Raises:
        IndexFault: another writer is at work, or it cannot be written.
    """
    with (
        database.locked() as (connection, collection),
        database.faults(),
        connection.transaction(),
    ):
        # Their files are forgotten too, so that the next update reads them whatever their time.
        connection.execute(
            "DELETE FROM citewise.files f USING citewise.documents d WHERE d.id = ANY(%s)"
            " AND f.collection = d.collection"
            " AND f.name = CASE source WHEN '' THEN d.name ELSE source END",
            (list(bad_documents),),
        )
        delete_documents(connection, list(bad_documents))
        sweep(connection, collection)
        for statement in _COUNTED_ANEW:
            connection.execute(statement.encode(), {"collection": collection})
