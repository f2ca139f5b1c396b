"""Who acts on whom: a sentence that tells an action of its source with the two sides exchanged.

No parser takes part. A verb that both share, or that are known to mean the same, is looked for,
with the words on either side of it; a passive ("was sued by") turns its sides round. Only where
each side's words stand on the other side in the source, and none on its own, is it said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewise.tokens import is_function_word, lexical_terms

__all__ = ["exchanged_sides"]

# Forms of irregular verbs, and of verbs that tell the same action; one line each.
_VERBS = """
buy buys bought purchases purchased acquires acquired
sells sold
teaches taught
leads led heads headed
beats beat beaten defeats defeated
gives gave given
pays paid
lends lent
writes wrote written
builds built
makes made
takes took taken
sends sent
catches caught
holds held
drives drove driven
sees saw seen
chooses chose chosen selects selected
draws drew drawn
feeds fed
funds funded finances financed
hires hired employs employed recruits recruited
founds founded establishes established
replaces replaced succeeds succeeded
kills killed murders murdered
sues sued
leaves left
finds found
forgives forgave forgiven
overtakes overtook overtaken
outsells outsold
steals stole stolen
tells told
brings brought
"""
# Done by both, or said the other way round of the same: "…, said Ada" and "Ada said …".
_BOTH_WAYS = re.compile(
    r"(?:says?|said|adds?|added|told|tells|meets?|met|marr(?:y|ies|ied)|resembl\w+|border(?:s|ed)"
    r"|merge[sd]|equal(?:s|l?ed)|match(?:es|ed)|play(?:s|ed)|fac(?:es|ed)|compet\w+|includ\w+"
    r"|differ(?:s|ed)|exchang\w+|call(?:s|ed)|nam(?:es|ed)|wed(?:s|ded)?|needs?|becomes?|relat\w+"
    r"|fights?|fought|join(?:s|ed)|link(?:s|ed)|connect\w*|divorce[sd]|happen\w+|remain\w+|hosted"
    r"|us(?:es|ed)|bas(?:es|ed)|located|situated|ha[sd]|does|goes|its|this|was|always|is|years)"
)
_WORD = re.compile(r"[^\W_]+(?:[-’'.][^\W_]+)*|[,;:()—–]")
_BE = frozenset(("is", "are", "was", "were", "be", "been", "being", "got", "gets"))
_DETERMINERS = frozenset(
    ("a", "an", "the", "his", "her", "its", "their", "our", "my", "your", "this", "these", "those")
)
_NO_SUBJECT = _DETERMINERS | {"of", "and", "or", "not", "no", "to", "by", "with", "for", "in", "on"}
_PLACES = frozenset(
    ("in", "on", "at", "under", "between", "near", "behind", "beside", "among", "from", "by")
)
_AFTER_IT = _PLACES | {
    "over", "for", "with", "after", "before", "during", "to", "into", "about", "against", "as",
    "when", "while", "because", "since", "until", "through",
}  # fmt: skip
_EITHER = re.compile(r"\b(?:than|each other|one another|both|mutual\w*|together)\b", re.IGNORECASE)
_MOST_TERMS, _MOST_WORDS = 3, 8


@dataclass(frozen=True, slots=True)
class _Action:
    verb: str
    written: str
    by: frozenset[str]
    on: frozenset[str]


def exchanged_sides(claim: str, sources: Sequence[str]) -> str:
    """The verb whose two sides a claim exchanges; "" if there is none.

    ``"Oracle sued Google"`` of a source that says ``"Oracle was sued by Google"``.
    """
    if _EITHER.search(claim):
        return ""
    ours = list(_actions(claim))
    if not ours:
        return ""
    theirs = [a for text in sources if not _EITHER.search(text) for a in _actions(text)]
    for action in ours:
        same = [other for other in theirs if other.verb == action.verb]
        if any(action.by & other.by and action.on & other.on for other in same):
            continue
        if any(_exchanged(action, other) for other in same):
            return action.written
    return ""


def _exchanged(one: _Action, other: _Action) -> bool:
    crossed = one.by & other.on and one.on & other.by
    return bool(crossed) and not (one.by & other.by) and not (one.on & other.on)


def _actions(text: str) -> Iterator[_Action]:
    words = _WORD.findall(text)
    for place, word in enumerate(words):
        verb = _verb(words, place)
        if not verb:
            continue
        before = place - 1
        while before > 0 and words[before].endswith("ly"):
            before -= 1
        after = _agent(words, place)
        is_passive = before >= 0 and words[before].lower() in _BE
        if is_passive and not after:
            continue
        left = _terms(words[: before + 1][::-1], stops=frozenset())
        right = _terms(words[(after or place) + 1 :], stops=_AFTER_IT)
        if not left or not right or _is_fronted(words, before):
            continue
        by, on = (right, left) if after else (left, right)
        yield _Action(verb, word, by, on)


def _verb(words: Sequence[str], place: int) -> str:
    """What verb a word is a form of; "" if it is none, or may well be none."""
    word = words[place].lower()
    previous = words[place - 1] if place else ""
    if not previous or previous.lower() in _NO_SUBJECT or re.search(r"['’]s?$", previous):
        return ""
    if _BOTH_WAYS.fullmatch(word):
        return ""
    known = _FORMS.get(word, "")
    following = words[place + 1] if place + 1 < len(words) else ""
    if word.endswith("s"):
        stands = following[:1].isupper() or following.lower() in _DETERMINERS
        is_form = len(word) > 3 and not word.endswith("ss")
        return (known or _stem(word)) if stands and is_form else ""
    if known or (word.endswith("ed") and len(word) > 4):
        return known or _stem(word)
    return ""


def _agent(words: Sequence[str], place: int) -> int:
    """The place of the "by" that follows a participle, perhaps after "in 2014"; 0 if none does."""
    for step in (1, 3):
        at = place + step
        if at < len(words) and words[at].lower() == "by":
            between = words[place + 1 : at]
            if not between or (between[0].lower() in ("in", "on") and between[1][:1].isdigit()):
                return at
    return 0


def _terms(words: Sequence[str], stops: frozenset[str]) -> frozenset[str]:
    """The nearest few terms of one side, which ends at a comma or at what stops it."""
    found: list[str] = []
    for word in words[:_MOST_WORDS]:
        if not word[0].isalnum():
            if found:
                break
            continue
        if found and word.lower() in stops:
            break
        if not is_function_word(word):
            found += [term for term in lexical_terms(word) if not term[0].isdigit()]
        if len(found) >= _MOST_TERMS:
            break
    return frozenset(found)


def _is_fronted(words: Sequence[str], before: int) -> bool:
    """Whether a place comes first and the subject last, as in "In the valley lived a giant"."""
    left = [word.lower() for word in words[: before + 1]]
    if left[0] not in _PLACES or "," in left or (len(left) > 2 and left[1][0].isdigit()):
        return False
    return sum(word in _DETERMINERS for word in left) < 2


def _stem(word: str) -> str:
    return next(iter(lexical_terms(word)), word)


_FORMS = {form: line.split()[0] for line in _VERBS.strip().splitlines() for form in line.split()}
