"""Whether a text states a fact: numbers compared as numbers, words on word borders.

This is the evals' own reading of a text. It shares nothing with the support check of the product,
so that one cannot hide the other's mistakes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from citewise.errors import EvaluationError

__all__ = ["Token", "normalised", "same_number", "states", "tokens", "without_markers"]

_SCALES = {
    "hundred": 100,
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "mn": 10**6,
    "million": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "billion": 10**9,
    "t": 10**12,
    "tn": 10**12,
    "trillion": 10**12,
}
# "one" is missing on purpose: as a pronoun it would state 1 everywhere.
_UP_TO_NINETEEN = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELLED = {name: value for value, name in enumerate(_UP_TO_NINETEEN.split(), start=2)} | {
    name: 10 * value for value, name in enumerate(_TENS.split(), start=2)
}
_UNITS = {
    "%": "% percent per\\scent percentage\\spoints?",
    "$": "dollars? usd",
    "¥": "yuan rmb cny",
    "€": "euros? eur",
    "£": "pounds? gbp",
}
_UNIT_PATTERNS = {unit: "|".join(words.split()) for unit, words in _UNITS.items()}
# "mid-2026" is a year; "GPT-4" is a name.
_PREFIXES = frozenset(
    {"early", "fy", "late", "mid", "non", "post", "pre", "since", "sub", "top", "under", "until"}
)

_LONG_SCALES = "hundred|thousand|million|billion|trillion|mn|bn|tn"
_DIGITS = "one|two|three|four|five|six|seven|eight|nine"
_TOKEN = re.compile(
    rf"""
    (?P<dotted>\d+(?:\.\d+){{2,}})                                    # 3.5.1, 30.06.2026
    | (?P<sign>(?<![\w)\]%.])[-−](?=[$€£¥]?\.?\d))?
      (?:(?P<currency>(?:US)?\$|[€£¥])\s?)?
      (?:
        (?P<digits>(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?(?:e[+-]?\d{{1,3}}(?!\w))?
                   |(?<!\w)\.\d+)
        | (?<![\w-])(?P<spelled>{"|".join(_SPELLED)}|one(?=[\s-](?:{_LONG_SCALES})\b))
          (?!\w|-(?:{_DIGITS})\b)
      )
      (?P<scale>(?:[\s-]?(?:{_LONG_SCALES})\b)+|[kmbt](?!\w))?
      (?:[\s-]?(?P<unit>%|(?:{"|".join(_UNIT_PATTERNS.values()).replace("%|", "")})\b))?
    | (?P<character>[぀-ヿ㐀-鿿가-힯])                                 # no spaces between words
    | (?P<word>[^\W\d_][^\W_]*?(?=[぀-ヿ㐀-鿿가-힯]|[\W_]|$))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HYPHENATED = re.compile(r"(?<![^\W_])([^\W\d_][^\W_]*)-$")
_NAME_TAIL = re.compile(r"[^\W_]+")
_RANGE = re.compile(r"\s*(?:[-–—~]|to|and)\s*", re.IGNORECASE)
_GROUP_SPACE = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SUPERSCRIPT = re.compile("[⁻⁰¹²³⁴-⁹]+")
# The lookbehind also keeps a long run of digits from being tried from each of them.
_POWER = re.compile(r"(?<![\d.])(?:(\d+(?:\.\d+)?)\s?[x×*·]\s?)?(?<![\d.])10\^\{?(-?\d{1,3})\}?")
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_MARKER = re.compile(r"\s?\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a number of a text.

    ``word`` is case-folded, empty for a number. ``values`` are what a number may mean: in
    "1 to 2 billion" the first may be 1 or 1,000,000,000. ``unit`` is one of ``% $ ¥ € £`` or empty.
    ``named`` marks the number in a name such as GPT-4. ``start`` and ``end`` are offsets into the
    normalised text; ``raw`` is what stands there. ``inner`` are the words inside a number, such as
    "billion" and "yuan".
    """

    word: str
    raw: str
    start: int
    end: int
    values: frozenset[Decimal] = frozenset()
    unit: str = ""
    scale: int = 1
    named: bool = False
    inner: frozenset[str] = frozenset()


def without_markers(text: str) -> str:
    """The text without citation markers such as ``[1]`` and ``[1, 2]``."""
    return _MARKER.sub("", text)


def states(text: str, fact: str) -> bool:
    """True if the fact's words and numbers stand in the text, side by side and in that order.

    Case and punctuation don't count. "1,500" is "1500", "500B" is "500 billion", "$0.14" is 0.14;
    78.5 is neither 178.5 nor 78.55. A percentage needs a percentage, and another currency is
    another fact.

    Raises:
        EvaluationError: the fact holds neither a word nor a number.
    """
    wanted = tokens(fact)
    if not wanted:
        raise EvaluationError(
            f"The fact {fact!r} holds neither a word nor a number.", "Write it in words."
        )
    found = tokens(text)
    return any(_stands_at(wanted, found, start) for start in range(len(found) - len(wanted) + 1))


def tokens(text: str) -> tuple[Token, ...]:
    """The words and numbers of a text, in order, with offsets into ``normalised(text)``."""
    text = normalised(text)
    return tuple(_with_ranges(list(_scan(text)), text))


def same_number(fact: Token, found: Token) -> bool:
    """True if both mean the same amount: one value in common and units that don't disagree."""
    if not fact.values & found.values:
        return False
    return not fact.unit or fact.unit == found.unit or (fact.unit != "%" and not found.unit)


def _stands_at(wanted: Sequence[Token], found: Sequence[Token], start: int) -> bool:
    first = found[start]
    if len(wanted) == 1 and wanted[0].word in first.inner:
        return True
    # The 4 of GPT-4 is no amount; after the word "GPT" it may be asked for.
    if first.named and not wanted[0].named:
        return False
    return all(
        same_number(fact, token) if fact.values else fact.word == token.word
        for fact, token in zip(wanted, found[start:], strict=False)
    )


def normalised(text: str) -> str:
    """The text in NFKC, without invisible characters, powers of ten and initials in one form."""
    text = _GROUP_SPACE.sub(",", text)
    text = _SUPERSCRIPT.sub(
        lambda match: "^" + unicodedata.normalize("NFKC", match[0]).replace("−", "-"), text
    )
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = _POWER.sub(lambda match: f"{match[1] or 1}e{match[2]}", text)
    return _INITIALS.sub(lambda match: match[0].replace(".", ""), text)


def _scan(text: str) -> Iterator[Token]:
    position = 0
    while match := _TOKEN.search(text, position):
        if match["digits"] or match["spelled"]:
            token = _number(match, text)
        else:
            token = Token(match[0].casefold(), match[0], match.start(), match.end())
        yield token
        position = token.end


def _number(match: re.Match[str], text: str) -> Token:
    start, end = match.span()
    named = bool(match["digits"]) and _is_name_part(text, start)
    if named and text[end : end + 1].isalpha():
        tail = _NAME_TAIL.match(text, start)
        end = tail.end() if tail else end
        return Token(text[start:end].casefold(), text[start:end], start, end, named=True)
    scale = 1
    for word in re.findall("[a-z]+", (match["scale"] or "").lower()):
        scale *= _SCALES[word]
    value = _value(match) * scale * (-1 if match["sign"] else 1)
    unit = _unit(match["unit"] or match["currency"] or "")
    raw = match[0].strip()
    inner = frozenset(re.findall("[a-z]{2,}", raw.casefold())) if match["digits"] else frozenset()
    return Token("", raw, start, end, frozenset({value}), unit, scale, named, inner)


def _value(match: re.Match[str]) -> Decimal:
    if spelled := match["spelled"]:
        return Decimal(_SPELLED.get(spelled.lower(), 1))
    return Decimal(match["digits"].replace(",", ""))


def _unit(written: str) -> str:
    if written[-1:] in _UNITS:
        return written[-1:]
    for unit, pattern in _UNIT_PATTERNS.items():
        if re.fullmatch(pattern, written, re.IGNORECASE):
            return unit
    return ""


def _is_name_part(text: str, start: int) -> bool:
    before = _HYPHENATED.search(text[max(0, start - 40) : start])
    if not before:
        return False
    word = before[1]
    return word != word.lower() and word.lower() not in _PREFIXES


def _with_ranges(found: list[Token], text: str) -> list[Token]:
    """Let the first number of "70-80%" or "1 to 2 billion" also mean what the second one says."""
    numbers = [index for index, token in enumerate(found) if token.values]
    for index, following in pairwise(numbers):
        low, high = found[index], found[following]
        if not _RANGE.fullmatch(text, low.end, high.start):
            continue
        values = low.values if low.scale > 1 else low.values | {v * high.scale for v in low.values}
        found[index] = replace(low, values=values, unit=low.unit or high.unit)
    return found
