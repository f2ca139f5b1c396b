"""Grades one answer: outcome, facts, citations against gold spans, retrieval.

Sees the public ``Answer`` alone and uses nothing of the product's own verifier. ``docs/evals.md``
defines every measure; citation recall and precision are named after ALCE (Gao et al. 2023).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from citewise.errors import EvaluationError
from citewise.eval_facts import states, without_markers
from citewise.eval_grounding import Ungrounded, ungrounded
from citewise.questions import GoldSpan, Question
from citewise.types import Answer, Citation, Evidence, Status

__all__ = ["Grade", "Outcome", "grade"]

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")


class Outcome(str, Enum):
    """What became of a question; ``NOT_REFUSED`` is an unanswerable one that got an answer."""

    ANSWERED_CORRECTLY = "answered_correctly"
    QUOTED_CORRECTLY = "quoted_correctly"
    ANSWERED_WRONGLY = "answered_wrongly"
    REFUSED_WRONGLY = "refused_wrongly"
    REFUSED_RIGHTLY = "refused_rightly"
    NOT_REFUSED = "not_refused"

    def __str__(self) -> str:
        return self.value

    @property
    def right(self) -> bool:
        """True if the reader got what the question's author expected."""
        return self in (
            Outcome.ANSWERED_CORRECTLY,
            Outcome.QUOTED_CORRECTLY,
            Outcome.REFUSED_RIGHTLY,
        )


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of one answer, with its reasons.

    ``missing`` are the fact groups the text doesn't state, ``forbidden`` the wrong facts it does.
    Citation measures are None where they have no denominator: no gold spans, a refusal, or (for
    precision) no citation. ``gold_ranks`` gives per gold group the rank, from 1, of the first
    evidence that overlaps it, or None. ``inexact`` names citations whose quote is not the
    document's text, and markers without a citation; ``unsupported`` the shown sentences whose
    verdict is not ``supported``. ``held_back`` is what the check dropped of a wrong or refused
    answer though it states every fact. The last three are a judge's, see ``eval_support``; they
    are filled in by ``evaluate`` and decide nothing else here.
    """

    answerable: bool
    outcome: Outcome
    missing: tuple[tuple[str, ...], ...]
    forbidden: tuple[str, ...]
    citation_precision: float | None
    citation_recall: float | None
    holds_gold: bool | None
    gold_ranks: tuple[int | None, ...]
    citations: int
    inexact: tuple[str, ...]
    sentences: int
    unsupported: tuple[str, ...]
    ungrounded: tuple[Ungrounded, ...]
    held_back: str = ""
    faithfulness: float | None = None
    alce_recall: float | None = None
    alce_precision: float | None = None

    @property
    def flawless(self) -> bool:
        """True if nothing about the answer asks for a reader's eye."""
        return self.outcome.right and not (self.inexact or self.unsupported or self.ungrounded)


def grade(
    question: Question,
    answer: Answer,
    gold: Sequence[Sequence[GoldSpan]],
    texts: Mapping[str, str],
) -> Grade:
    """Grade one answer.

    Args:
        question: what was asked and what a right answer states.
        answer: the public answer.
        gold: per group of evidence, the spans that may be cited for it.
        texts: the text of each document the answer cites, by name; a name that is missing makes
            the citation inexact.

    Raises:
        EvaluationError: the question demands no fact, or the answer shows text without sentences,
            so that a grade would mean nothing.
    """
    answerable = question.status is Status.ANSWERED
    _demand_substance(question, answer, answerable)
    shown = without_markers(answer.text)
    missing = tuple(
        tuple(group) for group in question.facts if not any(states(shown, fact) for fact in group)
    )
    forbidden = tuple(fact for fact in question.forbidden if states(shown, fact))
    outcome = _outcome(answer.status, answerable, not missing and not forbidden)
    gold = gold if answerable else ()
    cited_gold = gold if answer.status is not Status.NOT_FOUND else ()
    hits = [any(_overlaps_any(c, group) for group in cited_gold) for c in answer.citations]
    return Grade(
        answerable=answerable,
        outcome=outcome,
        missing=missing if answerable else (),
        forbidden=forbidden,
        citation_precision=_share(hits) if cited_gold else None,
        citation_recall=_share(
            any(_overlaps_any(c, group) for c in answer.citations) for group in cited_gold
        ),
        holds_gold=any(hits) if cited_gold else None,
        gold_ranks=tuple(_rank(answer.evidence, group) for group in gold),
        citations=len(answer.citations),
        inexact=_inexact(answer, texts),
        sentences=len(answer.sentences),
        unsupported=tuple(s.text for s in answer.sentences if not s.verdict.supported),
        ungrounded=ungrounded(answer, texts),
        held_back="" if outcome.right else _held_back(question, answer),
    )


def _held_back(question: Question, answer: Answer) -> str:
    """What was dropped, if it states all that a right answer must and nothing forbidden."""
    text = " ".join(sentence.text for sentence in answer.dropped)
    right = (
        question.facts
        and all(any(states(text, fact) for fact in group) for group in question.facts)
        and not any(states(text, fact) for fact in question.forbidden)
    )
    return text if right else ""


def _demand_substance(question: Question, answer: Answer, answerable: bool) -> None:
    if answerable and not question.facts:
        raise EvaluationError(
            f"Question {question.id!r} demands no fact.", "Give it facts, or status not_found."
        )
    if answer.status is Status.ANSWERED and not answer.sentences:
        raise EvaluationError(
            f"The answer to {question.id!r} has no checked sentences: {answer.text!r}.",
            "Nothing can be said about its support.",
        )


def _outcome(status: Status, answerable: bool, facts_right: bool) -> Outcome:
    refused = status is Status.NOT_FOUND
    if not answerable:
        return Outcome.REFUSED_RIGHTLY if refused else Outcome.NOT_REFUSED
    if refused:
        return Outcome.REFUSED_WRONGLY
    if not facts_right:
        return Outcome.ANSWERED_WRONGLY
    quoted = status is Status.QUOTED
    return Outcome.QUOTED_CORRECTLY if quoted else Outcome.ANSWERED_CORRECTLY


def _overlaps_any(found: Citation | Evidence, spans: Iterable[GoldSpan]) -> bool:
    return any(
        found.document == document and found.start < end and start < found.end
        for document, start, end in spans
    )


def _rank(evidence: Sequence[Evidence], group: Sequence[GoldSpan]) -> int | None:
    ranks = (rank for rank, item in enumerate(evidence, 1) if _overlaps_any(item, group))
    return next(ranks, None)


def _share(hits: Iterable[bool]) -> float | None:
    counted = list(hits)
    return sum(counted) / len(counted) if counted else None


def _inexact(answer: Answer, texts: Mapping[str, str]) -> tuple[str, ...]:
    faults = [
        f"[{c.number}] {c.document} {c.start}:{c.end} is not {c.quote!r}"
        for c in answer.citations
        if not _is_exact(c, texts)
    ]
    known = {citation.number for citation in answer.citations}
    used = {int(n) for m in _MARKER.finditer(answer.text) for n in m[1].split(",")}
    used.update(n for sentence in answer.sentences for n in sentence.citations)
    faults += [f"[{number}] has no citation" for number in sorted(used - known)]
    return tuple(faults)


def _is_exact(citation: Citation, texts: Mapping[str, str]) -> bool:
    text = texts.get(citation.document)
    if text is None or not 0 <= citation.start < citation.end <= len(text):
        return False
    return text[citation.start : citation.end] == citation.quote
