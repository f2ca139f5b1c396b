"""What a collection may be called, and how the names of its documents begin.

A name becomes a folder's name, the beginning of documents' names and an item of a list, so that it
is held to few characters. Capitals make no difference: some file systems know none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from citewise.errors import InputError

__all__ = ["DEFAULT", "checked_name", "checked_names", "is_name", "prefix_of", "shown_name"]

DEFAULT = "default"
"""What the documents that are in no collection are called; within the code, they are ""."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_RULE = 'Use letters of a to z, digits, "-" and "_", at most 64, the first a letter or digit.'


def is_name(given: str) -> bool:
    """Whether a collection can be called that."""
    return _NAME.fullmatch(given) is not None


def checked_name(given: str) -> str:
    """The collection of that name, in small letters; "" for ``DEFAULT``.

    Raises:
        InputError: no collection can be called that.
    """
    if not isinstance(given, str) or not is_name(given):
        raise InputError(f"{str(given)[:80]!r} is no name of a collection.", _RULE)
    name = given.lower()
    return "" if name == DEFAULT else name


def checked_names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Collections without repetitions, sorted, so that their order makes no difference.

    Args:
        given: names, or one text of names with commas between.

    Raises:
        InputError: no collection can be called that, or none is given: who may see nothing must
            not be taken for somebody of whom nothing is said.
    """
    names = [part.strip() for part in given.split(",")] if isinstance(given, str) else list(given)
    if not names:
        raise InputError("No collection is given.", f'Name those that may be seen, or "{DEFAULT}".')
    return tuple(sorted({checked_name(name) for name in names}))


def prefix_of(name: str) -> str:
    """What the names of all documents of a collection begin with."""
    return f"{name}/" if name else ""


def shown_name(name: str) -> str:
    """As it is given and listed."""
    return name or DEFAULT
