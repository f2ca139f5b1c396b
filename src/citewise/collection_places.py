"""Where a store keeps each of its collections, and which it holds; nothing is opened for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from citewise.errors import InputError
from citewise.locking import writer_lock
from citewise.opening import DATABASE, LOCK

__all__ = ["folder_of", "held_collections", "is_held", "remove_collection"]

_FOLDER = "collections"


def folder_of(address: str, name: str) -> Path | None:
    """The folder of a collection's index; None if the store is no folder."""
    if "://" in address:
        return None
    folder = Path(address)
    return folder / _FOLDER / name if name else folder


def is_held(address: str, name: str) -> bool:
    """Whether there is a collection to be opened.

    A store that is no folder keeps them all in one place: there, one without documents can be
    opened like any other.
    """
    folder = folder_of(address, name)
    return folder is None or (folder / DATABASE).exists()


def held_collections(address: str) -> list[str]:
    """The names of all collections in a store, sorted; "" are the documents that are in none.

    Raises:
        InputError: what lies at that address cannot tell.
        IndexFault: it cannot be read.
    """
    folder = folder_of(address, "")
    if folder is None:
        scheme = address.partition("://")[0]
        if scheme in ("postgresql", "postgres"):
            from citewise.stores.postgres.held import held_collections as held

            return held(address)
        raise InputError(
            f"A {scheme}:// store cannot list its collections.", "Ask whoever filled it."
        )
    named = (folder / _FOLDER).glob(f"*/{DATABASE}")
    here = [""] if (folder / DATABASE).exists() else []
    return here + sorted(path.parent.name for path in named)


def remove_collection(address: str, name: str) -> None:
    """Delete all of a collection's documents, and all that was made from them.

    Args:
        address: of a store that is a folder.
        name: not "".

    Raises:
        IndexFault: somebody is writing it.
    """
    folder = folder_of(address, name)
    if not name or folder is None:
        raise InputError("Only a named collection of a folder can be removed like this.")
    with writer_lock(folder / LOCK):
        # The database first: whoever reads sees all of it, or nothing.
        for suffix in ("", "-wal", "-shm"):
            (folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    shutil.rmtree(folder)
