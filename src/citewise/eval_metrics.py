"""What is averaged and what is counted over graded answers, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from citewise.grading import Grade, Outcome

__all__ = ["COUNTS", "METRICS", "RECALL_AT", "Measure", "measure"]

RECALL_AT = (1, 3, 8)
"""Ranks at which retrieval recall is measured; the prompt holds about eight spans."""

_RESAMPLES = 2000
_SEED = 20260601


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over ``n`` answers with its 95 % bootstrap interval; all None where n is 0."""

    value: float | None
    n: int
    low: float | None
    high: float | None


def measure(values: Iterable[float]) -> Measure:
    """The mean with its 95 % percentile bootstrap interval (Efron 1979), from a fixed seed.

    The answers are drawn again, with replacement, 2,000 times.
    """
    sample = np.fromiter(values, dtype=np.float64)
    n = len(sample)
    if not n:
        return Measure(None, 0, None, None)
    draws = np.random.default_rng(_SEED).integers(0, n, size=(_RESAMPLES, n))
    low, high = np.percentile(sample[draws].mean(axis=1), [2.5, 97.5])
    return Measure(float(sample.mean()), n, float(low), float(high))


def _share_of(*outcomes: Outcome, answerable: bool) -> Callable[[Grade], float | None]:
    def metric(g: Grade) -> float | None:
        return float(g.outcome in outcomes) if g.answerable is answerable else None

    return metric


def _recall_at(k: int) -> Callable[[Grade], float | None]:
    def metric(g: Grade) -> float | None:
        if not g.gold_ranks:
            return None
        return sum(rank is not None and rank <= k for rank in g.gold_ranks) / len(g.gold_ranks)

    return metric


def _reciprocal_rank(g: Grade) -> float | None:
    if not g.gold_ranks:
        return None
    return max((1 / rank for rank in g.gold_ranks if rank), default=0.0)


def _holds_gold(g: Grade) -> float | None:
    return None if g.holds_gold is None else float(g.holds_gold)


def _exact(g: Grade) -> float | None:
    return float(not g.inexact) if g.citations or g.inexact else None


METRICS: Mapping[str, Callable[[Grade], float | None]] = {
    "right": lambda g: float(g.outcome.right),
    "correct": _share_of(Outcome.ANSWERED_CORRECTLY, Outcome.QUOTED_CORRECTLY, answerable=True),
    "answered_correctly": _share_of(Outcome.ANSWERED_CORRECTLY, answerable=True),
    "quoted_correctly": _share_of(Outcome.QUOTED_CORRECTLY, answerable=True),
    "answered_wrongly": _share_of(Outcome.ANSWERED_WRONGLY, answerable=True),
    "refused_wrongly": _share_of(Outcome.REFUSED_WRONGLY, answerable=True),
    "refused_rightly": _share_of(Outcome.REFUSED_RIGHTLY, answerable=False),
    "citation_precision": lambda g: g.citation_precision,
    "citation_recall": lambda g: g.citation_recall,
    "holds_gold": _holds_gold,
    "exact": _exact,
    "faithfulness": lambda g: g.faithfulness,
    "alce_recall": lambda g: g.alce_recall,
    "alce_precision": lambda g: g.alce_precision,
    **{f"retrieval_recall@{k}": _recall_at(k) for k in RECALL_AT},
    "mrr": _reciprocal_rank,
}
"""Per answer a value in [0, 1], or None where the metric doesn't apply. See ``docs/evals.md``."""

COUNTS: Mapping[str, Callable[[Grade], int]] = {
    "citations": lambda g: g.citations,
    "inexact_citations": lambda g: len(g.inexact),
    "shown_sentences": lambda g: g.sentences,
    "unsupported_sentences": lambda g: len(g.unsupported),
    "ungrounded_sentences": lambda g: len(g.ungrounded),
}
