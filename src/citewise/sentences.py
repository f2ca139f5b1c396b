"""Sentence boundaries as offsets, for text in many scripts.

Rule-based on purpose: a boundary must be an exact offset into the untouched text, on any input, in
linear time. Abbreviations, decimals, initials, ellipses, quotations and scripts that do not put
spaces between sentences are handled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

__all__ = ["MAX_SENTENCE", "sentence_offsets"]

MAX_SENTENCE = 600
"""Longest sentence in characters; what is longer is cut at white space."""

_GLUED_FROM = 300
_LONGEST_WORD = 60

_ABBREVIATIONS = frozenset(
    """
    mr mrs ms dr prof sr jr st vs etc e.g i.e cf al eds est approx dept inc ltd co corp llc plc gov
    gen rep sen rev hon jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k u.n e.u a.m p.m
    ph.d b.a m.a b.sc m.sc d.c avg ca
    """.split()  # noqa: SIM905 - one word a line would bury the code below
)
_BEFORE_A_NUMBER = frozenset({"art", "ch", "eq", "fig", "no", "nos", "p", "pp", "sec", "vol"})

# A Western end needs white space after it (or the end); a full-width one does not.
_END = re.compile(
    r"(?P<western>[.!?…]+[\"'”’»)\]]*)(?=\s|$)|(?P<wide>[。！？｡]+[」』”’）】]*)",
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]{1,20}$")
_STARTS_SENTENCE = re.compile(r"[\"'“‘«(\[*_`]*(?:[^\W_a-z]|[^\x00-\x7f]|\d)")
_GLUE = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+")


def sentence_offsets(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Offsets of the sentences in ``text[start:end]``, stripped of surrounding white space.

    Every character that is not white space lies in exactly one sentence; none is longer than
    ``MAX_SENTENCE``.
    """
    stop = len(text) if end is None else end
    offsets: list[tuple[int, int]] = []
    begin = start
    for boundary in (*_boundaries(text, start, stop), stop):
        trimmed = _trim(text, begin, boundary)
        if trimmed:
            offsets.extend(_short_enough(text, *trimmed))
        begin = boundary
    return offsets


def _boundaries(text: str, start: int, stop: int) -> Iterator[int]:
    for match in _END.finditer(text, start, stop):
        if match["wide"] or _ends_sentence(text, match, start, stop):
            yield match.end()


def _ends_sentence(text: str, match: re.Match[str], start: int, stop: int) -> bool:
    following = _next_character(text, match.end(), stop)
    if following is None:
        return True
    if not _STARTS_SENTENCE.match(text, following, stop):
        return False
    if match["western"][0] != "." or match["western"].startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(start, match.start() - 20), match.start())
    if word is None:
        return True
    last = word[0].lower()
    if last in _ABBREVIATIONS or (last in _BEFORE_A_NUMBER and text[following].isdigit()):
        return False
    # "J. Smith" goes on; "Appendix B. The" is rarer than initials, so one capital never ends.
    if len(last) == 1 and word[0].isalpha() and word[0].isupper():
        return False
    # "1. The next model": a list number standing alone at the beginning.
    return not (last.isdigit() and not text[start : word.start()].strip())


def _next_character(text: str, position: int, stop: int) -> int | None:
    while position < stop and text[position].isspace():
        position += 1
    return position if position < stop else None


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _short_enough(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start <= _GLUED_FROM:
        yield start, end
        return
    begin = start
    for cut in (*_glued(text, start, end), end):
        yield from _hard_cuts(text, begin, cut)
        begin = cut


def _glued(text: str, start: int, end: int) -> list[int]:
    """Places where scraped text lost its line break: "...WarfareDeepSeek, the ...".

    A cut needs the word on either side to stand alone elsewhere in the same text, so that names
    like "DeepSeek" stay whole.
    """
    words = Counter(_WORD.findall(text, start, end))
    alone = set(words)
    cuts = []
    for match in _WORD.finditer(text, start, end):
        if words[match[0]] > 1 or len(match[0]) > _LONGEST_WORD:
            continue
        for glue in _GLUE.finditer(text, match.start() + 1, match.end()):
            left, right = text[match.start() : glue.start()], text[glue.start() : match.end()]
            if {left, right} & alone:
                cuts.append(glue.start())
                alone.add(right)
                break
    return cuts


def _hard_cuts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_SENTENCE:
        cut = _space_before(text, start, start + MAX_SENTENCE)
        trimmed = _trim(text, start, cut)
        if trimmed:
            yield trimmed
        start = cut
    trimmed = _trim(text, start, end)
    if trimmed:
        yield trimmed


def _space_before(text: str, start: int, limit: int) -> int:
    for position in range(limit, start + MAX_SENTENCE // 2, -1):
        if text[position - 1].isspace():
            return position
    return limit
