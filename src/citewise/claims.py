"""A sentence and the spans it may rest on, in the form in which the support check compares them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citewise.quantities import Name, Quantity, holds, loose_values, names, quantities
from citewise.tokens import content_terms, is_function_word, lexical_terms
from citewise.types import Evidence

__all__ = [
    "COMMON",
    "Candidate",
    "Claim",
    "candidate_of",
    "claim_of",
    "has_name",
    "has_number",
    "other_subject",
    "recall",
]

COMMON = 2.0
"""The rarity (see ``Index.idf``) up to which a name counts as what the whole document is about."""
# Words that join what is said and say nothing that a source would have to hold.
_LINKS = frozenset(
    content_terms("yes due because since however therefore thus such like well including")
)
_FIRST_NAMES = frozenset(("will", "don"))
# Characters within which the name stands that a sentence is about.
_BEGINNING = 12
# "Data takeaway: ...", "What to watch next: 3. Turnover: ..."
_LABEL = re.compile(r"^(?:[^:.,;]{2,40}:\s+(?:\d+\.\s+)?){1,2}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence; ``names`` are those that its sources have to hold."""

    text: str
    terms: frozenset[str]
    quantities: tuple[Quantity, ...]
    names: tuple[Name, ...]
    all_names: tuple[Name, ...]
    known_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span; ``overlap`` is the share of the sentence's words that it holds."""

    evidence: Evidence
    terms: frozenset[str]
    body_terms: frozenset[str]
    quantities: tuple[Quantity, ...]
    loose: frozenset[float]
    overlap: float


def claim_of(
    sentence: str, evidence: Sequence[Evidence], weight: Callable[[str], float], given: str
) -> Claim:
    """The sentence with its terms, numbers and names; ``given`` are the question's words."""
    known = frozenset(word for item in evidence for word in _named_in(item))
    # A name that the question uses is one at the beginning of a sentence, too.
    named = names(sentence, known | {name.text for name in names(given)})
    found = [name for name in named if not _is_capital_of_title(name.text)]
    asked = frozenset(lexical_terms(given))
    terms = frozenset(content_terms(sentence)) if lexical_terms(sentence) else frozenset()
    return Claim(
        sentence,
        terms - _LINKS or terms,
        tuple(quantities(sentence)),
        tuple(name for name in found if not _is_topic(name, asked, weight)),
        tuple(found),
        known,
    )


def _is_capital_of_title(word: str) -> bool:
    """Whether it is a word such as the first one of "The Guardian", which tells nobody apart.

    "Will" and "Don" are people as well; "US" and "WHO" are written otherwise.
    """
    small = word.lower()
    return word == small.capitalize() and is_function_word(small) and small not in _FIRST_NAMES


def _named_in(item: Evidence) -> list[str]:
    """The names in a span; the capitals of what a table row is about tell names too."""
    words = [name.text for name in names(item.rendered or item.text)]
    if item.kind == "row":
        words += re.findall(r"\b[A-Z]\w+", item.rendered.partition(" — ")[0])
    return words


def _is_topic(name: Name, asked: frozenset[str], weight: Callable[[str], float]) -> bool:
    """What the question names and the whole document is about needs no naming in each span.

    Nor does the asker's own "American" for firms that the document names.
    """
    return name.terms[0] in asked and (name.of_people or weight(name.terms[0]) <= COMMON)


def candidate_of(claim: Claim, item: Evidence, weight: Callable[[str], float]) -> Candidate:
    """The span with its terms and numbers, and how many of the sentence's words it holds."""
    words = item.rendered or item.text
    body = frozenset(lexical_terms(words))
    terms = body | frozenset(lexical_terms(item.heading))
    return Candidate(
        item,
        terms,
        body,
        tuple(quantities(words)),
        frozenset(loose_values(item.text)),
        recall(claim.terms, body, weight),
    )


def recall(wanted: frozenset[str], held: frozenset[str], weight: Callable[[str], float]) -> float:
    """The share of the wanted terms that are held, by weight; 0 if none are wanted."""
    total = sum(weight(term) for term in wanted)
    return sum(weight(term) for term in wanted & held) / total if total else 0.0


def has_name(candidate: Candidate, name: Name) -> bool:
    """Whether the span holds the name."""
    item = candidate.evidence
    return name.stands_in(item.rendered or item.text, candidate.body_terms)


def has_number(candidate: Candidate, wanted: Quantity) -> bool:
    """Whether the span holds the number."""
    return holds(candidate.quantities, wanted) or wanted.value in candidate.loose


def other_subject(claim: Claim, best: Candidate) -> str:
    """Why the span is said of somebody else; "" if it is not.

    It begins with a name that the sentence lacks, and the sentence has one that it lacks.
    """
    text = best.evidence.rendered or best.evidence.text
    if best.evidence.kind == "row":
        return ""
    text = _LABEL.sub("", text)
    said = [name for name in claim.all_names if not (name.of_people or name.acronym)]
    ours = next((name for name in said if not has_name(best, name)), None)
    first = [n for n in names(text, claim.known_names) if text.find(n.text) <= _BEGINNING]
    theirs = next((name for name in first if not name.of_people), None)
    if ours is None or theirs is None or theirs.stands_in(claim.text, claim.terms):
        return ""
    return f"the source says it of {theirs.text!r}, not of {ours.text!r}"
