"""What the PostgreSQL store was measured to take, and what that comes to with more passages.

Measured at several sizes; between two of them, and beyond the largest, by the power of the number
of passages that joins the two nearest.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import Any

from recorded import measured

__all__ = [
    "bytes_held",
    "bytes_needed",
    "client_ms",
    "exponents",
    "meaning_ms",
    "server_ms",
    "sizes",
    "words_ms",
]

# What a search looks through: the index over the vectors, the words of every passage that it
# scores, and the way from one to the other. Rows of the rest are read by number, some hundred.
_NEEDED = (
    "passages' vectors, HNSW (`halfvec`)",
    "words, rows (`tsvector`)",
    "words, GIN",
    "terms, rows and key",
    "numbers, indexes that a search uses",
)


@cache
def sizes() -> dict[int, dict[str, Any]]:
    """What was measured, by how many passages there were; ascending."""
    found = measured()["postgres"]["sizes"].items()
    return dict(sorted((int(size), row) for size, row in found))


def largest() -> dict[str, Any]:
    """The largest size measured."""
    return sizes()[max(sizes())]


def bytes_held() -> float:
    """Of a passage, on disk."""
    return float(sum(largest()["bytes_a_passage"].values()))


def bytes_needed() -> float:
    """Of a passage, that have to be in memory for searches to be fast."""
    return float(sum(largest()["bytes_a_passage"][name] for name in _NEEDED))


def client_ms() -> float:
    """Milliseconds of the process that asks, its own ranking included; hardly grows."""
    return float(largest()["client"]["mean"])


def meaning_ms(passages: int) -> float:
    """Milliseconds of the server: by a power, which fits what was measured; theory has less."""
    return _by_power("by_meaning", passages)


def words_ms(passages: int) -> float:
    """Milliseconds of the server: by a power."""
    return _by_power("by_words", passages)


def _by_power(what: str, passages: int) -> float:
    (few, fast), (many, slow) = _nearest(what, passages)
    return float(slow * (passages / many) ** (math.log(slow / fast) / math.log(many / few)))


def exponents(what: str) -> list[float]:
    """The powers that join each two sizes measured."""
    points = [(math.log(size), math.log(_mean(row[what]))) for size, row in sizes().items()]
    return [(high - low) / (large - small) for (small, low), (large, high) in pairwise(points)]


def server_ms(passages: int) -> float:
    """Milliseconds of the server for one search, with terms, passages and spans looked up."""
    means = {name: _mean(largest()[name]) for name in ("server", "by_meaning", "by_words")}
    rest = means["server"] - means["by_meaning"] - means["by_words"]
    return rest + meaning_ms(passages) + words_ms(passages)


def _nearest(what: str, passages: int) -> list[tuple[int, float]]:
    points = [(size, _mean(row[what])) for size, row in sizes().items()]
    place = sum(size < passages for size, _ in points)
    first = min(max(0, place - 1), len(points) - 2)
    return points[first : first + 2]


def _mean(found: Any) -> float:
    return float(found["mean"] if isinstance(found, dict) else found)
