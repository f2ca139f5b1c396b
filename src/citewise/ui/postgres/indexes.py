"""The indexes of visitors' own documents: collections of the store that everybody's are in."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from citewise.errors import CitewiseError, IndexFault
from citewise.opening import DATABASE
from citewise.ui.erasing import erase_deleted

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.index import Index

__all__ = ["OwnCollections"]

_MOST_OPEN = 10
"""Each keeps a connection or two of its own while it is used."""


class OwnCollections:
    """Opens the collection of one visitor at a time; those used last stay open.

    Who writes into one must hold the claim on its visitor.

    Args:
        shared: answers from everybody's documents; theirs is the store, and the embedding model.
        realm: of the chats that share the visitors.
    """

    def __init__(self, shared: Assistant, realm: str) -> None:
        self._shared = shared
        self._realm = realm
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Index] = OrderedDict()

    def opened(self, visitor: str) -> Index:
        """The index of a visitor's documents, made if there is none.

        Raises:
            IndexFault, ModelError: it cannot be opened.
        """
        with self._lock:
            index = self._open.pop(visitor, None)
        if index is None:
            # Not under the lock: it may take a while, and others need not wait for it.
            embedder = self._shared._made_embedder()
            index = self._shared.store.open(embedder, self._name(visitor))
        with self._lock:
            first = self._open.setdefault(visitor, index)
            self._open.move_to_end(visitor)
            extra = [index] if first is not index else []
            while len(self._open) > _MOST_OPEN:
                extra.append(self._open.popitem(last=False)[1])
        for closed in extra:
            closed.close()
        return first

    def keep_only(self, visitor: str, names: Collection[str]) -> None:
        """Remove all documents but these, and what was prepared for one that was given up.

        Raises:
            IndexFault: no room, or the store cannot be reached.
        """
        from citewise.splitting import split

        index = self.opened(visitor)
        held = [info.name for info in index.documents()]
        kept = [name for name in held if name in names]
        try:
            index.update([index.document(name) for name in kept], split)
        except IndexFault:
            # Where nothing has to leave, a store that cannot be written is in nobody's way.
            if kept != held:
                raise
        self.erase_unfinished(visitor)

    def erase_unfinished(self, visitor: str) -> None:
        """Where the store is a folder, write the collection anew from what is still in it."""
        if self._shared.store.folder is not None:
            with suppress(CitewiseError):
                erase_deleted(self.opened(visitor).folder / DATABASE)

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            indexes = list(self._open.values())
            self._open.clear()
        for index in indexes:
            index.close()

    def _name(self, visitor: str) -> str:
        """No setting, option or header can name it: "~" is in no name that they let pass."""
        return f"~visitor-{self._realm}-{visitor}" if self._realm else f"~visitor-{visitor}"
