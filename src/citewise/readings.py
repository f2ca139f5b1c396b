"""Reading a table where the question names a row and a column, or a value that only one row has.

Small language models often take the wrong cell, or prose near the table instead of it. A cell that
the question points at needs no language model at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from citewise.cells import Row, about, columns_asked, is_named, rows_of
from citewise.quantities import holds, quantities
from citewise.tokens import lexical_terms
from citewise.types import Evidence

__all__ = ["read_cells"]

_MOST_CELLS = 4
_ASKS_WHICH = re.compile(r"\b(?:which|what|whose|who)\b", re.IGNORECASE)
_ASKS_ALL = re.compile(r"\b(?:all|everything|every|figures|details)\b", re.IGNORECASE)
# These have to be worked out; see ``comparing``.
_COUNTS = re.compile(
    r"\b(?:how many times|times|factor|share|fraction|proportion|ratio|difference|by how much|"
    r"average|sum|total of|percent more|percent less|how much more|how much less|how far)\b",
    re.IGNORECASE,
)


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
    rows = about(question, rows_of(evidence))
    if not rows or _COUNTS.search(question):
        return ""
    now, before = frozenset(lexical_terms(words)), frozenset(lexical_terms(earlier))
    subjects = [row for row in rows if is_named(row, rows, now)]
    named = subjects or [row for row in rows if is_named(row, rows, before)]
    found = []
    for row in named[:_MOST_CELLS]:
        columns = row.cells if _ASKS_ALL.search(question) else columns_asked(row, words, weight)
        if not columns and subjects:
            columns = columns_asked(row, earlier, weight)
        found += [f"{row.subject} — {column}: {value}." for column, value in columns]
    return " ".join(found) or _subject_of_value(question, rows)


def _subject_of_value(question: str, rows: Sequence[Row]) -> str:
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
