"""One turn of the conversation: a question in, growing lists of chat messages out."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, cast

from citewise.errors import CitewiseError
from citewise.types import (
    Citation,
    Event,
    Evidence,
    EvidenceEvent,
    SentenceEvent,
    TextEvent,
)
from citewise.ui import messages, strings
from citewise.ui.contract import ChatAssistant
from citewise.ui.escaping import escape
from citewise.ui.messages import Link, Message
from citewise.ui.sources import SourceId

__all__ = ["earlier_questions", "reply", "settle"]

_LOG = logging.getLogger(__name__)
_REDRAW_SECONDS = 0.06
"""A page falls behind at more than about 20 redraws a second."""
_MAX_EARLIER = 6
_MAX_QUESTION = 2000


def reply(assistant: ChatAssistant, question: Any, history: Any = ()) -> Iterator[list[Message]]:
    """Yield the whole reply so far, each time it grew; faults become its last message.

    ``question`` and ``history`` come from a browser, so they can be anything. Closing the iterator
    cancels the model.
    """
    if not isinstance(question, str):
        yield [_fault(strings.NOT_TEXT)]
        return
    turn = _Turn(_linker(assistant))
    # A lone surrogate cannot be encoded, neither for the model nor for the database.
    asked = question.encode("utf-8", "replace").decode()
    try:
        stream = assistant.stream(asked, history=earlier_questions(history))
        with closing(cast("Generator[Event, None, None]", stream)) as events:
            yield from _redraws(turn, events)
    except CitewiseError as error:
        yield [*turn.settled(), _fault(str(error))]
    except Exception:
        _LOG.exception("A question could not be answered.")
        yield [*turn.settled(), _fault(strings.CRASHED)]


def earlier_questions(history: Any) -> list[str]:
    """The last few questions of the conversation that a browser claims to have had.

    Answers are not read back: a browser could make them say anything.
    """
    if not isinstance(history, list):
        return []
    asked = [_plain(m.get("content")) for m in history if _is_question(m)]
    return [q[:_MAX_QUESTION] for q in asked if q.strip()][-_MAX_EARLIER:]


def settle(history: list[Message]) -> list[Message]:
    """The conversation after Stop: nothing spins, and an unchecked draft says that it is one."""
    return [_settled(message) for message in history]


class _Turn:
    """What has arrived of one reply."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._began = time.monotonic()
        self._searched = 0.0
        self._evidence: tuple[Evidence, ...] | None = None
        self._draft = ""
        self._kept: list[bool] = []
        self._final: list[Message] | None = None

    def add(self, event: Event) -> None:
        if isinstance(event, TextEvent):
            self._draft += event.delta
        elif isinstance(event, EvidenceEvent):
            self._searched = time.monotonic() - self._began
            self._evidence = event.evidence
        elif isinstance(event, SentenceEvent):
            self._kept.append(event.shown)
        else:
            self._final = messages.answer_messages(event.answer, self._link)

    def messages(self) -> list[Message]:
        found = self._found(pending=self._final is None)
        if self._final is not None:
            return [*found, *self._final]
        return [*found, messages.draft_message(self._draft, self._kept)]

    def settled(self) -> list[Message]:
        """What may stay on the page when no answer will come."""
        return self._found(pending=False)

    def _found(self, *, pending: bool) -> list[Message]:
        if self._evidence is None:
            return []
        return [
            messages.evidence_message(
                self._evidence, self._link, pending=pending, seconds=self._searched
            )
        ]


def _redraws(turn: _Turn, events: Iterator[Event]) -> Iterator[list[Message]]:
    """Every event is shown, but text not more often than a page can draw it."""
    drawn = 0.0
    for event in events:
        turn.add(event)
        now = time.monotonic()
        if isinstance(event, TextEvent) and now - drawn < _REDRAW_SECONDS:
            continue
        drawn = now
        yield turn.messages()


def _linker(assistant: ChatAssistant) -> Link:
    """Links to passages, by the digests of the documents as they are during this turn."""
    digests: dict[str, str] = {}

    def link(cited: Citation | Evidence) -> str | None:
        if not digests:
            digests.update((d.name, d.sha256) for d in assistant.documents())
        digest = digests.get(cited.document)
        return SourceId.of(cited, digest).encode() if digest else None

    return link


def _fault(problem: str) -> Message:
    return messages.text(f"⚠ {strings.ERROR} {escape(problem)}")


def _is_question(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user"


def _plain(content: Any) -> str:
    """The text of a message, whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return " ".join(t for t in texts if isinstance(t, str))


def _settled(message: Message) -> Message:
    metadata = message.get("metadata") or {}
    if metadata.get("status") != "pending":
        return message
    title = str(metadata.get("title", ""))
    if title.startswith(strings.DRAFT_TITLE):
        title = strings.DRAFT_STOPPED
    return {**message, "metadata": {**metadata, "title": title, "status": "done"}}
