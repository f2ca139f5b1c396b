"""JSON Schema 2020-12, as far as the published schemas use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["conforms"]

_ANNOTATIONS = {"$schema", "$defs", "title", "description", "default"}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def conforms(value: Any, schema: Any, root: Any = None) -> bool:
    """Whether a value meets a schema; a keyword that is not known here is a KeyError."""
    root = schema if root is None else root
    if isinstance(schema, bool):
        return schema
    return all(
        _keyword(name, argument, value, schema, root)
        for name, argument in schema.items()
        if name not in _ANNOTATIONS
    )


def _keyword(name: str, argument: Any, value: Any, schema: dict[str, Any], root: Any) -> bool:
    items = value if isinstance(value, list) else []
    fields = value if isinstance(value, dict) else {}

    def meets(item: Any, part: Any) -> bool:
        return conforms(item, part, root)

    def others_meet() -> bool:
        known = schema.get("properties", {})
        return all(meets(item, argument) for key, item in fields.items() if key not in known)

    checks: dict[str, Callable[[], object]] = {
        "$ref": lambda: meets(value, root["$defs"][argument.rpartition("/")[2]]),
        "additionalProperties": others_meet,
        "allOf": lambda: all(meets(value, part) for part in argument),
        "anyOf": lambda: any(meets(value, part) for part in argument),
        "const": lambda: value is argument if isinstance(argument, bool) else value == argument,
        "dependentRequired": lambda: all(
            fields.keys() >= set(needed) for key, needed in argument.items() if key in fields
        ),
        "else": lambda: meets(value, schema["if"]) or meets(value, argument),
        "enum": lambda: value in argument,
        "if": lambda: True,
        "items": lambda: all(meets(item, argument) for item in items),
        "maxItems": lambda: len(items) <= argument,
        "minItems": lambda: not isinstance(value, list) or len(items) >= argument,
        "minimum": lambda: not _is_number(value) or value >= argument,
        "not": lambda: not meets(value, argument),
        "pattern": lambda: not isinstance(value, str) or re.search(argument, value) is not None,
        "properties": lambda: all(meets(fields[k], s) for k, s in argument.items() if k in fields),
        "required": lambda: not isinstance(value, dict) or fields.keys() >= set(argument),
        "then": lambda: not meets(value, schema["if"]) or meets(value, argument),
        "type": lambda: any(
            _is(value, kind) for kind in ([argument] if isinstance(argument, str) else argument)
        ),
    }
    return bool(checks[name]())


def _is(value: Any, kind: str) -> bool:
    # To Python, True is a whole number; to JSON, it is not.
    if isinstance(value, bool) and kind in ("integer", "number"):
        return False
    return isinstance(value, _TYPES[kind])


def _is_number(value: Any) -> bool:
    return _is(value, "number")
