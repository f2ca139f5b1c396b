"""The tables of ``citewise eval verifier``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["PUBLISHED", "agreement_table"]

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "wice": {
        "HHEM-2.1 (0.1B)": 75.9,
        "MiniCheck-T5-L (0.8B)": 72.2,
        "AlignScore": 66.0,
        "word overlap": 63.7,
        "SummaC-ZS": 62.8,
    }
}
"""Balanced accuracy in % that others reached, by set; on WiCE from its test half."""
_PUBLISHED_NOTE = "published balanced accuracy in % on WiCE's test half, not this one"


def agreement_table(found: Mapping[str, Any]) -> str:
    """A set as text: a row for each judge and threshold, then the parts, then what others say."""
    lines = [
        f"{found['title']}: {found['claims']} claims, {found['supported']} supported, "
        f"{found['groups']} documents or questions; 95 % intervals in brackets",
        "",
        *_aligned(_rows(found["judges"])),
    ]
    for judge in found["judges"]:
        lines += _parts(judge)
    if found["published"]:
        figures = ", ".join(f"{name} {value}" for name, value in found["published"].items())
        lines += ["", f"{_PUBLISHED_NOTE}: {figures}"]
    return "\n".join(lines)


def _rows(judges: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    yield ["JUDGE", "AUROC", "BALANCED ACCURACY", "MACRO-F1", "THRESHOLD", "ECE", "MS/CLAIM"]
    for judge in judges:
        for place, reading in enumerate(judge["readings"]):
            first = place == 0
            yield [
                judge["judge"] if first else "",
                _interval(judge["auroc"]) if first else "",
                _interval(reading["balanced_accuracy"]),
                _interval(reading["macro_f1"]),
                f"{reading['threshold']:.2f} {reading['chosen']}",
                _number(judge["ece"]) if first else "",
                f"{judge['milliseconds']:.2g}" if first else "",
            ]


def _parts(judge: dict[str, Any]) -> list[str]:
    last = judge["readings"][-1]
    shares = [
        f"{part.partition('/')[2]} {right}/{total}"
        for part, (right, total) in last["right_by_part"].items()
    ]
    return ["", f"{judge['judge']}, right at {last['chosen']}: {', '.join(shares)}"] * bool(shares)


def _aligned(rows: Iterator[list[str]]) -> list[str]:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _interval(measure: dict[str, Any]) -> str:
    if measure["value"] is None:
        return "-"
    return f"{measure['value']:.3f} [{measure['low']:.3f}, {measure['high']:.3f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
