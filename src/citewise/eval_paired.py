"""Two runs question by question: the pairs of values, and whether they differ by more than noise.

A difference is real if two methods agree. The paired bootstrap (Efron and Tibshirani, *An
Introduction to the Bootstrap*, 1993, chapter 13; for comparing systems Koehn, EMNLP 2004) draws
questions again with replacement and looks at the mean. It is too sure of itself where few
questions changed: three of 62 that got worse would be proof to it. So the sign-flipping test (the
paired permutation test, chapter 15 there), mostly the stricter of the two, has to agree: it asks
how often coin tosses alone would pull the changed questions down as far. For right and wrong this
is McNemar's exact test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from citewise.eval_metrics import METRICS

__all__ = ["FAULTS", "LOWER_IS_BETTER", "UNSCORED", "Pairs", "is_drop", "margins", "pairs"]

FAULTS = (
    *("inexact_citations", "unsupported_sentences", "ungrounded_sentences"),
    *("unscored", "with_notices"),
)
"""The counts of which fewer is better; of the others, neither more nor fewer is."""
LOWER_IS_BETTER = frozenset({"answered_wrongly", "refused_wrongly", *FAULTS})
"""The measures and counts of which lower is better; higher is for every other measure."""
UNSCORED = "unscored"

Gains: TypeAlias = npt.NDArray[np.int64]
Questions: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By id: ``outcome``, ``scores`` (those there are) and ``counts`` (those that are not 0)."""

_UNITS = 10_000  # values are kept to four places; whole numbers add up without rounding
_DRAWS = 10_000  # so that a probability of 1 in 1,000 can still be told from 0
_SEED = 20260602
_ENUMERATED = 13


@dataclass(frozen=True, slots=True)
class Pairs:
    """The values of a measure or count in two runs, over the questions that have both."""

    name: str
    ids: tuple[str, ...]
    old: tuple[float, ...]
    new: tuple[float, ...]

    @property
    def gains(self) -> Gains:
        """How much better each question got, in units of 1/10,000; negative is worse."""
        change = np.rint((np.array(self.new) - np.array(self.old)) * _UNITS)
        sign = -1 if self.name in LOWER_IS_BETTER else 1
        gains: Gains = (sign * change).astype(np.int64)
        return gains

    @property
    def worse(self) -> tuple[str, ...]:
        """The ids of the questions that got worse."""
        return tuple(i for i, gain in zip(self.ids, self.gains, strict=True) if gain < 0)

    @property
    def better(self) -> tuple[str, ...]:
        """The ids of the questions that got better."""
        return tuple(i for i, gain in zip(self.ids, self.gains, strict=True) if gain > 0)

    @property
    def mean_gain(self) -> float:
        """How much better it got on average, in the units of the values; 0 without questions."""
        return float(self.gains.mean()) / _UNITS if self.ids else 0.0


def pairs(name: str, old: Questions, new: Questions, *, both_ways: bool = False) -> Pairs:
    """What two runs have of a measure or count, for each question that both asked.

    A question that is unscored in ``new`` counts as the worst there is: for a measure 0 or 1, for
    a count one more than in ``old``. One that is unscored in ``old`` is left out, since coming
    back from an error must not make up for something lost elsewhere; with ``both_ways`` it counts
    as the worst, too.
    """
    of = _scores if name in METRICS else _counts
    found = []
    for key in sorted(old.keys() & new.keys()):
        before, after = of(name, old[key], new[key])
        if before is None and both_ways:
            after, before = of(name, new[key], old[key])
        if before is not None and after is not None:
            found.append((key, before, after))
    ids, olds, news = zip(*found, strict=True) if found else ((), (), ())
    return Pairs(name, ids, olds, news)


def _scores(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    before, after = old["scores"].get(name), new["scores"].get(name)
    if new["outcome"] == UNSCORED:
        after = float(name in LOWER_IS_BETTER)
    return before, after


def _counts(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[int | None, int | None]:
    before, after = old["counts"].get(name, 0), new["counts"].get(name, 0)
    if name == UNSCORED:
        return before, after
    if old["outcome"] == UNSCORED:
        return None, None
    return before, before + 1 if new["outcome"] == UNSCORED else after


def is_drop(gains: Gains, confidence: float) -> bool:
    """Whether things got worse by more than noise; see the head of this module.

    Args:
        gains: per question, as ``Pairs.gains``.
        confidence: one-sided, such as 0.95.
    """
    if not len(gains) or not gains.any():
        return False
    return margins(gains, confidence)[1] < 0 and _luck(gains) <= 1 - confidence + 1e-9


def margins(gains: Gains, confidence: float) -> tuple[float, float]:
    """The lowest and highest mean gain that are plausible, each at that one-sided confidence.

    Percentiles of 10,000 bootstrap means from a fixed seed, in the units of the values; both 0
    without a question.
    """
    if not len(gains):
        return 0.0, 0.0
    # Equal gains are interchangeable, so it is enough to draw how many there are of each.
    values, times = np.unique(gains, return_counts=True)
    draws = np.random.default_rng(_SEED).multinomial(len(gains), times / len(gains), size=_DRAWS)
    means = draws @ values / (len(gains) * _UNITS)
    low, high = np.quantile(means, [1 - confidence, confidence])
    return float(low), float(high)


def _luck(gains: Gains) -> float:
    """How probable a sum as low as this is if every change went either way by a coin toss."""
    changes = np.abs(gains[gains != 0])
    if len(changes) <= _ENUMERATED:
        tosses = np.arange(2 ** len(changes))[:, None] >> np.arange(len(changes)) & 1
        return float(np.mean((2 * tosses - 1) @ changes <= gains.sum()))
    values, times = np.unique(changes, return_counts=True)
    ups = np.random.default_rng(_SEED).binomial(times, 0.5, size=(_DRAWS, len(times)))
    as_low = np.count_nonzero((2 * ups - times) @ values <= gains.sum())
    # The outcome itself is one of the draws (Davison and Hinkley 1997, section 4.2.5).
    return float((as_low + 1) / (_DRAWS + 1))
