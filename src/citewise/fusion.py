"""Two searches made one: by how far each passage, and its document, fall behind the best.

A rank forgets by how much the first passage is better than the second; the scores know. Each list
is measured by its own best, and both count alike (a convex combination, which Bruch, Gai and
Ingber, ACM TOIS 2023, found better than reciprocal ranks). What is looked for often stands under a
name that another passage of the document gives, so that a document's best passage speaks for the
others too (passages and documents scored together: Callan, SIGIR 1994).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from citewise.lexical import Hit

__all__ = ["fused"]

DOCUMENT_WEIGHT = 0.3
"""What a document's best passage counts, beside the 1 of the passage itself."""


def fused(
    dense: Sequence[Hit], lexical: Sequence[Hit], homes: Mapping[int, Hashable], depth: int
) -> dict[int, float]:
    """The passages of both lists with a score from 0 to 1, the best first.

    Args:
        dense: with cosines, best first.
        lexical: with BM25 scores, best first.
        homes: what tells the document of each passage; those without one are left out.
        depth: how many hits were asked for. What a list of that length lacks may be as good as its
            last; what a shorter one lacks is not worth anything.
    """
    shares = [_shares(hits, depth) for hits in (dense, lexical)]
    found = [key for key in dict.fromkeys(h.id for h in (*dense, *lexical)) if key in homes]
    alone = {key: sum(held.get(key, rest) for held, rest in shares) / 2 for key in found}
    best: dict[Hashable, float] = {}
    for key, score in alone.items():
        best[homes[key]] = max(score, best.get(homes[key], 0.0))
    whole = 1 + DOCUMENT_WEIGHT
    scores = {k: (s + DOCUMENT_WEIGHT * best[homes[k]]) / whole for k, s in alone.items()}
    return {key: scores[key] for key in sorted(scores, key=lambda key: (-scores[key], key))}


def _shares(hits: Sequence[Hit], depth: int) -> tuple[dict[int, float], float]:
    """Each score as a share of the best, and the share of what is not listed."""
    top = max((hit.score for hit in hits), default=0.0)
    shares = {hit.id: max(0.0, hit.score) / top if top > 0 else 0.0 for hit in hits}
    return shares, min(shares.values()) if len(hits) >= depth > 0 else 0.0
