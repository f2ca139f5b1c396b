"""Where the words and ruled lines of a PDF page stand, as PDFium sees them.

Coordinates are points with the origin at the top left of the page as it is shown. PDFium is asked
for two characters of each word only, because every question to it costs microseconds.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Rule", "Sheet", "Word", "look_at"]

Turn = Callable[[float, float, float, float], "tuple[float, float, float, float]"]

# A word that is cut at the end of a line goes on behind PDFium's hyphen, in the next line.
_WORD = re.compile("[^\\s\x02\ufffe]+[\x02\ufffe]?")
_LINE = re.compile(r"[^\r\n]+")
_BOLD = 600
_HYPHENS = re.compile("[\x02\ufffe\u00ad]")  # How PDFium writes a hyphen at the end of a line.
_MOST_OBJECTS = 20_000
_THIN = 3.0
_SHORTEST_RULE = 8.0
_PRIVATE = ("\ue000", "\uf8ff")


@dataclass(slots=True)
class Word:
    """A word, from ``x0`` to ``x1`` on the baseline ``base``; ``size`` is its line's height.

    ``line`` numbers the lines in the order of the file. ``spaced`` is True if the file itself has a
    blank before the word.
    """

    text: str
    x0: float
    x1: float
    base: float
    size: float
    line: int
    bold: bool = False
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line drawn on the page."""

    x0: float
    top: float
    x1: float
    bottom: float

    @property
    def horizontal(self) -> bool:
        """True unless it goes down."""
        return self.x1 - self.x0 >= self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: ``images`` counts pictures, ``unreadable`` is the share of letters unknown."""

    width: float
    height: float
    words: list[Word]
    rules: list[Rule]
    images: int
    unreadable: float


def look_at(page: Any) -> Sheet:
    """Everything about one pypdfium2 page that its text is made from."""
    text_page = page.get_textpage()
    try:
        text = _text(text_page)
        lines = [match.span() for match in _LINE.finditer(text)]
        angle = _main_angle(text_page, lines)
        turn = _turner(angle, *page.get_bbox())
        words = _words(text_page, text, lines, turn, angle)
    finally:
        text_page.close()
    rules, images = _drawn(page, turn)
    strange = sum(_PRIVATE[0] <= c <= _PRIVATE[1] or c == "\ufffd" for c in text)
    left, bottom, right, top = page.get_bbox()
    sides = (right - left, top - bottom)
    width, height = sides if angle in (0, 180) else sides[::-1]
    shown = [word for word in words if _on_page(word, width, height)]
    return Sheet(width, height, shown, rules, images, strange / max(1, len(text)))


def _on_page(word: Word, width: float, height: float) -> bool:
    return 0 <= (word.x0 + word.x1) / 2 <= width and 0 <= word.base - word.size / 4 <= height


def _main_angle(text_page: Any, lines: list[tuple[int, int]]) -> int:
    """How most lines run, in degrees: pages lie on their sides, whatever the file says of them."""
    angles = Counter(_angle(text_page, start) for start, _ in lines[:200])
    angle = angles.most_common(1)[0][0] if angles else 0
    return angle if angle % 90 == 0 else 0


def _angle(text_page: Any, index: int) -> int:
    """The direction of a character: 0, 90, 180, 270, or 45 for any other."""
    import pypdfium2.raw as pdfium

    degrees = math.degrees(pdfium.FPDFText_GetCharAngle(text_page.raw, index)) % 360
    nearest = round(degrees / 90) * 90
    return nearest % 360 if abs(degrees - nearest) < 5 else 45


def _turner(angle: int, left: float, bottom: float, right: float, top: float) -> Turn:
    """From PDF's coordinates (origin at the bottom left) to those of this module."""

    def turn(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        if angle == 90:
            return top - y1, right - x1, top - y0, right - x0
        if angle == 180:
            return right - x1, y0 - bottom, right - x0, y1 - bottom
        if angle == 270:
            return y0 - bottom, x0 - left, y1 - bottom, x1 - left
        return x0 - left, top - y1, x1 - left, top - y0

    return turn


def _words(
    text_page: Any, text: str, lines: list[tuple[int, int]], turn: Turn, angle: int
) -> list[Word]:
    import pypdfium2.raw as pdfium

    words: list[Word] = []
    box = pdfium.FS_RECTF()
    for number, (start, end) in enumerate(lines):
        first = next((i for i in range(start, end) if not text[i].isspace()), None)
        if first is None or _angle(text_page, first) != angle:
            continue  # Stamps along the margin, watermarks.
        bold = pdfium.FPDFText_GetFontWeight(text_page.raw, first) >= _BOLD
        line: list[Word] = []
        size = 0.0
        for match in _WORD.finditer(text, start, end):
            found = _placed(text_page, match, box, turn)
            if found is not None:
                x0, x1, base, high = found
                size = max(size, high)
                spaced = bool(line) and _is_set(text_page, match.start() - 1)
                line.append(Word(_spelt(match[0]), x0, x1, base, 0.0, number, bold, spaced))
        for word in line:
            word.size = size
        words.extend(line)
    return words


def _is_set(text_page: Any, index: int) -> bool:
    """True if the file itself holds this character, False if PDFium made it up."""
    import pypdfium2.raw as pdfium

    return bool(pdfium.FPDFText_IsGenerated(text_page.raw, index) == 0)


def _spelt(text: str) -> str:
    return _HYPHENS.sub("-", text)


def _placed(
    text_page: Any, match: re.Match[str], box: Any, turn: Turn
) -> tuple[float, float, float, float] | None:
    """Left and right edge, baseline and height of a word."""
    import pypdfium2.raw as pdfium

    raw = text_page.raw
    x, y = ctypes.c_double(), ctypes.c_double()
    origin = pdfium.FPDFText_GetCharOrigin(raw, match.start(), ctypes.byref(x), ctypes.byref(y))
    if not origin or not pdfium.FPDFText_GetLooseCharBox(raw, match.start(), ctypes.byref(box)):
        return None
    x0, top, x1, bottom = turn(box.left, box.bottom, box.right, box.top)
    base = turn(x.value, y.value, x.value, y.value)[1]
    if match.end() - match.start() > 1 and pdfium.FPDFText_GetLooseCharBox(
        raw, match.end() - 1, ctypes.byref(box)
    ):
        last = turn(box.left, box.bottom, box.right, box.top)
        if last[1] < bottom and last[3] > top:  # else it goes on in the next line
            x1 = max(x1, last[2])
    return x0, x1, base, bottom - top


def _text(text_page: Any) -> str:
    """One character of the result for each of PDFium's, so that their numbers agree."""
    import pypdfium2.raw as pdfium

    count = text_page.count_chars()
    buffer = ctypes.create_string_buffer(2 * (count + 1))
    pointer = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    written = pdfium.FPDFText_GetText(text_page.raw, 0, count, pointer) - 1
    text = buffer.raw[: 2 * max(written, 0)].decode("utf-16-le", "replace")
    if len(text) == count:
        return text
    return "".join(chr(pdfium.FPDFText_GetUnicode(text_page.raw, i) or 32) for i in range(count))


def _drawn(page: Any, turn: Turn) -> tuple[list[Rule], int]:
    """Ruled lines, those around filled boxes included, and the number of pictures."""
    import pypdfium2.raw as pdfium

    rules: list[Rule] = []
    images = 0
    edges = [ctypes.c_float() for _ in range(4)]
    for number in range(min(pdfium.FPDFPage_CountObjects(page.raw), _MOST_OBJECTS)):
        drawn = pdfium.FPDFPage_GetObject(page.raw, number)
        kind = pdfium.FPDFPageObj_GetType(drawn)
        images += kind == pdfium.FPDF_PAGEOBJ_IMAGE
        if kind == pdfium.FPDF_PAGEOBJ_PATH and pdfium.FPDFPageObj_GetBounds(
            drawn, *(ctypes.byref(edge) for edge in edges)
        ):
            rules.extend(_rules(turn(*(edge.value for edge in edges))))
    return rules, images


def _rules(box: tuple[float, float, float, float]) -> Iterator[Rule]:
    x0, top, x1, bottom = box
    wide, high = x1 - x0, bottom - top
    if high <= _THIN and wide >= _SHORTEST_RULE:
        middle = (top + bottom) / 2
        yield Rule(x0, middle, x1, middle)
    elif wide <= _THIN and high >= _SHORTEST_RULE:
        middle = (x0 + x1) / 2
        yield Rule(middle, top, middle, bottom)
    elif wide >= _SHORTEST_RULE and high >= _SHORTEST_RULE:
        yield from (Rule(x0, top, x1, top), Rule(x0, bottom, x1, bottom))
        yield from (Rule(x0, top, x0, bottom), Rule(x1, top, x1, bottom))
