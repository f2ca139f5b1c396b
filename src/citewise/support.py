"""The support check: does the evidence state what a sentence claims, and which spans prove it?

A first check without a model. It stops what is plainly wrong: a number, date or name that the
cited words do not hold, a value taken from another row or column, a lost negation, and a sentence
with no evidence near it. It meets the ``Judge`` seam, behind which a stronger one takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citewise.acting import exchanged_sides
from citewise.bindings import misplaced
from citewise.claims import (
    COMMON,
    Candidate,
    Claim,
    candidate_of,
    claim_of,
    has_name,
    has_number,
    other_subject,
    recall,
)
from citewise.enumerating import items_of
from citewise.near_copy import change_in
from citewise.quantities import Name, Quantity
from citewise.ranges import another_range, half_of_a_range
from citewise.tokens import content_terms, lexical_terms, words_with
from citewise.types import Evidence, Label, Verdict
from citewise.wording import called, compares, denial_mismatch, overstates, swapped_sides

__all__ = ["Attribution", "SupportJudge", "attribute", "evidence_from_texts"]

_MOST_CITATIONS = 4
_ENOUGH_WORDS = 0.5
_SOME_WORDS = 0.45
# Characters between a span and the one that names whom it speaks of.
_NEAR = 800
_NEGATION_MATTERS = 0.6
_NEAR_IN_MEANING = 0.65
_NEAREST_IN_MEANING = 0.5
# How much of a sentence may be the question's words alone, where its source is far from the
# question in meaning.
_BORROWED = 1 / 3
_FAR_IN_MEANING = 0.5
# Where a sentence adds to its main clause, and how much of what it adds its source has to hold.
_CLAUSE = re.compile(
    r",\s+(?:which|who|where|while|whereas|thereby|thus|and thus|\w{3,}ing)\s|;\s", re.IGNORECASE
)
_CLAUSE_TERMS = 3
_CLAUSE_HELD = 0.2


@dataclass(frozen=True, slots=True)
class Attribution:
    """The verdict on one sentence and the spans it rests on, best first."""

    verdict: Verdict
    evidence: tuple[Evidence, ...]


def attribute(
    sentence: str,
    evidence: Sequence[Evidence],
    *,
    weight: Callable[[str], float] = lambda _: 1.0,
    given: str = "",
) -> Attribution:
    """Find the smallest set of spans that holds what ``sentence`` says, and judge it.

    Args:
        sentence: one sentence, without citation markers.
        evidence: what it may rest on, best first.
        weight: how much a term counts, such as its rarity.
        given: words that need no proof, such as those of the question.
    """
    claim = claim_of(sentence, evidence, weight, given)
    candidates = [candidate_of(claim, item, weight) for item in evidence]
    if not candidates or not claim.terms:
        reason = "there is no evidence" if claim.terms else "it states nothing that can be checked"
        return Attribution(Verdict(Label.UNSUPPORTED, 0.0, reason, sentence), ())
    chosen = _cover(claim, candidates, weight)
    verdict = _verdict(claim, chosen, weight, given)
    listed = [] if verdict.supported else items_of(claim, candidates, weight, given)
    if listed and not _turned(claim, listed, given, verdict.score):
        verdict = Verdict(Label.SUPPORTED, 0.9, "the source lists each of these", claim.text)
        chosen = listed
    return Attribution(verdict, tuple(candidate.evidence for candidate in chosen))


def _cover(
    claim: Claim, candidates: Sequence[Candidate], weight: Callable[[str], float]
) -> list[Candidate]:
    """The best span, then whatever adds a number or a name that is still missing."""

    def worth(candidate: Candidate) -> float:
        # The share of numbers held decides between spans that share the same words.
        numbers = [has_number(candidate, q) for q in claim.quantities]
        share = sum(numbers) / len(numbers) if numbers else 0.0
        return candidate.overlap + 0.5 * share + 0.1 * candidate.evidence.cosine

    chosen = [max(candidates, key=worth)]
    while len(chosen) < _MOST_CITATIONS:
        numbers, missing_names = _missing(claim, chosen, weight)
        if not numbers and not missing_names:
            break
        gains = [
            (_gain(candidate, numbers, missing_names, chosen[0], weight), -place)
            for place, candidate in enumerate(candidates)
        ]
        gain, place = max(gains)
        if gain[0] <= 0:
            break
        chosen.append(candidates[-place])
    return chosen


def _gain(
    candidate: Candidate,
    numbers: Sequence[Quantity],
    missing_names: Sequence[Name],
    best: Candidate,
    weight: Callable[[str], float],
) -> tuple[float, float]:
    held = sum(has_number(candidate, q) for q in numbers)
    held += sum(_names(candidate, name, best, weight) for name in missing_names)
    near = candidate.evidence.document == best.evidence.document
    return (float(held), candidate.overlap + 0.1 * near) if held else (0.0, 0.0)


def _names(
    candidate: Candidate, name: Name, best: Candidate, weight: Callable[[str], float]
) -> bool:
    """Whether this span holds the name, and can tell by it whom the best one speaks of.

    "The company" is named a little before, or it is what the whole document is about. A rare name
    from elsewhere must not be tied to words that were not said of it.
    """
    here, there = best.evidence, candidate.evidence
    if here.document != there.document or not has_name(candidate, name):
        return False
    return abs(here.start - there.start) <= _NEAR or weight(name.terms[0]) <= COMMON


def _missing(
    claim: Claim, chosen: Sequence[Candidate], weight: Callable[[str], float]
) -> tuple[list[Quantity], list[Name]]:
    numbers = [q for q in claim.quantities if not any(has_number(c, q) for c in chosen)]
    unnamed = [
        name for name in claim.names if not any(_names(c, name, chosen[0], weight) for c in chosen)
    ]
    return numbers, unnamed


def _verdict(
    claim: Claim, chosen: Sequence[Candidate], weight: Callable[[str], float], given: str
) -> Verdict:
    terms = frozenset[str]().union(*(c.terms for c in chosen))
    known = terms | frozenset(lexical_terms(given))
    held = recall(claim.terms, known, weight)
    proven = recall(claim.terms, terms, weight)
    score = round(min(1.0, 0.2 + 0.8 * min(1.0, (held + proven) / 1.6)), 3)
    numbers, missing_names = _missing(claim, chosen, weight)
    if numbers:
        return _number_verdict(claim, chosen, numbers[0], proven)
    headings = " ".join(c.evidence.heading for c in chosen)
    unknown = [n for n in missing_names if not n.stands_in(headings, lexical_terms(headings))]
    if unknown:
        return Verdict(
            Label.UNSUPPORTED, 0.15, f"{unknown[0].text!r} is not in the source", claim.text
        )
    swapped = other_subject(claim, chosen[0])
    if swapped:
        return Verdict(Label.UNSUPPORTED, 0.1, swapped, claim.text)
    wrong = misplaced(claim.text, [c.evidence for c in chosen], given)
    if wrong:
        return Verdict(Label.CONTRADICTED, 0.05, wrong, claim.text)
    if proven >= _SOME_WORDS and not _together(claim, chosen, weight, given):
        reason = "its words stand in different places that do not say this together"
        return Verdict(Label.PARTLY_SUPPORTED, min(score, 0.4), reason, claim.text)
    best = chosen[0]
    turned = _turned(claim, chosen, given, score)
    if turned:
        return turned
    unsaid = _assumed(claim, chosen, weight, given) or _appended(claim, chosen, weight, given)
    if unsaid:
        return Verdict(Label.PARTLY_SUPPORTED, min(score, 0.25), unsaid, claim.text)
    if held >= _ENOUGH_WORDS and (proven >= _SOME_WORDS or _answers(claim, best, given)):
        return Verdict(Label.SUPPORTED, score, "the source states it", claim.text)
    lacking = ", ".join(words_with(claim.text, claim.terms - known))
    if proven >= _SOME_WORDS:
        reason = f"the source does not mention: {lacking}"
        return Verdict(Label.PARTLY_SUPPORTED, min(score, 0.45), reason, claim.text)
    reason = f"no passage near it (not mentioned: {lacking})"
    return Verdict(Label.UNSUPPORTED, min(score, 0.25), reason, claim.text)


def _turned(claim: Claim, chosen: Sequence[Candidate], given: str, score: float) -> Verdict | None:
    """The verdict where a small word makes the sentence say something else than its source."""
    best = chosen[0]
    sources = "\n".join(c.evidence.rendered or c.evidence.text for c in chosen)
    copied = change_in(claim.text, [c.evidence.text for c in chosen if c.evidence.kind != "row"])
    if copied and copied.sure:
        return Verdict(Label.CONTRADICTED, 0.05, copied.reason, claim.text)
    texts = [c.evidence.rendered or c.evidence.text for c in chosen]
    sides = swapped_sides(claim.text, texts)
    if sides:
        return Verdict(Label.CONTRADICTED, 0.05, sides, claim.text)
    verb = exchanged_sides(
        claim.text, [c.evidence.text for c in chosen if c.evidence.kind != "row"]
    )
    if verb:
        reason = f"the two sides of {verb!r} are exchanged"
        return Verdict(Label.CONTRADICTED, 0.05, reason, claim.text)
    turned = denial_mismatch(claim.text, sources)
    if turned and best.overlap >= _NEGATION_MATTERS:
        return Verdict(Label.CONTRADICTED, 0.1, turned, claim.text)
    word = compares(claim.text, sources)
    if word and best.evidence.kind == "row":
        # Which cell is greater is worked out from all of them; see ``comparing``.
        reason = f"the words of a table do not say {word!r}"
        return Verdict(Label.PARTLY_SUPPORTED, min(score, 0.4), reason, claim.text)
    other = another_range(claim.text, sources)
    if other:
        return Verdict(
            Label.CONTRADICTED, 0.05, f"the source gives another range: {other}", claim.text
        )
    more = half_of_a_range(claim.text, sources) or overstates(claim.text, sources, given)
    if more:
        return Verdict(Label.PARTLY_SUPPORTED, min(score, 0.4), more, claim.text)
    return None


def _together(
    claim: Claim, chosen: Sequence[Candidate], weight: Callable[[str], float], given: str
) -> bool:
    """Whether one span holds most of what the sentence adds to the question.

    Rows of a table are read side by side, so that they may share a comparison between them.
    """
    if all(c.evidence.kind == "row" for c in chosen):
        return True
    known = frozenset(lexical_terms(given))
    added = frozenset(t for t in claim.terms - known if not t[0].isdigit())
    return not added or any(recall(added, c.body_terms, weight) >= _ENOUGH_WORDS for c in chosen)


def _answers(claim: Claim, best: Candidate, given: str) -> bool:
    """Whether a sentence says in the question's words what the span says in its own.

    Then all that it adds to the question stands in a span that is near the question in meaning,
    or nearest of all.
    """
    item = best.evidence
    # A row that is about somebody says nothing of him that none of its columns or cells holds.
    if item.kind == "row" and not (claim.terms & best.body_terms) - _subject(best):
        return False
    near = _NEAREST_IN_MEANING if item.dense_rank == 1 else _NEAR_IN_MEANING
    added = claim.terms - frozenset(lexical_terms(given))
    return bool(added) and added <= best.body_terms and item.cosine >= near


def _assumed(
    claim: Claim, chosen: Sequence[Candidate], weight: Callable[[str], float], given: str
) -> str:
    """What the sentence takes from the question though its source does not say it, or "".

    A role that only the question names, or many of the question's words about something else.
    """
    terms = frozenset[str]().union(*(c.terms for c in chosen))
    role = frozenset(content_terms(called(claim.text))) & claim.terms
    if role and recall(role, terms, weight) < _ENOUGH_WORDS:
        return f"the source does not say {called(claim.text)!r}"
    borrowed = (claim.terms & frozenset(lexical_terms(given))) - terms
    if recall(claim.terms, borrowed, weight) <= _BORROWED or not _far_from_the_question(
        claim, chosen, given
    ):
        return ""
    words = ", ".join(words_with(claim.text, borrowed))
    return f"the question says it, the source does not: {words}"


def _appended(
    claim: Claim, chosen: Sequence[Candidate], weight: Callable[[str], float], given: str
) -> str:
    """What a clause at the end adds though the source does not say it there, or "".

    "It doubled its staff, which will be a challenge": the main clause holds most of the words. What
    "which" adds, a span has to say of what stands before it, and not of something else.
    """
    terms = frozenset[str]().union(*(c.terms for c in chosen))
    known = frozenset(lexical_terms(given))
    main, *clauses = _CLAUSE.split(claim.text)
    own = (frozenset(content_terms(main)) & claim.terms) - known
    for clause in clauses:
        added = (frozenset(content_terms(clause)) & claim.terms) - known - own
        if len(added) < _CLAUSE_TERMS:
            continue
        if recall(added, terms, weight) < _CLAUSE_HELD:
            return f"the source does not say: {', '.join(words_with(clause, added - terms))}"
        saying = [c for c in chosen if recall(added, c.terms, weight) >= _ENOUGH_WORDS]
        if own and saying and not any(own & c.body_terms for c in saying):
            return f"the source says of something else: {', '.join(words_with(clause, added))}"
    return ""


def _far_from_the_question(claim: Claim, chosen: Sequence[Candidate], given: str) -> bool:
    """Whether these spans hardly speak of what was asked.

    A small model then says of them what the question says. A cell says little by itself, so that
    the question's words around it are the usual way to put it; a row of which nothing is taken but
    whom it is about says none of them.
    """
    rows = [c for c in chosen if c.evidence.kind == "row"]
    own = claim.terms - frozenset(lexical_terms(given))
    cells = frozenset[str]().union(*(c.body_terms - _subject(c) for c in rows))
    if rows and (claim.quantities or own & cells):
        return False
    return max(c.evidence.cosine for c in chosen) < _FAR_IN_MEANING


def _subject(row: Candidate) -> frozenset[str]:
    """The terms of whom or what a row is about."""
    return frozenset(lexical_terms(row.evidence.rendered.partition(" — ")[0]))


def _number_verdict(
    claim: Claim, chosen: Sequence[Candidate], number: Quantity, proven: float
) -> Verdict:
    there = [q.text for q in chosen[0].quantities]
    if there and proven >= _ENOUGH_WORDS:
        said = " and ".join(dict.fromkeys(there[:3]))
        reason = f"the source says {said}, not {number.text}"
        return Verdict(Label.CONTRADICTED, 0.05, reason, claim.text)
    return Verdict(Label.UNSUPPORTED, 0.1, f"{number.text!r} is not in the source", claim.text)


def evidence_from_texts(texts: Sequence[str]) -> list[Evidence]:
    """Plain texts as evidence, each under a name of its own."""
    return [
        Evidence(f"text {number}", 0, len(text), text, 1.0, None, None, rendered=text)
        for number, text in enumerate(texts, 1)
    ]


class SupportJudge:
    """The built-in check as a ``Judge``."""

    def judge(self, claim: str, evidence: Sequence[str]) -> Verdict:
        """The verdict on one sentence, given the texts that could support it."""
        return attribute(claim, evidence_from_texts(evidence)).verdict
