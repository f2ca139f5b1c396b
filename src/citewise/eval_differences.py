"""What a run has otherwise than its baseline, and which of its answers want reading first."""

from __future__ import annotations

from collections.abc import Iterator

from citewise.eval_reading import BLEMISHES, OUTCOMES, Record, measure_name, percent

__all__ = [
    "blemished",
    "difference",
    "differences",
    "not_asked",
    "regressed",
    "to_read",
]

_LOWER_IS_BETTER = frozenset({"answered_wrongly", "refused_wrongly", "unscored", "with_notices"})
# A baseline may have been rounded when it was saved: 0.05 points are no difference.
_SAME = 5e-4


def difference(name: str, value: float | None, before: float | None) -> tuple[str, str]:
    """``better``, ``worse``, ``same`` or nothing, and the words, such as ``+3.2 points, better``.

    Args:
        name: of a measure, or of a count.
        value: what this run reached; a share, or an integer for a count.
        before: the same of the baseline; None where it has none.
    """
    if value is None or before is None:
        return "", ""
    change = value - before
    if abs(change) <= _SAME:
        return "same", "unchanged"
    lower = name in _LOWER_IS_BETTER or name in BLEMISHES
    tone = "better" if (change < 0) is lower else "worse"
    is_count = isinstance(value, int) and isinstance(before, int)
    return tone, f"{change:+d}, {tone}" if is_count else f"{100 * change:+.1f} points, {tone}"


def differences(question: Record, baseline: Record | None) -> list[str]:
    """What the baseline had otherwise for this question, one line each."""
    if baseline is None:
        return []
    before = baseline.get("questions", {}).get(question["id"])
    if before is None:
        return ["not asked in the baseline"]
    return list(_differences(question, before, baseline["overall"]["measures"]))


def _differences(question: Record, before: Record, known: Record) -> Iterator[str]:
    """A baseline leaves out scores that are null and counts that are 0."""
    old, new = before.get("outcome", question["outcome"]), question["outcome"]
    if old != new:
        yield f"outcome: {_outcome(old)} before, now {_outcome(new)}"
    for name, value in question["scores"].items():
        was = before.get("scores", {}).get(name)
        if name not in known:
            continue  # a measure that came later; that is no change of this question
        if (value is None) != (was is None) or (value is not None and abs(value - was) > _SAME):
            yield f"{measure_name(name)}: {percent(was)} before, now {percent(value)}"
    for name, count in question["counts"].items():
        was = before.get("counts", {}).get(name, 0)
        if was != count:
            yield f"{measure_name(name)}: {was} before, now {count}"


def _outcome(name: str) -> str:
    return OUTCOMES[name][1] if name in OUTCOMES else name


def regressed(question: Record, baseline: Record | None) -> bool:
    """True if it is not right now and was in the baseline."""
    before = (baseline or {}).get("questions", {}).get(question["id"], {})
    return not question["right"] and before.get("scores", {}).get("right") == 1


def not_asked(record: Record, baseline: Record | None) -> list[str]:
    """The ids of the baseline's questions that this run doesn't hold."""
    asked = {question["id"] for question in record["questions"]}
    return [name for name in (baseline or {}).get("questions", {}) if name not in asked]


def blemished(question: Record) -> bool:
    """True if a citation is inexact, or a sentence is shown that isn't supported or grounded."""
    return any(question["counts"].get(name) for name in BLEMISHES)


def to_read(record: Record, baseline: Record | None = None) -> list[Record]:
    """The questions that want reading: new failures, unscored, wrong, then right with a blemish."""

    def urgency(question: Record) -> int:
        if regressed(question, baseline):
            return 0
        if question["outcome"] == "unscored":
            return 1
        return 3 if question["right"] else 2

    wanted = (q for q in record["questions"] if not q["right"] or blemished(q))
    return sorted(wanted, key=urgency)
