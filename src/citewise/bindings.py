"""Whether a sentence takes a table's value from the row and the column it speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.quantities import Quantity, holds, quantities
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = ["misplaced"]

_RESPECTIVELY = re.compile(r"\brespectively\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Row:
    subject: str
    cells: tuple[tuple[str, str], ...]


def misplaced(sentence: str, evidence: Sequence[Evidence]) -> str:
    """Why a number stands for the wrong row or column; "" if none does.

    A number that some cited prose states is not looked at, and "respectively" is trusted, since
    its order cannot be read off the distance of words.
    """
    rows = [_row(item.rendered) for item in evidence if item.kind == "row"]
    prose = [q for e in evidence if e.kind != "row" for q in quantities(e.rendered or e.text)]
    for number in quantities(sentence):
        holders = [row for row in rows if _held(row, number)]
        if not holders or holds(prose, number):
            continue
        reason = _wrong_row(sentence, number, rows, holders) or _wrong_column(
            sentence, number, holders
        )
        if reason:
            return reason
    return ""


def _row(rendered: str) -> _Row:
    subject, _, rest = rendered.partition(" — ")
    cells = [tuple(part.split(": ", 1)) for part in rest.split("; ") if ": " in part]
    return _Row(subject, tuple((cell[0], cell[1]) for cell in cells))


def _held(row: _Row, number: Quantity) -> bool:
    return any(holds(quantities(value), number) for _, value in row.cells)


def _wrong_row(
    sentence: str, number: Quantity, rows: Sequence[_Row], holders: Sequence[_Row]
) -> str:
    if len(rows) < 2 or _RESPECTIVELY.search(sentence):
        return ""
    nearest = _nearest_subject(sentence, number, rows)
    if nearest is None or any(row.subject == nearest.subject for row in holders):
        return ""
    return f"{number.text} belongs to {holders[0].subject!r}, not to {nearest.subject!r}"


def _nearest_subject(sentence: str, number: Quantity, rows: Sequence[_Row]) -> _Row | None:
    """The row named last before the number, or else first behind it."""
    places = []
    for row in rows:
        place = _place(sentence, row, rows)
        if place >= 0:
            before = place <= number.start
            places.append((not before, abs(number.start - place), row.subject, row))
    return min(places, key=lambda found: found[:3])[3] if places else None


def _place(sentence: str, row: _Row, rows: Sequence[_Row]) -> int:
    own = set(content_terms(row.subject))
    others = set[str]().union(*(content_terms(r.subject) for r in rows if r is not row))
    telling = own - others or own
    for word in re.finditer(r"[\w.-]+", sentence):
        if telling & set(lexical_terms(word[0])):
            return word.start()
    return -1


def _wrong_column(sentence: str, number: Quantity, holders: Sequence[_Row]) -> str:
    terms = set(content_terms(sentence))
    for row in holders:
        named = {name: len(terms & set(content_terms(name))) for name, _ in row.cells}
        own = [name for name, value in row.cells if holds(quantities(value), number)]
        best = max(named.values(), default=0)
        # Only a sentence that names another column, and not the value's own, is surely wrong.
        if best == 0 or any(named[name] for name in own):
            return ""
    asked = max(named, key=lambda name: named[name])
    return f"{number.text} stands under {own[0]!r}, not under {asked!r}"
