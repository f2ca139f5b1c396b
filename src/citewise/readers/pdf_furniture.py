"""Running heads, running feet and page numbers: kept where they first stand, dropped elsewhere."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from citewise.readers.extracted import Tick
from citewise.readers.pdf_lines import Cells
from citewise.readers.pdf_page import PageText, TextLine

__all__ = ["without_furniture"]

_MARGIN = 0.12  # of the page's height, at the top and at the bottom
_ROWS = 3
_GAP = 1.5  # heights of a line
_FEWEST_REPEATS = 3
_PLACE = 4.0  # Points: a running head stands at one height.
_DIGITS = re.compile(r"[0-9]{1,9}")
_PAGE_NUMBER = re.compile(
    r"[-–—|\s]*(?:page|seite|p\.|s\.|стр\.|página|pagina)?\s*[-–—]?\s*(?:\d{1,5}|[ivxlc]{1,7})"
    r"\s*(?:(?:of|von|de|/)\s*\d{1,5})?[-–—|\s]*",
    re.IGNORECASE,
)

Key = tuple[str, int]


def without_furniture(pages: Sequence[PageText], tick: Tick) -> list[PageText]:
    """The pages without what is printed on every one of them, and without page numbers.

    What is repeated is kept once, at the head of the first page that has it: it may be the only
    place that tells whose report this is.
    """
    counts = Counter(
        key
        for number, page in enumerate(pages)
        for key in {key for line in _marginal(page) for key in _keys(line, number)}
    )
    enough = min(_FEWEST_REPEATS, max(2, len(pages)))
    seen: set[str] = set()
    cleaned = []
    tick()
    for number, page in enumerate(pages):
        tick()
        drop: set[TextLine] = set()
        kept: list[list[TextLine | Cells]] = []
        for line in _marginal(page):
            repeated = [k for k in _keys(line, number) if _near_count(counts, k) >= enough]
            if _PAGE_NUMBER.fullmatch(line.text) and (repeated or len(pages) == 1):
                drop.add(line)
            elif repeated:
                drop.add(line)
                if not any(text in seen for text, _ in repeated):
                    kept.append([line])
                seen.update(text for text, _ in repeated)
        runs = [[x for x in run if isinstance(x, Cells) or x not in drop] for run in page.runs]
        cleaned.append(PageText(page.height, [*kept, *filter(None, runs)]))
    return cleaned


def _marginal(page: PageText) -> Iterator[TextLine]:
    """The lines in the margins that a gap parts from the text: there stand heads and feet."""
    lines = [line for run in page.runs for line in run if isinstance(line, TextLine)]
    sizes: dict[int, float] = {}
    for line in lines:
        base = round(line.base)
        sizes[base] = max(sizes.get(base, 0.0), line.size)
    heights = sorted(sizes)
    apart = _apart(heights, sizes) | _apart(heights[::-1], sizes)
    for line in lines:
        inside = page.height * _MARGIN < line.base < page.height * (1 - _MARGIN)
        if not inside and round(line.base) in apart:
            yield line


def _apart(heights: Sequence[int], sizes: dict[int, float]) -> set[int]:
    """The outermost lines up to the first gap, if there is one after a line, two or three."""
    for count, (near, far) in enumerate(itertools.pairwise(heights[: _ROWS + 1]), 1):
        if abs(far - near) > _GAP * max(sizes[near], sizes[far]):
            return set(heights[:count])
    return set(heights) if len(heights) <= _ROWS else set()


def _keys(line: TextLine, page: int) -> list[Key]:
    """What makes lines of different pages the same: all words, or all but a number that counts.

    "Invoice 17" at the head of one page and "Invoice 23" at that of the next tell something.
    """
    place = round(line.base / _PLACE)
    numbers = list(_DIGITS.finditer(line.text))
    keys = [(line.text, place)]
    for number in {id(n): n for n in (*numbers[:1], *numbers[-1:])}.values():
        offset = int(number[0]) - page
        keys.append((f"{line.text[: number.start()]}#{offset}{line.text[number.end() :]}", place))
    return keys


def _near_count(counts: Counter[Key], key: Key) -> int:
    """How many pages hold a line at this height, which may be rounded either way."""
    text, place = key
    return sum(counts[text, near] for near in (place - 1, place, place + 1))
