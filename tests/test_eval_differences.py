"""What all reports read from a record: differences from a baseline, and the order of reading."""

from __future__ import annotations

import copy

from citewise.eval_differences import difference, differences, not_asked, to_read
from citewise.eval_reading import percent, problems_of
from eval_record_double import QUESTIONS, baseline, better_baseline, question, record

RECORD = record()
BEFORE = better_baseline(RECORD)


def test_what_differs_from_the_baseline_is_named() -> None:
    assert differences(QUESTIONS[2], BEFORE) == [
        "outcome: answered correctly before, now answered wrongly",
        "right in all: 100.0 % before, now 0.0 %",
        "citation precision: 50.0 % before, now 100.0 %",
        "citations: 3 before, now 1",
    ]
    assert differences(QUESTIONS[0], BEFORE) == []
    assert differences(QUESTIONS[6], BEFORE) == ["not asked in the baseline"]
    assert differences(QUESTIONS[2], None) == []


def test_a_rounded_baseline_is_no_difference_but_a_missing_value_is() -> None:
    item = question("third", "cell", "answered_correctly")
    item["scores"]["mrr"] = 1 / 3
    before = baseline(record(copy.deepcopy(item)))
    before["questions"]["third"]["scores"]["mrr"] = 0.333
    assert differences(item, before) == []
    del before["questions"]["third"]["scores"]["mrr"]
    assert differences(item, before) == ["mean reciprocal rank: – before, now 33.3 %"]


def test_a_count_that_was_left_out_was_zero() -> None:
    item = question("sentences", "cell", "answered_correctly")
    before = baseline(record(copy.deepcopy(item)))
    item["counts"]["ungrounded_sentences"] = 2
    assert differences(item, before) == ["ungrounded sentences: 0 before, now 2"]


def test_a_measure_that_came_later_is_no_difference() -> None:
    item = question("later", "cell", "answered_correctly")
    before = baseline(record(copy.deepcopy(item)))
    item["scores"]["new"] = 0.5
    assert differences(item, before) == []


def test_new_failures_are_read_first() -> None:
    names = [item["id"] for item in to_read(RECORD, BEFORE)]
    assert names == ["v3-price", "broken", "refused", "invented"]
    blemished = question("blemish", "cell", "answered_correctly")
    blemished["counts"]["ungrounded_sentences"] = 1
    assert to_read(record(blemished)) == [blemished]


def test_better_and_worse_follow_the_measure() -> None:
    assert difference("correct", 0.8, 0.75) == ("better", "+5.0 points, better")
    assert difference("refused_wrongly", 0.8, 0.75) == ("worse", "+5.0 points, worse")
    assert difference("ungrounded_sentences", 1, 3) == ("better", "-2, better")
    assert difference("correct", 0.75, 0.7499) == ("same", "unchanged")
    assert difference("correct", None, 0.7) == difference("correct", 0.7, None) == ("", "")
    assert percent(None) == "–"


def test_questions_that_only_the_baseline_has_are_named() -> None:
    assert not_asked(RECORD, BEFORE) == ["gone"]
    assert not_asked(RECORD, None) == []


def test_an_error_is_told_once() -> None:
    item = question("e", "cell", "unscored", error="It broke.", problems=["error:    It broke."])
    assert problems_of(item) == ["error: It broke."]
    assert problems_of({**item, "problems": ["missing: x"]}) == ["It broke.", "missing: x"]
