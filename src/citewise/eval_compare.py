"""Two runs of one question set side by side: what differs, and which differences are real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from citewise.errors import EvaluationError
from citewise.eval_baseline import baseline_of
from citewise.eval_comparable import demand_comparable
from citewise.eval_metrics import METRICS
from citewise.eval_paired import FAULTS, LOWER_IS_BETTER, Pairs, is_drop, margins, pairs
from citewise.eval_tables import table, visible
from citewise.grading import Outcome

__all__ = ["Comparison", "Difference", "OutcomeChange", "compare_runs", "describe_comparison"]

_ONE_SIDED = 0.975  # both sides together leave 5 % outside
_RIGHT = frozenset(str(outcome) for outcome in Outcome if outcome.right)
_EMPTY = "–"


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure or count in both runs, over the ``n`` questions that have it in both.

    ``a`` and ``b`` are means for a measure, totals for a count. ``change`` is b - a, ``low`` and
    ``high`` its 95 % paired bootstrap interval; all are None where n is 0. ``verdict`` says which
    run is really better, ``"a"`` or ``"b"``; it is empty if the difference is no more than noise.
    """

    name: str
    a: float | None
    b: float | None
    change: float | None
    low: float | None
    high: float | None
    n: int
    verdict: str

    @property
    def real(self) -> bool:
        """True if the difference is more than noise."""
        return bool(self.verdict)


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """A question that came out differently."""

    id: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, called by their names.

    ``only_a`` came right in the first run alone, ``only_b`` in the second alone; ``neither`` holds
    what came out differently but equally right or wrong.
    """

    names: tuple[str, str]
    differences: tuple[Difference, ...]
    only_a: tuple[OutcomeChange, ...]
    only_b: tuple[OutcomeChange, ...]
    neither: tuple[OutcomeChange, ...]


def compare_runs(a: Mapping[str, Any], b: Mapping[str, Any], names: Sequence[str]) -> Comparison:
    """Compare two run records; a question that is unscored in one run counts as its worst there.

    Args:
        a: the first run.
        b: the second run, on the same questions.
        names: what to call them.

    Raises:
        EvaluationError: they asked other questions, or another judge graded them.
    """
    titles = (names[0], names[1])
    _demand_same_set(a, b, titles)
    first, second = baseline_of(a), baseline_of(b)
    demand_comparable(first, second, first=f"run {titles[0]!r}")
    old, new = first["questions"], second["questions"]
    differing = [
        OutcomeChange(i, old[i]["outcome"], new[i]["outcome"])
        for i in old
        if old[i]["outcome"] != new[i]["outcome"]
    ]
    only_a = tuple(c for c in differing if c.a in _RIGHT and c.b not in _RIGHT)
    only_b = tuple(c for c in differing if c.b in _RIGHT and c.a not in _RIGHT)
    neither = tuple(c for c in differing if c not in only_a and c not in only_b)
    found = (pairs(name, old, new, both_ways=True) for name in (*METRICS, *FAULTS))
    return Comparison(titles, tuple(map(_difference, found)), only_a, only_b, neither)


def _demand_same_set(a: Mapping[str, Any], b: Mapping[str, Any], names: tuple[str, str]) -> None:
    if a["set"]["sha256"] != b["set"]["sha256"]:
        raise EvaluationError(
            f"The runs {names[0]!r} and {names[1]!r} used different question sets: "
            f"{a['set']['file']!r} and {b['set']['file']!r} differ.",
            "Run both on the same file.",
        )
    alone = {q["id"] for q in a["questions"]} ^ {q["id"] for q in b["questions"]}
    if alone:
        raise EvaluationError(
            f"Only one of the runs {names[0]!r} and {names[1]!r} asked {min(alone)!r}.",
            "Give both the same --only, --tag, --id, --every, --sample and --limit.",
        )


def _difference(found: Pairs) -> Difference:
    n = len(found.ids)
    if not n:
        return Difference(found.name, None, None, None, None, None, 0, "")
    gains = found.gains
    low, high = margins(gains, _ONE_SIDED)
    change = found.mean_gain
    if found.name in LOWER_IS_BETTER:
        change, low, high = -change, -high, -low
    verdict = "a" if is_drop(gains, _ONE_SIDED) else "b" if is_drop(-gains, _ONE_SIDED) else ""
    # Means for a measure, totals for a count.
    size = 1 if found.name in METRICS else n
    a, b = (size * sum(values) / n for values in (found.old, found.new))
    return Difference(found.name, a, b, size * change, size * low, size * high, n, verdict)


def describe_comparison(comparison: Comparison) -> str:
    """A table of all measures and counts for a terminal, then the questions that differ."""
    first, second = (visible(name) for name in comparison.names)
    # Two settings of the same name would make every line ambiguous.
    first, second = (f"{first} (a)", f"{second} (b)") if first == second else (first, second)
    rows = [_row(difference, first, second) for difference in comparison.differences]
    head = ["measure in %, or count", first, second, "change", "95 %", "n", "really better"]
    parts = [table([head, *rows])]
    parts += _listed(f"Right only with {first}", comparison.only_a)
    parts += _listed(f"Right only with {second}", comparison.only_b)
    parts += _listed("Otherwise different", comparison.neither)
    if len(parts) == 1:
        parts.append("Every question came out the same.")
    return "\n\n".join(parts)


def _row(d: Difference, first: str, second: str) -> list[str]:
    interval = f"{_amount(d, d.low, '+')} to {_amount(d, d.high, '+')}" if d.n else _EMPTY
    values = [_amount(d, d.a), _amount(d, d.b), _amount(d, d.change, "+"), interval]
    winner = {"a": first, "b": second}.get(d.verdict, "")
    return [d.name, *values, str(d.n), winner]


def _amount(d: Difference, value: float | None, sign: str = "") -> str:
    """A measure in per cent or points; a count as it is, rounded to a tenth."""
    if value is None:
        return _EMPTY
    scaled, places = (100 * value, 1) if d.name in METRICS else (value, int(value % 1 != 0))
    # Adding 0.0 turns a negative zero into a plain one.
    return f"{round(scaled, places) + 0.0:{sign}.{places}f}"


def _listed(title: str, changes: Sequence[OutcomeChange]) -> Iterator[str]:
    if changes:
        lines = [f"  {visible(change.id)}: {change.a} -> {change.b}" for change in changes]
        yield "\n".join([f"{title} ({len(changes)}):", *lines])
