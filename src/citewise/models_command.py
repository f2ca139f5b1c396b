"""``citewise models``: lists, fetches and checks the models. Results go to stdout.

Exit codes: 0 done; 2 no such model; 3 a model is missing, damaged or not to be had.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from citewise.errors import ModelError

if TYPE_CHECKING:
    from citewise.modelcache import ModelState
    from citewise.modelspec import ModelSpec

__all__ = ["add_parser", "run"]

_EPILOG = """\
examples:
  citewise models list                          what there is, and what is already here
  citewise models fetch                         get the three default ones
  citewise models fetch all-mpnet-base-v2       get just that one
  citewise models verify --json                 read every byte of the defaults again
  citewise models path all-minilm-l6-v2         where it lies

settings (see `citewise config`):
  CITEWISE_CACHE    folder for fetched models
  CITEWISE_MODELS   folder with your own copies, looked at first: NAME/... in it
  CITEWISE_OFFLINE  1 forbids the network

exit codes: 0 done; 2 no such model; 3 a model is missing, damaged or not to be had
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``models`` to the command line; ``args.run`` is then ``run``."""
    parser = subparsers.add_parser(
        "models",
        help="list, fetch and verify the models",
        description="List, fetch and verify the models. Every file is pinned by its SHA-256.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text, names in (
        ("list", "every known model, its size and state", None),
        ("fetch", "fetch models (default: the default ones)", "*"),
        ("verify", "read and check every byte (default: the default models)", "*"),
        ("path", "where a model lies, for use in a command", 1),
    ):
        part = actions.add_parser(action, help=text, description=text[0].upper() + text[1:] + ".")
        part.add_argument("--json", action="store_true", help="print the result as JSON")
        if names is not None:
            part.add_argument("names", nargs=names, metavar="NAME", help="name of a model")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        InputError: no such model.
        ModelError: a model cannot be had, read or written.
    """
    return {"list": _list, "fetch": _fetch, "verify": _verify, "path": _path}[args.action](args)


def _chosen(args: argparse.Namespace) -> list[ModelSpec]:
    from citewise.registry import DEFAULT_MODELS, get

    return [get(name) for name in args.names or DEFAULT_MODELS]


def _list(args: argparse.Namespace) -> int:
    from citewise.modelcache import ModelCache
    from citewise.registry import MODELS

    cache = ModelCache.default()
    _show([_row(spec, cache.state(spec)) for spec in MODELS.values()], as_json=args.json)
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from citewise.fetching import ensure
    from citewise.modelcache import ModelCache

    specs = _chosen(args)
    for spec in specs:
        ensure(spec)
    cache = ModelCache.default()
    _show([_row(spec, cache.state(spec)) for spec in specs], as_json=args.json)
    return 0


def _verify(args: argparse.Namespace) -> int:
    from citewise.modelcache import State

    rows = [_row(spec, _read_again(spec)) for spec in _chosen(args)]
    _show(rows, as_json=args.json)
    wrong = [row for row in rows if row["state"] != State.VERIFIED.value]
    for row in wrong:
        print(f"{row['problem']} Run `citewise models fetch {row['name']}`.", file=sys.stderr)
    return ModelError.exit_code if wrong else 0


def _read_again(spec: ModelSpec) -> ModelState:
    from citewise.byteprogress import ByteProgress
    from citewise.modelcache import ModelCache

    done = 0
    with ByteProgress(f"Verifying {spec.name}", spec.size) as bar:

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            bar.to(done)

        return ModelCache.default().verify(spec, full=True, on_bytes=on_bytes)


def _path(args: argparse.Namespace) -> int:
    from citewise.fetching import locate

    (spec,) = _chosen(args)
    path = str(locate(spec))
    print(json.dumps({"name": spec.name, "path": path}) if args.json else path)
    return 0


def _row(spec: ModelSpec, found: ModelState) -> dict[str, str | int | bool]:
    from citewise.registry import DEFAULT_MODELS

    return {
        "name": spec.name,
        "role": spec.role,
        "licence": spec.licence,
        "size": spec.size,
        "default": spec.name in DEFAULT_MODELS,
        "state": found.state.value,
        "path": str(found.folder / spec.entry if spec.entry else found.folder),
        "problem": found.problem,
    }


def _show(rows: list[dict[str, str | int | bool]], *, as_json: bool) -> None:
    from citewise.byteprogress import readable

    if as_json:
        print(json.dumps(rows, indent=2))
        return
    titles = ("name", "role", "licence", "size", "state", "default", "path")
    table = [[title.upper() for title in titles]]
    for row in rows:
        shown = row | {"size": readable(int(row["size"])), "default": "yes" * bool(row["default"])}
        table.append([str(shown[title]) for title in titles])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join(cells).rstrip())
