"""Where a store keeps each of its collections, and which it holds; nothing is opened for it."""

from __future__ import annotations

import shutil

from citewise.collection_names import is_name
from citewise.errors import InputError
from citewise.locking import writer_lock
from citewise.opening import DATABASE, LOCK
from citewise.stores.place import StorePlace

__all__ = ["held_collections", "is_held", "remove_collection"]

_FOLDER = "collections"


def is_held(place: StorePlace, name: str) -> bool:
    """Whether there is a collection to be opened; "" always is in a store that is no folder."""
    folder = place.folder_of(name)
    if folder is None:
        return not name or name in held_collections(place)
    return (folder / DATABASE).exists()


def held_collections(place: StorePlace) -> list[str]:
    """The names of all collections in a store, sorted; "" are the documents that are in none.

    Raises:
        IndexFault: it cannot be read.
    """
    if place.folder is None:
        from citewise.stores.postgres.held import held_collections as held

        # What a chat's visitors bring is kept there too, under names that nobody can give.
        return [name for name in held(place.address) if not name or is_name(name)]
    folder = place.folder
    named = (folder / _FOLDER).glob(f"*/{DATABASE}")
    here = [""] if (folder / DATABASE).exists() else []
    return here + sorted(path.parent.name for path in named)


def remove_collection(place: StorePlace, name: str) -> None:
    """Delete all of a collection's documents, and all that was made from them.

    Args:
        place: of a store whose documents lie in a folder.
        name: not "".

    Raises:
        IndexFault: somebody is writing it.
    """
    folder = place.folder_of(name)
    if not name or folder is None:
        raise InputError("Only a named collection of a folder can be removed like this.")
    with writer_lock(folder / LOCK):
        # The database first: whoever reads sees all of it, or nothing.
        for suffix in ("", "-wal", "-shm"):
            (folder / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    shutil.rmtree(folder)
