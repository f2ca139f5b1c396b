"""What a caller asks, checked before anything is loaded or searched for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from citewise.bounds import Bounds
from citewise.errors import InputError
from citewise.types import Answer

__all__ = ["History", "checked_question", "earlier_questions"]

_MOST_RESULTS = 100

History: TypeAlias = Sequence[Answer | str]


def checked_question(question: str, top_k: int, bounds: Bounds) -> str:
    """The question without what could neither be sent to a model nor stored.

    Raises:
        InputError: it is empty or too long, or ``top_k`` is out of range.
    """
    longest = bounds.max_question
    if not isinstance(question, str):
        raise InputError(f"The question is a {type(question).__name__}.", "Give a string.")
    stripped = question.replace("\x00", " ").strip()
    if not stripped:
        raise InputError("The question is empty.", "Ask something about the documents.")
    if len(stripped) > longest:
        raise InputError(
            f"The question has {len(stripped):,} characters; at most {longest:,} are allowed.",
            "Ask a shorter question, and put long texts into the corpus.",
        )
    if isinstance(top_k, bool) or not isinstance(top_k, int) or not 1 <= top_k <= _MOST_RESULTS:
        raise InputError(f"top_k is {top_k!r}.", f"Use a number from 1 to {_MOST_RESULTS}.")
    # Lone surrogates could neither be sent to a model nor stored.
    return stripped.encode("utf-8", "replace").decode("utf-8")


def earlier_questions(history: History, bounds: Bounds) -> list[str]:
    """The questions of a conversation's latest turns, oldest first.

    Raises:
        InputError: the history holds something else than answers and strings.
    """
    if isinstance(history, str):
        raise InputError("The history is one string.", "Give a list of earlier questions.")
    recent = list(history)[-bounds.max_history :] if bounds.max_history else []
    texts = [item.question if isinstance(item, Answer) else item for item in recent]
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise InputError(
            f"The history holds a {type(wrong).__name__}.", "Give answers or question strings."
        )
    cleaned = (
        text.strip()[: bounds.max_question].encode("utf-8", "replace").decode() for text in texts
    )
    return [text for text in cleaned if text]
