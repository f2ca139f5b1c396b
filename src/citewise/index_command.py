"""``citewise index``: build, update, watch, examine and mend an index.

Exit codes: 0 done; 1 a check found something wrong; 2 wrong usage or input; 3 documents, index or
model unusable; 130 interrupted.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citewise import collection_command
from citewise.errors import CitewiseError, CorpusError, InputError
from citewise.rendering import json_text, visible
from citewise.settings_options import add_options

if TYPE_CHECKING:
    from citewise.assistant import Assistant
    from citewise.index import Index, UpdateSummary
    from citewise.index_check import CheckReport

__all__ = ["add_parser", "run"]

_EPILOG = """examples:
  citewise index path/to/files              build or update its index
  citewise index path/to/files --dry-run    what would be done, and nothing else
  citewise index path/to/files --watch      go on whenever a file changes; Ctrl-C ends it
  citewise index path/to/files --check      prove that the index is sound
  citewise index path/to/files --repair     mend what --check found
  citewise index hr/ --collection hr        bring a folder into a collection of the common store
  citewise index --list-collections         which there are; --remove-collection hr deletes one

Ctrl-C is safe at any moment: the index stays as it was, and what was embedded is kept for the
next run. Files are told to be unchanged by size and time, others by their content.

exit codes: 0 done, 1 a check found something wrong, 2 wrong usage or input, 3 documents, index or
model unusable, 130 interrupted
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``index`` to the command line; ``args.run`` is then ``run``."""
    index = commands.add_parser(
        "index",
        help="build or update the index of a folder, watch it, check it",
        description="Build the index of a folder of documents, or bring it up to date.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    index.add_argument("corpus", nargs="?", help="folder of documents, or an address (seeds/)")
    add_options(index, "index", "store", "runner")
    modes = index.add_mutually_exclusive_group()
    modes.add_argument("--watch", action="store_true", help="update at every change until Ctrl-C")
    modes.add_argument("--dry-run", action="store_true", help="only say what would be done")
    modes.add_argument("--check", action="store_true", help="prove that the index is sound")
    modes.add_argument("--repair", action="store_true", help="mend it, then check it")
    modes.add_argument("--stats", action="store_true", help="its statistics; nothing is updated")
    collection_command.add_arguments(index, modes)
    index.add_argument(
        "--thorough",
        action="store_true",
        help="compare the content of every file, even where its size and time are the same",
    )
    index.add_argument(
        "--all", action="store_true", help="name every file of the summary, not only the first 20"
    )
    index.add_argument("--json", action="store_true", help="the result as JSON")
    index.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        CitewiseError: documents, index or model are unusable.
    """
    from citewise.assistant import Assistant

    of_store = args.list_collections or args.remove_collection or args.collection
    # A collection lies in the common store, not in one that its own folder of documents would get.
    corpus = None if of_store else args.corpus
    with Assistant(corpus, args.index, store=args.store, runner=args.runner, llm="none") as store:
        if args.list_collections:
            collection_command.print_collections(store, as_json=args.json)
            return 0
        if args.remove_collection is not None:
            collection_command.print_removed(store, args.remove_collection, as_json=args.json)
            return 0
        if args.collection is None:
            return _run(store, args)
        reads = not (args.check or args.stats)
        kept = collection_command.kept_by(store, args.collection, args.corpus, reads=reads)
        return _run(kept, args)


def _run(assistant: Assistant, args: argparse.Namespace) -> int:
    if args.check or args.stats:
        if not _behind_address(assistant):
            _refuse_missing(assistant)
    else:
        _refuse_unusable(assistant, args)
    if args.check:
        return _check(assistant, args)
    if args.repair:
        return _repair(assistant, args)
    if args.stats:
        _print_stats(_stats(assistant), args.json)
    elif args.dry_run:
        _print_update(_planned(assistant, args.thorough), args, planned=True)
    elif args.watch:
        _watch(assistant, args)
    else:
        _print_update(_updated(assistant, args.thorough), args, assistant)
    return 0


def _refuse_unusable(assistant: Assistant, args: argparse.Namespace) -> None:
    from citewise.collecting import refuse_names_of_collections

    if args.watch and not Path(assistant.corpus).exists():
        raise CorpusError(
            f"There is no folder {str(assistant.corpus)!r} here.", "Give a folder to watch."
        )
    if assistant.reads_only and not assistant.names_corpus:
        raise InputError(
            f"Nobody says which documents {assistant.store.shown} is to hold.",
            "Name their folder: what the store holds besides would be removed from it.",
        )
    if args.collection is None:
        refuse_names_of_collections(assistant.store, assistant.corpus)


def _behind_address(assistant: Assistant) -> bool:
    return assistant.store.folder is None


def _unmodelled(assistant: Assistant) -> Index:
    """What lies behind an address, without loading the embedding model."""
    from citewise.planned import NameOnly

    return assistant.store.open(NameOnly(assistant.embedder_name), assistant.home)


def _updated(assistant: Assistant, thorough: bool) -> UpdateSummary:
    from citewise.index_progress import IndexProgress

    with IndexProgress() as progress:
        return assistant.update(progress, thorough=thorough)


def _watch(assistant: Assistant, args: argparse.Namespace) -> None:
    from citewise.index_watch import changes

    first = True
    for _ in changes(Path(assistant.corpus), assistant.index_folder):
        try:
            done = _updated(assistant, args.thorough and first)
        except CitewiseError as error:
            if first:
                raise
            # Somebody else may be writing, or the folder may be gone for a moment.
            print(f"citewise: {error}", file=sys.stderr)
            continue
        if first or done.reason:
            _print_update(done, args)
        if first:
            print(f"Watching {assistant.corpus}; Ctrl-C ends it.", file=sys.stderr)
        first = False


def _planned(assistant: Assistant, thorough: bool) -> UpdateSummary:
    from citewise.index_progress import IndexProgress

    with IndexProgress() as progress:
        return assistant.plan(progress, thorough=thorough)


def _refuse_missing(assistant: Assistant) -> None:
    from citewise.opening import DATABASE

    if not (assistant.index_folder / DATABASE).exists():
        raise InputError(
            f"There is no index in {assistant.index_folder}.",
            "Build it with `citewise index`, or give its folder with --index.",
        )


def _check(assistant: Assistant, args: argparse.Namespace) -> int:
    report = _checked(assistant)
    _print_check(report, assistant, args.json)
    return 0 if report.sound else 1


def _checked(assistant: Assistant) -> CheckReport:
    from citewise.index_check import check_index
    from citewise.index_progress import IndexProgress
    from citewise.opening import unopened_database

    with IndexProgress() as progress:
        if _behind_address(assistant):
            with _unmodelled(assistant) as index:
                return index.check(progress)
        return check_index(unopened_database(assistant.index_folder), progress)


def _repair(assistant: Assistant, args: argparse.Namespace) -> int:
    _mend(assistant)
    done = _updated(assistant, thorough=True)
    report = _checked(assistant)
    if args.json:
        print(json_text({"update": dataclasses.asdict(done), "check": _plain(report)}, 2))
    else:
        _print_update(done, args)
        _print_check(report, assistant, as_json=False)
    return 0 if report.sound else 1


def _mend(assistant: Assistant) -> None:
    from citewise.index_repair import repair_index
    from citewise.opening import is_sound, unopened_database

    if _behind_address(assistant):
        with _unmodelled(assistant) as index:
            report = index.check()
            index.repair(report)
    elif is_sound(assistant.index_folder):
        report = _checked(assistant)
        repair_index(unopened_database(assistant.index_folder), report)
    else:
        return
    for finding in report.findings:
        print(visible(f"Mended: {finding.problem}."), file=sys.stderr)


def _stats(assistant: Assistant) -> dict[str, Any]:
    from citewise.index_stats import index_stats
    from citewise.opening import unopened_database

    if _behind_address(assistant):
        with _unmodelled(assistant) as index:
            return dict(index.stats())
    return dict(index_stats(unopened_database(assistant.index_folder)))


def _print_stats(stats: dict[str, Any], as_json: bool) -> None:
    text = "\n".join(f"{name}: {value}" for name, value in stats.items())
    print(json_text(stats, 2) if as_json else visible(text))


def _print_update(
    done: UpdateSummary,
    args: argparse.Namespace,
    assistant: Assistant | None = None,
    *,
    planned: bool = False,
) -> None:
    from citewise.reporting import update_lines

    if args.json:
        found: dict[str, Any] = {"update": dataclasses.asdict(done)}
        if assistant is not None:
            found = {**assistant.stats(), **found}
        print(json_text(found, 2), flush=True)
    else:
        lines = update_lines(done, all_names=args.all, planned=planned)
        print(visible("\n".join(lines)), flush=True)


def _print_check(report: CheckReport, assistant: Assistant, as_json: bool) -> None:
    from citewise.reporting import check_lines

    if as_json:
        print(json_text(_plain(report), 2))
    else:
        print(visible("\n".join(check_lines(report, _place(assistant)))))


def _place(assistant: Assistant) -> str:
    """Where the index is, without the secrets of an address."""
    if not _behind_address(assistant):
        return str(assistant.index_folder)
    with _unmodelled(assistant) as index:
        return str(index.stats()["path"])


def _plain(report: CheckReport) -> dict[str, Any]:
    kept = ("documents", "passages", "spans", "vectors", "waiting", "wrong")
    findings = [{"part": f.part, "problem": f.problem} for f in report.findings]
    counts = {name: getattr(report, name) for name in kept}
    return {"sound": report.sound, **counts, "findings": findings}
