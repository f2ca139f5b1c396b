"""Kept replies: asked once, told apart by model and prompt, never half."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from citewise.errors import GeneratorError, InputError
from citewise.protocols import Prompt
from citewise.replycache import CachedGenerator

PROMPT = Prompt("rules", "Who wrote it?")


class Counting:
    """Replies in two pieces and counts how often it is asked."""

    def __init__(self, name: str = "small", breaks: bool = False) -> None:
        self.name, self.breaks, self.asked = name, breaks, 0

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator[str, None, int | None]:
        self.asked += 1
        yield "Ada "
        if self.breaks:
            raise GeneratorError("It broke off.", "Ask again.")
        yield "did."
        return 17

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        self.asked += 1
        return 1.25


def said(generator: CachedGenerator, prompt: Prompt = PROMPT, most: int = 9) -> tuple[str, object]:
    tokens = None

    def whole() -> Iterator[str]:
        nonlocal tokens
        tokens = yield from generator.stream(prompt, max_tokens=most)

    return "".join(whole()), tokens


def test_a_second_process_asks_nothing(tmp_path: Path) -> None:
    for model in (Counting(), Counting()):
        cached = CachedGenerator(model, tmp_path)
        assert said(cached) == ("Ada did.", 17)
        assert cached.yes_log_odds(PROMPT) == 1.25
    assert model.asked == 0
    assert (cached.found, cached.asked) == (2, 0)


@pytest.mark.parametrize(
    ("name", "prompt", "most"),
    [
        ("large", PROMPT, 9),
        ("small", Prompt("rules", "Who read it?"), 9),
        ("small", Prompt("other rules", "Who wrote it?"), 9),
        ("small", PROMPT, 10),
    ],
)
def test_whatever_changes_the_reply_is_part_of_the_key(
    tmp_path: Path, name: str, prompt: Prompt, most: int
) -> None:
    said(CachedGenerator(Counting(), tmp_path))
    model = Counting(name)
    said(CachedGenerator(model, tmp_path), prompt, most)
    assert model.asked == 1


def test_a_reply_that_broke_off_is_not_kept(tmp_path: Path) -> None:
    cached = CachedGenerator(Counting(breaks=True), tmp_path)
    with pytest.raises(GeneratorError):
        said(cached)
    pieces = CachedGenerator(Counting(), tmp_path).stream(PROMPT, max_tokens=9)
    assert next(pieces) == "Ada "
    pieces.close()
    model = Counting()
    assert said(CachedGenerator(model, tmp_path)) == ("Ada did.", 17)
    assert model.asked == 1


def test_a_torn_line_is_asked_for_again(tmp_path: Path) -> None:
    cached = CachedGenerator(Counting(), tmp_path)
    said(cached)
    cached.yes_log_odds(PROMPT)
    text = cached.path.read_text(encoding="utf-8")
    cached.path.write_text(text[: len(text) - 10], encoding="utf-8")
    model = Counting()
    again = CachedGenerator(model, tmp_path)
    assert said(again) == ("Ada did.", 17)
    assert again.yes_log_odds(PROMPT) == 1.25
    assert model.asked == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--no-cache"):
        said(CachedGenerator(Counting(), tmp_path / "file" / "folder"))
