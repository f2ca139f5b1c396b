"""What the owner of a server sees: what was asked in vain, what was slow, what people disliked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from citewise.ui.records import Kept

__all__ = ["export_lines", "overview"]

_SHOWN = 100
_SLOWEST = 20
# Words of a visitor's own documents may stand in any of these.
_WORDS = ("text", "sentences", "citations", "evidence", "draft", "dropped", "explanation")


def overview(kept: Sequence[Kept]) -> dict[str, Any]:
    """Totals, and the answers worth a look, newest first where no other order is named."""
    return {
        "totals": _totals(kept),
        "stages": _stages(kept),
        "not_found": _listed(k for k in kept if k.record["status"] == "not_found"),
        "refused": _listed(k for k in kept if _refused(k.record)),
        "disliked": _listed(k for k in kept if k.thumb < 0),
        "slowest": _listed(sorted(kept, key=lambda k: -_seconds(k.record))[:_SLOWEST]),
    }


def export_lines(kept: Iterable[Kept]) -> Iterable[str]:
    """One JSON object a line; ``<`` is escaped, so that a line is inert inside a page, too."""
    for answer in kept:
        line = {
            "id": answer.id,
            "asked": answer.asked,
            "private": answer.private,
            "thumb": answer.thumb,
            "reason": answer.reason,
            "history": list(answer.history),
            "answer": _without_private_words(answer),
        }
        yield json.dumps(line, ensure_ascii=False).replace("<", "\\u003c") + "\n"


def _totals(kept: Sequence[Kept]) -> dict[str, Any]:
    statuses = Counter(k.record["status"] for k in kept)
    seconds = [_seconds(k.record) for k in kept]
    return {
        "answers": len(kept),
        "visitors": len({k.visitor for k in kept}),
        **{name: statuses[name] for name in ("answered", "quoted", "not_found")},
        "liked": sum(k.thumb > 0 for k in kept),
        "disliked": sum(k.thumb < 0 for k in kept),
        "sentences": sum(len(k.record["sentences"]) for k in kept),
        "held_back": sum(len(k.record["dropped"]) for k in kept),
        "median_seconds": round(median(seconds), 3) if seconds else 0.0,
    }


def _stages(kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """Each step's seconds over all answers, the slowest first."""
    spent: dict[str, list[float]] = {}
    for answer in kept:
        for stage, seconds in answer.record["timings"].items():
            if stage not in ("total", "evidence"):
                spent.setdefault(stage, []).append(float(seconds))
    rows = [
        {
            "stage": stage,
            "count": len(all_of_it),
            "median": round(median(all_of_it), 3),
            "most": round(max(all_of_it), 3),
        }
        for stage, all_of_it in spent.items()
    ]
    return sorted(rows, key=lambda row: (-row["median"], row["stage"]))


def _listed(kept: Iterable[Kept]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for answer in kept:
        if len(rows) == _SHOWN:
            break
        record = _without_private_words(answer)
        timings = {k: v for k, v in record["timings"].items() if k not in ("total", "evidence")}
        slowest = max(timings, key=lambda stage: timings[stage], default="")
        rows.append(
            {
                "id": answer.id,
                "asked": answer.asked,
                "question": record["question"],
                "status": record["status"],
                "text": record.get("text", ""),
                "private": answer.private,
                "seconds": round(_seconds(record), 3),
                "slowest_step": slowest,
                "slowest_seconds": round(timings.get(slowest, 0.0), 3),
                "held_back": [
                    {"text": s["text"], "reason": s["verdict"]["reason"]}
                    for s in record.get("dropped", ())
                ],
                "thumb": answer.thumb,
                "reason": answer.reason,
                "notices": record["notices"],
            }
        )
    return rows


def _refused(record: Mapping[str, Any]) -> bool:
    """The model declined, or nothing of what it wrote stood the check."""
    declined = bool(record["explanation"].get("model_refused"))
    return declined or (bool(record["dropped"]) and not record["sentences"])


def _seconds(record: Mapping[str, Any]) -> float:
    return float(record["timings"].get("total", 0.0))


def _without_private_words(kept: Kept) -> dict[str, Any]:
    if not kept.private:
        return kept.record
    return {key: value for key, value in kept.record.items() if key not in _WORDS}
