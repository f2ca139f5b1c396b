"""BM25 over the stored terms: passages by FTS5, spans of chosen passages by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.records import StoredPassage
from citewise.spacedterms import distinctive_terms
from citewise.vocabulary import Vocabulary

__all__ = ["Hit", "rank_passages", "score_spans", "scored_spans"]

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
    question: str | Sequence[str],
    k: int,
    vocabulary: Vocabulary,
    within: NDArray[np.int64] | None = None,
) -> list[Hit]:
    """The ``k`` passages with the highest BM25 score above 0, best first.

    Args:
        within: the only passages looked at, in ascending order; all by default.
    """
    terms = _known_terms(connection, question, vocabulary)
    if not terms or k <= 0:
        return []
    if vocabulary.words is not None:
        ids, scores = vocabulary.words.search(terms, k, within)
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
    question: str | Sequence[str],
    passages: Sequence[StoredPassage],
    vocabulary: Vocabulary,
) -> dict[tuple[int, int], float]:
    """BM25 of each span of these passages, by passage id and span number; 0 where no term fits.

    Frequencies of terms and the average length are those of all spans in the index. Unlike
    FTS5's, the weight of a frequent term never falls to nothing: ln(1 + (N - n + ½) / (n + ½)),
    Robertson and Zaragoza (2009) with Lucene's 1 added.
    """
    known = _known_terms(connection, question, vocabulary)
    weights = {term: vocabulary.idf(connection, term) for term in known}
    return scored_spans(passages, weights, vocabulary.average_span)


def scored_spans(
    passages: Sequence[StoredPassage], weights: Mapping[str, float], average: float
) -> dict[tuple[int, int], float]:
    """As ``score_spans``, by the weights of the question's terms and a span's average length."""
    return {
        (stored.id, number): _bm25(terms, weights, average)
        for stored in passages
        for number, terms in enumerate(stored.span_terms)
    }


def _bm25(terms: Sequence[str], weights: Mapping[str, float], average: float) -> float:
    counts: dict[str, int] = {}
    for term in terms:
        if term in weights:
            counts[term] = counts.get(term, 0) + 1
    if not counts:
        return 0.0
    length = _K1 * (1 - _B + _B * len(terms) / average)
    return sum(weights[t] * n * (_K1 + 1) / (n + length) for t, n in counts.items())


def _known_terms(
    connection: sqlite3.Connection, question: str | Sequence[str], vocabulary: Vocabulary
) -> dict[str, int]:
    """The question's terms that are stored, with the number of passages that hold each."""
    counted = [(vocabulary.passages(connection, t), t) for t in distinctive_terms(question)]
    known = [(frequency, term) for frequency, term in counted if frequency]
    if len(known) > _MOST_TERMS:
        known = sorted(known)[:_MOST_TERMS]
    return {term: frequency for frequency, term in known}
