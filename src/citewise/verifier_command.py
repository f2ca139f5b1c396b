"""``citewise eval verifier``: how well do support judges agree with people?

Each judge gives every labelled claim a score; the table shows how well the scores tell supported
claims from the rest. Results go to stdout. Exit codes: 0 measured; 2 data or options unusable.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewise.errors import EvaluationError, InputError
from citewise.judging import judge_digest
from citewise.verifier_data import SETS, LabelledClaim, load_claims
from citewise.verifier_judges import (
    JUDGES,
    OWN_THRESHOLDS,
    WITH_MODEL,
    Score,
    known,
    opened_rivals,
)
from citewise.verifier_report import PUBLISHED, agreement_table

if TYPE_CHECKING:
    from citewise.verifier_metrics import Agreement, Reading

__all__ = ["add_arguments", "add_parser", "run"]

_BATCH = 8
_TITLES = {
    "wice": "WiCE dev",
    "attributionbench": "AttributionBench dev",
    "minimal_pairs": "minimal pairs",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``verifier`` to the command line; ``args.run`` is then ``run``."""
    parser = subparsers.add_parser(
        "verifier",
        help="measure support judges against people's labels",
        description="Measure how well support judges agree with people.",
        epilog="Exit codes: 0 measured; 2 data or options unusable.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="folder of the public data sets"
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        default=Path("evals/minimal_pairs.jsonl"),
        metavar="FILE",
        help="the minimal pairs (evals/minimal_pairs.jsonl)",
    )
    parser.add_argument(
        "--sets",
        type=_names,
        default=list(SETS),
        metavar="NAMES",
        help=f"of {','.join(SETS)} or support/NAME (default: all)",
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="most claims of each set")
    parser.add_argument(
        "--judges",
        type=_names,
        metavar="NAMES",
        help="which judges, by comma (default: all that need no model)",
    )
    parser.add_argument(
        "--rivals", type=_names, default=[], metavar="NAMES", help="other tools, run beside them"
    )
    parser.add_argument(
        "--rivals-python", type=Path, metavar="FILE", help="the Python that has them installed"
    )
    parser.add_argument(
        "--rivals-file",
        type=Path,
        default=Path("evals/rivals.py"),
        metavar="FILE",
        help="how they are called (evals/rivals.py)",
    )
    parser.add_argument("--json", metavar="FILE", help="everything as JSON; - is stdout")


def run(
    args: argparse.Namespace,
    judges: Mapping[str, Score] = JUDGES,
    own: Mapping[str, float] = OWN_THRESHOLDS,
) -> int:
    """Run the command; returns the exit code.

    Args:
        args: as ``add_arguments`` parses them.
        judges: what ``--judges`` may name.
        own: from which score on a judge itself calls a claim supported, where it does.

    Raises:
        InputError: a set, judge or rival is not known, or the output cannot be written.
        EvaluationError: the data cannot be used, or a judge or rival failed.
    """
    asked = args.judges or [name for name in judges if name not in WITH_MODEL]
    chosen = {name: known(name, judges, "judge") for name in asked}
    _write(args.json, "")
    loaded = load_claims(args.data, args.sets, pairs=args.pairs, limit=args.limit)
    for line in loaded.skipped:
        print(line, file=sys.stderr)
    with opened_rivals(args.rivals, args.rivals_python, args.rivals_file) as rivals:
        everyone = {**chosen, **{name: rival for name, (rival, _) in rivals.items()}}
        lines = {**own, **{name: line for name, (_, line) in rivals.items()}}
        sets = []
        for name, claims in loaded.claims.items():
            sets.append(_measured(name, claims, everyone, lines))
            if args.json != "-":
                print(("\n" if len(sets) > 1 else "") + agreement_table(sets[-1]), flush=True)
    text = _json(sets, loaded.skipped)
    if args.json == "-":
        print(text)
    _write(args.json, text + "\n")
    return 0


def _measured(
    name: str,
    claims: Sequence[LabelledClaim],
    judges: Mapping[str, Score],
    own: Mapping[str, float],
) -> dict[str, Any]:
    """One set: what it holds, and each judge on it."""
    from citewise.verifier_metrics import agreement

    labels, groups = [c.supported for c in claims], [c.group for c in claims]
    title = _TITLES.get(name, f"{name} dev")
    found = []
    for judge, score in judges.items():
        scores, seconds = _scores(claims, score, f"{judge} on {title}", judge)
        row = agreement(scores, labels, groups, own.get(judge))
        found.append(_judge_row(judge, row, claims, seconds, scores))
    return {
        "name": name,
        "title": title,
        "claims": len(claims),
        "supported": sum(labels),
        "groups": len(set(groups)),
        "judges": found,
        "published": dict(PUBLISHED.get(name, {})),
    }


def _judge_row(
    judge: str,
    row: Agreement,
    claims: Sequence[LabelledClaim],
    seconds: float,
    scores: Sequence[float],
) -> dict[str, Any]:
    return {
        "judge": judge,
        "auroc": asdict(row.auroc),
        "readings": [_reading_row(reading, claims) for reading in row.readings],
        "ece": row.ece,
        "milliseconds": round(1000 * seconds, 3),
        "scores": [round(score, 6) for score in scores],
    }


def _reading_row(reading: Reading, claims: Sequence[LabelledClaim]) -> dict[str, Any]:
    parts = {claim.source: [0, 0] for claim in claims}
    for claim, right in zip(claims, reading.right, strict=True):
        parts[claim.source][0] += right
        parts[claim.source][1] += 1
    return {
        "threshold": reading.threshold,
        "chosen": reading.chosen,
        "balanced_accuracy": asdict(reading.balanced_accuracy),
        "macro_f1": asdict(reading.macro_f1),
        "right_by_part": dict(sorted(parts.items())) if len(parts) > 1 else {},
    }


def _scores(
    claims: Sequence[LabelledClaim], score: Score, what: str, judge: str
) -> tuple[list[float], float]:
    """All scores, and the median seconds per claim over batches of eight."""
    from statistics import median

    scores: list[float] = []
    seconds = []
    for at in range(0, len(claims), _BATCH):
        batch = claims[at : at + _BATCH]
        began = time.perf_counter()
        found = score(batch)
        seconds.append((time.perf_counter() - began) / len(batch))
        if len(found) != len(batch) or not all(map(math.isfinite, found)):
            raise EvaluationError(
                f"The judge {judge!r} gave {found!r} for {len(batch)} claims.",
                "It has to give one finite number for each.",
            )
        scores += map(float, found)
        _progress(what, len(scores), len(claims))
    return scores, median(seconds)


def _progress(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else "\r"
        print(f"{what}: {done}/{total} claims", end=end, file=sys.stderr, flush=True)
    elif done == total:
        print(f"{what}: {total} claims", file=sys.stderr, flush=True)


def _write(target: str | None, text: str) -> None:
    """Nothing at first, so that a file that cannot be written is known before the long run."""
    if target in (None, "-"):
        return
    try:
        with Path(str(target)).open("w" if text else "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"{target!r} cannot be written ({error}).", "Give --json another file."
        ) from None


def _json(sets: Sequence[dict[str, Any]], skipped: Sequence[str]) -> str:
    data = {
        "format": 1,
        "judge_sha256": judge_digest(),
        "agreement": _agreement(sets),
        "sets": sets,
        "skipped": list(skipped),
    }
    return json.dumps(data, ensure_ascii=False, indent=1)


def _agreement(sets: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each judge what a run record says of it: at its own threshold, if it has one."""
    found: dict[str, dict[str, Any]] = {}
    for one in sets:
        for judge in one["judges"]:
            found.setdefault(judge["judge"], {})[one["title"]] = {
                "auroc": judge["auroc"]["value"],
                "balanced_accuracy": judge["readings"][-1]["balanced_accuracy"]["value"],
                "n": one["claims"],
            }
    return found


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
