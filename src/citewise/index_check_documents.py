"""One document of an index against what was made from it: passages, spans, terms, keys."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Protocol

from citewise.index_findings import Finding
from citewise.records import embedded_text
from citewise.storing import passage_terms, spaced_terms
from citewise.vectorstore import key_of

__all__ = ["Counting", "check_document"]

_SHOWN = 40


class Counting(Protocol):
    """Where passages and spans are counted."""

    passages: int
    spans: int


def check_document(
    connection: sqlite3.Connection, document: int, name: str, embedder: str, counts: Counting
) -> Iterator[Finding]:
    """Compare a document's rows with its text."""
    text, digest, characters = connection.execute(
        "SELECT CAST(text AS TEXT), text_sha256, characters FROM documents WHERE id = ?",
        (document,),
    ).fetchone()
    if hashlib.sha256(text.encode()).hexdigest() != digest or len(text) != characters:
        yield Finding("documents", f"{name}: the text is not the one that was stored", document)
        return
    covered = 0
    rows = connection.execute(
        'SELECT passages.id, start, "end", text, heading, terms, key FROM passages'
        " LEFT JOIN vectors ON vectors.id = passages.vector WHERE document = ?"
        ' ORDER BY start, "end"',
        (document,),
    ).fetchall()
    for passage, start, end, words, heading, terms, key in rows:
        counts.passages += 1
        place = f"{name}, passage at {start}"
        if not 0 <= start <= end <= len(text) or text[start:end] != words:
            yield Finding("passages", f"{place}: its words are not there", document)
            continue
        if start < covered:
            yield Finding("passages", f"{place}: overlaps the one before it", document)
        if text[covered:start].strip():
            lost = text[covered:start].strip()[:_SHOWN]
            yield Finding("passages", f"{place}: no passage holds {lost!r} before it", document)
        covered = max(covered, end)
        if key != key_of(embedder, embedded_text(heading, words), "<f4"):
            yield Finding("vectors", f"{place}: has the vector of another text", document)
        yield from _spans(connection, passage, (start, end), place, document, embedder, counts)
        if terms != _terms(connection, passage, heading, words):
            yield Finding("words", f"{place}: its terms are not those of its words", document)
    if text[covered:].strip():
        lost = text[covered:].strip()[:_SHOWN]
        yield Finding("passages", f"{name}: no passage holds {lost!r} at the end", document)


def _spans(
    connection: sqlite3.Connection,
    passage: int,
    within: tuple[int, int],
    place: str,
    document: int,
    embedder: str,
    counts: Counting,
) -> Iterator[Finding]:
    rows = connection.execute(
        'SELECT number, start, "end", rendered, terms, length, key FROM spans'
        " LEFT JOIN vectors ON vectors.id = spans.vector WHERE passage = ? ORDER BY number",
        (passage,),
    ).fetchall()
    for expected, (number, start, end, rendered, terms, length, key) in enumerate(rows):
        counts.spans += 1
        if number != expected or not within[0] <= start <= end <= within[1]:
            yield Finding("passages", f"{place}: span {number} is out of place", document)
        if terms != spaced_terms(rendered) or length != len(terms.split()):
            yield Finding("words", f"{place}: the terms of span {number} are others", document)
        if key != key_of(embedder, rendered, "<f2"):
            yield Finding("vectors", f"{place}: span {number} has another's vector", document)


def _terms(connection: sqlite3.Connection, passage: int, heading: str, words: str) -> str:
    rows: Sequence[tuple[str]] = connection.execute(
        "SELECT rendered FROM spans WHERE passage = ? ORDER BY number", (passage,)
    ).fetchall()
    return passage_terms(heading, words, [row[0] for row in rows])
