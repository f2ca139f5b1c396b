"""Slips of the pen: which stored term a mistyped word probably means."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

__all__ = ["Slips", "edits"]

_SHORTEST, _SHORT = 4, 5
_SET_BITS = np.array([value.bit_count() for value in range(256)], np.uint8)


class Slips:
    """Terms with one first letter, and in how many passages each is."""

    def __init__(self, terms: Iterable[tuple[str, int]]) -> None:
        known = [(term, count) for term, count in terms if len(term) >= _SHORTEST]
        self._terms = [term for term, _ in known]
        self._counts = [count for _, count in known]
        self._lengths = np.array([len(term) for term in self._terms], np.int64)
        self._letters = np.array([_letters(term) for term in self._terms], np.uint64)

    def nearest(self, term: str) -> str | None:
        """The most frequent term that is a slip of the pen away from ``term``, if there is one.

        One edit (exchange, or two neighbours swapped) for words of 4 or 5 characters, one of any
        kind (insertion or deletion too) for 6 and 7, two for longer ones, and never to a word of
        fewer than 4; the first letter is taken to be right. Words with digits are never
        corrected, since "v2" and "v3" are not slips.
        """
        if not self.correctable(term):
            return None
        allowed = 1 if len(term) < 8 else 2
        # "Found" is no slip for "fund": of a short word, no letter is added or left out.
        slack = allowed if len(term) > _SHORT else 0
        alike = ((self._terms[at], self._counts[at]) for at in self._alike(term, slack, allowed))
        near = [(edits(term, other, allowed), -count, other) for other, count in alike]
        best = min(near, default=None)
        return best[2] if best and best[0] <= allowed else None

    @staticmethod
    def correctable(term: str) -> bool:
        """Whether ``nearest`` would look at all."""
        return len(term) >= _SHORTEST and not any(character.isdigit() for character in term)

    def _alike(self, term: str, slack: int, allowed: int) -> list[int]:
        others = self._letters ^ np.uint64(_letters(term))
        different = _SET_BITS[others.view(np.uint8)].reshape(-1, 8).sum(1)
        # One edit takes one letter away and adds another, at most.
        fits = (abs(self._lengths - len(term)) <= slack) & (different <= 2 * allowed)
        return [int(at) for at in np.flatnonzero(fits)]


def _letters(term: str) -> int:
    """A bit for each letter in it; letters that share one only make more terms seem alike."""
    return reduce(lambda bits, letter: bits | 1 << ord(letter) % 64, term, 0)


def edits(one: str, other: str, most: int | None = None) -> int:
    """Edit distance with swapped neighbours as one edit (Damerau 1964, optimal alignment).

    Args:
        most: beyond so many edits it need not be exact, only more.
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        # A swap leads from one row to the next but one.
        if most is not None and min(row) > most and min(above) > most:
            return most + 1
        before, above = above, row
    return above[-1]
