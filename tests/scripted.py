"""A language model that says what it is told to."""

from __future__ import annotations

from collections.abc import Iterator

from citewise.errors import GeneratorError
from citewise.protocols import Prompt

__all__ = ["Scripted"]


class Scripted:
    """Meets ``Generator``: gives ``reply`` word by word, and ``odds`` for every question.

    ``odds_after`` are those for a question about the draft; as ``odds`` if left out.
    ``breaks_after`` words it fails; ``prompts`` lists every request.
    """

    name = "scripted"

    def __init__(
        self,
        reply: str = "",
        odds: float | None = 6.0,
        breaks_after: int | None = None,
        odds_after: float | None = None,
    ) -> None:
        self.reply = reply
        self.odds = odds
        self.odds_after = odds if odds_after is None else odds_after
        self.breaks_after = breaks_after
        self.prompts: list[Prompt] = []
        self.closed = 0

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """The reply, one word at a time."""
        self.prompts.append(prompt)
        try:
            for number, word in enumerate(self.reply.split(" ")[:max_tokens]):
                if number == self.breaks_after:
                    raise GeneratorError("The connection broke.", "Ask again.")
                yield word if number == 0 else " " + word
        finally:
            self.closed += 1

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """The scripted odds."""
        self.prompts.append(prompt)
        return self.odds_after if "\nAnswer: " in prompt.user else self.odds
