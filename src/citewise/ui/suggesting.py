"""Questions that the documents can answer, made from their own tables and sentences, by rule.

No language model takes part. Each question comes from words that answer it, and where the
assistant can search, only those are offered for which it finds these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

from citewise.errors import CitewiseError
from citewise.types import Answer, Document, Evidence
from citewise.ui.contract import ChatAssistant

__all__ = ["Suggestion", "follow_ups", "suggestions"]

_MOST_DOCUMENTS = 40
_MOST_CHARACTERS = 200_000
"""Of each document; the first questions come from its beginning in any case."""
_DRAWN_PER_DOCUMENT = 24
_FOLLOW_UPS = 3
_TRIED = 8
"""Candidates that are searched for; a search takes about 20 ms."""
_TRIED_FIRST = 24
_FOUND_AMONG = 5
_LONGEST_HEADING = 60
_ABOUT = "What is said about “{}”?"
_ABOUT_CHINESE = "关于“{}”，文档是怎么说的？"
_CHINESE = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"\w+(?:[-.]\w+)*")
_ASKING = re.compile(
    "an?|and|are|at|did|do|does|for|get|has|have|how|in|is|many|much|of|on|the|to|was|were|what"
    "|when|where|which|who|why"
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question, and the words that answer it, or else the heading under which they stand."""

    question: str
    document: str
    quote: str
    heading: str = ""


def suggestions(assistant: ChatAssistant, count: int = 4) -> list[str]:
    """Questions to begin with, one document and one kind of place after the other."""
    drawn = list(_all_drawn(assistant))
    for kind in (True, False):  # what asks for a fact, and only then what asks about a heading
        these = ([s for s in each if bool(s.quote) is kind] for each in drawn)
        found = _found(assistant, islice(_spread(these), _TRIED_FIRST))
        questions = [s.question for s in islice(_varied(found), count)]
        if questions:
            return questions
    return []


def follow_ups(assistant: ChatAssistant, answer: Answer, asked: Sequence[str]) -> list[str]:
    """Questions near what was cited: the same row, then the same heading or document.

    Args:
        assistant: whose documents are asked about.
        answer: what was answered last.
        asked: what was asked before; it is not offered again.
    """
    cited = [(c.document, c.quote) for c in answer.citations]
    cited = cited or [(e.document, e.text) for e in answer.evidence[:1]]
    known = [_words(question) for question in asked]
    try:
        names = list(dict.fromkeys(name for name, _ in cited))[:2]
        drawn = [s for name in names for s in _drawn(assistant.document(name))]
    except CitewiseError:
        return []
    quotes = " ".join(quote for _, quote in cited)
    fresh = [
        s for s in drawn if s.quote and not any(_words(s.question) <= words for words in known)
    ]
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
    return [*_facts(document.name, document.text[:_MOST_CHARACTERS]), *_headings(document)]


@lru_cache(maxsize=_MOST_DOCUMENTS)
def _facts(name: str, text: str) -> tuple[Suggestion, ...]:
    """What can be asked of a document's tables and sentences, the same on every call."""
    from citewise.eval_draft import draft_questions

    drafted = draft_questions([Document(name, text, "")], _DRAWN_PER_DOCUMENT)
    return tuple(
        Suggestion(q["question"], name, q["evidence"][0][0])
        for q in drafted
        if q.get("status") == "answered"
    )


def _headings(document: Document) -> Iterator[Suggestion]:
    """What stands under the headings, for documents in whose language no fact can be asked for."""
    from citewise.splitting import split

    part = replace(document, text=document.text[:_MOST_CHARACTERS])
    prose = (p for p in split(part) if p.kind == "prose" and p.heading)
    for heading in islice(dict.fromkeys(p.heading for p in prose), _DRAWN_PER_DOCUMENT):
        name = heading.split(" > ")[-1].strip("# ")
        if 2 <= len(name) <= _LONGEST_HEADING:
            asks = _ABOUT_CHINESE if _CHINESE.search(name) else _ABOUT
            yield Suggestion(asks.format(name), document.name, "", heading)


def _spread(drawn: Iterable[list[Suggestion]]) -> Iterator[Suggestion]:
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
        beginning = " ".join(suggestion.question.casefold().split()[:5])
        if beginning not in seen:
            seen.add(beginning)
            yield suggestion


def _found(assistant: ChatAssistant, suggested: Iterable[Suggestion]) -> Iterator[Suggestion]:
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
    return any(item.document == suggestion.document and _holds(item, suggestion) for item in found)


def _holds(item: Evidence, suggestion: Suggestion) -> bool:
    if not suggestion.quote:
        return item.heading == suggestion.heading
    return item.text in suggestion.quote or suggestion.quote in item.text


def _shared(suggestion: Suggestion, quotes: str, question: str) -> float:
    """How near a suggestion is to what was cited: its own words, then those of the question."""
    if suggestion.quote in quotes:
        return 3.0
    words = _words(suggestion.question)
    return len(words & _words(f"{quotes} {question}")) / max(1, len(words))


def _words(text: str) -> set[str]:
    """The words of a question that say what is asked for."""
    return {word for word in _WORD.findall(text.casefold()) if not _ASKING.fullmatch(word)}
