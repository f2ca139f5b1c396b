"""Documents, passages and spans as rows, written and read back unchanged."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.database import meta
from citewise.errors import CorpusError, IndexFault
from citewise.tokens import lexical_terms
from citewise.types import Document, Passage, Span

__all__ = [
    "DocumentInfo",
    "StoredPassage",
    "all_vectors",
    "delete_document",
    "digests",
    "document_infos",
    "insert_document",
    "passage_text",
    "passages_of",
    "read_document",
    "read_passages",
    "stored_vectors",
]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with its row id and its spans' unit vectors, shape ``(spans, dimensions)``."""

    id: int
    passage: Passage
    span_vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What the index holds of one document; ``characters`` and ``passages`` are counts."""

    name: str
    sha256: str
    characters: int
    passages: int


def passage_text(passage: Passage) -> str:
    """What is embedded for a passage: its words under their heading."""
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


def digests(connection: sqlite3.Connection) -> dict[str, str]:
    """The SHA-256 of every document's file, by name."""
    return dict(connection.execute("SELECT name, sha256 FROM documents"))


def insert_document(
    connection: sqlite3.Connection,
    document: Document,
    passages: Sequence[Passage],
    vectors: Mapping[str, NDArray[np.float32]],
) -> None:
    """Store a document; ``vectors`` holds one for each passage's and each span's text.

    Raises:
        CorpusError: the text cannot be stored, or a passage is not a piece of it.
    """
    try:
        digest = hashlib.sha256(document.text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{document.name} holds half a character at offset {error.start}.",
            "Save the file as UTF-8, or leave it out.",
        ) from error
    row = (document.name, document.sha256, len(document.text), digest, document.text)
    about = (json.dumps(document.pages), document.format, document.modified, document.source)
    document_id = connection.execute(
        "INSERT INTO documents (name, sha256, characters, text_sha256, text,"
        " pages, format, modified, source, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, *about, "\n".join(document.tags)),
    ).lastrowid
    for passage in passages:
        _check(document, passage)
        _insert_passage(connection, document_id, passage, vectors)


def _check(document: Document, passage: Passage) -> None:
    """A citation is only as good as these offsets."""
    inside = all(passage.start <= s.start <= s.end <= passage.end for s in passage.spans)
    if document.text[passage.start : passage.end] != passage.text or not inside:
        raise CorpusError(
            f"{document.name} was split at {passage.start}–{passage.end} into something that is "
            "not in it.",
            "This is an error of the splitter; please report it with the document.",
        )


def _insert_passage(
    connection: sqlite3.Connection,
    document_id: int | None,
    passage: Passage,
    vectors: Mapping[str, NDArray[np.float32]],
) -> None:
    rendered = [span.rendered for span in passage.spans] or [passage.text]
    terms = _spaced_terms("\n".join([passage.heading, *rendered]))
    vector = vectors[passage_text(passage)].astype("<f4").tobytes()
    row = (document_id, passage.start, passage.end, passage.kind, passage.heading, passage.page)
    passage_id = connection.execute(
        'INSERT INTO passages (document, start, "end", kind, heading, page, text, terms, vector)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, passage.text, terms, vector),
    ).lastrowid
    connection.execute("INSERT INTO passages_fts (rowid, terms) VALUES (?, ?)", (passage_id, terms))
    for number, span in enumerate(passage.spans):
        _insert_span(connection, passage_id, number, span, vectors[span.rendered])


def _insert_span(
    connection: sqlite3.Connection,
    passage_id: int | None,
    number: int,
    span: Span,
    vector: NDArray[np.float32],
) -> None:
    terms = _spaced_terms(span.rendered)
    row = (passage_id, number, span.start, span.end, span.kind, span.rendered, terms)
    span_id = connection.execute(
        'INSERT INTO spans (passage, number, start, "end", kind, rendered, terms, length, vector)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, len(terms.split()), vector.astype("<f2").tobytes()),
    ).lastrowid
    connection.execute("INSERT INTO spans_fts (rowid, terms) VALUES (?, ?)", (span_id, terms))


def _spaced_terms(text: str) -> str:
    return " ".join(lexical_terms(text))


_SPANS_OF = "FROM spans WHERE passage IN (SELECT id FROM passages WHERE document = :document)"


def delete_document(connection: sqlite3.Connection, name: str) -> None:
    """Remove a document and all that was made from it.

    Raises:
        sqlite3.DatabaseError: it is listed, but the index over names does not find it.
    """
    row = connection.execute("SELECT id FROM documents WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise sqlite3.DatabaseError(f"document {name!r} cannot be looked up")
    document = {"document": row[0]}
    # FTS5 keeps no copy of the terms: it must be told which ones to forget, before they go.
    for statement in (
        f"INSERT INTO spans_fts (spans_fts, rowid, terms) SELECT 'delete', id, terms {_SPANS_OF}",
        f"DELETE {_SPANS_OF}",
        "INSERT INTO passages_fts (passages_fts, rowid, terms)"
        " SELECT 'delete', id, terms FROM passages WHERE document = :document",
        "DELETE FROM passages WHERE document = :document",
        "DELETE FROM documents WHERE id = :document",
    ):
        connection.execute(statement, document)


def stored_vectors(connection: sqlite3.Connection, name: str) -> dict[str, NDArray[np.float32]]:
    """The vectors of a document by the text they stand for, to be used again if it changes."""
    vectors = {}
    for rendered, vector in connection.execute(
        "SELECT rendered, spans.vector FROM spans JOIN passages ON passage = passages.id"
        " JOIN documents ON document = documents.id WHERE name = ?",
        (name,),
    ):
        vectors[rendered] = np.frombuffer(vector, "<f2").astype(np.float32)
    # Last, because a passage's vector is kept in full precision and wins over an equal span's.
    for heading, text, vector in connection.execute(
        "SELECT heading, passages.text, vector FROM passages"
        " JOIN documents ON document = documents.id WHERE name = ?",
        (name,),
    ):
        key = f"{heading}\n{text}" if heading else text
        vectors[key] = np.frombuffer(vector, "<f4").astype(np.float32)
    return vectors


def all_vectors(
    connection: sqlite3.Connection, dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every passage's id, shape ``(n,)``, and vector, shape ``(n, dimensions)``."""
    rows = connection.execute("SELECT id, vector FROM passages ORDER BY id").fetchall()
    ids = np.array([row[0] for row in rows], np.int64)
    return ids, _matrix([row[1] for row in rows], "<f4", dimensions)


def passages_of(connection: sqlite3.Connection, documents: Sequence[int]) -> NDArray[np.int64]:
    """The ids of all passages of documents given by row id, in ascending order."""
    rows = connection.execute(
        "SELECT id FROM passages WHERE document IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(documents)),),
    )
    return np.fromiter((row[0] for row in rows), np.int64)


def _matrix(blobs: Sequence[bytes], dtype: str, columns: int) -> NDArray[np.float32]:
    size = columns * np.dtype(dtype).itemsize
    if any(len(blob) != size for blob in blobs):
        raise IndexFault(
            f"The index holds a vector that is not {columns} numbers long.",
            "Delete the index folder and run again: it is rebuilt from the documents.",
        )
    return np.frombuffer(b"".join(blobs), dtype).astype(np.float32).reshape(len(blobs), columns)


def read_passages(connection: sqlite3.Connection, ids: Sequence[int]) -> list[StoredPassage]:
    """The passages with these ids, in that order; an id that is gone is left out."""
    dimensions = int(meta(connection)["dimensions"])
    found = (_read_passage(connection, passage_id, dimensions) for passage_id in ids)
    return [passage for passage in found if passage is not None]


def _read_passage(
    connection: sqlite3.Connection, passage_id: int, dimensions: int
) -> StoredPassage | None:
    row = connection.execute(
        'SELECT name, start, "end", passages.text, kind, heading, page'
        " FROM passages JOIN documents ON document = documents.id WHERE passages.id = ?",
        (passage_id,),
    ).fetchone()
    if row is None:
        return None
    spans = connection.execute(
        'SELECT start, "end", kind, rendered, vector FROM spans WHERE passage = ? ORDER BY number',
        (passage_id,),
    ).fetchall()
    vectors = _matrix([span[4] for span in spans], "<f2", dimensions)
    name, start, end, text, kind, heading, page = row
    parts = tuple(Span(*span[:4]) for span in spans)
    passage = Passage(name, start, end, text, kind, heading, parts, page)
    return StoredPassage(passage_id, passage, vectors)


def read_document(connection: sqlite3.Connection, name: str) -> Document | None:
    """The document as it was read, or None if there is none of that name.

    Raises:
        IndexFault: the text is no longer what was stored.
    """
    row = connection.execute(
        "SELECT CAST(text AS TEXT), sha256, text_sha256, pages, tags, format, modified,"
        " source FROM documents WHERE name = ?",
        (name,),
    ).fetchone()
    if row is None:
        return None
    text, sha256, text_sha256, pages, tags, form, modified, source = row
    if hashlib.sha256(text.encode()).hexdigest() != text_sha256:
        raise IndexFault(
            f"The stored text of {name} has been altered.",
            "Delete the index folder and run again: it is rebuilt from the documents.",
        )
    filed = tuple(tags.splitlines())
    starts = _page_starts(pages, name)
    return Document(name, text, sha256, starts, form, modified, source, filed)


def _page_starts(stored: str, name: str) -> tuple[int, ...]:
    try:
        return tuple(int(start) for start in json.loads(stored))
    except (TypeError, ValueError) as error:
        raise IndexFault(
            f"The stored pages of {name} have been altered.",
            "Delete the index folder and run again: it is rebuilt from the documents.",
        ) from error


def document_infos(connection: sqlite3.Connection) -> list[DocumentInfo]:
    """What is stored, by name."""
    rows = connection.execute(
        "SELECT name, sha256, characters,"
        " (SELECT count(*) FROM passages WHERE document = documents.id)"
        " FROM documents ORDER BY name"
    )
    return [DocumentInfo(*row) for row in rows]
