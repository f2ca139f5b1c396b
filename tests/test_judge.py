"""The forest against scikit-learn's own, the features' finiteness, and whole verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citewise import check
from citewise.forest import Forest
from citewise.judge import support_score
from citewise.judging import describe_judge, judge_digest
from citewise.support_features import FEATURES, features, narrow

NOTES = (
    "Northwind opened 12 shops in Oslo in 2024. Its founder, Ada Berg, had sold bicycles before. "
    "The weather was fine. Sales of bread rose while sales of milk fell."
)


def test_a_forest_of_two_trees_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "forest.npz"
    np.savez_compressed(
        path,
        feature=np.array([0, -1, -1, -1], np.int16),
        threshold=np.array([0.5, 0, 0, 0], np.float32),
        left=np.array([1, 0, 0, 0], np.int32),
        right=np.array([2, 0, 0, 0], np.int32),
        value=np.array([0, 0.2, 0.8, 0.6], np.float32),
        roots=np.array([0, 3], np.int32),
    )
    found = Forest.load(path)(np.array([[0.5], [0.6]], np.float32))
    assert found == pytest.approx([0.4, 0.7])


def test_the_best_sentences_add_to_each_other() -> None:
    narrowed = narrow("Ada Berg sold bicycles and Northwind opened shops in Oslo.", [NOTES])
    assert set(narrowed.best[:2]) == {0, 1}
    assert narrowed.text(20).startswith("Northwind opened 12 shops")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.lists(st.text(max_size=200), max_size=4))
def test_features_are_finite_for_any_text(claim: str, evidence: list[str]) -> None:
    found = features(narrow(claim, evidence))
    assert len(found) == len(FEATURES)
    assert np.isfinite(found).all()
    assert 0.0 <= support_score(found) <= 1.0


def test_support_falls_with_what_the_evidence_lacks() -> None:
    def score(claim: str) -> float:
        return support_score(features(narrow(claim, [NOTES])))

    stated = score("Northwind opened 12 shops in Oslo in 2024.")
    partly = score("Northwind opened 12 shops in Oslo in 2024 with the help of a bank in Bergen.")
    absent = score("The museum in Bergen shows paintings of the sea.")
    assert stated > 0.6
    assert stated > partly > absent
    assert absent < 0.2


@pytest.mark.parametrize(
    ("claim", "label"),
    [
        ("Northwind opened twelve shops in Oslo in 2024.", "supported"),
        ("Northwind opened 13 shops in Oslo in 2024.", "contradicted"),
        ("Sales of bread fell while sales of milk rose.", "contradicted"),
        ("Northwind closed a factory in Peru.", "unsupported"),
    ],
)
def test_whole_verdicts(claim: str, label: str) -> None:
    verdict = check(claim, [NOTES])
    assert str(verdict.label) == label, verdict
    assert (verdict.score >= 0.5) is (label == "supported")


def test_the_digest_covers_the_forest_and_the_record_says_what_was_measured() -> None:
    judge = describe_judge()
    assert judge["sha256"] == judge_digest()
    assert {"WiCE dev", "AttributionBench dev"} <= set(judge["agreement"])
    assert judge["measured_on"] == judge_digest(), "measure again: see docs/verifier.md"
