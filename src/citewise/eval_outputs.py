"""What an evaluation reads before it starts and writes when it is over: gate, baseline, reports."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewise.errors import EvaluationError, InputError
from citewise.eval_command import opened
from citewise.eval_options import ANSWERING
from citewise.settings import current
from citewise.settings_options import given

if TYPE_CHECKING:
    from citewise.eval_gate import Gate, GateResult
    from citewise.evaluation import Evaluation

__all__ = [
    "demand_writable",
    "judge_data",
    "judged_by_gate",
    "loaded_gate",
    "set_data",
    "settings_of",
    "write_reports",
]


def loaded_gate(args: argparse.Namespace) -> tuple[Gate | None, dict[str, Any] | None]:
    """The gate and the baseline that the options name, read before the long run.

    Raises:
        EvaluationError: one of them is missing or damaged.
        InputError: the options do not go together.
    """
    from citewise.eval_baseline import load_baseline
    from citewise.eval_gate import load_gate

    if args.update_baseline and not args.baseline:
        raise InputError("--update-baseline does not say which file.", "Give --baseline FILE.")
    if args.baseline and not (args.gate or args.update_baseline):
        raise InputError(
            "--baseline alone decides nothing.", "Give --gate TOML, or --update-baseline."
        )
    gate = load_gate(args.gate) if args.gate else None
    old = args.baseline if args.baseline and not args.update_baseline else None
    baseline = load_baseline(old) if old else None
    if baseline is not None and baseline["judge"]["sha256"] != judge_data()["sha256"]:
        raise EvaluationError(
            f"The baseline {old} was graded by another judge, so that nothing can be compared.",
            "Run once with --update-baseline, and look at what changes in its diff.",
        )
    return gate, baseline


def judged_by_gate(
    record: dict[str, Any],
    gate: Gate | None,
    baseline: dict[str, Any] | None,
    args: argparse.Namespace,
) -> GateResult | None:
    """What the gate says of a run; the baseline is written if that was asked for."""
    from citewise.eval_baseline import baseline_of, write_baseline
    from citewise.eval_gate import check_gate

    if args.update_baseline:
        write_baseline(record, args.baseline)
        baseline = baseline_of(record)
        print(f"Wrote the baseline {args.baseline}: review its diff.", file=sys.stderr)
    return check_gate(record, gate, baseline) if gate else None


def write_reports(
    args: argparse.Namespace,
    evaluation: Evaluation,
    record: dict[str, Any],
    baseline: dict[str, Any] | None,
    result: GateResult | None,
) -> None:
    """Every report that was asked for, and the table; failures to read come after it."""
    from citewise.eval_html import html_report
    from citewise.eval_junit import junit_report
    from citewise.eval_markdown import markdown_report

    if args.junit:
        _write(args.junit, junit_report(record, result))
    if args.markdown:
        _write(args.markdown, markdown_report(record, baseline, result))
    if args.html:
        _write(args.html, html_report(record, baseline, result))
    if args.json is not None:
        text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
        else:
            _write(Path(args.json), text)
    _print_tables(evaluation, record, result, args)


def _print_tables(
    evaluation: Evaluation,
    record: dict[str, Any],
    result: GateResult | None,
    args: argparse.Namespace,
) -> None:
    from citewise.eval_gate import describe_gate
    from citewise.eval_report import describe, needs_reading, summary

    out = sys.stderr if args.json == "-" else sys.stdout
    print(summary(evaluation), file=out)
    print(f"\n{_agreement(record['judge'])}", file=out)
    if args.json != "-":
        for one in evaluation.results:
            if args.show == "all" or (args.show == "failures" and needs_reading(one)):
                print("\n" + describe(one), file=out)
        for item in record["disagreements"]:
            print(f"\nTo read: {item['id']}: {ascii_only(item['why'])}", file=out)
    if result is not None:
        print("\n" + describe_gate(result), file=out)


def ascii_only(text: str) -> str:
    """The text on one line, control and invisible characters spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _agreement(judge: dict[str, Any]) -> str:
    """What the judge's verdicts are worth: its agreement with people."""
    lines = [f"judge: {judge['name']}; its agreement with people:"]
    for name, values in judge["agreement"].items():
        lines.append(
            f"  {name}: balanced accuracy {values['balanced_accuracy']:.2f}, "
            f"AUROC {values['auroc']:.2f} (n = {values['n']})"
        )
    return "\n".join(lines)


def judge_data() -> dict[str, Any]:
    """What gives the verdicts: its name, a digest of all that decides, agreement with people."""
    from citewise.judging import describe_judge

    return describe_judge()


def set_data(path: Path, questions: int, asked: int) -> dict[str, Any]:
    """The question set: its file's name and digest, and how much of it was asked."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": path.as_posix(), "sha256": digest, "questions": questions, "asked": asked}


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """What could change the answers, besides the models."""
    answers = args.answers.name if args.answers else None
    chosen = current(given(args, ANSWERING))
    settings = {name: getattr(chosen, name) for name in ("mode", "judge", "threshold", "top_k")}
    return {"answers": answers} if answers else settings


def demand_writable(args: argparse.Namespace) -> None:
    """Fail before the long run, not after it.

    Raises:
        InputError: an output file cannot be written.
    """
    targets = [args.junit, args.markdown, args.html]
    if args.json not in (None, "-"):
        targets.append(Path(str(args.json)))
    for path in targets:
        if path is not None:
            with opened(path, "a"):
                pass


def _write(path: Path, text: str) -> None:
    with opened(path) as file:
        file.write(text)
