"""Whether other words in the documents say otherwise than an answer, about the same thing.

Two documents may state two values of one attribute. Which is right cannot be decided here, so that
the answer shows the other one too, word for word. Only what is plainly the same attribute counts:
the same names, nearly all words that the answer shares with the question, the same unit, and no
year, name or condition of its own that could explain the difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from citewise.claims import recall
from citewise.quantities import Name, Quantity, holds, names, quantities
from citewise.support import Attribution
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence
from citewise.wording import denial_mismatch

__all__ = ["contrary_to"]

_MOST = 2
_SAME_WORDS = 0.8
# Characters between a span and the one that names whom it speaks of.
_NEAR = 800
_DENIED_WORDS = 0.8
_YEAR = re.compile(r"(?<![\w.,$€£])(?:1[5-9]|20)\d\d(?![\w%])")
# Words that say of when, of what part, or how sure a value is: a value under another of them is
# another attribute.
_CONDITIONS = re.compile(
    r"\b(?:if|unless|could|can|may|might|would|will|should|plan\w*|expect\w*|forecast\w*|target\w*"
    r"|aim\w*|goal|estimate\w*|project(?:s|ed|ion)|budget\w*|former\w*|previous\w*|initial\w*"
    r"|original\w*|once|until|before|earlier|later|after|then|since|ago|next|last|first|second"
    r"|third|each|per|every|average|mean|median|total|up to|at least|at most|more than|less than"
    r"|over|under|maximum|minimum|only|half|quarter|third|part of|some|most|other|another|extra"
    r"|additional|also|again|north\w*|south\w*|east\w*|west\w*|upper|lower|new|old|used to"
    r"|daily|weekly|monthly|yearly|annual\w*|day|week|month|year|hour|minute|spring|summer|autumn"
    r"|winter|january|february|march|april|may|june|july|august|september|october|november"
    r"|december)\b",
    re.IGNORECASE,
)
# What one alone can be at a time; for other relations two names are no contradiction.
_ONE_HOLDER = re.compile(
    r"\b(?:direct(?:s|or|ed)?|ceo|chief|president|chair\w*|head(?:s|ed)?|lead(?:s|er)|led|mayor"
    r"|minister|capital|own(?:s|er|ed)|found(?:er|ed)|author|wrote|written|invent(?:ed|or)"
    r"|discover(?:ed|er)|won|winner|manag(?:es|er)|captain|architect|design(?:ed|er)"
    r"|headquarter\w*|located|based|born|named|called|vessel|sails|spokes\w+|inspector|editor)\b",
    re.IGNORECASE,
)
_WHO = re.compile(r"\b(?:who(?:se)?|where|which|what)\b", re.IGNORECASE)
_ASKS_TIME = re.compile(r"^\W*when\b|\b(?:which|what) (?:year|date)\b", re.IGNORECASE)
_CLAUSE = re.compile(r";|\b(?:and|but|which|who|while|whereas)\b", re.IGNORECASE)
_BEHIND = re.compile(r"\s*[-–]?\s*([^\W\d_]+)")


def contrary_to(
    kept: Sequence[Attribution],
    others: Sequence[Evidence],
    question: str,
    weight: Callable[[str], float],
) -> list[Evidence]:
    """The spans that say otherwise than the sentences of an answer, at most one per document.

    Args:
        kept: the sentences that are shown, with the spans that prove them.
        others: spans near the question or the answer, best first.
        question: its words name the attribute that is asked for.
        weight: how much a term counts, such as its rarity.
    """
    found: dict[str, Evidence] = {}
    cited = {item.document for attribution in kept for item in attribution.evidence}
    for attribution in kept:
        if not attribution.verdict.supported or not attribution.evidence:
            continue
        for other in others:
            if other.document in cited or other.document in found or other.kind == "heading":
                continue
            around = _around(other, others)
            if _says_otherwise(attribution, other, around, question, weight):
                found[other.document] = other
    return list(found.values())[:_MOST]


def _around(item: Evidence, others: Sequence[Evidence]) -> str:
    """The words near a span in its document, which name whom its "the bridge" or "it" means."""
    near = (
        other.text
        for other in others
        if other.document == item.document and abs(other.start - item.start) <= _NEAR
    )
    return " ".join([item.heading, *near])


def _says_otherwise(
    attribution: Attribution,
    other: Evidence,
    around: str,
    question: str,
    weight: Callable[[str], float],
) -> bool:
    claim, best = attribution.verdict.claim, attribution.evidence[0]
    there = other.rendered or other.text
    asked_names = [name for name in names(question) if _holds(claim, name)]
    if _periods(best) != _periods(other):
        return False
    if not all(_holds(f"{there} {around}", name) for name in asked_names):
        return False
    if _denies(claim, there, weight):
        return True
    asked = frozenset(content_terms(question))
    shared = frozenset(t for t in asked & frozenset(content_terms(claim)) if not t[0].isdigit())
    words = frozenset(lexical_terms(f"{other.heading} {there}"))
    words |= {term for name in asked_names for term in name.terms}
    if not shared or recall(shared, words, weight) < _SAME_WORDS:
        return False
    if _other_number(claim, best, there, question):
        return True
    return not _differs(there, claim, best, question) and _other_name(claim, best, there, question)


def _differs(clause: str, claim: str, best: Evidence, question: str) -> bool:
    """Whether a clause speaks of another time, part or kind than the answer and its source."""
    if _conditions(clause) - _conditions(f"{claim} {best.rendered or best.text} {question}"):
        return True
    asks_time = _ASKS_TIME.search(question) is not None
    return not asks_time and bool(_years(clause) - _years(f"{claim} {question}"))


def _periods(item: Evidence) -> frozenset[str]:
    """The years in the name and heading of a document: reports of two years do not disagree."""
    return _years(f"{item.document} {item.heading}".replace("_", " "))


def _denies(claim: str, there: str, weight: Callable[[str], float]) -> bool:
    """Whether one of them is the other with a "not" in it."""
    if not denial_mismatch(claim, there):
        return False
    mine = frozenset(content_terms(claim))
    return (
        recall(mine, frozenset(lexical_terms(there)), weight) >= _DENIED_WORDS
        and all(holds(quantities(there), q) for q in quantities(claim))
        and all(_holds(there, name) for name in names(claim))
    )


def _other_number(claim: str, best: Evidence, there: str, question: str) -> bool:
    given, ours, theirs = quantities(question), quantities(claim), quantities(there)
    proof = quantities(best.rendered or best.text)
    for number in ours:
        if holds(given, number) or holds(theirs, number):
            continue
        if any(
            _comparable(number, claim, rival, there)
            and not holds(proof, rival)
            and not holds(ours, rival)
            and not holds(given, rival)
            and not _differs(_clause(there, rival), claim, best, question)
            for rival in theirs
        ):
            return True
    return False


def _clause(text: str, number: Quantity) -> str:
    """What stands around a number, up to the next "and", "but" or "which"."""
    ends = [match.span() for match in _CLAUSE.finditer(text)]
    start = max((end for _, end in ends if end <= number.start), default=0)
    stop = min((begin for begin, _ in ends if begin > number.start), default=len(text))
    return text[start:stop]


def _comparable(one: Quantity, here: str, other: Quantity, there: str) -> bool:
    """Whether two numbers count the same: equal units and equal words behind them."""
    if one.unit != other.unit or _is_year(one) != _is_year(other):
        return False
    return bool(one.unit) or _is_year(one) or _unit(one, here) == _unit(other, there)


def _is_year(number: Quantity) -> bool:
    return _YEAR.fullmatch(number.text) is not None


def _unit(number: Quantity, text: str) -> tuple[str, ...]:
    behind = _BEHIND.match(text, number.start + len(number.text))
    return tuple(content_terms(behind[1])) if behind else ()


def _other_name(claim: str, best: Evidence, there: str, question: str) -> bool:
    if not (_WHO.search(question) and _ONE_HOLDER.search(question)):
        return False
    asked = frozenset(lexical_terms(question))
    ours = [name for name in _answers(claim, asked) if _holds(best.rendered or best.text, name)]
    theirs = [
        name
        for name in _answers(there, asked)
        if not _holds(f"{claim} {best.rendered or best.text}", name)
    ]
    return bool(ours and theirs) and not any(_holds(there, name) for name in ours)


def _holds(text: str, name: Name) -> bool:
    return name.stands_in(text, frozenset(lexical_terms(text)))


def _answers(text: str, asked: frozenset[str]) -> list[Name]:
    """The names in a text that the question does not hold."""
    return [name for name in names(text) if not asked.issuperset(name.terms)]


def _conditions(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _CONDITIONS.findall(text))


def _years(text: str) -> frozenset[str]:
    return frozenset(_YEAR.findall(text))
