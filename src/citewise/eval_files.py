"""Question sets and recorded answers as files: records, each with the line it stands on.

What would silently lose something is an error: a key given twice, bytes that are not UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from citewise.errors import EvaluationError

__all__ = ["YAML_SUFFIXES", "Record", "read_records"]

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
"""How the name of a file ends that is read as YAML; any other is read as JSON Lines."""


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a file, with where it stands for error messages."""

    path: Path
    line: int
    value: Mapping[str, Any]

    def fail(self, field: str, problem: str, remedy: str) -> NoReturn:
        """Raise an ``EvaluationError`` that names file, line and field."""
        raise EvaluationError(f"{self.path}, line {self.line}, field {field!r}: {problem}", remedy)

    def check_keys(self, what: str, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
        """Refuse a key that is neither required nor optional, and the lack of a required one."""
        known = (*required, *optional)
        for key in self.value:
            if key not in known:
                self.fail(key, f"is not a field of {what}.", f"Use only {', '.join(known)}.")
        for key in required:
            if key not in self.value:
                self.fail(key, "is missing.", f"This is needed: {', '.join(required)}.")

    def text(self, field: str, value: object) -> str:
        """The value, which must be a text with something in it."""
        if not isinstance(value, str) or not value.strip():
            self.fail(field, f"{value!r} is not a text.", "Write words between quotation marks.")
        return value

    def texts(self, field: str, value: object) -> tuple[str, ...]:
        """The value, which must be a list of such texts."""
        return tuple(self.text(f"{field}[{i}]", item) for i, item in self.items(field, value))

    def items(self, field: str, value: object) -> Iterator[tuple[int, object]]:
        """The value's items with their places; it must be a list."""
        if not isinstance(value, list):
            self.fail(field, f"{value!r} is not a list.", "Put it in square brackets.")
        return enumerate(value)

    def flag(self, field: str) -> bool | None:
        """True or false; None where the field is left out."""
        value = self.value.get(field)
        if field in self.value and not isinstance(value, bool):
            self.fail(field, f"{value!r} is neither true nor false.", "Write true or false.")
        return value


def read_records(path: Path, what: str, *, yaml: bool = False) -> Iterator[Record]:
    """The objects of a file in its order; blank lines are passed over.

    Args:
        path: the file.
        what: what it is called in messages, such as "question set".
        yaml: whether a file whose name ends in one of ``YAML_SUFFIXES`` is read as YAML.

    Raises:
        EvaluationError: the file cannot be read, or not as such objects; names file and line.
    """
    text = _read(path, what)
    if yaml and path.suffix.lower() in YAML_SUFFIXES:
        from citewise.eval_yaml import yaml_objects

        yield from (Record(path, line, value) for line, value in yaml_objects(path, text))
        return
    # Only "\n" ends a line: JSON texts may hold the other characters that str.splitlines() cuts at.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield Record(path, number, _parsed(path, number, line))


def _read(path: Path, what: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise EvaluationError(
            f"The {what} {path} cannot be read: {error.strerror or error}.",
            "Check the path and its permissions.",
        ) from None
    except UnicodeDecodeError as error:
        raise EvaluationError(
            f"The {what} {path} is not UTF-8 at byte {error.start}.", "Save it as UTF-8."
        ) from None


def _parsed(path: Path, number: int, line: str) -> Mapping[str, Any]:
    where = f"{path}, line {number}"
    try:
        value = json.loads(line, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise EvaluationError(
            f"{where}: not valid JSON: {reason}.", "Write one whole JSON object a line."
        ) from None
    if not isinstance(value, dict):
        raise EvaluationError(
            f"{where}: {type(value).__name__} instead of an object.", "Write one {...} a line."
        )
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key given twice: JSON would silently keep only the last."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"field {key!r} is given twice")
        result[key] = value
    return result
