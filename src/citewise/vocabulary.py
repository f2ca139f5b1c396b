"""The terms of one state of an index: how frequent each is, looked up once."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping
from typing import TypeVar

from citewise.slips import Slips
from citewise.words import Words

__all__ = ["Vocabulary"]

_T = TypeVar("_T")

# A question asks for the same dozen terms several times; nobody asks for so many.
_MOST_REMEMBERED = 20_000


class Vocabulary:
    """Safe to share between threads; each call brings a connection that sees this state.

    Args:
        manifest: of the state.
        words: of a large index; None if FTS5 is to be asked.
    """

    def __init__(self, manifest: Mapping[str, str], words: Words | None) -> None:
        self.words = words
        self._span_count = int(manifest["span_count"])
        self.average_span = int(manifest["span_terms"]) / max(1, self._span_count) or 1.0
        self._passages: dict[str, int] = {}
        self._spans: dict[str, int] = {}
        self._similar: dict[str, str | None] = {}
        self._slips: dict[str, Slips] = {}

    def passages(self, connection: sqlite3.Connection, term: str) -> int:
        """How many passages hold a term, in their words or their heading."""
        if (count := self._passages.get(term)) is None:
            held = self.words.passages(term) if self.words else None
            count = _frequency(connection, "passages_vocab", term) if held is None else held
            _remember(self._passages, term, count)
        return count

    def spans(self, connection: sqlite3.Connection, term: str) -> int:
        """How many spans hold a term."""
        if (count := self._spans.get(term)) is None:
            held = self.words.spans(term) if self.words else None
            count = _frequency(connection, "spans_vocab", term) if held is None else held
            _remember(self._spans, term, count)
        return count

    def idf(self, connection: sqlite3.Connection, term: str) -> float:
        """How rare a term is among all spans, from near 0 (in all of them) upwards."""
        holding = self.spans(connection, term)
        return math.log(1 + (self._span_count - holding + 0.5) / (holding + 0.5))

    def similar(self, connection: sqlite3.Connection, term: str) -> str | None:
        """The stored term that a mistyped one probably means; None if nothing is near."""
        if not Slips.correctable(term):
            return None
        if term in self._similar:
            return self._similar.get(term)
        slips = self._slips.get(term[0])
        if slips is None:
            slips = self._slips[term[0]] = Slips(self._beginning_with(connection, term[0]))
        near = slips.nearest(term)
        _remember(self._similar, term, near)
        return near

    def _beginning_with(
        self, connection: sqlite3.Connection, letter: str
    ) -> Iterable[tuple[str, int]]:
        if self.words:
            return self.words.beginning_with(letter)
        return connection.execute(
            "SELECT term, doc FROM passages_vocab WHERE term >= ? AND term < ?",
            (letter, chr(ord(letter) + 1)),
        )


def _frequency(connection: sqlite3.Connection, vocabulary: str, term: str) -> int:
    row = connection.execute(f"SELECT doc FROM {vocabulary} WHERE term = ?", (term,)).fetchone()
    return row[0] if row else 0


def _remember(known: dict[str, _T], term: str, value: _T) -> None:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[term] = value
