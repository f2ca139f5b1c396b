"""How much visitors may bring along; stated in the page, enforced where a file comes in."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["MIB", "Limits"]

MIB = 1024 * 1024


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

    def to_dict(self) -> dict[str, int]:
        """As the page is told."""
        return asdict(self)
