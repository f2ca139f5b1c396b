"""BM25 over a million passages: lists of passages by term, as arrays that are mapped from a file.

FTS5 looks at every passage that holds any of the question's terms, and counts each term's
passages anew for every question. Here the rarest terms come first, and a frequent term only adds
to passages that can still be among the best (Turtle and Flood 1995, "MaxScore"), so that the
result is the same and the work bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["K1", "B", "Postings", "build"]

K1, B = 1.2, 0.75
"""As in FTS5's bm25()."""

_BLOCK = 50_000
_MOST_REPEATS = 255
# Below so many, adding to all of a term's passages is faster than looking for some of them.
_FEW = 5_000

Ids = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Postings:
    """Which passages hold which terms, and how often.

    Attributes:
        ids: of the passages, ascending, shape ``(n,)``.
        lengths: terms in each passage, shape ``(n,)``.
        terms: all terms in ascending order, each followed by a line break, as UTF-8 bytes.
        starts: where each term begins in ``terms``, and its end, shape ``(v + 1,)``.
        offsets: where each term's list begins, shape ``(v + 1,)``.
        places: positions in ``ids``, the lists one after the other, each ascending.
        counts: how often the term is there, at most 255, beside ``places``.
        best: the most that a term of weight 1 can add to a score, shape ``(v,)``.
        spans: how many spans hold each term, shape ``(v,)``.
        average: length of a passage when ``best`` was computed.
    """

    ids: Ids
    lengths: NDArray[np.int32]
    terms: NDArray[np.uint8]
    starts: Ids
    offsets: Ids
    places: NDArray[np.int32]
    counts: NDArray[np.uint8]
    best: NDArray[np.float32]
    spans: NDArray[np.int32]
    average: float

    def number(self, term: str) -> int | None:
        """The position of a term, or None if no passage holds it."""
        wanted = term.encode()
        at = bisect_left(range(len(self.best)), wanted, key=self._bytes)
        return at if at < len(self.best) and self._bytes(at) == wanted else None

    def term(self, number: int) -> str:
        """The term at a position."""
        return self._bytes(number).decode()

    def beginning_with(self, character: str) -> tuple[int, int]:
        """The first position of terms with this first character, and the one after their last."""
        every, first = range(len(self.best)), character.encode()
        start = bisect_left(every, first, key=self._bytes)
        following = first[:-1] + bytes([first[-1] + 1])
        after = bisect_left(every, following, key=self._bytes)
        return start, after

    def passages(self, term: str) -> int:
        """How many passages hold a term."""
        at = self.number(term)
        return 0 if at is None else int(self.offsets[at + 1] - self.offsets[at])

    def search(
        self,
        weights: Mapping[str, float],
        k: int,
        average: float,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ids, Scores]:
        """The ``k`` passages with the highest scores, best first; equal scores by lower id.

        Args:
            weights: of the question's terms.
            average: length of a passage.
            allowed: for every one of ``ids`` whether it may be found; all by default.
        """
        known = [(w, at) for t, w in weights.items() if (at := self.number(t)) is not None]
        if not known or k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float64)
        known.sort(reverse=True)
        # Bounds hold for the average they were made with; a higher one raises every score a little.
        slack = max(1.0, average / self.average) * (1 + 1e-6)
        bounds = [w * float(self.best[at]) * slack for w, at in known]
        scores = np.zeros(len(self.ids))
        found = _Found(scores, k)
        for turn, (weight, at) in enumerate(known):
            left = sum(bounds[turn:])
            places, counts = self._list(at)
            if len(places) > _FEW and found.settled(left):
                chosen, there = found.among(places, left)
                places, counts = chosen, counts[there]
            elif allowed is not None:
                fitting = allowed[places]
                places, counts = places[fitting], counts[fitting]
            before = scores[places]
            if not found.closed:
                found.add(places[before == 0])
            scores[places] = before + weight * _saturated(counts, self.lengths[places], average)
        return found.best(self.ids)

    def _list(self, at: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        part = slice(int(self.offsets[at]), int(self.offsets[at + 1]))
        return self.places[part], self.counts[part]

    def _bytes(self, number: int) -> bytes:
        return self.terms[int(self.starts[number]) : int(self.starts[number + 1]) - 1].tobytes()


class _Found:
    """The passages that hold any of the terms looked at so far."""

    def __init__(self, scores: Scores, k: int) -> None:
        self.closed = False
        self._scores = scores
        self._k = k
        self._parts: list[NDArray[np.int32]] = []

    def add(self, places: NDArray[np.int32]) -> None:
        """Those that no earlier term has brought."""
        self._parts.append(places)

    def settled(self, left: float) -> bool:
        """Whether no passage without an earlier term can still be among the best."""
        if not self.closed:
            places = self._all()
            self.closed = len(places) >= self._k and self._least(places) > left
        return self.closed

    def among(
        self, places: NDArray[np.int32], left: float
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Those of ``places`` that can still be among the best, and where they stand there."""
        mine = self._all()
        mine = mine[self._scores[mine] + left >= self._least(mine)]
        self._parts = [mine]
        at = np.searchsorted(places, mine)
        at[at == len(places)] = 0
        there = at[places[at] == mine]
        return places[there], there

    def best(self, ids: Ids) -> tuple[Ids, Scores]:
        """The ids of the best passages, and their scores."""
        places = self._all()
        if len(places) > self._k:
            places = places[self._scores[places] >= self._least(places)]
        scores = self._scores[places]
        order = np.lexsort((places, -scores))[: self._k]
        order = order[scores[order] > 0]
        return ids[places[order]], scores[order]

    def _all(self) -> NDArray[np.int32]:
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0] if self._parts else np.empty(0, np.int32)

    def _least(self, places: NDArray[np.int32]) -> float:
        """The score of the ``k``-th best."""
        scores = self._scores[places]
        return float(np.partition(scores, -self._k)[-self._k])


def _saturated(
    counts: NDArray[np.uint8], lengths: NDArray[np.int32], average: float
) -> NDArray[np.float64]:
    repeats = counts.astype(np.float64)
    return repeats * (K1 + 1) / (repeats + K1 * (1 - B + B * lengths / average))


def build(
    passages: Iterable[tuple[int, str]], spans: Callable[[Sequence[str]], Iterable[int]]
) -> Postings:
    """Postings of passages, given by ascending id with their terms between spaces.

    Args:
        spans: the number of spans that hold each of these terms.
    """
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    ids: list[int] = []
    lengths: list[int] = []
    blocks = []
    waiting: list[NDArray[np.int32]] = []
    for passage, text in passages:
        words = np.fromiter(map(numbers.__getitem__, text.split()), np.int32)
        ids.append(passage)
        lengths.append(len(words))
        waiting.append(words)
        if len(waiting) == _BLOCK:
            blocks.append(_block(waiting, len(ids)))
            waiting = []
    blocks.append(_block(waiting, len(ids)))
    return _joined(blocks, numbers, ids, lengths, spans)


@dataclass(frozen=True, slots=True)
class _Block:
    """Postings of some passages in order of ``terms``; ``sizes`` are their lists' lengths."""

    terms: NDArray[np.int64]
    sizes: NDArray[np.int64]
    places: NDArray[np.int32]
    counts: NDArray[np.uint8]


def _block(texts: Sequence[NDArray[np.int32]], end: int) -> _Block:
    words = np.concatenate([np.empty(0, np.int32), *texts]).astype(np.int64)
    places = np.repeat(np.arange(end - len(texts), end), [len(text) for text in texts])
    pairs, counts = np.unique((words << 32) | places, return_counts=True)
    terms, sizes = np.unique(pairs >> 32, return_counts=True)
    return _Block(
        terms,
        sizes,
        (pairs & 0xFFFFFFFF).astype(np.int32),
        np.minimum(counts, _MOST_REPEATS).astype(np.uint8),
    )


def _joined(
    blocks: Sequence[_Block],
    numbers: Mapping[str, int],
    ids: Sequence[int],
    lengths: Sequence[int],
    spans: Callable[[Sequence[str]], Iterable[int]],
) -> Postings:
    words = sorted(numbers, key=str.encode)
    ranks = np.empty(len(words), np.int64)
    ranks[[numbers[word] for word in words]] = np.arange(len(words))
    offsets = np.zeros(len(words) + 1, np.int64)
    for block in blocks:
        offsets[ranks[block.terms] + 1] += block.sizes
    offsets = np.cumsum(offsets)
    places, counts = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.uint8)
    free = offsets[:-1].copy()
    for block in blocks:
        before = np.cumsum(block.sizes) - block.sizes
        target = np.repeat(free[ranks[block.terms]] - before, block.sizes)
        target += np.arange(len(target))
        places[target], counts[target] = block.places, block.counts
        free[ranks[block.terms]] += block.sizes
    long = np.array(lengths, np.int32)
    average = float(long.mean()) if len(long) and long.any() else 1.0
    encoded = [word.encode() + b"\n" for word in words]
    starts = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return Postings(
        np.array(ids, np.int64),
        long,
        np.frombuffer(b"".join(encoded), np.uint8),
        starts,
        offsets,
        places,
        counts,
        _bests(offsets, places, counts, long, average),
        np.fromiter(spans(words), np.int32, len(words)),
        average,
    )


def _bests(
    offsets: Ids,
    places: NDArray[np.int32],
    counts: NDArray[np.uint8],
    lengths: NDArray[np.int32],
    average: float,
) -> NDArray[np.float32]:
    best = np.zeros(len(offsets) - 1, np.float32)
    step = 1_000_000
    numbers = np.searchsorted(offsets, np.arange(0, len(places), step), side="right") - 1
    for start, number in zip(range(0, len(places), step), numbers, strict=True):
        part = slice(start, min(start + step, len(places)))
        values = _saturated(counts[part], lengths[places[part]], average).astype(np.float32)
        last = int(np.searchsorted(offsets, part.stop, side="left"))
        edges = np.maximum(offsets[int(number) : last] - start, 0)
        best[number:last] = np.maximum(best[number:last], np.maximum.reduceat(values, edges))
    return best
