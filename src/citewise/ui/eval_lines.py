"""An answer of the chat as a line of a question set: what is asked today is measured tomorrow."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from citewise.errors import EvaluationError, InputError
from citewise.questions import load_questions
from citewise.retrieval import leans_on
from citewise.ui.records import Kept

__all__ = ["QuestionSet", "drafted"]

# "V2" and "GPT-4" are names.
_NUMBER = re.compile(r"(?<![\w-])[$€£¥]?\d[\d.,]*(?:e\d+)?%?")
_WORD = re.compile(r"[a-z0-9]+")
_NOTE = (
    "Saved from the chat. Check that the facts are the least a right answer states and that the "
    "quotes hold them; then delete draft and note."
)
_LONGEST_ID = 48


class QuestionSet:
    """A file of JSON Lines that questions are appended to, each checked before it is written.

    Raises:
        InputError: the file is YAML, or its folder does not exist.
        EvaluationError: what it holds now is not a question set.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        if path.suffix.lower() in (".yaml", ".yml"):
            raise InputError(
                f"The question set {str(path)!r} is YAML, which cannot be appended to.",
                "Give a file such as questions.jsonl.",
            )
        if not path.parent.is_dir():
            raise InputError(f"There is no folder {str(path.parent)!r}.", "Make it first.")
        self._ids()

    def append(self, kept: Kept) -> str:
        """Add an answer's question as a draft and return its id.

        Raises:
            InputError: the answer rests on a visitor's own document, which a set has no right to
                quote and no corpus to find it in; or the question is there already.
            EvaluationError: the file cannot be read, or written.
        """
        if kept.private:
            raise InputError(
                "This answer rests on a document of your own.",
                "A question set holds only questions to the documents that everybody may ask.",
            )
        with self._lock:
            ids, questions = self._ids()
            if kept.record["question"].strip() in questions:
                raise InputError("This question is in the set already.")
            line = drafted(kept.record, kept.history, ids)
            text = json.dumps(line, ensure_ascii=False)
            _require_valid(text)
            self._write(text)
        return str(line["id"])

    def _ids(self) -> tuple[set[str], set[str]]:
        if not self.path.exists() or not self.path.stat().st_size:
            return set(), set()
        held = load_questions(self.path)
        return {question.id for question in held}, {question.question for question in held}

    def _write(self, line: str) -> None:
        try:
            with self.path.open("a+b") as file:
                if file.tell() and not _ends_with_newline(self.path):
                    line = "\n" + line
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise EvaluationError(
                f"The question set {self.path} cannot be written ({error.strerror}).",
                "Make it writable.",
            ) from error


def drafted(
    record: Mapping[str, Any], history: Sequence[str], taken: Collection[str]
) -> dict[str, Any]:
    """A draft of a question by the answer it got, see ``schemas/questions.schema.json``."""
    question = record["question"].strip()
    line: dict[str, Any] = {"id": _free_id(question, taken), "question": question}
    earlier = leans_on(question, history)
    if earlier:
        line["history"] = list(earlier)
    if record["status"] == "not_found":
        return line | {"status": "not_found", "tags": ["chat"], "draft": True, "note": _NOTE}
    citations = record["citations"]
    documents = {citation["document"] for citation in citations}
    line |= {
        "status": "answered",
        "facts": _facts(record),
        "evidence": [[citation["quote"]] for citation in citations],
    }
    if len(documents) == 1:
        line["document"] = documents.pop()
    return line | {"tags": ["chat"], "draft": True, "note": _NOTE}


def _facts(record: Mapping[str, Any]) -> list[list[str]]:
    """The numbers that stand in sentence and quote; of a sentence without, the whole of it."""
    quotes = {citation["number"]: citation["quote"] for citation in record["citations"]}
    facts: list[list[str]] = []
    for sentence in record["sentences"]:
        cited = " ".join(quotes.get(number, "") for number in sentence["citations"])
        held = set(_numbers(cited))
        numbers = [number for number in _numbers(sentence["text"]) if number in held]
        facts += [[number] for number in numbers] or [[sentence["text"].strip()]]
    facts = facts or [[citation["quote"].strip()] for citation in record["citations"]]
    return [list(group) for group in dict.fromkeys(tuple(group) for group in facts)]


def _numbers(text: str) -> list[str]:
    return [found.rstrip(".,") for found in _NUMBER.findall(text)]


def _free_id(question: str, taken: Collection[str]) -> str:
    words = "-".join(_WORD.findall(question.lower()))[:_LONGEST_ID].strip("-")
    base = f"chat-{words}" if words else "chat-question"
    if base not in taken:
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def _require_valid(line: str) -> None:
    """A line that its own loader refuses is never written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.jsonl"
        path.write_text(line + "\n", encoding="utf-8")
        load_questions(path)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
