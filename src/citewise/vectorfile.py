"""The vector index of a generation, made from the database: exact while small, else in clusters."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise import clusters
from citewise.clusters import Kind
from citewise.records import all_vectors, live_vector_blocks
from citewise.vectors import VectorIndex

__all__ = ["Built", "built"]

_QUESTIONS = 200


@dataclass(frozen=True, slots=True)
class Built:
    """An index, what kind it is of, and its recall@10 against exact search."""

    index: VectorIndex
    kind: str
    recall: float


def built(connection: sqlite3.Connection, dimensions: int, count: int) -> Built:
    """The index of all live passages' vectors.

    Args:
        count: of the live passages.

    Raises:
        InputError: a setting cannot be.
    """
    kind = clusters.choose(count, dimensions, clusters.memory_budget())
    if kind is None:
        return Built(VectorIndex.build(*all_vectors(connection, dimensions)), "exact", 1.0)
    return _clustered(connection, dimensions, count, kind)


def _clustered(connection: sqlite3.Connection, dimensions: int, count: int, kind: Kind) -> Built:
    def blocks() -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        return live_vector_blocks(connection, dimensions)

    questions = _questions(connection, dimensions)
    index, recall = clusters.build(blocks, count, dimensions, kind, questions)
    return Built(index, str(kind), recall)


def _questions(connection: sqlite3.Connection, dimensions: int) -> NDArray[np.float32]:
    """Vectors of sentences and rows: of what is stored, they are most like questions."""
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM vectors").fetchone()
    found = [
        connection.execute(
            "SELECT vector FROM vectors WHERE id >= ? AND length(vector) = ? LIMIT 1",
            (int(start), 2 * dimensions),
        ).fetchone()
        for start in np.linspace(1, max(1, last), _QUESTIONS)
    ]
    vectors = [np.frombuffer(row[0], "<f2") for row in found if row]
    return np.array(vectors, np.float32).reshape(-1, dimensions)
