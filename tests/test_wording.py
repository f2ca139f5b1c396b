"""Small words: a denial, an "always", a "may" that is left out."""

from __future__ import annotations

import pytest

from citewise.wording import agrees, called, compares, denial_mismatch, overstates, swapped_sides


@pytest.mark.parametrize(
    ("claim", "source", "differs"),
    [
        ("It does not need data.", "It needs data.", "it denies what the source says"),
        ("It needs data.", "It doesn't need data.", "it leaves out a denial in the source"),
        ("It needs no data.", "It works without data.", ""),
        ("It is not only fast.", "It is fast.", ""),
    ],
)
def test_denials(claim: str, source: str, differs: str) -> None:
    assert denial_mismatch(claim, source) == differs


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("It was always a firm.", "It began as a charity and became a firm."),
        ("Only Ada can do it.", "Ada can do it."),
        ("All departments grow.", "The sales department grows."),
        ("The price has peaked.", "The price may have peaked."),
        ("It rises further.", "It might rise further."),
    ],
)
def test_a_claim_that_says_more_than_its_source(claim: str, source: str) -> None:
    assert overstates(claim, source)


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("All departments grow.", "It grows across every department."),
        ("It never sleeps.", "It does not sleep."),
        ("The price may have peaked.", "The price may have peaked."),
        ("It could rise further.", "It might rise further."),
        ("It opened in May.", "It opened in spring."),
        ("It is fast.", "It is always fast."),
        ("Not all firms need it.", "Many firms do not need it."),
        ("It has 8,000 stars.", "It has 8,000 stars since May 2024."),
    ],
)
def test_a_claim_that_says_no_more(claim: str, source: str) -> None:
    assert overstates(claim, source) == ""


def test_the_sides_of_a_comparison_are_told_apart() -> None:
    source = ["DeepSeek is worth more than the divisions of all its rivals."]
    assert swapped_sides("The divisions of all rivals are worth more than DeepSeek.", source)
    assert not swapped_sides("DeepSeek is worth more than its rivals.", source)
    assert not swapped_sides("Its rivals are worth less than DeepSeek.", source)
    assert not swapped_sides("DeepSeek is big.", source)


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        ("Liang Wenfeng is the chief executive of DeepSeek.", "chief executive"),
        ("The chief executive of DeepSeek is Liang Wenfeng.", "chief executive"),
        ("Ada was a mathematician.", "mathematician"),
        ("The price is $5.", ""),
        ("Ada wrote the first program.", ""),
    ],
)
def test_what_somebody_is_called(claim: str, role: str) -> None:
    assert called(claim).strip() == role


def test_a_comparison_that_the_source_does_not_make() -> None:
    assert compares("A costs more than B.", "A costs $5, B costs $2.") == "more"
    assert compares("A costs more than B.", "A is more costly than B.") == ""
    assert compares("A costs $5.", "A: $5") == ""


@pytest.mark.parametrize(
    ("lead", "sentence", "fits"),
    [
        ("Yes", "The firm needs data.", True),
        ("Yes", "The firm does not need data.", False),
        ("Yes", "The firm needs engineers.", False),
        ("No", "The firm does not need data.", True),
        ("No", "The firm needs data.", False),
    ],
)
def test_yes_and_no_go_with_what_follows(lead: str, sentence: str, fits: bool) -> None:
    assert agrees(lead, "Does the firm need data?", sentence) is fits
