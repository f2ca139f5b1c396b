"""What one question, one client and one server may cost; each bound can be set.

CITEWISE_MAX_QUESTION=500 CITEWISE_ASKS_A_MINUTE=30 citewise chat
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass

from citewise.errors import InputError

__all__ = ["Bounds"]

_PREFIX = "CITEWISE_"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on work. A refusal names the bound, and what to do.

    ``max_question``: characters of a question. ``max_history``: earlier questions looked at.
    ``max_answer_tokens``: tokens of a draft. ``at_once``: questions that a chat takes at a time;
    more are refused. ``answering``: of these, how many the language model works on; the others
    see their evidence and wait in line. ``asks_a_minute``: questions of one client; 0 is no
    bound. ``max_request_bytes``: of one request's body, uploads aside. ``request_seconds``: until a
    request is whole, and between two pieces of an upload; ``upload_seconds``: until a file is
    whole. ``unread_seconds``: for which what a client was sent may stay unread.
    """

    max_question: int = 2000
    max_history: int = 50
    max_answer_tokens: int = 160
    at_once: int = 16
    answering: int = 2
    asks_a_minute: int = 60
    max_request_bytes: int = 4 * 1024 * 1024
    request_seconds: int = 30
    upload_seconds: int = 1800
    unread_seconds: int = 60

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Bounds:
        """Each bound as its variable says, such as ``CITEWISE_MAX_QUESTION``.

        Raises:
            InputError: a value is no whole number, or below the least that works.
        """
        given = os.environ if environment is None else environment
        values = {
            bound.name: _number(f"{_PREFIX}{bound.name.upper()}", given, least=_least(bound.name))
            for bound in dataclasses.fields(cls)
        }
        return cls(**{name: value for name, value in values.items() if value is not None})


def _least(name: str) -> int:
    return {"asks_a_minute": 0, "max_history": 0, "max_request_bytes": 1024}.get(name, 1)


def _number(variable: str, given: Mapping[str, str], *, least: int) -> int | None:
    text = given.get(variable, "").strip()
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise InputError(
            f"{variable} is {text[:40]!r}.", f"Set it to a whole number of at least {least:,}."
        )
    return value
