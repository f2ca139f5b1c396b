"""Whether the evidence answers the question at all, decided before a word is written.

Several weak signals in one small logistic model, because none generalises alone: the language
model's own log-odds of Yes, the best cosine, how much of the question the evidence mentions, and
names that no document holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from citewise.entailment import Entailment
from citewise.index import Index
from citewise.quantities import Name, names
from citewise.retrieval import Query, evidence_terms
from citewise.types import Evidence

__all__ = [
    "AnswerOdds",
    "Answerability",
    "Signals",
    "answer_odds",
    "estimate",
    "read_signals",
    "stands",
]


@dataclass(frozen=True, slots=True)
class AnswerOdds:
    """Natural-log odds by the entailment model that evidence answers a question.

    ``each`` span by itself, in their order, and the best ones read ``together``.
    """

    each: tuple[float, ...]
    together: float


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known about a question and its evidence.

    ``log_odds``: of Yes against No, by the language model; None without one. ``cosine``: of the
    question and the nearest span. ``coverage``: share of the question's terms, weighted by
    rarity, that the evidence holds. ``unknown_names``: names in the question that no document
    holds. ``reading``: what the entailment model says, where one was asked.
    """

    log_odds: float | None
    cosine: float
    coverage: float
    unknown_names: tuple[str, ...]
    reading: AnswerOdds | None = None


@dataclass(frozen=True, slots=True)
class Answerability:
    """The probability that the evidence answers the question, and the signals behind it."""

    probability: float
    signals: Signals


# Set by hand, from the separation seen on few questions.
_WITH_MODEL = {"bias": -3.4, "log_odds": 0.9, "cosine": 3.0, "coverage": 2.0}
_WITHOUT_MODEL = {"bias": -4.8, "cosine": 7.0, "coverage": 3.0}
# Learnt on ClapNQ's questions with their passages given: evals/given_rows.py.
_READ_WITH_MODEL = {"bias": -0.95, "log_odds": 1.56, "best": 0.29, "together": 0.45}
_READ = {"bias": 0.55, "best": 0.23, "together": 0.74}
_READ_WORDS = 90
# Learnt: evals/fit_answerability.py; the constant is raised by the log-odds of a right draft.
_STANDS = {"bias": -3.37, "confirmed": 1.03, "log_odds": 1.97, "cosine": 0.44, "coverage": 0.68}
# An adjective or a place may be the reader's own word for it; an identifier is not.
_UNKNOWN_NAME = -1.0
_UNKNOWN_NAMES = -3.5
_UNKNOWN_IDENTIFIER = -6.0


def read_signals(
    query: Query, evidence: Sequence[Evidence], index: Index, log_odds: float | None
) -> Signals:
    """Collect the signals; ``log_odds`` comes from the language model."""
    held = evidence_terms(evidence)
    weights = {term: index.idf(term) for term in query.lexical}
    total = sum(weights.values())
    return Signals(
        log_odds,
        max((item.cosine for item in evidence), default=0.0),
        sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0,
        unknown_names(query.question, index),
    )


def answer_odds(
    question: str,
    evidence: Sequence[Evidence],
    sources: Sequence[Evidence],
    entailment: Entailment,
) -> AnswerOdds:
    """Let the entailment model read each span, and the words of the best sources together."""
    joined = " ".join(" ".join(item.rendered for item in sources).split()[:_READ_WORDS])
    texts = [*(item.rendered for item in evidence), joined]
    *each, together = entailment.answers([(question, text) for text in texts], threads=1)
    return AnswerOdds(tuple(each), together)


def unknown_names(question: str, index: Index) -> tuple[str, ...]:
    """Names in the question that no document holds, not even with a slip of the pen."""
    return tuple(
        name.text
        for name in names(question)
        # An acronym is often another word for what the document spells out.
        if not name.acronym
        # So is an adjective of a people or place.
        and not name.of_people
        and not _known(name, index)
    )


def _known(name: Name, index: Index) -> bool:
    if any(character.isdigit() for character in name.text) and not name.text[0].islower():
        # "GPT-5" is not known for "GPT-4" being so: only the whole counts, or its plural. Who
        # writes "llama3" may mean "Llama 3".
        whole = name.terms[0]
        return index.contains(whole) or index.contains(whole.removesuffix("s"))
    return any(index.contains(term) or index.similar(term) is not None for term in name.terms)


def _is_identifier(name: str) -> bool:
    return any(character.isdigit() or character.isupper() for character in name[1:])


def stands(signals: Signals, confirmed: float | None) -> float:
    """The probability that a draft which passed the support check answers the question.

    Args:
        signals: of the question and its evidence.
        confirmed: log-odds, by the language model, that the draft is a complete and direct answer.

    1 where the model tells no probabilities. Before anything is known of it, a draft is as likely
    as those learnt from, of which 63 % answered their question.
    """
    if confirmed is None:
        return 1.0
    logit = _STANDS["bias"] + _STANDS["confirmed"] * confirmed
    logit += _STANDS["log_odds"] * (signals.log_odds or 0.0)
    logit += _STANDS["cosine"] * signals.cosine + _STANDS["coverage"] * signals.coverage
    return _logistic(logit)


def estimate(signals: Signals) -> Answerability:
    """The probability that the question can be answered."""
    told = signals.log_odds is not None
    if signals.reading is not None:
        weights = _READ_WITH_MODEL if told else _READ
        logit = weights["bias"] + weights["best"] * max(signals.reading.each, default=0.0)
        logit += weights["together"] * signals.reading.together
    else:
        weights = _WITH_MODEL if told else _WITHOUT_MODEL
        logit = weights["bias"] + weights["cosine"] * signals.cosine
        logit += weights["coverage"] * signals.coverage
    if signals.log_odds is not None:
        logit += weights["log_odds"] * max(-8.0, min(8.0, signals.log_odds))
    if signals.unknown_names:
        identifier = any(_is_identifier(name) for name in signals.unknown_names)
        several = len(signals.unknown_names) > 1
        logit += _UNKNOWN_IDENTIFIER if identifier else _UNKNOWN_NAMES if several else _UNKNOWN_NAME
    return Answerability(_logistic(logit), signals)


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
