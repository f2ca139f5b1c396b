"""The draft: streamed from the model, checked sentence by sentence, and made to answer.

Three things decide what is left of it. Each sentence must be supported by the evidence. Where a
table answers the question, its cells overrule the draft. And what is left must be an answer to
this question, which a true sentence need not be.
"""

from __future__ import annotations

from collections.abc import Generator as Generator_
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from citewise.answerability import Signals, stands
from citewise.drafts import is_refusal, is_statement, shorter, split_draft, split_lead
from citewise.errors import GeneratorError
from citewise.index import Index
from citewise.judge import read_with, stacked_score, support_score
from citewise.prompting import (
    answer_prompt,
    confirm_prompt,
    gate_prompt,
    retry_prompt,
    sources_for_prompt,
    sources_for_retry,
)
from citewise.protocols import Generator, Prompt
from citewise.quoted_words import before_quotation, misquoted
from citewise.quoting import withhold_changed
from citewise.readings import gives
from citewise.relevance import is_polar, misses
from citewise.run import Run
from citewise.support import Attribution, attribute
from citewise.support_features import features, narrow
from citewise.torch_threads import torch_threads
from citewise.types import Event, Evidence, Label, Sentence, SentenceEvent, TextEvent, Verdict
from citewise.wording import agrees

__all__ = ["cell_events", "draft_events"]

_POLAR_ODDS = 0.8
_LIKELY_SAID = 0.5
# Natural-log odds by the entailment model.
_HARDLY_SAID, _SURELY_SAID = -1.5, 2.0
_UNSAID = "the sources hardly say this"
_OVERRULED = "the table answers the question itself"
_NO_ANSWER = "it does not answer the question asked"


def draft_events(
    run: Run,
    sources: Sequence[Evidence],
    index: Index,
    generator: Generator,
    signals: Signals,
) -> Iterator[Event]:
    """Fill ``run`` with what may be shown of a draft; the text first, then the verdicts.

    Where nothing is left of a first draft, a second one is made from fewer sources, asking for
    their words: many a small model's misses are words or facts of its own.

    Args:
        signals: what was known before drafting; see ``answerability``.
    """
    broke_off = yield from _attempts(run, sources, index, generator, signals)
    if run.readings and not run.kept and not broke_off:
        # The cells fit the question only in part, so the model is asked here too.
        _overrule(run)
        _confirm(run, generator, signals)
    withhold_changed(run)
    for found in run.kept:
        yield SentenceEvent(Sentence(found.verdict.claim, (), found.verdict), shown=True)
    for sentence in run.dropped:
        yield SentenceEvent(sentence, shown=False)


def cell_events(run: Run) -> Iterator[Event]:
    """Fill ``run`` with what the cells say, where they need no words of a model around them."""
    run.kept += _as_attributions(run)
    withhold_changed(run)
    for found in run.kept:
        yield SentenceEvent(Sentence(found.verdict.claim, (), found.verdict), shown=True)
    for sentence in run.dropped:
        yield SentenceEvent(sentence, shown=False)


def _attempts(
    run: Run,
    sources: Sequence[Evidence],
    index: Index,
    generator: Generator,
    signals: Signals,
) -> Generator_[Event, None, bool]:
    """At most two drafts, until something is left of one; returns whether the model broke off."""
    first, broke_off = "", False
    for prompt in (
        answer_prompt(run.question, run.history, sources),
        retry_prompt(run.question, run.history, sources_for_retry(run.evidence)),
    ):
        if first:
            yield TextEvent("\n\n")
        noticed = len(run.notices)
        run.draft = ""
        yield from _stream(run, prompt, generator)
        broke_off = len(run.notices) > noticed
        if run.draft == first:
            break
        run.misses = ""
        for text in _finished(run, broke_off=broke_off):
            _check(run, text, index)
        if not broke_off:
            if run.just_cells:
                _overrule(run)
            _confirm(run, generator, signals)
        first = first or run.draft
        if run.kept or broke_off:
            return broke_off
    run.draft = first
    return broke_off


def _stream(run: Run, prompt: Prompt, generator: Generator) -> Iterator[Event]:
    try:
        with closing(
            _timed(run, generator.stream(prompt, max_tokens=run.settings.max_tokens))
        ) as pieces:
            for piece in pieces:
                run.draft += piece
                yield TextEvent(piece)
    except GeneratorError as error:
        run.notices.append(str(error))


def _timed(run: Run, pieces: Iterator[str]) -> Generator_[str, None, None]:
    """The pieces; only the time spent waiting for them counts as the model's."""
    try:
        while True:
            with run.timed("draft"):
                try:
                    piece = next(pieces)
                except StopIteration as end:
                    run.prompt_tokens = run.prompt_tokens or end.value
                    return
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def _finished(run: Run, *, broke_off: bool) -> list[str]:
    """The sentences of the draft; what broke off in the middle says nothing to be checked."""
    sentences = split_draft(run.draft)
    return sentences[:-1] if broke_off else sentences


def _check(run: Run, text: str, index: Index) -> None:
    if is_refusal(text) or not is_statement(text):
        return
    with run.timed("verify"):
        found = _read_again(run, _best_attribution(run, text, index))
        run.watch.verdict(found.verdict)
    if found.verdict.supported or run.settings.mode == "flag":
        run.kept.append(found)
    else:
        run.dropped.append(Sentence(found.verdict.claim, (), found.verdict))


def _read_again(run: Run, found: Attribution) -> Attribution:
    """The same, held back where the entailment model makes it unlikely that it is said.

    Unlikely by the full judge, which has read all the evidence; or hardly said by the cited words
    themselves. What these leave to the sentences around them, such as whom they speak of, is no
    fault: then it is sure of all together.
    """
    entailment, claim = run.entailment, found.verdict.claim
    if entailment is None or not found.verdict.supported or not found.evidence:
        return found
    narrowed = narrow(claim, [item.rendered or item.text for item in run.evidence])
    if not narrowed.sentences or not narrowed.rarity:
        return found
    cited = " ".join(item.rendered or item.text for item in found.evidence)
    with torch_threads(1):
        (by_cited,) = entailment.leanings([(claim, cited)])
        reading = read_with(entailment, narrowed)
    likely = stacked_score(support_score(features(narrowed)), reading) >= _LIKELY_SAID
    if likely and (by_cited.supported >= _HARDLY_SAID or reading.whole >= _SURELY_SAID):
        return found
    verdict = replace(found.verdict, label=Label.PARTLY_SUPPORTED, reason=_UNSAID)
    return replace(found, verdict=verdict)


def _best_attribution(run: Run, text: str, index: Index) -> Attribution:
    """Of the sentence, or of the longest beginning of it that is supported."""

    def judged(part: str) -> Attribution:
        found = _attributed(run, part, index)
        words = misquoted(part, _words_of(run, found)) if found.verdict.supported else ""
        if not words:
            return found
        head = before_quotation(part, words) if run.settings.mode == "strict" else ""
        if head and (again := judged(head)).verdict.supported:
            return again
        reason = f"the cited words do not hold “{words}”"
        verdict = replace(found.verdict, label=Label.PARTLY_SUPPORTED, reason=reason)
        return replace(found, verdict=verdict)

    lead, rest = split_lead(text)
    whole = judged(rest)
    if not whole.verdict.supported and run.settings.mode == "strict":
        tries = map(judged, shorter(rest))
        whole = next((found for found in tries if found.verdict.supported), whole)
    if lead and whole.verdict.supported and agrees(lead, run.question, whole.verdict.claim):
        claim = f"{lead}: {whole.verdict.claim}"
        return replace(whole, verdict=replace(whole.verdict, claim=claim))
    return whole


def _attributed(run: Run, part: str, index: Index) -> Attribution:
    found = attribute(part, run.evidence, weight=index.idf, given=run.query.text)
    if found.verdict.label is not Label.CONTRADICTED:
        return found
    # What one document denies another may state: then the answer shows both.
    against = {item.document for item in found.evidence}
    others = [item for item in run.evidence if item.document not in against]
    again = attribute(part, others, weight=index.idf, given=run.query.text)
    return again if again.verdict.supported else found


def _words_of(run: Run, found: Attribution) -> list[str]:
    """What a sentence may put between quotation marks: words of its sources, or the question's."""
    return [run.query.text, *(f"{item.text} {item.rendered}" for item in found.evidence)]


def _overrule(run: Run) -> None:
    """Put what the table says in the place of a draft that does not give it."""
    compares = any(reading.compares for reading in run.readings)
    given = run.kept and not compares and all(gives(run.text, r) for r in run.readings)
    if not run.readings or given:
        return
    _withdraw(run, _OVERRULED)
    run.kept += _as_attributions(run)


def _as_attributions(run: Run) -> list[Attribution]:
    return [
        Attribution(Verdict(Label.SUPPORTED, 1.0, r.reason, r.text), r.evidence)
        for r in run.readings
    ]


def _confirm(run: Run, generator: Generator, signals: Signals) -> None:
    """Withdraw a draft that is true and no answer; what the cells say needs no asking."""
    if not run.kept or run.just_cells:
        return
    run.misses = misses(run.question, [run.text], run.cited)
    if not run.misses:
        prompt = confirm_prompt(run.question, run.history, run.cited, run.text)
        try:
            with run.timed("confirm"):
                run.confirmed = generator.yes_log_odds(prompt)
        except GeneratorError as error:
            run.notices.append(str(error))
        if signals.log_odds is not None and is_polar(run.question):
            # "Can this be answered?" gets a No where the answer itself would be no.
            signals = replace(signals, log_odds=max(signals.log_odds, _POLAR_ODDS))
        run.stands = stands(signals, run.confirmed)
        if run.stands < run.settings.threshold:
            run.stands = max(run.stands, _by_its_documents(run, generator, signals))
        if run.stands < run.settings.threshold:
            run.misses = _NO_ANSWER
    if run.misses:
        _withdraw(run, run.misses)


def _by_its_documents(run: Run, generator: Generator, signals: Signals) -> float:
    """The probability that the draft stands with only the documents it cites before the model.

    What another document says, such as that there is no answer, must not make the model doubt.
    """
    sources = sources_for_prompt(run.evidence)
    cited = {item.document for item in run.cited}
    own = [item for item in sources if item.document in cited]
    if not own or len(own) == len(sources):
        return 0.0
    try:
        with run.timed("confirm"):
            odds = generator.yes_log_odds(gate_prompt(run.question, run.history, own))
    except GeneratorError as error:
        run.notices.append(str(error))
        return 0.0
    return stands(replace(signals, log_odds=odds), run.confirmed)


def _withdraw(run: Run, reason: str) -> None:
    for found in run.kept:
        verdict = replace(found.verdict, label=Label.PARTLY_SUPPORTED, reason=reason)
        run.dropped.append(Sentence(verdict.claim, (), verdict))
    run.kept.clear()
