"""An index over a corpus: built or updated in one step, searched by meaning and by words.

What is searched is the same whatever keeps it: a folder (``folder_index.py``), a server
(``stores``), or several of these joined (``joined.py``). Writing is the same code for all of them
(``refreshing.py``), over what an engine can do (``writing.py``).
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from citewise.errors import CorpusError, InputError
from citewise.lexical import Hit
from citewise.metering import Progress, Step
from citewise.protocols import Embedder
from citewise.records import DocumentInfo, StoredPassage
from citewise.refreshing import Refreshing
from citewise.sources import DocumentSource, Source
from citewise.staging import Split
from citewise.types import Document, Filter
from citewise.updating import Changes, UpdateSummary
from citewise.writing import Store

if TYPE_CHECKING:
    from citewise.index_check import CheckReport

__all__ = [
    "Changes",
    "DocumentInfo",
    "Hit",
    "Index",
    "Step",
    "StoredPassage",
    "UpdateSummary",
    "no_document",
]


class Index(ABC):
    """Documents, passages and spans, ready to be searched. Safe to share between threads.

    One process writes, any number read; a reader sees the old or the new state, never a mixture.

    Args:
        folder: where it lies; of what lies in none, its address as a path.
        embedder: makes the vectors of passages and questions.
        store: what an update writes to; None if nothing can be written here.
    """

    def __init__(self, folder: Path, embedder: Embedder, store: Store | None) -> None:
        self.folder = folder
        self.embedder = embedder
        self._store = store

    @staticmethod
    def open(path: Path, embedder: Embedder) -> Index:
        """Open the index in the folder ``path``, creating it if needed.

        A damaged database is moved aside and an empty one put in its place; ``update`` fills it.

        Raises:
            IndexFault: not a folder, not readable, not writable and empty, or of a newer format.
        """
        from citewise.folder_index import FolderIndex

        return FolderIndex.open(path, embedder)

    def update(
        self,
        documents: Iterable[Document],
        split: Split,
        *,
        remove_missing: bool = True,
        progress: Progress | None = None,
    ) -> UpdateSummary:
        """Make the index hold these documents; as ``refresh``, but for documents at hand.

        Args:
            documents: told apart by name, compared by ``sha256``.

        Raises:
            CorpusError: a document cannot be stored.
            InputError: two documents of one name.
        """
        source = DocumentSource(documents)
        return self.refresh(source, split, remove_missing=remove_missing, progress=progress)

    def refresh(
        self,
        source: Source,
        split: Split,
        *,
        remove_missing: bool = True,
        thorough: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> UpdateSummary:
        """Make the index hold what ``source`` holds; only what differs is read and embedded.

        All of it becomes visible at once. Whatever stops it, the previous state stays, and what
        was embedded until then is not embedded again.

        Args:
            split: the passages of a document.
            remove_missing: forget stored documents that ``source`` does not hold.
            thorough: compare contents even where size and time of a file are the same.
            dry_run: only tell what would be done.
            progress: called now and then.

        Raises:
            IndexFault: another writer is at work, the store cannot be written, no room.
            CorpusError: the corpus does not exist, or nothing in it can be read.
            InputError: the embedding model changed, and not all stored documents are there.
        """
        if self._store is None:
            raise InputError(
                "Several indexes that are searched as one cannot be updated as one.",
                "Update each by itself.",
            )
        refreshing = Refreshing(
            self._store, self.embedder, source, split, remove_missing, thorough, progress
        )
        return refreshing.run(dry_run=dry_run)

    def check(self, progress: Progress | None = None) -> CheckReport:  # noqa: ARG002 - some can
        """Prove every passage against its document; nothing is changed.

        Raises:
            InputError: this store has no check.
            IndexFault: it cannot be read, or was updated meanwhile.
        """
        raise InputError(f"An index in {self.folder} cannot be checked.", "Build it again instead.")

    def repair(self, report: CheckReport) -> None:  # noqa: ARG002 - some can
        """Mend what a check found; an update afterwards reads again what had to be taken out.

        Raises:
            InputError: this store cannot be mended.
            IndexFault: another writer is at work, or it cannot be written.
        """
        raise InputError(f"An index in {self.folder} cannot be mended.", "Build it again instead.")

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """One state of the index for all that this thread asks inside the block."""

    def expect(self, terms: Iterable[str]) -> None:  # noqa: B027 - most have no need of it
        """Tells that these terms will be asked about: a store may look them up at once."""

    @abstractmethod
    def selected(self, where: Filter) -> NDArray[np.int64]:
        """The ids of the passages that a checked filter lets through, in ascending order.

        Raises:
            InputError: it names what the index does not hold, or no document fits it.
        """

    @abstractmethod
    def dense(
        self, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """The ``k`` passages nearest to a unit vector, shape ``(dimensions,)``, by cosine.

        Args:
            within: the only passages looked at, as ``selected`` gives them; all by default.

        Raises:
            IndexFault: built with another embedding model, or the vector has another length.
            InputError: the vector holds NaN or infinity.
        """

    @abstractmethod
    def lexical(
        self, question: str | Sequence[str], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """The ``k`` passages that fit best by BM25; any characters are allowed.

        Args:
            question: a text, or its terms.
            within: the only passages looked at, as ``selected`` gives them; all by default.
        """

    @abstractmethod
    def span_scores(
        self, question: str | Sequence[str], passages: Sequence[StoredPassage]
    ) -> dict[tuple[int, int], float]:
        """BM25 of every span of these passages, by passage id and span number."""

    @abstractmethod
    def idf(self, term: str) -> float:
        """How rare a term of ``lexical_terms`` is among all spans; higher is rarer."""

    @abstractmethod
    def contains(self, term: str) -> bool:
        """Whether any document holds this term of ``lexical_terms``."""

    @abstractmethod
    def similar(self, term: str) -> str | None:
        """The stored term that a mistyped ``term`` probably means; None if nothing is near."""

    @abstractmethod
    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """The passages with these ids, in that order; those removed since are left out."""

    @abstractmethod
    def homes(self, ids: Sequence[int]) -> dict[int, int]:
        """What tells the document of each of these passages; those removed since are left out."""

    @abstractmethod
    def document(self, name: str) -> Document:
        """The stored document.

        Raises:
            CorpusError: there is none of that name.
            IndexFault: its text is no longer what was stored.
        """

    @abstractmethod
    def documents(self) -> list[DocumentInfo]:
        """What is stored, by name."""

    @abstractmethod
    def stats(self) -> dict[str, int | str]:
        """Counts, the manifest's entries, and the size on disk in bytes."""

    @abstractmethod
    def identity(self) -> str:
        """What tells this index from any other, such as one built in its place; "" if it is gone.

        Empty too as long as nothing was ever published in it.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what is open; the index stays usable."""

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def no_document(name: str, names: Sequence[str]) -> CorpusError:
    """The error that says so, with the names most like the one asked for."""
    return CorpusError(f"There is no document {name!r}.", _nearest(name, names))


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)[:3]
    quoted = ", ".join(repr(other) for other in near)
    return f"Nearest: {quoted}." if near else "The index is empty: update it first."
