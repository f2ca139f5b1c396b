"""What a check of the index found wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Part"]

Part = Literal["database", "documents", "passages", "vectors", "words", "manifest", "files"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    ``document`` is the row id of the document that has to be read again to mend it; None where
    the rest can be made from what is stored.
    """

    part: Part
    problem: str
    document: int | None = None
