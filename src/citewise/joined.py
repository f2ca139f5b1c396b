"""Several indexes searched as one: a visitor's own documents beside those that all may ask.

Nothing is copied and nothing embedded twice. Meaning is comparable between the parts, because one
embedding model made all vectors; how rare a word is must be counted over all parts together, or a
word would weigh more in one than in the other.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewise.errors import InputError
from citewise.index import DocumentInfo, Hit, Index, StoredPassage
from citewise.slips import edits
from citewise.spacedterms import distinctive_terms, terms_of
from citewise.types import Document, Filter, Passage

__all__ = ["JoinedIndex"]

# As in citewise.lexical and FTS5's bm25().
_K1, _B = 1.2, 0.75
_NO_TERM = "\x00"

_Search = Callable[[Index, "NDArray[np.int64] | None"], Sequence[Hit]]


class JoinedIndex(Index):
    """The reading half of an ``Index`` over several; what is written goes to the parts.

    Where two parts hold a document of one name, the first part's counts and the other is not
    found, so that a name always leads to the words that were cited.

    Args:
        parts: indexes of one embedding model; the one that wins a name comes first.
    """

    def __init__(self, parts: Sequence[Index]) -> None:
        self._parts = tuple(parts)
        self.embedder = self._parts[0].embedder
        self.folder = self._parts[0].folder

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of each part for all that this thread asks inside the block."""
        with ExitStack() as parts:
            for part in self._parts:
                parts.enter_context(part.reading())
            yield

    def selected(self, where: Filter) -> NDArray[np.int64]:
        """The ids of the passages that a checked filter lets through in any part.

        Raises:
            InputError: it names what no part holds, or no document fits it.
        """
        names = [{info.name for info in part.documents()} for part in self._parts]
        unknown = next((n for n in where.documents if not any(n in held for held in names)), None)
        if unknown is not None:
            raise InputError(f"There is no document {unknown!r}.", "Choose among those listed.")
        found, refused = [], None
        for number, (part, held) in enumerate(zip(self._parts, names, strict=True)):
            here = tuple(name for name in where.documents if name in held)
            if where.documents and not here and not where.folders:
                continue
            try:
                ids = part.selected(dataclasses.replace(where, documents=here))
                found.append(ids * len(self._parts) + number)
            except InputError as error:
                refused = error
        if not found:
            raise refused or InputError("No document fits the filter.", "Choose another one.")
        return np.sort(np.concatenate(found))

    def dense(
        self, vector: NDArray[np.float32], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """The ``k`` passages nearest to a unit vector in any part."""
        return _best(self._hits(lambda part, ids: part.dense(vector, k, ids), within), k)

    def lexical(
        self, question: str | Sequence[str], k: int, within: NDArray[np.int64] | None = None
    ) -> list[Hit]:
        """The ``k`` passages that fit best by BM25, counted over all parts."""
        hits = self._hits(lambda part, ids: part.lexical(question, k, ids), within)
        passages = self.passages([hit.id for hit in hits])
        terms = {stored.id: _passage_terms(stored.passage) for stored in passages}
        return _best([Hit(i, s) for i, s in self._bm25(question, terms).items() if s > 0], k)

    def span_scores(
        self, question: str | Sequence[str], passages: Sequence[StoredPassage]
    ) -> dict[tuple[int, int], float]:
        """BM25 of every span of these passages, counted over all parts."""
        return self._bm25(
            question,
            {
                (stored.id, number): terms
                for stored in passages
                for number, terms in enumerate(stored.span_terms)
            },
        )

    def idf(self, term: str) -> float:
        """How rare a term is among the spans of all parts."""
        spans = holding = 0.0
        for part in self._parts:
            there, count = _counts(part, term)
            spans, holding = spans + there, holding + count
        return math.log(1 + (spans - holding + 0.5) / (holding + 0.5))

    def contains(self, term: str) -> bool:
        """Whether any part holds this term."""
        return any(part.contains(term) for part in self._parts)

    def similar(self, term: str) -> str | None:
        """The stored term that a mistyped one probably means: the one with the fewest edits."""
        found = [near for part in self._parts if (near := part.similar(term)) is not None]
        return min(found, key=lambda near: edits(term, near), default=None)

    def passages(self, ids: Sequence[int]) -> list[StoredPassage]:
        """The passages with these ids, in that order, without those of a name taken by another."""
        count = len(self._parts)
        found: dict[int, StoredPassage] = {}
        taken: set[str] = set()
        for number, part in enumerate(self._parts):
            own = [i // count for i in ids if i % count == number]
            for stored in part.passages(own) if own else []:
                if stored.passage.document not in taken:
                    key = stored.id * count + number
                    found[key] = dataclasses.replace(stored, id=key)
            if number + 1 < count:
                taken |= {info.name for info in part.documents()}
        return [found[i] for i in ids if i in found]

    def homes(self, ids: Sequence[int]) -> dict[int, int]:
        """What tells the document of each of these passages from all others of any part."""
        count = len(self._parts)
        found: dict[int, int] = {}
        for number, part in enumerate(self._parts):
            own = part.homes([i // count for i in ids if i % count == number])
            found |= {i * count + number: home * count + number for i, home in own.items()}
        return found

    def document(self, name: str) -> Document:
        """The stored document.

        Raises:
            CorpusError: no part holds it.
        """
        for part in self._parts[:-1]:
            if any(info.name == name for info in part.documents()):
                return part.document(name)
        return self._parts[-1].document(name)

    def documents(self) -> list[DocumentInfo]:
        """What the parts hold, by name."""
        named: dict[str, DocumentInfo] = {}
        for part in self._parts:
            for info in part.documents():
                named.setdefault(info.name, info)
        return [named[name] for name in sorted(named)]

    def stats(self) -> dict[str, int | str]:
        """The first part's, with counts and sizes added up."""
        first, *others = (part.stats() for part in self._parts)
        for key in ("documents", "characters", "passages", "spans", "bytes"):
            first[key] = sum(int(stats[key]) for stats in (first, *others))
        return first

    def identity(self) -> str:
        """What tells these parts from any others; "" if one is gone or was never filled."""
        parts = [part.identity() for part in self._parts]
        return "+".join(parts) if all(parts) else ""

    def close(self) -> None:
        """Nothing: the parts belong to others."""

    def _hits(self, search: _Search, within: NDArray[np.int64] | None) -> list[Hit]:
        count = len(self._parts)
        hits = []
        for number, part in enumerate(self._parts):
            own = None if within is None else within[within % count == number] // count
            hits += [Hit(hit.id * count + number, hit.score) for hit in search(part, own)]
        return hits

    def _bm25(
        self, question: str | Sequence[str], texts: Mapping[Any, Sequence[str]]
    ) -> dict[Any, float]:
        """BM25 of texts given as terms; their own average stands for that of all."""
        known = (term for term in distinctive_terms(question) if self.contains(term))
        weights = {term: self.idf(term) for term in known}
        average = sum(map(len, texts.values())) / max(1, len(texts)) or 1.0
        scores = {}
        for key, terms in texts.items():
            length = _K1 * (1 - _B + _B * len(terms) / average)
            counts = Counter(term for term in terms if term in weights)
            scores[key] = sum(weights[t] * n * (_K1 + 1) / (n + length) for t, n in counts.items())
        return scores


def _best(hits: Sequence[Hit], k: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:k]


def _counts(part: Index, term: str) -> tuple[float, float]:
    """Spans of a part, and those that hold the term, both read off the weights it gives.

    The weight is ln(1 + (N - n + ½) / (n + ½)); that of a term nobody uses has n = 0.
    """
    spans = 0.5 * (math.exp(part.idf(_NO_TERM)) - 1) - 0.5
    odds = math.exp(part.idf(term)) - 1
    return spans, (spans + 0.5 - 0.5 * odds) / (1 + odds)


def _passage_terms(passage: Passage) -> list[str]:
    rendered = [span.rendered for span in passage.spans] or [passage.text]
    return terms_of("\n".join([passage.heading, *rendered]))
