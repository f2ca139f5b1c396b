"""Questions that compare cells of a table: the greatest, the cheaper of two, what lies between.

A small language model picks the wrong maximum and gives one value of two. Which of several numbers
is greater can be read off the table. Differences and ratios are not printed: every number shown
must stand in the cited words, so both values are given instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from citewise.cells import (
    Reading,
    Row,
    about,
    cell_reading,
    columns_asked,
    is_named,
    named_in_order,
    rows_of,
    same_table,
)
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = ["compare"]

_GREATEST = (
    r"highest|most(?! of)|largest|biggest|greatest|maximum|longest|tallest|fastest|heaviest"
    r"|oldest|priciest|costliest|best|top|strongest"
)
_LEAST = r"lowest|least|fewest|smallest|minimum|shortest|slowest|lightest|cheapest|worst|weakest"
_GREATER = (
    r"higher|more|larger|bigger|greater|longer|taller|faster|heavier|older|pricier|costlier"
    r"|better|above|beats?|ahead|outperforms?|exceeds?|surpass(?:es)?"
)
_LESSER = r"lower|less|fewer|smaller|shorter|slower|lighter|cheaper|worse|below|behind"
_SUPERLATIVE = re.compile(rf"\b(?:(?P<most>{_GREATEST})|(?P<least>{_LEAST}))\b", re.IGNORECASE)
_COMPARATIVE = re.compile(rf"\b(?:(?P<most>{_GREATER})|(?P<least>{_LESSER}))\b", re.IGNORECASE)
# "Least expensive" is the lowest cost; "best" is the lowest of what one wants little of.
_LEAST_OF = re.compile(r"\b(?:cheap|inexpensive|affordable)\b", re.IGNORECASE)
_UNWANTED = re.compile(r"cost|price|latency|time|error|risk|loss", re.IGNORECASE)
_JUDGES = re.compile(r"\b(?:best|better|worst|worse|beats?|outperforms?)\b", re.IGNORECASE)
_BETWEEN = re.compile(
    r"\b(?:compare[ds]?|comparison|versus|vs|differences?|differs?|how many times|times|factor"
    r"|share|fraction|proportion|ratio|by how m(?:uch|any)|how much (?:more|less)|how far"
    r"|change[ds]?|grows?|grew|growth|rises?|rose|falls?|fell|drops?|increases?|decreases?|"
    r"going up|going down|between|vanish|disappear)\b",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"\b(second|third|fourth)[ -]", re.IGNORECASE)
_PLACES = {"second": 1, "third": 2, "fourth": 3}
_EXCEPT = re.compile(
    r"\b(?:not counting|excluding|except(?: for)?|other than|apart from|besides|leaving out)"
    r"\s+([^,?.]+)",
    re.IGNORECASE,
)
_ASKS_WHICH = re.compile(r"\b(?:which|what|who|whose|name)\b", re.IGNORECASE)
_MOST_ROWS = 4


def compare(
    question: str,
    words: str,
    earlier: str,
    evidence: Sequence[Evidence],
    weight: Callable[[str], float],
) -> list[Reading]:
    """What follows from the cells that a question compares; empty if it compares none.

    Args:
        question: as it was asked.
        words: the same, with slips corrected.
        earlier: the question before it, in whose rows "which of the two" looks.
        evidence: spans that may answer, rows of tables among them.
        weight: how much a term counts, such as its rarity.
    """
    rows = about(question, rows_of(evidence))
    kept = _EXCEPT.sub(" ", question)
    superlative = _SUPERLATIVE.search(kept)
    comparative = _COMPARATIVE.search(kept)
    if not rows or not (superlative or comparative or _BETWEEN.search(kept)):
        return []
    now, before = frozenset(lexical_terms(f"{kept} {words}")), frozenset(lexical_terms(earlier))
    named = [row for row in rows if is_named(row, rows, now)]
    if not named and comparative:
        named = [row for row in rows if is_named(row, rows, before)]
    if superlative and len(named) < 2 and _ASKS_WHICH.search(kept):
        return _extreme(question, kept, superlative, rows, weight)
    tables = ([row for row in named if same_table(row.evidence, first.evidence)] for first in named)
    table = max(tables, key=len, default=[])
    if len(table) > 1:
        return _between_rows(kept, comparative or superlative, table[:_MOST_ROWS], weight)
    return _between_columns(kept, table[0]) if table else []


def _extreme(
    question: str,
    kept: str,
    found: re.Match[str],
    rows: Sequence[Row],
    weight: Callable[[str], float],
) -> list[Reading]:
    out = _EXCEPT.search(question)
    left_out = frozenset(content_terms(out[1])) if out else frozenset[str]()
    for first in rows:
        column = _number_column(first, kept, weight)
        table = [row for row in rows if same_table(row.evidence, first.evidence)]
        table = [row for row in table if not left_out & set(lexical_terms(row.subject))]
        measured = [row for row in table if row.measure(column)] if column else []
        if len(measured) > 1:
            ordinal = _ORDINAL.search(kept)
            place = _PLACES[ordinal[1].lower()] if ordinal else 0
            return _ranked(kept, found, column, measured, place)
    return []


def _number_column(row: Row, question: str, weight: Callable[[str], float]) -> str:
    """The one column that is asked for and holds a number here; "" if there is none."""
    asked = [name for name, _ in columns_asked(row, question, weight, loosely=True)]
    numbers = [name for name in asked if row.measure(name)]
    return numbers[0] if len(numbers) == 1 else ""


def _wants_most(question: str, found: re.Match[str], column: str) -> bool:
    most = found["most"] is not None
    if _LEAST_OF.search(question) or (_JUDGES.search(found[0]) and _UNWANTED.search(column)):
        return not most
    return most


def _ranked(
    question: str, found: re.Match[str], column: str, rows: Sequence[Row], place: int
) -> list[Reading]:
    most = _wants_most(question, found, column)
    measures = {id(row): row.measure(column) or (0.0, 0.0) for row in rows}
    ordered = sorted(rows, key=lambda row: measures[id(row)], reverse=most)
    if place >= len(ordered):
        return []
    chosen = ordered[place]
    here = measures[id(chosen)]
    overlapping = [r for r in rows if r is not chosen and _overlap(measures[id(r)], here)]
    if overlapping:
        return []
    ordinal = ("", "second-", "third-", "fourth-")[place]
    word = f"{ordinal}{'highest' if most else 'lowest'}"
    value = dict(chosen.cells)[column]
    others = ", ".join(f"{r.subject} {dict(r.cells)[column]}" for r in ordered if r is not chosen)
    spans = (chosen, *(row for row in ordered if row is not chosen))
    return [
        Reading(
            f"{chosen.subject} has the {word} {column}: {value}.",
            value,
            f"compared with {others}",
            tuple(row.evidence for row in spans[:_MOST_ROWS]),
            compares=True,
        )
    ]


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one == other or (one[0] < other[1] and other[0] < one[1])


def _between_rows(
    question: str,
    direction: re.Match[str] | None,
    rows: Sequence[Row],
    weight: Callable[[str], float],
) -> list[Reading]:
    column = next(filter(None, (_number_column(row, question, weight) for row in rows)), "")
    measured = [row for row in rows if row.measure(column)] if column else []
    if len(measured) < 2:
        return []
    measures = [row.measure(column) or (0.0, 0.0) for row in measured]
    cells = [cell_reading(row, column) for row in named_in_order(measured, question)]
    if direction is None or any(
        _overlap(one, other) for i, one in enumerate(measures) for other in measures[:i]
    ):
        return cells
    most = _wants_most(question, direction, column)
    ordered = sorted(measured, key=lambda row: row.measure(column) or (0.0, 0.0), reverse=most)
    word = ("higher" if most else "lower") if len(ordered) == 2 else "highest" if most else "lowest"
    winner = ordered[0]
    value = dict(winner.cells)[column]
    others = ", ".join(f"{row.subject} {dict(row.cells)[column]}" for row in ordered[1:])
    conclusion = Reading(
        f"{winner.subject} has the {word} {column}: {value}.",
        value,
        f"compared with {others}",
        tuple(row.evidence for row in ordered),
        compares=True,
    )
    return [conclusion, *(cell_reading(row, column) for row in ordered[1:])]


def _between_columns(question: str, row: Row) -> list[Reading]:
    """ "From 2024 to 2026": the cells of one row under the columns that are named."""
    asked = frozenset(lexical_terms(question))
    named = [
        name for name, _ in row.cells if row.measure(name) and asked & set(lexical_terms(name))
    ]
    if len(named) < 2 and len(row.cells) == 2:
        named = [name for name, _ in row.cells if row.measure(name)]
    return [cell_reading(row, name) for name in named] if len(named) == 2 else []
