"""Question sets for the evals: loading, validating, and finding their gold quotes.

A set is a file of JSON Lines or YAML; ``schemas/questions.schema.json`` describes one question.
What a mistake would turn into a wrong score is an error here: an unknown key, a repeated id, a
quote that is not in the documents.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from citewise.errors import EvaluationError
from citewise.eval_files import Record, read_records
from citewise.types import Status

__all__ = ["GoldSpan", "Groups", "Question", "drafts", "load_questions", "resolve"]

Groups: TypeAlias = tuple[tuple[str, ...], ...]
"""Every group must be met, by any one of its alternatives."""
GoldSpan: TypeAlias = tuple[str, int, int]
"""Document name, start and end of words that hold (part of) the right answer."""

_KIND = "question"
_NOT_FOUND_KINDS = frozenset({"unanswerable", "false_premise"})
_STATUSES = (Status.ANSWERED.value, Status.NOT_FOUND.value)
_REQUIRED = ("id", "question", "status")
_OPTIONAL = (
    *("kind", "tags", "history", "facts", "forbidden", "evidence", "document"),
    *("draft", "note"),
)
_ID_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KIND_PATTERN = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and what a right answer must hold.

    ``status`` is ``answered`` or ``not_found``. ``history`` holds earlier questions, oldest first.
    ``kind`` and ``tags`` are the set's own words, by which results are grouped and questions
    chosen; ``unanswerable``, ``false_premise`` and ``follow_up`` alone are held to their meaning.
    ``facts`` are the least a right answer states; ``forbidden`` what only a wrong one says.
    ``evidence`` holds exact quotes: a right answer cites a span that overlaps one of each group.
    ``document`` is where the quotes stand; None for any document of the corpus. ``draft`` marks
    what no person has read yet, ``note`` is a remark for that person.
    """

    id: str
    question: str
    history: tuple[str, ...] = ()
    kind: str = _KIND
    status: Status
    facts: Groups = ()
    forbidden: tuple[str, ...] = ()
    evidence: Groups = ()
    document: str | None = None
    tags: tuple[str, ...] = ()
    draft: bool = False
    note: str = ""


def load_questions(path: str | Path) -> tuple[Question, ...]:
    """The questions of a file in its order, drafts among them.

    It is read as YAML if its name ends in .yaml or .yml, else as JSON Lines.

    Raises:
        EvaluationError: the file cannot be read, holds no question, repeats an id, or holds
            something that is not a valid question. The message names file, line and field.
    """
    path = Path(path)
    questions: list[Question] = []
    first_use: dict[str, int] = {}
    for record in read_records(path, "question set", yaml=True):
        question = _question(record)
        if question.id in first_use:
            record.fail(
                "id",
                f"{question.id!r} is already used on line {first_use[question.id]}.",
                "Give each question its own id.",
            )
        first_use[question.id] = record.line
        questions.append(question)
    if not questions:
        raise EvaluationError(
            f"The question set {path} holds no question.",
            "Write one JSON object a line, or a YAML list.",
        )
    return tuple(questions)


def drafts(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Those that were drafted by rule and that no person has read yet."""
    return tuple(question for question in questions if question.draft)


def resolve(question: Question, documents: Mapping[str, str]) -> tuple[tuple[GoldSpan, ...], ...]:
    """Where the gold quotes stand: per evidence group, every occurrence of each of its quotes.

    Args:
        question: a question; without evidence it has no gold spans.
        documents: the texts by document name.

    Raises:
        EvaluationError: ``question.document`` is not among ``documents``, or a quote is in none
            of them; the message shows the most similar passage.
    """
    texts = _texts_of(question, documents)
    return tuple(
        tuple(span for quote in group for span in _occurrences(question, quote, texts))
        for group in question.evidence
    )


def _texts_of(question: Question, documents: Mapping[str, str]) -> Mapping[str, str]:
    name = question.document
    if name is None:
        return documents
    if name not in documents:
        known = ", ".join(sorted(documents)[:10]) or "none"
        raise EvaluationError(
            f"Question {question.id!r} names the document {name!r}, which the corpus lacks.",
            f"Use one of its names ({known}).",
        )
    return {name: documents[name]}


def _occurrences(question: Question, quote: str, texts: Mapping[str, str]) -> tuple[GoldSpan, ...]:
    spans = tuple(
        (name, match.start(), match.end())
        for name, text in texts.items()
        for match in re.finditer(re.escape(quote), text)
    )
    if not spans:
        nearest = _nearest(quote, texts)
        hint = f"The most similar passage is {nearest!r}. " if nearest else ""
        raise EvaluationError(
            f"Question {question.id!r}: its evidence {quote!r} stands in no document.",
            f"{hint}Copy the quote from the document, character by character.",
        )
    return spans


def _nearest(quote: str, texts: Mapping[str, str]) -> str:
    """The part of a line that resembles the quote most, or nothing if no line shares a word."""
    words = set(re.findall(r"\w+", quote.lower()))
    lines = {line for text in texts.values() for line in text.splitlines()}
    shared = {line: len(words & set(re.findall(r"\w+", line.lower()))) for line in lines}
    # Aligning is quadratic, so only the lines with most words in common are aligned.
    likely = sorted((line for line in lines if shared[line]), key=lambda s: (-shared[s], s))[:20]
    windows = [_window(quote, line) for line in likely]
    return max(windows, key=lambda window: _similarity(quote, window), default="")


def _window(quote: str, line: str) -> str:
    """The stretch of a line that the quote lies over when their longest common part is aligned."""
    matcher = difflib.SequenceMatcher(None, quote, line, autojunk=False)
    match = matcher.find_longest_match()
    start = max(0, match.b - match.a)
    return line[start : start + len(quote)]


def _similarity(quote: str, window: str) -> float:
    return difflib.SequenceMatcher(None, quote, window, autojunk=False).ratio()


def _question(record: Record) -> Question:
    record.check_keys("a question", _REQUIRED, _OPTIONAL)
    value = record.value
    question = Question(
        id=_matching(record, "id", _ID_PATTERN, "Use a-z, 0-9 and single hyphens: v2-mmlu."),
        question=record.text("question", value["question"]),
        history=record.texts("history", value.get("history", [])),
        kind=_matching(record, "kind", _KIND_PATTERN, "Use a-z, 0-9, - and _: table_cell.", _KIND),
        status=_status(record),
        facts=_groups(record, "facts"),
        forbidden=record.texts("forbidden", value.get("forbidden", [])),
        evidence=_groups(record, "evidence"),
        document=record.text("document", value["document"]) if "document" in value else None,
        tags=record.texts("tags", value.get("tags", [])),
        draft=bool(record.flag("draft")),
        note=record.text("note", value["note"]) if "note" in value else "",
    )
    _check_agreement(record, question)
    return question


def _matching(
    record: Record, field: str, pattern: re.Pattern[str], remedy: str, default: str = ""
) -> str:
    value = record.text(field, record.value.get(field, default))
    if not pattern.fullmatch(value):
        record.fail(field, f"{value!r} is no {field}.", remedy)
    return value


def _status(record: Record) -> Status:
    value = record.value["status"]
    if not isinstance(value, str) or value not in _STATUSES:
        record.fail("status", f"{value!r} is unknown.", f"Use one of {', '.join(_STATUSES)}.")
    return Status(value)


def _groups(record: Record, field: str) -> Groups:
    groups = []
    for i, item in record.items(field, record.value.get(field, [])):
        group = record.texts(f"{field}[{i}]", item)
        if not group:
            record.fail(f"{field}[{i}]", "is an empty group.", "Name at least one alternative.")
        groups.append(group)
    return tuple(groups)


def _check_agreement(record: Record, question: Question) -> None:
    """Refuse what could not be graded, or would be graded against its own kind."""
    if question.kind in _NOT_FOUND_KINDS and question.status is not Status.NOT_FOUND:
        record.fail(
            "status",
            f"{question.status.value!r} does not go with the kind {question.kind!r}.",
            "Use not_found, or another kind.",
        )
    if question.kind == "follow_up" and not question.history:
        record.fail("history", "is empty.", "A follow_up needs the questions before it.")
    if question.status is Status.NOT_FOUND:
        for field in ("facts", "forbidden", "evidence"):
            if getattr(question, field):
                record.fail(field, "has no use when nothing can be found.", "Leave it out.")
    else:
        for field in ("facts", "evidence"):
            if not getattr(question, field):
                record.fail(field, "is empty.", "An answered question needs facts and evidence.")
