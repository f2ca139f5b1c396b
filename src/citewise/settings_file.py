"""Reads a settings file: TOML, checked, and trusted only as far as somebody named it.

A ``citewise.toml`` in the current folder is found without being named. It may have come with the
documents, from a stranger, so that it can change neither where questions, documents and keys go,
nor what is read or written elsewhere, nor loosen a limit.
"""

from __future__ import annotations

import difflib
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from citewise.errors import InputError
from citewise.setting import Setting
from citewise.settings_table import SETTINGS

__all__ = ["NAME", "VARIABLE", "SettingsFile", "read_settings_file", "read_values", "untrusted"]

NAME = "citewise.toml"
VARIABLE = "CITEWISE_CONFIG"
_LARGEST = 1 << 18


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The values of a file, by name; ``path`` is None if no file is used."""

    path: Path | None = None
    named: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def read_settings_file(config: str | None) -> SettingsFile:
    """The file that ``--config`` or ``CITEWISE_CONFIG`` names, else ``citewise.toml`` here.

    The name ``none`` stands for no file at all. A file is read once in the life of the process.

    Raises:
        InputError: it cannot be read, sets what is unknown or impossible, or, if it was only found,
            what such a file may not set.
    """
    named = config if config is not None else os.environ.get(VARIABLE, "").strip()
    if named.lower() == "none":
        return SettingsFile()
    if named:
        return _read(Path(named).expanduser().absolute(), named=True)
    here = Path(NAME).absolute()
    return _read(here, named=False) if os.path.lexists(here) else SettingsFile()


@lru_cache(maxsize=16)
def _read(path: Path, *, named: bool) -> SettingsFile:
    values = read_values(path, path.parent)
    if not named:
        for name, value in values.items():
            one = SETTINGS[name]
            if not one.found.allows(one.default, value, path.parent):
                raise untrusted(path, name)
    return SettingsFile(path, named, values)


def read_values(path: Path, folder: Path) -> dict[str, Any]:
    """The checked values of a settings file.

    Args:
        path: the file.
        folder: where its relative paths begin.

    Raises:
        InputError: it cannot be read, or sets what is unknown or impossible.
    """
    values = {}
    for name, raw in _toml(path).items():
        if name not in SETTINGS:
            raise _unknown(path, name)
        one = SETTINGS[name]
        try:
            values[name] = _placed(one, one.checked(_flattened(one, raw)), folder)
        except ValueError:
            shown = "not usable" if one.secret else repr(raw)[:60]
            remedy = one.remedy.replace(".", ", without quotes.") if _is_quoted(one, raw) else ""
            raise InputError(f"{path}: {name} is {shown}.", remedy or one.remedy) from None
    return values


def _toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        # Neither a pipe that never ends nor a file that fills the memory.
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is no settings file.", "Name a file of TOML.")
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"The settings {path} cannot be read: {error.strerror or error}.",
            "Name another file with --config or CITEWISE_CONFIG; none stands for no file.",
        ) from None
    except (ValueError, RecursionError) as error:
        # What the parser quotes could be a key.
        where = str(error).rpartition("(")[2].rstrip(")")
        raise InputError(
            f"The settings {path} are not valid TOML ({where}).",
            'Write lines such as top_k = 5 and llm = "local"; see docs/settings.md.',
        ) from None


def _flattened(one: Setting, raw: Any) -> Any:
    """A list or a table as the text that the variable would hold."""
    if one.name == "llm" and isinstance(raw, list):
        if not raw or not all(isinstance(entry, str) and "," not in entry for entry in raw):
            raise ValueError
        return ", ".join(entry.strip() for entry in raw)
    if one.name == "api_key" and isinstance(raw, dict):
        if not all(isinstance(key, str) and "," not in key for key in raw.values()):
            raise ValueError
        return ", ".join(f"{address}={key}" for address, key in raw.items())
    return raw


def _placed(one: Setting, value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value
    if one.name == "llm" and value.lower().endswith(".gguf"):
        return str(folder / Path(value).expanduser())
    return value


def _is_quoted(one: Setting, raw: Any) -> bool:
    if not isinstance(raw, str) or one.kind not in ("whole number", "number", "yes or no"):
        return False
    try:
        one.parsed(raw)
    except ValueError:
        return False
    return True


def _unknown(path: Path, name: str) -> InputError:
    (nearest,) = difflib.get_close_matches(name, list(SETTINGS), n=1, cutoff=0.0)
    return InputError(
        f"{path}: {name[:60]!r} is no setting; the nearest is {nearest!r}.",
        "Correct or remove it; `citewise config --config none` lists all.",
    )


def untrusted(path: Path, name: str) -> InputError:
    """The error for a setting that a file may not decide unless somebody names that file."""
    return InputError(
        f"{path} was found in the current folder, not named, and may not set {name} to this: it "
        "could have come with somebody's documents. Of such a file is taken: "
        f"{SETTINGS[name].found.words}.",
        f"If you trust it, name it: --config {path.name}, or {VARIABLE}={path.name}. "
        "--config none ignores it.",
    )
