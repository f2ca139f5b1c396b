"""Whether what was drafted is an answer to the question, and not just true.

Asked for a number that no document holds, a small model tells another number, or something else
about the same thing. Both are supported by the source, and neither answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewise.quantities import quantities
from citewise.tokens import content_terms, lexical_terms
from citewise.types import Evidence

__all__ = ["misses"]

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|old|tall|far|high|heavy)\b"
    r"|\bwhat (?:percentage|percent|share|fraction|proportion|number) of\b",
    re.IGNORECASE,
)
_NOT_A_NUMBER = re.compile(r"\bhow (?:far|much) (?:does|do|did|is|are|has|have|can)\b", re.IGNORECASE)
_ASKS_TIME = re.compile(
    r"^\W*when\b(?!ever)|\b(?:in|on|by|from|until|since)? ?(?:which|what) (?:year|month|date|day)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|years?|months?|weeks?|days?|century|decade"
    r"|today|now|soon|yesterday|tomorrow|after|before|during|since|until|when|once|while"
    r"|early|late|next|last)\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\bhow many\s+((?:[\w’'-]+\s+){0,5})", re.IGNORECASE)
_ENDS_COUNTED = re.compile(
    r"^(?:do|does|did|is|are|was|were|has|have|had|will|would|can|could|should|in|on|of|at|for|to"
    r"|with|by|from|there|it|they|we|you|i)$",
    re.IGNORECASE,
)
_ANY_UNIT = frozenset(content_terms("times people person ones things points percent items kinds"))
_STEM = 4


def misses(question: str, sentences: Sequence[str], cited: Sequence[Evidence]) -> str:
    """Why these sentences do not answer the question; "" if nothing speaks against it.

    Args:
        question: as it was asked.
        sentences: what is left of the draft after the support check.
        cited: the spans that prove it.
    """
    text = " ".join(sentences)
    number = _ASKS_NUMBER.search(question) and not _NOT_A_NUMBER.search(question)
    if number and not quantities(text):
        return "the question asks for a number, and the draft gives none"
    if _ASKS_TIME.search(question) and not (quantities(text) or _TIME.search(text)):
        return "the question asks for a time, and the draft gives none"
    held = {term for item in cited for term in lexical_terms(f"{item.heading} {item.rendered}")}
    counted = _counted(question)
    if counted and not any(_alike(counted, term) for term in held):
        return f"the cited words do not speak of {counted!r}, which the question counts"
    return ""


def _counted(question: str) -> str:
    """What "how many" counts, as a term: the last word before the verb; "" if it cannot be told."""
    match = _COUNTED.search(question)
    words = match[1].split() if match else []
    phrase = []
    for word in words:
        if _ENDS_COUNTED.match(word):
            break
        phrase.append(word)
    else:
        # No verb or preposition ends it ("How many forks?"), or it is too long to tell.
        if len(phrase) != 1:
            return ""
    if not phrase or phrase[-1].lower() == "more":
        return ""
    terms = content_terms(phrase[-1])
    return "" if not terms or terms[0] in _ANY_UNIT else terms[0]


def _alike(one: str, other: str) -> bool:
    return one == other or (len(one) >= _STEM and one[:_STEM] == other[:_STEM])
