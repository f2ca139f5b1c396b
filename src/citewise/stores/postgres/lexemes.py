"""Terms as PostgreSQL holds them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AVERAGE", "LONGEST", "MOST_REPEATS", "Frequency", "lexeme", "storable"]

AVERAGE = 60.0
"""Terms in a passage, for the bounds that are stored with terms: of a longer average they grow."""

LONGEST = 200
"""Characters by which a term is known; PostgreSQL takes no more than 2046 bytes."""

MOST_REPEATS = 255
"""Positions of a term in a tsvector."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many passages and spans hold a term, and the most it adds to a score at weight 1."""

    passages: int = 0
    spans: int = 0
    best: float = 0.0


def storable(term: str) -> str:
    """A term as it is known."""
    return term[:LONGEST].replace("\0", "")


def lexeme(collection: int, term: str) -> str:
    """A term as a tsquery, of one collection: another's passages are not even looked at."""
    escaped = storable(term).replace("\\", "\\\\").replace("'", "''")
    return f"'{collection}:{escaped}'"
