"""A true sentence is no answer where it gives no number, no time, or counts something else."""

from __future__ import annotations

import pytest

from citewise.relevance import is_polar, misses
from citewise.support import evidence_from_texts

STARS = evidence_from_texts(["The repository has over 8,000 stars, since May 2024."])


def test_questions_for_yes_or_no() -> None:
    assert is_polar("Is it fast?")
    assert is_polar("If it fails, will they stop?")
    assert not is_polar("How fast is it?")
    assert not is_polar("Which of them is fast?")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many people work there?", "The firm has an open strategy."),
        ("How much did it cost?", "The firm was expensive."),
        ("When was it founded?", "It was founded by engineers."),
        ("In what year did it open?", "It opened in Paris."),
        ("How many forks does the repository have?", "It has 8,000 stars."),
        ("How many forks?", "It has 8,000 stars."),
    ],
)
def test_misses(question: str, sentence: str) -> None:
    assert misses(question, [sentence], STARS)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("How many stars does the repository have?", "It has over 8,000 stars."),
        ("How many points of sale were there?", "There were 12."),
        ("How many did it have?", "It had 8,000."),
        ("How much does size matter?", "It matters a great deal."),
        ("How far does the plan go?", "It goes to the end."),
        ("When was it founded?", "It was founded after the war."),
        ("When was it founded?", "It was founded in May 2024."),
        ("Who founded it?", "Engineers founded it."),
    ],
)
def test_answers(question: str, sentence: str) -> None:
    assert misses(question, [sentence], STARS) == ""
