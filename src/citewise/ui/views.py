"""What the page is told: events and answers as plain dicts, ready for JSON.

Every text is data. The page puts it into ``textContent`` alone, so nothing here has to be escaped;
what is made visible are the characters that would make a text read differently from what it is.
A passage carries ``source``, the id that opens it, or None where its document is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from citewise.types import (
    Answer,
    AnswerEvent,
    Citation,
    Event,
    Evidence,
    EvidenceEvent,
    Sentence,
    TextEvent,
)
from citewise.ui.revealing import reveal
from citewise.ui.sources import SourceId

__all__ = ["Link", "View", "answer_view", "error_view", "event_view", "linker", "passage_view"]

View: TypeAlias = dict[str, Any]
Link: TypeAlias = "Callable[[Citation | Evidence], str | None]"
"""Gives the id that opens a passage, or None if its document is gone."""

_MOST_EVIDENCE = 10


def linker(digests: Callable[[], dict[str, str]]) -> Link:
    """Links to passages, by the SHA-256 of each document as it is during this turn."""
    known: dict[str, str] = {}

    def link(cited: Citation | Evidence) -> str | None:
        if not known:
            known.update(digests())
        digest = known.get(cited.document)
        return SourceId.of(cited, digest).encode() if digest else None

    return link


def event_view(event: Event, link: Link) -> View:
    """One event of a stream; ``type`` is ``evidence``, ``text``, ``sentence`` or ``answer``."""
    if isinstance(event, TextEvent):
        return {"type": "text", "delta": reveal(event.delta)}
    if isinstance(event, EvidenceEvent):
        return {"type": "evidence", "evidence": _evidence(event.evidence, link)}
    if isinstance(event, AnswerEvent):
        return {"type": "answer", "answer": answer_view(event.answer, link)}
    return {"type": "sentence", "sentence": _sentence(event.sentence), "shown": event.shown}


def answer_view(answer: Answer, link: Link) -> View:
    """The final answer. Numbers of citations that do not exist are left out."""
    numbers = {citation.number for citation in answer.citations}
    rendered = {(e.document, e.start, e.end): e.rendered for e in answer.evidence}
    return {
        "question": answer.question,
        "status": answer.status.value,
        "text": reveal(answer.text),
        "sentences": [_sentence(s, numbers) for s in answer.sentences],
        "dropped": [_sentence(s, numbers) for s in answer.dropped],
        "citations": [
            passage_view(c, link, rendered.get((c.document, c.start, c.end), ""))
            for c in answer.citations
        ],
        "evidence": _evidence(answer.evidence, link),
        "draft": reveal(answer.draft),
        "notices": [reveal(notice) for notice in answer.notices],
        "timings": dict(answer.timings),
        "models": dict(answer.models),
        "explanation": dict(answer.explanation),
    }


def passage_view(passage: Citation | Evidence, link: Link, rendered: str = "") -> View:
    """Where the words stand, and the words; ``rendered`` names the columns of a table row."""
    view: View = {
        "document": passage.document,
        "title": reveal(passage.document),
        "heading": reveal(passage.heading),
        "page": passage.page,
        "source": link(passage),
    }
    if isinstance(passage, Citation):
        view |= {"number": passage.number, "quote": reveal(passage.quote)}
    else:
        view["quote"] = reveal(passage.text)
        rendered = passage.rendered
    # Prose is rendered as itself; only a row gains something: the names of its columns.
    view["rendered"] = reveal(rendered) if "|" in view["quote"] else ""
    return view


def error_view(message: str) -> View:
    """Why there is no answer."""
    return {"type": "error", "message": reveal(message)}


def _evidence(evidence: Sequence[Evidence], link: Link) -> list[View]:
    return [passage_view(item, link) for item in evidence[:_MOST_EVIDENCE]]


def _sentence(sentence: Sentence, numbers: Iterable[int] = ()) -> View:
    return {
        "text": reveal(sentence.text),
        "citations": [n for n in sentence.citations if n in numbers],
        "label": sentence.verdict.label.value,
        "score": round(sentence.verdict.score, 3),
        "reason": reveal(sentence.verdict.reason),
    }
