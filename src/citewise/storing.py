"""Documents written as rows, made live, and deleted with all that was made from them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from citewise.errors import CorpusError
from citewise.records import passage_text
from citewise.schema import LIVE, PARTIAL, STAGED
from citewise.spacedterms import passage_terms, spaced_terms
from citewise.types import Document, Passage
from citewise.vectorstore import Key, Wanted, drop_unused, key_of

__all__ = [
    "Counts",
    "add_passages",
    "begin_document",
    "check_passages",
    "complete_document",
    "delete_document",
    "keys_of",
    "publish_document",
    "rename_document",
]


@dataclass(frozen=True, slots=True)
class Counts:
    """Live passages, spans, and terms in the spans."""

    passages: int = 0
    spans: int = 0
    terms: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passages + other.passages, self.spans + other.spans, self.terms + other.terms
        )

    def __neg__(self) -> Counts:
        return Counts(-self.passages, -self.spans, -self.terms)


def check_passages(document: Document, passages: Sequence[Passage]) -> None:
    """A citation is only as good as these offsets.

    Raises:
        CorpusError: a passage is not a piece of the document, or the text cannot be stored.
    """
    try:
        document.text.encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{document.name} holds half a character at offset {error.start}.",
            "Save the file as UTF-8, or leave it out.",
        ) from error
    for passage in passages:
        inside = all(passage.start <= s.start <= s.end <= passage.end for s in passage.spans)
        if document.text[passage.start : passage.end] != passage.text or not inside:
            raise CorpusError(
                f"{document.name} was split at {passage.start}–{passage.end} into something that "
                "is not in it.",
                "This is an error of the splitter; please report it with the document.",
            )


def begin_document(connection: sqlite3.Connection, document: Document) -> int:
    """Store a document that readers do not see yet and whose passages follow; return its id."""
    digest = hashlib.sha256(document.text.encode()).hexdigest()
    about = (json.dumps(document.pages), document.format, document.modified, document.source)
    tags = "\n".join(document.tags)
    row = (PARTIAL, document.name, document.sha256, len(document.text), digest, *about, tags)
    inserted = connection.execute(
        "INSERT INTO documents (state, name, sha256, characters, text_sha256,"
        " pages, format, modified, source, tags, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, document.text),
    ).lastrowid
    assert inserted is not None  # noqa: S101 - every insertion has one
    return inserted


def keys_of(passage: Passage, embedder: str) -> dict[Key, Wanted]:
    """The texts of a passage that are embedded, by the key of the vector each gets."""
    text = passage_text(passage)
    keys: dict[Key, Wanted] = {key_of(embedder, text, "<f4"): (text, "<f4")}
    for span in passage.spans:
        keys[key_of(embedder, span.rendered, "<f2")] = span.rendered, "<f2"
    return keys


def add_passages(
    connection: sqlite3.Connection,
    document: int,
    passages: Sequence[Passage],
    embedder: str,
    vectors: Mapping[Key, int],
) -> None:
    """Store passages and their spans; ``vectors`` holds the row id for each of ``keys_of``."""
    for passage in passages:
        span_terms = [spaced_terms(span.rendered) for span in passage.spans]
        terms = passage_terms(passage.heading, passage.text, span_terms)
        row = (document, passage.start, passage.end, passage.kind, passage.heading, passage.page)
        vector = vectors[key_of(embedder, passage_text(passage), "<f4")]
        passage_id = connection.execute(
            'INSERT INTO passages (document, start, "end", kind, heading, page, text, terms,'
            " vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, passage.text, terms, vector),
        ).lastrowid
        searched = [
            (terms, len(terms.split()), vectors[key_of(embedder, span.rendered, "<f2")])
            for span, terms in zip(passage.spans, span_terms, strict=True)
        ]
        connection.executemany(
            'INSERT INTO spans (passage, number, start, "end", kind, rendered, terms, length,'
            " vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (passage_id, number, span.start, span.end, span.kind, span.rendered, *found)
                for number, (span, found) in enumerate(zip(passage.spans, searched, strict=True))
            ),
        )


def complete_document(connection: sqlite3.Connection, document: int) -> None:
    """Note that all passages of a document are stored."""
    connection.execute("UPDATE documents SET state = ? WHERE id = ?", (STAGED, document))


_PASSAGES = "FROM passages WHERE document = ?"
_SPANS = "FROM spans WHERE passage IN (SELECT id FROM passages WHERE document = ?)"


def publish_document(connection: sqlite3.Connection, document: int) -> Counts:
    """Let readers find a complete document, once the transaction ends; return what it adds."""
    for statement in (
        f"INSERT INTO passages_fts (rowid, terms) SELECT id, terms {_PASSAGES}",
        f"INSERT INTO spans_fts (rowid, terms) SELECT id, terms {_SPANS}",
        f"INSERT INTO refiled (passage, added) SELECT id, 1 {_PASSAGES}",
    ):
        connection.execute(statement, (document,))
    connection.execute("UPDATE documents SET state = ? WHERE id = ?", (LIVE, document))
    return _counts(connection, document)


def delete_document(
    connection: sqlite3.Connection, document: int, *, listed: bool = True
) -> Counts:
    """Remove a document and all that was made from it; return what readers lose.

    Args:
        listed: False leaves its words in the full-text index, which is rebuilt afterwards.
    """
    (state,) = connection.execute(
        "SELECT state FROM documents WHERE id = ?", (document,)
    ).fetchone() or (PARTIAL,)
    counts = Counts()
    if state == LIVE:
        counts = _counts(connection, document)
        if listed:
            _unlist(connection, document)
    vectors = {row[0] for row in connection.execute(f"SELECT vector {_PASSAGES}", (document,))}
    vectors |= {row[0] for row in connection.execute(f"SELECT vector {_SPANS}", (document,))}
    connection.execute(f"DELETE {_SPANS}", (document,))
    connection.execute(f"DELETE {_PASSAGES}", (document,))
    connection.execute("DELETE FROM documents WHERE id = ?", (document,))
    drop_unused(connection, vectors)
    return counts


def _unlist(connection: sqlite3.Connection, document: int) -> None:
    for statement in (
        # FTS5 keeps no copy of the terms: it must be told which ones to forget, before they go.
        f"INSERT INTO spans_fts (spans_fts, rowid, terms) SELECT 'delete', id, terms {_SPANS}",
        "INSERT INTO passages_fts (passages_fts, rowid, terms)"
        f" SELECT 'delete', id, terms {_PASSAGES}",
        # A passage that the vector file does not hold yet is forgotten; one that it holds, noted.
        f"INSERT INTO refiled (passage, added) SELECT id, 0 {_PASSAGES}"
        " ON CONFLICT (passage) DO UPDATE SET added = -1",
    ):
        connection.execute(statement, (document,))
    connection.execute("DELETE FROM refiled WHERE added = -1")


def _counts(connection: sqlite3.Connection, document: int) -> Counts:
    (passages,) = connection.execute(f"SELECT count(*) {_PASSAGES}", (document,)).fetchone()
    spans, terms = connection.execute(
        f"SELECT count(*), total(length) {_SPANS}", (document,)
    ).fetchone()
    return Counts(passages, spans, int(terms))


def rename_document(connection: sqlite3.Connection, document: int, name: str, source: str) -> None:
    """Give a document the name and source that its file has now."""
    row = (name, source, document)
    connection.execute("UPDATE documents SET name = ?, source = ? WHERE id = ?", row)
