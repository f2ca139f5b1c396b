"""Searching one state of the index in Milvus, or in the database where Milvus is of no use."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.database import Database
from citewise.errors import IndexFault
from citewise.records import homes_of
from citewise.scanning import scan
from citewise.stores.milvus.client import MOST_FOUND, MilvusServer
from citewise.stores.milvus.rows import live_of
from citewise.vectors import check_question

__all__ = ["MOST_SCANNED", "MilvusSearch"]

MOST_SCANNED = 200_000
"""Up to so many passages are compared one by one in the database if Milvus cannot be used."""

# A filter that leaves so few passages is answered by the database, exactly and faster.
_FEW = 1_000
# A filter names at most so many documents to Milvus, so that no expression grows without bound.
_NAMED = 1_000
# One of more documents is applied to what Milvus finds; but where it leaves no more passages than
# this, finding enough of them takes longer than comparing each.
_SCATTERED = 20_000
# Scores this near are taken for equal: the same vector in two segments may differ in the last bit.
_EQUAL = 1e-6

Ids = NDArray[np.int64]
Vector = NDArray[np.float32]
Found = tuple[Ids, Vector]


@dataclass(frozen=True, slots=True)
class MilvusSearch:
    """The vectors of one state.

    Attributes:
        name: of the collection in Milvus.
        count: the passages of this state.
        fault: why Milvus cannot be used for it, if so.
        still_holds: asked after a search: whether Milvus held this state to its end.
        failed: told of a search that failed, so that the next ones do not wait in vain.
    """

    database: Database
    server: MilvusServer
    name: str
    dimensions: int
    count: int
    fault: IndexFault | None
    still_holds: Callable[[], bool]
    failed: Callable[[IndexFault], None]

    @property
    def oversample(self) -> int:
        """As of ``VectorIndex``: so many times more are to be found, and ranked exactly."""
        return 2

    def search(self, vector: Vector, k: int, within: Ids | None = None) -> Found:
        """As ``VectorIndex.search``; never fewer than there are, never any that are not there.

        Raises:
            InputError: the vector holds NaN or infinity.
            IndexFault: the vector has another length than the index, or Milvus cannot be used and
                the index is too large to do without.
        """
        check_question(vector, self.dimensions)
        most = self.count if within is None else len(within)
        k = min(k, most)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        with self.database.reading() as connection:
            found = self._found(connection, vector, k, within)
            return scan(connection, vector, k, within) if found is None else found

    def _found(
        self, connection: sqlite3.Connection, vector: Vector, k: int, within: Ids | None
    ) -> Found | None:
        """What Milvus finds; None if the database is to be searched instead."""
        documents = None
        if within is not None:
            documents = _documents(connection, within)
            if len(within) <= (_SCATTERED if documents is None else _FEW):
                return None
        fault = self.fault
        if fault is None:
            try:
                found = self._nearest(connection, vector, k, within, documents)
                return found if self.still_holds() else None
            except IndexFault as error:
                self.failed(error)
                fault = error
        if self.count > MOST_SCANNED:
            raise fault
        return None

    def _nearest(
        self,
        connection: sqlite3.Connection,
        vector: Vector,
        k: int,
        within: Ids | None,
        documents: list[int] | None,
    ) -> Found | None:
        # Of what is found, this share or so passes a filter that Milvus was not told.
        share = 1.0 if within is None or documents else len(within) / self.count
        fetch = min(MOST_FOUND, math.ceil((k + 1) / share))
        while True:
            ids, scores = self.server.nearest(self.name, vector, fetch, documents)
            whole = len(ids) < fetch
            ids, scores = _passing(connection, ids, scores, within)
            # Milvus picks among equal scores as it likes; a repeatable choice needs all of them.
            past_ties = len(ids) > k and scores[k] < scores[k - 1] - _EQUAL
            if past_ties or whole or fetch == MOST_FOUND:
                break
            fetch = min(MOST_FOUND, fetch * 4)
        if len(ids) < k:
            return None
        best = np.lexsort((ids, -np.round(scores, 6)))[:k]
        return ids[best], scores[best]


def _documents(connection: sqlite3.Connection, within: Ids) -> list[int] | None:
    """The documents to name to Milvus, so that it looks at little else; None if too many."""
    documents = sorted(set(homes_of(connection, within.tolist()).values()))
    return documents if len(documents) <= _NAMED else None


def _passing(
    connection: sqlite3.Connection, ids: Ids, scores: NDArray[np.float32], within: Ids | None
) -> Found:
    keep = live_of(connection, ids)
    if within is not None:
        keep &= np.isin(ids, within)
    return ids[keep], scores[keep]
