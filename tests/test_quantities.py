"""Numbers and names, read so that two texts can be compared."""

from __future__ import annotations

import pytest

from citewise.quantities import holds, loose_values, names, quantities


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("over $500 billion", [5e11]),
        ("500B", [5e11]),
        ("~1,500 startups", [1500.0]),
        ("70-80% less", [70.0, 80.0]),
        (">1e26 FLOPs", [1e26]),
        ("within three years", [3.0]),
        ("12-18 months", [12.0, 18.0]),
        ("GPT-4 on an H100 and V2", []),
        ("10x cheaper", [10.0]),
        ("100,000+ GPUs", [100000.0]),
    ],
)
def test_values(text: str, values: list[float]) -> None:
    assert [quantity.value for quantity in quantities(text)] == values


def test_two_units_never_agree() -> None:
    assert holds(quantities("$5.00"), quantities("5")[0])
    assert not holds(quantities("$5.00"), quantities("5%")[0])


def test_digits_glued_to_a_year_or_a_word_are_found_loosely() -> None:
    assert 2670.0 in loose_values("June 20262670 published articles")
    assert 78.0 in loose_values("DeepSeek78 related articles")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What did Sam Altman say about GPT-4?", ["Sam", "Altman", "GPT-4"]),
        ("The company is big. It grew.", []),
        ("Is NVIDIA's chip restricted?", ["NVIDIA"]),
        ("DeepSeek doubles its staff", ["DeepSeek"]),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert [name.text for name in names(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Who is Marie Curie?", ["Marie", "Curie"]),
        ("Is Marie Curie famous?", ["Marie", "Curie"]),
        ("Who Was Marie Curie?", []),
        ("MARIE CURIE WAS FAMOUS", []),
        ("Marie Curie Wins Prize in Stockholm", []),
    ],
)
def test_only_a_headline_s_capitals_say_nothing(text: str, found: list[str]) -> None:
    assert [name.text for name in names(text)] == found
