"""From a question to ranked evidence: two searches fused, then narrowed to sentences and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from citewise.cells import same_table
from citewise.fusion import fused
from citewise.index import Index, StoredPassage
from citewise.ordering import Found, reordered
from citewise.protocols import Embedder
from citewise.quantities import names
from citewise.spacedterms import distinctive_terms, terms_of
from citewise.tokens import content_terms, is_function_word, lexical_terms
from citewise.types import Evidence, Filter, Span

__all__ = ["Query", "Retriever", "evidence_terms", "leans_on", "make_query"]

_Vector: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"

_CANDIDATES = 50
_NARROWED_PASSAGES = 20
# Of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009), there 60; a list of spans
# is short and its first places matter most.
_SPAN_FUSION = 10
_PASSAGE_WEIGHT = 0.5
_HEADING_WEIGHT = 0.6

_DEPENDENT = re.compile(
    r"^\W*(?:and|but|so|then|what about|how about|why|also|which one|really)\b"
    r"|\b(?:it|its|they|their|them|he|she|his|her|that|those|this|these|there|one|ones|former|"
    r"latter|same|else|other|others)\b",
    re.IGNORECASE,
)
# "OK, other subject: how many stars does it have?"
_NEW_SUBJECT = re.compile(
    r"\b(?:other|another|different|new|change of|changing|switch\w*) (?:the )?"
    r"(?:subject|topic|question|matter)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:which|compare[ds]?|comparison|versus|vs|than|difference|differ|differs|between|both|"
    r"all|each|every|list|rank|more|less|fewer|most|least|times|how many times|ratio|"
    r"highest|lowest|biggest|largest|smallest|cheapest|cheaper|priciest|greatest|best|worst|"
    r"top|first|last|higher|lower|bigger|larger|smaller|better|worse|\w{3,}est)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_MOST_SIBLINGS = 8
_NEAREST = 6
_MOST_EARLIER = 3
_MOST_TABLES = 3
_TABLE_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Query:
    """A question made ready to be searched.

    ``asked`` is the question with slips corrected; ``text`` adds the words of the question before
    a follow-up; ``lexical`` is that as terms, slips corrected.
    """

    question: str
    asked: str
    text: str
    lexical: tuple[str, ...]


def make_query(question: str, history: Sequence[str], index: Index) -> Query:
    """Add the previous question's words to a follow-up, and mend words that no document holds."""
    text = question
    if history and _depends_on_history(question):
        text = f"{history[-1]} {question}"
    with index.reading():
        index.expect(dict.fromkeys(terms_of(text)))
        mended = tuple(_mended(term, index) for term in distinctive_terms(text))
        asked = _WORD.sub(lambda match: _mended_word(match[0], index), question)
    return Query(question, asked, text, mended)


def leans_on(question: str, history: Sequence[str]) -> tuple[str, ...]:
    """The earlier questions that a question leans on, as one: back to one that stands alone.

    Empty for a question that stands alone itself: an earlier one would only mislead the model.
    """
    if not _depends_on_history(question):
        return ()
    kept: list[str] = []
    for earlier in reversed(history[-_MOST_EARLIER:]):
        kept.insert(0, earlier)
        if not _DEPENDENT.search(earlier):
            break
    return (" ".join(kept),) if kept else ()


def _depends_on_history(question: str) -> bool:
    if _NEW_SUBJECT.search(question):
        return False
    short = len(content_terms(question)) < 4 and not names(question)
    return short or _DEPENDENT.search(question) is not None


def _mended_word(word: str, index: Index) -> str:
    (term, *parts) = terms_of(word) or [word]
    if parts or index.contains(term) or is_function_word(word):
        return word
    return index.similar(term) or word


def _mended(term: str, index: Index) -> str:
    if index.contains(term):
        return term
    return index.similar(term) or term


class Retriever:
    """Searches an index; safe to share between threads."""

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self.index = index
        self._embedder = embedder

    def search(self, query: Query, top_k: int, where: Filter | None = None) -> tuple[Evidence, ...]:
        """The ``top_k`` spans most likely to answer, best first, without repetitions.

        Args:
            where: the documents that may be searched, as ``filters.checked`` gives it.

        Raises:
            InputError: ``where`` names what the index does not hold, or no document fits it.
        """
        return tuple(self._ranked(query, where)[:top_k])

    def gather(self, query: Query, top_k: int, where: Filter | None = None) -> tuple[Evidence, ...]:
        """What an answer may rest on: as ``search``, but with the spans nearest in meaning.

        Whole tables come with it where the question asks to compare.
        """
        ranked = self._ranked(query, where)
        chosen = _with_nearest(ranked, top_k)
        if _COMPARES.search(query.question):
            return _with_tables(ranked, chosen)
        return tuple(chosen)

    def _ranked(self, query: Query, where: Filter | None) -> list[Evidence]:
        vector = self._embedder.embed_query(query.text)
        with self.index.reading():
            found = self._found(query, vector, where)
            return reordered(query.text, query.lexical, found, self.index.idf)

    def found(self, query: Query, where: Filter | None = None) -> list[Found]:
        """What both searches bring up, without repetitions, in the order of their ranks.

        Raises:
            InputError: as ``search``.
        """
        vector = self._embedder.embed_query(query.text)
        with self.index.reading():
            return self._found(query, vector, where)

    def _found(self, query: Query, vector: _Vector, where: Filter | None) -> list[Found]:
        scores = self._fused(query, vector, where)
        passages = self.index.passages(list(scores)[:_NARROWED_PASSAGES])
        words = self.index.span_scores(query.lexical, passages)
        wanted = frozenset(distinctive_terms(query.lexical))
        return _distinct(_rank_spans(passages, vector, words, scores, wanted))

    def passages(self, query: Query, where: Filter | None = None) -> dict[int, float]:
        """The ids of the passages that both searches bring up, best first, with fused scores.

        Raises:
            InputError: as ``search``.
        """
        vector = self._embedder.embed_query(query.text)
        with self.index.reading():
            return self._fused(query, vector, where)

    def _fused(self, query: Query, vector: _Vector, where: Filter | None) -> dict[int, float]:
        within = self.index.selected(where) if where else None
        dense = self.index.dense(vector, _CANDIDATES, within)
        lexical = self.index.lexical(query.lexical, _CANDIDATES, within)
        homes = self.index.homes([hit.id for hit in (*dense, *lexical)])
        return fused(dense, lexical, homes, _CANDIDATES)


def _rank_spans(
    passages: Sequence[StoredPassage],
    vector: _Vector,
    words: Mapping[tuple[int, int], float],
    fused: Mapping[int, float],
    wanted: frozenset[str],
) -> list[Found]:
    cosines = [(stored.span_vectors @ vector).tolist() for stored in passages]
    lexical = [
        [words.get((stored.id, n), 0.0) for n in range(len(stored.passage.spans))]
        for stored in passages
    ]
    dense_ranks = _ranks([value for values in cosines for value in values])
    lexical_ranks = _ranks([value for values in lexical for value in values])
    # Nothing in common with any passage, by meaning or words: all shares are 0.
    best = max(fused.values(), default=0.0) or 1.0
    found = []
    for stored, nearness, scores in zip(passages, cosines, lexical, strict=True):
        share = (1 - _PASSAGE_WEIGHT) + _PASSAGE_WEIGHT * fused[stored.id] / best
        held = [wanted.intersection(terms) for terms in stored.span_terms]
        around = frozenset[str]().union(*held)
        nearest = max(nearness, default=0.0)
        for n, span in enumerate(stored.passage.spans):
            dense_rank, place = next(dense_ranks), next(lexical_ranks)
            lexical_rank = place if scores[n] > 0 else None
            score = _score(span, dense_rank, lexical_rank, share)
            found.append(
                Found(
                    _evidence(stored, span, score, dense_rank, lexical_rank, nearness[n]),
                    scores[n],
                    fused[stored.id],
                    stored.span_terms[n],
                    frozenset[str]().union(*held[max(0, n - 1) : n + 2]),
                    around,
                    nearest,
                )
            )
    return sorted(found, key=_by_score)


def _score(span: Span, dense_rank: int, lexical_rank: int | None, share: float) -> float:
    score = 1 / (_SPAN_FUSION + dense_rank)
    if lexical_rank is not None:
        score += 1 / (_SPAN_FUSION + lexical_rank)
    score *= share
    return score * _HEADING_WEIGHT if span.kind == "heading" else score


def _by_score(found: Found) -> tuple[float, str, int]:
    item = found.evidence
    return -item.score, item.document, item.start


def _ranks(scores: Sequence[float]) -> Iterator[int]:
    """The rank of each, the highest first; of equal ones, the earlier."""
    ranks = [0] * len(scores)
    order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    for rank, place in enumerate(order, 1):
        ranks[place] = rank
    return iter(ranks)


def _evidence(
    stored: StoredPassage,
    span: Span,
    score: float,
    dense_rank: int,
    lexical_rank: int | None,
    cosine: float,
) -> Evidence:
    passage = stored.passage
    text = passage.text[span.start - passage.start : span.end - passage.start]
    return Evidence(
        passage.document,
        span.start,
        span.end,
        text,
        score,
        dense_rank,
        lexical_rank,
        passage.heading,
        passage.page,
        span.kind,
        span.rendered,
        cosine,
    )


def _distinct(ranked: Sequence[Found]) -> list[Found]:
    """Without repeated words: page furniture often repeats the first lines of the article."""
    kept: list[Found] = []
    seen: set[str] = set()
    whole = [_words(found.evidence) for found in ranked]
    for found, words in zip(ranked, whole, strict=True):
        if words in seen or _is_cut_off(found.evidence, words, whole):
            continue
        kept.append(found)
        seen.add(words)
    return kept


def _words(item: Evidence) -> str:
    return item.rendered.rstrip("… .").lower()


def _is_cut_off(item: Evidence, words: str, whole: Sequence[str]) -> bool:
    """Whether this is the beginning ("DeepSeek-V2, f…") of a sentence that stands there whole."""
    return item.rendered.endswith(("…", "...")) and any(
        len(other) > len(words) and other.startswith(words) for other in whole
    )


def _with_nearest(ranked: Sequence[Evidence], top_k: int) -> list[Evidence]:
    """The first ``top_k``, with the nearest in meaning at their end if they lack them.

    A question in other words than the document's shares no term with the span that answers it.
    """
    lacking = [item for item in ranked[top_k:] if (item.dense_rank or 0) <= _NEAREST]
    lacking = lacking[: top_k // 2]
    return [*ranked[: top_k - len(lacking)], *lacking]


def _with_tables(ranked: Sequence[Evidence], chosen: list[Evidence]) -> tuple[Evidence, ...]:
    """With all rows of the tables that a comparison may be about.

    Rows of the table that the best row stands in follow it; those of a table farther down go to
    the end, where a prompt has no room for them but a look into the table finds them.
    """
    added: list[Evidence] = []
    for table in _tables(ranked):
        best = next((item for item in chosen if item in table), None)
        if best is None:
            added += table
            continue
        at = chosen.index(best)
        rest = [item for item in chosen[at:] if item not in table]
        chosen = [*(item for item in chosen[:at] if item not in table), *table, *rest]
    return tuple(chosen + added)


def _tables(ranked: Sequence[Evidence]) -> list[list[Evidence]]:
    tables: list[list[Evidence]] = []
    for row in (item for item in ranked[:_TABLE_DEPTH] if item.kind == "row"):
        if len(tables) < _MOST_TABLES and not any(same_table(row, t[0]) for t in tables):
            found = [item for item in ranked if same_table(item, row)]
            tables.append(found[:_MOST_SIBLINGS])
    return tables


def evidence_terms(evidence: Iterable[Evidence]) -> set[str]:
    """All terms of these spans and their headings."""
    return {term for item in evidence for term in lexical_terms(f"{item.heading} {item.rendered}")}
