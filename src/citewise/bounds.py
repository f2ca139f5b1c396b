"""What one question, one client and one server may cost; each bound is a setting."""

from __future__ import annotations

from dataclasses import dataclass

from citewise.setting import LOWER, setting

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on work. A refusal names the bound, and what to do.

    Of the questions ``at_once``, those that are not ``answering`` see their evidence and wait in
    line for the language model; more are refused.
    """

    max_question: int = setting(2000, "characters of a question", least=1, found=LOWER)
    max_history: int = setting(50, "earlier questions looked at", least=0, found=LOWER)
    max_answer_tokens: int = setting(160, "tokens of a draft", least=1, found=LOWER)
    at_once: int = setting(16, "questions that a chat takes at a time", least=1, found=LOWER)
    answering: int = setting(
        2, "of these, how many the language model works on", least=1, found=LOWER
    )
    asks_a_minute: int = setting(
        60, "questions of one client in a minute; 0 is no bound", least=0, found=LOWER
    )
    max_request_bytes: int = setting(
        4 * 1024 * 1024, "bytes of one request, uploads aside", least=1024, found=LOWER
    )
    request_seconds: int = setting(
        30, "seconds until a request is whole, and between pieces of a file", least=1, found=LOWER
    )
    upload_seconds: int = setting(1800, "seconds until a file is whole", least=1, found=LOWER)
    unread_seconds: int = setting(
        60, "seconds for which what a client was sent may stay unread", least=1, found=LOWER
    )
