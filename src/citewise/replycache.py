"""Replies of a language model, kept on disk so that an eval run need not ask for them twice.

Only the model's own replies are kept: reading, searching, checking and grading happen anew in each
run, so that a run from the cache measures the code as it is.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator as Generator_
from pathlib import Path
from typing import Any

from citewise.errors import InputError
from citewise.protocols import Generator, Prompt

__all__ = ["CachedGenerator", "identity_of"]


def identity_of(generator: Generator) -> str:
    """What tells one model's replies from another's; its name where it says nothing more.

    What runs behind an address can change without a sign: delete the cache when it does.
    """
    return str(getattr(generator, "identity", generator.name))


class CachedGenerator:
    """A generator that answers from a file where it can, and adds what it had to ask for.

    Meets ``Generator``; may be shared between threads. The model behind it is not started before
    a reply is missing. A reply that broke off is not kept.

    Args:
        generator: the model.
        folder: where the file lies, one per ``identity_of`` the model.
    """

    def __init__(self, generator: Generator, folder: Path) -> None:
        self.name = generator.name
        self._generator = generator
        digest = hashlib.sha256(identity_of(generator).encode()).hexdigest()[:16]
        self.path = folder / f"{digest}.jsonl"
        self.asked = self.found = 0
        self._lock = threading.Lock()
        self._replies = self._read()

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator_[str, None, int | None]:
        """See ``Generator.stream``; a kept reply comes in one piece."""
        key = _key("stream", prompt, max_tokens)
        kept = self._kept(key)
        if kept is not None:
            yield kept["text"]
            return int(kept["tokens"]) if kept["tokens"] is not None else None
        text = ""
        tokens: int | None = None
        pieces = iter(self._generator.stream(prompt, max_tokens=max_tokens))
        try:
            while True:
                try:
                    piece = next(pieces)
                except StopIteration as end:
                    tokens = end.value
                    break
                text += piece
                yield piece
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        self._keep(key, {"text": text, "tokens": tokens})
        return tokens

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """See ``Generator.yes_log_odds``."""
        key = _key("odds", prompt, 1)
        kept = self._kept(key)
        if kept is None:
            kept = {"odds": self._generator.yes_log_odds(prompt)}
            self._keep(key, kept)
        odds: float | None = kept["odds"]
        return odds

    def close(self) -> None:
        """End the model behind it."""
        close = getattr(self._generator, "close", None)
        if close is not None:
            close()

    def _kept(self, key: str) -> dict[str, Any] | None:
        with self._lock:
            kept = self._replies.get(key)
            self.found += kept is not None
            self.asked += kept is None
            return kept

    def _keep(self, key: str, reply: dict[str, Any]) -> None:
        line = json.dumps({"key": key, **reply}, ensure_ascii=False) + "\n"
        with self._lock:
            self._replies[key] = reply
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(line)
            except OSError as error:
                raise InputError(
                    f"The model's replies cannot be kept in {str(self.path)!r}: {error.strerror}.",
                    "Give another folder with --cache, or run with --no-cache.",
                ) from error

    def _read(self) -> dict[str, dict[str, Any]]:
        """The kept replies; a line that was torn by a crash is asked for again."""
        replies = {}
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {}
        for line in text.split("\n"):
            reply = _parsed(line)
            if reply is not None:
                replies[reply.pop("key")] = reply
        return replies


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        reply = json.loads(line)
    except ValueError:
        return None
    return reply if isinstance(reply, dict) and "key" in reply else None


def _key(kind: str, prompt: Prompt, max_tokens: int) -> str:
    text = json.dumps([kind, prompt.system, prompt.user, max_tokens], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
