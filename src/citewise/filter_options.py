"""Choosing documents on the command line: ``--document``, ``--folder``, ``--type`` and the rest."""

from __future__ import annotations

import argparse

from citewise.types import Filter

__all__ = ["add_arguments", "where_of"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which documents may be searched."""
    group = parser.add_argument_group(
        "which documents",
        "Search only some of the documents. Options of one kind add up; --type, --tag and the "
        "dates then narrow what --document and --folder chose.",
    )
    for option, field, metavar, what in (
        ("--document", "documents", "NAME", "this document, by its path in the corpus"),
        ("--folder", "folders", "PATH", "all documents below this folder of the corpus"),
        ("--type", "types", "TYPE", "documents of this type, such as pdf or md"),
        ("--tag", "tags", "TAG", "documents with this tag"),
    ):
        group.add_argument(
            option, dest=field, action="append", default=[], metavar=metavar, help=what
        )
    group.add_argument("--since", metavar="DATE", help="changed on this day or later (2026-03-31)")
    group.add_argument("--until", metavar="DATE", help="changed on this day or earlier")


def where_of(args: argparse.Namespace) -> Filter | None:
    """The filter that the options make, or None without any."""
    where = Filter(
        tuple(args.documents),
        tuple(args.folders),
        tuple(args.types),
        tuple(args.tags),
        args.since,
        args.until,
    )
    return None if where == Filter() else where
