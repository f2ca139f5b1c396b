"""``citewise config``: what is set, to what, and by whom.

Exit codes: 0 done; 2 a setting cannot be, or there is none of that name.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from citewise.errors import InputError
from citewise.masking import MASK, masked
from citewise.remote_address import Corpus
from citewise.rendering import json_text, visible
from citewise.setting import Setting
from citewise.settings import DEFAULT, Found, found
from citewise.settings_file import VARIABLE
from citewise.settings_table import GROUPS, SETTINGS, Settings, values_of

__all__ = ["add_parser", "run", "settings_table"]

_EPILOG = """examples:
  citewise config                           every setting, its value, and what set it
  citewise config llm top_k                 all about these two
  citewise config --json                    for a program
  CITEWISE_TOP_K=5 citewise config top_k    a variable wins over the file
  citewise config --config team.toml        what that file would set

What is later in this list wins: the default; the settings file; the variable CITEWISE_NAME; the
option of a command. The file is what --config or CITEWISE_CONFIG names, else citewise.toml if that
lies in the current folder. Its lines are such as these:

  corpus = "contracts"
  llm = "http://127.0.0.1:11434/v1#qwen3:8b"
  top_k = 5

A file that was found, not named, may have come with somebody's documents: it may set less. Keys and
passwords are never printed. docs/settings.md has all of it.

exit codes: 0 done; 2 a setting cannot be, or there is none of that name
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``config`` to the command line; ``args.run`` is then ``run``."""
    parser = commands.add_parser(
        "config",
        help="show what is set, and by what",
        description="Show the settings in force, and where each value comes from.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, with what they mean")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument(
        "--markdown", action="store_true", help="the tables of docs/settings.md, made anew"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        InputError: a setting cannot be, or there is none of that name.
    """
    for name in args.names:
        if name not in SETTINGS:
            raise _unknown(name)
    if args.markdown:
        print(settings_table())
        return 0
    in_force = found()
    names = args.names or list(SETTINGS)
    if args.json:
        file = str(in_force.file) if in_force.file else None
        settings = {name: _row(in_force, SETTINGS[name]) for name in names}
        print(json_text({"file": file, "settings": settings}, 2))
    elif args.names:
        print(visible("\n\n".join(_explained(in_force, SETTINGS[name]) for name in names)))
    else:
        print(visible(_listed(in_force)))
    _tell_unknown_variables()
    return 0


def _row(in_force: Found, one: Setting) -> dict[str, Any]:
    value = _shown(in_force, one)
    value = str(value) if isinstance(value, Path) else value
    return {"value": value, "source": in_force.sources[one.name], "variable": one.variable}


def _shown(in_force: Found, one: Setting) -> Any:
    value = values_of(in_force.settings)[one.name]
    if value is None:
        return _place(in_force.settings, one.name)
    if one.address:
        return masked(value)
    return MASK if one.secret and value else value


def _place(settings: Settings, name: str) -> Corpus | None:
    """Where what has no place of its own lies."""
    from citewise.modelcache import cache_folder
    from citewise.places import default_corpus, default_index
    from citewise.ui.options import default_data

    corpus = settings.corpus or default_corpus()
    places: dict[str, Callable[[], Corpus]] = {
        "corpus": lambda: corpus,
        "index": lambda: default_index(corpus),
        "cache": cache_folder,
        "data": lambda: default_data(corpus),
    }
    return places[name]() if name in places else None


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return "-" if value in (None, "") else str(value)


def _listed(in_force: Found) -> str:
    how = "as named" if in_force.file_was_named else "found in the current folder"
    lines = [f"Settings file: {in_force.file} ({how})" if in_force.file else "Settings file: none"]
    rows = {
        title: [(s.name, _text(_shown(in_force, s)), in_force.sources[s.name]) for s in group]
        for title, group in GROUPS.items()
    }
    cells = [row for group in rows.values() for row in group]
    first, second = (max(len(row[i]) for row in cells) for i in (0, 1))
    for title, group in rows.items():
        lines += ["", f"{title}:"]
        lines += [f"  {n:<{first}}  {v:<{min(second, 60)}}  {source}" for n, v, source in group]
    changed = sum(source != DEFAULT for source in in_force.sources.values())
    lines += [
        "",
        f"{changed} of {len(SETTINGS)} are not the default. `citewise config NAME` explains one.",
    ]
    return "\n".join(lines)


def _explained(in_force: Found, one: Setting) -> str:
    lines = [
        f"{one.name} = {_text(_shown(in_force, one))}    ({in_force.sources[one.name]})",
        f"  {one.help}",
        f"  {_kind(one)}; default {_text(one.default)}",
        f"  variable {one.variable}" + (f", option {one.option}" if one.option else ""),
        f"  of a file that was found, not named: {one.found.words}",
    ]
    return "\n".join(lines)


def _kind(one: Setting) -> str:
    return " or ".join(one.choices) if one.choices else f"{one.kind}{one.bounds}"


def settings_table() -> str:
    """Markdown tables of all settings, one for each group."""
    parts = []
    for title, group in GROUPS.items():
        rows = [
            "| setting | what it is | kind | default | option | a found file may set |",
            "|---|---|---|---|---|---|",
        ]
        for one in group:
            default = "" if one.default in (None, "") else f"`{_text(one.default)}`"
            option = f"`{one.option}`" if one.option else ""
            cells = (f"`{one.name}`", one.help, _kind(one), default, option, one.found.words)
            rows.append(f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
        parts.append(f"### {title}\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _tell_unknown_variables() -> None:
    """A mistyped variable would otherwise be one that nobody reads."""
    known = [*(one.variable for one in SETTINGS.values()), VARIABLE]
    for name in sorted(os.environ):
        if name.startswith("CITEWISE_") and name not in known:
            nearest = _nearest(name, known)
            line = f"{name} is no setting; the nearest is {nearest}."
            print(visible(line), file=sys.stderr)


def _unknown(name: str) -> InputError:
    return InputError(
        f"There is no setting {name[:60]!r}; the nearest is {_nearest(name, list(SETTINGS))!r}.",
        "`citewise config` lists all.",
    )


def _nearest(name: str, known: Sequence[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
