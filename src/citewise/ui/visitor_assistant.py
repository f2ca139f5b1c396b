"""The assistant as one visitor has it: asks what they selected, opens whatever they may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from citewise.types import Document, Event, Evidence
from citewise.ui.state import VisitorState

if TYPE_CHECKING:
    from citewise.index import DocumentInfo

__all__ = ["VisitorAssistant"]


class VisitorAssistant:
    """Meets ``ChatAssistant`` for one visitor, as their documents and selection are just now."""

    def __init__(self, visitor: VisitorState) -> None:
        self._visitor = visitor

    def stream(self, question: str, history: Sequence[str] = (), **options: Any) -> Iterator[Event]:
        """See ``Assistant.stream``; only what is selected is searched."""
        options.setdefault("where", self._visitor.where())
        return self._visitor.assistant().stream(question, history, **options)

    def search(
        self, question: str, history: Sequence[str] = (), **options: Any
    ) -> tuple[Evidence, ...]:
        """See ``Assistant.search``; only what is selected is searched."""
        options.setdefault("where", self._visitor.where())
        return self._visitor.assistant().search(question, history, **options)

    def document(self, name: str) -> Document:
        """The stored document of that name, selected or not."""
        return self._visitor.assistant(everything=True).document(name)

    def documents(self) -> list[DocumentInfo]:
        """All that this visitor may see."""
        return self._visitor.assistant(everything=True).documents()

    def warm(self) -> None:
        """Load models ahead of the first question."""
        self._visitor.assistant(everything=True).warm()
