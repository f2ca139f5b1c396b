"""The passages that fit a question's words best, by BM25, computed where they lie.

A passage's words are a tsvector whose positions only count: a term that occurs three times stands
at 1, 2 and 3. Its score is computed where it lies, from ts_rank(), which is the only built-in
function that tells how often a term occurs: for one term with n positions it is a growing function
of n, so that n is found again among its values.

The rarest terms come first. Passages that hold none of them are looked at only if the best that
the remaining terms could add reaches the last of the best found so far (Turtle and Flood 1995,
"MaxScore"), so that the result is the same and the work bounded.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citewise.lexical import Hit
from citewise.postings import K1, B
from citewise.schema import LIVE
from citewise.stores.postgres.database import Reading
from citewise.stores.postgres.lexemes import AVERAGE, MOST_REPEATS, Frequency, lexeme
from citewise.stores.postgres.numbers import array_text

__all__ = ["Search"]

_LEAST_WEIGHT = 1e-6
# Of 4-byte numbers computed with 8 bytes.
_SLACK = 1 + 1e-5
# In the first look: enough passages for a good guess of what the last of the best scores.
_FIRST_LOOK = 4


@dataclass(frozen=True, slots=True)
class _Term:
    """A term of a question, its weight, and the most it can add to a score."""

    lexeme: str
    weight: float
    bound: float
    passages: int


class Search:
    """One search by words."""

    def __init__(
        self,
        reading: Reading,
        known: Mapping[str, Frequency],
        k: int,
        within: NDArray[np.int64] | None,
    ) -> None:
        manifest = reading.manifest
        self._reading, self._manifest, self._k = reading, manifest, k
        self._average = manifest.passage_terms / max(1, manifest.passage_count) or 1.0
        slack = max(1.0, self._average / AVERAGE) * _SLACK
        terms = []
        for term, one in known.items():
            weight = _weight(one.passages, manifest.passage_count)
            bound = weight * min(K1 + 1, one.best * slack)
            terms.append(_Term(lexeme(manifest.id, term), weight, bound, one.passages))
        self._terms = sorted(terms, key=lambda term: (-term.bound, term.lexeme))
        self._condition, self._values = self._among(within)
        self._filtered = within is not None

    def best(self) -> list[Hit]:
        """The best passages, found in one look or in two."""
        wanted = self._rarest()
        hits = self._look(_any(wanted))
        rest = self._terms[len(wanted) :]
        if not rest:
            return hits
        least = hits[-1].score if len(hits) >= self._k else 0.0
        if least > sum(term.bound for term in rest):
            return hits
        return self._look(_reaching(self._terms, least / _SLACK))

    def _rarest(self) -> list[_Term]:
        """The first terms, which about so many passages hold as are wanted."""
        if self._filtered:
            return self._terms
        sizes = itertools.accumulate(term.passages for term in self._terms)
        enough = next((n for n, size in enumerate(sizes, 1) if size >= _FIRST_LOOK * self._k), None)
        return self._terms[:enough]

    def _look(self, query: str) -> list[Hit]:
        """The best of those passages that a tsquery lets through, scored by all terms."""
        sums = " + ".join([_SHARE] * len(self._terms))
        shares = [value for term in self._terms for value in (term.weight, term.lexeme)]
        statement = (
            "SELECT passage, document, score FROM"
            f" (SELECT passage, document, {K1 + 1} * ({sums}) AS score FROM"
            f" (SELECT passage, document, words, {K1} * ({1 - B} + {B} * length / %s::float8)"
            f" AS norm FROM citewise.words WHERE words @@ %s::tsquery{self._condition}"
            f" AND document NOT IN (SELECT id FROM citewise.documents"
            f" WHERE collection = {self._manifest.id} AND state <> '{LIVE}')"
            " OFFSET 0) w, (SELECT %s::float8[] AS steps) s) scored"
            " WHERE score > 0 ORDER BY score DESC, passage LIMIT %s"
        )
        values = [*shares, self._average, query, *self._values, _steps(), self._k]
        rows = self._reading.connection.execute(statement.encode(), values).fetchall()
        self._reading.homes.update((passage, document) for passage, document, _ in rows)
        return [Hit(passage, score) for passage, _, score in rows]

    def _among(self, within: NDArray[np.int64] | None) -> tuple[str, list[str]]:
        if within is None:
            return "", []
        held = self._reading.selection
        if held is not None and held[0] is within and len(held[1]) < len(within):
            return " AND document = ANY(%s::bigint[])", [array_text(held[1])]
        return " AND passage = ANY(%s::bigint[])", [array_text(within)]


# n / (n + norm) for n occurrences, written so that n has to be found only once.
_SHARE = (
    "%s::float8 * (1 - norm / (width_bucket(ts_rank(words, %s::tsquery)::float8, steps) + norm))"
)


def _weight(holding: int, count: int) -> float:
    """As FTS5 has it: a term in more than half of the passages still counts for something."""
    if 2 * holding >= count:
        return _LEAST_WEIGHT
    return max(_LEAST_WEIGHT, math.log((count - holding + 0.5) / (holding + 0.5)))


def _any(terms: Sequence[_Term]) -> str:
    return " | ".join(term.lexeme for term in terms)


def _reaching(terms: Sequence[_Term], least: float) -> str:
    """A tsquery for all passages whose terms could together reach a score.

    Of the terms that cannot reach it alone, two have to be there; a third is not asked for, which
    lets a few more through.
    """
    alone = [term for term in terms if term.bound >= least]
    parts = [_any(alone)] if alone else []
    bounds = [term.bound for term in terms]
    for at in range(len(alone), len(terms)):
        if sum(bounds[at:]) < least:
            break
        if at + 1 < len(terms):
            parts.append(f"({terms[at].lexeme} & ({_any(terms[at + 1 :])}))")
    return " | ".join(parts)


@functools.cache
def _steps() -> str:
    """The values of ts_rank() half-way between n and n + 1 occurrences, as an array.

    Computed as its calc_rank_or() does, in numbers of 4 bytes: 0.1 for every position, divided by
    the square of its number, and by the sum of all such inverse squares.
    """
    weight, one = np.float32(0.1), np.float32(1.64493406685)
    values, total = [np.float32(0)], np.float32(0)
    for place in range(1, MOST_REPEATS + 1):
        total = total + weight / np.float32(place * place)
        values.append((weight + total - weight) / one)
    middles = [(float(a) + float(b)) / 2 for a, b in itertools.pairwise(values)]
    return f"{{{','.join(map(repr, middles))}}}"
