"""The words of a large index: postings from a file, and of what changed since it was written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.postings import Postings

__all__ = ["Words"]

Ids = NDArray[np.int64]

# As FTS5 has it: a term in more than half of the passages still counts for something.
_LEAST_WEIGHT = 1e-6
# Among a million words nearly every slip is somebody's word: it is mended to a common one.
_COMMON = 50_000


@dataclass(frozen=True, slots=True)
class Words:
    """Searched as if it were one list of postings.

    How frequent a term is, is counted with the passages that are gone: they are few.

    Attributes:
        layers: the file's postings first, then those of passages that came since.
        gone: ids in any layer that no longer count, ascending.
    """

    layers: tuple[Postings, ...]
    gone: Ids

    def __len__(self) -> int:
        return sum(len(layer.ids) for layer in self.layers)

    def passages(self, term: str) -> int:
        """How many passages hold a term."""
        return sum(layer.passages(term) for layer in self.layers)

    def spans(self, term: str) -> int:
        """How many spans hold a term."""
        found = [(layer, layer.number(term)) for layer in self.layers]
        return sum(int(layer.spans[at]) for layer, at in found if at is not None)

    def search(
        self, frequencies: Mapping[str, int], k: int, within: Ids | None = None
    ) -> tuple[Ids, NDArray[np.float64]]:
        """The ``k`` passages with the highest BM25 score above 0, best first.

        Args:
            frequencies: the question's terms, with the number of passages that hold each.
            within: the only passages looked at, ascending; all by default.
        """
        count = len(self)
        weights = {
            term: max(_LEAST_WEIGHT, math.log((count - n + 0.5) / (n + 0.5)))
            if 2 * n < count
            else _LEAST_WEIGHT
            for term, n in frequencies.items()
        }
        average = sum(layer.average * len(layer.ids) for layer in self.layers) / max(1, count)
        found = [
            layer.search(weights, k, average or 1.0, self._allowed(layer, within))
            for layer in self.layers
        ]
        ids = np.concatenate([np.empty(0, np.int64), *(part[0] for part in found)])
        scores = np.concatenate([np.empty(0, np.float64), *(part[1] for part in found)])
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], scores[best]

    def beginning_with(self, letter: str) -> Iterator[tuple[str, int]]:
        """Common terms with this first character, and in how many passages each is."""
        least = max(1, len(self) // _COMMON)
        for layer in self.layers:
            start, end = layer.beginning_with(letter)
            sizes = np.diff(layer.offsets[start : end + 1])
            for at in np.flatnonzero(sizes >= least).tolist():
                yield layer.term(start + at), int(sizes[at])

    def _allowed(self, layer: Postings, within: Ids | None) -> NDArray[np.bool_] | None:
        if within is None and not len(self.gone):
            return None
        allowed = np.ones(len(layer.ids), np.bool_)
        if within is not None:
            allowed[:] = False
            allowed[_places(layer.ids, within)] = True
        allowed[_places(layer.ids, self.gone)] = False
        return allowed


def _places(ids: Ids, wanted: Ids) -> Ids:
    """Where those of the wanted ids stand that are there."""
    if not len(ids):
        return np.empty(0, np.int64)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found: Ids = at[ids[at] == wanted]
    return found
