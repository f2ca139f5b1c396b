"""Whether a question is answered at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise.answerability import Signals, estimate, unknown_names
from citewise.index import Index
from citewise.lexical import edits
from citewise.splitting import split
from doubles import HashEmbedder, document


@pytest.fixture
def index(tmp_path: Path):
    with Index.open(tmp_path, HashEmbedder()) as opened:
        opened.update([document("a.txt", "DeepSeek hires chip designers from Huawei.\n")], split)
        yield opened


def test_a_name_that_no_document_holds_is_unknown(index: Index) -> None:
    assert unknown_names("What did Sam Altman tell Huawei?", index) == ("Sam", "Altman")


def test_a_mistyped_name_is_known(index: Index) -> None:
    assert unknown_names("What does Huwaei sell to DeepSeak?", index) == ()


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
