"""Several indexes searched as one: collections, or a visitor's own documents beside the others.

Nothing is copied and nothing embedded twice. Meaning is comparable between the parts, because one
embedding model made all vectors; how rare a word is must be counted over all parts together, or a
word would weigh more in one than in the other.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewise import filters
from citewise.errors import CorpusError, InputError
from citewise.index import DocumentInfo, Hit, Index, StoredPassage, no_document
from citewise.protocols import Embedder
from citewise.slips import edits
from citewise.spacedterms import distinctive_terms, terms_of
from citewise.types import Document, Filter

__all__ = ["JoinedIndex"]

# As in citewise.lexical and FTS5's bm25().
_K1, _B = 1.2, 0.75
_NO_TERM = "\x00"

# Ids of the parts' passages, in an order that no other index of a store has any part in: by part,
# then as the part has them.
_STRIDE = 1 << 40

_Search = Callable[[Index, "NDArray[np.int64] | None"], Sequence[Hit]]


class JoinedIndex(Index):
    """The reading half of an ``Index`` over several; what is written goes to the parts.

    Where two parts hold a document of one name, the first part's counts and the other is not
    found, so that a name always leads to the words that were cited.

    Args:
        parts: indexes of one embedding model; the one that wins a name comes first.
        prefixes: what all names of each part begin with, if that is known; a name belongs to the
            first part whose beginning it has, so that nobody has to look which part holds it.
        embedder: what made the vectors, where there are no parts to tell.
    """

    def __init__(
        self,
        parts: Sequence[Index],
        prefixes: Sequence[str] = (),
        embedder: Embedder | None = None,
    ) -> None:
        super().__init__(parts[0].folder if parts else Path(), embedder or parts[0].embedder, None)
        self._parts = tuple(parts)
        self._prefixes = tuple(prefixes)
        inner = [p._stride * len(p._parts) for p in self._parts if isinstance(p, JoinedIndex)]
        self._stride: int = max(inner, default=_STRIDE) or _STRIDE

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of each part for all that this thread asks inside the block."""
        with ExitStack() as parts:
            for part in self._parts:
                parts.enter_context(part.reading())
            yield

    def expect(self, terms: Iterable[str]) -> None:
        """Tells every part."""
        wanted = list(terms)
        for part in self._parts:
            part.expect(wanted)

    def selected(self, where: Filter) -> NDArray[np.int64]:
        """The ids of the passages that a checked filter lets through in any part.

        Raises:
            InputError: it names what no part holds, or no document fits it.
        """
        names = [self._names(number) for number in range(len(self._parts))]
        filters.refuse_unknown(where, sorted(set().union(*names)))
        found = []
        for number, held in enumerate(names):
            here = _within(where, held)
            if here is not None:
                # What fits in none of the parts is said below, of all of them.
                with suppress(InputError):
                    found.append(self._parts[number].selected(here) + number * self._stride)
        if not found:
            raise InputError(
                f"No document fits the filter ({filters.described(where)}).",
                f"{len(set().union(*names))} documents can be searched.",
            )
        return np.concatenate(found)

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
        terms = {stored.id: _passage_terms(stored) for stored in passages}
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
        found: dict[int, StoredPassage] = {}
        for number, own in self._by_part(ids).items():
            taken = self._taken_before(number)
            for stored in self._parts[number].passages(own):
                if not taken(stored.passage.document):
                    key = stored.id + number * self._stride
                    found[key] = dataclasses.replace(stored, id=key)
        return [found[i] for i in ids if i in found]

    def homes(self, ids: Sequence[int]) -> dict[int, int]:
        """What tells the document of each of these passages from all others of any part."""
        found: dict[int, int] = {}
        for number, own in self._by_part(ids).items():
            first = number * self._stride
            homes = self._parts[number].homes(own)
            found |= {first + i: first + home for i, home in homes.items()}
        return found

    def document(self, name: str) -> Document:
        """The stored document.

        Raises:
            CorpusError: no part holds it.
        """
        for number, part in enumerate(self._parts):
            if self._prefixes:
                found = name.startswith(self._prefixes[number])
            else:
                found = any(info.name == name for info in part.documents())
            if found:
                with suppress(CorpusError):  # Its remedy would speak of this part alone.
                    return part.document(name)
                break
        names = [info.name for info in self.documents()]
        raise no_document(name, names)

    def documents(self) -> list[DocumentInfo]:
        """What the parts hold, by name."""
        named: dict[str, DocumentInfo] = {}
        for number, part in enumerate(self._parts):
            taken = self._taken_before(number)
            named |= {info.name: info for info in part.documents() if not taken(info.name)}
        return [named[name] for name in sorted(named)]

    def stats(self) -> dict[str, int | str]:
        """The first part's, with counts and sizes added up."""
        stats = [part.stats() for part in self._parts]
        first = dict(stats[0]) if stats else {}
        for key in ("documents", "characters", "passages", "spans", "bytes"):
            first[key] = sum(int(part[key]) for part in stats)
        return first

    def identity(self) -> str:
        """What tells these parts from any others; "" if one is gone or was never filled."""
        parts = [part.identity() for part in self._parts]
        return "+".join(parts) if all(parts) else ""

    def close(self) -> None:
        """Nothing: the parts belong to others."""

    def _by_part(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """Each part's own ids among these, by its number."""
        own: dict[int, list[int]] = {}
        for i in ids:
            own.setdefault(i // self._stride, []).append(i % self._stride)
        return {number: own[number] for number in sorted(own)}

    def _taken_before(self, number: int) -> Callable[[str], bool]:
        """Whether a name that a part holds belongs to an earlier one."""
        if self._prefixes:
            earlier = self._prefixes[:number]
            return lambda name: name.startswith(earlier)
        names = {info.name for part in self._parts[:number] for info in part.documents()}
        return names.__contains__

    def _names(self, number: int) -> set[str]:
        taken = self._taken_before(number)
        return {info.name for info in self._parts[number].documents() if not taken(info.name)}

    def _hits(self, search: _Search, within: NDArray[np.int64] | None) -> list[Hit]:
        hits = []
        for number, part in enumerate(self._parts):
            first = number * self._stride
            own = None
            if within is not None:
                own = within[within // self._stride == number] - first
            hits += [Hit(hit.id + first, hit.score) for hit in search(part, own)]
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


def _within(where: Filter, held: set[str]) -> Filter | None:
    """The filter as it is for a part with these documents; None if it lets none of them through."""
    documents = tuple(name for name in where.documents if name in held)
    folders = tuple(f for f in where.folders if any(filters.inside(name, f) for name in held))
    if (where.documents or where.folders) and not (documents or folders):
        return None
    return dataclasses.replace(where, documents=documents, folders=folders)


def _best(hits: Sequence[Hit], k: int) -> list[Hit]:
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:k]


def _counts(part: Index, term: str) -> tuple[float, float]:
    """Spans of a part, and those that hold the term, both read off the weights it gives.

    The weight is ln(1 + (N - n + ½) / (n + ½)); that of a term nobody uses has n = 0.
    """
    spans = 0.5 * (math.exp(part.idf(_NO_TERM)) - 1) - 0.5
    odds = math.exp(part.idf(term)) - 1
    return spans, (spans + 0.5 - 0.5 * odds) / (1 + odds)


def _passage_terms(stored: StoredPassage) -> list[str]:
    """As ``spacedterms.passage_terms``, from the terms that were stored with the spans."""
    spans = stored.span_terms or [terms_of(stored.passage.text)]
    return [*terms_of(stored.passage.heading), *chain.from_iterable(spans)]
