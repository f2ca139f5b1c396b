"""From evidence to an answer: is it answerable, draft, check each sentence, decide the status."""

from __future__ import annotations

import time
from collections.abc import Generator as Generator_
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from citewise.answerability import Answerability, estimate, read_signals
from citewise.cells import Reading
from citewise.composing import compose, not_found, quoted
from citewise.drafts import is_refusal, is_statement, shorter, split_draft, split_lead
from citewise.errors import GeneratorError
from citewise.index import Index
from citewise.prompting import answer_prompt, gate_prompt, sources_for_prompt
from citewise.protocols import Generator
from citewise.readings import gives, read_table, unexplained
from citewise.relevance import misses
from citewise.retrieval import Query, Retriever, make_query
from citewise.support import Attribution, agrees, attribute
from citewise.types import (
    Answer,
    AnswerEvent,
    Event,
    Evidence,
    EvidenceEvent,
    Label,
    Sentence,
    SentenceEvent,
    Status,
    TextEvent,
    Verdict,
)

__all__ = ["Mode", "Settings", "answer_events"]

Mode: TypeAlias = Literal["strict", "flag"]

_MAX_TOKENS = 160
_MOST_UNEXPLAINED = 1
_OVERRULED = "the table answers the question itself"


@dataclass(frozen=True, slots=True)
class Settings:
    """How answers are made.

    ``threshold`` is the least probability of being answerable for a question to be answered.
    Where a draft was written and nothing of it survived the check, ``sure`` is the least
    probability for the passages to be quoted instead: an invented draft is itself a sign that
    the documents hold no answer.
    """

    mode: Mode = "strict"
    threshold: float = 0.4
    sure: float = 0.88


@dataclass(slots=True)
class _Run:
    """The state of one question while it is answered."""

    question: str
    query: Query
    history: Sequence[str]
    settings: Settings
    began: float
    timings: dict[str, float] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    evidence: tuple[Evidence, ...] = ()
    draft: str = ""
    kept: list[Attribution] = field(default_factory=list)
    dropped: list[Sentence] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    just_cells: bool = False
    prompt_tokens: int | None = None

    @property
    def compares(self) -> bool:
        """Whether the table itself tells which of several is greater."""
        return any(reading.compares for reading in self.readings)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds spent inside to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.timings[stage] = self.timings.get(stage, 0.0) + spent


def answer_events(
    question: str,
    history: Sequence[str],
    *,
    index: Index,
    retriever: Retriever,
    generator: Generator | None,
    settings: Settings,
    models: dict[str, str],
    top_k: int,
    notices: Sequence[str] = (),
) -> Iterator[Event]:
    """The events of one question: evidence, draft, verdicts, and last the answer."""
    began = time.perf_counter()
    run = _Run(question, Query(question, question, question, question), history, settings, began)
    run.notices.extend(notices)
    with run.timed("retrieve"):
        run.query = make_query(question, history, index)
        run.evidence = retriever.gather(run.query, top_k)
    run.timings["evidence"] = time.perf_counter() - began
    yield EvidenceEvent(run.evidence)
    sources = sources_for_prompt(run.evidence)
    with run.timed("read"):
        earlier = history[-1] if history else ""
        run.readings = read_table(question, run.query.asked, earlier, run.evidence, index.idf)
        unread = unexplained(question, run.query.asked, run.readings)
    gate, generator = _gate(run, sources, index, generator)
    # Where the question asks for just these cells, that they are there is answer enough.
    run.just_cells = bool(run.readings) and len(unread) <= _MOST_UNEXPLAINED
    answerable = run.just_cells or gate.probability >= settings.threshold
    if answerable and generator is not None:
        noticed = len(run.notices)
        yield from _draft(run, sources, index, generator)
        if len(run.notices) == noticed:
            yield from _settle(run)
    yield AnswerEvent(_finish(run, gate, answerable, models))


def _gate(
    run: _Run, sources: Sequence[Evidence], index: Index, generator: Generator | None
) -> tuple[Answerability, Generator | None]:
    log_odds = None
    if generator is not None and sources:
        try:
            with run.timed("gate"):
                log_odds = generator.yes_log_odds(gate_prompt(run.question, run.history, sources))
        except GeneratorError as error:
            run.notices.append(str(error))
            generator = None
    with run.timed("decide"):
        return estimate(read_signals(run.query, run.evidence, index, log_odds)), generator


def _settle(run: _Run) -> Iterator[Event]:
    """Put what the table says in the place of a draft that does not give it."""
    if not run.readings:
        return
    text = " ".join(found.verdict.claim for found in run.kept)
    if run.kept and not run.compares and all(gives(text, reading) for reading in run.readings):
        return
    for found in run.kept:
        verdict = replace(found.verdict, label=Label.PARTLY_SUPPORTED, reason=_OVERRULED)
        run.dropped.append(Sentence(verdict.claim, (), verdict))
    run.kept.clear()
    for reading in run.readings:
        verdict = Verdict(Label.SUPPORTED, 1.0, reading.reason, reading.text)
        run.kept.append(Attribution(verdict, reading.evidence))
        yield SentenceEvent(Sentence(reading.text, (), verdict), shown=True)


def _draft(
    run: _Run, sources: Sequence[Evidence], index: Index, generator: Generator
) -> Iterator[Event]:
    prompt = answer_prompt(run.question, run.history, sources)
    checked = 0
    try:
        with closing(
            _timed_pieces(run, generator.stream(prompt, max_tokens=_MAX_TOKENS))
        ) as pieces:
            for piece in pieces:
                run.draft += piece
                yield TextEvent(piece)
                finished = split_draft(run.draft)[checked:-1]
                for sentence in finished:
                    checked += 1
                    yield from _check(run, sentence, index)
    except GeneratorError as error:
        # What broke off in the middle of a sentence says nothing that could be checked.
        run.notices.append(str(error))
        return
    for sentence in split_draft(run.draft)[checked:]:
        yield from _check(run, sentence, index)


def _timed_pieces(run: _Run, pieces: Iterator[str]) -> Generator_[str, None, None]:
    """The pieces; only the time spent waiting for them counts as the model's."""
    try:
        while True:
            with run.timed("draft"):
                try:
                    piece = next(pieces)
                except StopIteration as end:
                    run.prompt_tokens = end.value
                    return
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def _check(run: _Run, text: str, index: Index) -> Iterator[Event]:
    if is_refusal(text) or not is_statement(text):
        return
    with run.timed("verify"):
        found = _best_attribution(run, text, index)
    sentence = Sentence(found.verdict.claim, (), found.verdict)
    shown = found.verdict.supported or run.settings.mode == "flag"
    if shown:
        run.kept.append(found)
        # What is compared is worked out from the cells; the draft waits until that is done.
        shown = not run.compares
    else:
        run.dropped.append(sentence)
    yield SentenceEvent(sentence, shown)


def _best_attribution(run: _Run, text: str, index: Index) -> Attribution:
    """Of the sentence, or of the longest beginning of it that is supported."""

    def judged(part: str) -> Attribution:
        return attribute(part, run.evidence, weight=index.idf, given=run.query.text)

    lead, rest = split_lead(text)
    whole = judged(rest)
    if not whole.verdict.supported and run.settings.mode == "strict":
        tries = map(judged, shorter(rest))
        whole = next((found for found in tries if found.verdict.supported), whole)
    if lead and whole.verdict.supported and agrees(lead, run.question, whole.verdict.claim):
        claim = f"{lead}: {whole.verdict.claim}"
        return replace(whole, verdict=replace(whole.verdict, claim=claim))
    return whole


def _best_first(run: _Run) -> list[Evidence]:
    """The evidence, with the rows that the question points at before the others."""
    rows = [item for reading in run.readings for item in reading.evidence]
    return list(dict.fromkeys([*rows, *run.evidence]))


def _missed(run: _Run) -> str:
    """Why what is left of the draft does not answer the question; "" if it may."""
    sentences = [found.verdict.claim for found in run.kept]
    cited = [item for found in run.kept for item in found.evidence]
    return misses(run.question, sentences, cited) if sentences else ""


def _finish(run: _Run, gate: Answerability, answerable: bool, models: dict[str, str]) -> Answer:
    with run.timed("compose"):
        missed = _missed(run)
        failed = bool(run.draft) and (not run.kept or bool(missed)) and not run.notices
        refused = bool(run.draft) and not run.kept and any(map(is_refusal, split_draft(run.draft)))
        if run.kept and answerable and not (missed and not run.readings):
            status, parts = Status.ANSWERED, compose(run.kept)
        elif (
            answerable
            and not refused
            and run.evidence
            and (not failed or gate.probability >= run.settings.sure)
        ):
            status, parts = Status.QUOTED, quoted(_best_first(run))
        else:
            status, parts = Status.NOT_FOUND, not_found(gate.signals.unknown_names)
    signals = gate.signals
    run.timings["total"] = time.perf_counter() - run.began
    return Answer(
        question=run.question,
        status=status,
        text=parts.text,
        sentences=parts.sentences,
        citations=parts.citations,
        evidence=run.evidence,
        draft=run.draft,
        dropped=tuple(run.dropped),
        timings=run.timings,
        models=models,
        notices=tuple(run.notices),
        explanation={
            "answerable": gate.probability,
            "threshold": run.settings.threshold,
            "log_odds": signals.log_odds,
            "cosine": signals.cosine,
            "coverage": signals.coverage,
            "unknown_names": ", ".join(signals.unknown_names),
            "searched_for": run.query.lexical,
            "read_from_table": run.just_cells,
            "model_refused": refused,
            "misses": missed,
            "sources_in_prompt": len(sources_for_prompt(run.evidence)),
            "prompt_tokens": run.prompt_tokens,
        },
    )
