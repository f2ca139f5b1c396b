"""``citewise eval init``: drafts a question set for a corpus and writes it to a file."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from citewise.errors import EvaluationError, InputError
from citewise.eval_files import YAML_SUFFIXES

__all__ = ["add_init_arguments", "draft_questions", "run_init", "write_draft"]


def add_init_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``run_init``."""
    parser.add_argument("corpus", type=Path, help="folder of documents, or one document")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where to write (questions.jsonl); .yaml or .yml for YAML",
    )
    parser.add_argument(
        "--count", type=_positive, default=30, metavar="N", help="questions at most (30)"
    )
    parser.add_argument("--yaml", action="store_true", help="write YAML (questions.yaml)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another one drafts other questions (0)"
    )


def run_init(args: argparse.Namespace) -> int:
    """Draft and write a question set; returns the exit code.

    Raises:
        CorpusError: the documents cannot be read.
        EvaluationError: no question can be drafted from them.
        InputError: the file exists, or cannot be written, or its name is not that of YAML.
    """
    from citewise.documents import read_corpus

    path = _path(args)
    corpus = read_corpus(args.corpus)
    for file in corpus.skipped:
        print(f"Left out {file.name!r}: {file.reason}.", file=sys.stderr)
    questions = draft_questions(corpus.documents, args.count, args.seed)
    if not questions:
        raise EvaluationError(
            f"No sentence or table row in {str(args.corpus)!r} lends itself to a question.",
            "Write the set by hand: one JSON object a line, see docs/question-sets.md.",
        )
    write_draft(questions, path)
    _say_what_next(questions, path, args)
    return 0


def draft_questions(documents: Sequence[Any], count: int, seed: int = 0) -> list[dict[str, Any]]:
    """See ``citewise.eval_draft.draft_questions``."""
    from citewise.eval_draft import draft_questions as draft

    return draft(documents, count, seed)


def write_draft(questions: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write questions to a new file: YAML if its name ends so, else one JSON object a line.

    Raises:
        InputError: the file exists, or cannot be written.
    """
    if path.suffix.lower() in YAML_SUFFIXES:
        from citewise.eval_yaml import yaml_text

        text = yaml_text([dict(question) for question in questions])
    else:
        text = "".join(json.dumps(q, ensure_ascii=False) + "\n" for q in questions)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        _refuse_existing(path)
    except OSError as error:
        raise InputError(
            f"Cannot write {str(path)!r}: {error.strerror}.", "Give a file in an existing folder."
        ) from error


def _path(args: argparse.Namespace) -> Path:
    path = args.out or Path("questions.yaml" if args.yaml else "questions.jsonl")
    if args.yaml and path.suffix.lower() not in YAML_SUFFIXES:
        raise InputError(
            f"{str(path)!r} would be read as JSON Lines, not as YAML.", "End its name in .yaml."
        )
    if path.exists():
        _refuse_existing(path)
    return Path(path)


def _refuse_existing(path: Path) -> None:
    raise InputError(
        f"{str(path)!r} exists and may hold work of yours.", "Give another file with --out."
    )


def _say_what_next(
    questions: Sequence[Mapping[str, Any]], path: Path, args: argparse.Namespace
) -> None:
    answered = sum(question["status"] == "answered" for question in questions)
    print(f"Wrote {len(questions)} draft questions to {path}.")
    print(f"{answered} have an answer in the documents; {len(questions) - answered} have none.")
    if len(questions) < args.count:
        print(f"No more than these could be drafted, though {args.count} were asked for.")
    command = shlex.join(["citewise", "eval", str(path), "--corpus", str(args.corpus)])
    print(
        "Nobody has read them yet. Go through the file: ask each question the way a reader would,\n"
        'check the fact, drop what is silly, and delete "draft" and "note" of what you keep.\n'
        f"Then run: {command}"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
