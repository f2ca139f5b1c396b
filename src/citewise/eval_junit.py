"""A run record as JUnit XML, which every CI system shows question by question."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from citewise.eval_reading import (
    OUTCOMES,
    Gate,
    GateCheck,
    Record,
    amount,
    demand_record,
    problems_of,
    reveal,
    verdict,
)

__all__ = ["junit_report"]

# XML 1.0, section 2.2: what is no Char cannot stand in a document, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_report(record: Record, gate: Gate | None = None) -> str:
    """One suite per kind of question, one case per question, and a suite for the gate's checks.

    A question that is not right is a failure, an unscored one an error; what speaks against an
    answer that is right stands in ``system-out``. A gate that failed always has a failure.

    Args:
        record: as ``citewise.eval_record.run_record`` builds it.
        gate: the decision about the run, if one was asked for.

    Raises:
        EvaluationError: ``record`` is not a run record of this format.
    """
    demand_record(record)
    root = ET.Element("testsuites", name="citewise eval")
    for kind in dict.fromkeys(question["kind"] for question in record["questions"]):
        suite = ET.SubElement(root, "testsuite", name=_valid(kind))
        for question in record["questions"]:
            if question["kind"] == kind:
                _add_question(suite, question, record["seconds"]["questions"])
        _count(suite)
    if gate is not None:
        _add_gate(root, gate)
    _count(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_question(suite: ET.Element, question: Record, seconds: Record) -> None:
    case = _add_case(suite, question["kind"], question["id"], seconds.get(question["id"], 0.0))
    words = OUTCOMES.get(question["outcome"], ("", question["outcome"]))[1]
    text = "\n".join(_about(question))
    if question["outcome"] == "unscored":
        _add_note(case, "error", question["error"] or words, words, text)
    elif not question["right"]:
        _add_note(case, "failure", "; ".join([words, *problems_of(question)]), words, text)
    elif problems_of(question):
        ET.SubElement(case, "system-out").text = _valid(text)


def _about(question: Record) -> Iterator[str]:
    yield from problems_of(question)
    yield from (f"asked before: {earlier}" for earlier in question["history"])
    yield f"question: {question['question']}"
    facts = "; ".join(" | ".join(group) for group in question["facts"])
    yield f"expected: {facts or question['expected']}"
    yield f"said: [{question['status'] or 'nothing'}] {question['text']}"
    yield from (
        f"cited: [{c['number']}] {c['document']} {c['start']}:{c['end']} {c['quote']}"
        for c in question["citations"]
    )


def _add_gate(root: ET.Element, gate: Gate) -> None:
    suite = ET.SubElement(root, "testsuite", name="gate")
    for check in gate.checks:
        of = f" ({check.kind})" if check.kind else ""
        case = _add_case(suite, "gate", f"{check.demand} {check.name}{of}", 0.0)
        if not check.passed:
            _add_note(case, "failure", check.message, "missed", _reached(check))
    if not gate.passed and all(check.passed for check in gate.checks):
        # Else a run that was refused as a whole would be shown in green.
        words = verdict(gate)[1]
        _add_note(_add_case(suite, "gate", "verdict", 0.0), "failure", words, "missed", words)
    _count(suite)


def _reached(check: GateCheck) -> str:
    numbers = f"reached {amount(check.reached)}, limit {amount(check.limit)}, n {amount(check.n)}"
    return f"{check.message}\n{numbers}"


def _add_case(suite: ET.Element, kind: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(
        suite,
        "testcase",
        classname=_valid(f"citewise.{kind}"),
        name=_valid(name),
        time=f"{seconds:.3f}",
    )


def _add_note(case: ET.Element, kind: str, message: str, name: str, text: str) -> None:
    note = ET.SubElement(case, kind, message=_valid(message), type=_valid(name))
    note.text = _valid(text)


def _count(suite: ET.Element) -> None:
    cases = list(suite.iter("testcase"))
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    suite.set("skipped", "0")
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _valid(text: str) -> str:
    """The text with control characters spelled out, and without what XML forbids."""
    return _FORBIDDEN.sub("", reveal(text))
