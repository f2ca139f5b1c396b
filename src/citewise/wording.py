"""Small words that turn a sentence round: denials, "always" and "only", "may" left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewise.tokens import content_terms, lexical_terms

__all__ = [
    "agrees",
    "called",
    "compares",
    "denial_mismatch",
    "overstates",
    "swapped_sides",
]

_NEGATION = re.compile(
    r"\b(?:not(?! (?:just|only|merely|simply|solely)\b)|no|never|none|neither|nor|without|cannot"
    r"|nothing|nobody|hardly|n[’']t)\b"
    r"|n[’']t\b|\b(?:unable|fails? to|failed to)\b",
    re.IGNORECASE,
)
# Each word with those in a source that bear it out.
_STRONG = {
    "always": r"always|all (?:along|years)|ever since|constant|permanent|consistent",
    "never": r"never|not|no|none|n[’']t",
    "only": r"only|sole|just|alone|exclusiv|nothing but|single|except",
    "entirely": r"entire|whol|complete|full|total|all|100 ?%",
    "completely": r"complete|entire|whol|full|total|all|100 ?%",
    "exclusively": r"exclusiv|only|sole|just",
    "certainly": r"certain|sure|definit|undoubted|clear",
    "definitely": r"definit|certain|sure|undoubted|clear",
    "guaranteed": r"guarant",
    "every": r"every|each|all|any|whole|entire|throughout",
    "all": r"all|every|each|any|whole|entire|both|across|throughout|full|total",
    "everyone": r"every|each|all|any",
    "everything": r"every|each|all|any",
}
_STRONG_WORD = re.compile(rf"(?<!\bnot )\b(?:{'|'.join(_STRONG)})\b", re.IGNORECASE)
# Asked "which is the only one that falls?", an answer may say "the only one"; asked whether
# something was always so, it may not just say "always".
_TAKEN_UP = frozenset({"only", "all", "every"})
_COMPARISON = re.compile(
    r"\b(?:same|equal|identical|higher|highest|lower|lowest|larger|largest|smaller|smallest|bigger"
    r"|biggest|greater|greatest|cheaper|cheapest|pricier|priciest|fewer|fewest|more|less|most"
    r"|least|better|best|worse|worst|twice|double|triple|half|times)\b",
    re.IGNORECASE,
)
# In small letters only: "May" is mostly the month.
_MAY = re.compile(r"\b(?:may|might|[Pp]ossibly|[Pp]erhaps|[Mm]aybe)\b")
_THAN = re.compile(
    r"\b(more|less|fewer|[a-z]{3,}er|better|worse)(?: [a-z]+)? than\b", re.IGNORECASE
)
_IS_THE = re.compile(
    r"^(?:[A-Z][\w.’'-]*\s+){1,4}(?:is|was|are|were) (?:the|an?) ((?:[a-z-]+\s?){1,3}?)"
    r"(?:\s(?:of|at|for|in|who|that)\b|[.,]|$)"
)
_THE_IS = re.compile(
    r"^The ((?:[a-z-]+\s?){1,3}?)(?:\s(?:of|at|for|in)\s.{1,40}?)?\s(?:is|was|are|were) [A-Z]"
)
_HEDGED = re.compile(
    r"\b(?:may|might|could|can|would|should|possibl[ey]|perhaps|maybe|probabl[ey]|likely|unlikely"
    r"|potential(?:ly)?|expect\w*|project\w*|estimat\w*|predict\w*|forecast\w*|plan(?:s|ned)?"
    r"|target\w*|aim\w*|if|risk\w*|believ\w*|suggest\w*|uncertain|unclear|seem\w*|appear\w*"
    r"|reported(?:ly)?|allegedly)\b",
    re.IGNORECASE,
)


def compares(claim: str, sources: str) -> str:
    """The word by which a claim compares and that the sources lack; "" if there is none."""
    return next(
        (
            word
            for word in _COMPARISON.findall(claim)
            if re.search(rf"\b{word}\b", sources, re.IGNORECASE) is None
        ),
        "",
    )


def denial_mismatch(claim: str, sources: str) -> str:
    """What differs if one of the two denies what the other says; "" if neither does, or both."""
    denied = _NEGATION.search(claim) is not None
    if denied == (_NEGATION.search(sources) is not None):
        return ""
    return "it denies what the source says" if denied else "it leaves out a denial in the source"


def overstates(claim: str, sources: str, question: str = "") -> str:
    """Which word of the claim says more than the sources do; "" if none.

    Where the sources say that something may be so, the claim must not say that it is.
    """
    asked = set(question.lower().split()) & _TAKEN_UP
    for word in _STRONG_WORD.findall(claim):
        if word.lower() in asked:
            continue
        borne_out = re.search(rf"\b(?:{_STRONG[word.lower()]})", sources, re.IGNORECASE)
        if borne_out is None:
            return f"the source does not say {word.lower()!r}"
    hedge = _MAY.search(sources)
    if hedge and _HEDGED.search(claim) is None:
        return f"the source says {hedge[0].lower()!r}, which is left out"
    return ""


def swapped_sides(claim: str, sources: Sequence[str]) -> str:
    """Which comparison the claim turns round: "A is worth more than B" for B more than A."""
    said = _THAN.search(claim)
    if said is None:
        return ""
    ours = _sides(claim, said)
    for source in sources:
        there = _THAN.search(source)
        if there is None or there[1].lower() != said[1].lower():
            continue
        theirs = _sides(source, there)
        straight = len(ours[0] & theirs[0]) + len(ours[1] & theirs[1])
        if len(ours[0] & theirs[1]) + len(ours[1] & theirs[0]) > straight:
            return f"the two sides of {said[0].lower()!r} are swapped"
    return ""


def _sides(text: str, pivot: re.Match[str]) -> tuple[frozenset[str], frozenset[str]]:
    before, after = text[: pivot.start()], text[pivot.end() :]
    one, other = frozenset(content_terms(before)), frozenset(content_terms(after))
    return one - other, other - one


def called(claim: str) -> str:
    """What a claim calls something or somebody: "chief executive" in "Ada is the chief executive".

    Also in "The chief executive is Ada"; "" if it calls nothing anything. A name that stands near
    the question's own word for a role is no proof that the source gives it that role.
    """
    match = _IS_THE.match(claim) or _THE_IS.match(claim)
    return match[1] if match else ""


def agrees(lead: str, question: str, sentence: str) -> bool:
    """Whether "Yes" or "No" goes with what follows it, as far as negations tell.

    A small model often writes "Yes" and then says the contrary.
    """
    denied = _NEGATION.search(sentence) is not None
    if _NEGATION.search(question):
        return False
    if lead == "No":
        return denied
    asked, said = content_terms(question), frozenset(lexical_terms(sentence))
    return not denied and sum(term in said for term in asked) >= 0.8 * len(asked)
