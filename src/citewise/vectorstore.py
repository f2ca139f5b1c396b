"""Vectors in the database, each stored once under what it was made from."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Key",
    "Precision",
    "Wanted",
    "add_vectors",
    "drop_unused",
    "key_of",
    "known_vectors",
    "packed",
]

Key: TypeAlias = bytes
# Passages are searched in full precision; spans only rank the few passages found, in half.
Precision = Literal["<f4", "<f2"]
Wanted: TypeAlias = tuple[str, Precision]


def key_of(embedder: str, text: str, precision: Precision) -> Key:
    """What tells a vector from every other: the model, the text and the precision, as 16 bytes.

    Equal texts share a vector, in one document or in many.
    """
    # No name of a model holds a line break, so that no two keys are made from the same bytes.
    made_from = f"{precision}\n{embedder}\n{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(made_from, digest_size=16).digest()


def packed(vector: NDArray[np.float32], precision: Precision) -> bytes:
    """A vector as it is stored."""
    return vector.astype(precision).tobytes()


def known_vectors(connection: sqlite3.Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """The row ids of those keys that are stored."""
    found = {}
    for key in keys:
        row = connection.execute("SELECT id FROM vectors WHERE key = ?", (key,)).fetchone()
        if row is not None:
            found[key] = row[0]
    return found


def add_vectors(connection: sqlite3.Connection, vectors: Mapping[Key, bytes]) -> dict[Key, int]:
    """Store vectors whose keys are not stored yet; return their row ids."""
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM vectors").fetchone()
    ids = {key: last + place for place, key in enumerate(vectors, 1)}
    rows = ((ids[key], key, vector) for key, vector in vectors.items())
    connection.executemany("INSERT INTO vectors (id, key, vector) VALUES (?, ?, ?)", rows)
    return ids


def drop_unused(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Delete those of these vectors that no passage and no span uses any more."""
    connection.executemany(
        "DELETE FROM vectors WHERE id = ?1"
        " AND NOT EXISTS (SELECT 1 FROM passages WHERE vector = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM spans WHERE vector = ?1)",
        ((vector,) for vector in ids),
    )
