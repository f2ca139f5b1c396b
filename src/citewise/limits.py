"""How much a single file may ask of the machine before it is given up and reported."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from citewise.errors import InputError

__all__ = ["ReadLimits", "UnusableFileError", "mebibytes"]

_PREFIX = "CITEWISE_READ_"


class UnusableFileError(Exception):
    """Why one file, or one part of it, cannot become a document; ends without a full stop."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits for one file; each can be set as ``CITEWISE_READ_FILE_BYTES`` and so on.

    ``seconds`` may pass without a sign of life (a page, a sheet, a member of an archive),
    ``total_seconds`` in all. ``memory_bytes`` is address space, so that a few hundred MiB of it
    are gone before reading begins; systems without such a limit ignore it. ``unpacked_bytes`` and
    ``members`` count over all that an archive, or a format built on one, holds.
    """

    file_bytes: int = 200 * 2**20
    text_characters: int = 50_000_000
    pages: int = 20_000
    seconds: int = 60
    total_seconds: int = 1800
    memory_bytes: int = 2 * 2**30
    unpacked_bytes: int = 2**30
    members: int = 10_000

    @classmethod
    def from_environment(cls) -> ReadLimits:
        """The defaults, and what the environment sets instead.

        Raises:
            InputError: a setting is not a whole number above zero.
        """
        chosen = {}
        for field in fields(cls):
            name = _PREFIX + field.name.upper()
            value = os.environ.get(name, "")
            if not value:
                continue
            if not (value.isascii() and value.isdecimal() and int(value)):
                raise InputError(f"{name} is {value!r}.", "Set it to a whole number above zero.")
            chosen[field.name] = int(value)
        return cls(**chosen)


def mebibytes(size: int) -> str:
    """A size for a message: ``200 MiB``."""
    return f"{size / 2**20:,.0f} MiB" if size >= 2**20 else f"{size:,} bytes"
