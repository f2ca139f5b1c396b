"""Answers recorded by other systems, and those saved by this one."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import CorpusError, EvaluationError
from citewise.eval_answers import RecordedAnswer, RecordedAnswers, cited_sentences, load_answers
from citewise.eval_recorded import RecordedQuote, refuses
from citewise.eval_saved import answer_from_dict
from citewise.evaluation import evaluate
from citewise.grading import Outcome
from citewise.questions import Question
from citewise.types import (
    Answer,
    Citation,
    Document,
    Evidence,
    Label,
    Sentence,
    Status,
    Verdict,
)
from doubles import document
from jsonschemas import conforms

PRICES = """# Prices

| Model | MMLU Score | Cost |
|---|---|---|
| V2 | 78.5 | $0.14 |
| Llama | 87.8 | $2.50 |

V2 was released
in May 2024.
"""
OTHER = "The office opens at nine. V2 was released in May 2024."
ROW = "| V2 | 78.5 | $0.14 |"
SCHEMA = json.loads(
    resources.files("citewise").joinpath("schemas/answers.schema.json").read_text("utf-8")
)


class Shelf:
    """Two documents."""

    def __init__(self) -> None:
        self._held = {d.name: d for d in (document("a.md", PRICES), document("b.md", OTHER))}

    def documents(self) -> list[Document]:
        return list(self._held.values())

    def document(self, name: str) -> Document:
        if name not in self._held:
            raise CorpusError(f"There is no {name!r}.")
        return self._held[name]


def question(**fields: Any) -> Question:
    return Question(
        **{
            "id": "cost",
            "question": "What does V2 cost?",
            "status": Status.ANSWERED,
            "facts": (("$0.14",),),
            "evidence": ((ROW,),),
            **fields,
        }
    )


def recorded(
    answer: RecordedAnswer, judge: Any = None, asked: Question | None = None
) -> tuple[Answer, list[tuple[str, list[str]]]]:
    """The answer as it is graded, and what the judge was asked."""
    seen: list[tuple[str, list[str]]] = []

    def listen(claim: str, texts: Sequence[str]) -> Verdict:
        seen.append((claim, list(texts)))
        return Verdict(Label.SUPPORTED, 1.0, "")

    asked = asked or question()
    answers = RecordedAnswers({asked.id: answer}, Shelf(), [asked], judge or listen)
    return answers.ask(asked.question, asked.history), seen


def write(path: Path, *items: object) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


# --- the file ---

FULL: dict[str, Any] = {
    "id": "cost",
    "answer": "It costs $0.14. [1]",
    "citations": [{"quote": ROW, "document": "a.md", "start": 3, "end": 24}, {"quote": "x"}],
    "contexts": ["one", "two"],
    "refused": False,
}
SAVED = Answer(
    question="What does V2 cost?",
    status=Status.ANSWERED,
    text="It costs $0.14. [1]",
    sentences=(
        Sentence(
            "It costs $0.14.",
            (1,),
            Verdict(
                Label.PARTLY_SUPPORTED,
                0.4,
                "why",
                "two claims",
                (Verdict(Label.SUPPORTED, 1.0, "", "one"), Verdict(Label.CONTRADICTED, 0.0, "")),
            ),
        ),
    ),
    citations=(Citation(1, "a.md", 70, 91, ROW, "Prices", 3),),
    evidence=(
        Evidence(
            "a.md", 70, 91, ROW, 0.03, 1, None, "Prices", None, "row", "V2 — Cost: $0.14", 0.7
        ),
    ),
    draft="It costs $0.14.",
    dropped=(Sentence("It is blue.", (), Verdict(Label.UNSUPPORTED, 0.1, "no")),),
    timings={"draft": 1.5},
    models={"llm": "tiny"},
    notices=("slow",),
    explanation={"p": 0.5, "why": "sure", "asked": True, "nothing": None},
)


def test_an_answer_is_read_field_by_field(tmp_path: Path) -> None:
    assert load_answers(write(tmp_path / "a.jsonl", FULL, {"id": "none", "answer": ""})) == {
        "cost": RecordedAnswer(
            "It costs $0.14. [1]",
            (RecordedQuote(ROW, "a.md", 3, 24), RecordedQuote("x")),
            ("one", "two"),
            refused=False,
        ),
        "none": RecordedAnswer("", refused=True),
    }


def test_a_saved_answer_is_given_back_as_it_was(tmp_path: Path) -> None:
    line = {"id": "cost", "answer": SAVED.to_dict(), "error": ""}
    answers = load_answers(write(tmp_path / "a.jsonl", line))
    assert answers["cost"].saved == SAVED
    given = RecordedAnswers(answers, Shelf(), [question()]).ask("What does V2 cost?")
    assert given == SAVED
    assert given.to_json() == SAVED.to_json()


def test_every_field_of_a_saved_answer_may_be_left_out_that_has_a_default() -> None:
    data = {"question": "q", "status": "not_found", "text": ""}
    assert answer_from_dict(data) == Answer("q", Status.NOT_FOUND, "")


ACCEPTED = {
    "full": FULL,
    "least": {"id": "x", "answer": "V2."},
    "empty": {"id": "x", "answer": ""},
    "empty and refused": {"id": "x", "answer": " ", "refused": True},
    "failed": {"id": "x", "error": "timeout"},
    "failed and null": {"id": "x", "answer": None, "error": "timeout"},
    "no error": {"id": "x", "answer": "V2.", "error": ""},
    "saved": {"id": "x", "answer": SAVED.to_dict(), "error": "was not graded"},
    "place without offsets": {
        "id": "x",
        "answer": "",
        "citations": [{"quote": "q", "document": "d"}],
    },
}


def cited(**fields: Any) -> dict[str, Any]:
    return {"id": "x", "answer": "V2.", "citations": [{"quote": "q", **fields}]}


def saved(**fields: Any) -> dict[str, Any]:
    return {"id": "x", "answer": {**SAVED.to_dict(), **fields}}


REFUSED = {
    "no id": ({"answer": "x"}, "id"),
    "id a number": ({"id": 7, "answer": "x"}, "id"),
    "unknown key": ({"id": "x", "answer": "x", "citation": []}, "citation"),
    "no answer": ({"id": "x"}, "answer"),
    "null without error": ({"id": "x", "answer": None, "error": ""}, "answer"),
    "answer a list": ({"id": "x", "answer": ["x"]}, "answer"),
    "answered with nothing": ({"id": "x", "answer": " ", "refused": False}, "refused"),
    "refused a text": ({"id": "x", "answer": "x", "refused": "no"}, "refused"),
    "error null": ({"id": "x", "answer": "x", "error": None}, "error"),
    "contexts a text": ({"id": "x", "answer": "x", "contexts": "c"}, "contexts"),
    "context empty": ({"id": "x", "answer": "x", "contexts": [""]}, "contexts[0]"),
    "citations a text": ({"id": "x", "answer": "x", "citations": "c"}, "citations"),
    "citation a text": ({"id": "x", "answer": "x", "citations": ["c"]}, "citations[0]"),
    "quote empty": (cited(quote=""), "citations[0].quote"),
    "citation's unknown key": (cited(page=3), "page"),
    "document a number": (cited(document=3), "citations[0].document"),
    "start below 0": (cited(document="d", start=-1, end=3), "citations[0].start"),
    "start true": (cited(document="d", start=True, end=3), "citations[0].start"),
    "end null": (cited(document="d", start=0, end=None), "citations[0].end"),
    "start alone": (cited(document="d", start=0), "citations[0]"),
    "offsets without document": (cited(start=0, end=1), "citations[0]"),
    "saved with contexts": ({**saved(), "contexts": ["c"]}, "contexts"),
    "saved, unknown status": (saved(status="maybe"), "answer"),
    "saved, unknown field": (saved(score=1), "answer"),
    "saved, text null": (saved(text=None), "answer"),
    "saved, bad timing": (saved(timings={"draft": "1"}), "answer"),
    "saved, bad evidence": (saved(evidence=[{"document": "d"}]), "answer"),
    "saved, bad verdict": (
        saved(sentences=[{"text": "x", "citations": [], "verdict": 1}]),
        "answer",
    ),
    "saved, bad number": (
        saved(citations=[{**SAVED.to_dict()["citations"][0], "start": True}]),
        "answer",
    ),
}


@pytest.mark.parametrize("item", ACCEPTED.values(), ids=ACCEPTED)
def test_schema_and_loader_both_accept(tmp_path: Path, item: dict[str, Any]) -> None:
    assert conforms(item, SCHEMA)
    assert list(load_answers(write(tmp_path / "a.jsonl", item))) == [item["id"]]


@pytest.mark.parametrize(("item", "field"), REFUSED.values(), ids=REFUSED)
def test_schema_and_loader_both_refuse(tmp_path: Path, item: dict[str, Any], field: str) -> None:
    assert not conforms(item, SCHEMA)
    path = write(tmp_path / "a.jsonl", {"id": "fine", "answer": ""}, item)
    with pytest.raises(EvaluationError) as caught:
        load_answers(path)
    assert caught.value.problem.startswith(f"{path}, line 2, field {field!r}: ")
    assert caught.value.remedy


def test_the_fault_in_a_saved_answer_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", saved(timings={"draft": "1"}))
    with pytest.raises(EvaluationError, match="timings: '1' is not a number"):
        load_answers(path)


@pytest.mark.parametrize(
    ("cls", "definition"),
    [
        (Answer, "answer"),
        (Sentence, "sentence"),
        (Verdict, "verdict"),
        (Citation, "citation"),
        (Evidence, "evidence"),
    ],
)
def test_schema_and_dataclasses_name_the_same_fields(cls: type, definition: str) -> None:
    part = SCHEMA["$defs"][definition]
    fields = dataclasses.fields(cls)
    assert part["properties"].keys() == {f.name for f in fields}
    assert set(part["required"]) == {
        f.name
        for f in fields
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }


def test_a_repeated_id_and_an_empty_file_are_named(tmp_path: Path) -> None:
    line = {"id": "x", "answer": ""}
    with pytest.raises(EvaluationError, match=r"line 2, field 'id': 'x' .* on line 1\."):
        load_answers(write(tmp_path / "a.jsonl", line, line))
    with pytest.raises(EvaluationError, match="holds no answer"):
        load_answers(write(tmp_path / "b.jsonl"))
    with pytest.raises(EvaluationError, match=r"answers file .* cannot be read"):
        load_answers(tmp_path / "none.jsonl")


def test_the_examples_of_the_docs_are_read(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[1] / "docs" / "question-sets.md").read_text("utf-8")
    example = next(b for b in re.findall(r"```json\n(.*?)```", docs, re.DOTALL) if "contexts" in b)
    path = tmp_path / "a.jsonl"
    path.write_text(example, encoding="utf-8")
    answers = load_answers(path)
    assert [answer.refused for answer in answers.values()] == [False, True, False]
    assert answers["slow-one"].error == "timed out after 60 s"


# --- refusals ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "N/A",
        "Not found.",
        "I don't know.",
        "I don’t know the answer.",
        "I could not find that in the documents.",
        "Sorry, I am unable to answer this question.",
        "The documents do not mention a price.",
        "The provided context doesn't contain this information.",
        "This is not stated in the provided context.",
        "That's not in your documents.",
        "There is no information about GPT-5.",
    ],
)
def test_a_stock_phrase_is_a_refusal(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "It costs $0.14.",
        "V2 does not contain a router.",
        "I don't know about GPT-5, but V2 costs $0.14.",
        "The documents do not mention GPT-5. However, V2 costs $0.14.",
        "The context does not mention a second price. [1]",
        "It costs $0.14. " * 30 + "I don't know more.",
        "No, it is cheaper.",
    ],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not refuses(text)


def test_what_the_system_says_of_itself_outweighs_the_phrase(tmp_path: Path) -> None:
    lines = [
        {"id": "a", "answer": "I don't know.", "refused": False},
        {"id": "b", "answer": "It costs $0.14.", "refused": True},
    ]
    answers = load_answers(write(tmp_path / "a.jsonl", *lines))
    assert [answers[key].refused for key in "ab"] == [False, True]


def test_a_refusal_has_no_sentences() -> None:
    answer, seen = recorded(RecordedAnswer("I don't know.", refused=True))
    assert (answer.status, answer.text, answer.sentences) == (Status.NOT_FOUND, "I don't know.", ())
    assert seen == []


# --- sentences and markers ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs $0.14.", [("It costs $0.14.", ())]),
        ("A is 1 [1]. B is 2 [2, 3].", [("A is 1.", (1,)), ("B is 2.", (2, 3))]),
        ("A is 1. [1] B is 2. [2]", [("A is 1.", (1,)), ("B is 2.", (2,))]),
        ("A is 1.[1] B is 2.[2][1]", [("A is 1.", (1,)), ("B is 2.", (2, 1))]),
        ("According to [2], A is 1. B.", [("According to, A is 1.", (2,)), ("B.", ())]),
        ("[1] A is 1.\n[2] B is 2.", [("A is 1.", (1,)), ("B is 2.", (2,))]),
        ("- A is 1 [1]\n- B is 2 [2]", [("- A is 1", (1,)), ("- B is 2", (2,))]),
        ("Costs:\n1. A is 1 [1]\n2. B.", [("Costs:", ()), ("1. A is 1", (1,)), ("2. B.", ())]),
        ("Title\n\nA is 1. [1]", [("Title", ()), ("A is 1.", (1,))]),
        ("A. [1]\n\n[2]", [("A.", (1, 2))]),
        ("A. [1][1]", [("A.", (1,))]),
        ("---", []),
        ("[1]", []),
    ],
)
def test_markers_belong_to_sentences(
    text: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert list(cited_sentences(text)) == expected


# --- citations ---


def test_a_quote_is_found_in_the_documents() -> None:
    answer, seen = recorded(RecordedAnswer("It costs $0.14. [1]", (RecordedQuote(ROW),)))
    start = PRICES.index(ROW)
    assert answer.citations == (Citation(1, "a.md", start, start + len(ROW), ROW, "Prices"),)
    assert answer.status is Status.ANSWERED
    assert answer.sentences[0].citations == (1,)
    # A row is judged with the names of its columns, as a reader sees it.
    assert seen == [("It costs $0.14.", [f"Prices\n{ROW}\nV2 — MMLU Score: 78.5; Cost: $0.14"])]


def test_a_part_of_a_row_proves_no_more_than_itself() -> None:
    _, seen = recorded(RecordedAnswer("It costs $0.14. [1]", (RecordedQuote("$0.14 |"),)))
    assert seen == [("It costs $0.14.", ["Prices\n$0.14 |"])]


def test_a_quote_is_looked_for_in_its_document_alone() -> None:
    quote = "V2 was released"
    answer, _ = recorded(RecordedAnswer("May. [1]", (RecordedQuote(quote, "b.md"),)))
    assert (answer.citations[0].document, answer.citations[0].start) == ("b.md", 26)
    answer, _ = recorded(RecordedAnswer("May. [1]", (RecordedQuote(ROW, "b.md"),)))
    assert answer.citations == (Citation(1, "b.md", 0, 0, ROW),)


def test_given_offsets_are_taken_at_their_word() -> None:
    quote = RecordedQuote("office", "b.md", 0, 6)
    answer, seen = recorded(RecordedAnswer("It opens. [1]", (quote,)))
    assert answer.citations == (Citation(1, "b.md", 0, 6, "office"),)
    assert seen == [("It opens.", [])]  # "The of" is not what it says, so nothing proves it


@pytest.mark.parametrize(
    "quote",
    [
        RecordedQuote("Nobody wrote this."),
        RecordedQuote("office", "none.md"),
        RecordedQuote("office", "none.md", 0, 6),
        RecordedQuote("office", "b.md", 0, 6),
        RecordedQuote("office", "b.md", 400, 406),
    ],
)
def test_a_quote_that_stands_nowhere_is_an_inexact_citation(quote: RecordedQuote) -> None:
    answers = RecordedAnswers(
        {"cost": RecordedAnswer("It costs $0.14. [1]", (quote,))}, Shelf(), [question()]
    )
    evaluation = evaluate([question()], answers, ["a.md", "b.md"])
    (grade,) = evaluation.grades
    assert grade.outcome is Outcome.ANSWERED_CORRECTLY
    assert len(grade.inexact) == 1
    assert grade.unsupported == ("It costs $0.14.",)
    assert grade.citation_precision == 0


def test_a_marker_without_citation_is_inexact() -> None:
    answers = RecordedAnswers(
        {"cost": RecordedAnswer("It costs $0.14. [2]", (RecordedQuote(ROW),))},
        Shelf(),
        [question()],
    )
    (grade,) = evaluate([question()], answers, ["a.md", "b.md"]).grades
    assert grade.inexact == ("[2] has no citation",)


def test_without_markers_every_sentence_has_all_citations() -> None:
    quotes = (RecordedQuote(ROW), RecordedQuote("The office opens at nine."))
    answer, seen = recorded(RecordedAnswer("It costs $0.14. It opens at nine.", quotes))
    assert [s.citations for s in answer.sentences] == [(1, 2), (1, 2)]
    assert [len(texts) for _, texts in seen] == [2, 2]


# --- contexts ---


def test_contexts_are_the_evidence_and_stand_where_they_are_found() -> None:
    contexts = ("V2 was  released in May 2024.", ROW, "Made up.")
    answer, seen = recorded(RecordedAnswer("It costs $0.14.", (), contexts))
    first, row, lost = answer.evidence
    assert PRICES[first.start : first.end] == first.text == "V2 was released\nin May 2024."
    assert (first.document, first.score) == ("a.md", 1.0)
    assert row.rendered == f"{ROW}\nV2 — MMLU Score: 78.5; Cost: $0.14"
    assert (lost.document, lost.start, lost.end, lost.text) == ("", 0, 0, "Made up.")
    assert answer.citations == ()
    assert seen == [("It costs $0.14.", [first.text, row.rendered, "Made up."])]


def test_without_citations_markers_point_at_contexts() -> None:
    answer, seen = recorded(RecordedAnswer("It costs $0.14. [2]", (), ("Made up.", ROW)))
    (citation,) = answer.citations
    assert (citation.number, citation.document, citation.quote) == (2, "a.md", ROW)
    assert [len(texts) for _, texts in seen] == [1]


def test_with_neither_the_gold_quotes_are_the_proof() -> None:
    _, seen = recorded(RecordedAnswer("It costs $0.14."))
    assert seen == [("It costs $0.14.", [ROW])]


def test_the_rank_of_the_gold_context_is_measured() -> None:
    answers = RecordedAnswers(
        {"cost": RecordedAnswer("It costs $0.14.", (), ("The office opens", ROW))},
        Shelf(),
        [question()],
    )
    (grade,) = evaluate([question()], answers, ["a.md", "b.md"]).grades
    assert grade.gold_ranks == (2,)
    assert grade.citation_recall == 0


# --- verdicts ---


def test_the_built_in_check_judges_unless_another_is_given() -> None:
    quotes = (RecordedQuote(ROW),)

    def verdict(text: str) -> Label:
        answers = {"cost": RecordedAnswer(text, quotes)}
        given = RecordedAnswers(answers, Shelf(), [question()]).ask("What does V2 cost?")
        return given.sentences[0].verdict.label

    assert verdict("V2 has a cost of $0.14. [1]") is Label.SUPPORTED
    assert verdict("V2 has a cost of $2.50. [1]") is not Label.SUPPORTED


# --- which answer belongs to which question ---


def test_questions_are_told_apart_by_their_history() -> None:
    asked = [question(id="a", history=("One?",)), question(id="b", history=("Two?",))]
    recorded_answers = {"a": RecordedAnswer("It is 1."), "b": RecordedAnswer("It is 2.")}
    answers = RecordedAnswers(recorded_answers, Shelf(), asked)
    assert answers.ask(asked[1].question, ["Two?"]).text == "It is 2."
    with pytest.raises(EvaluationError, match="No question of the set asks"):
        answers.ask(asked[1].question)


def test_questions_that_cannot_be_told_apart_are_refused() -> None:
    asked = [question(id="a"), question(id="b")]
    with pytest.raises(EvaluationError, match="'a' and 'b' ask the same"):
        RecordedAnswers({}, Shelf(), asked)


def test_an_answer_to_an_unknown_question_is_named() -> None:
    unknown = {f"u{n}": RecordedAnswer("x") for n in range(12)}
    with pytest.raises(EvaluationError, match=r"u0, u1, .*u9 and 2 more\."):
        RecordedAnswers({"cost": RecordedAnswer("x"), **unknown}, Shelf(), [question()])


def test_a_missing_or_failed_answer_leaves_its_question_unscored(tmp_path: Path) -> None:
    asked = [question(), question(id="late", question="Late?"), question(id="no", question="No?")]
    lines = [{"id": "cost", "answer": "It costs $0.14."}, {"id": "late", "error": "timeout"}]
    recorded_answers = load_answers(write(tmp_path / "a.jsonl", *lines))
    answers = RecordedAnswers(recorded_answers, Shelf(), asked)
    evaluation = evaluate(asked, answers, ["a.md", "b.md"])
    assert [r.grade is None for r in evaluation.results] == [False, True, True]
    assert "gave no answer: timeout" in evaluation.results[1].error
    assert "No answer to 'no' is recorded" in evaluation.results[2].error


def test_the_question_set_may_be_given_as_its_file(tmp_path: Path) -> None:
    item = {
        "id": "cost",
        "question": "What does V2 cost?",
        "status": "answered",
        "facts": [["$0.14"]],
        "evidence": [[ROW]],
    }
    path = write(tmp_path / "set.jsonl", item)
    answers = RecordedAnswers({"cost": RecordedAnswer("It costs $0.14.")}, Shelf(), path)
    assert answers.ask("What does V2 cost?").text == "It costs $0.14."
    assert answers.document("b.md").text == OTHER
