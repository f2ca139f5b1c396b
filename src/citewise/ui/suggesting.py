"""Questions that the documents can answer, made from their own tables and sentences, by rule.

No language model takes part. Each question comes from words that answer it, and where the
assistant can search, only those are offered for which it finds these words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from citewise.errors import CitewiseError
from citewise.types import Answer, Document
from citewise.ui.contract import ChatAssistant

__all__ = ["Suggestion", "follow_ups", "suggestions"]

_MOST_DOCUMENTS = 40
_MOST_CHARACTERS = 200_000
"""Of each document; the first questions come from its beginning in any case."""
_DRAWN_PER_DOCUMENT = 24
_FOLLOW_UPS = 3
_TRIED = 8
"""Candidates that are searched for; a search takes about 20 ms."""
_FOUND_AMONG = 5


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question, and the words that answer it."""

    question: str
    document: str
    quote: str


def suggestions(assistant: ChatAssistant, count: int = 4) -> list[str]:
    """Questions to begin with, one document and one kind of place after the other."""
    found = _found(assistant, (s for s in _spread(_all_drawn(assistant)) if s.question))
    return [s.question for s in islice(_varied(found), count)]


def follow_ups(assistant: ChatAssistant, answer: Answer, asked: Sequence[str]) -> list[str]:
    """Questions near what was cited: the same row, then the same heading or document.

    Args:
        assistant: whose documents are asked about.
        answer: what was answered last.
        asked: what was asked before; it is not offered again.
    """
    cited = [(c.document, c.quote) for c in answer.citations]
    cited = cited or [(e.document, e.text) for e in answer.evidence[:1]]
    known = {_folded(question) for question in asked}
    try:
        names = list(dict.fromkeys(name for name, _ in cited))[:2]
        drawn = [s for name in names for s in _drawn(assistant.document(name))]
    except CitewiseError:
        return []
    quotes = " ".join(quote for _, quote in cited)
    fresh = [s for s in drawn if _folded(s.question) not in known]
    nearest = sorted(fresh, key=lambda s: -_shared(s, quotes, answer.question))
    found = _found(assistant, nearest[:_TRIED])
    return [s.question for s in islice(_varied(found), _FOLLOW_UPS)]


def _all_drawn(assistant: ChatAssistant) -> Iterator[list[Suggestion]]:
    try:
        for listed in islice(assistant.documents(), _MOST_DOCUMENTS):
            yield _drawn(assistant.document(listed.name))
    except CitewiseError:
        return


def _drawn(document: Document) -> list[Suggestion]:
    """What can be asked of a document, the same on every call."""
    from citewise.eval_draft import draft_questions

    part = Document(document.name, document.text[:_MOST_CHARACTERS], document.sha256)
    return [
        Suggestion(q["question"], document.name, q["evidence"][0][0])
        for q in draft_questions([part], _DRAWN_PER_DOCUMENT)
        if q.get("status") == "answered"
    ]


def _spread(drawn: Iterator[list[Suggestion]]) -> Iterator[Suggestion]:
    """One of each document in turn."""
    waiting = [iter(each) for each in drawn]
    while waiting:
        for each in list(waiting):
            suggestion = next(each, None)
            if suggestion is None:
                waiting.remove(each)
            else:
                yield suggestion


def _varied(suggested: Iterator[Suggestion]) -> Iterator[Suggestion]:
    """Without a second question of the same beginning: they would all ask for one column."""
    seen: set[str] = set()
    for suggestion in suggested:
        beginning = " ".join(_folded(suggestion.question).split()[:5])
        if beginning not in seen:
            seen.add(beginning)
            yield suggestion


def _found(assistant: ChatAssistant, suggested: Any) -> Iterator[Suggestion]:
    """Those whose own words a search for them finds."""
    search = getattr(assistant, "search", None)
    for suggestion in suggested:
        if search is None or _finds(search, suggestion):
            yield suggestion


def _finds(search: Any, suggestion: Suggestion) -> bool:
    try:
        found = search(suggestion.question, top_k=_FOUND_AMONG)
    except CitewiseError:
        return False
    return any(
        item.document == suggestion.document
        and (item.text in suggestion.quote or suggestion.quote in item.text)
        for item in found
    )


def _shared(suggestion: Suggestion, quotes: str, question: str) -> float:
    """How near a suggestion is to what was cited: its own words, then those of the question."""
    if suggestion.quote in quotes:
        return 3.0
    words = set(_folded(suggestion.question).split())
    near = words & set(_folded(f"{quotes} {question}").split())
    return len(near) / max(1, len(words))


def _folded(text: str) -> str:
    return " ".join(text.casefold().strip(" ?？").split())
