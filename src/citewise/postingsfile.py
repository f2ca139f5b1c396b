"""Postings in a file: written whole, mapped rather than read, trusted only by its digest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import fields
from pathlib import Path

import numpy as np

from citewise.postings import Postings
from citewise.vectors import sync_folder

__all__ = ["load", "postings_path", "save"]

_ALIGNED = 64
_HEADER = 4096
_BLOCK = 1 << 20
_ARRAYS = tuple(field.name for field in fields(Postings) if field.name != "average")


def postings_path(folder: Path, generation: int) -> Path:
    """Where the postings of a generation are kept."""
    return folder / f"postings-{generation}.bin"


def save(postings: Postings, path: Path) -> str:
    """Write to ``path`` so that it is there whole or not at all; return its SHA-256.

    Raises:
        OSError: no room, or not allowed.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(_header(postings))
            for name in _ARRAYS:
                file.write(b"\0" * (-file.tell() % _ALIGNED))
                file.write(np.ascontiguousarray(getattr(postings, name)).data)
            file.flush()
            os.fsync(file.fileno())
        digest = _digest(aside)
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return digest


def load(path: Path, sha256: str) -> Postings | None:
    """The postings in ``path``, or None if the file is missing or not the one expected."""
    try:
        if not sha256 or _digest(path) != sha256:
            return None
        with path.open("rb") as file:
            header = json.loads(file.read(_HEADER))
        arrays = {
            name: np.memmap(path, kind, "r", start, (count,)) if count else np.empty(0, kind)
            for name, kind, start, count in header["arrays"]
        }
    except (OSError, ValueError):
        return None
    return Postings(**arrays, average=header["average"])


def _header(postings: Postings) -> bytes:
    arrays, start = [], _HEADER
    for name in _ARRAYS:
        array = getattr(postings, name)
        start += -start % _ALIGNED
        arrays.append([name, array.dtype.str, start, len(array)])
        start += array.nbytes
    header = json.dumps({"average": postings.average, "arrays": arrays}).encode()
    return header.ljust(_HEADER)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
