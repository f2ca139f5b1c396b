"""A visitor's own index: made at the first document, rid of every word of one that goes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.errors import CitewiseError
from citewise.opening import DATABASE
from citewise.ui.erasing import erase_deleted

if TYPE_CHECKING:
    from citewise.index import Index
    from citewise.protocols import Embedder

__all__ = ["OwnIndex"]


class OwnIndex:
    """The index in ``folder``, if there is one; safe to share between threads.

    Args:
        folder: where it is kept.
        embedder: gives the model that embeds, which may have to be loaded.
    """

    def __init__(self, folder: Path, embedder: Callable[[], Embedder]) -> None:
        self.folder = folder
        self._embedder = embedder
        self._lock = threading.RLock()
        self._index: Index | None = None

    def current(self) -> Index | None:
        """The index, or None if nothing was ever put into it.

        Raises:
            IndexFault, ModelError: it cannot be opened.
        """
        with self._lock:
            if self._index is None and (self.folder / DATABASE).exists():
                return self.opened()
            return self._index

    def opened(self) -> Index:
        """The index, made if there is none; raises as ``current``."""
        from citewise.index import Index

        with self._lock:
            if self._index is None:
                self._index = Index.open(self.folder, self._embedder())
            return self._index

    def forget(self, names: Collection[str]) -> None:
        """Remove documents, and what was prepared for one that was cancelled, to the last word.

        Raises:
            IndexFault: no room, or another process is at work on it.
        """
        from citewise.splitting import split

        index = self.current()
        if index is None:
            return
        kept = [info.name for info in index.documents() if info.name not in names]
        if kept:
            index.update([index.document(name) for name in kept], split)
            erase_deleted(index.folder / DATABASE)
        else:
            self.delete()

    def erase_unfinished(self) -> None:
        """An update writes what it has prepared so far: of one that is given up, nothing stays."""
        index = self.current()
        if index is not None:
            with suppress(CitewiseError):
                erase_deleted(index.folder / DATABASE)

    def delete(self) -> None:
        """Remove the whole index."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Close what is open; it is opened again when needed."""
        with self._lock:
            if self._index is not None:
                self._index.close()
                self._index = None
