"""How well scores agree with labels: AUROC, balanced accuracy, macro-F1, calibration, intervals.

A claim counts as supported if its score is at least the threshold. Everything takes scores of
shape ``(n,)``, higher for better support, and labels that are true for supported claims.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from citewise.eval_metrics import Measure

__all__ = [
    "Agreement",
    "Reading",
    "agreement",
    "auroc",
    "balanced_accuracy",
    "best_threshold",
    "calibration_error",
    "crossed_thresholds",
    "macro_f1",
]

_RESAMPLES = 1000
_SEED = 20260601
_FOLDS = 5
_BINS = 10

_Floats = NDArray[np.float64]
_Truth = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reading:
    """The scores read as yes or no: at which threshold, where it came from, and how well."""

    threshold: float
    chosen: str
    balanced_accuracy: Measure
    macro_f1: Measure
    right: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge on one set of claims; values are None where all labels are the same.

    ``ece`` is None, too, if a score lies outside [0, 1] and so is no probability.
    """

    auroc: Measure
    readings: tuple[Reading, ...]
    ece: float | None


def agreement(
    scores: Sequence[float],
    labels: Sequence[bool],
    groups: Sequence[str],
    own_threshold: float | None = None,
) -> Agreement:
    """All measures, with 95 % bootstrap intervals over groups.

    The first reading takes for each claim the threshold that is best on the other folds. A second
    one takes ``own_threshold``, which the judge came with, if there is one. The intervals cover
    the choice of claims, not of thresholds.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)
    weights = _resampled(groups)
    crossed = crossed_thresholds(values, truth, groups)
    readings = [_reading(values, truth, crossed, "other folds", weights)]
    if own_threshold is not None:
        own = np.full(len(values), own_threshold)
        readings.append(_reading(values, truth, own, "its own", weights))
    return Agreement(
        _measure(lambda w: _aurocs(values, truth, w), weights),
        tuple(readings),
        calibration_error(values, truth),
    )


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """The chance that a supported claim scores above another; ties count half. NaN if undefined."""
    values, truth = _both(scores, labels)
    return float(_aurocs(values, truth, np.ones((1, len(values))))[0])


def balanced_accuracy(predicted: ArrayLike, labels: ArrayLike) -> float:
    """The mean of the shares of supported and of other claims read rightly. NaN if undefined."""
    said, truth = np.asarray(predicted, dtype=np.bool_), np.asarray(labels, dtype=np.bool_)
    return float(_balanced(said, truth, np.ones((1, len(said))))[0])


def macro_f1(predicted: ArrayLike, labels: ArrayLike) -> float:
    """The mean of the F1 of either class; 0 for a class neither said nor there."""
    said, truth = np.asarray(predicted, dtype=np.bool_), np.asarray(labels, dtype=np.bool_)
    return float(_f1(said, truth, np.ones((1, len(said))))[0])


def best_threshold(scores: ArrayLike, labels: ArrayLike) -> float:
    """The threshold of the highest balanced accuracy; the middle one if several are as good.

    It lies midway between two scores. Labels that are all the same accept or reject everything;
    without any score it is 0.5.
    """
    values, truth = _both(scores, labels)
    if not len(values):
        return 0.5
    levels, place = np.unique(values, return_inverse=True)
    held = np.bincount(place, weights=truth, minlength=len(levels))
    other = np.bincount(place, weights=~truth, minlength=len(levels))
    # Gain of accepting everything from a level upwards; at the end, of accepting nothing.
    accepted = np.append(np.cumsum(held[::-1])[::-1], 0.0) / max(1.0, held.sum())
    rejected = np.append(0.0, np.cumsum(other)) / max(1.0, other.sum())
    gain = accepted + rejected
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    at = int(best[len(best) // 2])
    if at == 0:
        return float(levels[0])
    if at == len(levels):
        return float(np.nextafter(levels[-1], np.inf))
    middle = (levels[at - 1] + levels[at]) / 2
    # Between neighbouring floats there is no middle.
    return float(middle if middle > levels[at - 1] else levels[at])


def crossed_thresholds(scores: ArrayLike, labels: ArrayLike, groups: Sequence[str]) -> _Floats:
    """For each claim the best threshold of the folds that it is not in, shape ``(n,)``.

    Groups are dealt to five folds by a fixed seed, so that no document is on both sides.
    """
    values, truth = _both(scores, labels)
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    dealt = np.random.default_rng(_SEED).permutation(len(names)) % _FOLDS
    folds = dealt[place]
    thresholds = np.empty(len(values))
    for fold in np.unique(folds):
        inside = folds == fold
        thresholds[inside] = best_threshold(values[~inside], truth[~inside])
    return thresholds


def calibration_error(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """Expected calibration error over ten bins of equal width (Guo et al. 2017, section 2).

    None if there are no scores, or one lies outside [0, 1].
    """
    values, truth = _both(scores, labels)
    if not len(values) or values.min() < 0 or values.max() > 1:
        return None
    bins = np.minimum((values * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=truth - values, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(values))


def _both(scores: ArrayLike, labels: ArrayLike) -> tuple[_Floats, _Truth]:
    return np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)


def _reading(
    values: _Floats, truth: _Truth, thresholds: _Floats, chosen: str, weights: _Floats
) -> Reading:
    said = values >= thresholds
    balanced = _measure(lambda w: _balanced(said, truth, w), weights)
    f1 = _measure(lambda w: _f1(said, truth, w), weights)
    return Reading(
        float(np.median(thresholds)) if len(thresholds) else 0.5,
        chosen,
        balanced,
        balanced if balanced.value is None else f1,
        tuple(bool(right) for right in said == truth),
    )


def _resampled(groups: Sequence[str]) -> _Floats:
    """How often each claim is drawn, shape ``(resamples, n)``: its group is drawn or not."""
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    if not len(names):
        return np.zeros((_RESAMPLES, 0))
    chances = np.full(len(names), 1 / len(names))
    drawn = np.random.default_rng(_SEED).multinomial(len(names), chances, size=_RESAMPLES)
    return drawn[:, place].astype(np.float64)


def _measure(values_of: Callable[[_Floats], _Floats], weights: _Floats) -> Measure:
    """The value with its 95 % percentile bootstrap interval; draws of one label are left out."""
    n = weights.shape[1]
    value = values_of(np.ones((1, n)))[0]
    drawn = values_of(weights)
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(drawn):
        return Measure(None, n, None, None)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measure(float(value), n, float(low), float(high))


def _aurocs(values: _Floats, truth: _Truth, weights: _Floats) -> _Floats:
    """One AUROC for each row of weights, from the areas that each level of score adds."""
    if not truth.any() or truth.all():
        return np.full(len(weights), np.nan)
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    held = np.add.reduceat((weights * truth)[:, order], starts, axis=1)
    other = np.add.reduceat((weights * ~truth)[:, order], starts, axis=1)
    below = np.cumsum(other, axis=1) - other / 2
    return _ratio((held * below).sum(axis=1), held.sum(axis=1) * other.sum(axis=1))


def _balanced(said: _Truth, truth: _Truth, weights: _Floats) -> _Floats:
    held = _ratio(weights @ (said & truth), weights @ truth)
    other = _ratio(weights @ (~said & ~truth), weights @ ~truth)
    return (held + other) / 2


def _f1(said: _Truth, truth: _Truth, weights: _Floats) -> _Floats:
    found = []
    for one, two in ((said, truth), (~said, ~truth)):
        found.append(_ratio(2 * (weights @ (one & two)), weights @ one + weights @ two))
    return np.nan_to_num(found[0]) / 2 + np.nan_to_num(found[1]) / 2


def _ratio(above: _Floats, below: _Floats) -> _Floats:
    """Their quotient; NaN where there is nothing to divide by."""
    found = np.full(len(above), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found
