"""The parts of a sentence that can be checked one by one: of facts joined, each must hold."""

from __future__ import annotations

import re

from citewise.tokens import content_terms

__all__ = ["clauses_of"]

_JOINT = re.compile(
    r"(?:,|;)\s+(?:and|but|which|who|where|while|with)\s+|;\s+|\s+(?:and|but)\s+|,\s+"
)
# A shorter part says too little by itself: an item of a list, a date, an apposition.
_LEAST_BEFORE, _LEAST_AFTER = 4, 3


def clauses_of(claim: str) -> list[str]:
    """The clauses of a sentence, as far as each says something by itself; itself if it is one.

    Words are counted that carry meaning: at least four before a joint, and three after it. What
    is shorter stays with the part before it.
    """
    found: list[str] = []
    for piece in _JOINT.split(claim):
        stands = len(content_terms(piece)) >= _LEAST_AFTER
        if found and stands and len(content_terms(found[-1])) >= _LEAST_BEFORE:
            found.append(piece)
        elif found:
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return [part.strip() for part in found if part.strip()]
