"""Opening zip files of strangers: nothing is unpacked that would not fit, nothing is encrypted."""

from __future__ import annotations

import io
import zipfile
import zlib
from datetime import datetime

from citewise.limits import ReadLimits, UnusableFileError, mebibytes

__all__ = ["check_packed", "open_packed", "packed_time", "read_packed"]

_ENCRYPTED = 0x1


def open_packed(data: bytes, limits: ReadLimits) -> zipfile.ZipFile:
    """The archive in ``data``, once its sizes are known to be bearable.

    Raises:
        UnusableFileError: damaged, encrypted, or too large when unpacked.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise UnusableFileError("is damaged or incomplete: its zip directory is broken") from error
    if len(entries) > limits.members:
        raise UnusableFileError(
            f"holds {len(entries):,} files; at most {limits.members:,} are read from one archive"
        )
    # What an entry says of its size is kept to when it is read: the rest would not come out.
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.unpacked_bytes:
        raise UnusableFileError(
            f"would unpack to {mebibytes(unpacked)}; at most {mebibytes(limits.unpacked_bytes)} "
            "are read from one archive"
        )
    return archive


def check_packed(data: bytes, limits: ReadLimits) -> None:
    """Refuse an Office file or book whose archive cannot be opened safely.

    Raises:
        UnusableFileError: see ``open_packed``.
    """
    with open_packed(data, limits) as archive:
        if any(entry.flag_bits & _ENCRYPTED for entry in archive.infolist()):
            raise UnusableFileError("is encrypted; save it without a password")


def read_packed(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: ReadLimits) -> bytes:
    """The content of one entry.

    Raises:
        UnusableFileError: encrypted, damaged, or larger than a file may be.
    """
    if entry.flag_bits & _ENCRYPTED:
        raise UnusableFileError("is encrypted; pack it without a password")
    if entry.file_size > limits.file_bytes:
        raise UnusableFileError(f"is larger than {mebibytes(limits.file_bytes)}")
    try:
        with archive.open(entry) as opened:
            return opened.read(entry.file_size)
    except NotImplementedError as error:
        raise UnusableFileError("is packed by a method that cannot be read") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise UnusableFileError("is damaged in its archive") from error


def packed_time(entry: zipfile.ZipInfo) -> str:
    """When an entry was changed, as an ISO time; zip knows no time zone, UTC is assumed."""
    try:
        return datetime(*entry.date_time).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
