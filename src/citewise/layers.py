"""The vectors of one generation: a file of most of them, and what changed since it was written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.vectors import VectorIndex

__all__ = ["Layers"]

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layers:
    """Searched as if it were one ``VectorIndex``.

    Attributes:
        base: what the vector file holds; None if there is none.
        added: passages that came since; None if there are none.
        gone: ids in ``base`` that no longer count, ascending.
    """

    base: VectorIndex | None
    added: VectorIndex | None
    gone: Ids

    def __len__(self) -> int:
        held = sum(len(layer) for layer in (self.base, self.added) if layer is not None)
        return held - len(self.gone)

    @property
    def oversample(self) -> int:
        """As of ``VectorIndex``."""
        return self.base.oversample if self.base else 1

    def search(
        self, vector: NDArray[np.float32], k: int, within: Ids | None = None
    ) -> tuple[Ids, NDArray[np.float32]]:
        """As ``VectorIndex.search``, over both."""
        if self.added is None and not len(self.gone):
            return self.base.search(vector, k, within) if self.base else _nothing()
        found = []
        if self.base is not None:
            if within is None:
                found.append(self.base.search(vector, k, without=self.gone))
            else:
                left = np.setdiff1d(within, self.gone, assume_unique=True)
                found.append(self.base.search(vector, k, left))
        if self.added is not None:
            found.append(self.added.search(vector, k, within))
        ids = np.concatenate([part[0] for part in found])
        scores = np.concatenate([part[1] for part in found])
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], scores[best]


def _nothing() -> tuple[Ids, NDArray[np.float32]]:
    return np.empty(0, np.int64), np.empty(0, np.float32)
