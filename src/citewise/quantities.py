"""Numbers and names in a text, in a form in which two texts can be compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from citewise.tokens import content_terms, lexical_terms

__all__ = ["Name", "Quantity", "holds", "loose_values", "names", "quantities"]

_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9,
    "billion": 1e9, "t": 1e12, "tn": 1e12, "trillion": 1e12,
}  # fmt: skip
_WORDS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.,])(?<![A-Za-z]-)(?P<currency>[$€£¥]\s?)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<exponent>[eE][+-]?\d{1,3})?"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b)"
    r"|[\s-]?(?P<scale>thousand|million|billion|trillion|bn|mn|tn|[kKmMbBtT])(?![A-Za-z\d])"
    r"|(?P<times>[x×])(?![A-Za-z\d]))?",
    re.IGNORECASE,
)
_WORD_NUMBER = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_GLUED = re.compile(r"(?<=[A-Za-z])\d{1,9}(?![\w.])")
_YEAR_GLUED = re.compile(r"((?:19|20)\d\d)(\d{1,9})(?!\d)")
_TOKEN = re.compile(r"[^\W_](?:[\w.&’'-]*[^\W_])?\+?")
_PEOPLE = re.compile(r"(?:es|ese|ians?|eans?|ans?|ish|a|e|i|y)$")
_OF_PEOPLE = re.compile(
    r"(?:[a-z]{2}(?:ian|ean|ican|ese|ish)|asian|african|dutch|french|german|greek|swiss|western)$",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s?$")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|\n\s*|[-*•]\s+|[\"“‘'(]\s*)$")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number: its value with the scale applied, its unit, and where it stands.

    ``unit`` is "$", "%", "x" or "".
    """

    value: float
    unit: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name or identifier, with the terms under which an index would hold it."""

    text: str
    terms: tuple[str, ...]
    acronym: bool

    @property
    def of_people(self) -> bool:
        """Whether it is an adjective of a people or place, such as "American"."""
        return _OF_PEOPLE.search(self.text) is not None

    def stands_in(self, text: str, terms: Collection[str]) -> bool:
        """Whether a text, or its terms, hold the name.

        One of several parts must stand there in one piece: "GPT-5" is not in "GPT-4 costs $5",
        nor "OpenAI" in "open source AI". A people's name stands for its country's.
        """
        if len(self.terms) > 1 or any(character.isdigit() for character in self.text):
            squeezed = re.escape(_squeezed(self.text))
            return re.search(rf"{squeezed}(?!\d)", _squeezed(text)) is not None
        root = _root(self.terms[0])
        return self.terms[0] in terms or any(_root(term) == root for term in terms)


def _root(term: str) -> str:
    """ "China" and "Chinese" as "chin", "America" and "American" as "americ"."""
    return _PEOPLE.sub("", term) if len(term) > 4 else term


def _squeezed(text: str) -> str:
    return re.sub(r"[^\w]|_", "", text).lower()


def quantities(text: str) -> list[Quantity]:
    """The numbers in ``text`` in order: "500B" is 5e11, "~1,500" is 1500, "three" is 3.

    Digits inside a name ("GPT-4", "H100") are part of the name.
    """
    found = [_quantity(match) for match in _NUMBER.finditer(text)]
    found += [
        Quantity(_WORDS[match[0].lower()], "", match[0], match.start())
        for match in _WORD_NUMBER.finditer(text)
    ]
    return sorted(found, key=lambda quantity: quantity.start)


def _quantity(match: re.Match[str]) -> Quantity:
    value = float(match["digits"].replace(",", "") + (match["exponent"] or ""))
    if match["scale"]:
        value *= _SCALES[match["scale"].lower()]
    unit = "$" if match["currency"] else "%" if match["percent"] else "x" if match["times"] else ""
    return Quantity(value, unit, match[0].strip(), match.start())


def holds(found: Iterable[Quantity], wanted: Quantity) -> bool:
    """Whether one of ``found`` is the same number; two different units never agree."""
    return any(
        _same(wanted.value, other.value)
        and (not (wanted.unit and other.unit) or wanted.unit == other.unit)
        for other in found
    )


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def loose_values(text: str) -> set[float]:
    """Numbers at the end of a word or behind a year, for evidence that lost its spaces.

    "June 20262670 published articles" holds 2670 behind its year.
    """
    values = {float(match[0]) for match in _GLUED.finditer(text)}
    values |= {float(part) for match in _YEAR_GLUED.finditer(text) for part in match.groups()}
    return values


# Verbs are capital in a headline; of other words, only short ones and these are not.
_SMALL_VERBS = frozenset(
    ("is", "are", "was", "were", "be", "do", "does", "did", "has", "have", "can")
)
_SMALL_IN_HEADLINES = frozenset(("with", "from", "into", "over", "than", "upon", "that"))


def names(text: str, known: Collection[str] = ()) -> list[Name]:
    """Names and identifiers: capitalised inside a sentence, or with inner capitals or digits.

    A word that begins a sentence is one only if it is among ``known`` names.
    """
    tokens = list(_TOKEN.finditer(text))
    shouted = _is_shouted([token[0] for token in tokens if token[0][0].isalpha()])
    found = {}
    for token in tokens:
        word = _POSSESSIVE.sub("", token[0])
        if word in known or _is_name(word, text, token.start(), shouted):
            terms = tuple(content_terms(word))
            found[word] = Name(word, terms, word.isalpha() and word.isupper() and len(word) <= 5)
    return [name for name in found.values() if name.terms]


def _is_shouted(words: Sequence[str]) -> bool:
    """Whether this is a headline or a shout, whose capitals say nothing.

    "Who is Marie Curie?" is neither: its verb is small, and so is the last word of "Is Marie Curie
    famous?".
    """
    small = [word for word in words if word[0].islower()]
    if len(words) <= 3 or len(small) >= 0.3 * len(words):
        return False
    return not any(
        word in _SMALL_VERBS or (len(word) > 3 and word not in _SMALL_IN_HEADLINES)
        for word in small
    )


def _is_name(word: str, text: str, start: int, shouted: bool) -> bool:
    if len(word) < 2 or not any(character.isalpha() for character in word):
        return False
    if word[0].isdigit():
        return False
    letters = [character for character in word if character.isalpha()]
    inner = any(character.isupper() for character in word[1:]) and not all(
        character.isupper() for character in letters
    )
    if inner or (any(character.isdigit() for character in word) and word[0].isalpha()):
        return True
    if shouted or not word[0].isupper():
        return False
    at_start = _SENTENCE_START.search(text[max(0, start - 4) : start] if start else "") is not None
    return not at_start and bool(lexical_terms(word))
