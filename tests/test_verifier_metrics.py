"""The measures of a judge against scikit-learn's, and the edges that it leaves open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from citewise.verifier_metrics import (
    agreement,
    auroc,
    balanced_accuracy,
    best_threshold,
    calibration_error,
    crossed_thresholds,
    macro_f1,
)

# Scores in tenths, so that ties are common.
ROWS = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def _columns(rows: list[tuple[int, bool]]) -> tuple[list[float], list[bool]]:
    return [score / 10 for score, _ in rows], [label for _, label in rows]


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_the_measures_are_those_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, labels = _columns(rows)
    said = [score >= 0.5 for score in scores]
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert balanced_accuracy(said, labels) == pytest.approx(balanced_accuracy_score(labels, said))
    expected = f1_score(labels, said, average="macro", labels=[False, True], zero_division=0)
    assert macro_f1(said, labels) == pytest.approx(expected)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_no_threshold_beats_the_best_one(rows: list[tuple[int, bool]]) -> None:
    scores, labels = _columns(rows)
    at = best_threshold(scores, labels)
    reached = balanced_accuracy([score >= at for score in scores], labels)
    every = [balanced_accuracy([s >= t for s in scores], labels) for t in (*scores, 2.0)]
    assert reached == pytest.approx(max(every))


def test_a_tie_counts_half() -> None:
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.9, 0.5, 0.5, 0.1], [True, True, False, False]) == 0.875
    assert np.isnan(auroc([0.5, 0.6], [True, True]))


def test_the_best_threshold_lies_between_two_scores() -> None:
    assert best_threshold([0.2, 0.4, 0.8, 0.9], [False, False, True, True]) == pytest.approx(0.6)
    assert best_threshold([0.3, 0.7], [True, True]) == 0.3
    assert best_threshold([0.3, 0.7], [False, False]) > 0.7
    assert best_threshold([], []) == 0.5
    # 0.15 and 0.35 are as good as each other.
    assert best_threshold([0.1, 0.2, 0.3, 0.4], [False, True, False, True]) == pytest.approx(0.35)
    low = 0.3
    high = float(np.nextafter(low, 1))
    assert best_threshold([low, high], [False, True]) == high


def test_a_document_never_chooses_its_own_threshold() -> None:
    scores, labels = [0.2, 0.4, 0.6, 0.8], [False, True, False, True]
    crossed = crossed_thresholds(scores, labels, ["a", "a", "b", "b"])
    assert crossed == pytest.approx([0.7, 0.7, 0.3, 0.3])


def test_thresholds_of_other_folds_overrate_nobody() -> None:
    chance = np.random.default_rng(1)
    scores, labels = chance.random(400), chance.random(400) < 0.5
    found = agreement(list(scores), list(labels), [str(i) for i in range(400)])
    best = best_threshold(scores, labels)
    fitted = balanced_accuracy(scores >= best, labels)
    assert found.readings[0].chosen == "other folds"
    assert found.readings[0].balanced_accuracy.value == pytest.approx(0.5, abs=0.05)
    assert found.readings[0].balanced_accuracy.value < fitted


def test_the_interval_is_wider_where_claims_share_documents() -> None:
    chance = np.random.default_rng(2)
    # Ten documents of forty claims; the judge is good on some documents and bad on others.
    shift = np.repeat(chance.normal(0, 1.5, 10), 40)
    labels = chance.random(400) < 0.5
    scores = labels * shift + chance.normal(0, 1, 400)
    documents = [str(i // 40) for i in range(400)]
    shared = agreement(list(scores), list(labels), documents).auroc
    alone = agreement(list(scores), list(labels), [str(i) for i in range(400)]).auroc
    assert shared.value == alone.value == pytest.approx(auroc(scores, labels))
    assert shared.low < shared.value < shared.high
    assert alone.low < alone.value < alone.high
    assert shared.high - shared.low > 2 * (alone.high - alone.low)


def test_the_interval_covers_the_true_value_about_as_often_as_it_says() -> None:
    truth = 0.7602  # of normal scores one standard deviation apart: Phi(1 / sqrt 2)
    chance, covered = np.random.default_rng(3), 0
    for _ in range(60):
        labels = chance.random(120) < 0.5
        scores = labels + chance.normal(0, 1, 120)
        measure = agreement(list(scores), list(labels), [str(i) for i in range(120)]).auroc
        covered += measure.low <= truth <= measure.high
    assert covered >= 52


def test_the_same_input_gives_the_same_numbers() -> None:
    scores, labels, groups = [0.1, 0.4, 0.35, 0.8], [False, False, True, True], ["a", "b", "a", "c"]
    assert agreement(scores, labels, groups, 0.5) == agreement(scores, labels, groups, 0.5)


def test_its_own_threshold_is_a_second_reading() -> None:
    scores, labels = [0.2, 0.6, 0.4, 0.5], [False, False, True, True]
    found = agreement(scores, labels, ["a", "b", "c", "d"], own_threshold=0.5)
    own = found.readings[1]
    assert (own.threshold, own.chosen) == (0.5, "its own")
    assert own.balanced_accuracy.value == 0.5
    assert own.right == (True, False, False, True)


def test_one_label_measures_nothing() -> None:
    found = agreement([0.2, 0.6], [True, True], ["a", "b"], 0.5)
    assert (found.auroc.value, found.auroc.n) == (None, 2)
    assert [r.balanced_accuracy.value for r in found.readings] == [None, None]
    assert [r.macro_f1.value for r in found.readings] == [None, None]


def test_calibration() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0.0)
    assert calibration_error([0.95, 0.95], [False, False]) == pytest.approx(0.95)
    # Bin of 0.15: 0.85 off, twice; bin of 0.9 and 1.0 together: 0.1 too low, 1 too high.
    assert calibration_error([0.15, 0.15, 0.9, 1.0], [1, 1, 1, 0]) == pytest.approx(2.6 / 4)
    assert calibration_error([0.5, 1.5], [True, False]) is None
    assert calibration_error([], []) is None
