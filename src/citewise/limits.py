"""How much a single file may ask of the machine before it is given up and reported."""

from __future__ import annotations

from dataclasses import dataclass

from citewise.setting import LOWER, setting

__all__ = ["ReadLimits", "UnusableFileError", "mebibytes"]


class UnusableFileError(Exception):
    """Why one file, or one part of it, cannot become a document; ends without a full stop."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limits for one file; each is a setting: ``read_file_bytes`` and so on.

    ``seconds`` may pass without a sign of life (a page, a sheet, a member of an archive),
    ``total_seconds`` in all. ``memory_bytes`` is address space, so that a few hundred MiB of it
    are gone before reading begins; systems without such a limit ignore it. ``unpacked_bytes`` and
    ``members`` count over all that an archive, or a format built on one, holds.
    """

    file_bytes: int = setting(200 * 2**20, "bytes of a file", least=1, found=LOWER)
    text_characters: int = setting(50_000_000, "characters of the text in it", least=1, found=LOWER)
    pages: int = setting(20_000, "pages of a PDF; those beyond are named", least=1, found=LOWER)
    seconds: int = setting(
        60, "seconds without a page, sheet or member finished", least=1, found=LOWER
    )
    total_seconds: int = setting(1800, "seconds in all", least=1, found=LOWER)
    memory_bytes: int = setting(
        2 * 2**30, "bytes of address space of its process", least=1, found=LOWER
    )
    unpacked_bytes: int = setting(
        2**30, "bytes that an archive, or a file built on one, unpacks to", least=1, found=LOWER
    )
    members: int = setting(10_000, "files in an archive or message", least=1, found=LOWER)


def mebibytes(size: int) -> str:
    """A size for a message: ``200 MiB``."""
    return f"{size / 2**20:,.0f} MiB" if size >= 2**20 else f"{size:,} bytes"
