"""``citewise index``'s options for collections: which there are, and removing one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from citewise.collection_names import checked_name, shown_name
from citewise.collection_places import held_collections, is_held, remove_collection
from citewise.errors import InputError
from citewise.rendering import json_text, visible

if TYPE_CHECKING:
    from citewise.assistant import Assistant

__all__ = ["add_arguments", "kept_by", "print_collections", "print_removed"]


def add_arguments(index: argparse.ArgumentParser, modes: argparse._MutuallyExclusiveGroup) -> None:
    """Add all of them."""
    index.add_argument(
        "--collection",
        metavar="NAME",
        help="bring the folder into this collection of the store, whatever else that holds",
    )
    modes.add_argument("--list-collections", action="store_true", help="name the store's and end")
    modes.add_argument(
        "--remove-collection", metavar="NAME", help="delete one with all of its documents and end"
    )


def kept_by(store: Assistant, collection: str, corpus: str | None, *, reads: bool) -> Assistant:
    """The assistant that brings ``corpus`` into a collection of a store.

    Args:
        store: has the collection's store.
        collection: its name.
        corpus: a folder of documents, or an address.
        reads: whether the documents are needed.

    Raises:
        InputError: no folder is given, or no collection can be called that.
    """
    if corpus is None and reads:
        raise InputError(
            f"Nobody says which documents the collection {collection!r} is to hold.",
            f"Name their folder: citewise index FOLDER --collection {collection}",
        )
    kept = store.keeping(collection, corpus or store.corpus)
    if not reads and not is_held(store.store, kept.home):
        raise InputError(
            f"There is no collection {shown_name(kept.home)!r} in {store.store.shown}.",
            "`citewise index --list-collections` names those that there are.",
        )
    return kept


def print_collections(store: Assistant, *, as_json: bool) -> None:
    """Each collection with how many documents it holds.

    Raises:
        InputError: the store cannot tell.
    """
    found: list[dict[str, Any]] = [
        {"collection": shown_name(name), "documents": _documents(store, name)}
        for name in held_collections(store.store)
    ]
    lines = [f"{one['collection']}: {_counted(one['documents'])}" for one in found]
    text = "\n".join(lines) or f"There are no collections in {store.store.shown}."
    print(json_text(found, 2) if as_json else visible(text))


def print_removed(store: Assistant, given: str, *, as_json: bool) -> None:
    """Delete a collection and say what that was.

    Raises:
        InputError: there is none of that name, or it is that of the documents in none.
        IndexFault: somebody is writing it.
    """
    name = checked_name(given)
    if not name:
        raise InputError(
            "The documents that are in no collection are those of a folder.",
            "Remove them from that folder and run `citewise index` again.",
        )
    if name not in held_collections(store.store):
        raise InputError(
            f"There is no collection {name!r} in {store.store.shown}.",
            "`citewise index --list-collections` names those that there are.",
        )
    documents = _emptied(store, name)
    done: dict[str, Any] = {"removed": name, "documents": documents}
    text = f"The collection {name!r} is gone, with {_counted(documents)}."
    print(json_text(done, 2) if as_json else visible(text))


def _counted(documents: int) -> str:
    return f"{documents:,} document" + ("" if documents == 1 else "s")


def _documents(store: Assistant, name: str) -> int:
    from citewise.index_stats import index_stats
    from citewise.opening import unopened_database

    folder = store.store.folder_of(name)
    if folder is None:
        return int(store.seeing(shown_name(name)).stats()["documents"])
    return int(index_stats(unopened_database(folder))["documents"])


def _emptied(store: Assistant, name: str) -> int:
    documents = _documents(store, name)
    if not store.store.is_folder:
        from citewise.planned import NameOnly
        from citewise.splitting import split

        with store.store.open(NameOnly(store.embedder_name), name) as index:
            index.update([], split)
    if store.store.folder is not None:
        remove_collection(store.store, name)
    return documents
