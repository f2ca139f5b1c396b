"""Reading a table where the question names a row and a column, or a value that only one row has.

Small language models often take the wrong cell, or prose near the table instead of it. A cell that
the question points at needs no language model at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from citewise.cells import (
    Reading,
    Row,
    about,
    alike,
    cell_reading,
    columns_asked,
    is_named,
    rows_of,
)
from citewise.comparing import compare
from citewise.quantities import holds, quantities
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = ["gives", "read_table", "unexplained"]

_MOST_CELLS = 4
_PARENTHESES = re.compile(r"\([^()]*\)")
# Words of questions about tables that are about no cell.
_GENERIC = frozenset(
    content_terms(
        "many much number nr count figure figures point points factor use used come comes take"
        " follow name put need give table row column list value model company average total"
        " million billion times least most all everything please estimated"
    )
)
_COMPARING = re.compile(
    r"\b(?:\w+est|more|less|higher|lower|larger|bigger|greater|smaller|fewer|cheaper|pricier"
    r"|expensive|cheap|worth|valued|above|below|ahead|far|beats?|compare[ds]?|difference|change[ds]?"
    r"|grow[ns]?|between|going|up|down|large|big|small|both)\b",
    re.IGNORECASE,
)
_ASKS_WHICH = re.compile(r"\b(?:which|what|whose|who)\b", re.IGNORECASE)
_ASKS_ALL = re.compile(r"\b(?:all|everything|every|figures|details)\b", re.IGNORECASE)
# A cell is no explanation.
_EXPLAINS = re.compile(
    r"^\W*(?:why|how (?:do|does|did|can|could|would|should|has|have|come))\b", re.IGNORECASE
)
# These have to be worked out; see ``comparing``.
_COUNTS = re.compile(
    r"\b(?:how many times|times|factor|share|fraction|proportion|ratio|difference|by how much|"
    r"average|sum|total of|percent more|percent less|how much more|how much less|how far)\b",
    re.IGNORECASE,
)


def read_table(
    question: str,
    words: str,
    earlier: str,
    evidence: Sequence[Evidence],
    weight: Callable[[str], float],
) -> list[Reading]:
    """What the cells that the question points at say; empty if it points at none.

    Args:
        question: as it was asked.
        words: the same, with slips corrected.
        earlier: the words of the question before it, from which a follow-up takes the row or the
            column that it does not name itself.
        evidence: spans that may answer, rows of tables among them.
        weight: how much a term counts, such as its rarity.
    """
    compared = compare(question, words, earlier, evidence, weight)
    rows = about(question, rows_of(evidence))
    if compared or not rows or _COUNTS.search(question) or _EXPLAINS.search(question):
        return compared
    now, before = frozenset(lexical_terms(words)), frozenset(lexical_terms(earlier))
    subjects = [row for row in rows if is_named(row, rows, now)]
    named = subjects or [row for row in rows if is_named(row, rows, before)]
    found = []
    for row in named[:_MOST_CELLS]:
        columns = row.cells if _ASKS_ALL.search(question) else columns_asked(row, words, weight)
        if not columns and subjects:
            columns = columns_asked(row, earlier, weight)
        columns = columns or columns_asked(row, question, weight, loosely=True)
        found += [cell_reading(row, column) for column, _ in columns]
    return found or _subject_of_value(question, rows)


def _subject_of_value(question: str, rows: Sequence[Row]) -> list[Reading]:
    """ "Which model was trained with 2e25 FLOPs?": the one row that has the value."""
    if not _ASKS_WHICH.search(question):
        return []
    values = [q for q in quantities(question) if not 1900 <= q.value <= 2100]
    found = [
        cell_reading(row, column)
        for row in rows
        for column, value in row.cells
        if any(holds(quantities(value), wanted) for wanted in values)
    ]
    return found if len(found) == 1 else []


def gives(text: str, reading: Reading) -> bool:
    """Whether a text gives the value of a cell."""
    value = _PARENTHESES.sub(" ", reading.value)
    numbers = quantities(value)
    if numbers:
        said = quantities(text)
        return all(holds(said, number) for number in numbers)
    terms = frozenset(content_terms(value))
    return len(terms & frozenset(lexical_terms(text))) >= 0.75 * len(terms)


def unexplained(question: str, words: str, readings: Sequence[Reading]) -> frozenset[str]:
    """Terms of a question that neither the rows, nor their columns, nor comparing account for.

    None or one is left where the question asks just for these cells.
    """
    held = frozenset(
        term
        for reading in readings
        for item in reading.evidence
        for term in lexical_terms(f"{item.heading} {item.rendered}")
    )
    asked = frozenset(content_terms(_COMPARING.sub(" ", words)))
    asked |= frozenset(content_terms(_COMPARING.sub(" ", question))) & held
    return frozenset(term for term in asked - _GENERIC if term.isalpha() and not alike(term, held))
