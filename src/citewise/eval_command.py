"""``citewise eval``: runs a question set and says how many answers were right.

Exit codes: 0 it ran and met every threshold; 1 a threshold was missed; 2 a question could not be
scored, or nothing matched.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from citewise.errors import EvaluationError, InputError

if TYPE_CHECKING:
    from citewise.evaluation import Answerer, Evaluation, Result
    from citewise.questions import Question

__all__ = ["add_parser", "grade_questions", "missed_thresholds", "run"]

_RATES = {
    "min_correct": ("correct", "share of answerable questions answered or quoted correctly"),
    "min_refused": ("refused_rightly", "share of unanswerable questions refused"),
}
_TOTALS = {
    "max_inexact": ("inexact_citations", "citations that are not the document's words"),
    "max_unsupported": ("unsupported_sentences", "shown sentences that the check didn't support"),
    "max_ungrounded": (
        "ungrounded_sentences",
        "shown sentences with a number or name their citations lack",
    ),
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``eval`` to the command line; ``args.run`` is then ``run``."""
    parser = subparsers.add_parser(
        "eval",
        help="run a question set and grade the answers",
        description="Ask every question of a set and grade the answers, citations and refusals.",
        epilog="Exit codes: 0 ran, thresholds met; 1 a threshold was missed; "
        "2 a question could not be scored, or nothing matched.",
    )
    parser.add_argument("questions", type=Path, help="question set, one JSON object a line")
    parser.add_argument("--corpus", type=Path, help="folder of documents (default: seeds/)")
    parser.add_argument("--index", type=Path, help="folder of the built index")
    parser.add_argument("--llm", help="language model to use (default: the configured one)")
    parser.add_argument(
        "--only", action="append", metavar="KIND", help="only this kind; repeatable"
    )
    parser.add_argument(
        "--id", action="append", metavar="ID", help="only this question; repeatable"
    )
    parser.add_argument(
        "--every", type=_positive, default=1, metavar="N", help="only every Nth of them, for speed"
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N questions")
    parser.add_argument(
        "--show",
        choices=("failures", "all", "none"),
        default="failures",
        help="which answers to print after the table (default: failures)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON; - is stdout")
    parser.add_argument("--answers-out", type=Path, metavar="FILE", help="save answers as JSONL")
    _add_thresholds(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        CitewiseError: the question set, the corpus or an output file cannot be used.
    """
    from citewise.assistant import Assistant

    given = {name: getattr(args, name) for name in ("corpus", "index", "llm")}
    with Assistant(**given) as assistant:
        # Opening the index first: a fault of the whole corpus is one error, not one per question.
        names = [document.name for document in assistant.documents()]
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
    from citewise.evaluation import evaluate
    from citewise.questions import load_questions

    questions = _selected(load_questions(args.questions), args)
    digest = hashlib.sha256(args.questions.read_bytes()).hexdigest()
    _demand_writable(args.json)
    advance = _progress(len(questions))
    with _answers_file(args.answers_out) as save:

        def on_result(result: Result) -> None:
            save(result)
            advance(result)

        evaluation = evaluate(questions, assistant, names, on_result)
    _report(evaluation, args, digest)
    return _exit_code(evaluation, args)


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
        if name in _RATES:
            value = measures[_RATES[name][0]].value
            if value is None:
                missed.append(f"{option} {limit:g}: nothing to measure it on")
            elif value < limit:
                missed.append(f"{option} {limit:g}: reached {value:.4f}")
        elif counts[_TOTALS[name][0]] > limit:
            missed.append(f"{option} {limit:g}: found {counts[_TOTALS[name][0]]}")
    return missed


def _add_thresholds(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("thresholds", "each one missed is named; exit code 1")
    for name, (_, meaning) in _RATES.items():
        option = "--" + name.replace("_", "-")
        group.add_argument(option, type=_share, metavar="SHARE", help=f"least {meaning}")
    for name, (_, meaning) in _TOTALS.items():
        option = "--" + name.replace("_", "-")
        group.add_argument(option, type=_count, metavar="N", help=f"most {meaning}")


def _selected(questions: Sequence[Question], args: argparse.Namespace) -> list[Question]:
    chosen = [
        question
        for question in questions
        if (not args.only or question.kind in args.only) and (not args.id or question.id in args.id)
    ]
    _demand_known("kind", args.only or (), {question.kind for question in questions})
    _demand_known("id", args.id or (), {question.id for question in questions})
    if not chosen:
        raise EvaluationError(
            f"No question of {args.questions} matches.", "Check --only and --id together."
        )
    return chosen[:: args.every][: args.limit]


def _demand_known(field: str, wanted: Sequence[str], known: set[str]) -> None:
    if unknown := [value for value in wanted if value not in known]:
        shown = ", ".join(sorted(known)[:12])
        raise EvaluationError(
            f"No question has the {field} {unknown[0]!r}.", f"There are: {shown}."
        )


@contextmanager
def _answers_file(path: Path | None) -> Iterator[Callable[[Result], None]]:
    """Gives a function that appends one result as a JSON line, at once; without a path, nothing."""
    from citewise.eval_report import result_data

    if path is None:
        yield lambda _result: None
        return
    with _opened(path) as file:

        def save(result: Result) -> None:
            file.write(json.dumps(result_data(result), ensure_ascii=False) + "\n")
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


def _report(evaluation: Evaluation, args: argparse.Namespace, digest: str) -> None:
    from citewise.eval_report import as_data, describe, needs_reading, summary

    if args.json is not None:
        data = as_data(evaluation, file=str(args.questions), sha256=digest)
        text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
            return
        with _opened(Path(args.json)) as file:
            file.write(text)
    print(summary(evaluation))
    for result in evaluation.results:
        if args.show == "all" or (args.show == "failures" and needs_reading(result)):
            print("\n" + describe(result))


def _exit_code(evaluation: Evaluation, args: argparse.Namespace) -> int:
    limits = {name: getattr(args, name) for name in (*_RATES, *_TOTALS)}
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


def _demand_writable(json_target: str | None) -> None:
    """Fail before the long run, not after it."""
    if json_target not in (None, "-"):
        with _opened(Path(str(json_target)), "a"):
            pass


def _opened(path: Path, mode: str = "w") -> IO[str]:
    try:
        # A lone surrogate becomes its JSON escape instead of ending the run.
        return path.open(mode, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise InputError(
            f"Cannot write {str(path)!r}: {error.strerror}.", "Give a file in an existing folder."
        ) from error


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1, such as 0.9")
    return value
