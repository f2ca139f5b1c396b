"""What the chat needs of an ``Assistant``, and where other parts of the server join in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from citewise.types import Answer, Document, Event

if TYPE_CHECKING:
    from fastapi import Request

__all__ = ["ChatAssistant", "Hooks", "Listed"]


class Listed(Protocol):
    """A document in the list of what is searched."""

    @property
    def name(self) -> str:
        """Its path relative to the corpus folder."""
        ...

    @property
    def sha256(self) -> str:
        """The hex digest of the file's bytes."""
        ...


class ChatAssistant(Protocol):
    """Answers, documents, and their list; each method may raise a ``CitewiseError``."""

    def stream(self, question: str, history: Sequence[str] = ...) -> Iterator[Event]:
        """Evidence, draft, verdicts, then the answer; closing the iterator cancels the model."""
        ...

    def document(self, name: str) -> Document:
        """The stored document of that name."""
        ...

    def documents(self) -> Sequence[Listed]:
        """What is searched."""
        ...

    def warm(self) -> None:
        """Load models ahead of the first question."""
        ...


@dataclass(slots=True)
class Hooks:
    """What other parts of the server add to a turn; the page's own hooks are in ``extend.js``."""

    assistant_for: Callable[[Request], ChatAssistant]
    """Whose documents a request is about."""
    ask_options: list[Callable[[Request, dict[str, Any]], dict[str, Any]]] = field(
        default_factory=list
    )
    """Keywords for ``stream`` from what the page sent along, such as which documents to search."""
    on_answer: list[Callable[[Request, str, Answer], None]] = field(default_factory=list)
    """Told of each answer and the id by which the page will speak of it."""
    on_wait: list[Callable[[float], None]] = field(default_factory=list)
    """Told how many seconds a question waited for the language model, once its turn has come."""
    on_failure: list[Callable[[], None]] = field(default_factory=list)
    """Told that a question ended in an error message."""
