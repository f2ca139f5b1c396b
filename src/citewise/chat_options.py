"""``citewise chat``'s options for what visitors may bring, and what is kept of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from citewise.ui.options import Options

__all__ = ["add_arguments", "options_of"]

_DAY = 24.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options about visitors' documents, feedback and the owner's page."""
    bringing = parser.add_argument_group(
        "documents of one's own",
        "Whoever opens the chat may bring documents. They are read and embedded on this machine, "
        "searched together with the corpus or alone, and seen by that browser only.",
    )
    bringing.add_argument("--no-uploads", action="store_true", help="take no documents")
    bringing.add_argument(
        "--shared-uploads",
        action="store_true",
        help="let everybody ask about what anybody brings; only who brought it can remove it",
    )
    for option, default, metavar, what in (
        ("--max-file", 32, "MB", "the largest file"),
        ("--max-uploads", 256, "MB", "all files of one visitor together"),
        ("--max-files", 50, "COUNT", "files of one visitor"),
        ("--max-stored", 4096, "MB", "all files of all visitors together"),
    ):
        bringing.add_argument(
            option, type=_positive, default=default, metavar=metavar, help=f"{what} ({default})"
        )
    bringing.add_argument(
        "--idle",
        type=_hours,
        default=7 * _DAY,
        metavar="HOURS",
        help="delete what a visitor brought after that long without a visit (168, a week)",
    )
    keeping = parser.add_argument_group("feedback, and what is kept")
    keeping.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="where documents and answers are kept (the user's data folder, one for each corpus)",
    )
    keeping.add_argument(
        "--keep-days",
        type=_hours,
        default=30.0,
        metavar="DAYS",
        help="delete questions and their answers after that long (30)",
    )
    keeping.add_argument(
        "--save-questions",
        type=Path,
        metavar="FILE",
        help='offer "save as a question for the evals", appended to this .jsonl question set',
    )
    keeping.add_argument(
        "--owner",
        action="store_true",
        help="serve the owner's page at /owner: what was asked in vain, refused, slow or disliked. "
        "Its password is CITEWISE_OWNER_PASSWORD, or made up and printed at the start",
    )


def options_of(args: argparse.Namespace, corpus: Path) -> tuple[Options, str]:
    """What the options say, and what to tell whoever starts the server about the owner's page."""
    from citewise.ui.limits import MIB, Limits
    from citewise.ui.options import Options, default_data
    from citewise.ui.owner import owner_password

    limits = Limits(
        file_bytes=args.max_file * MIB,
        visitor_bytes=args.max_uploads * MIB,
        visitor_files=args.max_files,
        all_bytes=args.max_stored * MIB,
        idle_seconds=int(args.idle * 3600),
    )
    password, made = owner_password() if args.owner else ("", False)
    options = Options(
        args.data or default_data(corpus),
        limits,
        uploads=not args.no_uploads,
        common=args.shared_uploads,
        questions=args.save_questions,
        owner=password,
        keep_days=args.keep_days,
    )
    return options, f"The owner's page is /owner, its password {password}" if made else ""


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _hours(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
