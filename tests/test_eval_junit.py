"""The JUnit report: one case a question, valid XML whatever the texts hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.errors import EvaluationError
from citewise.eval_junit import junit_report
from eval_record_double import (
    ATTACK,
    FAILED_GATE,
    PASSED_GATE,
    QUESTIONS,
    Check,
    Result,
    question,
    record,
)

RECORD = record()


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own output, without entities of its own


ROOT = parsed(junit_report(RECORD, FAILED_GATE))


def case(name: str, root: ET.Element = ROOT) -> ET.Element:
    return next(item for item in root.iter("testcase") if item.get("name") == name)


def test_there_is_a_suite_for_each_kind_and_one_for_the_gate() -> None:
    found = [
        (s.get("name"), s.get("tests"), s.get("failures"), s.get("errors"), s.get("time"))
        for s in ROOT.iter("testsuite")
    ]
    assert found == [
        ("cell", "3", "1", "0", "21.375"),
        ("prose", "2", "1", "1", "14.250"),
        ("unanswerable", "2", "1", "0", "14.250"),
        ("gate", "2", "1", "0", "0.000"),
    ]
    assert ROOT.attrib == {
        "name": "citewise eval",
        "tests": "9",
        "failures": "4",
        "errors": "1",
        "skipped": "0",
        "time": "49.875",
    }
    assert "gate" not in [s.get("name") for s in parsed(junit_report(RECORD)).iter("testsuite")]


def test_a_right_answer_is_a_case_without_failure() -> None:
    item = case("v2-price")
    assert item.attrib == {"classname": "citewise.cell", "name": "v2-price", "time": "7.125"}
    assert list(item) == []
    assert list(case("no-such")) == []


def test_a_wrong_answer_is_a_failure_with_its_problems() -> None:
    failure = case("v3-price").find("failure")
    assert failure is not None and failure.text is not None
    assert failure.get("type") == "answered wrongly"
    assert str(failure.get("message")).startswith("answered wrongly; missing: $0.27; ")
    lines = failure.text.split("\n")
    assert lines[0] == "missing: $0.27"
    assert "asked before: What does V2 cost?" in lines
    assert "said: [answered] It costs $0.14. [1] And [7]. " in failure.text
    assert "⟨U+202E⟩gnp.exe⟨U+202C⟩ ⟨U+001B⟩[31mred" in failure.text
    refused = case("refused").find("failure")
    assert refused is not None and refused.get("message") == "refused wrongly"


def test_an_unscored_question_is_an_error() -> None:
    item = case("broken")
    error = item.find("error")
    assert item.find("failure") is None
    assert error is not None and error.get("type") == "unscored"
    assert str(error.get("message")).startswith("It raised. ")


def test_what_speaks_against_a_right_answer_is_output_and_no_failure() -> None:
    blemish = question("blemish", "cell", "answered_correctly", problems=["ungrounded: 7"])
    item = case("blemish", parsed(junit_report(record(blemish))))
    assert [child.tag for child in item] == ["system-out"]
    assert str(item[0].text).startswith("ungrounded: 7\n")


def test_a_missed_check_is_a_failure_of_the_gate() -> None:
    failure = case("minimum correct").find("failure")
    assert failure is not None and failure.text is not None
    assert str(failure.get("message")).startswith("correct is 0.5, below 0.9")
    assert failure.text.endswith("reached 0.5, limit 0.9, n 4")
    assert list(case("maximum ungrounded_sentences (cell)")) == []


def test_a_gate_that_failed_as_a_whole_is_not_green() -> None:
    whole = Result(False, PASSED_GATE.checks)
    failure = case("verdict", parsed(junit_report(RECORD, whole))).find("failure")
    assert failure is not None
    assert failure.get("message") == "Gate failed as a whole; 1 of 1 checks were met."
    passed = parsed(junit_report(RECORD, PASSED_GATE))
    assert [s.get("failures") for s in passed.iter("testsuite")] == ["1", "1", "1", "0"]


def test_a_question_without_a_time_took_none() -> None:
    data = record()
    data["seconds"]["questions"] = {}
    assert case("v2-price", parsed(junit_report(data))).get("time") == "0.000"


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_gives_valid_xml(text: str) -> None:
    item = question("a", text, "answered_wrongly", text=text + ATTACK, problems=[text, "\ufffe"])
    gate = Result(False, (Check(text, text, text, None, None, 0, False, text),))
    report = junit_report(record(item), gate)
    assert len(parsed(report.encode("utf-8").decode("utf-8"))) == 2
    assert not {"\x00", "\x1b", "\ufffe", "\uffff"} & set(report)


def test_equal_records_give_equal_reports() -> None:
    assert junit_report(record(), FAILED_GATE) == junit_report(record(*QUESTIONS), FAILED_GATE)


def test_another_file_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no run record of format 2"):
        junit_report({})
