"""Whether a question is answered at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise.answerability import Signals, estimate, stands, unknown_names
from citewise.index import Index
from citewise.slips import edits
from citewise.splitting import split
from doubles import HashEmbedder, document


@pytest.fixture
def index(tmp_path: Path):
    with Index.open(tmp_path, HashEmbedder()) as opened:
        text = "DeepSeek hires chip designers from Huawei, who made the XY-8 and H100 cards.\n"
        opened.update([document("a.txt", text)], split)
        yield opened


def test_a_name_that_no_document_holds_is_unknown(index: Index) -> None:
    assert unknown_names("What did Sam Altman tell Huawei?", index) == ("Sam", "Altman")


def test_a_mistyped_name_is_known(index: Index) -> None:
    assert unknown_names("What does Huwaei sell to DeepSeak?", index) == ()


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("What does the XY-9 cost?", ("XY-9",)),
        ("What does the XY8 cost?", ()),
        ("How do the H100s compare?", ()),
        ("What do American and Chinese firms make?", ()),
        ("What is the MMLU?", ()),
    ],
)
def test_an_identifier_is_known_only_whole(
    index: Index, question: str, unknown: tuple[str, ...]
) -> None:
    assert unknown_names(question, index) == unknown


@pytest.mark.parametrize(
    ("log_odds", "confirmed", "shown"),
    [
        (1.0, 1.5, True),
        (1.0, 0.0, False),
        (-1.0, 1.2, False),
        (None, None, True),
        (2.0, None, True),
    ],
)
def test_a_draft_stands_by_what_the_model_says_of_it(
    log_odds: float | None, confirmed: float | None, shown: bool
) -> None:
    assert (stands(Signals(log_odds, 0.6, 0.6, ()), confirmed) >= 0.5) is shown


def test_a_draft_stands_the_better_the_nearer_its_evidence() -> None:
    far, near, named = (
        Signals(1.0, 0.3, 0.3, ()),
        Signals(1.0, 0.7, 0.3, ()),
        Signals(1.0, 0.3, 1, ()),
    )
    assert stands(far, 1.0) < min(stands(near, 1.0), stands(named, 1.0))


def test_each_signal_moves_the_probability_its_way() -> None:
    base = estimate(Signals(1.0, 0.5, 0.5, ())).probability
    assert estimate(Signals(2.0, 0.5, 0.5, ())).probability > base
    assert estimate(Signals(1.0, 0.8, 0.5, ())).probability > base
    assert estimate(Signals(1.0, 0.5, 0.9, ())).probability > base
    assert estimate(Signals(1.0, 0.5, 0.5, ("Altman",))).probability < base
    without = estimate(Signals(None, 0.5, 0.5, ())).probability
    assert estimate(Signals(None, 0.8, 0.5, ())).probability > without


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("same", "same", 0), ("hauwei", "huawei", 1), ("abc", "", 3), ("kitten", "sitting", 3)],
)
def test_edits(one: str, other: str, distance: int) -> None:
    assert edits(one, other) == distance
