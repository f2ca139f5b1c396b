"""Foreign text in GitHub's Markdown: always code, since nothing inside code comes alive there.

Escaping alone would not do: mentions, e-mail addresses and references to issues or commits are
found by the site after the Markdown is read, when escapes are gone; code is passed over.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Sequence

from citewise.eval_reading import clip, measure_name, reveal

__all__ = ["block", "code", "html_code", "name", "rows"]

_BACKTICKS = re.compile("`+")
_OURS = re.compile(r"[a-z0-9_@]{1,40}")
_LINE = 300
_BLOCK = 1500
_WIDTH = 100
_FIRST_CUT = 10
"""Times the limit: a first cut, since spelling out what is left out anyway takes long."""


def code(text: str, limit: int = _LINE) -> str:
    """A code span on one line; a dash for nothing."""
    flat = _flat(text, limit)
    if not flat:
        return "–"
    fence = "`" * (_longest(flat) + 1)
    pad = " " if flat[0] == "`" or flat[-1] == "`" else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def block(text: str, limit: int = _BLOCK) -> str:
    """A fenced block of code, wrapped, since such blocks don't wrap by themselves."""
    shown = clip(reveal(clip(text, _FIRST_CUT * limit)), limit)
    lines = [part for line in shown.split("\n") for part in _wrapped(line)]
    fence = "`" * max(3, _longest(shown) + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def html_code(text: str, limit: int = _LINE) -> str:
    """A ``code`` element on one line, for inside HTML, where Markdown isn't read."""
    return f"<code>{html.escape(_flat(text, limit))}</code>"


def name(key: str) -> str:
    """The words for a measure or count; code if it is a name that we would not give."""
    return measure_name(key) if _OURS.fullmatch(key) else code(key)


def rows(head: Sequence[str], body: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table; the cells are Markdown already, of one line each.

    Args:
        head: the names of the columns.
        body: the rows.
        words: how many columns, from the left, hold words and not numbers.
    """
    marks = ["---"] * words + ["--:"] * (len(head) - words)
    return "\n".join(map(_row, (head, marks, *body)))


def _row(cells: Sequence[str]) -> str:
    # A table takes this escape out again, inside code too; elsewhere in code it would be shown.
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _flat(text: str, limit: int) -> str:
    return clip(" ".join(reveal(clip(text, _FIRST_CUT * limit)).split()), limit)


def _longest(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
