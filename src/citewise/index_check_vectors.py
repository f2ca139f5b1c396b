"""The stored vectors, and the vector file made from them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from citewise.database import meta
from citewise.index_findings import Finding
from citewise.records import live_passages, vectors_of
from citewise.schema import LIVE
from citewise.vectors import VectorIndex, vectors_path

__all__ = ["Counting", "check_vector_file", "check_vectors"]

_BLOCK = 4096
# Of a unit vector: the length in half precision, and the cosine after quantisation; codes of one
# bit a number, which are for a memory that is short, reach about .8.
_UNIT, _NEAR, _NEAR_IN_ONE_BIT = 0.02, 0.9, 0.7
_CODE = re.compile(r"PQ(\d+)x4fs")


class Counting(Protocol):
    """Where vectors are counted."""

    vectors: int


def check_vectors(connection: sqlite3.Connection, counts: Counting) -> Iterator[Finding]:
    """Every vector is whole, of length 1, and belongs to a passage or span."""
    dimensions = int(meta(connection)["dimensions"])
    sizes = {4 * dimensions: "<f4", 2 * dimensions: "<f2"}
    cursor = connection.execute("SELECT id, vector FROM vectors ORDER BY id")
    while block := cursor.fetchmany(_BLOCK):
        counts.vectors += len(block)
        for vector, problem in _problems(block, sizes):
            for document, name in _users(connection, vector):
                yield Finding("vectors", f"{name}: vector {vector} {problem}", document)
    unused = connection.execute(
        "SELECT count(*) FROM vectors"
        " WHERE NOT EXISTS (SELECT 1 FROM passages WHERE vector = vectors.id)"
        " AND NOT EXISTS (SELECT 1 FROM spans WHERE vector = vectors.id)"
    ).fetchone()[0]
    if unused:
        yield Finding("vectors", f"{unused} belong to no passage and no span")


def _problems(
    block: Sequence[tuple[int, bytes]], sizes: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    for vector, blob in block:
        if len(blob) not in sizes:
            yield vector, f"holds {len(blob)} bytes, not {' or '.join(map(str, sizes))}"
    for size, kind in sizes.items():
        ids = [vector for vector, blob in block if len(blob) == size]
        together = b"".join(blob for _, blob in block if len(blob) == size)
        numbers = (
            np.frombuffer(together, kind)
            .astype(np.float32)
            .reshape(len(ids), size // np.dtype(kind).itemsize)
        )
        for vector, length in zip(ids, np.linalg.norm(numbers, axis=1), strict=True):
            if not abs(length - 1) <= _UNIT:
                yield vector, f"has the length {length:.3f}, not 1"


def _users(connection: sqlite3.Connection, vector: int) -> list[tuple[int, str]]:
    rows = connection.execute(
        "SELECT documents.id, name FROM documents WHERE state = ?1 AND id IN"
        " (SELECT document FROM passages WHERE vector = ?2 UNION"
        " SELECT document FROM spans JOIN passages ON passages.id = passage"
        " WHERE spans.vector = ?2)",
        (LIVE, vector),
    )
    return rows.fetchall()


def check_vector_file(connection: sqlite3.Connection, folder: Path) -> Iterator[Finding]:
    """The file is the one in the manifest, and with what changed since holds every passage."""
    manifest = meta(connection)
    live = live_passages(connection)
    refiled = dict(connection.execute("SELECT passage, added FROM refiled"))
    if not int(manifest["dimensions"]):
        if len(live):
            yield Finding("vectors", f"no vector file holds the {len(live)} passages")
        return
    if not manifest["vectors_sha256"] and manifest.get("vectors_kind", "").startswith("Milvus"):
        return  # No file: Milvus holds them, and is compared with the database where it is used.
    path = vectors_path(folder, int(manifest["vectors_generation"]))
    index = VectorIndex.load(path, manifest["vectors_sha256"])
    if index is None:
        yield Finding("vectors", f"{path.name} is missing, or not the one in the manifest")
        return
    held = index.ids()
    added = np.array([p for p, more in refiled.items() if more], np.int64)
    gone = np.array([p for p, more in refiled.items() if not more], np.int64)
    if len(np.unique(held)) != len(held):
        yield Finding("vectors", f"{path.name} holds a passage twice")
    known = np.union1d(np.setdiff1d(held, gone), added)
    for what, ids in (
        ("lacks", np.setdiff1d(live, known)),
        ("holds without need", np.setdiff1d(known, live)),
    ):
        if len(ids):
            yield Finding("vectors", f"{path.name} {what} passage {ids[0]}, of {len(ids)} such")
    code = _CODE.search(manifest.get("vectors_kind", ""))
    coarse = code is not None and 4 * int(code[1]) <= index.dimensions
    near = _NEAR_IN_ONE_BIT if coarse else _NEAR
    yield from _compared(connection, index, path, np.intersect1d(held, live), near)


def _compared(
    connection: sqlite3.Connection,
    index: VectorIndex,
    path: Path,
    ids: np.ndarray[tuple[int], np.dtype[np.int64]],
    near: float,
) -> Iterator[Finding]:
    wrong = 0
    for start in range(0, len(ids), _BLOCK):
        block = ids[start : start + _BLOCK]
        sized, stored = vectors_of(connection, block, index.dimensions)
        filed = index.reconstruct(sized)
        cosines = np.einsum("ij,ij->i", stored, filed)
        wrong += int((cosines < near * np.linalg.norm(filed, axis=1)).sum())
    if wrong:
        yield Finding("vectors", f"{path.name} holds {wrong} vectors of other passages")
