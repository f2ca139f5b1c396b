"""The order of what was found: values, and what may never change by it."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from citewise.ordering import _WEIGHTS, DEPTH, FEATURES, Found, features, reordered
from citewise.tokens import lexical_terms
from citewise.types import Evidence

QUESTION = "How much did the bridge in Lyon cost?"
TERMS = ["bridg", "lyon", "cost"]


def found(
    text: str, place: int, *, cosine: float = 0.4, words: int | None = 1, around: str = ""
) -> Found:
    evidence = Evidence(
        "a.txt", place, place + len(text), text, 1 / place, place, words, "", rendered=text,
        cosine=cosine,
    )  # fmt: skip
    terms = tuple(lexical_terms(text))
    whole = frozenset(terms) | frozenset(lexical_terms(around))
    return Found(evidence, 1.0 if words else 0.0, 1.0, terms, whole, whole, cosine)


def same_rarity(_: str) -> float:
    return 1.0


def test_the_span_that_holds_all_the_question_asks_for_comes_first() -> None:
    first = found("The town hall has a clock.", 1)
    second = found("The bridge in Lyon cost two million francs.", 2)
    ordered = reordered(QUESTION, TERMS, [first, second], same_rarity)
    assert [item.start for item in ordered] == [2, 1]
    assert ordered[0].score > 0.5 > ordered[1].score


def test_words_of_the_question_may_stand_in_the_neighbour() -> None:
    alone = found("It cost two million francs.", 1)
    beside = found("It cost two million francs.", 2, around="The bridge in Lyon is old.")
    values = features(QUESTION, TERMS, [alone, beside], same_rarity)
    held = values[:, FEATURES.index("held")]
    near = values[:, FEATURES.index("held_with_neighbours")]
    assert held.tolist() == [1 / 3, 1 / 3]
    assert near.tolist() == [1 / 3, 1.0]
    assert [e.start for e in reordered(QUESTION, TERMS, [alone, beside], same_rarity)] == [2, 1]


def test_a_rare_term_weighs_more_than_a_common_one() -> None:
    rare = {"lyon": 8.0, "bridg": 1.0, "cost": 1.0}
    spans = [found("Lyon is old.", 1), found("A bridge has a cost.", 2)]
    values = features(QUESTION, TERMS, spans, rare.__getitem__)
    assert values[:, FEATURES.index("held")].tolist() == [0.8, 0.2]


def test_pairs_of_words_count_in_their_order() -> None:
    spans = [found("the bridge in Lyon", 1), found("in Lyon the bridge", 2)]
    values = features(QUESTION, TERMS, spans, same_rarity)
    pairs = len(lexical_terms(QUESTION)) - 1
    assert values[:, FEATURES.index("pairs")].tolist() == [3 / pairs, 2 / pairs]


def test_nothing_found_gives_nothing() -> None:
    assert reordered(QUESTION, TERMS, [], same_rarity) == []


def test_what_lies_deeper_stays_behind_in_its_order() -> None:
    spans = [found(f"Bridge number {place}.", place) for place in range(1, DEPTH + 4)]
    ordered = reordered(QUESTION, TERMS, spans, same_rarity)
    assert [item.start for item in ordered[DEPTH:]] == [DEPTH + 1, DEPTH + 2, DEPTH + 3]
    scores = [item.score for item in ordered]
    assert scores == sorted(scores, reverse=True)


def test_every_feature_has_a_weight_and_no_weight_is_left_over() -> None:
    assert set(_WEIGHTS) == {"bias", *FEATURES}
    assert all(math.isfinite(value) for value in _WEIGHTS.values())


@given(
    st.lists(
        st.tuples(st.text(max_size=30), st.floats(-1, 1), st.one_of(st.none(), st.integers(1, 90))),
        max_size=DEPTH + 5,
    ),
    st.text(max_size=30),
)
def test_the_same_spans_come_out_once_each_with_falling_scores(
    drawn: list[tuple[str, float, int | None]], question: str
) -> None:
    spans = [
        found(text, place, cosine=cosine, words=words)
        for place, (text, cosine, words) in enumerate(drawn, 1)
    ]
    ordered = reordered(question, question, spans, same_rarity)
    assert sorted(item.start for item in ordered) == list(range(1, len(drawn) + 1))
    scores = [item.score for item in ordered]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    if spans:
        assert np.isfinite(features(question, question, spans, same_rarity)).all()
