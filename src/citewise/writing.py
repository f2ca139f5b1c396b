"""The seam between an update and the engine that keeps the index.

An update is the same whatever keeps the index: compare, prepare beside what readers see, publish
all of it at once. What an engine has to be able to do for that is here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from citewise.vectorstore import Key

if TYPE_CHECKING:
    from citewise.planning import Known
    from citewise.publishing import Outcome
    from citewise.staging import Piece

__all__ = ["Store", "Writer"]


class Writer(Protocol):
    """What the holder of the writer's lock may do; every call is one transaction.

    Raises:
        IndexFault: the engine could not do it; what readers see has not changed.
    """

    def prepared(self, embedder: str) -> dict[tuple[str, str], int]:
        """The ids of documents that an interrupted update had finished, by name and digest.

        Those of another embedding model are deleted, and so are those not finished.
        """
        ...

    def held(self, keys: Iterable[Key]) -> Collection[Key]:
        """Those of these keys whose vectors are stored, so that they are not embedded again."""
        ...

    def add(
        self, pieces: Sequence[Piece], vectors: Mapping[Key, bytes], embedder: str
    ) -> dict[str, int]:
        """Store pieces of documents where no reader sees them.

        Pieces of one document come in order, perhaps in several calls.

        Args:
            vectors: for all their keys but those that the call of ``held`` before this returned.

        Returns:
            the ids of the documents that are complete now, by name.
        """
        ...

    def publish(self, outcome: Outcome, embedder: str) -> int:
        """Make readers see the outcome, all of it at once; return the number of live passages."""
        ...

    def discard(self) -> None:
        """Delete whatever was prepared and not published."""
        ...


class Store(Protocol):
    """Where an index is kept.

    Attributes:
        place: its name in messages; holds no secret.
        read_only: it can be looked at, but not changed.
    """

    place: str
    read_only: bool

    def known(self) -> Known:
        """What the index knows now."""
        ...

    def writing(self) -> AbstractContextManager[Writer]:
        """Hold the writer's lock for the length of the block.

        Raises:
            IndexFault: another writer holds it.
        """
        ...

    def tidy(self, *, leftovers: bool) -> None:
        """Remove what a crash left behind, unless somebody is writing just now.

        Args:
            leftovers: also what an interrupted update had prepared.
        """
        ...
