"""What the capacity model takes from elsewhere: each with where it stands and of when it is.

Nothing here was measured by this project. Every one can be given on ``model.py``'s command line.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["Parameters", "sources"]

_EC2 = "Amazon EC2, us-east-1, on demand, m7g.large (2 vCPU, 8 GiB), as of 17 June 2026"
_BLOCKS = "Amazon EC2 Capacity Blocks for ML, rates until 1 January 2025"
_SWEEP = (
    "johnmusgrave.com/p/vllm-throughput-latency-sweep-on: vLLM 0.23, Llama 3.1 8B, BF16, one A100 "
    "40 GB, 1,024 tokens in and 128 out: 75 tokens a second for one request, 6.6 times that for 8"
)
READ, WRITTEN = 1024, 128
"""Tokens in one request of that source."""
_LAMBDA = "github.com/LambdaLabsML/vllm-benchmark, benchmark_v0.md: an H100 about twice an A100"
_MILVUS = (
    "milvus.io/ai-quick-reference, memory overhead of HNSW: 32 links of 4 bytes a vector, and the "
    "vectors"
)
_TOOL = (
    "zilliz.com/sizing-tool: 1.1 GiB loaded for 10^6 vectors of 128 numbers (HNSW), which is 1.84 "
    "times that formula"
)


def _of(default: float, what: str, source: str) -> Any:
    return field(default=default, metadata={"what": what, "source": source})


@dataclass(frozen=True, slots=True)
class Parameters:
    """Prices in US dollars; see ``sources`` for where each comes from."""

    unit_hour: float = _of(0.0816, "USD an hour for 2 cores and 8 GiB", _EC2)
    disk_month: float = _of(0.08, "USD a month for a GB of SSD", "Amazon EBS gp3, May 2025")
    a100_hour: float = _of(1.844, "USD an hour for an A100", _BLOCKS)
    h100_hour: float = _of(4.916, "USD an hour for an H100", _BLOCKS)
    a100_requests: float = _of(75 * 6.6 / 128, "requests a second of an A100", _SWEEP)
    h100_times: float = _of(2.0, "an H100's requests for each of an A100", _LAMBDA)
    milvus_link_bytes: float = _of(128.0, "bytes of links a vector in Milvus's HNSW", _MILVUS)
    milvus_factor: float = _of(1.84, "memory loaded for each byte of that formula", _TOOL)
    hours_a_month: float = _of(730.0, "hours", "365 * 24 / 12")
    utilisation: float = _of(0.6, "how busy cores and GPUs may be", "assumed")
    largest_units: float = _of(32.0, "units in the largest machine (64 cores, 256 GiB)", _EC2)
    memory_room: float = _of(1.25, "memory for each byte that must be in it", "assumed")
    disk_room: float = _of(1.5, "disk for each byte stored (rebuilds, logs)", "assumed")
    replicas: float = _of(2.0, "copies of a store behind an address", "assumed")
    processes: float = _of(2.0, "app machines at the least", "assumed")
    longest_search: float = _of(5.0, "seconds that one search may take", "assumed")


def sources() -> list[tuple[str, float, str, str]]:
    """Name, default, meaning, source."""
    return [
        (one.name, getattr(Parameters(), one.name), one.metadata["what"], one.metadata["source"])
        for one in fields(Parameters)
    ]
