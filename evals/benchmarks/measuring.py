"""What the benchmarks measure with: time on the clock and of the processor, memory, disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

__all__ = ["megabytes", "memory", "milliseconds", "told"]

_FIELDS = {"RssAnon": "own", "RssFile": "mapped", "VmHWM": "peak"}
_T = TypeVar("_T")


def memory() -> dict[str, float]:
    """Resident megabytes of this process: its own, of mapped files, and the most of both so far."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {_FIELDS[k]: int(v.split()[0]) * 1024 / 1e6 for k, v in pairs if k in _FIELDS}


def milliseconds(work: Callable[[_T], Any], over: Sequence[_T]) -> dict[str, dict[str, float]]:
    """Percentiles of one call each: on the clock, and processor time of all threads."""
    clock, spent = [], []
    for item in over:
        since, before = time.perf_counter(), time.process_time()
        work(item)
        clock.append(1e3 * (time.perf_counter() - since))
        spent.append(1e3 * (time.process_time() - before))
    return {"clock_ms": _percentiles(clock), "cpu_ms": _percentiles(spent)}


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(values, [50, 95, 99]).round(2).tolist()
    return {"p50": p50, "p95": p95, "p99": p99}


def told(row: dict[str, Any], out: Path | None) -> None:
    """Print one result, and add it to a file of JSON lines, from which ``plots.py`` draws."""
    print(json.dumps(row), flush=True)
    if out:
        with out.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")


def megabytes(path: Path) -> float:
    """Of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6
