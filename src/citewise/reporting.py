"""Telling the user what happens to the index: one line, and a bar while it takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from citewise.index_progress import IndexProgress

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.index import UpdateSummary

__all__ = ["summary_line", "update_reported"]


def update_reported(assistant: Assistant, quiet: bool = False) -> UpdateSummary:
    """Update the index; on stderr, a bar with rate and time left, then a line on what changed."""
    began = time.perf_counter()
    with IndexProgress(shown=not quiet) as progress:
        summary = assistant.update(progress)
    if not quiet:
        if summary.reason:
            spent = time.perf_counter() - began
            print(f"{summary_line(summary)} in {spent:.1f} s.", file=sys.stderr)
        for file in assistant.skipped:
            print(f"Left out {file.name}: {file.reason}.", file=sys.stderr)
    return summary


def summary_line(summary: UpdateSummary) -> str:
    """What an update did, such as "Index rebuilt (first build): 1 document added, 40 passages"."""
    counts = [
        (summary.added, "added"),
        (summary.changed, "changed"),
        (summary.moved, "moved"),
        (summary.removed, "removed"),
    ]
    done = ", ".join(f"{_documents(count)} {what}" for count, what in counts if count)
    if not summary.reason:
        return f"Index up to date: {_documents(summary.unchanged)}, {summary.passages} passages"
    return f"Index updated ({summary.reason}): {done or 'rebuilt'}, {summary.passages} passages"


def _documents(count: int) -> str:
    return f"{count} document" + ("" if count == 1 else "s")
