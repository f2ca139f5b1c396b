"""One document of an index against what was made from it: passages, spans, terms, keys."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from citewise.index_findings import Finding
from citewise.records import embedded_text
from citewise.spacedterms import passage_terms, spaced_terms
from citewise.vectorstore import key_of

__all__ = ["Counting", "PassageRow", "SpanRow", "check_document", "compare_passages"]

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
    rows = connection.execute(
        'SELECT passages.id, start, "end", text, heading, terms, key FROM passages'
        " LEFT JOIN vectors ON vectors.id = passages.vector WHERE document = ?"
        ' ORDER BY start, "end"',
        (document,),
    ).fetchall()
    spans = ((row, connection.execute(_SPANS, row[:1]).fetchall()) for row in rows)
    yield from compare_passages(document, name, text, spans, embedder, counts)


PassageRow: TypeAlias = "tuple[int, int, int, str, str, str, bytes | None]"
"""Id, start, end, words, heading, terms between spaces, and the key of its vector."""

SpanRow: TypeAlias = "tuple[int, int, int, str, str, int, bytes | None]"
"""Number, start, end, words as rendered, terms between spaces, their count, the vector's key."""


def compare_passages(
    document: int,
    name: str,
    text: str,
    rows: Iterable[tuple[PassageRow, Sequence[SpanRow]]],
    embedder: str,
    counts: Counting,
) -> Iterator[Finding]:
    """Compare passages, each with its spans, with the text of their document.

    Args:
        rows: in the order of the text.
    """
    covered = 0
    for (_, start, end, words, heading, terms, key), spans in rows:
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
        counts.spans += len(spans)
        anew = [spaced_terms(span[3]) for span in spans]
        yield from _span_findings(spans, anew, (start, end), place, document, embedder)
        if terms != passage_terms(heading, words, anew):
            yield Finding("words", f"{place}: its terms are not those of its words", document)
    if text[covered:].strip():
        lost = text[covered:].strip()[:_SHOWN]
        yield Finding("passages", f"{name}: no passage holds {lost!r} at the end", document)


_SPANS = (
    'SELECT number, start, "end", rendered, terms, length, key FROM spans'
    " LEFT JOIN vectors ON vectors.id = spans.vector WHERE passage = ? ORDER BY number"
)


def _span_findings(
    spans: Sequence[SpanRow],
    anew: Sequence[str],
    within: tuple[int, int],
    place: str,
    document: int,
    embedder: str,
) -> Iterator[Finding]:
    for expected, (span, words) in enumerate(zip(spans, anew, strict=True)):
        number, start, end, rendered, terms, length, key = span
        if number != expected or not within[0] <= start <= end <= within[1]:
            yield Finding("passages", f"{place}: span {number} is out of place", document)
        if terms != words or length != len(terms.split()):
            yield Finding("words", f"{place}: the terms of span {number} are others", document)
        if key != key_of(embedder, rendered, "<f2"):
            yield Finding("vectors", f"{place}: span {number} has another's vector", document)
