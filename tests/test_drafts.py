"""Drafts cut into sentences, without the model's markers and excuses."""

from __future__ import annotations

import pytest

from citewise.drafts import is_refusal, is_statement, split_draft


@pytest.mark.parametrize(
    ("draft", "sentences"),
    [
        ("It is 78.5 [1]. It rose [2, 3].", ["It is 78.5.", "It rose."]),
        ("According to the sources, it rose.", ["It rose."]),
        ("- One thing.\n- Another thing (source 2).", ["One thing.", "Another thing."]),
        ("Answer: it is so 【4】.", ["It is so."]),
        ("", []),
    ],
)
def test_sentences(draft: str, sentences: list[str]) -> None:
    assert split_draft(draft) == sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "The sources do not mention the CEO.",
        "The CEO is not specified in the sources.",
        "There is no information about this.",
        "I don't know.",
    ],
)
def test_refusals(sentence: str) -> None:
    assert is_refusal(sentence)


@pytest.mark.parametrize(
    "sentence", ["Dense models do not have load balancing issues.", "It did not rise."]
)
def test_denials_are_no_refusals(sentence: str) -> None:
    assert not is_refusal(sentence)


def test_fillers_state_nothing() -> None:
    assert not is_statement("Here is what I found:")
    assert not is_statement("Sure!")
    assert is_statement("Yes, it rose.")
