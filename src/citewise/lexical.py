"""BM25 over the stored terms: passages by FTS5, spans of chosen passages by hand."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.database import meta
from citewise.tokens import content_terms
from citewise.words import Words

__all__ = ["Hit", "contains", "edits", "idf", "rank_passages", "score_spans", "similar"]

_SHORTEST, _SHORT = 4, 5
# A question has a dozen terms; of a pasted text the rarest decide, and the rest only cost time.
_MOST_TERMS = 64
# As in FTS5's bm25().
_K1, _B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage's row id and how well it fits; higher is better, within one list only."""

    id: int
    score: float


def rank_passages(
    connection: sqlite3.Connection,
    question: str,
    k: int,
    within: NDArray[np.int64] | None = None,
    words: Words | None = None,
) -> list[Hit]:
    """The ``k`` passages with the highest BM25 score above 0, best first.

    Args:
        within: the only passages looked at, in ascending order; all by default.
        words: of a large index; FTS5 is asked by default.
    """
    terms = _known_terms(connection, question, words)
    if not terms or k <= 0:
        return []
    if words is not None:
        ids, scores = words.search(terms, k, within)
        return [Hit(int(i), float(score)) for i, score in zip(ids, scores, strict=True)]
    # Terms hold no quotation marks: inside them, FTS5 sees no operators either.
    query = " OR ".join(f'"{term}"' for term in terms)
    if within is not None:
        return _best_within(connection, query, k, within)
    rows = connection.execute(
        "SELECT rowid, -rank FROM passages_fts WHERE passages_fts MATCH ?"
        " ORDER BY rank, rowid LIMIT ?",
        (query, k),
    )
    return [Hit(passage, score) for passage, score in rows if score > 0]


def _best_within(
    connection: sqlite3.Connection, query: str, k: int, within: NDArray[np.int64]
) -> list[Hit]:
    if not len(within):
        return []
    allowed = set(within.tolist())
    rows = connection.execute(
        "SELECT rowid, -rank FROM passages_fts WHERE passages_fts MATCH ?"
        " AND rowid BETWEEN ? AND ?",
        (query, int(within[0]), int(within[-1])),
    )
    hits = [Hit(passage, score) for passage, score in rows if score > 0 and passage in allowed]
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:k]


def score_spans(
    connection: sqlite3.Connection,
    question: str,
    passages: Sequence[int],
    words: Words | None = None,
) -> dict[tuple[int, int], float]:
    """BM25 of each span of these passages, by passage id and span number; 0 where no term fits.

    Frequencies of terms and the average length are those of all spans in the index. Unlike
    FTS5's, the weight of a frequent term never falls to nothing: ln(1 + (N - n + ½) / (n + ½)),
    Robertson and Zaragoza (2009) with Lucene's 1 added.
    """
    known = _known_terms(connection, question, words)
    weights = {term: idf(connection, term, words) for term in known}
    manifest = meta(connection)
    average = int(manifest["span_terms"]) / max(1, int(manifest["span_count"])) or 1.0
    scores = {}
    for passage in passages:
        for number, terms in connection.execute(
            "SELECT number, terms FROM spans WHERE passage = ? ORDER BY number", (passage,)
        ):
            scores[passage, number] = _bm25(terms.split(), weights, average)
    return scores


def _bm25(terms: Sequence[str], weights: Mapping[str, float], average: float) -> float:
    counts = Counter(term for term in terms if term in weights)
    length = _K1 * (1 - _B + _B * len(terms) / average)
    return sum(weights[t] * n * (_K1 + 1) / (n + length) for t, n in counts.items())


def idf(connection: sqlite3.Connection, term: str, words: Words | None = None) -> float:
    """How rare a term is among all spans, from near 0 (in all of them) upwards."""
    spans = int(meta(connection)["span_count"])
    holding = words.spans(term) if words else _frequency(connection, "spans_vocab", term)
    return math.log(1 + (spans - holding + 0.5) / (holding + 0.5))


def contains(connection: sqlite3.Connection, term: str, words: Words | None = None) -> bool:
    """Whether any passage or its heading holds the term."""
    return _passages(connection, term, words) > 0


def _passages(connection: sqlite3.Connection, term: str, words: Words | None) -> int:
    return words.passages(term) if words else _frequency(connection, "passages_vocab", term)


def _frequency(connection: sqlite3.Connection, vocabulary: str, term: str) -> int:
    row = connection.execute(f"SELECT doc FROM {vocabulary} WHERE term = ?", (term,)).fetchone()
    return row[0] if row else 0


def _known_terms(
    connection: sqlite3.Connection, question: str, words: Words | None
) -> dict[str, int]:
    """The question's terms that are stored, with the number of passages that hold each."""
    counted = [(_passages(connection, t, words), t) for t in content_terms(question)]
    known = [(frequency, term) for frequency, term in counted if frequency]
    if len(known) > _MOST_TERMS:
        known = sorted(known)[:_MOST_TERMS]
    return {term: frequency for frequency, term in known}


def similar(connection: sqlite3.Connection, term: str, words: Words | None = None) -> str | None:
    """The most frequent stored term that is a slip of the pen away from ``term``, if there is one.

    One edit (exchange, or two neighbours swapped) for words of 4 or 5 characters, one of any kind
    (insertion or deletion too) for 6 and 7, two for longer ones, and never to a word of fewer
    than 4; the first letter is taken to be right. Words with digits are never corrected, since
    "v2" and "v3" are not slips.
    """
    if len(term) < _SHORTEST or any(character.isdigit() for character in term):
        return None
    allowed = 1 if len(term) < 8 else 2
    # "Found" is no slip for "fund": of a short word, no letter is added or left out.
    slack = allowed if len(term) > _SHORT else 0
    lengths = max(_SHORTEST, len(term) - slack), len(term) + slack
    rows = words.near(term, lengths) if words else _near(connection, term, lengths)
    letters = set(term)
    near = [
        (edits(term, other), -count, other)
        for other, count in rows
        # One edit takes one letter away and adds another, at most.
        if len(letters.symmetric_difference(other)) <= 2 * allowed
    ]
    best = min(near, default=None)
    return best[2] if best and best[0] <= allowed else None


def _near(
    connection: sqlite3.Connection, term: str, lengths: tuple[int, int]
) -> Iterable[tuple[str, int]]:
    return connection.execute(
        "SELECT term, doc FROM passages_vocab WHERE term >= ? AND term < ?"
        " AND length(term) BETWEEN ? AND ?",
        (term[0], chr(ord(term[0]) + 1), *lengths),
    )


def edits(one: str, other: str) -> int:
    """Edit distance with swapped neighbours as one edit (Damerau 1964, optimal alignment)."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
