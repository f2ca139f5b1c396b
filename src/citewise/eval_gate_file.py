"""The gate's file: what a run must reach, in TOML, checked before anything is run."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias

from citewise.errors import EvaluationError
from citewise.eval_metrics import COUNTS, METRICS
from citewise.eval_paired import FAULTS, LOWER_IS_BETTER

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Gate", "Regression", "Threshold", "load_gate"]

Bound: TypeAlias = Literal["minimum", "maximum"]

_COUNTS = ("questions", *COUNTS, "unscored", "with_notices")
_TABLES = ("minimum", "maximum", "regression")
_KIND = "kind"
_CONFIDENCE = 0.95
_SUREST = 0.999  # beyond it, the draws of ``eval_paired`` could never call a drop real


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least or the most of a measure (a share from 0 to 1) or of a count (a total).

    ``kind`` is the kind of question it is about, empty for all questions.
    """

    bound: Bound
    name: str
    limit: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Regression:
    """What must not get worse than in the baseline.

    ``confidence`` is one-sided. A real drop of the mean below ``least_drop`` is passed over; for a
    count, that is how many more there are per question.
    """

    measures: tuple[str, ...]
    counts: tuple[str, ...]
    confidence: float = _CONFIDENCE
    least_drop: float = 0.0


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that is demanded of a run."""

    thresholds: tuple[Threshold, ...]
    regression: Regression | None = None


def load_gate(path: str | Path) -> Gate:
    """The gate of a TOML file; ``docs/gate.md`` describes it.

    Raises:
        EvaluationError: the file cannot be read, demands nothing, or demands what is unknown or
            impossible. The message names the table, the value and the nearest known name.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise EvaluationError(
            f"The gate {path} cannot be read: {error.strerror or error}.",
            "Check the path and its permissions.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise EvaluationError(
            f"The gate {path} is not valid TOML: {error}.", "See docs/gate.md for its form."
        ) from None
    for name in data:
        if name not in _TABLES:
            _unknown(path, name, "a table of a gate", _TABLES)
    file = _GateFile(path, data)
    gate = Gate((*file.thresholds("minimum"), *file.thresholds("maximum")), file.regression())
    if not gate.thresholds and gate.regression is None:
        raise EvaluationError(
            f"The gate {path} demands nothing.", "Add a value to [minimum], such as correct = 0.6."
        )
    return gate


@dataclass(frozen=True, slots=True)
class _GateFile:
    path: Path
    data: Mapping[str, Any]

    def thresholds(self, bound: Bound) -> Iterator[Threshold]:
        table = self._table(bound, self.data)
        kinds = self._table(_KIND, table, f"{bound}.{_KIND}")
        own = {name: value for name, value in table.items() if name != _KIND}
        yield from self._thresholds(bound, bound, own, "")
        for kind in kinds:
            where = f"{bound}.{_KIND}.{kind}"
            yield from self._thresholds(bound, where, self._table(kind, kinds, where), kind)

    def regression(self) -> Regression | None:
        if "regression" not in self.data:
            return None
        table = self._table("regression", self.data)
        known = ("measures", "counts", "confidence", "least_drop")
        for name in table:
            if name not in known:
                _unknown(self.path, name, "a key of [regression]", known)
        measures = self._names(table, "measures", tuple(METRICS))
        counts = self._names(table, "counts", FAULTS)
        if not measures and not counts:
            self._fail("regression", "compares nothing.", 'Add measures = ["correct"].')
        confidence = self._number(table, "confidence", _CONFIDENCE)
        if not 0.5 <= confidence <= _SUREST:
            self._fail("regression", f"confidence is {confidence!r}.", f"Give 0.5 to {_SUREST}.")
        least_drop = self._number(table, "least_drop", 0.0)
        if not 0 <= least_drop < 1:
            self._fail("regression", f"least_drop is {least_drop!r}.", "Give 0 to below 1.")
        return Regression(measures, counts, confidence, least_drop)

    def _thresholds(
        self, bound: Bound, where: str, table: Mapping[str, Any], kind: str
    ) -> Iterator[Threshold]:
        for name in table:
            if name not in METRICS and name not in _COUNTS:
                _unknown(self.path, name, f"a measure or count, in [{where}]", (*METRICS, *_COUNTS))
            limit = self._number(table, name, 0.0, where)
            if name in METRICS and not 0 <= limit <= 1:
                self._fail(where, f"{name} is {limit!r}.", "Give a share from 0 to 1, such as 0.9.")
            if name in _COUNTS and (limit < 0 or limit != int(limit)):
                self._fail(where, f"{name} is {limit!r}.", "Give a whole number of 0 or more.")
            self._demand_direction(bound, where, name)
            yield Threshold(bound, name, limit, kind)

    def _demand_direction(self, bound: Bound, where: str, name: str) -> None:
        """Under the wrong table a threshold would let exactly the bad runs through."""
        if name in LOWER_IS_BETTER and bound == "minimum":
            self._fail(where, f"less of {name} is better.", f"Put {name} under [maximum].")
        if name in METRICS and name not in LOWER_IS_BETTER and bound == "maximum":
            self._fail(where, f"more of {name} is better.", f"Put {name} under [minimum].")

    def _table(self, name: str, data: Mapping[str, Any], where: str = "") -> Mapping[str, Any]:
        value = data.get(name, {})
        if not isinstance(value, dict):
            self._fail(where or name, f"is {value!r}.", "Make it a table of names and numbers.")
        return value

    def _names(self, table: Mapping[str, Any], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list):
            self._fail("regression", f"{key} is {value!r}.", 'Give a list, such as ["a", "b"].')
        for name in value:
            if name not in known:
                what = f"one of the {key} that can get worse, in [regression]"
                _unknown(self.path, name, what, known)
        return tuple(dict.fromkeys(value))

    def _number(
        self, table: Mapping[str, Any], key: str, default: float, where: str = "regression"
    ) -> float:
        value = table.get(key, default)
        if type(value) not in (int, float) or value != value or abs(value) == float("inf"):
            self._fail(where, f"{key} is {value!r}.", "Give a number.")
        return float(value) if isinstance(value, float) else int(value)

    def _fail(self, where: str, problem: str, remedy: str) -> NoReturn:
        raise EvaluationError(f"{self.path}, [{where}]: {problem}", remedy)


def _unknown(path: Path, name: object, what: str, known: Iterable[str]) -> NoReturn:
    known = tuple(known)
    nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)
    raise EvaluationError(
        f"{path}: {name!r} is not {what}.",
        f"The nearest is {nearest[0]!r}. Known: {', '.join(known)}.",
    )
