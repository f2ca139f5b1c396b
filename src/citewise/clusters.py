"""Approximate search for large corpora: vectors in clusters, with two bits or one a number.

Comparing a question with a million vectors takes a third of a second and 1.5 GB. Here only the
clusters nearest to it are looked at (inverted file, Jégou et al. 2011), in product-quantised codes
of four bits, whose tables of distances fit into registers (André, Kermarrec and Le Scouarnec 2015,
"Cache locality is not enough"); what is found is then ranked by the exact vectors. How many
clusters are looked at is settled by measuring.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.settings import current
from citewise.vectors import VectorIndex, faiss_library

__all__ = ["LARGE", "Kind", "build", "choose", "memory_budget"]

LARGE = 50_000
"""Up to so many vectors an exact search takes a few milliseconds, and nothing is approximated."""

_FEWEST_LISTS, _MOST_LISTS = 64, 8192
# FAISS asks for at least 39 vectors a cluster to find its middle; more make it little better.
_TRAINED_ON = 48
# How many of the nearest must be there, among as many as a search asks for.
_RECALL_AT, _ASKED_FOR = 10, 50
# A margin over .98: it is measured on a sample.
_ENOUGH = 0.987
_FIRST_PROBES = 8

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
Blocks = Callable[[], Iterable[tuple[Ids, Vectors]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How vectors are kept: in ``lists`` clusters, coded as FAISS's factory string ``code``."""

    lists: int
    code: str

    def __str__(self) -> str:
        return f"IVF{self.lists},{self.code}"


def memory_budget() -> int:
    """The bytes that vectors may take in memory, as the setting ``index_memory_mb`` says.

    Raises:
        InputError: a setting cannot be.
    """
    return current().index_memory_mb * 2**20


def choose(count: int, dimensions: int, budget: int) -> Kind | None:
    """What to build for so many vectors; None for an exact index.

    Args:
        budget: bytes in memory.
    """
    if count <= LARGE:
        return None
    lists = 2 ** round(math.log2(math.sqrt(count)))
    lists = min(_MOST_LISTS, max(_FEWEST_LISTS, lists))
    together = 2 if count * (dimensions // 4 + 8) <= budget else 4
    while dimensions % together:
        together //= 2
    return Kind(lists, f"PQ{dimensions // together}x4fs")


def build(
    blocks: Blocks, count: int, dimensions: int, kind: Kind, questions: Vectors
) -> tuple[VectorIndex, float]:
    """The index of all ``blocks``, and its recall@10 against exact search.

    Args:
        blocks: gives all ids and vectors anew at every call, so that they need not be held.
        count: of all vectors.
        questions: unit vectors to measure with, shape ``(q, dimensions)``.
    """
    faiss = faiss_library()
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    made = faiss.index_factory(dimensions, str(kind), faiss.METRIC_INNER_PRODUCT)
    made.cp.niter, made.cp.min_points_per_centroid = 10, 1
    if hasattr(made, "pq"):
        made.pq.cp.min_points_per_centroid = 1
    made.train(_sample(blocks, count, _TRAINED_ON * kind.lists))
    exact = _Exact(questions)
    for ids, vectors in blocks():
        made.add_with_ids(vectors, ids)
        exact.look(ids, vectors)
    index = VectorIndex(made)
    return index, _settle(made, index.oversample, questions, exact.ids)


def _sample(blocks: Blocks, count: int, wanted: int) -> Vectors:
    """Evenly spread over all blocks: neighbours often belong to one document."""
    step = max(1, count // wanted)
    parts, seen = [], 0
    for ids, vectors in blocks():
        parts.append(vectors[(-seen) % step :: step])
        seen += len(ids)
    return np.ascontiguousarray(np.concatenate(parts))


class _Exact:
    """The true nearest vectors, block by block."""

    def __init__(self, questions: Vectors) -> None:
        self._questions = questions
        self.ids = np.full((len(questions), _RECALL_AT), -1, np.int64)
        self._scores = np.full(self.ids.shape, -np.inf, np.float32)

    def look(self, ids: Ids, vectors: Vectors) -> None:
        scores = np.hstack([self._scores, self._questions @ vectors.T])
        named = np.hstack([self.ids, np.broadcast_to(ids, (len(scores), len(ids)))])
        best = np.argpartition(-scores, _RECALL_AT - 1)[:, :_RECALL_AT]
        self._scores = np.take_along_axis(scores, best, 1)
        self.ids = np.take_along_axis(named, best, 1)


def _settle(made: object, oversample: int, questions: Vectors, true: Ids) -> float:
    """Look at as many clusters as reach the recall, and return it."""
    index, recall, probes = faiss_library().extract_index_ivf(made), 1.0, _FIRST_PROBES
    while len(questions):
        index.nprobe = min(probes, index.nlist)
        _, found = index.search(questions, _ASKED_FOR * oversample)
        hits = [np.isin(t, f).sum() for t, f in zip(true, found, strict=True)]
        recall = float(np.sum(hits) / np.sum(true >= 0))
        if recall >= _ENOUGH or probes >= index.nlist:
            break
        probes = math.ceil(probes * 1.5)
    return recall
