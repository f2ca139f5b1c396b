"""A table's row as named cells, and which rows and columns a question names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from citewise.quantities import names, quantities
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = [
    "Reading",
    "Row",
    "about",
    "alike",
    "cell_reading",
    "columns_asked",
    "is_named",
    "named_in_order",
    "rows_of",
    "same_table",
]

_PARENTHESES = re.compile(r"\([^()]*\)")
_ENOUGH_OF_A_COLUMN = 0.6
# Words by which tables say how a figure was made, which people leave out of questions.
_MEASURES = frozenset(content_terms("average avg number count amount value mean of"))
# What people say for the name of a column.
_MEANS = {
    "cheap": "cost price", "cheaper": "cost price", "cheapest": "cost price",
    "expensive": "cost price", "costlier": "cost price", "costliest": "cost price",
    "pricey": "cost price", "pricier": "cost price", "priciest": "cost price",
    "worth": "valuation value", "valued": "valuation value", "big": "size", "bigger": "size",
    "biggest": "size", "large": "size", "larger": "size", "largest": "size", "small": "size",
    "smaller": "size", "smallest": "size", "old": "age year founded", "older": "age year founded",
    "oldest": "age year founded", "fast": "speed", "faster": "speed", "fastest": "speed",
    "long": "length duration", "longer": "length duration", "longest": "length duration",
    "tall": "height", "taller": "height", "tallest": "height", "heavy": "weight",
    "heavier": "weight", "heaviest": "weight", "populous": "population",
}  # fmt: skip
# Letters by which forms of a word are told to be one: "active" and "activates".
_STEM = 4
_WORD = re.compile(r"[^\W\d_]+")
_YEAR = re.compile(r"(?<![\w.,$€£])(?:19|20)\d\d(?![\w%])")


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is about, its cells by the names of their columns, and where it stands."""

    subject: str
    cells: tuple[tuple[str, str], ...]
    evidence: Evidence

    def measure(self, column: str) -> tuple[float, float] | None:
        """The least and greatest number in a cell; None if it holds none."""
        text = _PARENTHESES.sub(" ", dict(self.cells).get(column, ""))
        values = [quantity.value for quantity in quantities(text)]
        return (min(values), max(values)) if values else None


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence read or worked out from cells, why it holds, and the rows it rests on.

    ``value`` is the cell it gives. ``compares`` is set where it says which cell is greater.
    """

    text: str
    value: str
    reason: str
    evidence: tuple[Evidence, ...]
    compares: bool = False


def cell_reading(row: Row, column: str) -> Reading:
    """The sentence that gives one cell."""
    value = dict(row.cells)[column]
    text = f"{row.subject} — {column}: {value}."
    return Reading(text, value, "read from the table", (row.evidence,))


def rows_of(evidence: Iterable[Evidence]) -> list[Row]:
    """The table rows among some evidence."""
    return [_row(item) for item in evidence if item.kind == "row"]


def _row(item: Evidence) -> Row:
    subject, _, rest = item.rendered.partition(" — ")
    pairs = [part.split(": ", 1) for part in rest.split("; ") if ": " in part]
    return Row(subject, tuple((pair[0], pair[1]) for pair in pairs), item)


def about(question: str, rows: Sequence[Row]) -> list[Row]:
    """The rows of tables that hold every name and year in the question, if only in a like form.

    "How many startups were there in the United States?" is no question to the row of China's.
    """
    wanted = [name.terms for name in names(question)]
    wanted += [(year[0],) for year in _YEAR.finditer(question)]
    return [row for row in rows if all(_mentions(row, rows, terms) for terms in wanted)]


def _mentions(row: Row, rows: Sequence[Row], wanted: Sequence[str]) -> bool:
    table = (r.evidence.rendered for r in rows if same_table(r.evidence, row.evidence))
    held = set(lexical_terms(f"{row.evidence.heading} {' '.join(table)}"))
    return any(alike(term, held) for term in wanted)


def alike(term: str, held: Iterable[str]) -> bool:
    """Whether the term is held, or a word with the same beginning: China and Chinese."""
    start = term[:_STEM] if term.isalpha() and len(term) > _STEM else term
    return any(other == term or (start != term and other.startswith(start)) for other in held)


def same_table(one: Evidence, other: Evidence) -> bool:
    """Whether two spans are rows of one table, as far as their place and columns tell."""
    return one.kind == other.kind == "row" and _table(one) == _table(other)


def _table(row: Evidence) -> tuple[str, str, int]:
    return row.document, row.heading, row.text.count("|")


def core_terms(text: str) -> frozenset[str]:
    """The terms of a name without what stands in parentheses, which people leave out."""
    return frozenset(content_terms(_PARENTHESES.sub(" ", text).strip() or text))


def is_named(row: Row, rows: Sequence[Row], asked: frozenset[str]) -> bool:
    """Whether the terms of a question name this row and not merely a like one."""
    own = frozenset(lexical_terms(_PARENTHESES.sub(" ", row.subject)))
    others = frozenset[str]().union(*(core_terms(r.subject) for r in rows if r is not row))
    whole = core_terms(row.subject)
    compounds = {
        term
        for term in whole & asked
        if any(map(str.isdigit, term)) and any(map(str.isalpha, term))
    }
    # A compound such as "gpt4" stands for its parts; otherwise every telling part must be there.
    telling = whole - others or whole
    telling = telling - _MEASURES or telling
    # "Zhipu" is enough for "Zhipu AI".
    telling = frozenset(t for t in telling if len(t) > 2 or not t.isalpha()) or telling
    return bool(compounds - others) or (telling <= asked and bool(own & asked))


def named_in_order(rows: Sequence[Row], question: str) -> list[Row]:
    """The rows in the order in which a question names them."""
    return sorted(rows, key=lambda row: _place(row, rows, question))


def _place(row: Row, rows: Sequence[Row], question: str) -> int:
    """Where the question first names what tells this row from the others; its length if nowhere."""
    others = frozenset[str]().union(*(core_terms(r.subject) for r in rows if r is not row))
    own = core_terms(row.subject)
    telling = own - others or own
    words = re.finditer(r"[^\W_][\w.-]*", question)
    return next((w.start() for w in words if telling & set(lexical_terms(w[0]))), len(question))


def columns_asked(
    row: Row, question: str, weight: Callable[[str], float], *, loosely: bool = False
) -> tuple[tuple[str, str], ...]:
    """The cells of a row whose columns a question names.

    ``loosely``: a column that fits better than twice any other is enough, and a word such as
    "cheapest" names the column of costs.
    """
    asked = frozenset(lexical_terms(question))
    if loosely:
        meant = " ".join(_MEANS.get(word.lower(), "") for word in _WORD.findall(question))
        asked |= frozenset(lexical_terms(meant))
    scores = [(_share(name, asked, weight), name, value) for name, value in row.cells]
    ordered = sorted((score for score, _, _ in scores), reverse=True) or [0.0]
    enough = ordered[0] >= _ENOUGH_OF_A_COLUMN
    alone = loosely and ordered[0] > 0 and (len(ordered) < 2 or ordered[0] > 2 * ordered[1])
    if not enough and not alone:
        return ()
    return tuple((name, value) for score, name, value in scores if score in (ordered[0], 1.0))


def _share(name: str, asked: frozenset[str], weight: Callable[[str], float]) -> float:
    terms = core_terms(name)
    terms = terms - _MEASURES or terms
    total = sum(weight(term) for term in terms)
    held = sum(weight(term) for term in terms if alike(term, asked))
    return held / total if total else 0.0
