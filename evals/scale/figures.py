"""What one passage takes in each store, what one question takes, and what a language model gives.

Measured here at the sizes that a machine of two cores can hold, and carried on to larger ones by a
stated rule: a power law through the two largest sizes for the default store, a logarithm for HNSW
(Malkov and Yashunin, 2018, section 4.2), a straight line for PostgreSQL's full text, which ranks
every row that matches.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from parameters import READ, WRITTEN, Parameters

__all__ = ["Store", "Work", "llm_options", "measured", "searches", "stores", "work_of"]

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results.jsonl"
NUMBERS = 384
"""In a vector of the default embedding model."""
SEARCHES = 2
"""A question; and the answer, to find what other documents say otherwise."""
_STORE_PARTS = ("dense", "lexical", "passages")
_EXACT_KINDS = (104.0, 56.0)
"""Bytes of a vector in memory, in clusters: two bits a number, one bit (docs/benchmarks.md)."""
_MEMORY_BY_DEFAULT = 1024 * 2**20


@dataclass(frozen=True, slots=True)
class Store:
    """A store; ``memory_bytes`` of a passage depend on how many there are."""

    name: str
    embedded: bool
    memory_bytes: Callable[[int], float]
    disk_bytes: float


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of one core for one question: of the app, and of the store."""

    app_seconds: float
    store_seconds: float


@cache
def measured() -> dict[str, Any]:
    """``measured.json``."""
    found: dict[str, Any] = json.loads((HERE / "measured.json").read_text("utf-8"))
    return found


@cache
def searches() -> dict[int, dict[str, Any]]:
    """The benchmarks' whole searches, by how many passages they looked through."""
    rows = map(json.loads, RESULTS.read_text("utf-8").splitlines())
    return {row["passages"]: row for row in rows if row["what"] == "search"}


def stores(given: Parameters) -> list[Store]:
    """The three kinds, PostgreSQL with both kinds of vector."""
    largest = searches()[10**6]
    postings, disk = float(largest["memory_mb"]["mapped"]), float(largest["size_mb"])

    def clusters(passages: int) -> float:
        fits = passages * _EXACT_KINDS[0] <= _MEMORY_BY_DEFAULT
        return _EXACT_KINDS[0 if fits else 1] + postings

    milvus = given.milvus_factor * (4 * NUMBERS + given.milvus_link_bytes)
    kinds = [Store("embedded", True, clusters, disk)]
    for kind in ("vector", "halfvec"):
        sizes = measured()["postgres"][kind]["bytes_a_passage"]
        hot = sizes["vectors, HNSW (m 16)"] + sizes["words, GIN"] + sizes["primary keys"]
        kinds.append(Store(f"PostgreSQL, {kind}", False, _always(hot), sum(sizes.values())))
    # Its payload is what the default store keeps, its index what is held in memory.
    kinds.append(Store("Milvus", False, _always(milvus), disk + milvus))
    return kinds


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
    """Of one question, its searches and what is done with what they find."""
    stages = measured()["stages"]
    parts = searches()[10**6]["stages_cpu_ms"]
    ranking = sum(part_ms(part, passages) for part in parts if part not in _STORE_PARTS)
    mean = {name: found["mean"] for name, found in stages["cpu_ms"].items()}
    # Composing holds a search of its own, which is counted with the store's.
    own = mean["read"] + mean["decide"] + mean["verify"] + mean["compose"] - mean["retrieve"]
    app = SEARCHES * (stages["embed_a_question"]["mean"] + ranking) + own
    if store.name.startswith("PostgreSQL"):
        each = _postgres_ms(store.name.split(", ")[1], passages)
    elif store.name == "Milvus":
        each = _hnsw_ms("vector", passages) + part_ms("lexical", passages)
    else:
        each = sum(part_ms(part, passages) for part in _STORE_PARTS)
    return Work(app / 1e3, SEARCHES * each / 1e3)


def _hnsw_ms(kind: str, passages: int) -> float:
    found = measured()["postgres"]
    growth = math.log(passages) / math.log(found["rows"])
    return float(found[kind]["by_meaning"]["mean"]) * growth


def _postgres_ms(kind: str, passages: int) -> float:
    return _hnsw_ms(kind, passages) + words_ms(kind, passages)


def words_ms(kind: str, passages: int) -> float:
    """Milliseconds of PostgreSQL's full text: a straight line through the two sizes measured."""
    points = {int(n): row["mean"] for n, row in measured()["postgres"][kind]["by_words"].items()}
    (few, fast), (many, slow) = sorted(points.items())
    return float(slow + (slow - fast) / (many - few) * (passages - many))


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
