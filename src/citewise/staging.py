"""Preparing documents beside those that readers see: split, embedded and committed in batches.

What is prepared survives an interruption. A text whose vector is stored, be it live, prepared now
or prepared before an interruption, is not embedded again.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.database import Database, meta, set_meta
from citewise.errors import IndexFault
from citewise.metering import Meter
from citewise.protocols import Embedder
from citewise.schema import LIVE, STAGED
from citewise.storing import (
    add_passages,
    begin_document,
    check_passages,
    complete_document,
    delete_document,
    keys_of,
)
from citewise.types import Document, Passage
from citewise.vectorstore import Key, Wanted, add_vectors, known_vectors, packed

__all__ = ["Split", "Staging"]

Split = Callable[[Document], Sequence[Passage]]

# Texts embedded between two reports of progress.
_STEP = 64
# Texts prepared in one transaction: what an interruption can cost at most. Between these, as many
# as take about so many seconds. More sort better by length, and cost memory.
_FEWEST, _MOST = 256, 4096
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """Passages of a document that are stored together; most documents are one piece."""

    document: Document
    passages: Sequence[Passage]
    size: float
    first: bool
    last: bool


class Staging:
    """Takes documents one by one; ``staged`` then holds the row id of each by its name.

    Args:
        meter: told how much of the sizes given to ``add`` is done.
    """

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        split: Split,
        meter: Meter,
    ) -> None:
        self.staged: dict[str, int] = {}
        self._database = database
        self._embedder = embedder
        self._split = split
        self._meter = meter
        self._waiting: list[_Piece] = []
        self._texts = 0
        self._room = _FEWEST
        self._open = 0
        self._prepared = self._earlier()

    def _earlier(self) -> dict[tuple[str, str], int]:
        """What an interrupted update had finished, by name and digest."""
        with self._database.reading() as connection:
            usable = meta(connection).get("staged_embedder") == self._embedder.name
            rows = connection.execute(
                "SELECT id, name, sha256, state FROM documents WHERE state != ?", (LIVE,)
            ).fetchall()
        if usable:
            return {(name, sha256): i for i, name, sha256, state in rows if state == STAGED}
        with self._database.writing() as connection:
            for row in rows:
                delete_document(connection, row[0])
            set_meta(connection, staged_embedder=self._embedder.name)
        return {}

    @property
    def prepared(self) -> Collection[tuple[str, str]]:
        """What an interrupted update had finished, by name and digest; it is not split again."""
        return self._prepared.keys()

    def add(self, document: Document, size: float) -> None:
        """Prepare a document, or take it up where an interrupted update had prepared it.

        Raises:
            CorpusError: it cannot be stored.
            IndexFault: no room, or the embedding model gave no vectors.
        """
        prepared = self._prepared.get((document.name, document.sha256))
        if prepared is not None:
            self.staged[document.name] = prepared
            self._meter.advance(size)
            return
        passages = self._split(document)
        check_passages(document, passages)
        for piece in _pieces(document, passages, size):
            self._waiting.append(piece)
            self._texts += _count(piece.passages)
            if self._texts >= self._room:
                self.flush()

    def flush(self) -> None:
        """Embed and commit what is waiting."""
        waiting, self._waiting, self._texts = self._waiting, [], 0
        if not waiting:
            return
        wanted: dict[Key, Wanted] = {}
        for piece in waiting:
            for passage in piece.passages:
                wanted.update(keys_of(passage, self._embedder.name))
        with self._database.reading() as connection:
            known = known_vectors(connection, wanted)
        size = sum(piece.size for piece in waiting)
        made = self._embedded({k: w for k, w in wanted.items() if k not in known}, size)
        with self._database.writing() as connection:
            ids = known | add_vectors(connection, made)
            for piece in waiting:
                self._store(connection, piece, ids)

    def _embedded(self, wanted: dict[Key, Wanted], size: float) -> dict[Key, bytes]:
        # Equal lengths side by side: a batch is padded to its longest text.
        texts = sorted({text for text, _ in wanted.values()}, key=lambda t: (len(t), t))
        began = time.monotonic()
        made: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(texts), _STEP):
            step = texts[start : start + _STEP]
            made.update(zip(step, _checked(self._embedder, step), strict=True))
            self._meter.advance(size * len(step) / len(texts), texts=len(step))
        if not texts:
            self._meter.advance(size)
        elif spent := time.monotonic() - began:
            self._room = int(min(_MOST, max(_FEWEST, len(texts) / spent * _SECONDS)))
        return {key: packed(made[text], precision) for key, (text, precision) in wanted.items()}

    def _store(self, connection: sqlite3.Connection, piece: _Piece, ids: dict[Key, int]) -> None:
        if piece.first:
            self._open = begin_document(connection, piece.document)
        add_passages(connection, self._open, piece.passages, self._embedder.name, ids)
        if piece.last:
            complete_document(connection, self._open)
            self.staged[piece.document.name] = self._open


def _pieces(document: Document, passages: Sequence[Passage], size: float) -> Iterator[_Piece]:
    """The passages in runs of at most about ``_MOST`` texts; one run, perhaps empty, at least."""
    sizes = itertools.accumulate(_count([passage]) for passage in passages)
    numbered = zip(sizes, passages, strict=True)
    runs = [
        [passage for _, passage in run]
        for _, run in itertools.groupby(numbered, key=lambda item: item[0] // _MOST)
    ] or [[]]
    for number, run in enumerate(runs):
        share = size * len(run) / len(passages) if passages else size
        yield _Piece(document, run, share, number == 0, number == len(runs) - 1)


def _count(passages: Sequence[Passage]) -> int:
    return sum(1 + len(passage.spans) for passage in passages)


def _checked(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    vectors = np.asarray(embedder.embed_passages(texts), np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise IndexFault(
            f"The embedding model {embedder.name!r} gave an array of shape {vectors.shape} for "
            f"{len(texts)} texts, or values that are not numbers.",
            "Check the model's files, or choose another embedding model.",
        )
    return vectors
