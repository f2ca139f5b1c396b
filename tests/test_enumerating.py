"""A sentence that lists several things rests on the items of one list."""

from __future__ import annotations

import pytest

from citewise.support import attribute
from citewise.types import Evidence, Label

ITEMS = [
    "1. Frost: seedlings left outside in April die within one night.",
    "2. Slugs: a wet June brings more of them than any trap can take.",
    "3. Late pruning: cuts made after 10 May bleed and let rot in.",
    "4. Salt wind: hedges on the Tern side lose their leaves first.",
]
QUESTION = "Which things should a gardener beware of?"


def spans(texts: list[str], heading: str = "What to beware of", gap: int = 0) -> list[Evidence]:
    found, at = [], 100
    for text in texts:
        found.append(
            Evidence(
                "garden.md", at, at + len(text), text, 1.0, None, None, heading, None, "item", text
            )
        )
        at += len(text) + 1 + gap
    return found


def test_each_thing_is_found_in_an_item_of_its_own() -> None:
    sentence = "A gardener should beware of frost, slugs, late pruning, and salt wind."
    found = attribute(sentence, spans(ITEMS), given=QUESTION)
    assert found.verdict.label is Label.SUPPORTED
    assert found.verdict.reason == "the source lists each of these"
    assert sorted(item.text[0] for item in found.evidence) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "sentence",
    [
        "A gardener should beware of frost, slugs, late pruning, and mildew.",
        "A gardener should beware of frost, slugs, and pruning after 12 May.",
        "A gardener should beware of frost, slugs, and the salt wind of Harwick.",
        "The mayor of the island forbids frost, slugs, late pruning, and salt wind.",
    ],
    ids=["a thing of its own", "another number", "another name", "another statement"],
)
def test_one_thing_that_no_item_holds_is_enough_to_hold_it_back(sentence: str) -> None:
    assert attribute(sentence, spans(ITEMS), given=QUESTION).verdict.label is not Label.SUPPORTED


def test_items_of_two_lists_are_not_put_together() -> None:
    sentence = "A gardener should beware of frost, slugs, late pruning, and salt wind."
    two = spans(ITEMS[:2]) + spans(ITEMS[2:], heading="What helps")
    assert attribute(sentence, two, given=QUESTION).verdict.label is not Label.SUPPORTED
    far = spans(ITEMS, gap=4000)
    assert attribute(sentence, far, given=QUESTION).verdict.label is not Label.SUPPORTED
