"""An assistant over a visitor's own documents, beside those of another one or alone.

Embedder and language model are the other's: a visitor costs an index, not a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from citewise.assistant import Assistant
from citewise.joined import JoinedIndex

if TYPE_CHECKING:
    from citewise.entailment import Entailment
    from citewise.index import Index
    from citewise.protocols import Generator
    from citewise.retrieval import Retriever

__all__ = ["OwnAssistant"]


class OwnAssistant(Assistant):
    """Answers from ``own``, and unless ``alone`` also from what ``shared`` answers from."""

    def __init__(self, shared: Assistant, own: Index, *, alone: bool = False) -> None:
        super().__init__(
            shared.corpus,
            shared.index_folder,
            mode=shared.mode,
            judge=shared.judge,
            threshold=shared.threshold,
            quiet=True,
        )
        self._shared = shared
        self._own = own
        self._alone = alone

    def close(self) -> None:
        """Nothing: the models are the shared assistant's, and the index its opener's."""

    def _opened(self) -> tuple[Index, Retriever]:
        from citewise.retrieval import Retriever

        if self._alone:
            return self._own, Retriever(self._own, self._own.embedder)
        index, _ = self._shared._opened()
        joined = JoinedIndex((self._own, index))
        return joined, Retriever(joined, joined.embedder)

    def _usable_generator(self) -> tuple[Generator | None, list[str]]:
        return self._shared._usable_generator()

    def _usable_entailment(self) -> tuple[Entailment | None, list[str]]:
        return self._shared._usable_entailment()
