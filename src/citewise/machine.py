"""What this machine has to offer: free memory and physical cores."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["available_memory", "physical_cores"]

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_CPUS = Path("/sys/devices/system/cpu")


def available_memory() -> int | None:
    """Bytes that can be taken without swapping, a container's limit included; None if unknown.

    Known on Linux alone, where the kernel estimates it as MemAvailable in /proc/meminfo.
    """
    try:
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text("ascii").splitlines())
        available = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, LookupError):
        return None
    limit = _container_memory()
    return available if limit is None else min(available, limit)


def _container_memory() -> int | None:
    """What is left of a control group's limit (version 2), counting file cache as free."""
    try:
        limit = int((_CGROUP / "memory.max").read_text("ascii"))
        used = int((_CGROUP / "memory.current").read_text("ascii"))
        lines = (_CGROUP / "memory.stat").read_text("ascii").splitlines()
        cached = int(dict(line.split() for line in lines)["inactive_file"])
    except (OSError, ValueError, LookupError):
        return None
    return max(0, limit - used + cached)


def physical_cores() -> int:
    """Cores this process may use, hyper-threads of one core counted once; at least 1."""
    allowed = _allowed_cpus()
    siblings = {_siblings(cpu) for cpu in allowed}
    return max(1, len(siblings))


def _allowed_cpus() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _siblings(cpu: int) -> str:
    try:
        return (_CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text("ascii")
    except OSError:
        return str(cpu)
