"""What the chat needs of an ``Assistant``: no more than its public methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from citewise.types import Document, Event

__all__ = ["ChatAssistant", "Listed"]


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
