"""What the entailment model's logits come to, and how verdicts use them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from citewise import check
from citewise.checking import check_text
from citewise.entailment import Entailment
from citewise.errors import InputError, ModelError
from citewise.judge import Reading, judged, log_odds, read_with, stacked_score
from citewise.support import evidence_from_texts
from citewise.support_features import narrow
from citewise.types import Label

CLAIM = "Northwind's baker used to trade bikes."
NOTES = "Ada Berg, who bakes for Northwind, had sold bicycles before. The weather was fine."


class Reader(Entailment):
    """Leans towards support as a function of the claim says, in logits of the first label."""

    def __init__(self, support) -> None:
        self.support = support

    def _logits(self, pairs):
        return np.array([(self.support(claim), 0.0, 0.0, 0.0) for claim, _ in pairs], np.float32)


class Fixed(Entailment):
    """Always the same logits; keeps what it was asked."""

    def __init__(self, logits: tuple[float, float, float, float]) -> None:
        self.logits = logits
        self.asked: list[tuple[str, str]] = []

    def _logits(self, pairs):
        self.asked += pairs
        return np.array([self.logits] * len(pairs), np.float32)


def test_odds_are_of_one_label_against_the_others() -> None:
    (leaning,) = Fixed((2.0, 0.0, 1.0, -3.0)).leanings([("a", "b")])
    assert leaning.supported == pytest.approx(2.0 - math.log(1 + math.e))
    assert leaning.contradicted == pytest.approx(-math.log(math.e**2 + math.e))
    assert Fixed((2.0, 0.0, 1.0, -3.0)).answers([("a", "b")]) == [-3.0]


def test_log_odds_stay_finite_and_the_stack_rises_with_both() -> None:
    assert math.isfinite(log_odds(0.0)) and math.isfinite(log_odds(1.0))
    assert log_odds(0.5) == 0.0
    low, high = Reading(-3.0, 0.0, -3.0), Reading(3.0, 0.0, 3.0)
    assert stacked_score(0.4, low) < stacked_score(0.4, high)
    assert stacked_score(0.2, high) < stacked_score(0.6, high)


def test_a_sure_model_turns_what_is_only_a_matter_of_degree() -> None:
    evidence = evidence_from_texts([NOTES])
    yes, no = Fixed((9.0, -9.0, -9.0, 0.0)), Fixed((-9.0, -9.0, 9.0, 0.0))
    assert judged(CLAIM, evidence, yes).score > judged(CLAIM, evidence, no).score
    assert judged(CLAIM, evidence, no).label is not Label.SUPPORTED
    assert yes.asked == [(CLAIM, NOTES)]


def test_a_contradiction_comes_with_the_words_that_contradict() -> None:
    verdict = judged(CLAIM, evidence_from_texts([NOTES]), Fixed((-9.0, 9.0, -9.0, 0.0)))
    assert verdict.label is Label.CONTRADICTED
    assert "Ada Berg, who bakes for Northwind, had sold bicycles before." in verdict.reason


def test_no_model_overrules_a_wrong_number() -> None:
    sure = Fixed((9.0, -9.0, -9.0, 0.0))
    verdict = judged("It has 13 shops.", evidence_from_texts(["It has 12 shops."]), sure)
    assert verdict.label is Label.CONTRADICTED


def test_only_a_sure_model_overrules_a_missing_name() -> None:
    evidence = evidence_from_texts(["The chief executive of Northwind opened the new bakery."])
    claim = "Ada Berg opened the new bakery of Northwind."
    sure, unsure = Fixed((9.0, -9.0, -9.0, 0.0)), Fixed((1.0, 0.0, 0.0, 0.0))
    assert judged(claim, evidence, sure).supported
    withheld = judged(claim, evidence, unsure)
    assert not withheld.supported
    assert "Berg" in withheld.reason


def test_the_worst_clause_counts_and_is_named() -> None:
    half = "the owner regrets his choice of trade"
    claim = f"Northwind bakes bread in two old mills by the river, and {half}."
    evidence = evidence_from_texts(
        ["Bread is what Northwind bakes, in two old mills by the river."]
    )
    reader = Reader(lambda said: -6.0 if said.startswith("the owner") else -1.0)
    reading = read_with(reader, narrow(claim, [item.text for item in evidence]))
    assert reading.least < -6.0 < reading.whole
    assert reading.supported < reading.whole
    assert half in judged(claim, evidence, reader).reason


def test_odds_beyond_bounds_count_as_the_bounds() -> None:
    assert Reading(99.0, -99.0, 99.0).supported == Reading(3.0, -99.0, 3.0).supported


def test_an_unknown_judge_is_told() -> None:
    with pytest.raises(InputError, match=r"'slow'.*fast"):
        check_text(CLAIM, [NOTES], "slow")  # type: ignore[arg-type]


def test_a_missing_encoder_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be loaded.*models fetch all-mpnet-base-v2"):
        Entailment(tmp_path).leanings([("a", "b")])


@pytest.mark.model
def test_the_full_judge_reads_meaning() -> None:
    same = check(
        "The firm was bought by a rival in 2019.",
        ["In 2019 a rival purchased the firm."],
        judge="full",
    )
    other = check(
        "The firm was bought by a rival in 2019.",
        ["In 2019 the firm purchased a rival."],
        judge="full",
    )
    assert same.label is Label.SUPPORTED
    assert other.score < same.score
