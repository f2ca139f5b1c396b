"""One thing changed in a true sentence: a number, name, date, unit, negation, direction or role.

Training makes its minimal pairs with it, and so does the test set of ``citewise eval verifier``,
from other passages.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citewise.quantities import names, quantities
from citewise.tokens import lexical_terms

__all__ = ["KINDS", "Altered", "alter", "reworded"]

_OPPOSITES = """
increased decreased; increase decrease; higher lower; highest lowest; more fewer; most least;
larger smaller; largest smallest; before after; first last; north south; northern southern;
east west; eastern western; above below; rose fell; rise fall; gained lost; won lost; accepted
rejected; allowed forbade; male female; public private; old new; older newer; early late; earlier
later; major minor; major negligible; always never; rich poor; strong weak; stronger weaker;
faster slower; longer shorter; cheap expensive; open closed; true false; left right; inside
outside; upper lower; maximum minimum; success failure; successful unsuccessful; common rare;
best worst; better worse; started stopped; began ended; majority minority; enabled disabled;
expanded shrank; positive negative; legal illegal; possible impossible; black white; day night;
summer winter; hot cold; father mother; son daughter; king queen; brother sister
"""
_SAME = """
began started; approximately about; also additionally; located situated; large big; created made;
established founded; founded established; received got; purchased bought; assist help; many
numerous; near close to; because since; however but; film movie; during in; across throughout;
known called; called known as; initially at first; primarily mainly; usually normally; often
frequently; various different; over more than; under less than; include contain; includes contains
"""
_BE = re.compile(
    r"\b(is|are|was|were|has been|have been|will|can|could|should|would|must)\b(?! not)"
)
_DID = re.compile(r"\bnot |n't\b")
_MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
_MONTH = re.compile(rf"\b(?:{'|'.join(m for m in _MONTHS if m != 'May')})\b")
_UNITS = {
    "kilometers": "miles", "miles": "kilometers", "km": "mi", "meters": "feet", "metres": "feet",
    "feet": "meters", "hours": "days", "days": "weeks", "weeks": "months", "months": "years",
    "years": "months", "minutes": "hours", "seconds": "minutes", "million": "billion",
    "billion": "million", "thousand": "million", "percent": "percentage points", "dollars": "euros",
    "tons": "kilograms", "kilograms": "grams", "pounds": "tons", "degrees": "percent",
}  # fmt: skip


def _pairs(text: str, both: bool) -> dict[str, str]:
    found = {}
    for entry in text.replace("\n", " ").split(";"):
        one, _, other = entry.strip().partition(" ")
        found[one] = other
        if both:
            found.setdefault(other, one)
    return found


_OPPOSITE, _SYNONYM = _pairs(_OPPOSITES, True), _pairs(_SAME, False)


@dataclass(frozen=True, slots=True)
class Altered:
    """A sentence that is no longer true of its source, and what was changed."""

    text: str
    kind: str
    old: str
    new: str


def _number(sentence: str, _: str, chance: random.Random) -> Altered | None:
    found = [q for q in quantities(sentence) if any(c.isdigit() for c in q.text)]
    found = [q for q in found if not re.fullmatch(r"(?:1[5-9]|20)\d\d", q.text)]
    if not found:
        return None
    quantity = chance.choice(found)
    digits = [i for i, c in enumerate(quantity.text) if c.isdigit()]
    place = chance.choice(digits[:2])
    old = int(quantity.text[place])
    options = [d for d in range(1 if place == digits[0] else 0, 10) if d != old]
    new = quantity.text[:place] + str(chance.choice(options)) + quantity.text[place + 1 :]
    return _put(sentence, quantity.start, quantity.text, new, "number")


def _date(sentence: str, _: str, chance: random.Random) -> Altered | None:
    years = list(re.finditer(r"\b(?:1[5-9]|20)\d\d\b", sentence))
    months = list(_MONTH.finditer(sentence))
    if not years and not months:
        return None
    match = chance.choice(years + months)
    if match in months:
        new = chance.choice([m for m in _MONTHS if m != match[0]])
    else:
        new = str(int(match[0]) + chance.choice((-20, -11, -10, -4, -3, -2, -1, 1, 2, 3, 5, 10)))
    return _put(sentence, match.start(), match[0], new, "date")


def _name(sentence: str, passage: str, chance: random.Random) -> Altered | None:
    own = [n.text for n in names(sentence)]
    held = set(lexical_terms(sentence))
    others = [
        n.text
        for n in names(passage)
        if not held & set(n.terms) and n.text not in _MONTHS and not n.of_people
    ]
    own = [n for n in own if n not in _MONTHS]
    if not own or not others:
        return None
    old, new = chance.choice(own), chance.choice(others)
    if any(c.isdigit() for c in old) != any(c.isdigit() for c in new):
        return None
    place = re.search(rf"(?<!\w){re.escape(old)}(?!\w)", sentence)
    return _put(sentence, place.start(), old, new, "name") if place else None


def _unit(sentence: str, _: str, chance: random.Random) -> Altered | None:
    found = [
        m
        for m in re.finditer(r"(?<=[\d] )[a-z]+\b|(?<=hundred )[a-z]+\b", sentence)
        if m[0] in _UNITS
    ]
    if not found:
        return None
    match = chance.choice(found)
    return _put(sentence, match.start(), match[0], _UNITS[match[0]], "unit")


def _negation(sentence: str, _: str, chance: random.Random) -> Altered | None:
    if _DID.search(sentence) or re.search(r"\b(?:no|never|neither|nor|without)\b", sentence):
        denied = re.search(r" not(?= )", sentence)
        if not denied or chance.random() < 0.3:
            return None
        return _put(sentence, denied.start(), " not", "", "negation")
    found = list(_BE.finditer(sentence))
    if len(found) != 1:  # which of several is denied would matter
        return None
    verb = found[0][0]
    first, _, rest = verb.partition(" ")
    return _put(
        sentence, found[0].start(), verb, f"{first} not{' ' + rest if rest else ''}", "negation"
    )


def _direction(sentence: str, _: str, chance: random.Random) -> Altered | None:
    found = [m for m in re.finditer(r"[A-Za-z]+", sentence) if m[0] in _OPPOSITE]
    if not found:
        return None
    match = chance.choice(found)
    return _put(sentence, match.start(), match[0], _OPPOSITE[match[0]], "direction")


def _role(sentence: str, _: str, chance: random.Random) -> Altered | None:
    found = [n.text for n in names(sentence) if n.text not in _MONTHS and not n.of_people]
    places = [(sentence.find(n), n) for n in found if sentence.count(n) == 1 and len(n) > 3]
    places = [(at, n) for at, n in places if at >= 0]
    if len(places) < 2:
        return None
    (one_at, one), (two_at, two) = sorted(chance.sample(places, 2))
    between = sentence[one_at + len(one) : two_at]
    # Names beside each other ("A and B", "A, B") or of one name ("New York") say the same swapped.
    if not re.search(r"\b[a-z]{3,}(?:ed|s|es|t|d|n|by|than|from|to)\b", between):
        return None
    if re.fullmatch(r"[\s,]*(?:and|or|of|the|in|with|for|,|\s|&)*[\s,]*", between):
        return None
    text = sentence[:one_at] + two + between + one + sentence[two_at + len(two) :]
    return Altered(text, "role", one, two)


KINDS: dict[str, Callable[[str, str, random.Random], Altered | None]] = {
    "number": _number, "date": _date, "name": _name, "unit": _unit, "negation": _negation,
    "direction": _direction, "role": _role,
}  # fmt: skip


def alter(
    sentence: str, passage: str, chance: random.Random, kinds: Sequence[str] = tuple(KINDS)
) -> Altered | None:
    """The sentence with one thing changed, or None if nothing can be.

    ``passage`` gives the names that may take the place of one. What is changed must not stand in
    the passage in that form, so that no other sentence makes it true.
    """
    for kind in chance.sample(list(kinds), len(kinds)):
        made = KINDS[kind](sentence, passage, chance)
        if made and made.text != sentence and made.text not in passage:
            if made.kind in ("number", "date") and made.new in passage:
                continue
            return made
    return None


def reworded(sentence: str, chance: random.Random) -> str:
    """The sentence in slightly other words, still true: what support must not hang on."""
    text = sentence
    if chance.random() < 0.4:
        text = re.sub(r"\s*\([^()]*\)", "", text)
    if chance.random() < 0.4:
        text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    if chance.random() < 0.3:
        text = re.sub(r"(\d)%", r"\1 percent", text)
    words = [m for m in re.finditer(r"[a-z]+", text) if m[0] in _SYNONYM]
    for match in reversed(words):
        if chance.random() < 0.5:
            text = text[: match.start()] + _SYNONYM[match[0]] + text[match.end() :]
    if chance.random() < 0.25:
        head = re.match(r"^(?:In|On|By|During|After|At) [^,]{3,40}, (?=[A-Za-z])", text)
        if head:
            text = text[head.end()].upper() + text[head.end() + 1 :]
    if chance.random() < 0.2:
        tail = re.search(r",\s(?:which|who|where|when|while|although|and)\s[^,]+[.]$", text)
        if tail and tail.start() > 40:
            text = text[: tail.start()] + "."
    return text


def _put(sentence: str, start: int, old: str, new: str, kind: str) -> Altered:
    return Altered(sentence[:start] + new + sentence[start + len(old) :], kind, old, new)
