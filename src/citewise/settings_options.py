"""Settings as options of a command: each option's name, type and help come from its setting."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from citewise.errors import InputError
from citewise.rendering import visible
from citewise.setting import Setting
from citewise.settings import Found
from citewise.settings_table import SETTINGS

__all__ = ["add_config", "add_options", "announce", "given"]


_METAVARS = {
    "folder": "FOLDER",
    "file": "FILE",
    "text": "TEXT",
    "number": "NUMBER",
    "whole number": "N",
}


def add_options(parser: argparse._ActionsContainer, *names: str) -> None:
    """Add the options of these settings; what is not given is None, so that it outranks nothing."""
    for name in names:
        one = SETTINGS[name]
        if one.kind == "yes or no":
            text = f"do not {one.help}" if one.default else one.help
            parser.add_argument(
                one.option, dest=name, action="store_const", const=not one.default, help=text
            )
        else:
            numeric = one.kind in ("number", "whole number")
            parser.add_argument(
                one.option,
                dest=name,
                type=_type_of(one),
                metavar=_METAVARS.get(one.kind) or f"{{{','.join(one.choices)}}}",
                help=f"{one.help} ({one.default:g})" if numeric else one.help,
            )


def add_config(parser: argparse.ArgumentParser, default: Any = argparse.SUPPRESS) -> None:
    """Add ``--config`` to a command; where it is given twice, the one behind the command counts."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=default,
        help="settings file (CITEWISE_CONFIG, else citewise.toml if it is here); none: no file",
    )


def given(args: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The settings that a command line gave, by name."""
    return {name: value for name in names if (value := getattr(args, name, None)) is not None}


_announced: set[str] = set()


def announce(found: Found, say: Callable[[str], object] | None = None) -> None:
    """Say which settings file is used, once for each."""
    if found.file is None or str(found.file) in _announced:
        return
    _announced.add(str(found.file))
    how = "as named" if found.file_was_named else "found in the current folder"
    line = visible(f"Settings: {found.file} ({how}).")
    print(line, file=sys.stderr) if say is None else say(line)


def _type_of(one: Setting) -> Callable[[str], Any]:
    def parsed(text: str) -> Any:
        try:
            return one.parsed(text.strip())
        except ValueError:
            remedy = one.remedy.removeprefix("Set it to ").rstrip(".")
            raise argparse.ArgumentTypeError(f"{text!r} is not {remedy}") from None
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed
