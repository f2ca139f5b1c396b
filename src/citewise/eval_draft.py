"""Drafts a question set from a corpus by rule, for a person to read and finish."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import Any

from citewise.eval_cloze import cloze
from citewise.eval_facts import states
from citewise.eval_row_questions import cell_questions
from citewise.eval_swaps import name_in, swaps, words_of
from citewise.eval_words import common_words
from citewise.splitting import split
from citewise.types import Document, Passage

__all__ = ["draft_questions"]

_ONE_IN = 5
_NOTE = (
    "Drafted by rule from the quote. Ask it as a reader would, check the fact and add other true "
    "forms of it; then delete draft and note."
)
_NOTE_UNKNOWN = (
    "No document holds {unknown!r}. Put in its place what readers do ask for and will not find; "
    "then delete draft and note."
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A question with its answer and the words of the document that hold it."""

    question: str
    fact: str
    kind: str
    document: str
    heading: str
    start: int
    quote: str
    name: str


def draft_questions(
    documents: Sequence[Document], count: int, seed: int = 0
) -> list[dict[str, Any]]:
    """Draft questions to numbers and names in sentences and table rows, without a model.

    They are spread over documents and headings. One in five asks for a name or an attribute that
    no document holds. The same documents, count and seed give the same questions.

    Args:
        documents: the corpus.
        count: how many questions at most; there are fewer where few sentences fit a pattern.
        seed: another one gives other questions.

    Returns:
        Questions as ``schemas/questions.schema.json`` describes them, marked as drafts.
    """
    texts = [document.text for document in documents]
    common = common_words(texts)
    candidates = _unambiguous(
        [f for d in sorted(documents, key=lambda d: d.name) for f in _found(d, common)]
    )
    spread = list(_spread(candidates, random.Random(seed)))  # noqa: S311
    chosen = spread[: max(1, count - count // _ONE_IN)] if count > 0 else []
    named = [(f.question, f.name) for f in _in_turn([chosen[::2], chosen[1::2]]) if f.name]
    unknown = islice(swaps(named, words_of(texts)), min(count // _ONE_IN, len(chosen)))
    drafted = [_answered(f) for f in chosen]
    drafted += [
        {
            "question": swap.question,
            "kind": "unanswerable",
            "status": "not_found",
            "draft": True,
            "note": _NOTE_UNKNOWN.format(unknown=swap.unknown),
        }
        for swap in unknown
    ]
    return [{"id": f"q-{number:03}", **question} for number, question in enumerate(drafted, 1)]


def _answered(found: _Found) -> dict[str, Any]:
    return {
        "question": found.question,
        "kind": found.kind,
        "status": "answered",
        "facts": [[found.fact]],
        "evidence": [[found.quote]],
        "document": found.document,
        "draft": True,
        "note": _NOTE,
    }


def _found(document: Document, common: Collection[str]) -> Iterator[_Found]:
    passages = split(document)
    for made in chain(
        _from_sentences(document, passages, common), _from_rows(document, passages, common)
    ):
        gives_away = states(made.question, made.fact)
        if states(made.quote, made.fact) and not gives_away and made.question.isprintable():
            yield made


def _from_sentences(
    document: Document, passages: Sequence[Passage], common: Collection[str]
) -> Iterator[_Found]:
    for passage in passages:
        for span in passage.spans:
            if span.kind not in ("sentence", "item"):
                continue
            quote = document.text[span.start : span.end]
            if made := cloze(quote, common):
                place = (document.name, passage.heading, span.start, quote)
                name = name_in(made.question, common)
                yield _Found(made.question, made.fact, "prose", *place, name)


def _from_rows(
    document: Document, passages: Sequence[Passage], common: Collection[str]
) -> Iterator[_Found]:
    headings = {span.start: passage.heading for passage in passages for span in passage.spans}
    for made in cell_questions(document.text, common):
        quote = document.text[made.start : made.end]
        place = (document.name, headings.get(made.start, ""), made.start, quote)
        yield _Found(made.question, made.fact, "cell", *place, made.name)


def _unambiguous(candidates: Sequence[_Found]) -> list[_Found]:
    """Each question once; not at all if the corpus answers it in different ways."""
    answers = defaultdict(set)
    for found in candidates:
        answers[found.question.casefold()].add(found.fact)
    first = {found.question.casefold(): found for found in reversed(candidates)}
    return [found for key, found in reversed(first.items()) if len(answers[key]) == 1]


def _spread(candidates: Sequence[_Found], rng: random.Random) -> Iterator[_Found]:
    """By turns from each document, in it from each heading, there from each sentence and row."""
    groups: dict[str, dict[str, list[_Found]]] = defaultdict(lambda: defaultdict(list))
    for found in candidates:
        groups[found.document][found.heading].append(found)
    return _in_turn(
        [
            list(_in_turn([_shuffled(g, rng) for g in headings.values()]))
            for headings in groups.values()
        ]
    )


def _shuffled(group: list[_Found], rng: random.Random) -> list[_Found]:
    rng.shuffle(group)
    before: Counter[int] = Counter()
    turns = []
    for found in group:
        turns.append((before[found.start], found))
        before[found.start] += 1
    return [found for _, found in sorted(turns, key=lambda turn: turn[0])]


def _in_turn(lists: Sequence[Sequence[_Found]]) -> Iterator[_Found]:
    for turn in zip_longest(*lists):
        yield from (found for found in turn if found is not None)
