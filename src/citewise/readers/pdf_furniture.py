"""Running heads, running feet and page numbers: kept where they first stand, dropped elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from citewise.readers.pdf_order import Cells
from citewise.readers.pdf_page import PageText, TextLine

__all__ = ["without_furniture"]

_MARGIN = 0.12  # of the page's height, at the top and at the bottom
_ROWS = 2
_FEWEST_REPEATS = 3
_PLACE = 4.0  # Points: a running head stands at one height.
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:page|seite|p\.|s\.|стр\.|página|pagina)?\s*[-–—]?\s*(?:\d{1,5}|[ivxlc]{1,7})"
    r"\s*(?:(?:of|von|de|/)\s*\d{1,5})?[-–—|\s]*",
    re.IGNORECASE,
)

Key = tuple[str, int]


def without_furniture(pages: Sequence[PageText]) -> list[PageText]:
    """The pages without what is printed on every one of them, and without page numbers.

    What is repeated is kept once, at the head of the first page that has it: it may be the only
    place that tells whose report this is.
    """
    counts = Counter(key for page in pages for key in {_key(line) for line in _marginal(page)})
    seen: set[str] = set()
    cleaned = []
    for page in pages:
        drop: set[TextLine] = set()
        kept: list[list[TextLine | Cells]] = []
        for line in _marginal(page):
            words, repeats = _key(line)[0], _near_count(counts, _key(line))
            numbered = _PAGE_NUMBER.fullmatch(line.text) is not None
            if numbered and (len(pages) == 1 or repeats > 1):
                drop.add(line)
            elif repeats >= _FEWEST_REPEATS:
                drop.add(line)
                if words not in seen:
                    kept.append([line])
                seen.add(words)
        runs = [[x for x in run if isinstance(x, Cells) or x not in drop] for run in page.runs]
        cleaned.append(PageText(page.height, [*kept, *filter(None, runs)]))
    return cleaned


def _marginal(page: PageText) -> Iterator[TextLine]:
    """The outermost lines in the margins, where running heads and feet stand."""
    lines = [line for run in page.runs for line in run if isinstance(line, TextLine)]
    heights = sorted({round(line.base) for line in lines})
    outermost = {*heights[:_ROWS], *heights[-_ROWS:]}
    for line in lines:
        inside = page.height * _MARGIN < line.base < page.height * (1 - _MARGIN)
        if not inside and round(line.base) in outermost:
            yield line


def _key(line: TextLine) -> Key:
    return _DIGITS.sub("#", line.text), round(line.base / _PLACE)


def _near_count(counts: Counter[Key], key: Key) -> int:
    """How many pages hold a line at this height, which may be rounded either way."""
    text, place = key
    return sum(counts[text, near] for near in (place - 1, place, place + 1))
