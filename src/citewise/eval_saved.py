"""An ``Answer`` read back from what ``Answer.to_dict()`` gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import partial
from typing import Any, TypeVar

from citewise.types import Answer, Citation, Evidence, Label, Sentence, Status, Verdict

__all__ = ["answer_from_dict"]

T = TypeVar("T")
Reader = Callable[[Any], Any]


def answer_from_dict(data: Any) -> Answer:
    """The same answer again.

    Args:
        data: what ``to_dict()`` gave, or what JSON made of it.

    Raises:
        ValueError: a field is missing, unknown or of another type; the message names it.
    """
    return _object(Answer, data, _ANSWER)


def _object(cls: Callable[..., T], data: Any, readers: Mapping[str, Reader]) -> T:
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is not an object")
    needed = {f.name for f in fields(cls) if _is_needed(f)}  # type: ignore[arg-type]
    for name in (*sorted(needed - data.keys()), *sorted(data.keys() - readers.keys())):
        raise ValueError(f"{name!r} is {'missing' if name in needed else 'unknown'}")
    return cls(**{name: _read(name, value, readers[name]) for name, value in data.items()})


def _read(name: str, value: Any, reader: Reader) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _is_needed(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a whole number")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    return value


def _signal(value: Any) -> float | str | bool | None:
    if value is not None and not isinstance(value, (int, float, str, bool)):
        raise ValueError(f"{value!r} is neither a number nor a text")
    return value


def _kind(value: Any) -> str:
    if value not in ("sentence", "item", "row", "code", "heading"):
        raise ValueError(f"{value!r} is no kind of span")
    return str(value)


def _or_none(reader: Reader, value: Any) -> Any:
    return None if value is None else reader(value)


def _all(reader: Reader, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{value!r} is not a list")
    return tuple(reader(item) for item in value)


def _map(reader: Reader, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is not an object")
    return {_text(key): reader(item) for key, item in value.items()}


def _verdict(value: Any) -> Verdict:
    return _object(Verdict, value, _VERDICT)


_PLACE: Mapping[str, Reader] = {"document": _text, "start": _whole, "end": _whole}
_ABOVE: Mapping[str, Reader] = {"heading": _text, "page": partial(_or_none, _whole)}
_VERDICT: Mapping[str, Reader] = {
    "label": Label,
    "score": _number,
    "reason": _text,
    "claim": _text,
    "claims": partial(_all, _verdict),
}
_SENTENCE: Mapping[str, Reader] = {
    "text": _text,
    "citations": partial(_all, _whole),
    "verdict": _verdict,
}
_CITATION: Mapping[str, Reader] = {**_PLACE, **_ABOVE, "number": _whole, "quote": _text}
_EVIDENCE: Mapping[str, Reader] = {
    **_PLACE,
    **_ABOVE,
    "text": _text,
    "score": _number,
    "dense_rank": partial(_or_none, _whole),
    "lexical_rank": partial(_or_none, _whole),
    "kind": _kind,
    "rendered": _text,
    "cosine": _number,
}
_ANSWER: Mapping[str, Reader] = {
    "question": _text,
    "status": Status,
    "text": _text,
    "sentences": partial(_all, partial(_object, Sentence, readers=_SENTENCE)),
    "citations": partial(_all, partial(_object, Citation, readers=_CITATION)),
    "evidence": partial(_all, partial(_object, Evidence, readers=_EVIDENCE)),
    "draft": _text,
    "dropped": partial(_all, partial(_object, Sentence, readers=_SENTENCE)),
    "timings": partial(_map, _number),
    "models": partial(_map, _text),
    "notices": partial(_all, _text),
    "explanation": partial(_map, _signal),
}
