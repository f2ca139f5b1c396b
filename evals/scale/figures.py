"""What one passage takes in each store, what one question takes, and what a language model gives.

Measured here at the sizes that a machine of two cores can hold, and carried on to larger ones by a
power law through the two largest (for PostgreSQL in ``postgres_figures``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from parameters import READ, WRITTEN, Parameters
from postgres_figures import bytes_held, bytes_needed, client_ms, meaning_ms, server_ms
from recorded import measured, searches

__all__ = ["Store", "Work", "llm_options", "part_ms", "stores", "work_of"]

NUMBERS = 384
"""In a vector of the default embedding model."""
SEARCHES = 2
"""A question; and the answer, to find what other documents say otherwise."""
_STORE_PARTS = ("dense", "lexical", "passages")
_EXACT_KINDS = (104.0, 56.0)
"""Bytes of a vector in memory, in clusters: two bits a number, one bit (docs/benchmarks.md)."""
_MEMORY_BY_DEFAULT = 1024 * 2**20
_RANKED_MS = 0.5
"""A hundred exact vectors from the database: docs/stores-milvus.md, 5 ms for a thousand."""


@dataclass(frozen=True, slots=True)
class Store:
    """Bytes a passage: with each machine of the app, and behind the store's own address.

    ``near_memory`` and ``memory`` depend on how many passages there are.
    """

    name: str
    near_memory: Callable[[int], float]
    near_disk: float
    memory: Callable[[int], float]
    disk: float

    @property
    def behind_address(self) -> bool:
        """Whether there are machines of the store's own."""
        return self.disk > 0


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of one core for one question.

    Of the app, for searching and for the rest; and of the store's own machines.
    """

    app_seconds: float
    search_seconds: float
    store_seconds: float


def stores(given: Parameters) -> list[Store]:
    """The three kinds."""
    largest = searches()[10**6]
    postings, disk = float(largest["memory_mb"]["mapped"]), float(largest["size_mb"])

    def clusters(passages: int) -> float:
        fits = passages * _EXACT_KINDS[0] <= _MEMORY_BY_DEFAULT
        return _EXACT_KINDS[0 if fits else 1] + postings

    # It keeps the passages' vectors, the index folder all else.
    milvus = given.milvus_factor * (4 * NUMBERS + given.milvus_link_bytes)
    return [
        Store("embedded", clusters, disk, _always(0.0), 0.0),
        Store("PostgreSQL", _always(0.0), 0.0, _always(bytes_needed()), bytes_held()),
        Store("Milvus", _always(postings), disk - _EXACT_KINDS[0], _always(milvus), milvus),
    ]


def _always(size: float) -> Callable[[int], float]:
    return lambda passages: size


def part_ms(part: str, passages: int) -> float:
    """Milliseconds of one part of a search in the default store, carried on by a power law."""
    small, large = (_middle(part, 10**5), _middle(part, 10**6))
    if passages in searches():
        return _middle(part, passages)
    power = math.log10(large / small) if small else 0.0
    return float(large * (passages / 10**6) ** max(0.0, power))


def _middle(part: str, passages: int) -> float:
    """Between the median and p95, which is above the mean that was not recorded."""
    p50, p95 = searches()[passages]["stages_cpu_ms"][part]
    return float(p50 + p95) / 2


def work_of(store: Store, passages: int) -> Work:
    """Of one question, its searches and what is done with what they find.

    Behind an address ``passages`` are those of one part, of which each is searched.
    """
    mean = {name: found["mean"] for name, found in measured()["stages"]["cpu_ms"].items()}
    # Composing holds a search of its own, which is counted with the searches.
    own = mean["read"] + mean["decide"] + mean["verify"] + mean["compose"] - mean["retrieve"]
    embedding = measured()["stages"]["embed_a_question"]["mean"]
    ranking, near, behind = _search_ms(store, passages)
    return Work(
        (SEARCHES * (embedding + ranking) + own) / 1e3,
        SEARCHES * near / 1e3,
        SEARCHES * behind / 1e3,
    )


def _search_ms(store: Store, passages: int) -> tuple[float, float, float]:
    """Milliseconds of one search: the app's ranking, its store, the store behind an address."""
    if store.name == "PostgreSQL":
        return client_ms(), 0.0, server_ms(passages)
    parts = searches()[10**6]["stages_cpu_ms"]
    ranking = sum(part_ms(part, passages) for part in parts if part not in _STORE_PARTS)
    near = {part: part_ms(part, passages) for part in _STORE_PARTS}
    if store.name == "Milvus":
        # Assumed: nothing measured here tells what a cluster takes.
        return ranking, sum(near.values()) - near["dense"] + _RANKED_MS, meaning_ms(passages)
    return ranking, sum(near.values()), 0.0


def llm_options(rate: float, given: Parameters) -> list[tuple[str, int, float]]:
    """Kind of server, how many, and US dollars a month; two at the least, one for the other."""
    llm = measured()["llm"]
    core_ms = sum(llm["gate_ms"] + llm["draft_ms"]) / len(llm["gate_ms"])
    ours = 2 * 60e3 / core_ms
    month = given.hours_a_month
    # A question is the share of a published request that it reads or writes, the larger of both.
    reads = (llm["prompt_tokens"] + llm["draft_tokens_read"]) / READ
    a100 = 60 * given.a100_requests / max(reads, (llm["draft_tokens_written"] + 1) / WRITTEN)
    kinds = [
        ("2 cores, 1.5B (measured)", ours, given.unit_hour),
        ("A100, 8B (published)", a100, given.a100_hour),
        ("H100, 8B (published)", a100 * given.h100_times, given.h100_hour),
    ]
    found = []
    for name, a_minute, hour in kinds:
        count = max(2, math.ceil(rate / given.utilisation / a_minute))
        found.append((name, count, count * hour * month))
    return found
