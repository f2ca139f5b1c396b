"""What Milvus should hold of an index: its rows, the collection's name, and what differs."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from citewise.schema import LIVE
from citewise.stores.milvus.client import Held, Row

__all__ = ["collection_name", "difference", "live_of", "name_prefix", "rows_of", "wanted"]

_LAYOUT = "1"  # Raise when the fields of a row, or how they are indexed, change.
_LONGEST = 64
_BLOCK = 1000


def name_prefix(identity: str, collection: str) -> str:
    """How the names of all Milvus collections of one index begin.

    Args:
        identity: what tells the index from every other.
        collection: citewise's own, "" for none; only so that people can tell which it is.
    """
    readable = re.sub(r"[^0-9A-Za-z]+", "_", collection).strip("_")[:_LONGEST]
    return "_".join(filter(None, ("citewise", readable, identity))) + "_"


def collection_name(identity: str, collection: str, embedder: str, dimensions: int) -> str:
    """The Milvus collection of an index's vectors by one embedding model.

    Another model gets another one, so that the old answers until the new is complete.
    """
    made_from = f"{_LAYOUT}\n{embedder}\n{dimensions}".encode()
    return name_prefix(identity, collection) + hashlib.sha256(made_from).hexdigest()[:8]


def rows_of(
    connection: sqlite3.Connection, passages: NDArray[np.int64], dimensions: int
) -> Iterator[list[Row]]:
    """The rows of these passages, in blocks."""
    for start in range(0, len(passages), _BLOCK):
        found = connection.execute(
            "SELECT passages.id, document, lower(hex(vectors.key)), vectors.vector"
            " FROM json_each(?) JOIN passages ON passages.id = value"
            " JOIN vectors ON vectors.id = passages.vector"
            " WHERE length(vectors.vector) = ?",
            (json.dumps(passages[start : start + _BLOCK].tolist()), 4 * dimensions),
        )
        yield [
            Row(passage, document, key, np.frombuffer(vector, "<f4"))
            for passage, document, key, vector in found
        ]


def wanted(connection: sqlite3.Connection) -> Held:
    """The ids and keys of all live passages."""
    rows = connection.execute(
        "SELECT passages.id, lower(hex(vectors.key)) FROM passages"
        " JOIN documents ON documents.id = document"
        " JOIN vectors ON vectors.id = passages.vector WHERE state = ? ORDER BY passages.id",
        (LIVE,),
    ).fetchall()
    ids = np.array([row[0] for row in rows], np.int64)
    return Held(ids, np.array([row[1] for row in rows], "S32"))


def difference(held: Held, should: Held) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ids that are missing or hold another vector, and those that are held without need."""
    extra = np.setdiff1d(held.ids, should.ids, assume_unique=True)
    places = np.searchsorted(held.ids, should.ids)
    there = np.zeros(len(should.ids), np.bool_)
    inside = places < len(held.ids)
    there[inside] = (held.ids[places[inside]] == should.ids[inside]) & (
        held.keys[places[inside]] == should.keys[inside]
    )
    return should.ids[~there], extra


def live_of(connection: sqlite3.Connection, passages: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these ids are passages that readers of the database see."""
    found = connection.execute(
        "SELECT passages.id FROM json_each(?) JOIN passages ON passages.id = value"
        " JOIN documents ON documents.id = document WHERE state = ?",
        (json.dumps(passages.tolist()), LIVE),
    )
    return np.isin(passages, np.fromiter((row[0] for row in found), np.int64))
