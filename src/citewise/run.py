"""One question while it is answered: what is known so far, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from citewise.answerability import AnswerOdds
from citewise.cells import Reading
from citewise.entailment import Entailment
from citewise.quoting import Quotes
from citewise.retrieval import Query
from citewise.support import Attribution
from citewise.tracing import UNWATCHED, Watch
from citewise.types import Evidence, Sentence

__all__ = ["Mode", "Run", "Settings"]

Mode: TypeAlias = Literal["strict", "flag"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How answers are made.

    ``threshold`` is the least probability that a draft answers the question for it to be shown;
    where the model tells no probabilities, the least that the documents answer it. Where nothing
    of a draft is left, the passages are quoted if the documents answer the question with at least
    the probability ``sure``: small models invent an answer to nearly every question that the
    documents do not answer; ``sure_of_polar`` is that for questions that want yes or no,
    ``sure_by_reading`` where the entailment model has read the evidence, which 1 in 20 of ClapNQ's
    unanswerable questions reaches. Below ``hopeless`` nothing is drafted. A draft has at most
    ``max_tokens`` tokens.
    """

    mode: Mode = "strict"
    threshold: float = 0.5
    sure: float = 0.93
    sure_of_polar: float = 0.4
    sure_by_reading: float = 0.73
    hopeless: float = 0.1
    max_tokens: int = 160


@dataclass(slots=True)
class Run:
    """The state of one question.

    ``kept`` are the checked sentences of the answer, ``dropped`` those held back, ``contrary`` the
    spans of other documents that say otherwise. ``answering`` is what the ``entailment`` model
    makes of the evidence, and ``read_through`` how probable it makes it that the question is
    answered. ``quotes`` compares what is cited with the stored documents. ``stands`` is the
    probability that ``kept`` answers the question; ``misses`` says why it does not. The first
    ``known_notices`` of ``notices`` were there before anything was asked.
    """

    question: str
    query: Query
    history: Sequence[str]
    settings: Settings
    began: float
    quotes: Quotes
    timings: dict[str, float] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    known_notices: int = 0
    evidence: tuple[Evidence, ...] = ()
    entailment: Entailment | None = None
    answering: AnswerOdds | None = None
    read_through: float = 0.0
    draft: str = ""
    kept: list[Attribution] = field(default_factory=list)
    dropped: list[Sentence] = field(default_factory=list)
    contrary: list[Evidence] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    just_cells: bool = False
    stands: float = 1.0
    confirmed: float | None = None
    misses: str = ""
    prompt_tokens: int | None = None
    watch: Watch = UNWATCHED

    @property
    def broke_off(self) -> bool:
        """Whether the language model failed on the way; then a lost draft is a sign of nothing."""
        return len(self.notices) > self.known_notices

    @property
    def text(self) -> str:
        """The kept sentences."""
        return " ".join(found.verdict.claim for found in self.kept)

    @property
    def cited(self) -> list[Evidence]:
        """The spans that the kept sentences rest on, without repetitions."""
        return list(dict.fromkeys(item for found in self.kept for item in found.evidence))

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent inside to a stage."""
        began = time.perf_counter()
        try:
            with self.watch.stage(stage):
                yield
        finally:
            spent = time.perf_counter() - began
            self.timings[stage] = self.timings.get(stage, 0.0) + spent
