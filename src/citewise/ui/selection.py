"""Which documents a visitor's questions search: all, only their own, or the ones ticked."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from citewise.errors import InputError

__all__ = ["Scope", "Selection", "load_selection", "save_selection"]

Scope: TypeAlias = Literal["all", "own", "some"]
_SCOPES = ("all", "own", "some")
_MOST_NAMES = 2000


@dataclass(frozen=True, slots=True)
class Selection:
    """``names`` are those ticked where the scope is "some"."""

    scope: Scope = "all"
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any) -> Selection:
        """What a browser asks for.

        Raises:
            InputError: it is not a selection, or nothing is selected.
        """
        if not isinstance(given, dict) or given.get("scope") not in _SCOPES:
            raise InputError("This is no selection.", 'Send {"scope": "all"}, "own" or "some".')
        names = given.get("names", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError("The names are not a list of strings.", 'Send {"names": ["a.txt"]}.')
        if len(names) > _MOST_NAMES:
            raise InputError(f"At most {_MOST_NAMES} documents can be ticked.", "Choose all.")
        if given["scope"] == "some" and not names:
            raise InputError("No document is ticked.", "Tick at least one.")
        return cls(given["scope"], tuple(names) if given["scope"] == "some" else ())

    def with_names(self, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> Selection:
        """After documents came or went: new ones are ticked; without any left, all are."""
        if self.scope != "some":
            return self
        kept = [name for name in self.names if name not in removed]
        names = tuple(dict.fromkeys([*kept, *added]))
        return Selection("some", names) if names else Selection()

    def to_dict(self) -> dict[str, Any]:
        """As the page is told."""
        return asdict(self)


def load_selection(path: Path) -> Selection:
    """What was saved; all documents if that is missing or damaged."""
    with suppress(OSError, ValueError, InputError):
        return Selection.of(json.loads(path.read_text(encoding="utf-8")))
    return Selection()


def save_selection(path: Path, selection: Selection) -> None:
    """Keep a selection over a restart."""
    aside = path.with_name(f"{path.name}.part")
    aside.write_text(json.dumps(selection.to_dict()), encoding="utf-8")
    aside.replace(path)
