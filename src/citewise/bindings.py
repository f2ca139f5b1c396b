"""Whether a sentence takes a table's value from the row and the column it speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.quantities import Quantity, holds, names, quantities
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = ["misplaced"]

# Whole numbers below this, behind a name, tell versions apart: "Llama 3", "Windows 11".
_VERSIONS = 100
_PRONOUN = re.compile(r"\b(?:it|its|they|their|this|that|these|those)\b", re.IGNORECASE)
_RESPECTIVELY = re.compile(r"\brespectively\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Row:
    subject: str
    cells: tuple[tuple[str, str], ...]


def misplaced(sentence: str, evidence: Sequence[Evidence], given: str = "") -> str:
    """Why a number stands for the wrong row or column; "" if none does.

    "It" may be a row that ``given``, the words of the question, names.

    A number that some cited prose states is not looked at, and "respectively" is trusted, since
    its order cannot be read off the distance of words.
    """
    rows = [_row(item.rendered) for item in evidence if item.kind == "row"]
    prose = [q for e in evidence if e.kind != "row" for q in quantities(e.rendered or e.text)]
    stray = _names_outside(sentence, evidence)
    for number in quantities(sentence):
        holders = [row for row in rows if _held(row, number)]
        if not holders or holds(prose, number) or _in_a_subject(number, rows):
            continue
        if stray:
            return f"the row with {number.text} does not speak of {stray!r}"
        reason = (
            _wrong_row(sentence, number, rows, holders)
            or _foreign_row(sentence, number, holders, given)
            or _wrong_column(sentence, number, holders)
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


def _in_a_subject(number: Quantity, rows: Sequence[_Row]) -> bool:
    """A number such as the 405B of "Llama 3 405B" is part of the row's name."""
    return any(holds(quantities(row.subject), number) for row in rows)


def _names_outside(sentence: str, evidence: Sequence[Evidence]) -> str:
    """A name in the sentence that none of the cited rows, nor their heading, holds."""
    text = " ".join(f"{e.heading} {e.rendered}" for e in evidence if e.kind == "row")
    terms = set(lexical_terms(text))
    return next((n.text for n in names(sentence) if not n.stands_in(text, terms)), "")


def _foreign_row(sentence: str, number: Quantity, holders: Sequence[_Row], given: str) -> str:
    """The number comes only from rows whose subject the sentence does not name."""
    terms = set(lexical_terms(sentence))
    if _PRONOUN.search(sentence):
        terms |= set(lexical_terms(given))
    for row in holders:
        own = [q for q in quantities(row.subject) if q.value < _VERSIONS]
        said = [q for q in quantities(sentence) if q.value < _VERSIONS and q is not number]
        other = next((q for q in said if _same_word_before(sentence, q, row.subject, own)), None)
        if terms.intersection(content_terms(row.subject)) and other is None:
            return ""
    return f"{number.text} belongs to {holders[0].subject!r}"


def _same_word_before(sentence: str, said: Quantity, subject: str, own: list[Quantity]) -> bool:
    """Whether the sentence says "Llama 4" where the subject says "Llama 3"."""
    word = _word_before(sentence, said)
    return bool(word) and any(
        word == _word_before(subject, q) and q.value != said.value for q in own
    )


def _word_before(text: str, number: Quantity) -> str:
    words = re.findall(r"\w+", text[: number.start])
    return words[-1].lower() if words else ""


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
    for word in re.finditer(r"[^\W\d][\w.-]*", sentence):
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
    # "It falls from 1,500 to 800 by 2026": both columns' values are told.
    if any(holds(quantities(sentence), q) for q in quantities(dict(row.cells)[asked])):
        return ""
    return f"{number.text} stands under {own[0]!r}, not under {asked!r}"
