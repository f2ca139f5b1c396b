"""Reads what an OpenAI-compatible endpoint sends: event streams, whole replies, probabilities.

Pure functions over bytes and parsed JSON; nothing here opens a connection.
The stream is Server-Sent Events as the WHATWG HTML standard (section 9.2) defines them, of which
only ``data:`` lines matter here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from citewise.errors import GeneratorError

__all__ = [
    "clean",
    "json_object",
    "piece_of",
    "prompt_tokens_of",
    "read_events",
    "yes_log_odds_of",
]

_LONGEST_LINE = 1_000_000
_NOT_A_LETTER = re.compile(r"[\W\d_]+")
_OTHER_SERVER = "Check that the address is that of an OpenAI-compatible API (it often ends in /v1)."


def clean(text: str) -> str:
    """The text with lone surrogates, which no file or socket can take, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_events(chunks: Iterable[bytes]) -> Iterator[str]:
    """The ``data`` of each event, until ``[DONE]`` or the end of the bytes.

    Raises:
        GeneratorError: bytes that are not UTF-8, or a line without end.
    """
    for line in _lines(chunks):
        if not line.startswith(b"data:"):
            continue
        try:
            data = line[5:].strip().decode("utf-8")
        except UnicodeDecodeError:
            raise GeneratorError(
                "The language model sent bytes that are not valid UTF-8.",
                "Ask again; if it happens each time, use another model or server.",
            ) from None
        if data == "[DONE]":
            return
        if data:
            yield data


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_LINE:
            raise GeneratorError(
                f"The language model sent a line of more than {_LONGEST_LINE:,} bytes.",
                _OTHER_SERVER,
            )
    if rest:
        yield rest


def json_object(data: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        GeneratorError: it is not one; the message quotes how it begins.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    start = data[:80].decode("utf-8", "replace") if isinstance(data, bytes) else data[:80]
    raise GeneratorError(
        f"The language model's server sent invalid JSON, beginning {start!r}.", _OTHER_SERVER
    )


def piece_of(event: dict[str, Any]) -> tuple[str, str | None]:
    """The text in one event of a stream, or in a whole reply, and why it ended, once it has.

    Raises:
        GeneratorError: the object has not the shape of a chat completion.
    """
    choices = event.get("choices")
    if choices == [] or (choices is None and "usage" in event):
        return "", None
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, dict):
        raise GeneratorError(
            f"The language model's server sent an unknown kind of reply: {str(event)[:80]!r}.",
            _OTHER_SERVER,
        )
    message = choice.get("delta") or choice.get("message") or {}
    text = message.get("content") if isinstance(message, dict) else None
    ended = choice.get("finish_reason")
    return (
        clean(text) if isinstance(text, str) else "",
        ended if isinstance(ended, str) else None,
    )


def prompt_tokens_of(event: dict[str, Any]) -> int | None:
    """How many tokens the prompt had, cached ones included, where an event tells it.

    ``usage`` is OpenAI's; ``timings`` is llama.cpp's, which streams it without being asked.
    """
    usage, timings = event.get("usage"), event.get("timings")
    if isinstance(usage, dict) and isinstance(usage.get("prompt_tokens"), int):
        return int(usage["prompt_tokens"])
    if isinstance(timings, dict) and isinstance(timings.get("prompt_n"), int):
        cached = timings.get("cache_n")
        return int(timings["prompt_n"]) + (cached if isinstance(cached, int) else 0)
    return None


def yes_log_odds_of(reply: dict[str, Any]) -> tuple[bool, float | None]:
    """Whether the reply lists probabilities of its first token, and the odds of Yes in them.

    The odds are ``log(sum P(yes)) - log(sum P(no))`` over all spellings listed ("Yes", " yes",
    "YES", '"Yes'). A side that is not listed is at most as probable as the last listed token, so
    it gets that one's probability. None if neither side is listed.
    """
    listed = _listed(reply)
    if not listed:
        return False, None
    sides: dict[str, list[float]] = {"yes": [], "no": []}
    for token, logprob in listed:
        side = sides.get(_NOT_A_LETTER.sub("", token).casefold())
        if side is not None:
            side.append(logprob)
    if not sides["yes"] and not sides["no"]:
        return True, None
    least = min(logprob for _, logprob in listed)
    yes, no = (_log_sum(sides[name] or [least]) for name in ("yes", "no"))
    return True, yes - no


def _log_sum(logprobs: list[float]) -> float:
    most = max(logprobs)
    return most + math.log(sum(math.exp(value - most) for value in logprobs))


def _listed(reply: dict[str, Any]) -> list[tuple[str, float]]:
    try:
        tokens = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        pairs = [(str(entry["token"]), entry["logprob"]) for entry in tokens]
    except (LookupError, TypeError):
        return []
    return [
        (token, float(logprob))
        for token, logprob in pairs
        if isinstance(logprob, (int, float)) and math.isfinite(logprob)
    ]
