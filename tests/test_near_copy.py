"""What was changed in a claim that copies its source, and what only looks changed."""

from __future__ import annotations

import pytest

from citewise.near_copy import change_in, likeness
from citewise.opposites import are_opposites, mean_the_same

SOURCE = "Revenue at Northwind increased by 12 percent in 2024 before the firm bought Oslo Rail."


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("Revenue at Northwind decreased by 12 percent in 2024 before the firm bought Oslo Rail.",
         "the source says increased, not decreased"),
        ("Revenue at Northwind increased by 15 percent in 2024 before the firm bought Oslo Rail.",
         "the source says 12, not 15"),
        ("Revenue at Northwind increased by 12 percent in 2021 before the firm bought Oslo Rail.",
         "the source says 2024, not 2021"),
        ("Revenue at Eastgate increased by 12 percent in 2024 before the firm bought Oslo Rail.",
         "the source says Northwind, not Eastgate"),
        ("Revenue at Northwind increased by 12 percent in 2024 after the firm bought Oslo Rail.",
         "the source says before, not after"),
        ("Revenue at Northwind has not increased by 12 percent in 2024 before the firm bought it.",
         "it denies what the source says"),
    ],
)  # fmt: skip
def test_the_contrary_of_a_copied_sentence_is_told(claim: str, reason: str) -> None:
    change = change_in(claim, ["Something else is said here.", SOURCE])
    assert change is not None
    assert change.sure
    assert change.reason == reason


@pytest.mark.parametrize(
    "claim",
    [
        SOURCE,
        "Revenue at Northwind rose by 12 percent in 2024 before the firm bought Oslo Rail.",
        "Revenue at Northwind increased by 12% in 2024 before the company bought Oslo Rail.",
        "Northwind's revenue increased by 12 percent in 2024 before the firm bought Oslo Rail.",
        "Bananas are rich in potassium.",
    ],
)
def test_other_words_for_the_same_are_no_contrary(claim: str) -> None:
    change = change_in(claim, [SOURCE])
    assert change is None or not change.sure


def test_two_names_that_changed_places_are_seen() -> None:
    source = "Ada Lovelace taught Charles Babbage to read the notes of the engine in London."
    claim = "Charles Babbage taught Ada Lovelace to read the notes of the engine in London."
    change = change_in(claim, [source])
    assert change is not None
    assert change.reason == "'Ada Lovelace' is on the other side of its verb in it"
    change = change_in(
        "Bergen beat Oslo by two goals that day.", ["Oslo beat Bergen by two goals that day."]
    )
    assert change is not None
    assert change.sure


def test_a_lost_denial_is_seen_and_a_kept_one_is_not() -> None:
    source = "The engine was not finished in his lifetime because money ran out."
    lost = change_in("The engine was finished in his lifetime because money ran out.", [source])
    assert lost is not None
    assert lost.reason == "it leaves out a denial in the source"
    assert change_in("The engine was not finished because money ran out.", [source]) is None


def test_the_same_name_in_another_form_is_no_change() -> None:
    source = "China's largest maker of chips doubled its output within two years of the ban."
    claim = "The Chinese largest maker of chips doubled its output within two years of the ban."
    change = change_in(claim, [source])
    assert change is None or not change.sure


def test_likeness_counts_words_in_order() -> None:
    assert likeness("one two three", "one two three four") == 1.0
    assert likeness("one two five six", "one two three four") == 0.5
    assert likeness("", "one") == 0.0


def test_opposites_and_synonyms() -> None:
    assert are_opposites("days", "weeks")
    assert are_opposites("Increased", "fell")
    assert are_opposites("unhappy", "happy")
    assert not are_opposites("house", "tree")
    assert mean_the_same("began", "started")
    assert mean_the_same("5 million", "5,000,000")
    assert not mean_the_same("house", "tree")
