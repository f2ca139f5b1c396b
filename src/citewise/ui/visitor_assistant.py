"""The assistant as one visitor has it: asks what they selected, opens whatever they may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from citewise.types import Document, Event, Evidence, Filter
from citewise.ui.selection import Selection
from citewise.ui.state import VisitorState

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.index import DocumentInfo

__all__ = ["VisitorAssistant"]


class VisitorAssistant:
    """Meets ``ChatAssistant`` for one visitor, as their documents and selection are just now.

    ``shared`` answers from what this visitor may see of the documents that are not their own.
    """

    def __init__(self, visitor: VisitorState, shared: Assistant | None = None) -> None:
        self._visitor = visitor
        self._shared = shared

    def stream(self, question: str, history: Sequence[str] = (), **options: Any) -> Iterator[Event]:
        """See ``Assistant.stream``; only what is selected is searched."""
        options.setdefault("where", self._where())
        return self._visitor.assistant(shared=self._shared).stream(question, history, **options)

    def search(
        self, question: str, history: Sequence[str] = (), **options: Any
    ) -> tuple[Evidence, ...]:
        """See ``Assistant.search``; only what is selected is searched."""
        options.setdefault("where", self._where())
        return self._visitor.assistant(shared=self._shared).search(question, history, **options)

    def document(self, name: str) -> Document:
        """The stored document of that name, selected or not."""
        return self._everything().document(name)

    def documents(self) -> list[DocumentInfo]:
        """All that this visitor may see."""
        return self._everything().documents()

    def warm(self) -> None:
        """Load models ahead of the first question."""
        self._everything().warm()

    def selected(self) -> Selection:
        """What is selected, without what this caller may not see: a selection outlasts a right."""
        chosen = self._visitor.selection
        if self._shared is None or chosen.scope != "some":
            return chosen
        known = {info.name for info in self.documents()}
        return chosen.with_names(removed=tuple(n for n in chosen.names if n not in known))

    def _where(self) -> Filter | None:
        if self._shared is None:
            return self._visitor.where()
        chosen = self.selected()
        return Filter(documents=chosen.names) if chosen.scope == "some" else None

    def _everything(self) -> Assistant:
        return self._visitor.assistant(everything=True, shared=self._shared)
