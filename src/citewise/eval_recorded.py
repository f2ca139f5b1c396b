"""Answers recorded by any system, as a JSON Lines file; ``schemas/answers.schema.json``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citewise.errors import EvaluationError
from citewise.eval_files import Record, read_records
from citewise.eval_saved import answer_from_dict
from citewise.types import Answer

__all__ = ["RecordedAnswer", "RecordedQuote", "load_answers", "refuses"]

_KEYS = ("answer", "citations", "contexts", "refused", "error")
_CITATION_KEYS = ("document", "start", "end")
_LONGEST_REFUSAL = 300
_NOT = r"(?:do|does|did|can|could|is|are|was|were)(?:\s?not|n['’]t)"
_SOURCE = r"(?:documents?|contexts?|sources?|texts?|passages?|excerpts?|articles?|information)"
_SAY = "mention|contain|say|state|provide|give|include|specify|answer|hold|cover|tell"
_REFUSAL = re.compile(
    rf"""
    \b(?:i|we)\s(?:{_NOT}|(?:am|are)\sunable\sto)\s(?:\w+\s)?(?:know|find|answer|say|tell|determine)
    |\b{_SOURCE}(?:\s\w+)?\s{_NOT}\s(?:\w+\s)?(?:{_SAY})
    |(?:\bnot|n['’]t)\s(?:\w+\s)?(?:in|by|from|on)\s(?:the|these|this|your|any|my)\s(?:\w+\s)?{_SOURCE}
    |\bno\s(?:relevant\s)?(?:information|answer|mention)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_WHOLE = re.compile(
    r"n/?a|none|unknown|unanswerable|not[ _](?:found|stated|given|known|answerable)", re.IGNORECASE
)
_GOES_ON = re.compile(r"\b(?:but|however|although|though|nevertheless)\b|\[\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RecordedQuote:
    """What an answer cites: the words and, if its system tells, where they stand."""

    quote: str
    document: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """One answer as some system gave it.

    ``[n]`` in ``text`` is the nth of ``citations``, from 1; without citations, of ``contexts``.
    ``contexts`` are the texts its retriever found, best first. ``error`` says why there is no
    answer. ``saved`` is an answer of this package, which needs no grading of its parts anew.
    """

    text: str = ""
    citations: tuple[RecordedQuote, ...] = ()
    contexts: tuple[str, ...] = ()
    refused: bool = False
    error: str = ""
    saved: Answer | None = None


def load_answers(path: str | Path) -> Mapping[str, RecordedAnswer]:
    """The answers of a JSON Lines file by the id of their question, in the file's order.

    It may be what ``citewise eval --answers-out`` wrote.

    Raises:
        EvaluationError: the file cannot be read, holds no answer, repeats an id, or a line is no
            valid answer. The message names file, line and field.
    """
    path = Path(path)
    answers: dict[str, RecordedAnswer] = {}
    lines: dict[str, int] = {}
    for record in read_records(path, "answers file"):
        record.check_keys("an answer", ("id",), _KEYS)
        key = record.text("id", record.value["id"])
        if key in answers:
            problem = f"{key!r} is already answered on line {lines[key]}."
            record.fail("id", problem, "Keep one answer per question.")
        answers[key], lines[key] = _answer(record), record.line
    if not answers:
        raise EvaluationError(
            f"The answers file {path} holds no answer.", "Write one JSON object a line."
        )
    return answers


def refuses(text: str) -> bool:
    """Whether a text says no more than that it cannot answer, as far as stock phrases tell."""
    text = " ".join(text.split())
    if not text or _WHOLE.fullmatch(text.strip(" .")):
        return True
    if len(text) > _LONGEST_REFUSAL or _GOES_ON.search(text):
        return False
    return _REFUSAL.search(text) is not None


def _answer(record: Record) -> RecordedAnswer:
    value = record.value
    answer, error = value.get("answer"), value.get("error", "")
    if not isinstance(error, str):
        record.fail("error", f"{error!r} is not a text.", "Say in words what went wrong.")
    if isinstance(answer, dict):
        return _saved(record, answer)
    quotes = record.items("citations", value.get("citations", []))
    citations = tuple(_quote(record, index, quote) for index, quote in quotes)
    contexts = record.texts("contexts", value.get("contexts", []))
    refused = record.flag("refused")
    if answer is None and error.strip():
        return RecordedAnswer(error=error)
    if not isinstance(answer, str):
        remedy = 'Write the text of the answer; "" for a refusal.'
        record.fail("answer", f"{answer!r} is not a text.", remedy)
    if not answer.strip() and refused is False:
        record.fail("refused", "is false, but the answer is empty.", "Leave it out, or answer.")
    refused = refuses(answer) if refused is None else refused
    return RecordedAnswer(answer, citations, contexts, refused, error.strip())


def _saved(record: Record, answer: dict[str, Any]) -> RecordedAnswer:
    for key in ("citations", "contexts", "refused"):
        if key in record.value:
            record.fail(key, "stands in the saved answer already.", "Leave it out.")
    try:
        return RecordedAnswer(saved=answer_from_dict(answer))
    except ValueError as reason:
        record.fail("answer", f"is no saved answer: {reason}.", "Save it with --answers-out.")


def _quote(record: Record, index: int, value: object) -> RecordedQuote:
    field = f"citations[{index}]"
    if not isinstance(value, dict):
        record.fail(field, f"{value!r} is not an object.", 'Write {"quote": "the cited words"}.')
    inner = Record(record.path, record.line, value)
    inner.check_keys("a citation", ("quote",), _CITATION_KEYS)
    start, end = (_offset(record, field, value, key) for key in ("start", "end"))
    document = record.text(f"{field}.document", value["document"]) if "document" in value else None
    if (start is None) != (end is None) or (start is not None and document is None):
        record.fail(
            field, "gives a part of a place.", "Give document, start and end, or no offset."
        )
    quote = record.text(f"{field}.quote", value["quote"])
    return RecordedQuote(quote, document, start, end)


def _offset(record: Record, field: str, citation: Mapping[str, Any], key: str) -> int | None:
    if key not in citation:
        return None
    value = citation[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        record.fail(f"{field}.{key}", f"{value!r} is no offset.", "Count characters from 0.")
    return value
