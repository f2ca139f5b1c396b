"""Which documents a question is put to: the names, folders, types and dates of a Filter."""

from __future__ import annotations

import calendar
import difflib
import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import PurePosixPath

from citewise.errors import InputError
from citewise.schema import LIVE
from citewise.types import Filter

__all__ = ["checked", "fitting", "matching_documents"]

_FIELDS = ("documents", "folders", "types", "tags")
_OTHER_NAMES = {"htm": "html", "markdown": "md", "text": "txt", "jpeg": "jpg", "yml": "yaml"}
_MOST_SHOWN = 3


def checked(where: Filter | None) -> Filter | None:
    """The filter with its values in one form, or None if it lets everything through.

    Raises:
        InputError: not a Filter, a field that is not a sequence of strings, or a date that is none.
    """
    if where is None:
        return None
    if not isinstance(where, Filter):
        raise InputError(
            f"The filter is a {type(where).__name__}.", 'Give Filter(folders=("reports",)).'
        )
    fields = {name: _strings(name, getattr(where, name)) for name in _FIELDS}
    found = Filter(
        documents=fields["documents"],
        folders=tuple(folder.strip("/") for folder in fields["folders"]),
        types=tuple(_plain_type(kind) for kind in fields["types"]),
        tags=tuple(tag.casefold() for tag in fields["tags"]),
        since=_day(where.since, "since"),
        until=_day(where.until, "until"),
    )
    if found.since and found.until and found.since > found.until:
        raise InputError(
            f"No day is since {where.since} and until {where.until}.", "Exchange the two dates."
        )
    return None if found == Filter() else found


def matching_documents(connection: sqlite3.Connection, where: Filter) -> list[int]:
    """The row ids of the documents that a checked filter lets through, in order.

    Raises:
        InputError: a document or folder is not in the index, or no document fits.
    """
    rows = connection.execute(
        "SELECT id, name, format, modified, tags FROM documents WHERE state = ? ORDER BY id",
        (LIVE,),
    ).fetchall()
    return fitting(rows, where)


def fitting(rows: Sequence[tuple[int, str, str, str, str]], where: Filter) -> list[int]:
    """The ids of those documents that a checked filter lets through, in the order given.

    Args:
        rows: id, name, format, date of the last change, and tags, a line for each.

    Raises:
        InputError: a document or folder is not among them, or no document fits.
    """
    _refuse_unknown(where, [name for _, name, *_ in rows])
    found = [row[0] for row in rows if _fits(where, *row[1:])]
    if not found:
        held = sorted({kind for _, name, kind, *_ in rows for kind in _types_of(name, kind)})
        raise InputError(
            f"No document fits the filter ({_described(where)}).",
            f"The index holds {len(rows)} documents, of the types {', '.join(held)}."
            if rows
            else "The index is empty: update it first.",
        )
    return found


def _fits(where: Filter, name: str, kind: str, modified: str, tags: str) -> bool:
    day, filed = modified[:10], {tag.casefold() for tag in tags.splitlines()}
    return (
        _in_place(name, where)
        and (not where.types or not _types_of(name, kind).isdisjoint(where.types))
        and (not where.tags or not filed.isdisjoint(where.tags))
        # Of a document without a date nobody knows whether it fits.
        and (where.since is None or day >= where.since)
        and (where.until is None or "" < day <= where.until)
    )


def _in_place(name: str, where: Filter) -> bool:
    """Documents and folders name places together: either lets a document in."""
    if not where.documents and not where.folders:
        return True
    return name in where.documents or any(_inside(name, folder) for folder in where.folders)


def _inside(name: str, folder: str) -> bool:
    return folder in ("", ".") or name.startswith(f"{folder}/")


def _types_of(name: str, kind: str) -> set[str]:
    """A type is asked for by its suffix or by the name of its format: "md" or "markdown"."""
    return {_plain_type(PurePosixPath(name).suffix), _plain_type(kind)} - {""}


def _described(where: Filter) -> str:
    given = [(name.rstrip("s"), ", ".join(getattr(where, name))) for name in _FIELDS]
    dates = [("since", where.since or ""), ("until", where.until or "")]
    return "; ".join(f"{name} {values}" for name, values in given + dates if values)


def _plain_type(kind: str) -> str:
    plain = kind.strip().lower().removeprefix("*").removeprefix(".")
    return _OTHER_NAMES.get(plain, plain)


def _strings(field: str, values: object) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InputError(
            f"{field} of the filter is {values!r}.", f'Give a tuple: {field}=("...",).'
        )
    wrong = [value for value in values if not isinstance(value, str) or not value.strip()]
    if wrong:
        raise InputError(f"{field} of the filter holds {wrong[0]!r}.", "Give names as strings.")
    return tuple(values)


def _day(text: str | None, field: str) -> str | None:
    """The ISO date; of a year or a month, its first day, or for ``until`` its last."""
    if text is None:
        return None
    try:
        parts = [int(part) for part in text.split("-", 2)]
        rest = (12, 31) if field == "until" else (1, 1)
        year, month, day = (*parts, *rest)[:3]
        last = calendar.monthrange(year, month)[1]
        return date(year, month, last if len(parts) < 3 and field == "until" else day).isoformat()
    except (AttributeError, ValueError, OverflowError, calendar.IllegalMonthError) as error:
        raise InputError(
            f"{field} of the filter is {text!r}.", "Give a date such as 2026-03-31, or a year."
        ) from error


def _refuse_unknown(where: Filter, names: Sequence[str]) -> None:
    known = set(names)
    for name in where.documents:
        if name not in known:
            raise InputError(f"There is no document {name!r}.", _nearest(name, names))
    for folder in where.folders:
        if not any(_inside(name, folder) for name in names):
            folders = sorted({str(parent) for name in names for parent in _parents(name)})
            raise InputError(f"There is no folder {folder!r}.", _nearest(folder, folders))


def _parents(name: str) -> Sequence[PurePosixPath]:
    return PurePosixPath(name).parents[:-1]


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=_MOST_SHOWN, cutoff=0.4)
    shown = near or sorted(names)[:_MOST_SHOWN]
    listed = ", ".join(repr(other) for other in shown)
    return f"Nearest: {listed}." if shown else "The index holds none."
