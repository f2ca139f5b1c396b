"""What every measurement is recorded with: the machine, the day, and how busy it was."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["described", "quantiles", "timed"]

_LEVELS = [*range(0, 100, 5), 99, 100]
_LIBRARIES = ("faiss-cpu", "torch", "xllamacpp", "psycopg")


def described() -> dict[str, Any]:
    """Processor, memory, versions, the date, and the load average of 1, 5 and 15 minutes."""
    fields = (line.split(":", 1) for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines())
    names = [pair[1].strip() for pair in fields if pair[0].strip() == "model name"]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "gpu": None,
        "python": platform.python_version(),
        "libraries": _versions(),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def quantiles(milliseconds: Sequence[float]) -> dict[str, Any]:
    """Mean, and the quantiles 0, 5, ... 95, 99, 100 %, from which a simulation can draw."""
    values = np.percentile(milliseconds, _LEVELS).round(3).tolist()
    return {
        "n": len(milliseconds),
        "mean": round(float(np.mean(milliseconds)), 3),
        "levels": _LEVELS,
        "values": values,
        "p50": round(float(np.percentile(milliseconds, 50)), 3),
        "p95": values[_LEVELS.index(95)],
        "p99": values[_LEVELS.index(99)],
    }


def timed(work: Callable[[Any], Any], over: Sequence[Any]) -> dict[str, Any]:
    """Quantiles of one call each, in milliseconds: on the clock, and of this thread's processor."""
    clock, spent = [], []
    for item in over:
        since, before = time.perf_counter(), time.process_time()
        work(item)
        clock.append(1e3 * (time.perf_counter() - since))
        spent.append(1e3 * (time.process_time() - before))
    return {"clock_ms": quantiles(clock), "cpu_ms": quantiles(spent)}
