"""The domain, as frozen values: documents, passages, evidence, verdicts, answers.

Offsets are Python string indices into ``Document.text``; ``text[start:end]`` is always the quote.
Scores are higher-is-better everywhere.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, TypeAlias

__all__ = [
    "Answer",
    "AnswerEvent",
    "Citation",
    "Document",
    "Event",
    "Evidence",
    "EvidenceEvent",
    "Filter",
    "Label",
    "Passage",
    "PassageKind",
    "Sentence",
    "SentenceEvent",
    "Span",
    "SpanKind",
    "Status",
    "TextEvent",
    "Verdict",
]

PassageKind: TypeAlias = Literal["prose", "list", "table", "code", "heading"]
SpanKind: TypeAlias = Literal["sentence", "item", "row", "code", "heading"]


class Status(str, Enum):
    """How a question ended."""

    ANSWERED = "answered"
    QUOTED = "quoted"
    NOT_FOUND = "not_found"

    def __str__(self) -> str:
        return self.value


class Label(str, Enum):
    """What the evidence says about a claim, from best to worst."""

    SUPPORTED = "supported"
    PARTLY_SUPPORTED = "partly_supported"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Document:
    """One source file as text.

    ``name`` is the path relative to the corpus folder, with forward slashes; a member of an
    archive, or an attachment, stands below the file that holds it: ``mail.zip/notes.txt``.
    ``sha256`` is the hex digest of the file's bytes, for a member of the member's.
    ``pages`` are the offsets at which its pages (of a presentation, its slides) begin, page 1
    first; empty if the format has none.
    ``format`` says what it was read as: "text", "markdown", "html", "pdf", "docx" and so on.
    ``modified`` is when it was last changed, as an ISO date and time in UTC, or "".
    ``source`` is the name of the file in the folder that held it, "" if that is itself.
    ``tags`` are words that it is filed under.
    """

    name: str
    text: str
    sha256: str
    pages: tuple[int, ...] = ()
    format: str = "text"
    modified: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The number of the page on which the character at ``offset`` stands, 1 and up."""
        return max(1, bisect_right(self.pages, offset)) if self.pages else None


@dataclass(frozen=True, slots=True)
class Span:
    """The unit of citation: a sentence, list item, table row or code block.

    ``start`` and ``end`` are offsets into the document. ``rendered`` is what is embedded and shown
    to the model: the same words, but for a table row also the names of its columns.
    """

    start: int
    end: int
    kind: SpanKind
    rendered: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A block of a document under one heading, holding its spans in order."""

    document: str
    start: int
    end: int
    text: str
    kind: PassageKind
    heading: str
    spans: tuple[Span, ...]
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents may be searched; an empty field restricts nothing.

    ``documents`` are names and ``folders`` are paths relative to the corpus: a document passes if
    it is one of the former or lies below one of the latter. Of those, only the ones of one of the
    ``types`` ("pdf", "md"), with one of the ``tags``, and last changed from the day ``since`` to
    the day ``until`` are searched. The days are ISO dates, both included; "2026-03" and "2026"
    stand for the whole month and year.
    """

    documents: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span that may answer the question, with where it stands and why it ranked.

    ``score`` is the fused relevance, higher is better, comparable within one search only.
    ``dense_rank`` and ``lexical_rank`` start at 1; None where that list did not hold the span.
    ``cosine`` is the similarity of question and span; ``rendered`` as in Span.
    """

    document: str
    start: int
    end: int
    text: str
    score: float
    dense_rank: int | None
    lexical_rank: int | None
    heading: str = ""
    page: int | None = None
    kind: SpanKind = "sentence"
    rendered: str = ""
    cosine: float = 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered pointer to exact words: ``document.text[start:end] == quote``, always."""

    number: int
    document: str
    start: int
    end: int
    quote: str
    heading: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the evidence supports a claim.

    ``score`` is the strength of support in [0, 1]. ``reason`` says in words which number, name or
    negation decided. ``claims`` holds one verdict per sentence where the text had several;
    ``claim`` is the text that was judged.
    """

    label: Label
    score: float
    reason: str
    claim: str = ""
    claims: tuple[Verdict, ...] = ()

    @property
    def supported(self) -> bool:
        """True if nothing in the claim lacks support."""
        return self.label is Label.SUPPORTED


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer with the numbers of its citations and its verdict."""

    text: str
    citations: tuple[int, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a question.

    ``text`` holds ``[1]`` markers that refer to ``citations``. ``sentences`` are those shown;
    ``dropped`` are those that failed the check and were held back. ``draft`` is what the model
    wrote before the check. ``timings`` are seconds per stage. ``models`` names what was used, by
    role. ``notices`` are messages for the reader, such as why no model took part.
    ``explanation`` holds the signals behind ``status``.
    """

    question: str
    status: Status
    text: str
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    draft: str = ""
    dropped: tuple[Sentence, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    explanation: Mapping[str, float | str | bool | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers, fit for JSON."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def to_json(self, indent: int | None = None) -> str:
        """``to_dict()`` as JSON text; of what is not ASCII, only characters without a shape are
        escaped, so that it can be printed."""
        from citewise.rendering import json_text

        return json_text(self.to_dict(), indent)

    def to_markdown(self) -> str:
        """The answer with its citations as quoted footnotes, safe to paste."""
        from citewise.rendering import answer_markdown

        return answer_markdown(self)


@dataclass(frozen=True, slots=True)
class EvidenceEvent:
    """First event of a stream: the ranked evidence, before the model has written a word."""

    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class TextEvent:
    """A piece of the unchecked draft, as the model writes it."""

    delta: str


@dataclass(frozen=True, slots=True)
class SentenceEvent:
    """A finished draft sentence and its verdict; ``shown`` is False if it was held back."""

    sentence: Sentence
    shown: bool


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """Last event of a stream: the final answer."""

    answer: Answer


Event: TypeAlias = EvidenceEvent | TextEvent | SentenceEvent | AnswerEvent


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
