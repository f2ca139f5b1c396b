"""From evidence to an answer: is it answerable, draft, check each sentence, decide the status."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from citewise.answerability import (
    Answerability,
    Signals,
    answer_odds,
    estimate,
    read_signals,
)
from citewise.composing import MOST_QUOTES, compose, not_found, quoted
from citewise.disagreeing import contrary_to
from citewise.drafting import cell_events, draft_events
from citewise.drafts import is_refusal, split_draft
from citewise.entailment import Entailment
from citewise.errors import GeneratorError
from citewise.index import Index
from citewise.prompting import gate_prompt, sources_for_prompt
from citewise.protocols import Generator
from citewise.quoting import Quotes
from citewise.readings import read_table, unexplained
from citewise.relevance import is_polar, misses
from citewise.retrieval import Query, Retriever, leans_on, make_query
from citewise.run import Mode, Run, Settings
from citewise.tracing import UNWATCHED, Watch
from citewise.types import Answer, AnswerEvent, Event, Evidence, EvidenceEvent, Filter, Status

__all__ = ["Mode", "Settings", "answer_events"]

_MOST_UNEXPLAINED = 1
_NEAR_THE_ANSWER = 20
_LONGEST_SEARCHED = 1000
# Difference of natural-log odds.
_ABOUT_AS_SURE = 1.5


def answer_events(
    question: str,
    history: Sequence[str],
    *,
    index: Index,
    retriever: Retriever,
    generator: Generator | None,
    entailment: Entailment | None = None,
    settings: Settings,
    models: dict[str, str],
    top_k: int,
    where: Filter | None = None,
    notices: Sequence[str] = (),
    watch: Watch = UNWATCHED,
) -> Iterator[Event]:
    """The events of one question: evidence, draft, verdicts, and last the answer."""
    began = time.perf_counter()
    history = leans_on(question, history)
    query = Query(question, question, question, ())
    run = Run(question, query, history, settings, began, Quotes(index), watch=watch)
    run.notices.extend(notices)
    run.known_notices = len(run.notices)
    generator = None if generator is None else watch.generator(generator)
    with run.timed("retrieve"):
        run.query = make_query(question, history, index)
        run.evidence = retriever.gather(run.query, top_k, where)
    run.timings["evidence"] = time.perf_counter() - began
    yield EvidenceEvent(run.evidence)
    with run.timed("read"):
        _read(run, index)
    sources = sources_for_prompt(run.evidence)
    # What a table answers by comparing is taken from its cells whatever a model would write.
    compared = run.just_cells and any(reading.compares for reading in run.readings)
    run.entailment = None if compared else entailment
    gate, generator = _gate(run, sources, index, None if compared else generator)
    told = gate.signals.log_odds is not None
    least = settings.hopeless if told else settings.threshold
    answerable = run.just_cells or gate.probability >= least
    if compared:
        yield from cell_events(run)
    elif answerable and generator is not None:
        yield from draft_events(run, sources, index, generator, gate.signals)
        if not run.kept and not run.broke_off:
            _read_through(run, sources, gate.signals)
    with run.timed("compose"):
        run.contrary = _contrary(run, index, retriever, where)
        answer = _finish(run, gate, answerable, models, len(sources))
    watch.answered(answer)
    yield AnswerEvent(answer)


def _read(run: Run, index: Index) -> None:
    """Look into the tables. Where the question asks for just these cells, they are the answer."""
    earlier = run.history[-1] if run.history else ""
    asked = run.query.asked
    found = read_table(run.question, asked, earlier, run.evidence, index.idf)
    rows = [item for reading in found for item in reading.evidence]
    if misses(run.question, [reading.text for reading in found], rows):
        return
    run.readings = found
    left = unexplained(run.question, asked, run.readings)
    run.just_cells = bool(run.readings) and len(left) <= _MOST_UNEXPLAINED


def _gate(
    run: Run, sources: Sequence[Evidence], index: Index, generator: Generator | None
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
        signals = read_signals(run.query, run.evidence, index, log_odds)
    if log_odds is None:
        _read_through(run, sources, signals)
    return estimate(replace(signals, reading=run.answering)), generator


def _read_through(run: Run, sources: Sequence[Evidence], signals: Signals) -> None:
    """Let the entailment model say how probable it is that the question is answered."""
    if run.entailment is None or not run.evidence:
        return
    with run.timed("read_through"):
        run.answering = answer_odds(run.query.text, run.evidence, sources, run.entailment)
    run.read_through = estimate(replace(signals, reading=run.answering)).probability


def _contrary(run: Run, index: Index, retriever: Retriever, where: Filter | None) -> list[Evidence]:
    """What other documents say otherwise, whether or not it was near the question."""
    if not run.kept:
        return []
    query = make_query(run.text[:_LONGEST_SEARCHED], (), index)
    near = retriever.search(query, _NEAR_THE_ANSWER, where)
    others = list(dict.fromkeys([*run.evidence, *near]))
    found = contrary_to(run.kept, others, run.query.text, index.idf)
    found = [item for item in found if run.quotes.stand(item)]
    run.evidence += tuple(item for item in found if not _among(item, run.evidence))
    return found


def _among(item: Evidence, evidence: Sequence[Evidence]) -> bool:
    place = (item.document, item.start, item.end)
    return any(place == (other.document, other.start, other.end) for other in evidence)


def _finish(
    run: Run, gate: Answerability, answerable: bool, models: dict[str, str], sources: int
) -> Answer:
    refused = not run.kept and any(map(is_refusal, split_draft(run.draft)))
    # A draft of which nothing is left is a sign of its own, unless the model broke off.
    failed = bool(run.draft) and not run.kept and not run.broke_off
    quotable = answerable and not refused and bool(run.evidence)
    enough = quotable and (
        not failed or gate.probability >= _enough_to_quote(run) or _answers_alone(run)
    )
    if run.kept and answerable:
        status, parts = Status.ANSWERED, compose(run.kept, run.contrary)
    elif enough and (best := run.quotes.standing(_best_first(run), MOST_QUOTES)):
        status, parts = Status.QUOTED, quoted(best)
    else:
        status, parts = Status.NOT_FOUND, not_found(gate.signals.unknown_names, run.question)
    signals = gate.signals
    run.timings["total"] = time.perf_counter() - run.began
    return Answer(
        question=run.question,
        status=status,
        text=parts.text,
        sentences=parts.sentences,
        citations=parts.citations,
        evidence=run.quotes.unfallen(run.evidence),
        draft=run.draft,
        dropped=tuple(run.dropped),
        timings=run.timings,
        models=models,
        notices=tuple(run.notices),
        explanation={
            "answerable": gate.probability,
            "threshold": run.settings.threshold,
            "log_odds": signals.log_odds,
            "reading": run.read_through if run.answering else None,
            "cosine": signals.cosine,
            "coverage": signals.coverage,
            "unknown_names": ", ".join(signals.unknown_names),
            "searched_for": " ".join(run.query.lexical),
            "read_from_table": run.just_cells,
            "model_refused": refused,
            "confirmed": run.confirmed,
            "stands": run.stands,
            "misses": run.misses,
            "sources_in_prompt": sources,
            "prompt_tokens": run.prompt_tokens,
            "documents_disagree": bool(run.contrary),
            "dropped_citations": run.quotes.dropped,
        },
    )


def _enough_to_quote(run: Run) -> float:
    """The least probability of being answerable for passages to stand in for a failed draft.

    Small models say "yes" whatever the sources say, so that a failed draft about a question for
    yes or no tells little; the passages let the reader judge.
    """
    return run.settings.sure_of_polar if is_polar(run.question) else run.settings.sure


def _answers_alone(run: Run) -> bool:
    """Whether the entailment model is sure enough of the evidence, and of one span by itself.

    What is quoted are single spans: that they answer together is not enough.
    """
    if run.answering is None or is_polar(run.question):
        return False
    alone = max(run.answering.each, default=-math.inf) >= 0.0
    return alone and run.read_through >= run.settings.sure_by_reading


def _best_first(run: Run) -> list[Evidence]:
    """The evidence, with the rows that the question points at before the others.

    Where the entailment model decides, only what it finds to answer about as surely as the best.
    """
    rows = [item for reading in run.readings for item in reading.evidence]
    found = list(run.evidence)
    if run.answering is not None and _answers_alone(run):
        odds = dict(zip(run.evidence, run.answering.each, strict=False))
        least = max(run.answering.each) - _ABOUT_AS_SURE
        found = sorted((i for i in odds if odds[i] >= least), key=lambda item: -odds[item])
    return list(dict.fromkeys([*rows, *found]))
