"""Lets any LlamaIndex ``LLM`` object write the draft."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    MessageRole,
)
from llama_index.core.llms import LLM

from citewise.errors import GeneratorError
from citewise.openai_api import neutralise
from citewise.openai_failures import quoted
from citewise.protocols import Prompt

__all__ = ["LLM", "LlamaIndexGenerator"]

# Not every LLM takes a limit of tokens, so the reply is cut here: a piece is at least a token,
# and a token of prose is seldom longer than this many characters.
_CHARACTERS_PER_TOKEN = 12


class LlamaIndexGenerator:
    """A ``Generator`` over a LlamaIndex ``LLM``; as safe between threads as that object is."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self.name = llm.metadata.model_name or llm.class_name()

    def __repr__(self) -> str:
        return f"LlamaIndexGenerator({self._llm.class_name()}, {self.name!r})"

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """Yield the reply piece by piece; closing the iterator closes the LLM's own.

        Raises:
            GeneratorError: the LLM raised something, or its reply is empty.
        """
        pieces, characters, visible = 0, 0, False
        with closing(self._pieces(prompt)) as replies:
            for piece in replies:
                pieces += 1
                characters += len(piece)
                visible = visible or bool(piece.strip())
                yield piece
                if pieces >= max_tokens or characters >= max_tokens * _CHARACTERS_PER_TOKEN:
                    break
        if not visible:
            raise GeneratorError(
                f"The language model {self.name!r} gave an empty reply.",
                "Ask in other words, or use another model.",
            )

    def yes_log_odds(self, prompt: Prompt) -> float | None:  # noqa: ARG002
        """None: LlamaIndex has no common way to ask for probabilities."""
        return None

    def _pieces(self, prompt: Prompt) -> Generator[str, None, None]:
        replies: Any = None
        try:
            replies = self._ask(prompt)
            yield from _deltas(replies)
        except Exception as error:
            raise self._failed(error) from None
        finally:
            if hasattr(replies, "close"):
                replies.close()

    def _ask(self, prompt: Prompt) -> Iterable[ChatResponse | CompletionResponse]:
        system, user = neutralise(prompt.system), neutralise(prompt.user)
        if not self._llm.metadata.is_chat_model:
            return self._llm.stream_complete(f"{system}\n\n{user}")
        return self._llm.stream_chat(
            [
                ChatMessage(role=MessageRole.SYSTEM, content=system),
                ChatMessage(role=MessageRole.USER, content=user),
            ]
        )

    def _failed(self, error: Exception) -> GeneratorError:
        kind = type(error).__name__
        # An authentication error often repeats a part of the key.
        key = getattr(self._llm, "api_key", None)
        said = "" if "auth" in kind.lower() else quoted(str(error), key)
        return GeneratorError(
            f"The language model {self.name!r} failed with {kind}{f': {said}' if said else ''}.",
            "Check its settings, its key and that its server is running.",
        )


def _deltas(replies: Iterable[ChatResponse | CompletionResponse]) -> Iterator[str]:
    """The new text of each reply, from the whole text so far where no delta is given."""
    known = ""
    for reply in replies:
        whole = reply.message.content if isinstance(reply, ChatResponse) else reply.text
        piece = reply.delta if reply.delta is not None else (whole or "")[len(known) :]
        known = whole or known + piece
        if piece:
            yield piece
