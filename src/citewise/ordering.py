"""The best spans of a search put in order by what is known of all of them together.

Reciprocal ranks bring the right spans up; which of them is first they leave to chance. Here a
linear model over a few counts decides: the share of the question's terms that a span holds, alone
and with what stands around it, how far it falls behind the best, how long it is. Learnt from
questions whose answers people marked (``evals/fit_ordering.py``), by logistic regression.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from citewise.spacedterms import distinctive_terms, terms_of
from citewise.types import Evidence

__all__ = ["DEPTH", "FEATURES", "Found", "features", "reordered"]

DEPTH = 40
"""How many of the spans are put in order; the rest stay behind them as they were."""
_UNRANKED = 5.0

_WEIGHTS = {
    "bias": 0.538,
    "behind_in_meaning": 0.819,
    "passage_behind_in_meaning": -7.444,
    "place_in_meaning": -0.679,
    "words_score": 0.38,
    "place_in_words": -0.518,
    "without_words": 1.447,
    "passage": 0.445,
    "fused": -0.67,
    "held": -0.633,
    "held_with_heading": -0.633,
    "held_with_neighbours": 1.151,
    "held_around": 2.274,
    "behind_in_held": -5.045,
    "share_of_around": -0.671,
    "pairs": 2.461,
    "length": 0.588,
    "precision": -3.808,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A span that was found, with what it has around it.

    ``lexical`` is its BM25 score, ``passage`` the fused score of its passage, both with higher
    being better. ``terms`` are its own. Of the question's terms, ``near`` are those that it and its
    neighbours in the passage hold, ``around`` those that any span there holds. ``nearest`` is the
    best cosine of any span there.
    """

    evidence: Evidence
    lexical: float
    passage: float
    terms: tuple[str, ...]
    near: frozenset[str]
    around: frozenset[str]
    nearest: float


FEATURES = (
    "behind_in_meaning", "passage_behind_in_meaning", "place_in_meaning",
    "words_score", "place_in_words", "without_words",
    "passage", "fused",
    "held", "held_with_heading", "held_with_neighbours", "held_around", "behind_in_held",
    "share_of_around", "pairs", "length", "precision",
)  # fmt: skip
"""The names of the features, in the order of ``features``."""


def reordered(
    question: str, terms: Sequence[str], found: Sequence[Found], rarity: Callable[[str], float]
) -> list[Evidence]:
    """The spans, best first; ``score`` becomes the probability of being what answers.

    Args:
        question: with the words of the one before it, for a follow-up.
        terms: the question's content terms, slips corrected.
        found: in the order of the search.
        rarity: of a term among all spans, such as ``Index.idf``.
    """
    head, rest = found[:DEPTH], found[DEPTH:]
    if not head:
        return []
    logits = features(question, terms, head, rarity) @ _weights() + _WEIGHTS["bias"]
    scores = 1 / (1 + np.exp(-logits))
    order = sorted(range(len(head)), key=lambda place: (-scores[place], place))
    ordered = [_scored(head[place].evidence, float(scores[place])) for place in order]
    # Behind them, in the order of the search.
    least, best = ordered[-1].score, head[0].evidence.score or 1.0
    ordered += [_scored(f.evidence, least * min(1.0, f.evidence.score / best)) for f in rest]
    return ordered


def _scored(item: Evidence, score: float) -> Evidence:
    """With another score; ``dataclasses.replace`` takes three times as long."""
    return Evidence(
        item.document,
        item.start,
        item.end,
        item.text,
        score,
        item.dense_rank,
        item.lexical_rank,
        item.heading,
        item.page,
        item.kind,
        item.rendered,
        item.cosine,
    )


def features(
    question: str, terms: Sequence[str], found: Sequence[Found], rarity: Callable[[str], float]
) -> NDArray[np.float64]:
    """One row a span, shape ``(len(found), len(FEATURES))``; every number is finite."""
    weights = {term: rarity(term) for term in distinctive_terms(terms)}
    pairs = set(itertools.pairwise(terms_of(question)))
    best = _Best(
        max(f.evidence.cosine for f in found),
        max(f.nearest for f in found),
        max(f.lexical for f in found) or 1.0,
        max(f.passage for f in found) or 1.0,
        max(f.evidence.score for f in found) or 1.0,
    )
    held = [_held(f, weights) for f in found]
    most = max(h["held_with_heading"] for h in held)
    rows = []
    for item, shares in zip(found, held, strict=True):
        values = _beside(item, best) | shares | _words(item, pairs, weights)
        values["behind_in_held"] = most - shares["held_with_heading"]
        rows.append([values[name] for name in FEATURES])
    return np.array(rows, np.float64)


@dataclass(frozen=True, slots=True)
class _Best:
    """The best values among all that was found."""

    cosine: float
    nearest: float
    lexical: float
    passage: float
    score: float


def _beside(item: Found, best: _Best) -> dict[str, float]:
    evidence = item.evidence
    return {
        "behind_in_meaning": best.cosine - evidence.cosine,
        "passage_behind_in_meaning": best.nearest - item.nearest,
        "place_in_meaning": math.log(evidence.dense_rank or 1),
        "words_score": item.lexical / best.lexical,
        "place_in_words": math.log(evidence.lexical_rank) if evidence.lexical_rank else _UNRANKED,
        "without_words": float(evidence.lexical_rank is None),
        "passage": item.passage / best.passage,
        "fused": evidence.score / best.score,
    }


def _held(item: Found, weights: Mapping[str, float]) -> dict[str, float]:
    """Shares of the question's terms, by rarity."""
    wanted = weights.keys()
    here = wanted & item.terms
    headed = here | (wanted & _heading_terms(item.evidence.heading))
    total = sum(weights.values())
    alone = _share(here, weights, total)
    whole = _share(headed | (wanted & item.around), weights, total)
    return {
        "held": alone,
        "held_with_heading": _share(headed, weights, total),
        "held_with_neighbours": _share(headed | (wanted & item.near), weights, total),
        "held_around": whole,
        "share_of_around": alone / (whole or 1.0),
    }


def _words(
    item: Found, pairs: set[tuple[str, str]], weights: Mapping[str, float]
) -> dict[str, float]:
    body = item.terms
    distinct = set(body)
    return {
        "pairs": len(pairs & set(itertools.pairwise(body))) / max(1, len(pairs)),
        "length": math.log1p(len(body)),
        "precision": len(distinct & weights.keys()) / max(1, len(distinct)),
    }


def _share(held: Set[str], weights: Mapping[str, float], total: float) -> float:
    return sum(w for term, w in weights.items() if term in held) / total if total else 0.0


@lru_cache(maxsize=1 << 10)
def _heading_terms(heading: str) -> frozenset[str]:
    return frozenset(terms_of(heading))


@lru_cache(maxsize=1)
def _weights() -> NDArray[np.float64]:
    return np.array([_WEIGHTS.get(name, 0.0) for name in FEATURES])
