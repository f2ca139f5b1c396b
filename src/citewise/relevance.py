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

__all__ = ["is_polar", "misses"]

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|old|tall|far|high|heavy)\b"
    r"|\bwhat (?:percentage|percent|share|fraction|proportion|number) of\b",
    re.IGNORECASE,
)
# "How much does it matter?" asks for no number, "How much did it cost?" does.
_HOW_MUCH_DOES = re.compile(
    r"\bhow (?:far|much) (?:do|does|did|is|are|has|have|can)\b", re.IGNORECASE
)
_PRICED = re.compile(
    r"\b(?:cost|pays?|paid|spend|spent|raised?|earn|charge|weigh|worth|sell|sold|invest)",
    re.IGNORECASE,
)
_POLAR = re.compile(
    r"^\W*(?:(?:if|when) [^,]+, )?(?:so )?"
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|isn[’']t|aren[’']t|doesn[’']t"
    r"|don[’']t|didn[’']t|hasn[’']t)\b(?! or )",
    re.IGNORECASE,
)
_ASKS_TIME = re.compile(
    r"^\W*when\b(?!ever)|\b(?:which|what) (?:year|month|date|day)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|years?|months?|weeks?|days?|century|decade"
    r"|today|now|soon|yesterday|tomorrow|after|before|during|since|until|when|once|while"
    r"|early|late|next|last)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w’'-]+")
_LONGEST_PHRASE = 3
_ENDS_COUNTED = re.compile(
    r"^(?:do|does|did|is|are|was|were|has|have|had|will|would|can|could|should|in|on|of|at|for|to"
    r"|with|by|from|there|it|they|we|you|i)$",
    re.IGNORECASE,
)
_ANY_UNIT = frozenset(content_terms("times people person ones things points percent items kinds"))
_STEM = 4


def is_polar(question: str) -> bool:
    """Whether a question wants a yes or a no."""
    return _POLAR.search(question) is not None


def misses(question: str, sentences: Sequence[str], cited: Sequence[Evidence]) -> str:
    """Why these sentences do not answer the question; "" if nothing speaks against it.

    Args:
        question: as it was asked.
        sentences: what is left of the draft after the support check.
        cited: the spans that prove it.
    """
    text = " ".join(sentences)
    if _asks_number(question) and not quantities(text):
        return "the question asks for a number, and the draft gives none"
    if _ASKS_TIME.search(question) and not (quantities(text) or _TIME.search(text)):
        return "the question asks for a time, and the draft gives none"
    held = {term for item in cited for term in lexical_terms(f"{item.heading} {item.rendered}")}
    counted = _counted(question)
    if counted and not any(_alike(counted, term) for term in held):
        return f"the cited words do not speak of {counted!r}, which the question counts"
    return ""


def _asks_number(question: str) -> bool:
    if _ASKS_NUMBER.search(question) is None:
        return False
    return not _HOW_MUCH_DOES.search(question) or _PRICED.search(question) is not None


def _counted(question: str) -> str:
    """What "how many" counts, as a term: the last word before the verb; "" if it cannot be told."""
    _, _, rest = question.lower().partition("how many ")
    words = _WORD.findall(rest)
    ends = (at for at, word in enumerate(words) if _ENDS_COUNTED.match(word))
    phrase = words[: next(ends, len(words))]
    # So long a phrase has a verb in it that is not among those known to end one.
    if len(phrase) > _LONGEST_PHRASE:
        return ""
    if not phrase or phrase[-1] == "more":
        return ""
    terms = content_terms(phrase[-1])
    return "" if not terms or terms[0] in _ANY_UNIT else terms[0]


def _alike(one: str, other: str) -> bool:
    return one == other or (len(one) >= _STEM and one[:_STEM] == other[:_STEM])
