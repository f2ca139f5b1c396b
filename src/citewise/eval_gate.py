"""The gate: whether a run reached what was demanded, and got no worse than the baseline.

It fails closed: a demand with nothing to measure it on is not met. What cannot be compared at all
is an error, not a failure, so that a broken harness and a worse product have different exit codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from citewise.eval_baseline import baseline_of
from citewise.eval_comparable import demand_comparable
from citewise.eval_gate_file import Gate, Regression, Threshold, load_gate
from citewise.eval_metrics import METRICS
from citewise.eval_paired import LOWER_IS_BETTER, UNSCORED, Pairs, is_drop, margins, pairs
from citewise.eval_tables import table, visible

__all__ = ["Gate", "GateCheck", "GateResult", "check_gate", "describe_gate", "load_gate"]

Demand: TypeAlias = Literal["minimum", "maximum", "regression"]
_LISTED = 5
_EMPTY = "–"


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One demand of the gate, and what the run reached.

    ``name`` is a measure (its values are shares) or a count (totals); ``kind`` the kind of question
    it is about, empty for all. ``limit`` is the threshold or, for a regression, what the baseline
    had over the ``n`` questions that are in both. ``limit`` and ``reached`` are None where there
    was nothing to measure.
    """

    demand: Demand
    name: str
    kind: str
    limit: float | None
    reached: float | None
    n: int
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class GateResult:
    """Every check, in the order of the gate's file."""

    checks: tuple[GateCheck, ...]

    @property
    def failed(self) -> tuple[GateCheck, ...]:
        """The checks that were not met."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """True if there were checks and all were met."""
        return bool(self.checks) and not self.failed


def check_gate(
    record: Mapping[str, Any], gate: Gate, baseline: Mapping[str, Any] | None = None
) -> GateResult:
    """Hold a run against a gate.

    Args:
        record: the run record, see ``citewise.eval_record``.
        gate: what is demanded.
        baseline: as ``load_baseline`` or ``baseline_of`` give it. Without one, whatever the gate
            wants compared with it fails.

    Raises:
        EvaluationError: the baseline was graded by another judge or made on other questions.
    """
    checks = [_threshold(record, demand) for demand in gate.thresholds]
    now = baseline_of(record)
    if baseline is not None:
        demand_comparable(baseline, now, first="baseline")
    if gate.regression:
        checks += _regressions(gate.regression, baseline, now)
    return GateResult(tuple(checks))


def _threshold(record: Mapping[str, Any], demand: Threshold) -> GateCheck:
    part = record["kinds"].get(demand.kind) if demand.kind else record["overall"]
    reached, n = _reached(part, demand.name) if part else (None, 0)
    if reached is None or not n:
        passed, reached = False, None
        why = f"there is nothing to measure it on, and {demand.bound} {demand.limit:g} is demanded"
    else:
        low = demand.bound == "minimum"
        passed = reached >= demand.limit if low else reached <= demand.limit
        side = "at least" if low else "at most"
        why = (
            f"{_amount(demand.name, reached)} over {n} questions, {side} {demand.limit:g} demanded"
        )
    return GateCheck(
        demand.bound,
        demand.name,
        demand.kind,
        demand.limit,
        reached,
        n,
        passed,
        f"{demand.name}{f' of kind {demand.kind}' if demand.kind else ''}: {why}",
    )


def _reached(part: Mapping[str, Any], name: str) -> tuple[float | None, int]:
    """The value, and over how many questions."""
    counts = part["counts"]
    if name in METRICS:
        measure = part["measures"].get(name, {})
        return measure.get("value"), measure.get("n", 0)
    # An unscored question has no citations or sentences that could be counted.
    whole = name in ("questions", UNSCORED, "with_notices")
    return counts.get(name), counts["questions"] - (0 if whole else counts[UNSCORED])


def _regressions(
    demand: Regression, baseline: Mapping[str, Any] | None, now: Mapping[str, Any]
) -> Iterator[GateCheck]:
    for name in (*demand.measures, *demand.counts):
        if baseline is None:
            why = f"{name}: there is no baseline to compare with; give --baseline"
            yield GateCheck("regression", name, "", None, None, 0, False, why)
        else:
            yield _regression(pairs(name, baseline["questions"], now["questions"]), demand)


def _regression(found: Pairs, demand: Regression) -> GateCheck:
    name, n = found.name, len(found.ids)
    if not n:
        why = f"{name}: no question has it both in the baseline and now"
        return GateCheck("regression", name, "", None, None, 0, False, why)
    old, new = _total(name, found.old), _total(name, found.new)
    mean = found.mean_gain
    real = is_drop(found.gains, demand.confidence)
    passed = not real or -mean < demand.least_drop
    why = f"{_amount(name, old)} in the baseline, {_amount(name, new)} now, over {n} questions"
    if real:
        why += f"; {_extent(found, mean, demand)}"
    return GateCheck("regression", name, "", old, new, n, passed, f"{name}: {why}")


def _extent(found: Pairs, mean: float, demand: Regression) -> str:
    """How much worse it got, how sure that is, and where."""
    sign = -1 if found.name in LOWER_IS_BETTER else 1
    bound = margins(found.gains, demand.confidence)[1]
    worse, more = found.worse, len(found.worse) - _LISTED
    small = "" if -mean >= demand.least_drop else f" (less than {demand.least_drop:g}, passed over)"
    return (
        f"{sign * mean:+.4f} a question{small}, at {100 * demand.confidence:g} % no better than "
        f"{sign * bound:+.4f}; {len(worse)} got worse, {len(found.better)} better; worse: "
        f"{', '.join(worse[:_LISTED])}{f' and {more} more' if more > 0 else ''}"
    )


def _total(name: str, values: tuple[float, ...]) -> float:
    return sum(values) / len(values) if name in METRICS else sum(values)


def _amount(name: str, value: float | None) -> str:
    if value is None:
        return _EMPTY
    return f"{value:.4f}" if name in METRICS else f"{value:g}"


def describe_gate(result: GateResult) -> str:
    """A table of all checks for a terminal, then a line for each that failed."""
    head = ["gate", "kind", "demand", "limit", "reached", "n", ""]
    rows = [
        [
            visible(check.name),
            visible(check.kind) or "all",
            check.demand,
            _amount(check.name, check.limit),
            _amount(check.name, check.reached),
            str(check.n),
            "passed" if check.passed else "FAILED",
        ]
        for check in result.checks
    ]
    failed = [f"Gate failed: {visible(check.message)}." for check in result.failed]
    if result.passed:
        failed = [f"Gate passed: {len(result.checks)} of {len(result.checks)} checks met."]
    return "\n".join([table([head, *rows]), "", *failed])
