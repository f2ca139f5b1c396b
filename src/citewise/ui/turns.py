"""One turn of the conversation: a question in, the views of its events out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

from citewise.errors import CitewiseError, InputError
from citewise.types import Answer, AnswerEvent, Event, EvidenceEvent
from citewise.ui import strings
from citewise.ui.contract import ChatAssistant
from citewise.ui.line import Line, Place
from citewise.ui.suggesting import follow_ups
from citewise.ui.telling import told
from citewise.ui.views import View, error_view, event_view, linker

__all__ = ["Asked", "turn_views"]

_LOG = logging.getLogger(__name__)
_MAX_EARLIER = 6
_MAX_QUESTION = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the earlier ones of its conversation, oldest first."""

    question: str
    history: tuple[str, ...] = ()

    @classmethod
    def of(cls, sent: Any) -> Asked:
        """Read what a browser sent, which can be anything; of the history, the last few questions.

        Answers are not taken back from it: a browser could make them say anything.

        Raises:
            InputError: there is no question in it, or it is not text.
        """
        question = sent.get("question") if isinstance(sent, dict) else None
        if not isinstance(question, str):
            raise InputError(strings.NOT_TEXT)
        given = sent.get("history")
        earlier = given if isinstance(given, list) else []
        texts = [_text(q)[:_MAX_QUESTION] for q in earlier if isinstance(q, str) and q.strip()]
        return cls(_text(question), tuple(texts[-_MAX_EARLIER:]))


def turn_views(
    assistant: ChatAssistant,
    asked: Asked,
    answered: Callable[[Answer], View] = lambda _: {},
    line: Line | None = None,
    **options: Any,
) -> Iterator[View]:
    """The views of each event, then of the follow-ups; a fault becomes the last view.

    Closing the iterator cancels the model.

    Args:
        assistant: answers the question.
        asked: what is asked.
        answered: told of the answer before the page is; what it returns is added to the view.
        line: before the language model; evidence is shown before it is this turn's time.
        options: passed on to ``stream``, such as what to search.
    """
    place = line.join() if line is not None else None
    link = linker(lambda: {d.name: d.sha256 for d in assistant.documents()})
    try:
        stream = assistant.stream(asked.question, history=asked.history, **options)
        with closing(cast("Generator[Event, None, None]", stream)) as events:
            for event in events:
                view = event_view(event, link)
                if isinstance(event, AnswerEvent):
                    view |= answered(event.answer)
                yield view
                if isinstance(event, EvidenceEvent) and place is not None:
                    yield from _queue_views(place)
                if isinstance(event, AnswerEvent):
                    if place is not None:
                        place.leave()
                    yield _follow_ups(assistant, event.answer, asked)
    except CitewiseError as error:
        yield error_view(told(error))
    except Exception:
        _LOG.exception("A question could not be answered.")
        yield error_view(strings.CRASHED)
    finally:
        if place is not None:
            place.leave()


def _queue_views(place: Place) -> Iterator[View]:
    """How many questions the model answers first, and about how long that takes, if known."""
    waited = False
    for ahead, seconds in place.wait():
        waited = True
        yield {"type": "queue", "ahead": ahead, "seconds": ceil(seconds) if seconds else None}
    if waited:
        yield {"type": "queue", "ahead": 0, "seconds": None}


def _follow_ups(assistant: ChatAssistant, answer: Answer, asked: Asked) -> View:
    return {
        "type": "followups",
        "questions": follow_ups(assistant, answer, [*asked.history, asked.question]),
    }


def _text(sent: str) -> str:
    """A lone surrogate cannot be encoded, neither for the model nor for the database."""
    return sent.encode("utf-8", "replace").decode()
