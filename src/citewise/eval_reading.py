"""What every report says of a run record: names, marks, numbers, the gate's verdict.

The reports are ``eval_html``, ``eval_markdown`` and ``eval_junit``. Whatever text a record holds
comes from documents and models; each report makes it inert in its own way, after ``reveal``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from citewise.errors import EvaluationError
from citewise.eval_record import FORMAT

__all__ = [
    "BLEMISHES",
    "HEADLINE",
    "LABELS",
    "OUTCOMES",
    "Gate",
    "GateCheck",
    "Record",
    "amount",
    "clip",
    "demand_record",
    "interval",
    "measure_name",
    "percent",
    "problems_of",
    "reveal",
    "verdict",
]

Record: TypeAlias = Mapping[str, Any]
"""A run record, or a part of one; ``schemas/run.schema.json`` describes it."""

_PARTS = (
    *("citewise", "set", "judge", "models", "settings", "overall", "kinds", "disagreements"),
    *("questions", "seconds"),
)
HEADLINE = (
    *("correct", "answered_wrongly", "refused_wrongly", "refused_rightly", "faithfulness"),
    *("citation_precision", "citation_recall"),
)
"""The measures a reader looks at first."""
BLEMISHES = ("inexact_citations", "unsupported_sentences", "ungrounded_sentences")
"""The counts that should be 0."""
OUTCOMES = {
    "answered_correctly": ("✓", "answered correctly"),
    "quoted_correctly": ("✓", "quoted correctly"),
    "refused_rightly": ("✓", "refused rightly"),
    "answered_wrongly": ("✗", "answered wrongly"),
    "refused_wrongly": ("✗", "refused wrongly"),
    "not_refused": ("✗", "not refused"),
    "unscored": ("?", "unscored"),
}
"""The mark and the words for each outcome, the right ones first."""
LABELS = {
    "supported": ("✓", "supported"),
    "partly_supported": ("⚠", "partly supported"),
    "unsupported": ("✗", "not supported"),
    "contradicted": ("✗", "contradicted"),
}
"""The mark and the words for each verdict."""
_NAMES = {
    "right": "right in all",
    "correct": "answered or quoted correctly",
    "answered_wrongly": "answered wrongly",
    "refused_wrongly": "refused wrongly",
    "refused_rightly": "refused rightly",
    "mrr": "mean reciprocal rank",
    "alce_recall": "citation recall (ALCE)",
    "alce_precision": "citation precision (ALCE)",
}
_JOINERS = "\u200c\u200d"  # these shape letters in several scripts, and emoji


class GateCheck(Protocol):
    """One demand of the gate, and what the run reached.

    ``demand`` is what is asked of ``name``, such as ``minimum``; ``kind`` is the kind of question,
    empty for all.
    """

    @property
    def demand(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def reached(self) -> float | str | None: ...
    @property
    def limit(self) -> float | str | None: ...
    @property
    def n(self) -> int | None: ...
    @property
    def passed(self) -> bool: ...
    @property
    def message(self) -> str: ...


class Gate(Protocol):
    """The decision about a run; it can fail although every check passed."""

    @property
    def passed(self) -> bool: ...
    @property
    def checks(self) -> Sequence[GateCheck]: ...


def demand_record(record: Record) -> None:
    """Refuse what is no run record before a report is half written.

    Raises:
        EvaluationError: the format is another one, or a part is missing.
    """
    found = record.get("format") if isinstance(record, Mapping) else None
    if found != FORMAT:
        raise EvaluationError(
            f"This is no run record of format {FORMAT}: its format is {found!r}.",
            "Run the evaluation again with this version.",
        )
    if missing := [part for part in _PARTS if part not in record]:
        raise EvaluationError(
            f"The run record lacks {missing[0]!r}.", "Use the file as the evaluation wrote it."
        )


def verdict(gate: Gate | None) -> tuple[str, str]:
    """``passed``, ``failed`` or ``none``, and a sentence that says so with numbers."""
    if gate is None:
        return "none", "No gate was asked for."
    total, failed = len(gate.checks), sum(not check.passed for check in gate.checks)
    if gate.passed:
        return "passed", f"Gate passed: {total} of {total} checks met."
    if not failed:
        return "failed", f"Gate failed as a whole; {total} of {total} checks were met."
    return "failed", f"Gate failed: {failed} of {total} checks missed."


def measure_name(name: str) -> str:
    """The words for a measure or count."""
    return _NAMES.get(name) or name.replace("_", " ").replace("@", " at ")


def problems_of(question: Record) -> list[str]:
    """What speaks against the answer, the error first if no other line tells it."""
    lines = list(question["problems"])
    if question["error"] and not any(question["error"] in line for line in lines):
        lines.insert(0, question["error"])
    # For a terminal the lines are aligned with spaces.
    return [re.sub(" {2,}", " ", line) for line in lines]


def percent(value: float | None) -> str:
    """``75.0 %``; a dash where nothing was measured."""
    return "–" if value is None else f"{100 * value:.1f} %"


def interval(measure: Record) -> str:
    """``62–87 %``; nothing without an interval."""
    low, high = measure.get("low"), measure.get("high")
    return "" if low is None or high is None else f"{100 * low:.0f}–{100 * high:.0f} %"


def amount(value: object) -> str:
    """A number in few digits; a dash for None."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def reveal(text: str) -> str:
    """The text with its invisible and control characters spelled out, such as ``⟨U+202E⟩``.

    Direction overrides and zero-width characters make text read differently from what it is, and
    lone surrogates cannot be written to a file. Newlines, tabs and joiners stay.
    """
    if text.isprintable():  # nearly all are, and this is far faster
        return text
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(f"⟨U+{ord(c):04X}⟩" if _hidden(c) else c for c in lines)


def _hidden(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS:
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def clip(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one an ellipsis where something was cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
