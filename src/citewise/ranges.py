"""Ranges in a source ("$0.10 - $0.50") that a claim gives with one end missing or wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from citewise.quantities import Quantity, quantities

__all__ = ["another_range", "half_of_a_range"]

_SCALE = r"(?:%|[kKmMbBtT](?![a-zA-Z])|thousand|million|billion|trillion)"
_NUMBER = rf"[$€£¥]?\s?\d[\d,]*(?:\.\d+)?\s?{_SCALE}?"
_RANGE = re.compile(rf"(?<![\w.-]){_NUMBER}\s?(?:-|–|—|~|to)\s?{_NUMBER}(?![\w-])")
_CLAIMED = re.compile(
    rf"\bbetween\s+(?P<b1>{_NUMBER})\s+and\s+(?P<b2>{_NUMBER})(?![\w-])"
    rf"|(?<![\w.-])(?P<t1>{_NUMBER})\s?(?:-|–|—|~|to)\s?(?P<t2>{_NUMBER})(?![\w-])",
    re.IGNORECASE,
)
# Words by which one end is called an end.
_AN_END = re.compile(
    r"\b(?:up to|at (?:least|most|best|worst)|from|between|as (?:low|high|much|many|little|few) as"
    r"|minimum|maximum|starting|starts?|begin\w*|over|under|above|below|(?:more|less|fewer) than"
    r"|lowest|highest|upper|lower|range\w*|within|no (?:more|less)|or (?:more|less))\b",
    re.IGNORECASE,
)
_YEARS = (1500, 2100)


def half_of_a_range(claim: str, sources: str) -> str:
    """The range of which the claim gives one end as the value; "" if it does so with none."""
    if _AN_END.search(claim):
        return ""
    said = {quantity.value for quantity in quantities(claim)}
    rest = _RANGE.sub(" ", sources)
    elsewhere = {quantity.value for quantity in quantities(rest)}
    for text, low, high in _ranges(sources):
        one = (low in said) != (high in said)
        if one and not said & {low, high} <= elsewhere:
            return f"the source gives a range: {text}"
    return ""


def another_range(claim: str, sources: str) -> str:
    """The source's range that a range in the claim shares one end with; "" if there is none.

    "Between $5.00 and $5.00" where the source says "$0.50 - $5.00": each number is one of it.
    """
    given = {(low, high): text for text, low, high in _ranges(sources)}
    elsewhere = {quantity.value for quantity in quantities(_RANGE.sub(" ", sources))}
    for match in _CLAIMED.finditer(claim):
        ends = quantities(f"{match['b1'] or match['t1']} to {match['b2'] or match['t2']}")
        if len(ends) != 2:
            continue
        said = _scaled(*ends)
        falls = said[0] > said[1]  # a score, a ratio, a decline
        if falls or said in given or (said[0] != said[1] and set(said) <= elsewhere):
            continue
        for ends_given, text in given.items():
            if set(said) & set(ends_given):
                return text
    return ""


def _ranges(text: str) -> Iterator[tuple[str, float, float]]:
    for match in _RANGE.finditer(text):
        ends = quantities(re.sub(r"(?<=\d)\s?[-–—~]\s?(?=[$€£¥]?\d)", " to ", match[0]))
        if len(ends) != 2:
            continue
        low, high = _scaled(*ends)
        years = all(_YEARS[0] <= end <= _YEARS[1] for end in (low, high))
        if low < high and not years:
            yield match[0].strip(), low, high


def _scaled(low: Quantity, high: Quantity) -> tuple[float, float]:
    """ "1 to 2 billion" begins at a billion."""
    written = re.sub(r"[^\d.]", "", high.text)
    scale = high.value / float(written) if written and float(written) else 1.0
    bare = re.sub(r"[^\d.]", "", low.text)
    if scale > 1 and bare and low.value == float(bare) and low.value <= float(written):
        return low.value * scale, high.value
    return low.value, high.value
