"""Preparing documents beside those that readers see: split, embedded and committed in batches.

What is prepared survives an interruption. A text whose vector is stored, be it live, prepared now
or prepared before an interruption, is not embedded again.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.errors import IndexFault
from citewise.metering import Meter
from citewise.protocols import Embedder
from citewise.storing import check_passages, keys_of
from citewise.types import Document, Passage
from citewise.vectorstore import Key, Wanted, packed
from citewise.writing import Writer

__all__ = ["Piece", "Split", "Staging"]

Split = Callable[[Document], Sequence[Passage]]

# Texts embedded between two reports of progress.
_STEP = 64
# Texts prepared in one transaction: what an interruption can cost at most. Between these, as many
# as take about so many seconds. More sort better by length, and cost memory.
_FEWEST, _MOST = 256, 4096
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Passages of a document that are stored together; most documents are one piece.

    ``size`` is the piece's share of what the document counts for in the progress.
    """

    document: Document
    passages: Sequence[Passage]
    size: float
    first: bool
    last: bool

    def keys(self, embedder: str) -> dict[Key, Wanted]:
        """The texts that are embedded for it, by the key of the vector each gets."""
        keys: dict[Key, Wanted] = {}
        for passage in self.passages:
            keys.update(keys_of(passage, embedder))
        return keys


class Staging:
    """Takes documents one by one; ``staged`` then holds the row id of each by its name.

    Args:
        meter: told how much of the sizes given to ``add`` is done.
    """

    def __init__(
        self,
        writer: Writer,
        embedder: Embedder,
        split: Split,
        meter: Meter,
    ) -> None:
        self.staged: dict[str, int] = {}
        self._writer = writer
        self._embedder = embedder
        self._split = split
        self._meter = meter
        self._waiting: list[Piece] = []
        self._texts = 0
        self._room = _FEWEST
        self._prepared = writer.prepared(embedder.name)

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
            wanted.update(piece.keys(self._embedder.name))
        known = self._writer.held(wanted)
        size = sum(piece.size for piece in waiting)
        made = self._embedded({k: w for k, w in wanted.items() if k not in known}, size)
        self.staged.update(self._writer.add(waiting, made, self._embedder.name))

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


def _pieces(document: Document, passages: Sequence[Passage], size: float) -> Iterator[Piece]:
    """The passages in runs of at most about ``_MOST`` texts; one run, perhaps empty, at least."""
    sizes = itertools.accumulate(_count([passage]) for passage in passages)
    numbered = zip(sizes, passages, strict=True)
    runs = [
        [passage for _, passage in run]
        for _, run in itertools.groupby(numbered, key=lambda item: item[0] // _MOST)
    ] or [[]]
    for number, run in enumerate(runs):
        share = size * len(run) / len(passages) if passages else size
        yield Piece(document, run, share, number == 0, number == len(runs) - 1)


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
