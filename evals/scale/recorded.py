"""What was measured, as it lies in files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["measured", "searches"]

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "results.jsonl"


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
