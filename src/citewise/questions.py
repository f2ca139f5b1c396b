"""Question sets for the evals: loading, validating, and finding their gold quotes.

A set is a JSON Lines file, one question a line, as ``schemas/questions.schema.json`` describes it.
What a mistake would turn into a wrong score is an error here: an unknown key, a repeated id, a
quote that is not in the documents.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias, cast, get_args

from citewise.errors import EvaluationError
from citewise.types import Status

__all__ = ["GoldSpan", "Groups", "Kind", "Question", "load_questions", "resolve"]

Kind: TypeAlias = Literal[
    "prose",
    "cell",
    "comparison",
    "follow_up",
    "typo",
    "list",
    "yes_no",
    "furniture",
    "unanswerable",
    "false_premise",
]
Groups: TypeAlias = tuple[tuple[str, ...], ...]
"""Every group must be met, by any one of its alternatives."""
GoldSpan: TypeAlias = tuple[str, int, int]
"""Document name, start and end of words that hold (part of) the right answer."""

_NOT_FOUND_KINDS = frozenset({"unanswerable", "false_premise"})
_STATUSES = (Status.ANSWERED.value, Status.NOT_FOUND.value)
_REQUIRED = ("id", "question", "kind", "status")
_KEYS = (*_REQUIRED, "history", "facts", "forbidden", "evidence", "document")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and what a right answer must hold.

    ``status`` is ``answered`` or ``not_found``. ``history`` holds earlier questions, oldest first.
    ``facts`` are the least a right answer states; ``forbidden`` what only a wrong one says.
    ``evidence`` holds exact quotes: a right answer cites a span that overlaps one of each group.
    ``document`` is where the quotes stand; None for any document of the corpus.
    """

    id: str
    question: str
    history: tuple[str, ...] = ()
    kind: Kind
    status: Status
    facts: Groups = ()
    forbidden: tuple[str, ...] = ()
    evidence: Groups = ()
    document: str | None = None


def load_questions(path: str | Path) -> tuple[Question, ...]:
    """The questions of a JSON Lines file, in its order; blank lines are passed over.

    Raises:
        EvaluationError: the file cannot be read, holds no question, repeats an id, or a line is
            not a valid question. The message names file, line and field.
    """
    path = Path(path)
    questions: list[Question] = []
    first_use: dict[str, int] = {}
    for record in _records(path):
        question = record.question()
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
            f"The question set {path} holds no question.", "Write one JSON object a line."
        )
    return tuple(questions)


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


@dataclass(frozen=True, slots=True)
class _Record:
    """One line of the file as parsed JSON, with where it stands for error messages."""

    path: Path
    line: int
    value: Mapping[str, Any]

    def fail(self, field: str, problem: str, remedy: str) -> NoReturn:
        raise EvaluationError(f"{self.path}, line {self.line}, field {field!r}: {problem}", remedy)

    def question(self) -> Question:
        self._check_keys()
        question = Question(
            id=self._id(),
            question=self._text("question", self.value["question"]),
            history=self._texts("history", self.value.get("history", [])),
            kind=cast(Kind, self._choice("kind", get_args(Kind))),
            status=Status(self._choice("status", _STATUSES)),
            facts=self._groups("facts"),
            forbidden=self._texts("forbidden", self.value.get("forbidden", [])),
            evidence=self._groups("evidence"),
            document=self._text("document", self.value["document"])
            if "document" in self.value
            else None,
        )
        self._check_agreement(question)
        return question

    def _check_keys(self) -> None:
        for key in self.value:
            if key not in _KEYS:
                self.fail(key, "is not a field of a question.", f"Use only {', '.join(_KEYS)}.")
        for key in _REQUIRED:
            if key not in self.value:
                self.fail(key, "is missing.", f"A question needs {', '.join(_REQUIRED)}.")

    def _id(self) -> str:
        value = self._text("id", self.value["id"])
        if not _ID.fullmatch(value):
            self.fail("id", f"{value!r} is no id.", "Use a-z, 0-9 and single hyphens: v2-mmlu.")
        return value

    def _text(self, field: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self.fail(field, f"{value!r} is not a text.", "Write words between quotation marks.")
        return value

    def _texts(self, field: str, value: object) -> tuple[str, ...]:
        return tuple(self._text(f"{field}[{i}]", item) for i, item in self._items(field, value))

    def _groups(self, field: str) -> Groups:
        groups = []
        for i, item in self._items(field, self.value.get(field, [])):
            group = self._texts(f"{field}[{i}]", item)
            if not group:
                self.fail(f"{field}[{i}]", "is an empty group.", "Name at least one alternative.")
            groups.append(group)
        return tuple(groups)

    def _items(self, field: str, value: object) -> Iterator[tuple[int, object]]:
        if not isinstance(value, list):
            self.fail(field, f"{value!r} is not a list.", "Put it in square brackets.")
        return enumerate(value)

    def _choice(self, field: str, allowed: Sequence[str]) -> str:
        value = self.value[field]
        if not isinstance(value, str) or value not in allowed:
            self.fail(field, f"{value!r} is unknown.", f"Use one of {', '.join(allowed)}.")
        return value

    def _check_agreement(self, question: Question) -> None:
        """Refuse what could not be graded, or would be graded against its own kind."""
        if (question.kind in _NOT_FOUND_KINDS) != (question.status is Status.NOT_FOUND):
            self.fail(
                "status",
                f"{question.status.value!r} does not go with the kind {question.kind!r}.",
                f"Use not_found for {', '.join(sorted(_NOT_FOUND_KINDS))}, answered for the rest.",
            )
        if question.kind == "follow_up" and not question.history:
            self.fail("history", "is empty.", "A follow_up needs the questions before it.")
        if question.status is Status.NOT_FOUND:
            for field in ("facts", "forbidden", "evidence"):
                if getattr(question, field):
                    self.fail(field, "has no use when nothing can be found.", "Leave it out.")
        else:
            for field in ("facts", "evidence"):
                if not getattr(question, field):
                    self.fail(field, "is empty.", "An answered question needs facts and evidence.")


def _records(path: Path) -> Iterator[_Record]:
    # Only "\n" ends a line: JSON texts may hold the other characters that str.splitlines() cuts at.
    for number, line in enumerate(_read(path).split("\n"), start=1):
        if line.strip():
            yield _Record(path, number, _parse(path, number, line))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise EvaluationError(
            f"The question set {path} cannot be read: {error.strerror or error}.",
            "Check the path and its permissions.",
        ) from None
    except UnicodeDecodeError as error:
        raise EvaluationError(
            f"The question set {path} is not UTF-8 at byte {error.start}.", "Save it as UTF-8."
        ) from None


def _parse(path: Path, number: int, line: str) -> Mapping[str, Any]:
    where = f"{path}, line {number}"
    try:
        value = json.loads(line, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise EvaluationError(
            f"{where}: not valid JSON: {reason}.", "Write one whole JSON object a line."
        ) from None
    if not isinstance(value, dict):
        raise EvaluationError(
            f"{where}: {type(value).__name__} instead of an object.", "Write one {...} a line."
        )
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key given twice: JSON would silently keep only the last."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"field {key!r} is given twice")
        result[key] = value
    return result
