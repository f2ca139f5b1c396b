"""The files a visitor has brought, on disk: each in a folder of its own with a note about it.

What a visitor calls a file never becomes a path. A file that is still coming in has no note yet;
after a crash it is swept away.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from citewise.errors import InputError
from citewise.files import safe_name
from citewise.ui.limits import TooLargeError

__all__ = ["Shelf", "State", "Upload", "shown_name", "suffix_of", "upload_of", "write_chunks"]

State: TypeAlias = Literal[
    "waiting", "reading", "splitting", "embedding", "ready", "failed", "cancelled"
]
_NOTE = "upload.json"
_LONGEST_NAME = 150
_LONGEST_SUFFIX = 12


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that was brought along, and how far it is.

    ``done`` of ``total`` texts are embedded; ``seconds_left`` is None where nobody can tell.
    ``problem`` says why it failed. ``documents`` are the names it is searched under, usually one;
    ``left_out`` are pieces of an archive that could not be read, with the reason.
    """

    id: str
    name: str
    size: int
    sha256: str
    path: str
    owner: str = ""
    state: State = "waiting"
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    problem: str = ""
    documents: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def busy(self) -> bool:
        """Whether something is still to happen to it."""
        return self.state in ("waiting", "reading", "splitting", "embedding")


class Shelf:
    """The folder of one visitor's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> list[Upload]:
        """The files that are there whole, oldest first; what came in halfway is removed."""
        places = sorted(self.folder.glob("*/"), key=lambda path: path.stat().st_mtime_ns)
        found = [(place, _read_note(place / _NOTE)) for place in places]
        for place, upload in found:
            if upload is None:
                shutil.rmtree(place, ignore_errors=True)
        return [upload for _, upload in found if upload is not None]

    async def receive(
        self, name: str, chunks: AsyncIterator[bytes], allowed: int, owner: str = ""
    ) -> Upload:
        """Write a file as it comes in.

        Raises:
            TooLargeError: it is larger than ``allowed`` bytes; nothing of it is kept.
            InputError: it is empty.
        """
        key = secrets.token_hex(8)
        place = self.folder / key
        place.mkdir(parents=True)
        try:
            target = place / f"content{suffix_of(name)}"
            size, digest = await write_chunks(target, chunks, allowed)
            if not size:
                raise InputError(f"The file {name!r} is empty.", "Choose another one.")
            upload = Upload(key, name, size, digest, f"{key}/{target.name}", owner)
            self.note(upload)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return upload

    def note(self, upload: Upload) -> None:
        """Write down what is known of a file, so that a restart finds it."""
        place = self.folder / upload.id
        aside = place / f"{_NOTE}.part"
        with suppress(FileNotFoundError):  # It was removed meanwhile.
            aside.write_text(json.dumps(asdict(upload)), encoding="utf-8")
            aside.replace(place / _NOTE)

    def file(self, upload: Upload) -> Path:
        """Where the file's bytes are."""
        return self.folder / upload.path

    def remove(self, upload: Upload) -> None:
        """Delete a file and its note."""
        shutil.rmtree(self.folder / upload.id, ignore_errors=True)


def shown_name(name: str) -> str:
    """A file's own name without folders, fit to be shown and stored.

    Raises:
        InputError: nothing is left of it.
    """
    plain = name.encode("utf-8", "replace").decode().replace("\\", "/")
    last = safe_name(PurePosixPath(plain).name).strip().lstrip(".")
    if not last.strip(". "):
        raise InputError("The file has no name.", "Give it one, such as report.pdf.")
    if len(last) <= _LONGEST_NAME:
        return last
    suffix = suffix_of(last)
    return last[: _LONGEST_NAME - len(suffix) - 1] + "…" + suffix


def suffix_of(name: str) -> str:
    """The format's ending, in plain letters; readers choose by it, nothing else does."""
    suffix = PurePosixPath(name).suffix.lower()
    plain = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= _LONGEST_SUFFIX
    return suffix if plain else ""


async def write_chunks(target: Path, chunks: AsyncIterator[bytes], allowed: int) -> tuple[int, str]:
    """Write a new file as it comes in; return its size and the SHA-256 of its bytes.

    Raises:
        TooLargeError: it is larger than ``allowed`` bytes.
    """
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > allowed:
                raise TooLargeError(f"This file is larger than the {allowed:,} bytes left for it.")
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def upload_of(note: str) -> Upload:
    """What ``json.dumps(asdict(upload))`` wrote down.

    Raises:
        ValueError, TypeError: something else wrote it.
    """
    upload = Upload(**json.loads(note))
    left_out = tuple((name, reason) for name, reason in upload.left_out)
    return replace(upload, documents=tuple(upload.documents), left_out=left_out)


def _read_note(path: Path) -> Upload | None:
    """The note; whatever was still going on when it was written has to begin again."""
    try:
        upload = upload_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None
    return replace(upload, state="waiting", seconds_left=None) if upload.busy else upload
