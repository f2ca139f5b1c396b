"""A sentence's parts, each of which can be checked by itself."""

from __future__ import annotations

import pytest

from citewise.clauses import clauses_of
from citewise.tokens import content_terms


@pytest.mark.parametrize(
    ("claim", "clauses"),
    [
        (
            "Northwind bakes bread in two mills, and its owner sells bicycles on Sundays.",
            [
                "Northwind bakes bread in two mills",
                "its owner sells bicycles on Sundays.",
            ],
        ),
        (
            "The tall old mill burnt down in 1907, which ended the trade in flour.",
            ["The tall old mill burnt down in 1907", "ended the trade in flour."],
        ),
        ("The mill opened in 1907.", ["The mill opened in 1907."]),
        # Items of a list, dates and appositions say nothing by themselves.
        ("It sells bread, rolls, and cakes.", ["It sells bread rolls cakes."]),
        ("On May 3, 1907, it burnt.", ["On May 3 1907 it burnt."]),
        ("", []),
    ],
)
def test_clauses(claim: str, clauses: list[str]) -> None:
    assert clauses_of(claim) == clauses


def test_no_word_that_carries_meaning_is_lost() -> None:
    claim = (
        "Ada Berg, the baker of Northwind, sold 1,500 bicycles in 2019; her brother, who keeps "
        "bees and goats, bought the empty shop on credit and opened a school for acrobats."
    )
    found = clauses_of(claim)
    assert len(found) > 2
    assert set(content_terms(" ".join(found))) == set(content_terms(claim))
