"""``citewise check``: one claim against files, or a batch of claims.

Exit codes: 0 everything is supported; 1 something is not, or is unscored; 2 wrong usage or input.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citewise.errors import InputError
from citewise.llm_judge import UnreadableVerdictError
from citewise.protocols import JudgeChoice
from citewise.rendering import json_text, visible
from citewise.types import Verdict

__all__ = ["add_parser", "run"]

_EPILOG = """examples:
  citewise check "V2 scored 78.5." notes.txt
  citewise check --batch claims.jsonl > verdicts.jsonl
  citewise check --judge fast --batch claims.jsonl     ten times as many a second

A batch has one claim a line: {"claim": "...", "evidence": ["...", "..."]}. Other fields, such as an
id, are given back with the verdict. "-" reads from stdin. With --judge, a reply that is no verdict
gives a line with "unscored" in the verdict's place.

exit codes: 0 all supported, 1 something is not (or is unscored), 2 wrong usage or input
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``check`` to the command line; ``args.run`` is then ``run``."""
    check = commands.add_parser(
        "check",
        help="check a claim against files",
        description="Is a claim supported by texts? No index is needed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("claim", nargs="?", help="one or more sentences")
    check.add_argument("files", nargs="*", type=Path, help="text files with the evidence")
    check.add_argument("--batch", metavar="FILE", help="claims with their evidence, JSON Lines")
    check.add_argument(
        "--judge",
        metavar="WHAT",
        help='"full" asks an entailment model too (439 MB, fetched once), "fast" needs none; or a'
        " language model: an address, a name or a .gguf file, as --llm of `citewise ask`, worth it"
        " with a large one only (default: the setting of that name, full)",
    )
    check.add_argument("--json", action="store_true", help="the verdict as JSON")
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        InputError: the arguments do not go together, or a file cannot be used.
    """
    from citewise.assistant import check

    if args.batch is not None:
        if args.claim is not None:
            raise InputError("--batch takes no other claim or file.", "Put them into its lines.")
        return _batch(args.batch, _judge(args.judge))
    if args.claim is None or not args.files:
        raise InputError("There is no claim, or no file to check it against.", "See --help.")
    texts = [_text(path) for path in args.files]
    verdict = check(args.claim, texts, judge=_judge(args.judge))
    if args.json:
        print(json_text(dataclasses.asdict(verdict), indent=2))
    else:
        print(visible(f"{verdict.label} ({verdict.score:.2f}): {verdict.reason}"))
        for part in verdict.claims:
            print(visible(f"  {part.label} ({part.score:.2f}): {part.claim} ({part.reason})"))
    return 0 if verdict.supported else 1


def _judge(named: str | None) -> JudgeChoice | None:
    """What shall judge; None for what the settings say."""
    if named is None:
        return None
    if named == "fast":
        return "fast"
    if named == "full":
        return "full"
    from citewise.generators import make_generator
    from citewise.llm_judge import LLMJudge

    generator = make_generator(named)
    if generator is None:
        raise InputError(f"--judge is {named!r}.", 'Name "fast", "full" or a language model.')
    return LLMJudge(generator)


def _batch(source: str, judge: JudgeChoice | None) -> int:
    """Every verdict as it comes, one JSON object a line, in the order of the claims."""
    from citewise.assistant import check

    began, count, failed, unscored = time.perf_counter(), 0, 0, 0
    for number, row in _rows(source):
        claim, evidence = row.get("claim"), row.get("evidence")
        try:
            if not isinstance(evidence, list):
                raise InputError("There is no list of evidence.", 'Give "evidence": ["..."].')
            verdict = check(claim, evidence, judge=judge)  # type: ignore[arg-type]
        except InputError as error:
            raise InputError(f"{source}, line {number}: {error}") from None
        except UnreadableVerdictError as error:
            unscored += 1
            print(json_text({**_kept(row), "unscored": str(error)}), flush=True)
            continue
        count += 1
        failed += not verdict.supported
        print(json_text(_line(row, verdict)), flush=True)
        if sys.stderr.isatty():
            rate = count / (time.perf_counter() - began)
            print(f"{count} claims, {rate:.0f}/s", end="\r", file=sys.stderr, flush=True)
    if not count + unscored:
        raise InputError(f"{source} holds no claim.", "Write one JSON object a line.")
    seconds = time.perf_counter() - began
    told = f", {unscored} unscored" if unscored else ""
    print(
        f"{count} claims, {count - failed} supported{told}, {count / seconds:.0f} a second.",
        file=sys.stderr,
    )
    return 1 if failed or unscored else 0


def _line(row: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    found = {key: value for key, value in dataclasses.asdict(verdict).items() if key != "claim"}
    return {**_kept(row), **found}


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "evidence"}


def _rows(source: str) -> Iterator[tuple[int, dict[str, Any]]]:
    text = sys.stdin.read() if source == "-" else _text(Path(source))
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(
                f"{source}, line {number} is not valid JSON: {error}.", "Write one object a line."
            ) from None
        if not isinstance(row, dict):
            raise InputError(f"{source}, line {number} is no object.", "Write {...}.")
        yield number, row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} cannot be read ({error}).", "Give UTF-8 files.") from None
