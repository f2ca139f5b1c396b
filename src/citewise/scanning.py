"""Exact search over the vectors in the database: for few passages, or where nothing faster is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from citewise.records import live_vector_blocks, vectors_of

__all__ = ["scan"]

_BLOCK = 8192


def scan(
    connection: sqlite3.Connection,
    vector: NDArray[np.float32],
    k: int,
    within: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The ``k`` best live passages and their scores, best first; equal scores by lower id.

    Args:
        vector: shape ``(dimensions,)``.
        within: the only passages looked at, live ones; all by default.
    """
    ids, scores = np.empty(0, np.int64), np.empty(0, np.float32)
    for more, vectors in _blocks(connection, len(vector), within):
        ids = np.concatenate([ids, more])
        scores = np.concatenate([scores, vectors @ vector])
        best = np.lexsort((ids, -scores))[:k]
        ids, scores = ids[best], scores[best]
    return ids, scores


def _blocks(
    connection: sqlite3.Connection, dimensions: int, within: NDArray[np.int64] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    if within is None:
        yield from live_vector_blocks(connection, dimensions, _BLOCK)
        return
    for start in range(0, len(within), _BLOCK):
        yield vectors_of(connection, within[start : start + _BLOCK], dimensions)
