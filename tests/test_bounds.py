"""Bounds on questions and clients: each can be set, and each refuses in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from citewise import Assistant, InputError
from citewise.bounds import Bounds
from citewise.protocols import Prompt
from citewise.settings import current
from citewise.ui.rates import Bucket, RateLimit
from doubles import HashEmbedder


def test_each_bound_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current().bounds == Bounds()
    monkeypatch.setenv("CITEWISE_MAX_QUESTION", "12")
    monkeypatch.setenv("CITEWISE_ASKS_A_MINUTE", " 30 ")
    assert current().bounds == Bounds(max_question=12, asks_a_minute=30)


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5", "9" * 5000 + "x"])
def test_a_bound_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_MAX_QUESTION", value)
    with pytest.raises(InputError, match=r"CITEWISE_MAX_QUESTION is '.{1,40}'\. Set it to a whole"):
        current()


class Counting:
    """Meets ``Generator``; remembers how many tokens it was allowed."""

    name = "counting"

    def __init__(self) -> None:
        self.allowed: list[int] = []

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Any:
        self.allowed.append(max_tokens)
        yield "Kelp is green."

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        return 6.0


def test_question_history_and_answer_are_held_to_their_bounds(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.txt").write_text("Kelp is green.\n")
    model = Counting()
    with Assistant(
        corpus,
        tmp_path / "index",
        llm=model,
        embedder=HashEmbedder(),
        bounds=Bounds(max_question=20, max_history=1, max_answer_tokens=7),
        quiet=True,
    ) as assistant:
        with pytest.raises(InputError, match="has 21 characters; at most 20 are allowed"):
            assistant.ask("x" * 21)
        assistant.ask("What is kelp?", ["a" * 99] * 99)
    assert model.allowed == [7]


def test_a_bucket_gives_a_minutes_worth_at_once_and_then_a_steady_rate() -> None:
    bucket = Bucket(3, now=0.0)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(0.0) == pytest.approx(20.0)
    assert bucket.take(20.0) == 0.0
    assert bucket.take(20.0) == pytest.approx(20.0)
    assert bucket.take(10_000.0) == 0.0
    assert bucket.take(9_000.0) == 0.0  # a clock that went back gives and takes nothing
    assert [bucket.take(9_000.0) for _ in range(2)] == [0.0, pytest.approx(20.0)]


class Limited:
    """A rate limit before an app that says yes."""

    def __init__(self, a_minute: int) -> None:
        self.now = 0.0
        self.app = RateLimit(self._yes, a_minute, clock=lambda: self.now)

    async def _yes(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"yes"})

    def post(self, client: str, path: str = "/api/ask", method: str = "POST") -> tuple[int, Any]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "client": (client, 1)}
        asyncio.run(self.app(scope, receive, send))
        self.headers = dict(sent[0]["headers"])
        return sent[0]["status"], sent[1]["body"]


def test_a_client_that_asks_too_often_is_told_when_to_ask_again() -> None:
    limited = Limited(2)
    assert [limited.post("a")[0] for _ in range(3)] == [200, 200, 429]
    status, body = limited.post("a")
    assert (status, limited.headers[b"retry-after"]) == (429, b"30")
    assert json.loads(body) == {
        "error": "too_often",
        "message": "You ask faster than this chat allows (2 questions a minute). "
        "Ask again in 30 seconds.",
    }
    assert limited.post("b")[0] == 200
    limited.now = 30.0
    assert [limited.post("a")[0] for _ in range(2)] == [200, 429]


def test_only_questions_are_counted() -> None:
    limited = Limited(1)
    assert limited.post("a")[0] == 200
    assert limited.post("a", "/api/source/x")[0] == 200
    assert limited.post("a", "/healthz", "GET")[0] == 200
    assert limited.post("a", "/gradio_api/queue/join")[0] == 429


def test_a_bound_of_zero_is_none() -> None:
    limited = Limited(0)
    assert {limited.post("a")[0] for _ in range(200)} == {200}


def test_clients_that_come_and_go_do_not_fill_the_memory() -> None:
    limited = Limited(1)
    for number in range(10_050):
        limited.app._own.take(str(number))
    assert len(limited.app._own._buckets) == 10_000
