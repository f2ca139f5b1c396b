"""Opening the database of an index: created, accepted, replaced or refused."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from citewise.database import Condition, Database, condition, faults_of
from citewise.errors import IndexFault
from citewise.locking import writer_lock
from citewise.schema import FORMAT

__all__ = ["DATABASE", "LOCK", "begin_anew", "is_sound", "open_database", "unopened_database"]

DATABASE = "citewise.sqlite3"
LOCK = "writer.lock"

_PATIENCE = 5.0  # Seconds; creating the tables takes a few milliseconds.

_log = logging.getLogger(__name__)


def open_database(folder: Path) -> tuple[Database, str]:
    """The database in ``folder``, and why it is empty where that is not its first use.

    A damaged database is moved aside to ``citewise.sqlite3.damaged`` and logged in one line; one
    of an older format is deleted. Everything in either can be made from the documents again.

    Raises:
        IndexFault: not a folder, not readable, not writable and empty, or of a newer format.
    """
    if folder.exists() and not folder.is_dir():
        raise IndexFault(f"{folder} is a file.", "Give a folder for the index.")
    with faults_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        database = Database(folder / DATABASE, read_only=not _writable(folder))
        return database, _prepared(database)


def _prepared(database: Database) -> str:
    found = _checked(database)
    if found is Condition.SOUND:
        return ""
    if database.read_only:
        raise IndexFault(
            f"The index in {database.path.parent} is {found.value}, and the folder cannot be "
            "written.",
            "Make it writable, or choose another index folder.",
        )
    # Several processes may come upon it at once: one replaces it, the others find it done.
    with writer_lock(database.path.with_name(LOCK), wait=_PATIENCE):
        return _replaced(database, _checked(database))


def _checked(database: Database) -> Condition:
    found = condition(database.path, read_only=database.read_only)
    if found is Condition.NEWER:
        raise IndexFault(
            f"The index in {database.path.parent} was written by a newer citewise than this one, "
            f"which knows formats up to {FORMAT}.",
            "Update citewise, or choose another index folder.",
        )
    return found


def unopened_database(folder: Path) -> Database:
    """The database in ``folder`` as it is: nothing is created, checked or replaced."""
    return Database(folder / DATABASE, read_only=not _writable(folder))


def is_sound(folder: Path) -> bool:
    """Whether ``open_database`` would leave the database in ``folder`` as it is.

    Raises:
        IndexFault: it cannot be read, or is of a newer format.
    """
    if not folder.is_dir():
        return False
    with faults_of(folder):
        return _checked(unopened_database(folder)) is Condition.SOUND


def begin_anew(database: Database) -> str:
    """Put a damaged database aside and an empty one in its place; return why it is empty.

    The writer's lock has to be held.
    """
    with faults_of(database.path.parent):
        return _replaced(database, Condition.DAMAGED)


def _replaced(database: Database, found: Condition) -> str:
    if found is Condition.SOUND:
        return ""
    database.close()
    path = database.path
    if found is Condition.DAMAGED:
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        _log.warning(
            "The index in %s was damaged and is rebuilt from the documents; what was left of it "
            "is in %s.",
            path.parent,
            aside.name,
        )
    # The log belongs to the file that is going: a new one must not find it.
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    database.create()
    return {Condition.DAMAGED: "repaired", Condition.OLDER: "format changed"}.get(found, "")


def _writable(folder: Path) -> bool:
    path = folder / DATABASE
    return all(
        os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
        for place in (folder, path)
        if place.exists()
    )
