"""A sentence that lists several things, proven by the items of one list in a document.

"Watch staff turnover, chip announcements, and adoption" stands in no span: each thing is an item of
its own. So each has to be found in one, and all of these in one list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from citewise.claims import Candidate, Claim, has_name, has_number, recall
from citewise.quantities import names, quantities
from citewise.tokens import content_terms, lexical_terms

__all__ = ["items_of"]

_SEPARATOR = re.compile(r"(?:,\s*(?:and|or|as well as)?|;\s*(?:and|or)?|\s+and|\s+or)\s+", re.I)
_LEAST, _MOST = 2, 10
# How much of a part its item has to hold, and of the sentence all of them with the question.
_HELD, _ALL_HELD = 0.6, 0.8
# Characters from the beginning of a list's first item to that of its last, for each of them.
_ITEM = 600


def items_of(
    claim: Claim, candidates: Sequence[Candidate], weight: Callable[[str], float], given: str
) -> list[Candidate]:
    """The list items that hold each of the things a sentence lists; empty if it lists none.

    Args:
        claim: the sentence.
        candidates: the spans it may rest on.
        weight: how much a term counts.
        given: the question, whose words lead into the list.
    """
    items = [c for c in candidates if c.evidence.kind == "item"]
    parts = _parts(claim.text)
    if len(items) < _LEAST or not _LEAST <= len(parts) <= _MOST:
        return []
    asked = frozenset(lexical_terms(given))
    for first in items:
        near = [c for c in items if _one_list(c, first, len(parts))]
        chosen = [_holder(part, near, weight, asked) for part in parts]
        found = [c for c in chosen if c is not None]
        if len(found) == len(parts) and len(set(map(id, found))) >= _LEAST:
            held = asked.union(*(c.terms for c in found))
            if recall(claim.terms, held, weight) >= _ALL_HELD:
                return list({id(c): c for c in found}.values())
    return []


def _parts(sentence: str) -> list[str]:
    return [part for part in _SEPARATOR.split(sentence.strip(" .")) if part.strip()]


def _one_list(one: Candidate, other: Candidate, parts: int) -> bool:
    a, b = one.evidence, other.evidence
    same = a.document == b.document and a.heading == b.heading
    return same and abs(a.start - b.start) <= parts * _ITEM


def _holder(
    part: str, items: Sequence[Candidate], weight: Callable[[str], float], asked: frozenset[str]
) -> Candidate | None:
    """The item that holds most of the part, and all of its numbers and names."""
    own = frozenset(content_terms(part)) - asked
    if not own:
        return None
    numbers, named = quantities(part), [n for n in names(f"- {part}") if n.terms[0] in own]
    fit = [
        c
        for c in items
        if all(has_number(c, q) for q in numbers) and all(has_name(c, n) for n in named)
    ]
    best = max(fit, key=lambda c: recall(own, c.body_terms, weight), default=None)
    return best if best and recall(own, best.body_terms, weight) >= _HELD else None
