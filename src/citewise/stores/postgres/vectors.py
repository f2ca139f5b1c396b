"""Passages by meaning: all of them exactly, or by an HNSW index and then ranked exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from citewise.errors import IndexFault, InputError
from citewise.lexical import Hit
from citewise.schema import LIVE
from citewise.stores.postgres.database import Manifest, Reading
from citewise.stores.postgres.numbers import array_text, vector_text

__all__ = ["INDEXED_FROM", "index_name", "nearest"]

INDEXED_FROM = 10_000
"""Of so many passages on, an approximate index is built; fewer are scanned in milliseconds."""

# The index holds vectors in half precision and errs: of this many times more, the exact scores.
_OVER = 2
# Filtered to so many passages, exact search is as fast as the index.
_FEW = 10_000


def index_name(space: int) -> str:
    """Of the approximate index over the vectors of a space."""
    return f"nearest_{space}"


def nearest(
    reading: Reading, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None
) -> list[Hit]:
    """The ``k`` live passages with the highest inner product; equal scores by lower id.

    Raises:
        IndexFault: the vector has another length than those stored.
        InputError: it holds NaN or infinity.
    """
    manifest = reading.manifest
    if vector.shape != (manifest.dimensions,):
        raise IndexFault(
            f"The question's vector has shape {vector.shape}, the index holds vectors of "
            f"{manifest.dimensions} numbers.",
            "Update the index with the embedding model in use.",
        )
    if not np.isfinite(vector).all():
        raise InputError(
            "The question's vector holds a value that is not a number.",
            "Ask with other words, or check the embedding model's files.",
        )
    if k <= 0 or (within is not None and not len(within)):
        return []
    if within is not None:
        return _within(reading, vector, k, within)
    # Documents that are being prepared, and texts that stand in many passages, take places.
    for over in (_OVER, 5 * _OVER):
        found = _hits(reading, _first(manifest, k * over), vector, k)
        if len(found) >= min(k, manifest.passage_count):
            return found
    return _hits(reading, _every(manifest, ""), vector, k)


def _within(
    reading: Reading, vector: NDArray[np.float32], k: int, within: NDArray[np.int64]
) -> list[Hit]:
    manifest, held = reading.manifest, reading.selection
    if held is not None and held[0] is within and len(held[1]) < len(within):
        chosen, ids = " AND p.document = ANY(%(ids)s::bigint[])", array_text(held[1])
    else:
        chosen, ids = " AND p.id = ANY(%(ids)s::bigint[])", array_text(within)
    if manifest.indexed and len(within) > _FEW:
        found = _hits(reading, _near(manifest, chosen, k * _OVER), vector, k, ids)
        if len(found) >= min(k, len(within)):
            return found
    return _hits(reading, _every(manifest, chosen), vector, k, ids)


# The numbers below are the store's own. They stand in the statement itself, because the planner
# uses an index over one space only where it sees which one is asked for.
_WHOLE = "-(v.vector <#> %(vector)s::vector) AS score"


def _order(manifest: Manifest) -> str:
    if not manifest.indexed:
        return "v.vector <#> %(vector)s::vector"
    half = f"halfvec({manifest.dimensions})"
    return f"(v.vector::{half}) <#> %(vector)s::vector::{half}"


def _live(manifest: Manifest) -> str:
    return (
        f"p.collection = {manifest.id} AND p.document NOT IN (SELECT id FROM citewise.documents"
        f" WHERE collection = {manifest.id} AND state <> '{LIVE}')"
    )


def _first(manifest: Manifest, count: int) -> str:
    """The passages of the ``count`` nearest vectors; by the index if there is one."""
    return (
        "SELECT p.id, document, score FROM"
        f" (SELECT id, {_WHOLE} FROM citewise.passage_vectors v WHERE space = {manifest.space}"
        f" ORDER BY {_order(manifest)} LIMIT {count}) n"
        f" JOIN citewise.passages p ON p.vector = n.id WHERE {_live(manifest)}"
        " ORDER BY score DESC, p.id LIMIT %(k)s"
    )


def _near(manifest: Manifest, chosen: str, count: int) -> str:
    """The ``count`` nearest of the chosen passages, as the index finds them."""
    return (
        "SELECT * FROM"
        f" (SELECT p.id, document, {_WHOLE} FROM citewise.passage_vectors v"
        " JOIN citewise.passages p ON p.vector = v.id"
        f" WHERE v.space = {manifest.space} AND {_live(manifest)}{chosen}"
        f" ORDER BY {_order(manifest)} LIMIT {count}) n ORDER BY score DESC, id LIMIT %(k)s"
    )


def _every(manifest: Manifest, chosen: str) -> str:
    """The nearest of all chosen passages, each looked at."""
    return (
        f"SELECT p.id, document, {_WHOLE} FROM citewise.passages p"
        " JOIN citewise.passage_vectors v ON v.id = p.vector"
        f" WHERE v.space = {manifest.space} AND {_live(manifest)}{chosen}"
        " ORDER BY score DESC, p.id LIMIT %(k)s"
    )


def _hits(
    reading: Reading, statement: str, vector: NDArray[np.float32], k: int, ids: str = "{}"
) -> list[Hit]:
    values = {"vector": vector_text(vector), "k": k, "ids": ids}
    rows = reading.connection.execute(statement.encode(), values).fetchall()
    reading.homes.update((passage, document) for passage, document, _ in rows)
    return [Hit(passage, float(score)) for passage, _, score in rows]
