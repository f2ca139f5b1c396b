"""How much visitors may bring along; stated in the page, enforced where a file comes in."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from citewise.errors import CitewiseError, InputError

__all__ = ["MIB", "Limits", "TooLargeError"]

MIB = 1024 * 1024


class TooLargeError(CitewiseError):
    """A file, or all files together, are larger than allowed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, and counts.

    ``file_bytes`` is the most for one file; ``visitor_bytes`` and ``visitor_files`` for all that
    one visitor keeps; ``all_bytes`` for all visitors together. ``waiting`` files may wait to be
    read. What nobody has used for ``idle_seconds`` is deleted.
    """

    file_bytes: int = 32 * MIB
    visitor_bytes: int = 256 * MIB
    visitor_files: int = 50
    all_bytes: int = 4096 * MIB
    waiting: int = 200
    idle_seconds: int = 7 * 24 * 3600

    def room(self, name: str, size: int | None, files: int, kept: int) -> int:
        """The bytes that one more file of a visitor may have.

        Args:
            name: for the message.
            size: what was announced, if anything.
            files: how many the visitor has.
            kept: the bytes of all of them.

        Raises:
            TooLargeError: it, or all together, would be too large.
            InputError: there are too many.
        """
        if files >= self.visitor_files:
            raise InputError(
                f"There are already {files} files, which is the most allowed.", "Remove one first."
            )
        allowed = min(self.file_bytes, self.visitor_bytes - kept)
        if allowed <= 0:
            raise TooLargeError("There is no room left for files.", "Remove others first.")
        if size is not None and size > allowed:
            raise TooLargeError(
                f"{name!r} has {size:,} bytes; {allowed:,} are left for it.",
                "Choose a smaller file, or remove others.",
            )
        return allowed

    def to_dict(self) -> dict[str, int]:
        """As the page is told."""
        return asdict(self)
