"""JSON and lines of JSON: records alike become a table, anything else named values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from citewise.limits import UnusableFileError
from citewise.readers.decoding import decode
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.layout import Layout

__all__ = ["read_json"]

_DEEPEST = 100
_MOST_COLUMNS = 60
_LONG = 300


def read_json(data: bytes, name: str, tick: Tick) -> Extracted:
    """The text of a JSON file; numbers are kept as they are written.

    Raises:
        UnusableFileError: it is not JSON, or nested too deeply.
    """
    text = decode(data)
    try:
        value = _lines(text, tick) if name.lower().endswith(("l", "ndjson")) else _whole(text, tick)
    except json.JSONDecodeError as error:
        raise UnusableFileError(
            f"is not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from error
    except RecursionError as error:
        raise UnusableFileError("is nested too deeply to be read") from error
    layout = Layout()
    if name.lower().endswith(".ipynb") and _is_notebook(value):
        _add_notebook(layout, value, tick)
    else:
        _add(layout, value, (), tick)
    return Extracted(layout.text())


def _decoded(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _whole(text: str, tick: Tick) -> Any:
    try:
        return _decoded(text)
    except json.JSONDecodeError:
        # Lines of JSON are often called .json too.
        first = text.lstrip().partition("\n")[0]
        if len(first) < len(text.strip()) and first.strip().startswith(("{", "[")):
            try:
                _decoded(first)
            except json.JSONDecodeError:
                pass
            else:
                return _lines(text, tick)
        raise


def _lines(text: str, tick: Tick) -> list[Any]:
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        tick()
        if line.strip():
            try:
                values.append(_decoded(line))
            except json.JSONDecodeError as error:
                error.lineno = number
                raise
    return values


def _shown(value: Any) -> str:
    return (
        {None: "null", True: "true", False: "false"}.get(value, "")
        if (value is None or isinstance(value, bool))
        else str(value)
    )


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (Mapping, list))


def _add(layout: Layout, value: Any, path: tuple[str, ...], tick: Tick) -> None:
    tick()
    if len(path) > _DEEPEST:
        raise UnusableFileError(f"is nested more than {_DEEPEST} levels deep")
    if isinstance(value, Mapping):
        _add_object(layout, value, path, tick)
    elif isinstance(value, list):
        _add_list(layout, value, path, tick)
    else:
        layout.paragraph(_shown(value))


def _add_object(
    layout: Layout, value: Mapping[str, Any], path: tuple[str, ...], tick: Tick
) -> None:
    for key, item in value.items():
        if _is_plain(item) or _all_plain(item):
            text = ", ".join(map(_shown, item)) if isinstance(item, list) else _shown(item)
            long = len(text) > _LONG or "\n" in text
            layout.paragraph(f"{key}: {text}") if long else layout.item(f"{key}: {text}")
    for key, item in value.items():
        if not (_is_plain(item) or _all_plain(item)):
            layout.heading(len(path) + 1, key)
            _add(layout, item, (*path, key), tick)


def _add_list(layout: Layout, items: Sequence[Any], path: tuple[str, ...], tick: Tick) -> None:
    records = [item for item in items if isinstance(item, Mapping)]
    columns = list(dict.fromkeys(key for record in records for key in record))
    alike = records and len(records) == len(items) and 1 < len(columns) <= _MOST_COLUMNS
    if alike and all(_is_plain(v) or _all_plain(v) for r in records for v in r.values()):
        rows = [[_cell(record.get(column, "")) for column in columns] for record in records]
        layout.table(columns, rows)
        return
    for number, item in enumerate(items, 1):
        if _is_plain(item):
            layout.item(_shown(item))
        else:
            layout.heading(
                len(path) + 1, _title(item) or f"{path[-1] if path else 'Entry'} {number}"
            )
            _add(layout, item, (*path, str(number)), tick)


def _all_plain(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 50 and all(map(_is_plain, value))


def _cell(value: Any) -> str:
    return ", ".join(map(_shown, value)) if isinstance(value, list) else _shown(value)


def _title(item: Any) -> str:
    """What a record calls itself, for the heading over it."""
    if isinstance(item, Mapping):
        for key in ("title", "name", "id", "key"):
            value = item.get(key)
            if isinstance(value, str) and 0 < len(value) <= 80:
                return value
    return ""


def _is_notebook(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and isinstance(value.get("cells"), list)


def _add_notebook(layout: Layout, value: Mapping[str, Any], tick: Tick) -> None:
    for cell in value["cells"]:
        tick()
        if not isinstance(cell, Mapping):
            continue
        source = cell.get("source", "")
        text = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if cell.get("cell_type") == "code":
            layout.code(text)
        else:
            layout.raw(text)
