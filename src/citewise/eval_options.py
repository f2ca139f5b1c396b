"""The options of ``citewise eval``."""

from __future__ import annotations

import argparse
from pathlib import Path

from citewise.settings_options import add_options

__all__ = ["ANSWERING", "RATES", "TOTALS", "add_arguments"]

ANSWERING = (
    "corpus", "index", "store", "collections", "llm", "mode", "judge", "threshold", "top_k",
)  # fmt: skip
"""The settings that are options of ``citewise eval``."""

RATES = {
    "min_correct": ("correct", "share of answerable questions answered or quoted correctly"),
    "min_refused": ("refused_rightly", "share of unanswerable questions refused"),
}
"""Threshold option: the measure it is about, and what that means."""
TOTALS = {
    "max_inexact": ("inexact_citations", "citations that are not the document's words"),
    "max_unsupported": ("unsupported_sentences", "shown sentences that the check didn't support"),
    "max_ungrounded": (
        "ungrounded_sentences",
        "shown sentences with a number or name their citations lack",
    ),
}
"""Threshold option: the count it is about, and what that means."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    parser.add_argument("questions", type=Path, help="question set, JSON Lines or YAML")
    _add_answerer(parser.add_argument_group("what answers"))
    _add_choice(parser.add_argument_group("which questions"))
    _add_gate(parser.add_argument_group("the gate", "what makes the run fail; exit code 1"))
    _add_outputs(parser.add_argument_group("reports"))


def _add_answerer(group: argparse._ArgumentGroup) -> None:
    add_options(group, *ANSWERING)
    group.add_argument(
        "--answers", type=Path, metavar="FILE", help="grade these recorded answers; ask nothing"
    )
    group.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A.toml", "B.toml"),
        help="run the settings of two files side by side and say which differences are real",
    )
    group.add_argument(
        "--jobs", type=_positive, default=1, metavar="N", help="questions asked at a time (1)"
    )
    group.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where the model's replies are kept (the user's cache folder)",
    )
    group.add_argument("--no-cache", action="store_true", help="ask the model anew each time")


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--only", action="append", metavar="KIND", help="only this kind; repeatable")
    group.add_argument("--tag", action="append", metavar="TAG", help="only this tag; repeatable")
    group.add_argument("--id", action="append", metavar="ID", help="only this one; repeatable")
    group.add_argument(
        "--every", type=_positive, default=1, metavar="N", help="only every Nth of them, for speed"
    )
    group.add_argument(
        "--sample", type=_positive, metavar="N", help="N of them at random, the same each time"
    )
    group.add_argument("--limit", type=_positive, metavar="N", help="only the first N questions")


def _add_gate(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--gate", type=Path, metavar="TOML", help="thresholds, see docs/gate.md")
    group.add_argument(
        "--baseline", type=Path, metavar="JSON", help="an earlier run that must not be undercut"
    )
    group.add_argument(
        "--update-baseline", action="store_true", help="write this run to the --baseline file"
    )
    for name, (_, meaning) in RATES.items():
        option = "--" + name.replace("_", "-")
        group.add_argument(option, type=_share, metavar="SHARE", help=f"least {meaning}")
    for name, (_, meaning) in TOTALS.items():
        option = "--" + name.replace("_", "-")
        group.add_argument(option, type=_count, metavar="N", help=f"most {meaning}")


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--show",
        choices=("failures", "all", "none"),
        default="failures",
        help="which answers to print after the table (default: failures)",
    )
    group.add_argument("--json", metavar="FILE", help="the run record as JSON; - is stdout")
    group.add_argument("--junit", type=Path, metavar="FILE", help="JUnit XML")
    group.add_argument("--markdown", type=Path, metavar="FILE", help="a CI job's summary")
    group.add_argument("--html", type=Path, metavar="FILE", help="one page that needs no network")
    group.add_argument("--answers-out", type=Path, metavar="FILE", help="save answers as JSONL")


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
