"""Questions to the cells of a table: "What is the MMLU score of Llama 3?"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from citewise.blocks import find_blocks
from citewise.eval_amounts import DATE, NAME, NUMBER
from citewise.eval_wh import PERSON
from citewise.eval_words import plain, small
from citewise.tables import Row, Table, parse_table

__all__ = ["CellQuestion", "cell_questions"]

_LONGEST = 200
_PARENTHESES = re.compile(r"\s*\([^()]*\)")
_REMARK = re.compile(r"\s*\((?:est|target|approx|projected|estimated)\.?\)", re.IGNORECASE)
# A single capitalised word may be any word: "Continuous".
_VALUE = re.compile(
    rf"[~≈]?(?P<fact>{DATE}|{NUMBER})(?:\ [a-z]+){{0,2}}|(?P<name>(?=\S+\ ){NAME})", re.VERBOSE
)
_TWO_PARTS = re.compile(r"(.+?)\s*\(([^()/]+)/([^()/]+)\)")
_OWN_CAPITALS = re.compile(r"[^\W_]\w*[A-Z]|\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NO_NAME = re.compile(r"[?;:,<>{}\[\]|\"“”=*\\]|://|\.\.\.|…")
_NO_COLUMN = re.compile(
    r"(?:all|any|other|the|an?|what|which|who|why|how|when|where|if|is|are|we|our|not|no|per"
    r"|notes?|remarks?|comments?|description|meaning|example|name|type|kind|status|id|after|before)\b",
    re.IGNORECASE,
)
_WHEN = frozenset("founded released launched opened built established published born".split())  # noqa: SIM905
_UNKNOWN = frozenset("unknown none yes no true false n/a tbd other various".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class CellQuestion:
    """A question to one cell: its answer, the place of its row, and the name it asks about."""

    question: str
    fact: str
    start: int
    end: int
    name: str


def cell_questions(text: str, common: Collection[str]) -> Iterator[CellQuestion]:
    """A question for each cell with a number, date or name, row by row.

    Args:
        text: a document.
        common: words that are no names, see ``common_words``.
    """
    for block in find_blocks(text):
        if block.kind == "table":
            table = parse_table(text, list(block.lines))
            names = Counter(_name(row) for row in table.rows)
            for row in table.rows if table.header.cells[0] else ():
                if names[_name(row)] == 1:
                    yield from _of_row(table, row, common)


def _of_row(table: Table, row: Row, common: Collection[str]) -> Iterator[CellQuestion]:
    subject = _subject(row)
    if not subject:
        return
    for column, cell in _cells(table, row):
        value = _VALUE.fullmatch(_PARENTHESES.sub("", cell).strip())
        if value is None or value[0].lower() in _UNKNOWN:
            continue
        if year := _YEAR.match(column):
            whole = _REMARK.sub("", plain(row.cells[0]))
            question = f"What is the {_written_small(whole, common)} for {year[0]}?"
        else:
            question = _question(subject, column, value, common)
        if question:
            fact = value["fact"] or value["name"]
            name = subject if subject in question else ""
            yield CellQuestion(question, fact, row.start, row.end, name)


def _cells(table: Table, row: Row) -> Iterator[tuple[str, str]]:
    """Columns with their cells; ``21B / 236B`` under ``Size (Active/Total)`` is two of them."""
    for column, cell in zip(table.header.cells[1:], row.cells[1:], strict=False):
        if max(len(column), len(cell)) > _LONGEST:
            continue
        name, halves = _REMARK.sub("", plain(column)).strip(), plain(cell).split(" / ")
        parts = _TWO_PARTS.fullmatch(name)
        if parts and len(halves) == 2:
            yield from zip(
                (f"{parts[2]} {parts[1]}", f"{parts[3]} {parts[1]}"), halves, strict=True
            )
        else:
            yield name, plain(cell)


def _subject(row: Row) -> str:
    """The name of a row without what stands in parentheses; empty if it is no short name."""
    name = _name(row)
    fits = 0 < len(name.split()) <= 6 and name[0].isalnum() and not _NO_NAME.search(name)
    return name if fits else ""


def _name(row: Row) -> str:
    if not row.cells or len(row.cells[0]) > _LONGEST:
        return ""
    return _PARENTHESES.sub("", plain(row.cells[0])).strip()


def _question(subject: str, column: str, value: re.Match[str], common: Collection[str]) -> str:
    """The question for a cell; empty where row or column have no name that reads well."""
    named = subject[0].isupper() and subject.split()[0].lower() not in common
    bare = _PARENTHESES.sub("", column)
    if not named or not _names_a_column(bare):
        return ""
    name = _written_small(column, common)
    if bare.lower() in _WHEN:
        return f"When was {subject} {bare.lower()}?"
    if re.search(r"(?<![sui])s$", bare):
        if value["fact"] and value["fact"].replace(",", "").isdecimal():
            return f"How many {name} does {subject} have?"
        return f"What are the {name} of {subject}?"
    asks = "Who" if PERSON.fullmatch(bare) or PERSON.fullmatch(bare.lower()) else "What"
    whose = "for" if re.search(r"\s(?:of|to|from|in|at|on|by)\s", bare) else "of"
    return f"{asks} is the {name} {whose} {subject}?"


def _written_small(column: str, common: Collection[str]) -> str:
    """A heading as it stands in a sentence: "average model size" for "Avg. Model Size"."""
    column = re.sub(r"\b[Aa]vg\.?(?=\s)", "average", column)
    words = column.split()
    if all(word[0].isupper() or not word[0].isalpha() for word in words[1:]):
        return " ".join(w if _OWN_CAPITALS.search(w) or w[0] == "(" else w.lower() for w in words)
    first = words[0] if _OWN_CAPITALS.search(words[0]) else words[0].lower()
    return " ".join([first, *small(" ".join(words[1:]), common).split()])


def _names_a_column(column: str) -> bool:
    return (
        0 < len(column.split()) <= 5
        and column[0].isalpha()
        and len(column) > 2
        and not _NO_NAME.search(column)
        and re.search(r"\S/|/\S", column) is None
        and not _NO_COLUMN.match(column)
    )
