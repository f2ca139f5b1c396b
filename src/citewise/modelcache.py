"""Where model files lie, and whether they are the pinned bytes. Never touches the network."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from citewise.errors import ModelError
from citewise.modelspec import ModelSpec, PinnedFile
from citewise.settings import current

__all__ = ["ModelCache", "ModelState", "State", "cache_folder", "hash_file"]

_BLOCK = 1 << 20
_Hasher: TypeAlias = Callable[[Path], str | None]


class State(str, Enum):
    """What is known about a model's files.

    ``PRESENT``: every file is there with its size, its bytes not yet hashed. ``VERIFIED``: the
    bytes were hashed, and neither size nor time of change differs since.
    """

    VERIFIED = "verified"
    PRESENT = "present"
    DAMAGED = "damaged"
    MISSING = "missing"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model's state, and the folder its files lie in or would lie in.

    ``problem`` names the file at fault, with both hashes if its hash is wrong.
    """

    state: State
    folder: Path
    problem: str = ""


class ModelCache:
    """The folder of fetched models, and the user's own copies, which are read only.

    Args:
        root: fetched models, one folder each.
        local: the user's copies: one folder a model, or a model's only file directly.
    """

    def __init__(self, root: Path, local: Path | None = None) -> None:
        self.root = root
        self.local = local

    @classmethod
    def default(cls) -> ModelCache:
        """As the settings ``cache`` and ``models`` say."""
        return cls(cache_folder() / "models", current().models)

    def folder(self, spec: ModelSpec) -> Path:
        """Where a fetched model lies."""
        return self.root / spec.name

    def state(self, spec: ModelSpec) -> ModelState:
        """What sizes and stamps tell, in a moment, without reading the files."""
        stamps = self._stamps(spec)
        return self._examine(spec, lambda path: _stamped(path, stamps))

    def verify(
        self, spec: ModelSpec, *, full: bool = False, on_bytes: Callable[[int], None] | None = None
    ) -> ModelState:
        """Hash the files that changed since they were last hashed; with ``full``, all of them.

        ``on_bytes`` hears the length of each block. Right files are remembered by a stamp (size,
        time of change, hash), so that later starts need not read them again.

        Raises:
            ModelError: a file cannot be read.
        """
        stamps = {} if full else self._stamps(spec)
        found = self._examine(
            spec, lambda path: _stamped(path, stamps) or hash_file(path, on_bytes)
        )
        if found.state is State.VERIFIED:
            self._write_stamps(spec, found.folder)
        elif full:  # A disk can change bytes without changing times; forget what was believed.
            with contextlib.suppress(OSError):
                self._stamp_file(spec).unlink(missing_ok=True)
        return found

    def wanting(self, spec: ModelSpec) -> list[PinnedFile]:
        """The files that the fetched model lacks, or holds with other bytes than the pinned."""
        folder, stamps = self.folder(spec), self._stamps(spec)

        def right(file: PinnedFile) -> bool:
            path = folder / file.path
            if not path.is_file() or path.stat().st_size != file.size:
                return False
            return (_stamped(path, stamps) or hash_file(path)) == file.sha256

        return [file for file in spec.files if not right(file)]

    def _examine(self, spec: ModelSpec, sha256_of: _Hasher) -> ModelState:
        if self.local is not None:
            for folder in (self.local / spec.name, self.local):
                if (folder / (spec.entry or spec.files[0].path)).is_file():
                    return _judge(spec, folder, sha256_of)
        return _judge(spec, self.folder(spec), sha256_of)

    def _stamp_file(self, spec: ModelSpec) -> Path:
        return self.root / ".stamps" / f"{spec.name}.json"

    def _stamps(self, spec: ModelSpec) -> dict[str, Any]:
        try:
            stamps = json.loads(self._stamp_file(spec).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return stamps if isinstance(stamps, dict) else {}

    def _write_stamps(self, spec: ModelSpec, folder: Path) -> None:
        paths = [folder / file.path for file in spec.files]
        stamps = self._stamps(spec) | {
            str(path.resolve()): _stamp(path, file.sha256)
            for path, file in zip(paths, spec.files, strict=True)
        }
        target = self._stamp_file(spec)
        aside = target.with_name(f"{target.name}.{os.getpid()}")
        # A cache that cannot be written only means hashing again at the next start.
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(stamps), "utf-8")
            aside.replace(target)


def cache_folder() -> Path:
    """The setting ``cache``, or the user's cache folder for this program."""
    if folder := current().cache:
        return folder
    from platformdirs import user_cache_path

    return user_cache_path("citewise", appauthor=False)


def hash_file(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file as hex; ``on_bytes`` hears the length of each block.

    Raises:
        ModelError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                if on_bytes is not None:
                    on_bytes(len(block))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror or error}.", "Make the file readable."
        ) from error
    return digest.hexdigest()


def _judge(spec: ModelSpec, folder: Path, sha256_of: _Hasher) -> ModelState:
    absent = [file.path for file in spec.files if not (folder / file.path).is_file()]
    if absent:
        return ModelState(State.MISSING, folder, f"{folder} lacks {', '.join(absent)}.")
    state = State.VERIFIED
    for file in spec.files:
        path = folder / file.path
        if (size := path.stat().st_size) != file.size:
            problem = f"{path} has {size:,} bytes, expected {file.size:,}."
            return ModelState(State.DAMAGED, folder, problem)
        if (found := sha256_of(path)) is None:
            state = State.PRESENT
        elif found != file.sha256:
            problem = f"{path} has SHA-256 {found}, expected {file.sha256}."
            return ModelState(State.DAMAGED, folder, problem)
    return ModelState(state, folder)


def _stamp(path: Path, sha256: str) -> list[int | str]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, sha256]


def _stamped(path: Path, stamps: dict[str, Any]) -> str | None:
    stamp = stamps.get(str(path.resolve()))
    if isinstance(stamp, list) and len(stamp) == 3 and stamp == _stamp(path, str(stamp[2])):
        return str(stamp[2])
    return None
