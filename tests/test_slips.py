"""What a mistyped word is taken for, against comparing it with every term."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from citewise.slips import Slips, edits

WORDS = st.text("aber", min_size=3, max_size=10).map("s".__add__)


def brute_force(term: str, counted: dict[str, int]) -> str | None:
    """As documented, word by word."""
    allowed = 1 if len(term) < 8 else 2
    slack = 0 if len(term) <= 5 else allowed
    near = [
        (edits(term, other), -count, other)
        for other, count in counted.items()
        if len(other) >= 4 and abs(len(other) - len(term)) <= slack
    ]
    return min(((e, c, o) for e, c, o in near if e <= allowed), default=(0, 0, None))[2]


@given(WORDS, st.dictionaries(WORDS, st.integers(1, 3), max_size=30))
def test_the_nearest_is_that_of_comparing_with_every_term(
    term: str, counted: dict[str, int]
) -> None:
    assert Slips(counted.items()).nearest(term) == brute_force(term, counted)


def test_letters_that_share_a_bit_lose_nothing() -> None:
    # Of 64 bits, "a" and "ꂡ" (U+A0A1) have the same.
    assert Slips([("sꂡabber", 1)]).nearest("sabber") == "sꂡabber"


def test_digits_and_short_words_are_left_alone() -> None:
    slips = Slips([("v2000", 9), ("ship", 5)])
    assert slips.nearest("v2001") is None
    assert slips.nearest("shp") is None
    assert slips.nearest("shpi") == "ship"


@given(WORDS, WORDS, st.integers(0, 4))
def test_edits_are_exact_up_to_the_most_that_matters(one: str, other: str, most: int) -> None:
    exact = edits(one, other)
    bounded = edits(one, other, most)
    assert bounded == exact if exact <= most else bounded > most
