"""One setting: what it is called, what it may be, and who may set it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from citewise.llm_addresses import listed
from citewise.remote_address import RemoteAddress, corpus_of

__all__ = [
    "ANYTHING",
    "HIGHER",
    "LOOPBACK",
    "LOWER",
    "MODEL",
    "NOTHING",
    "OFF",
    "ON",
    "STRICTEST",
    "WITHIN",
    "Rule",
    "Setting",
    "setting",
]

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_LOOPBACK = r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])"
# So narrow that no two readers of addresses can take it for different hosts.
_ON_THIS_MACHINE = re.compile(rf"https?://{_LOOPBACK}(?::\d{{1,5}})?(?:/[\w./-]*)?(?:#[\w.:/-]*)?")
_REMEDIES = {
    "yes or no": "Set it to true or false.",
    "folder": "Set it to the path of a folder.",
    "file": "Set it to the path of a file.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a file that nobody named may set: it may come with a stranger's documents.

    ``allows`` gets the default, the value, and the file's folder.
    """

    words: str
    allows: Callable[[Any, Any, Path], bool]


def _is_within(_: object, value: Path | RemoteAddress, folder: Path) -> bool:
    return not isinstance(value, RemoteAddress) and value.resolve().is_relative_to(folder.resolve())


def _is_kept_here(_: object, value: str, __: object) -> bool:
    if "://" in value:
        return all(_ON_THIS_MACHINE.fullmatch(address) for address in listed(value))
    return not value.lower().endswith(".gguf")


def _is_loopback(_: object, value: str, __: object) -> bool:
    return re.fullmatch(_LOOPBACK, f"[{value}]" if ":" in value else value) is not None


ANYTHING = Rule("anything", lambda _, __, ___: True)
NOTHING = Rule("nothing", lambda _, __, ___: False)
# For some numbers, 0 is no bound.
LOWER = Rule("nothing above the default", lambda default, value, _: 0 < value <= default)
HIGHER = Rule("nothing below the default", lambda default, value, _: value >= default)
ON = Rule("only true", lambda _, value, __: bool(value))
OFF = Rule("only false", lambda _, value, __: not value)
STRICTEST = Rule("only the default", lambda default, value, _: bool(value == default))
WITHIN = Rule("only what lies in its own folder", _is_within)
LOOPBACK = Rule("only this machine's own address", _is_loopback)
MODEL = Rule(
    "local, none, the name of a model, or addresses on this machine if no key is set", _is_kept_here
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting; ``kind`` is text, choice, whole number, number, yes or no, folder, or file.

    ``address``: it may hold addresses, whose passwords are never printed. ``remote``: a folder, or
    the address of one elsewhere.
    """

    name: str
    kind: str
    default: Any
    help: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    address: bool = False
    remote: bool = False
    found: Rule = NOTHING
    option: str = ""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"CITEWISE_{self.name.upper()}"

    @property
    def remedy(self) -> str:
        """What to do where a value cannot be."""
        if self.kind == "choice":
            return f"Set it to {' or '.join(self.choices)}."
        if self.kind in ("whole number", "number"):
            return f"Set it to a {self.kind}{self.bounds}."
        return _REMEDIES.get(self.kind, "Set it to text.")

    @property
    def bounds(self) -> str:
        """``" from 1 to 100"``; empty for what has no bounds."""
        if self.least is None:
            return ""
        if self.most is None:
            return f" of at least {self.least:,}"
        return f" from {self.least:,} to {self.most:,}"

    def parsed(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
            ValueError: it stands for none.
        """
        if self.kind == "yes or no":
            if text.lower() not in _TRUE | _FALSE:
                raise ValueError
            return text.lower() in _TRUE
        if self.kind == "whole number":
            return self.checked(int(text))
        return self.checked(float(text) if self.kind == "number" else text)

    def checked(self, value: Any) -> Any:
        """A value with the type that the setting has, if it can be one.

        Raises:
            ValueError: it cannot.
        """
        if self.kind == "yes or no":
            return _must(value, isinstance(value, bool))
        if self.kind in ("whole number", "number"):
            kinds = (int,) if self.kind == "whole number" else (int, float)
            _must(value, isinstance(value, kinds) and not isinstance(value, bool))
            least = -math.inf if self.least is None else self.least
            return _must(value, least <= value <= (math.inf if self.most is None else self.most))
        _must(value, isinstance(value, str) and bool(value.strip()) and "\0" not in value)
        value = value if self.secret else value.strip()
        if self.remote:
            return corpus_of(value)
        if self.kind in ("folder", "file"):
            return Path(value).expanduser()
        return _must(value, not self.choices or value in self.choices)

    def named(self, prefix: str, name: str) -> Setting:
        """The same setting under the name of a field."""
        return replace(self, name=prefix + name)


def setting(default: Any, text: str, *, kind: str = "", **more: Any) -> Any:
    """A field of a frozen dataclass that is a setting; its name is the field's.

    Args:
        default: also tells the kind, unless ``kind`` or ``choices`` does.
        text: one line of help.
        more: see ``Setting``.
    """
    kinds = {bool: "yes or no", int: "whole number", float: "number", str: "text"}
    kind = kind or ("choice" if "choices" in more else kinds[type(default)])
    made = Setting("", kind, default, text, **more)
    return field(default=default, repr=not made.secret, metadata={"setting": made})


def _must(value: Any, holds: bool) -> Any:
    if not holds:
        raise ValueError
    return value
