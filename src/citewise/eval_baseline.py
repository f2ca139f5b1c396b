"""The baseline: what is kept of a run to hold later ones against, made to be read in a diff.

One line per question, sorted by id, values to four places, no timings. Equal runs give equal
files, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from citewise.errors import EvaluationError, InputError
from citewise.eval_paired import UNSCORED
from citewise.grading import Outcome

__all__ = ["baseline_of", "load_baseline", "write_baseline"]

_FORMAT = 1
_MARK = "citewise_baseline"
_PLACES = 4
_PARTS = {
    "set": ("file", "sha256", "questions", "asked"),
    "judge": ("name", "sha256"),
    "models": (),
    "settings": (),
    "overall": ("measures", "counts"),
    "questions": (),
}
_OUTCOMES = frozenset({UNSCORED, *map(str, Outcome)})
_UPDATE = "Write it anew with --update-baseline, and review its diff."


def baseline_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a baseline keeps of a run record.

    Per question: ``outcome``; ``asks``, a digest of what was asked and what counts as right;
    ``scores`` without those that are null; ``counts`` without those that are 0, where ``unscored``
    and ``with_notices`` are 1 or left out.
    """
    overall = record["overall"]
    return {
        _MARK: _FORMAT,
        **{name: dict(record[name]) for name in ("set", "judge", "models", "settings")},
        "overall": {
            "measures": {name: _rounded(m["value"]) for name, m in overall["measures"].items()},
            "counts": dict(overall["counts"]),
        },
        "questions": {q["id"]: _kept(q) for q in sorted(record["questions"], key=_id)},
    }


def _id(question: Mapping[str, Any]) -> str:
    return str(question["id"])


def _kept(question: Mapping[str, Any]) -> dict[str, Any]:
    counts = {
        **question["counts"],
        UNSCORED: int(question["outcome"] == UNSCORED),
        "with_notices": int(bool(question["notices"])),
    }
    scores = question["scores"].items()
    return {
        "outcome": question["outcome"],
        "asks": _digest(question),
        "scores": {name: _rounded(value) for name, value in scores if value is not None},
        "counts": {name: count for name, count in counts.items() if count},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _PLACES)


def _digest(question: Mapping[str, Any]) -> str:
    parts = [question[name] for name in ("question", "history", "expected", "facts", "forbidden")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def write_baseline(record: Mapping[str, Any], path: str | Path) -> None:
    """Write the baseline of a run, whole or not at all.

    Raises:
        InputError: the file cannot be written; what was there before is still there.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(_as_text(baseline_of(record)))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise InputError(
            f"Cannot write the baseline {str(path)!r}: {error.strerror or error}.",
            "Give a file in an existing folder.",
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def _as_text(baseline: Mapping[str, Any]) -> str:
    """JSON, indented but for the questions, each of which is a line."""
    head = json.dumps({k: v for k, v in baseline.items() if k != "questions"}, indent=2)
    lines = ",\n".join(
        f"    {json.dumps(key)}: {json.dumps(value)}"
        for key, value in baseline["questions"].items()
    )
    return head.removesuffix("\n}") + f',\n  "questions": {{\n{lines}\n  }}\n}}\n'


def load_baseline(path: str | Path) -> dict[str, Any]:
    """The baseline of a file, as ``baseline_of`` made it.

    Raises:
        EvaluationError: the file cannot be read, or is not a whole baseline of this format.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_without_repeats)
    except OSError as error:
        raise EvaluationError(
            f"The baseline {path} cannot be read: {error.strerror or error}.",
            "Check the path, or write it with --update-baseline.",
        ) from None
    except (ValueError, RecursionError) as error:
        _refuse(path, f"it is not valid JSON ({error})")
    if not isinstance(data, dict) or data.get(_MARK) != _FORMAT:
        found = data.get(_MARK) if isinstance(data, dict) else data
        _refuse(path, f"{_MARK!r} should be {_FORMAT}, not {str(found)[:40]!r}")
    _demand_parts(path, data)
    for key, question in data["questions"].items():
        if fault := _fault_of(question):
            _refuse(path, f"question {key!r}: {fault}")
    return data


def _refuse(path: Path, why: str) -> NoReturn:
    raise EvaluationError(f"{path} is not a baseline that can be used: {why}.", _UPDATE)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key given twice, which a careless merge leaves: JSON would keep only the last."""
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(k for k in keys if keys.count(k) > 1)!r} is given twice")
    return result


def _demand_parts(path: Path, data: Mapping[str, Any]) -> None:
    for part, needed in _PARTS.items():
        if not isinstance(data.get(part), dict):
            _refuse(path, f"{part!r} should be an object, not {data.get(part)!r}")
        if missing := [name for name in needed if name not in data[part]]:
            _refuse(path, f"{part!r} lacks {missing[0]!r}")
    for part in ("measures", "counts"):
        if not isinstance(data["overall"][part], dict):
            _refuse(path, f"'overall' should have an object as {part!r}")
    if not data["questions"]:
        _refuse(path, "it holds no question")


def _fault_of(question: Any) -> str:
    """What is wrong with a question; nothing if it is as it should be."""
    if not isinstance(question, dict):
        return f"{question!r} is not an object"
    for name in ("outcome", "asks"):
        if not isinstance(question.get(name), str):
            return f"{name!r} should be a text, not {question.get(name)!r}"
    if question["outcome"] not in _OUTCOMES:
        return f"the outcome {question['outcome']!r} is unknown"
    for part in ("scores", "counts"):
        if not isinstance(question.get(part), dict):
            return f"{part!r} should be an object, not {question.get(part)!r}"
    return _fault_of_values(question["scores"], question["counts"])


def _fault_of_values(scores: Mapping[str, Any], counts: Mapping[str, Any]) -> str:
    for name, value in scores.items():
        if type(value) not in (int, float) or not 0 <= value <= 1:
            return f"the score {name!r} is {value!r}, not a share from 0 to 1"
    for name, value in counts.items():
        if type(value) is not int or value < 0:
            return f"the count {name!r} is {value!r}, not a whole number of 0 or more"
    return ""
