"""How frequent each term of a collection is, looked up once in each of its states."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from citewise.lexical import Hit
from citewise.slips import Slips
from citewise.spacedterms import distinctive_terms
from citewise.stores.postgres.bm25 import Search
from citewise.stores.postgres.database import Manifest, Reading
from citewise.stores.postgres.lexemes import Frequency, storable

__all__ = ["Vocabularies", "Vocabulary"]


_MOST_TERMS = 64
_MOST_REMEMBERED = 20_000
_COMMON = 50_000


_UNKNOWN = Frequency()


class Vocabularies:
    """Keeps the vocabulary that belongs to the state that readers see."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[tuple[str, int], Vocabulary] | None = None

    def current(self, reading: Reading) -> Vocabulary:
        """That of a reader's state."""
        state = reading.manifest.identity, reading.manifest.generation
        with self._lock:
            if self._held is None or self._held[0] != state:
                self._held = state, Vocabulary(reading.manifest)
            return self._held[1]


class Vocabulary:
    """The terms of one state; safe to share between threads.

    Each call brings a reader that sees this state; what it looked up is remembered.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._known: dict[str, Frequency] = {}
        self._similar: dict[str, str | None] = {}
        self.average_span = manifest.span_terms / max(1, manifest.span_count) or 1.0

    def frequencies(self, reading: Reading, terms: Iterable[str]) -> dict[str, Frequency]:
        """Of all these terms, looked up at once."""
        wanted = list(terms)
        known = self._known
        if unknown := [term for term in wanted if term not in known]:
            if len(known) + len(unknown) > _MOST_REMEMBERED:
                known = self._known = {}
                unknown = wanted
            rows = reading.connection.execute(
                "SELECT term, passages, spans, best FROM citewise.terms"
                " WHERE collection = %s AND term = ANY(%s)",
                (self._manifest.id, [storable(term) for term in unknown]),
            )
            found = {row[0]: Frequency(*row[1:]) for row in rows}
            known.update((term, found.get(storable(term), _UNKNOWN)) for term in unknown)
        return {term: known[term] for term in wanted}

    def known(self, reading: Reading, question: str | Sequence[str]) -> dict[str, Frequency]:
        """The question's terms that are stored; of very many, the rarest."""
        found = self.frequencies(reading, distinctive_terms(question))
        held = [(one.passages, term) for term, one in found.items() if one.passages]
        if len(held) > _MOST_TERMS:
            held = sorted(held)[:_MOST_TERMS]
        return {term: found[term] for _, term in held}

    def idf(self, frequency: Frequency) -> float:
        """How rare a term is among all spans, from near 0 (in all of them) upwards."""
        holding = frequency.spans
        return math.log(1 + (self._manifest.span_count - holding + 0.5) / (holding + 0.5))

    def similar(self, reading: Reading, term: str) -> str | None:
        """The stored term that a mistyped one probably means; None if nothing is near."""
        if not Slips.correctable(term):
            return None
        if term not in self._similar:
            if len(self._similar) >= _MOST_REMEMBERED:
                self._similar = {}
            self._similar[term] = Slips(self._like(reading, term)).nearest(term)
        return self._similar[term]

    def _like(self, reading: Reading, term: str) -> list[tuple[str, int]]:
        """Common terms with the same first letter and nearly the same length."""
        rows = reading.connection.execute(
            "SELECT term, passages FROM citewise.terms WHERE collection = %s"
            " AND term >= %s AND term < %s AND char_length(term) BETWEEN %s AND %s"
            " AND passages >= %s",
            (
                self._manifest.id,
                term[0],
                chr(ord(term[0]) + 1),
                len(term) - 2,
                len(term) + 2,
                max(1, self._manifest.passage_count // _COMMON),
            ),
        )
        return rows.fetchall()

    def rank(
        self,
        reading: Reading,
        question: str | Sequence[str],
        k: int,
        within: NDArray[np.int64] | None,
    ) -> list[Hit]:
        """The ``k`` passages with the highest BM25 score above 0, best first."""
        known = self.known(reading, question)
        if not known or k <= 0 or (within is not None and not len(within)):
            return []
        return Search(reading, known, k, within).best()
