"""Which spans of other documents say otherwise than an answer, and which only something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from citewise import Answer, Assistant
from citewise.disagreeing import contrary_to
from citewise.support import Attribution
from citewise.types import Evidence, Label, SpanKind, Verdict
from doubles import HashEmbedder
from scripted import Scripted


def span(document: str, text: str, kind: SpanKind = "sentence", heading: str = "") -> Evidence:
    return Evidence(document, 0, len(text), text, 1.0, 1, 1, heading, None, kind, text)


def contrary(question: str, answer: str, other: str, **places: str) -> list[str]:
    said = span(places.get("here", "a.txt"), answer)
    kept = Attribution(Verdict(Label.SUPPORTED, 1.0, "", answer), (said,))
    there = span(places.get("there", "b.txt"), other)
    return [e.text for e in contrary_to([kept], [said, there], question, lambda _: 1.0)]


KELP = "How much kelp does the Tidewater plant process a year?"
TONNES = "The Tidewater plant processes 48,000 tonnes of kelp a year."


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        (KELP, TONNES, "The Tidewater plant processes 99,000 tonnes of kelp a year."),
        (KELP, TONNES, "As is well known, the Tidewater plant processes 12 tonnes of kelp a year."),
        (KELP, TONNES, "The Tidewater plant does not process 48,000 tonnes of kelp a year."),
        (
            "When did the Tidewater plant open?",
            "The Tidewater plant opened in Halden in 2014.",
            "The Tidewater plant opened in 1901.",
        ),
        (
            "Who directs the Tidewater plant?",
            "Marit Solheim has directed the Tidewater plant since 2019.",
            "Today the engineer Zacharias Webb directs the Tidewater plant.",
        ),
        (
            "What did the repair of the Brenna bridge cost?",
            "The repair of the Brenna bridge cost 23 million kroner.",
            "By order of the court, the repair of the Brenna bridge cost 999 million kroner.",
        ),
        (
            "How long is the Brenna bridge?",
            "The Brenna bridge is 412 metres long and was finished in 1968.",
            "The Brenna bridge is 777 metres long.",
        ),
        (
            "How long is the Brenna bridge?",
            "The Brenna bridge is 777 metres long.",
            "The Brenna bridge is 412 metres long and was finished in 1968.",
        ),
        (
            "What share of the kelp becomes food?",
            "A share of 10% of the kelp becomes food.",
            "The share of kelp that becomes food is 35%.",
        ),
    ],
)
def test_another_value_of_the_same_attribute_is_contrary(
    question: str, answer: str, other: str
) -> None:
    assert contrary(question, answer, other) == [other]


@pytest.mark.parametrize(
    ("question", "answer", "other"),
    [
        (KELP, TONNES, "The Tidewater plant processes 48,000 tonnes of kelp a year."),
        (KELP, TONNES, "In 2016 the Tidewater plant processed 31,000 tonnes of kelp a year."),
        (KELP, TONNES, "The Tidewater plant could process 90,000 tonnes of kelp a year."),
        (KELP, TONNES, "The Ebb plant processes 12,000 tonnes of kelp a year."),
        (KELP, TONNES, "The Tidewater plant processes 900 tonnes of kelp a week."),
        (KELP, TONNES, "The Tidewater plant processes kelp with 120 people a year."),
        (KELP, TONNES, "The Tidewater plant plans to process 60,000 tonnes of kelp a year."),
        (
            "When did the Tidewater plant open?",
            "The Tidewater plant opened in 2014.",
            "The Tidewater plant opened a second hall in 2020.",
        ),
        (
            "Who directs the Tidewater plant?",
            "Marit Solheim directs the Tidewater plant.",
            "Before that, Olav Berg directed the Tidewater plant.",
        ),
        (
            "Who invested in the Tidewater plant?",
            "The fund Nordic Sea invested in the Tidewater plant.",
            "The bank Halden Spar invested in the Tidewater plant.",
        ),
        (
            "What did the repair of the Brenna bridge cost?",
            "The repair of the Brenna bridge cost 23 million kroner.",
            "The repair of the Brenna bridge cost $2 million.",
        ),
    ],
)
def test_another_attribute_is_not(question: str, answer: str, other: str) -> None:
    assert contrary(question, answer, other) == []


def test_a_span_may_be_named_by_one_before_it() -> None:
    said = span("a.txt", "The repair of the Brenna bridge cost 999 million kroner.")
    kept = Attribution(Verdict(Label.SUPPORTED, 1.0, "", said.text), (said,))
    other = span("b.txt", "The repair cost 23 million kroner, and the bridge reopened in 2022.")
    title = span("b.txt", "The Brenna bridge")
    question = "What did the repair of the Brenna bridge cost?"
    assert contrary_to([kept], [other, title], question, lambda _: 1.0) == [other]
    assert contrary_to([kept], [other], question, lambda _: 1.0) == []


def test_reports_of_different_years_do_not_disagree() -> None:
    other = "The Tidewater plant processes 51,000 tonnes of kelp a year."
    assert contrary(KELP, TONNES, other, here="report_2023.txt", there="report_2024.txt") == []
    assert contrary(KELP, TONNES, other, here="report_2023.txt", there="r/2023.txt") == [other]


def test_words_of_the_cited_document_are_left_alone() -> None:
    other = "The Tidewater plant processes 99,000 tonnes of kelp a year."
    assert contrary(KELP, TONNES, other, there="a.txt") == []


def test_one_span_of_a_document_is_enough_and_two_documents() -> None:
    kept = [Attribution(Verdict(Label.SUPPORTED, 1.0, "", TONNES), (span("a.txt", TONNES),))]
    others = [
        span(document, f"The Tidewater plant processes {number} tonnes of kelp a year.")
        for number, document in enumerate(("b.txt", "b.txt", "c.txt", "d.txt"), 3)
    ]
    found = contrary_to(kept, others, KELP, lambda _: 1.0)
    assert [e.document for e in found] == ["b.txt", "c.txt"]


def test_what_is_only_flagged_is_not_compared() -> None:
    kept = [Attribution(Verdict(Label.UNSUPPORTED, 0.1, "", TONNES), (span("a.txt", TONNES),))]
    others = [span("b.txt", "The Tidewater plant processes 99,000 tonnes of kelp a year.")]
    assert contrary_to(kept, others, KELP, lambda _: 1.0) == []


OTHER = "The Tidewater plant processes 99,000 tonnes of kelp a year."


def asked(folder: Path, reply: str, question: str, letter: str = OTHER) -> tuple[Answer, bool]:
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "report.txt").write_text(f"{TONNES}\n", encoding="utf-8")
    (corpus / "letter.txt").write_text(f"{letter}\n", encoding="utf-8")
    with Assistant(
        corpus, folder / "index", llm=Scripted(reply), embedder=HashEmbedder(), quiet=True
    ) as assistant:
        answer = assistant.ask(question)
        exact = all(
            assistant.document(c.document).text[c.start : c.end] == c.quote
            for c in answer.citations
        )
    return answer, exact


@pytest.mark.parametrize(
    ("said", "first", "second"),
    [
        (TONNES, "report.txt", "letter.txt"),
        (TONNES.replace("48", "99"), "letter.txt", "report.txt"),
    ],
)
def test_an_answer_says_that_two_documents_disagree_and_cites_both(
    tmp_path: Path, said: str, first: str, second: str
) -> None:
    answer, exact = asked(tmp_path, said, KELP)
    other = TONNES.replace("48", "99") if said == TONNES else TONNES
    assert answer.text == f"{said} [1] But another document says otherwise: “{other}” [2]"
    assert [c.document for c in answer.citations] == [first, second]
    assert [s.verdict.supported for s in answer.sentences] == [True, True]
    assert answer.explanation["documents_disagree"] is True
    assert exact


def test_what_one_document_denies_another_may_state(tmp_path: Path) -> None:
    denial = "Correction: the Tidewater plant does not process 48,000 tonnes of kelp a year."
    answer, exact = asked(tmp_path, TONNES, KELP, denial)
    assert answer.text == f"{TONNES} [1] But another document says otherwise: “{denial}” [2]"
    assert [c.document for c in answer.citations] == ["report.txt", "letter.txt"]
    assert exact


def test_what_contradicts_is_among_the_evidence(tmp_path: Path) -> None:
    answer, _ = asked(tmp_path, TONNES, KELP)
    places = {(e.document, e.start, e.end) for e in answer.evidence}
    assert {(c.document, c.start, c.end) for c in answer.citations} <= places
