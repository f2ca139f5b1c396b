"""Who may see what: the indexes of a store's collections, and several of them as one.

What is not visible is never opened, so that nothing in a result can depend on it.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from citewise.collection_names import prefix_of
from citewise.collection_places import is_held
from citewise.runners import embedder_for

if TYPE_CHECKING:
    from citewise.index import Index
    from citewise.protocols import Embedder
    from citewise.stores.place import StorePlace

__all__ = ["OpenCollections", "seen_as_one"]


class OpenCollections:
    """The collections of one store, each opened once; safe to share between threads.

    Args:
        place: the store's.
        embedder: gives the model that embeds, which may have to be loaded.
        say: told, in a line, that an index was deleted or replaced.
        runner: what reads and embeds documents.
    """

    def __init__(
        self,
        place: StorePlace,
        embedder: Callable[[], Embedder],
        say: Callable[[str], None],
        runner: str = "local",
    ) -> None:
        self.place = place
        self._embedder = embedder
        self._say = say
        self._runner = runner
        self._open: dict[str, tuple[Index, str]] = {}
        # One for each: building one may take minutes, in which the others are searched.
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()

    def lock(self, name: str) -> threading.RLock:
        """What is held while a collection is opened or brought up to date."""
        with self._guard:
            return self._locks[name]

    def current(self, name: str) -> Index | None:
        """The index if it is open, and still the one that was opened."""
        index, identity = self._open.get(name, (None, ""))
        if index is not None and index.identity() != identity:
            if identity:  # Without one, nothing had been published in it yet.
                self._say(
                    f"The index in {index.folder} was deleted or replaced; it is looked at anew."
                )
            index.close()
            del self._open[name]
            return None
        return index

    def is_open(self, name: str) -> bool:
        """Whether ``current`` has an index, as far as is known."""
        return name in self._open

    def opened(self, name: str) -> Index | None:
        """The index, or None if the store holds no such collection: reading makes none.

        Raises:
            IndexFault, ModelError: it cannot be opened.
        """
        with self.lock(name):
            index = self.current(name)
            if index is None and is_held(self.place, name):
                index = self.made(name)
                self.keep(name, index)
            return index

    def made(self, name: str) -> Index:
        """The index, made if there is none, and then still to be kept; raises as ``opened``."""
        if name in self._open:
            return self._open[name][0]
        return self.place.open(embedder_for(self._runner, self._embedder()), name)

    def keep(self, name: str, index: Index) -> None:
        """Note what an index is, after it was opened or written."""
        self._open[name] = (index, index.identity())

    def close(self) -> None:
        """Close what is open."""
        for index, _ in self._open.values():
            index.close()


def seen_as_one(parts: Mapping[str, Index], embedder: Callable[[], Embedder]) -> Index:
    """One index over those of several collections, by name; over none, one that holds nothing.

    The documents that are in no collection come last: one of them that has the name of another
    collection's document is not found beside it.
    """
    from citewise.joined import JoinedIndex

    if len(parts) == 1:
        return next(iter(parts.values()))
    names = sorted(parts, key=lambda name: (not name, name))
    return JoinedIndex(
        [parts[name] for name in names],
        prefixes=[prefix_of(name) for name in names],
        embedder=None if parts else embedder(),
    )
