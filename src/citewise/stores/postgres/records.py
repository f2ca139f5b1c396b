"""Documents, passages and spans read back from their rows, unchanged."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewise import filters
from citewise.errors import IndexFault, InputError
from citewise.records import DocumentInfo, StoredPassage
from citewise.schema import LIVE
from citewise.stores.postgres.database import Reading
from citewise.stores.postgres.numbers import array_text, ids_of, vectors_of
from citewise.types import Document, Filter, Passage, Span

__all__ = [
    "document_infos",
    "homes_of",
    "names",
    "read_document",
    "read_passages",
    "selected",
]


def names(reading: Reading) -> list[str]:
    """Of all documents."""
    rows = reading.connection.execute(
        "SELECT name FROM citewise.documents WHERE collection = %s AND state = %s",
        (reading.manifest.id, LIVE),
    )
    return [name for (name,) in rows]


def document_infos(reading: Reading) -> list[DocumentInfo]:
    """What is stored, by name."""
    rows = reading.connection.execute(
        "SELECT name, sha256, characters, passages FROM citewise.documents"
        " WHERE collection = %s AND state = %s ORDER BY name",
        (reading.manifest.id, LIVE),
    )
    return [DocumentInfo(*row) for row in rows]


def read_document(reading: Reading, name: str) -> Document | None:
    """The document as it was read, or None if there is none of that name.

    Raises:
        IndexFault: the text is no longer what was stored.
    """
    row = reading.connection.execute(
        "SELECT text, sha256, text_sha256, pages, tags, format, modified, source"
        " FROM citewise.documents WHERE collection = %s AND name = %s AND state = %s",
        (reading.manifest.id, name, LIVE),
    ).fetchone()
    if row is None:
        return None
    text, sha256, text_sha256, pages, tags, form, modified, source = row
    if hashlib.sha256(text).hexdigest() != text_sha256:
        raise IndexFault(
            f"The stored text of {name} has been altered.",
            "Mend it with `citewise index --repair`.",
        )
    filed = tuple(tags.splitlines())
    return Document(name, bytes(text).decode(), sha256, tuple(pages), form, modified, source, filed)


_PASSAGES = (
    'SELECT p.id, d.id, name, p.start, p."end", p.text, kind, heading, page'
    " FROM citewise.passages p JOIN citewise.documents d ON d.id = document"
    " WHERE p.id = ANY(%s::bigint[]) AND p.collection = %s AND state = %s"
)
_SPANS = (
    'SELECT passage, start, "end", kind, rendered, terms, halfvec_send(v.vector)'
    " FROM citewise.spans JOIN citewise.span_vectors v ON v.id = spans.vector"
    " WHERE passage = ANY(%s::bigint[]) AND space = %s ORDER BY passage, number"
)


def read_passages(reading: Reading, ids: Sequence[int]) -> list[StoredPassage]:
    """The passages with these ids, in that order; an id that is gone is left out."""
    if not ids:
        return []
    manifest, wanted = reading.manifest, array_text(ids)
    # Both at once: the second does not wait for the first one's answer.
    with reading.connection.pipeline():
        found = reading.connection.cursor(binary=True)
        found.execute(_PASSAGES, (wanted, manifest.id, LIVE))
        held = reading.connection.cursor(binary=True)
        held.execute(_SPANS, (wanted, manifest.space))
    rows = {row[0]: row[1:] for row in found.fetchall()}
    reading.homes.update((passage, row[0]) for passage, row in rows.items())
    spans = held.fetchall()
    vectors = _span_vectors([row[-1] for row in spans], manifest.dimensions)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, span in enumerate(spans):
        places[span[0]].append(place)
    return [
        _stored(i, rows[i], [spans[place] for place in places[i]], vectors[places[i]])
        for i in ids
        if i in rows
    ]


def _span_vectors(sent: Sequence[bytes], dimensions: int) -> NDArray[np.float32]:
    if not sent:
        return np.empty((0, dimensions), np.float32)
    vectors = vectors_of(sent, ">f2")
    if vectors.shape[1] != dimensions:
        raise IndexFault(
            f"The index holds a vector that is not {dimensions} numbers long.",
            "Build it again from the documents with `citewise index`.",
        )
    return vectors


def _stored(
    passage: int, row: Sequence[Any], spans: Sequence[Sequence[Any]], vectors: NDArray[np.float32]
) -> StoredPassage:
    _, name, start, end, raw, kind, heading, page = row
    text = bytes(raw).decode()
    parts = tuple(
        Span(at, to, what, _rendered(rendered, text, at - start, to - start))
        for _, at, to, what, rendered, *_ in spans
    )
    terms = tuple(tuple(span[5].split()) for span in spans)
    made = Passage(name, start, end, text, kind, bytes(heading).decode(), parts, page)
    return StoredPassage(passage, made, vectors, terms)


def _rendered(stored: bytes | None, text: str, start: int, end: int) -> str:
    """Most spans are rendered as the words that they are, which are not stored once more."""
    return text[start:end] if stored is None else bytes(stored).decode()


def homes_of(reading: Reading, passages: Sequence[int]) -> dict[int, int]:
    """The row id of the document of each of these passages; those that are gone are left out."""
    unknown = [passage for passage in passages if passage not in reading.homes]
    if unknown:
        rows = reading.connection.execute(
            "SELECT p.id, document FROM citewise.passages p"
            " JOIN citewise.documents d ON d.id = document"
            " WHERE p.id = ANY(%s::bigint[]) AND p.collection = %s AND state = %s",
            (array_text(unknown), reading.manifest.id, LIVE),
        )
        reading.homes.update(rows.fetchall())
    return {passage: reading.homes[passage] for passage in passages if passage in reading.homes}


_FILED = (
    "SELECT id, name, format, modified, tags FROM citewise.documents"
    " WHERE collection = %s AND state = %s"
)


def selected(reading: Reading, where: Filter) -> NDArray[np.int64]:
    """The ids of the passages that a checked filter lets through, in ascending order.

    Raises:
        InputError: a document or folder is not in the index, or no document fits.
    """
    connection, about = reading.connection, (reading.manifest.id, LIVE)
    narrowed, values = _narrowed(where)
    rows = connection.execute(f"{_FILED}{narrowed} ORDER BY id", (*about, *values)).fetchall()
    try:
        documents = filters.fitting(rows, where)
    except InputError:
        if not narrowed:
            raise
        # What there is instead can be told only with all documents at hand.
        documents = filters.fitting(connection.execute(_FILED, about).fetchall(), where)
    row = connection.execute(
        "SELECT string_agg(int8send(id), ''::bytea ORDER BY id) FROM citewise.passages"
        " WHERE document = ANY(%s::bigint[]) AND collection = %s",
        (array_text(documents), reading.manifest.id),
    ).fetchone()
    ids = ids_of(row[0] if row else None)
    reading.selection = ids, documents
    return ids


def _narrowed(where: Filter) -> tuple[str, list[Any]]:
    """A condition that lets through all that the filter does, and its values."""
    condition, values = "", list[Any]()
    folders = [folder for folder in where.folders if folder not in ("", ".")]
    if (where.documents or where.folders) and len(folders) == len(where.folders):
        condition += (
            " AND (name = ANY(%s) OR EXISTS"
            " (SELECT 1 FROM unnest(%s::text[]) f WHERE starts_with(name, f || '/')))"
        )
        values += [list(where.documents), folders]
    if where.since is not None:
        condition += ' AND left(modified, 10) COLLATE "C" >= %s'
        values.append(where.since)
    if where.until is not None:
        condition += ' AND left(modified, 10) COLLATE "C" <= %s'
        values.append(where.until)
    return condition, values
