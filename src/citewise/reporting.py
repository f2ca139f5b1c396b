"""Telling the user what happens to the index: one line, and a bar while it takes long."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from citewise.index_progress import IndexProgress
from citewise.rendering import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from citewise.assistant import Assistant
    from citewise.documents import SkippedFile
    from citewise.index import UpdateSummary
    from citewise.index_check import CheckReport

__all__ = ["check_lines", "summary_line", "update_lines", "update_reported"]

_MOST_NAMED = 20


def update_reported(assistant: Assistant, quiet: bool = False) -> UpdateSummary:
    """Update the index; on stderr, a bar with rate and time left, then a line on what changed."""
    began = time.perf_counter()
    with IndexProgress(shown=not quiet) as progress:
        summary = assistant.update(progress)
    if not quiet:
        if summary.reason:
            spent = time.perf_counter() - began
            print(f"{summary_line(summary)} in {spent:.1f} s.", file=sys.stderr)
        for line in _left_out(assistant.skipped, new=bool(summary.reason)):
            print(visible(line), file=sys.stderr)
    return summary


def _left_out(skipped: Sequence[SkippedFile], *, new: bool) -> list[str]:
    """Which files are left out, and why; a count where that has been said before."""
    if not skipped:
        return []
    if not new:
        return [f"{_counted(len(skipped), 'file')} left out; `citewise index --all` names each."]
    lines = [f"Left out {file.name}: {file.reason}." for file in skipped[:_MOST_NAMED]]
    if len(skipped) > _MOST_NAMED:
        lines.append(
            f"… and {len(skipped) - _MOST_NAMED:,} more; `citewise index --all` names each."
        )
    return lines


def summary_line(summary: UpdateSummary, *, planned: bool = False) -> str:
    """What an update did, such as "Index updated (first build): 1 document added, 40 passages"."""
    counts = [
        (summary.added, "added"),
        (summary.changed, "changed"),
        (summary.moved, "moved"),
        (summary.removed, "removed"),
    ]
    done = ", ".join(f"{_counted(count, 'document')} {what}" for count, what in counts if count)
    unchanged = _counted(summary.unchanged, "document")
    passages = _counted(summary.passages, "passage")
    if not summary.reason:
        return f"Index up to date: {unchanged}, {passages}"
    if planned:
        same = f"; {unchanged} unchanged" if summary.unchanged else ""
        return f"The index would be updated ({summary.reason}): {done or 'rebuilt'}{same}"
    return f"Index updated ({summary.reason}): {done or 'rebuilt'}, {passages}"


def update_lines(
    summary: UpdateSummary, *, all_names: bool = False, planned: bool = False
) -> list[str]:
    """What an update did, in a line, and then by name.

    Args:
        all_names: name every file, not only the first of each kind.
        planned: say it of what would be done.
    """
    changes = summary.changes
    kinds: list[tuple[str, list[str]]] = [
        ("added", list(changes.added)),
        ("changed", list(changes.changed)),
        ("moved", [f"{old} → {new}" for old, new in changes.moved]),
        ("removed", list(changes.removed)),
        ("left out", [f"{file.name}: {file.reason}" for file in changes.skipped]),
    ]
    lines = [f"{summary_line(summary, planned=planned)}."]
    if summary.embedded:
        verb = "was" if summary.embedded == 1 else "were"
        lines[0] += f" {_counted(summary.embedded, 'text')} {verb} embedded."
    for kind, names in kinds:
        shown = names if all_names else names[:_MOST_NAMED]
        lines += [f"  {kind + ':':9} {name}" for name in shown]
        if len(names) > len(shown):
            lines.append(f"  {kind + ':':9} … and {len(names) - len(shown):,} more (--all)")
    return lines


def check_lines(report: CheckReport, folder: Path | str) -> list[str]:
    """What a check of the index found."""
    counts = ", ".join(
        _counted(count, what)
        for count, what in (
            (report.documents, "document"),
            (report.passages, "passage"),
            (report.spans, "span"),
            (report.vectors, "vector"),
        )
    )
    if report.sound:
        lines = [f"The index in {folder} is sound: {counts}."]
    else:
        lines = [f"The index in {folder} is not sound ({counts} looked at)."]
        lines += [f"  {finding.part}: {finding.problem}" for finding in report.findings]
        if report.wrong > len(report.findings):
            lines.append(f"  … and {report.wrong - len(report.findings):,} more")
        lines.append("Mend it with --repair.")
    if report.waiting:
        waiting = _counted(report.waiting, "document")
        lines.append(
            f"{waiting} prepared by an interrupted update; the next one goes on from there."
        )
    return lines


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
