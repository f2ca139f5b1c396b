"""Grades answers that any system gave, by standing in for the assistant that ``evaluate`` asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from citewise.checking import check_text
from citewise.errors import EvaluationError
from citewise.eval_places import Library, Place, Places
from citewise.eval_recorded import RecordedAnswer, RecordedQuote, load_answers
from citewise.eval_support import Check
from citewise.questions import Question, load_questions
from citewise.splitting import split
from citewise.types import Answer, Citation, Document, Evidence, Sentence, Status

__all__ = ["RecordedAnswer", "RecordedAnswers", "cited_sentences", "load_answers"]

_MARKER = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_NO_PLACE: Place = ("", 0, 0)


class RecordedAnswers:
    """Recorded answers as an ``Answerer``.

    Quotes are looked for in the documents; one that stands nowhere becomes an inexact citation.
    A sentence belongs with the markers that follow it or stand in it; where the answer has
    citations and no marker, every sentence has them all. Each sentence is judged by ``judge``
    over the words it cites; without any, over the contexts; without these, over the gold quotes
    of its question.

    Args:
        answers: as ``load_answers`` gives them.
        library: the documents, such as an ``Assistant``.
        questions: the whole question set, or its file.
        judge: the verdict on a sentence, given the texts it rests on.

    Raises:
        EvaluationError: answers to questions that the set lacks, or two questions of the set that
            ask the same, so that their answers could not be told apart.
    """

    def __init__(
        self,
        answers: Mapping[str, RecordedAnswer],
        library: Library,
        questions: str | Path | Iterable[Question],
        judge: Check = check_text,
    ) -> None:
        if isinstance(questions, (str, Path)):
            questions = load_questions(questions)
        self._answers = answers
        self._library = library
        self._places = Places(library)
        self._judge = judge
        self._asked: dict[tuple[str, tuple[str, ...]], Question] = {}
        for question in questions:
            other = self._asked.setdefault((question.question, question.history), question)
            if other is not question:
                raise EvaluationError(
                    f"The questions {other.id!r} and {question.id!r} ask the same.",
                    "Leave one out: their recorded answers cannot be told apart.",
                )
        _demand_known(answers, {question.id for question in self._asked.values()})

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer:
        """The answer recorded for a question of the set.

        Raises:
            EvaluationError: there is none; the reason that was recorded stands in the message.
        """
        asked = self._asked.get((question, tuple(history)))
        if asked is None:
            raise EvaluationError(f"No question of the set asks {question!r}.", "Use its words.")
        recorded = self._answers.get(asked.id)
        if recorded is None:
            raise EvaluationError(f"No answer to {asked.id!r} is recorded.", "Add one to the file.")
        if recorded.saved is not None:
            return recorded.saved
        if recorded.error:
            raise EvaluationError(f"Its system gave no answer: {recorded.error}")
        return self._answer(asked, recorded)

    def document(self, name: str) -> Document:
        """The stored document of that name."""
        return self._library.document(name)

    def _answer(self, question: Question, recorded: RecordedAnswer) -> Answer:
        contexts = [self._places.loose(text) for text in recorded.contexts]
        evidence = tuple(
            self._evidence(rank, *found)
            for rank, found in enumerate(zip(recorded.contexts, contexts, strict=True), 1)
        )
        sentences = () if recorded.refused else cited_sentences(recorded.text)
        citations = tuple(self._citations(recorded, contexts, sentences))
        if not any(numbers for _, numbers in sentences) and recorded.citations:
            everything = tuple(citation.number for citation in citations)
            sentences = tuple((text, everything) for text, _ in sentences)
        return Answer(
            question.question,
            Status.NOT_FOUND if recorded.refused else Status.ANSWERED,
            recorded.text,
            tuple(self._judged(s, citations, evidence, question) for s in sentences),
            citations,
            evidence,
        )

    def _citations(
        self,
        recorded: RecordedAnswer,
        contexts: Sequence[Place | None],
        sentences: Sequence[tuple[str, tuple[int, ...]]],
    ) -> Iterator[Citation]:
        for number, quote in enumerate(recorded.citations, 1):
            yield self._citation(number, quote.quote, self._place(quote))
        if recorded.citations:
            return
        used = {number for _, numbers in sentences for number in numbers}
        for number, (text, place) in enumerate(zip(recorded.contexts, contexts, strict=True), 1):
            if number in used:
                words = self._places.text(place) if place else None
                yield self._citation(number, words or text, place or _NO_PLACE)

    def _place(self, quote: RecordedQuote) -> Place:
        if quote.document is not None and quote.start is not None and quote.end is not None:
            return quote.document, quote.start, quote.end
        found = self._places.exact(quote.quote, quote.document)
        return found or (quote.document or "", 0, 0)

    def _citation(self, number: int, quote: str, place: Place) -> Citation:
        return Citation(number, *place, quote, *self._places.heading(place))

    def _evidence(self, rank: int, text: str, place: Place | None) -> Evidence:
        if place is None:
            return Evidence(*_NO_PLACE, text, 1 / rank, None, None, rendered=text)
        words = self._places.text(place) or text
        heading, page = self._places.heading(place)
        shown = self._places.with_columns(place)
        return Evidence(*place, words, 1 / rank, None, None, heading, page, rendered=shown)

    def _judged(
        self,
        sentence: tuple[str, tuple[int, ...]],
        citations: Sequence[Citation],
        evidence: Sequence[Evidence],
        question: Question,
    ) -> Sentence:
        text, numbers = sentence
        if numbers:
            # Words that no document holds prove nothing, however well they fit.
            proof = [self._proof(c) for c in citations if c.number in numbers and self._exact(c)]
        else:
            proof = [item.rendered for item in evidence]
            proof = proof or [quote for group in question.evidence for quote in group]
        return Sentence(text, numbers, self._judge(text, proof))

    def _exact(self, citation: Citation) -> bool:
        place = (citation.document, citation.start, citation.end)
        return self._places.text(place) == citation.quote

    def _proof(self, citation: Citation) -> str:
        place = (citation.document, citation.start, citation.end)
        return "\n".join(filter(None, (citation.heading, self._places.with_columns(place))))


def cited_sentences(text: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The sentences and list items of an answer without markers, with the numbers each cites.

    A marker belongs to the sentence that it stands in or behind; at the beginning of a line, to
    the one after it.
    """
    clean, markers = _without_markers(text)
    offsets = [
        (span.start, span.end)
        for passage in split(Document("answer", clean, ""))
        for span in passage.spans
        if any(map(str.isalnum, clean[span.start : span.end]))
    ]
    numbers: list[dict[int, None]] = [{} for _ in offsets]
    for position, cited in markers:
        if offsets:
            numbers[_owner(clean, offsets, position)].update(dict.fromkeys(cited))
    return tuple(
        (clean[start:end], tuple(cited))
        for (start, end), cited in zip(offsets, numbers, strict=True)
    )


def _without_markers(text: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The text without markers, and where in it each stood."""
    clean, markers, behind = "", [], 0
    for match in _MARKER.finditer(text):
        clean += text[behind : match.start()]
        markers.append((len(clean), [int(number) for number in match[1].split(",")]))
        behind = match.end()
    return clean + text[behind:], markers


def _owner(text: str, offsets: Sequence[tuple[int, int]], position: int) -> int:
    before = sum(start < position for start, _ in offsets) - 1
    if before < 0:
        return 0
    new_line = "\n" in text[offsets[before][1] : position]
    return before + 1 if new_line and before + 1 < len(offsets) else before


def _demand_known(answers: Iterable[str], known: set[str]) -> None:
    if unknown := [key for key in answers if key not in known]:
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        raise EvaluationError(
            f"The question set lacks what these answer: {', '.join(unknown[:10])}{more}.",
            "Use the ids of its questions.",
        )
