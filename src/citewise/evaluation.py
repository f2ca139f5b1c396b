"""Runs a question set through an assistant and aggregates the grades."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from citewise.errors import CitewiseError, EvaluationError
from citewise.eval_metrics import COUNTS, METRICS, Measure, measure
from citewise.eval_support import Check, support_of
from citewise.grading import Grade, grade
from citewise.questions import GoldSpan, Question, resolve
from citewise.types import Answer, Document

__all__ = ["Answerer", "Evaluation", "Result", "evaluate", "seconds_per_stage"]


class Answerer(Protocol):
    """What is graded: the two methods of an ``Assistant`` that the evals use."""

    def ask(self, question: str, history: Sequence[str] = ...) -> Answer:
        """Answer one question, given the earlier questions of the conversation."""
        ...

    def document(self, name: str) -> Document:
        """The stored document of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """One question with its answer and grade; ``error`` says why there is none (unscored)."""

    question: Question
    answer: Answer | None
    grade: Grade | None
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All results, in the order of the question set."""

    results: tuple[Result, ...]

    @property
    def grades(self) -> tuple[Grade, ...]:
        """The grades of the questions that could be scored."""
        return tuple(result.grade for result in self.results if result.grade)

    @property
    def unscored(self) -> tuple[Result, ...]:
        """The results that have an error instead of a grade."""
        return tuple(result for result in self.results if not result.grade)

    def by_kind(self) -> dict[str, Evaluation]:
        """One evaluation per kind of question, in order of first appearance."""
        kinds: dict[str, list[Result]] = {}
        for result in self.results:
            kinds.setdefault(result.question.kind, []).append(result)
        return {kind: Evaluation(tuple(results)) for kind, results in kinds.items()}

    def measures(self) -> dict[str, Measure]:
        """Every metric of ``METRICS`` over the scored answers it applies to."""
        return {
            name: measure(value for g in self.grades if (value := metric(g)) is not None)
            for name, metric in METRICS.items()
        }

    def counts(self) -> dict[str, int]:
        """Totals of what must not occur, and of what they are counted among."""
        totals = {name: sum(count(g) for g in self.grades) for name, count in COUNTS.items()}
        return {
            "questions": len(self.results),
            "unscored": len(self.unscored),
            "with_notices": sum(bool(r.answer and r.answer.notices) for r in self.results),
            **totals,
        }


def evaluate(
    questions: Iterable[Question],
    assistant: Answerer,
    names: Sequence[str] = (),
    on_result: Callable[[Result], None] | None = None,
    *,
    check: Check | None = None,
    jobs: int = 1,
) -> Evaluation:
    """Ask every question, in order, and grade the answers.

    Args:
        questions: the set; a question that names no document is resolved against all of ``names``.
        assistant: what answers.
        names: the documents of the corpus.
        on_result: called after each question, for progress and for saving answers early.
        check: judges faithfulness and citations; without it they are left out.
        jobs: how many questions are asked at a time.

    Raises:
        EvaluationError: the set is empty.
    """
    library = _Library(assistant)
    results = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:

        def run(question: Question) -> Result:
            return _run(question, assistant, library, names, check)

        try:
            for result in map(run, questions) if jobs == 1 else pool.map(run, questions):
                results.append(result)
                if on_result:
                    on_result(result)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if not results:
        raise EvaluationError(
            "No question was asked: nothing matched.", "Check the file, --only and --id."
        )
    return Evaluation(tuple(results))


def seconds_per_stage(evaluation: Evaluation) -> dict[str, tuple[float, float, int]]:
    """Median, 95th percentile and number of answers per stage of ``Answer.timings``.

    ``wall`` is the time from question to answer as seen from outside.
    """
    stages: dict[str, list[float]] = {}
    for result in evaluation.results:
        if result.answer:
            for stage, seconds in {**result.answer.timings, "wall": result.seconds}.items():
                stages.setdefault(stage, []).append(seconds)
    return {
        stage: (float(np.median(times)), float(np.percentile(times, 95)), len(times))
        for stage, times in stages.items()
    }


class _Library:
    """The texts of the stored documents, read once each."""

    def __init__(self, assistant: Answerer) -> None:
        self._assistant = assistant
        self._texts: dict[str, str] = {}

    def texts(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self._text(name) for name in names}

    def cited(self, answer: Answer) -> dict[str, str]:
        """Without the documents that don't exist: the grade calls their citations inexact."""
        names = dict.fromkeys(citation.document for citation in answer.citations)
        return {name: text for name in names if (text := self._text_if_any(name)) is not None}

    def _text_if_any(self, name: str) -> str | None:
        try:
            return self._text(name)
        except CitewiseError:
            return None

    def _text(self, name: str) -> str:
        if name not in self._texts:
            self._texts[name] = self._assistant.document(name).text
        return self._texts[name]


def _run(
    question: Question,
    assistant: Answerer,
    library: _Library,
    names: Sequence[str],
    check: Check | None,
) -> Result:
    answer = None
    seconds = 0.0
    try:
        gold = _gold(question, library, names)
        started = time.perf_counter()
        answer = assistant.ask(question.question, history=question.history)
        seconds = time.perf_counter() - started
        graded = grade(question, answer, gold, library.cited(answer))
        if check is not None:
            graded = _judged(graded, answer, check)
    except Exception as error:  # a fault of any kind leaves this question unscored, no other
        return Result(question, answer, None, f"{type(error).__name__}: {error}", seconds)
    return Result(question, answer, graded, seconds=seconds)


def _judged(graded: Grade, answer: Answer, check: Check) -> Grade:
    support = support_of(answer, check)
    return replace(
        graded,
        faithfulness=support.faithfulness,
        alce_recall=support.recall,
        alce_precision=support.precision,
    )


def _gold(
    question: Question, library: _Library, names: Sequence[str]
) -> Sequence[Sequence[GoldSpan]]:
    if not question.evidence:
        return ()
    return resolve(question, library.texts([question.document] if question.document else names))
