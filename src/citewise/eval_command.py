"""``citewise eval``: runs a question set, grades the answers, and holds them against a gate.

Exit codes: 0 it ran and passed; 1 quality fell short; 2 a question could not be scored, nothing
matched, or the input is broken; 3 documents, index or model unusable.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from citewise.errors import EvaluationError, InputError
from citewise.eval_options import RATES, TOTALS, add_arguments

if TYPE_CHECKING:
    from citewise.evaluation import Answerer, Evaluation, Result
    from citewise.questions import Question

__all__ = ["add_parser", "grade_questions", "missed_thresholds", "run", "selected"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``eval`` to the command line; ``args.run`` is then ``run``."""
    parser = subparsers.add_parser(
        "eval",
        help="run a question set and grade the answers",
        description="Ask every question of a set and grade the answers, citations and refusals.",
        epilog="Also: `citewise eval init CORPUS` drafts a question set, `citewise eval verifier` "
        "measures the support check against people's labels. "
        "Exit codes: 0 passed; 1 quality fell short; 2 a question could not be scored, nothing "
        "matched, or the input is broken; 3 documents, index or model unusable.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        CitewiseError: the question set, the corpus or an output file cannot be used.
    """
    if args.compare:
        from citewise.eval_settings import compare_settings

        return compare_settings(args)
    from citewise.eval_settings import opened_assistant

    with opened_assistant(args) as assistant:
        # Opening the index first: a fault of the whole corpus is one error, not one per question.
        names = [document.name for document in assistant.documents()]
        if args.answers:
            from citewise.eval_answers import RecordedAnswers, load_answers

            recorded = RecordedAnswers(load_answers(args.answers), assistant, args.questions)
            return grade_questions(args, recorded, names)
        return grade_questions(args, assistant, names)


def grade_questions(args: argparse.Namespace, assistant: Answerer, names: Sequence[str]) -> int:
    """The command with a given assistant: ask, grade, report; returns the exit code.

    Args:
        args: as ``add_parser`` parses them.
        assistant: what answers.
        names: the documents it answers from.

    Raises:
        EvaluationError: the question set cannot be used, or nothing in it matched.
        InputError: an output file cannot be written.
    """
    from citewise.eval_outputs import demand_writable, judged_by_gate, loaded_gate, write_reports

    gate, baseline = loaded_gate(args)
    demand_writable(args)
    evaluation, record = measured(args, assistant, names)
    result = judged_by_gate(record, gate, baseline, args)
    write_reports(args, evaluation, record, baseline, result)
    code = _exit_code(evaluation, args)
    return max(code, int(result is not None and not result.passed))


def measured(
    args: argparse.Namespace, assistant: Answerer, names: Sequence[str]
) -> tuple[Evaluation, dict[str, Any]]:
    """Ask the questions that ``args`` select; the evaluation and its run record."""
    from citewise.checking import check_text
    from citewise.eval_outputs import judge_data, set_data, settings_of
    from citewise.eval_record import run_record
    from citewise.evaluation import evaluate
    from citewise.questions import drafts, load_questions

    loaded = load_questions(args.questions)
    if unread := drafts(loaded):
        print(
            f"{len(unread)} questions are drafts that nobody has read yet, such as "
            f"{unread[0].id!r}: their scores mean little.",
            file=sys.stderr,
        )
    questions = selected(loaded, args)
    advance = _progress(len(questions))
    began = time.perf_counter()
    with _answers_file(args.answers_out) as save:

        def on_result(result: Result) -> None:
            save(result)
            advance(result)

        evaluation = evaluate(
            questions, assistant, names, on_result, check=check_text, jobs=args.jobs
        )
    record = run_record(
        evaluation,
        questions=set_data(args.questions, len(loaded), len(questions)),
        judge=judge_data(),
        settings=settings_of(args),
        texts=lambda name: assistant.document(name).text,
        seconds=time.perf_counter() - began,
    )
    return evaluation, record


def missed_thresholds(evaluation: Evaluation, limits: Mapping[str, float | None]) -> list[str]:
    """One message per threshold that the evaluation misses; without data it is missed too.

    Args:
        evaluation: what was run.
        limits: value by threshold name, such as ``{"min_correct": 0.9}``; None is not asked for.
    """
    measures, counts = evaluation.measures(), evaluation.counts()
    missed = []
    for name, limit in limits.items():
        option = "--" + name.replace("_", "-")
        if limit is None:
            continue
        if name in RATES:
            value = measures[RATES[name][0]].value
            if value is None:
                missed.append(f"{option} {limit:g}: nothing to measure it on")
            elif value < limit:
                missed.append(f"{option} {limit:g}: reached {value:.4f}")
        elif counts[TOTALS[name][0]] > limit:
            missed.append(f"{option} {limit:g}: found {counts[TOTALS[name][0]]}")
    return missed


def selected(questions: Sequence[Question], args: argparse.Namespace) -> list[Question]:
    """The questions that the options choose, in the order of the set.

    Raises:
        EvaluationError: none is left, or an option names what is not there.
    """
    chosen = [
        question
        for question in questions
        if (not args.only or question.kind in args.only)
        and (not args.id or question.id in args.id)
        and (not args.tag or set(args.tag) & set(question.tags))
    ]
    _demand_known("kind", args.only or (), {question.kind for question in questions})
    _demand_known("id", args.id or (), {question.id for question in questions})
    _demand_known("tag", args.tag or (), {tag for q in questions for tag in q.tags})
    if not chosen:
        raise EvaluationError(
            f"No question of {args.questions} matches.", "Check --only, --tag and --id together."
        )
    return _sampled(chosen[:: args.every], args.sample)[: args.limit]


def _sampled(questions: list[Question], count: int | None) -> list[Question]:
    """The same draw each time; the order of the set is kept."""
    import random

    if count is None or count >= len(questions):
        return questions
    places = sorted(random.Random(0).sample(range(len(questions)), count))  # noqa: S311
    return [questions[place] for place in places]


def _demand_known(field: str, wanted: Sequence[str], known: set[str]) -> None:
    if unknown := [value for value in wanted if value not in known]:
        shown = ", ".join(sorted(known)[:12]) or "none"
        raise EvaluationError(
            f"No question has the {field} {unknown[0]!r}.", f"There are: {shown}."
        )


@contextmanager
def _answers_file(path: Path | None) -> Iterator[Callable[[Result], None]]:
    """Gives a function that appends one answer as a JSON line, at once; without a path, nothing."""
    if path is None:
        yield lambda _result: None
        return
    with opened(path) as file:

        def save(result: Result) -> None:
            answer = result.answer.to_dict() if result.answer else None
            line = {"id": result.question.id, "answer": answer, "error": result.error}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()

        yield save


def _progress(total: int) -> Callable[[Result], None]:
    """A function to call after each question; writes rate and time left to stderr."""
    started = time.monotonic()
    done = right = 0
    end = "\r" if sys.stderr.isatty() else "\n"

    def advance(result: Result) -> None:
        nonlocal done, right
        done += 1
        right += bool(result.grade and result.grade.outcome.right)
        rate = done / max(time.monotonic() - started, 1e-9)
        left = timedelta(seconds=round((total - done) / rate))
        line = f"{done}/{total} questions, {right} right, {rate:.2f}/s, {left} left"
        print(f"{line:<70}", end="\n" if done == total else end, file=sys.stderr, flush=True)

    return advance


def _exit_code(evaluation: Evaluation, args: argparse.Namespace) -> int:
    limits = {name: getattr(args, name) for name in (*RATES, *TOTALS)}
    missed = missed_thresholds(evaluation, limits)
    for message in missed:
        print(f"Threshold missed: {message}.", file=sys.stderr)
    if unscored := evaluation.unscored:
        first = unscored[0]
        print(
            f"{len(unscored)} of {len(evaluation.results)} questions could not be scored, "
            f"the first being {first.question.id!r}: {first.error}",
            file=sys.stderr,
        )
        return 2
    return 1 if missed else 0


def opened(path: Path, mode: str = "w") -> IO[str]:
    """The file, open for writing.

    Raises:
        InputError: it cannot be written.
    """
    try:
        # A lone surrogate becomes its JSON escape instead of ending the run.
        return path.open(mode, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise InputError(
            f"Cannot write {str(path)!r}: {error.strerror}.", "Give a file in an existing folder."
        ) from error
