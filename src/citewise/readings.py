"""Reading a table where the question names a row and a column, or a value that only one row has.

Small language models often take the wrong cell, or prose near the table instead of it. A cell that
the question points at needs no language model at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citewise.quantities import holds, quantities
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = ["read_cells"]

_PARENTHESES = re.compile(r"\([^()]*\)")
_ENOUGH_OF_A_COLUMN = 0.6
_MOST_CELLS = 4
_ASKS_WHICH = re.compile(r"\b(?:which|what|whose|who)\b", re.IGNORECASE)
# Differences and ratios have to be worked out, which a list of cells does not do.
_ASKS_ALL = re.compile(r"\b(?:all|everything|every|figures|details)\b", re.IGNORECASE)
_COUNTS = re.compile(
    r"\b(?:how many times|times|factor|share|fraction|proportion|ratio|difference|by how much|"
    r"average|sum|total of|percent more|percent less|how much more|how much less|how far)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Row:
    subject: str
    cells: tuple[tuple[str, str], ...]


def read_cells(
    question: str,
    words: str,
    earlier: str,
    evidence: Sequence[Evidence],
    weight: Callable[[str], float],
) -> str:
    """The cells that the question points at, as sentences; "" if it points at none.

    Args:
        question: as it was asked.
        words: the same, with slips corrected.
        earlier: the words of the question before it, from which a follow-up takes the row or the
            column that it does not name itself.
        evidence: spans that may answer, rows of tables among them.
        weight: how much a term counts, such as its rarity.
    """
    rows = [_row(item.rendered) for item in evidence if item.kind == "row"]
    if not rows or _COUNTS.search(question):
        return ""
    now, before = frozenset(lexical_terms(words)), frozenset(lexical_terms(earlier))
    subjects = [row for row in rows if _is_named(row, rows, now)]
    named = subjects or [row for row in rows if _is_named(row, rows, before)]
    found = []
    for row in named[:_MOST_CELLS]:
        columns = row.cells if _ASKS_ALL.search(question) else _columns(row, now, weight)
        if not columns and subjects:
            columns = _columns(row, before, weight)
        found += [f"{row.subject} — {column}: {value}." for column, value in columns]
    return " ".join(found) or _subject_of_value(question, rows)


def _row(rendered: str) -> _Row:
    subject, _, rest = rendered.partition(" — ")
    pairs = [part.split(": ", 1) for part in rest.split("; ") if ": " in part]
    return _Row(subject, tuple((pair[0], pair[1]) for pair in pairs))


def _core(text: str) -> frozenset[str]:
    """The terms of a name without what stands in parentheses, which people leave out."""
    return frozenset(content_terms(_PARENTHESES.sub(" ", text).strip() or text))


def _is_named(row: _Row, rows: Sequence[_Row], asked: frozenset[str]) -> bool:
    own = frozenset(lexical_terms(_PARENTHESES.sub(" ", row.subject)))
    others = frozenset[str]().union(*(_core(r.subject) for r in rows if r.subject != row.subject))
    whole = _core(row.subject)
    compounds = {
        term
        for term in whole & asked
        if any(map(str.isdigit, term)) and any(map(str.isalpha, term))
    }
    # A compound such as "gpt4" stands for its parts; otherwise every telling part must be there.
    telling = whole - others or whole
    return bool(compounds - others) or (telling <= asked and bool(own & asked))


def _columns(
    row: _Row, asked: frozenset[str], weight: Callable[[str], float]
) -> tuple[tuple[str, str], ...]:
    scores = [(_share(_core(name), asked, weight), name, value) for name, value in row.cells]
    best = max((score for score, _, _ in scores), default=0.0)
    if best < _ENOUGH_OF_A_COLUMN:
        return ()
    return tuple((name, value) for score, name, value in scores if score in (best, 1.0))


def _share(terms: frozenset[str], asked: frozenset[str], weight: Callable[[str], float]) -> float:
    total = sum(weight(term) for term in terms)
    return sum(weight(term) for term in terms & asked) / total if total else 0.0


def _subject_of_value(question: str, rows: Sequence[_Row]) -> str:
    """ "Which model was trained with 2e25 FLOPs?": the one row that has the value."""
    if not _ASKS_WHICH.search(question):
        return ""
    values = [q for q in quantities(question) if not 1900 <= q.value <= 2100]
    found = {
        f"{row.subject} — {name}: {value}."
        for row in rows
        for name, value in row.cells
        for wanted in values
        if holds(quantities(value), wanted)
    }
    return found.pop() if len(found) == 1 else ""
