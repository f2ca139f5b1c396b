"""What is set, and by what; ``docs/settings.md`` lists all of it.

Each setting has a default, may stand in a settings file, in a variable of its own and, some of
them, in an argument: the later of these wins. ``citewise config`` prints what is in force.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citewise.errors import InputError
from citewise.settings_file import read_settings_file, untrusted
from citewise.settings_table import SETTINGS, Settings, settings_of

__all__ = ["ARGUMENT", "DEFAULT", "Found", "current", "found", "public_environment", "using"]

ARGUMENT = "argument"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Found:
    """The settings in force, where each comes from, and the file that was read, if any.

    A source is ``DEFAULT``, the file's path, a variable's name, or ``ARGUMENT``.
    """

    settings: Settings
    sources: Mapping[str, str]
    file: Path | None = None
    file_was_named: bool = False

    def demand_trusted(self, name: str) -> None:
        """What follows from a setting must not be decided by a file that nobody named.

        Raises:
            InputError: such a file set it.
        """
        if self.file and not self.file_was_named and self.sources[name] == str(self.file):
            raise untrusted(self.file, name)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The file that the command line names, and values that outrank files and variables."""

    config: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


_chosen = _Chosen()


@contextmanager
def using(
    config: str | None = None, values: Mapping[str, Any] | None = None, source: str = ARGUMENT
) -> Iterator[None]:
    """Within it, this settings file is read, and these values outrank variables and file.

    It holds for the whole process, as the environment does, since threads have to see it.

    Args:
        config: as ``--config`` gives it; None leaves the choice to ``CITEWISE_CONFIG``.
        values: checked values by name.
        source: where these come from.
    """
    global _chosen
    before = _chosen
    _chosen = _Chosen(
        before.config if config is None else config,
        before.values if values is None else values,
        before.source if values is None else source,
    )
    try:
        yield
    finally:
        _chosen = before


def current(arguments: Mapping[str, Any] | None = None) -> Settings:
    """The settings in force.

    Args:
        arguments: values by name that win over all others; None stands for not given.

    Raises:
        InputError: a value in the file or in a variable cannot be.
    """
    return found(arguments).settings


def found(arguments: Mapping[str, Any] | None = None) -> Found:
    """The settings in force, and where each comes from; see ``current``."""
    file = read_settings_file(_chosen.config)
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    values = {name: one.default for name, one in SETTINGS.items()}
    sources = dict.fromkeys(SETTINGS, DEFAULT)
    for layer, source in (
        (file.values, str(file.path)),
        (_from_environment(), ""),
        (_chosen.values, _chosen.source),
        (given, ARGUMENT),
    ):
        values |= layer
        sources |= {name: source or SETTINGS[name].variable for name in layer}
    chosen = {**_chosen.values, **given}
    if "corpus" in chosen and "index" not in chosen and values["index"] is not None:
        # It belongs to another corpus, and would be emptied.
        values["index"], sources["index"] = None, DEFAULT
    return Found(settings_of(values), sources, file.path, file.named)


def _from_environment() -> dict[str, Any]:
    values = {}
    for name, one in SETTINGS.items():
        text = os.environ.get(one.variable, "")
        if text.strip():
            try:
                values[name] = one.parsed(text if one.secret else text.strip())
            except ValueError:
                shown = "not usable" if one.secret else repr(text.strip()[:40])
                raise InputError(f"{one.variable} is {shown}.", one.remedy) from None
    return values


def public_environment() -> dict[str, str]:
    """The environment for a child process that has no business with secrets."""
    secret = {one.variable for one in SETTINGS.values() if one.secret or one.address}
    return {name: value for name, value in os.environ.items() if name not in secret}
