"""Running a set, the aggregates by hand, the report and the command, on built answers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citewise import (
    Answer,
    Citation,
    CitewiseError,
    CorpusError,
    Document,
    EvaluationError,
    Evidence,
    InputError,
    Label,
    Sentence,
    Status,
    Verdict,
)
from citewise.eval_command import add_parser, grade_questions, missed_thresholds
from citewise.eval_metrics import measure
from citewise.eval_record import disagreements, run_record
from citewise.eval_report import describe, summary
from citewise.evaluation import Evaluation, evaluate, seconds_per_stage
from citewise.questions import Question
from eval_record_double import conforms

TEXT = "Northwind opened 12 shops in 2024. It plans 30 more. Oslo has 40 staff.\n"
SHOPS, PLANS, OSLO = "Northwind opened 12 shops in 2024.", "It plans 30 more.", "Oslo has 40 staff."


class Rehearsed:
    """Answers from a list; an exception in the list is raised."""

    def __init__(self, answers: Mapping[str, Answer | Exception]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        self.asked.append((question, tuple(history)))
        answer = self.answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def document(self, name: str) -> Document:
        if name != "report.txt":
            raise CorpusError(f"No document {name!r}.")
        return Document(name, TEXT, "0" * 64)


def ask_for(identity: str, fact: str, quote: str, kind: str = "prose", **more: object) -> Question:
    fields = {"facts": ((fact,),), "evidence": ((quote,),), "document": "report.txt", **more}
    return Question(
        id=identity, question=f"{identity}?", kind=kind, status=Status.ANSWERED, **fields
    )


def unanswerable(identity: str) -> Question:
    return Question(
        id=identity, question=f"{identity}?", kind="unanswerable", status=Status.NOT_FOUND
    )


def said(
    text: str,
    quotes: Sequence[str] = (),
    *,
    status: Status = Status.ANSWERED,
    found: Sequence[str] = (),
    label: Label = Label.SUPPORTED,
    seconds: float = 1.0,
    notices: tuple[str, ...] = (),
) -> Answer:
    spans = [(TEXT.index(q), TEXT.index(q) + len(q), q) for q in quotes]
    citations = tuple(Citation(i, "report.txt", *span) for i, span in enumerate(spans, 1))
    ranked = tuple(
        Evidence("report.txt", TEXT.index(q), TEXT.index(q) + len(q), q, 1.0, 1, 1) for q in found
    )
    numbers = tuple(citation.number for citation in citations)
    sentences = (Sentence(text, numbers, Verdict(label, 1.0, "as the test says")),)
    return Answer(
        question="",
        status=status,
        text=text + "".join(f" [{n}]" for n in numbers),
        sentences=() if status is Status.NOT_FOUND else sentences,
        citations=citations,
        evidence=ranked,
        timings={"answer": seconds},
        models={"llm": "rehearsed"},
        notices=notices,
    )


REFUSAL = said("Not in your documents.", status=Status.NOT_FOUND)
QUESTIONS = [
    ask_for("right", "12", SHOPS),
    ask_for("quoted", "30", PLANS, kind="cell"),
    ask_for("wrong", "40", OSLO, kind="cell"),
    ask_for("silent", "12", SHOPS),
    unanswerable("owner"),
    unanswerable("profit"),
]
ANSWERS: dict[str, Answer | Exception] = {
    "right?": said("It opened 12.", [SHOPS, PLANS], found=[SHOPS], seconds=1),
    "quoted?": said(PLANS, [PLANS], status=Status.QUOTED, found=[OSLO, PLANS], seconds=2),
    "wrong?": said("Oslo has 41.", [SHOPS], label=Label.UNSUPPORTED, found=[SHOPS], seconds=3),
    "silent?": REFUSAL,
    "owner?": REFUSAL,
    "profit?": said("It made 5 dollars.", [SHOPS], notices=("The model was slow.",), seconds=10),
}


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(QUESTIONS, Rehearsed(ANSWERS))


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("right", 3 / 6, 6),
        ("correct", 2 / 4, 4),
        ("answered_correctly", 1 / 4, 4),
        ("quoted_correctly", 1 / 4, 4),
        ("answered_wrongly", 1 / 4, 4),
        ("refused_wrongly", 1 / 4, 4),
        ("refused_rightly", 1 / 2, 2),
        ("citation_precision", (1 / 2 + 1 + 0) / 3, 3),
        ("citation_recall", 2 / 3, 3),
        ("holds_gold", 2 / 3, 3),
        ("exact", 1.0, 4),
        ("retrieval_recall@1", 1 / 4, 4),
        ("retrieval_recall@3", 2 / 4, 4),
        ("retrieval_recall@8", 2 / 4, 4),
        ("mrr", (1 + 1 / 2 + 0 + 0) / 4, 4),
    ],
)
def test_measures(evaluation: Evaluation, name: str, value: float, n: int) -> None:
    found = evaluation.measures()[name]
    assert (found.value, found.n) == (pytest.approx(value), n)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= value <= found.high


def test_counts(evaluation: Evaluation) -> None:
    assert evaluation.counts() == {
        "questions": 6,
        "unscored": 0,
        "with_notices": 1,
        "citations": 5,
        "inexact_citations": 0,
        "shown_sentences": 4,
        "unsupported_sentences": 1,
        # "41" beside the quote about shops; "5" in the answer about profit
        "ungrounded_sentences": 2,
    }


def test_kinds_are_measured_apart(evaluation: Evaluation) -> None:
    kinds = evaluation.by_kind()
    assert list(kinds) == ["prose", "cell", "unanswerable"]
    assert kinds["cell"].measures()["quoted_correctly"].value == 0.5
    assert kinds["unanswerable"].measures()["correct"].n == 0
    assert kinds["unanswerable"].measures()["correct"].value is None


def test_seconds_per_stage(evaluation: Evaluation) -> None:
    median, p95, n = seconds_per_stage(evaluation)["answer"]
    # 1, 1, 1, 2, 3, 10: the 95th percentile lies three quarters of the way from 3 to 10.
    assert (median, p95, n) == (pytest.approx(1.5), pytest.approx(8.25), 6)


def test_recall_counts_groups() -> None:
    question = ask_for("both", "12", SHOPS, evidence=((SHOPS,), (PLANS, OSLO)))
    answer = said("It opened 12.", [SHOPS], found=[SHOPS, SHOPS, SHOPS, OSLO])
    measures = evaluate([question], Rehearsed({"both?": answer})).measures()
    assert measures["citation_recall"].value == 0.5
    assert measures["retrieval_recall@3"].value == 0.5
    assert measures["retrieval_recall@8"].value == 1.0
    assert measures["mrr"].value == 1.0


def test_the_interval_is_the_bootstraps_and_the_same_each_time() -> None:
    uneven = [1 / divisor for divisor in range(1, 50)]
    assert measure(uneven) == measure(uneven)
    found = measure([1.0] * 80 + [0.0] * 20)
    assert found.value == pytest.approx(0.8)
    # A share of .8 of 100 has a standard error of .04: 1.96 of them either way.
    assert found.low == pytest.approx(0.8 - 1.96 * 0.04, abs=0.015)
    assert found.high == pytest.approx(0.8 + 1.96 * 0.04, abs=0.015)
    nothing = measure([])
    assert (nothing.value, nothing.n, nothing.low, nothing.high) == (None, 0, None, None)


def test_an_exception_leaves_one_question_unscored() -> None:
    answers = {**ANSWERS, "wrong?": RuntimeError("the model fell over")}
    result = evaluate(QUESTIONS, Rehearsed(answers))
    assert [r.question.id for r in result.unscored] == ["wrong"]
    assert result.unscored[0].error == "RuntimeError: the model fell over"
    # Neither zero nor dropped: the denominator shrinks and the count says so.
    assert result.measures()["correct"].value == pytest.approx(2 / 3)
    assert result.counts()["unscored"] == 1
    assert result.counts()["questions"] == 6


def test_a_gold_quote_that_is_not_in_the_document_is_unscored_without_asking() -> None:
    assistant = Rehearsed(ANSWERS)
    result = evaluate([ask_for("right", "12", "Northwind opened 99 shops.")], assistant)
    assert "99" in result.unscored[0].error
    assert assistant.asked == []


def test_history_is_passed_on_and_names_serve_questions_without_a_document() -> None:
    assistant = Rehearsed(ANSWERS)
    question = ask_for("right", "12", SHOPS, history=("What is Northwind?",), document=None)
    result = evaluate([question], assistant, ["report.txt"])
    assert assistant.asked == [("right?", ("What is Northwind?",))]
    assert result.measures()["holds_gold"].value == 1.0


def test_a_citation_of_an_unknown_document_is_inexact() -> None:
    answer = Answer(
        "",
        Status.QUOTED,
        "12 [1]",
        citations=(Citation(1, "gone.txt", 0, 2, "12"),),
    )
    result = evaluate([ask_for("right", "12", SHOPS)], Rehearsed({"right?": answer}))
    assert result.measures()["exact"].value == 0.0
    assert result.counts()["inexact_citations"] == 1


def test_an_empty_set_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="nothing matched"):
        evaluate([], Rehearsed({}))


def test_the_summary_shows_values_intervals_and_totals(evaluation: Evaluation) -> None:
    text = summary(evaluation)
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert rows["correct"][1] == "50.0"
    assert rows["correct"][3] == "4"
    assert rows["cell"][:4] == ["cell", "2", "0", "50.0"]
    assert "6 questions, 0 unscored, 1 answered with a notice" in text
    assert "llm: rehearsed" in text


def test_a_failure_shows_what_was_asked_expected_said_and_cited(evaluation: Evaluation) -> None:
    lines = describe(evaluation.results[2]).splitlines()
    assert lines[0] == "wrong (cell): answered_wrongly"
    found = {line.split(":", 1)[0].strip(): line.split(":", 1)[1].strip() for line in lines[1:]}
    assert found["question"] == "wrong?"
    assert found["expected"] == "40"
    assert found["said"] == "[answered] Oslo has 41. [1]"
    assert found["cited"] == f"[1] report.txt 0:{len(SHOPS)} {SHOPS}"
    assert found["missing"] == "40"
    assert found["unsupported"] == "Oslo has 41."
    assert found["ungrounded"] == "41 in: Oslo has 41."


def test_a_terminal_never_gets_control_characters() -> None:
    answer = said("12 \x1b[2J\u202e and\nmore")
    shown = describe(evaluate([ask_for("q", "12", SHOPS)], Rehearsed({"q?": answer})).results[0])
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert r"12 \x1b[2J\u202e and\nmore" in shown


def recorded(evaluation: Evaluation) -> dict[str, Any]:
    return run_record(
        evaluation,
        questions={"file": "q.jsonl", "sha256": "ab", "questions": 6, "asked": 6},
        judge={"name": "rules", "sha256": "cd", "agreement": {}},
        settings={"top_k": 10},
        texts=lambda name: Rehearsed({}).document(name).text,
        seconds=1.0,
    )


def test_the_run_record_survives_json(evaluation: Evaluation) -> None:
    data = json.loads(json.dumps(recorded(evaluation)))
    assert (data["format"], data["set"]["file"], data["judge"]["name"]) == (2, "q.jsonl", "rules")
    assert data["models"] == {"llm": ["rehearsed"]}
    assert data["overall"]["measures"]["correct"]["value"] == 0.5
    assert data["kinds"]["cell"]["counts"]["questions"] == 2
    wrong = data["questions"][2]
    assert (wrong["id"], wrong["outcome"], wrong["right"]) == ("wrong", "answered_wrongly", False)
    assert wrong["problems"][:2] == ["missing: 40", "unsupported: Oslo has 41."]
    assert wrong["scores"]["correct"] == 0.0
    assert wrong["scores"]["refused_rightly"] is None
    assert wrong["counts"]["ungrounded_sentences"] == 1


def test_the_run_record_is_as_its_schema_says(evaluation: Evaluation) -> None:
    data = json.loads(json.dumps(recorded(evaluation)))
    data["set"]["sha256"] = data["judge"]["sha256"] = "0" * 64
    assert conforms(data)


def test_a_citation_in_the_record_stands_in_its_document(evaluation: Evaluation) -> None:
    citation = recorded(evaluation)["questions"][0]["citations"][0]
    text = Rehearsed({}).document("report.txt").text
    around = citation["before"] + citation["quote"] + citation["after"]
    assert around in text
    assert citation["before"] == text[max(0, citation["start"] - 240) : citation["start"]]


def test_where_verdicts_and_facts_disagree_is_listed() -> None:
    wrong = said("It has 41.")
    answers = {
        "q?": wrong,
        "r?": replace(
            said(""), status=Status.NOT_FOUND, sentences=(), dropped=said("It opened 12.").sentences
        ),
    }
    questions = [ask_for("q", "12", SHOPS), ask_for("r", "12", SHOPS)]
    found = disagreements(evaluate(questions, Rehearsed(answers), ["report.txt"]))
    assert [(item["id"], item["judge"], item["facts"]) for item in found] == [
        ("q", "supported", "wrong"),
        ("r", "rejected", "right"),
    ]
    assert "missing: 12" in found[0]["why"]
    assert "It opened 12." in found[1]["why"]


@pytest.mark.parametrize(
    ("limits", "missed"),
    [
        ({"min_correct": 0.5, "min_refused": 0.5, "max_unsupported": 1, "max_ungrounded": 2}, []),
        ({"min_correct": None, "max_inexact": 0}, []),
        ({"min_correct": 0.6}, ["--min-correct 0.6: reached 0.5000"]),
        ({"min_refused": 0.9}, ["--min-refused 0.9: reached 0.5000"]),
        ({"max_ungrounded": 1}, ["--max-ungrounded 1: found 2"]),
        ({"max_unsupported": 0}, ["--max-unsupported 0: found 1"]),
    ],
)
def test_thresholds(
    evaluation: Evaluation, limits: dict[str, float | None], missed: list[str]
) -> None:
    assert missed_thresholds(evaluation, limits) == missed


def test_a_threshold_without_data_is_missed(evaluation: Evaluation) -> None:
    prose = evaluation.by_kind()["prose"]
    assert missed_thresholds(prose, {"min_refused": 0.0}) == [
        "--min-refused 0: nothing to measure it on"
    ]


@pytest.fixture
def question_file(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    lines = []
    for question in QUESTIONS:
        record: dict[str, object] = {
            "id": question.id,
            "question": question.question,
            "kind": question.kind,
            "status": question.status.value,
        }
        if question.facts:
            record |= {"facts": question.facts, "evidence": question.evidence}
        lines.append(json.dumps(record))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def command(*arguments: str | Path, answers: Mapping[str, Answer | Exception] = ANSWERS) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["eval", *map(str, arguments)])
    return grade_questions(args, Rehearsed(answers), ["report.txt"])


def test_the_command_prints_table_and_failures(
    question_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(question_file) == 0
    shown = capsys.readouterr()
    assert "wrong (cell): answered_wrongly" in shown.out
    assert "silent (prose): refused_wrongly" in shown.out
    assert "profit (unanswerable): not_refused" in shown.out
    assert "right (prose)" not in shown.out
    last = shown.err.strip().splitlines()[-1]
    assert last.startswith("6/6 questions, 3 right, ")
    assert last.endswith("/s, 0:00:00 left")


def test_show_all_and_none(question_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(question_file, "--show", "all")
    assert "right (prose): answered_correctly" in capsys.readouterr().out
    command(question_file, "--show", "none")
    assert "wrong (cell)" not in capsys.readouterr().out


def test_json_on_stdout_is_all_of_stdout(
    question_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(question_file, "--json", "-") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["overall"]["counts"]["questions"] == 6
    assert len(data["set"]["sha256"]) == 64


def test_json_and_answers_are_written_and_runs_are_alike(
    question_file: Path, tmp_path: Path
) -> None:
    runs = []
    for run in ("a", "b"):
        report, answers = tmp_path / f"{run}.json", tmp_path / f"{run}.jsonl"
        command(question_file, "--json", report, "--answers-out", answers)
        data = json.loads(report.read_text(encoding="utf-8"))
        del data["seconds"]
        runs.append(data)
        saved = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
        assert [record["id"] for record in saved] == [question.id for question in QUESTIONS]
        assert saved[0]["answer"]["text"] == "It opened 12. [1] [2]"
        assert saved[0]["answer"]["citations"][0]["quote"] == SHOPS
    assert runs[0] == runs[1]


def test_selection(question_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(question_file, "--only", "cell", "--json", "-")
    assert list(json.loads(capsys.readouterr().out)["kinds"]) == ["cell"]
    command(question_file, "--only", "cell", "--only", "prose", "--limit", "3", "--json", "-")
    ids = [question["id"] for question in json.loads(capsys.readouterr().out)["questions"]]
    assert ids == ["right", "quoted", "wrong"]
    command(question_file, "--id", "owner", "--json", "-")
    assert json.loads(capsys.readouterr().out)["questions"][0]["id"] == "owner"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "table"], "kind 'table'"),
        (["--id", "nobody"], "id 'nobody'"),
        (["--id", "owner", "--only", "cell"], "No question of .* matches"),
    ],
)
def test_a_set_that_matches_nothing_fails_with_2(
    question_file: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        command(question_file, *arguments)
    assert caught.value.exit_code == 2


def test_a_missed_threshold_exits_with_1_and_is_named(
    question_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(question_file, "--min-correct", "0.5", "--min-refused", "0.5") == 0
    assert command(question_file, "--min-correct", "0.9", "--max-ungrounded", "0") == 1
    errors = capsys.readouterr().err
    assert "Threshold missed: --min-correct 0.9: reached 0.5000." in errors
    assert "Threshold missed: --max-ungrounded 0: found 2." in errors


def test_an_unscored_question_exits_with_2(
    question_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {**ANSWERS, "owner?": CitewiseError("The model is gone.", "Start it.")}
    assert command(question_file, "--min-correct", "0.9", answers=answers) == 2
    shown = capsys.readouterr()
    assert "1 of 6 questions could not be scored" in shown.err
    assert "'owner': CitewiseError: The model is gone. Start it." in shown.err
    assert "owner (unanswerable): unscored" in shown.out


@pytest.mark.parametrize("option", ["--json", "--answers-out"])
def test_a_file_that_cannot_be_written_fails_before_the_first_question(
    question_file: Path, tmp_path: Path, option: str
) -> None:
    with pytest.raises(InputError, match=r"Cannot write .*missing.*No such file"):
        command(question_file, option, tmp_path / "missing" / "out", answers={})


@pytest.mark.parametrize(
    "arguments",
    [["--limit", "0"], ["--every", "0"], ["--min-correct", "90"], ["--max-ungrounded", "-1"]],
)
def test_numbers_out_of_range_are_usage_errors(question_file: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command(question_file, *arguments)
    assert caught.value.code == 2


def test_values_are_plain_floats(evaluation: Evaluation) -> None:
    assert not any(isinstance(m.value, np.generic) for m in evaluation.measures().values())
