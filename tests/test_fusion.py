"""Two lists made one: shares of the best score, and a document's best for its other passages."""

import pytest

from citewise.fusion import DOCUMENT_WEIGHT, fused
from citewise.lexical import Hit


def hits(**scores):
    return [Hit(int(name[1:]), score) for name, score in scores.items()]


def test_both_lists_count_alike_whatever_their_scale():
    dense = hits(p1=0.8, p2=0.4)
    lexical = hits(p2=20.0, p1=10.0)
    found = fused(dense, lexical, {1: "a", 2: "b"}, depth=50)
    assert found == {1: pytest.approx(0.75), 2: pytest.approx(0.75)}
    assert list(found) == [1, 2]


def test_how_far_the_second_is_behind_decides_where_ranks_would_tie():
    dense = hits(p1=0.8, p2=0.2)
    lexical = hits(p2=20.0, p1=18.0)
    assert list(fused(dense, lexical, {1: "a", 2: "b"}, depth=50)) == [1, 2]


def test_what_a_short_list_lacks_is_worth_nothing_there():
    found = fused(hits(p1=0.8), hits(p2=20.0, p3=10.0), {1: "a", 2: "b", 3: "c"}, depth=50)
    assert found == pytest.approx({1: 0.5, 2: 0.5, 3: 0.25})


def test_what_a_full_list_lacks_counts_as_its_last():
    found = fused(hits(p1=0.8, p2=0.6), hits(p3=20.0), {1: "a", 2: "b", 3: "c"}, depth=2)
    assert found == pytest.approx({3: (1 + 0.75) / 2, 1: 0.5, 2: 0.375})


def test_the_best_passage_of_a_document_speaks_for_its_others():
    lexical = hits(p1=20.0, p2=10.0, p3=9.0)
    found = fused([], lexical, {1: "a", 2: "b", 3: "a"}, depth=50)
    assert list(found) == [1, 3, 2]
    assert found[3] == pytest.approx((0.225 + DOCUMENT_WEIGHT * 0.5) / (1 + DOCUMENT_WEIGHT))


def test_a_passage_that_went_meanwhile_is_left_out():
    assert list(fused(hits(p1=0.8, p2=0.7), [], {2: "a"}, depth=50)) == [2]


def test_nothing_in_common_with_the_question_gives_scores_of_nothing():
    assert fused(hits(p1=0.0, p2=-0.4), [], {1: "a", 2: "b"}, depth=50) == {1: 0.0, 2: 0.0}


def test_nothing_found():
    assert fused([], [], {}, depth=50) == {}
