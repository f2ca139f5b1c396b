"""Zip archives: the files in them, under safe names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from citewise.files import safe_name
from citewise.limits import ReadLimits
from citewise.readers.extracted import Member
from citewise.readers.packed import open_packed, packed_time, read_packed

__all__ = ["members_of_zip", "safe_path"]

_DRIVE = re.compile(r"[A-Za-z]:")
_HIDDEN = ("__MACOSX", "__pycache__", "node_modules", "Thumbs.db", "desktop.ini")


def members_of_zip(data: bytes, limits: ReadLimits) -> Iterator[Member]:
    """The files in an archive in the order of their names; hidden ones are passed over.

    Raises:
        UnusableFileError: damaged, or too large when unpacked.
    """
    archive = open_packed(data, limits)
    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
        path = safe_path(entry.filename)
        parts = path.split("/")
        # An entry without a name is asked nothing: zipfile cannot tell whether it is a folder.
        if not path or entry.is_dir() or any(p.startswith(".") or p in _HIDDEN for p in parts):
            continue

        def read(entry: object = entry) -> bytes:
            return read_packed(archive, entry, limits)  # type: ignore[arg-type]

        yield Member(path, packed_time(entry), read)


def safe_path(name: str) -> str:
    """A member's name as a path below its archive: no root, no drive, no way up."""
    parts = (_DRIVE.sub("", part) for part in name.replace("\\", "/").split("/"))
    return "/".join(safe_name(part) for part in parts if part not in ("", ".", ".."))
