"""Documents, passages and spans read back from their rows, unchanged."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from citewise.database import meta
from citewise.errors import IndexFault
from citewise.schema import LIVE
from citewise.types import Document, Passage, Span

__all__ = [
    "DocumentInfo",
    "StoredPassage",
    "added_vectors",
    "all_vectors",
    "digests",
    "dimensions_of",
    "document_infos",
    "embedded_text",
    "homes_of",
    "live_passages",
    "live_vector_blocks",
    "passage_text",
    "passages_of",
    "read_document",
    "read_passages",
    "removed_passages",
    "vectors_of",
]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with its row id, its spans' unit vectors, ``(spans, dimensions)``, and terms."""

    id: int
    passage: Passage
    span_vectors: NDArray[np.float32]
    span_terms: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What the index holds of one document; ``characters`` and ``passages`` are counts."""

    name: str
    sha256: str
    characters: int
    passages: int


def passage_text(passage: Passage) -> str:
    """What is embedded for a passage: its words under their heading."""
    return embedded_text(passage.heading, passage.text)


def embedded_text(heading: str, text: str) -> str:
    """As ``passage_text``, of a passage's parts."""
    return f"{heading}\n{text}" if heading else text


def digests(connection: sqlite3.Connection) -> dict[str, str]:
    """The SHA-256 of every document's file, by name."""
    rows = connection.execute("SELECT name, sha256 FROM documents WHERE state = ?", (LIVE,))
    return dict(rows)


_LIVE_VECTORS = (
    "FROM passages JOIN documents ON documents.id = document"
    f" JOIN vectors ON vectors.id = passages.vector WHERE state = '{LIVE}'"
)


def dimensions_of(connection: sqlite3.Connection) -> int:
    """The length of the live passages' vectors; 0 if there are none."""
    row = connection.execute(f"SELECT length(vectors.vector) / 4 {_LIVE_VECTORS} LIMIT 1")
    return (row.fetchone() or (0,))[0]


def all_vectors(
    connection: sqlite3.Connection, dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Every live passage's id, shape ``(n,)``, and vector, shape ``(n, dimensions)``."""
    (count,) = connection.execute(f"SELECT count(*) {_LIVE_VECTORS}").fetchone()
    rows = connection.execute(
        f"SELECT passages.id, vectors.vector {_LIVE_VECTORS} ORDER BY passages.id"
    )
    return _gathered(rows, count, dimensions)


def live_vector_blocks(
    connection: sqlite3.Connection, dimensions: int, size: int = 8192
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """As ``all_vectors``, in blocks: all of a large index would take too much memory."""
    rows = connection.execute(
        f"SELECT passages.id, vectors.vector {_LIVE_VECTORS} ORDER BY passages.id"
    )
    while block := rows.fetchmany(size):
        yield _gathered(block, len(block), dimensions)


def added_vectors(
    connection: sqlite3.Connection, dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """As ``all_vectors``, of the passages that the vector file does not hold yet."""
    rows = connection.execute(
        "SELECT passages.id, vectors.vector FROM refiled JOIN passages ON passages.id = passage"
        " JOIN vectors ON vectors.id = passages.vector WHERE added ORDER BY passages.id"
    ).fetchall()
    return _gathered(rows, len(rows), dimensions)


def live_passages(connection: sqlite3.Connection) -> NDArray[np.int64]:
    """The ids of all live passages, ascending."""
    rows = connection.execute(
        "SELECT passages.id FROM passages JOIN documents ON documents.id = document"
        " WHERE state = ? ORDER BY passages.id",
        (LIVE,),
    )
    return np.fromiter((row[0] for row in rows), np.int64)


def vectors_of(
    connection: sqlite3.Connection, passages: NDArray[np.int64], dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """As ``all_vectors``, of those of these passages whose vectors have that length."""
    rows = connection.execute(
        "SELECT passages.id, vectors.vector FROM json_each(?) JOIN passages ON passages.id = value"
        " JOIN vectors ON vectors.id = passages.vector WHERE length(vectors.vector) = ?"
        " ORDER BY passages.id",
        (json.dumps(passages.tolist()), 4 * dimensions),
    ).fetchall()
    return _gathered(rows, len(rows), dimensions)


def removed_passages(connection: sqlite3.Connection) -> NDArray[np.int64]:
    """The ids of passages that are gone, but still in the vector file; ascending."""
    rows = connection.execute("SELECT passage FROM refiled WHERE NOT added ORDER BY passage")
    return np.fromiter((row[0] for row in rows), np.int64)


def _gathered(
    rows: Iterable[tuple[int, bytes]], count: int, dimensions: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    # Row by row into place: all blobs beside the array would take twice the memory.
    ids, vectors = np.empty(count, np.int64), np.empty((count, dimensions), np.float32)
    for place, (passage, blob) in enumerate(rows):
        ids[place] = passage
        vectors[place] = _matrix([blob], "<f4", dimensions)[0]
    return ids, vectors


def passages_of(connection: sqlite3.Connection, documents: Sequence[int]) -> NDArray[np.int64]:
    """The ids of all passages of documents given by row id, in ascending order."""
    rows = connection.execute(
        "SELECT id FROM passages WHERE document IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(documents)),),
    )
    return np.fromiter((row[0] for row in rows), np.int64)


def homes_of(connection: sqlite3.Connection, passages: Sequence[int]) -> dict[int, int]:
    """The row id of the document of each of these passages; those that are gone are left out."""
    rows = connection.execute(
        "SELECT passages.id, document FROM json_each(?) JOIN passages ON passages.id = value",
        (json.dumps(list(passages)),),
    )
    return dict(rows)


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
    wanted = json.dumps(list(ids))
    spans = connection.execute(_SPANS, (wanted,)).fetchall()
    vectors = _matrix([span[_VECTOR] for span in spans], "<f2", dimensions)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, span in enumerate(spans):
        places[span[0]].append(place)
    rows = {row[0]: row[1:] for row in connection.execute(_PASSAGES, (wanted, LIVE))}
    return [
        _stored(i, rows[i], [spans[place] for place in places[i]], vectors[places[i]])
        for i in ids
        if i in rows
    ]


_PASSAGES = (
    'SELECT passages.id, name, start, "end", passages.text, kind, heading, page'
    " FROM json_each(?) JOIN passages ON passages.id = value"
    " JOIN documents ON document = documents.id WHERE state = ?"
)
_SPANS = (
    'SELECT passage, start, "end", kind, rendered, vectors.vector, terms FROM json_each(?)'
    " JOIN spans ON passage = value JOIN vectors ON vectors.id = spans.vector"
    " ORDER BY passage, number"
)
_VECTOR = 5
_SpanRow: TypeAlias = "tuple[Any, ...]"


def _stored(
    passage_id: int, row: Sequence[Any], spans: Sequence[_SpanRow], vectors: NDArray[np.float32]
) -> StoredPassage:
    name, start, end, text, kind, heading, page = row
    parts = tuple(Span(*span[1:_VECTOR]) for span in spans)
    passage = Passage(name, start, end, text, kind, heading, parts, page)
    terms = tuple(tuple(span[-1].split()) for span in spans)
    return StoredPassage(passage_id, passage, vectors, terms)


def read_document(connection: sqlite3.Connection, name: str) -> Document | None:
    """The document as it was read, or None if there is none of that name.

    Raises:
        IndexFault: the text is no longer what was stored.
    """
    row = connection.execute(
        "SELECT CAST(text AS TEXT), sha256, text_sha256, pages, tags, format, modified, source"
        " FROM documents WHERE name = ? AND state = ?",
        (name, LIVE),
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
        " FROM documents WHERE state = ? ORDER BY name",
        (LIVE,),
    )
    return [DocumentInfo(*row) for row in rows]
