"""Two app processes over one PostgreSQL: any answers any request, and one may be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from citewise import Assistant
from doubles import HashEmbedder
from fake_llm import FakeLLM
from stores import PostgresServer, postgres  # noqa: F401 - a fixture
from two_processes import (
    OURS,
    App,
    Proxy,
    Seen,
    ask_all,
    proxied,
    replying,
    write_corpus,
)

PEOPLE, SECONDS = 6, 8.0
# The real command, with the embedder that needs no model.
HASHING = """
import time
import citewise.assistant
import doubles
class Hashing(doubles.HashEmbedder):
    def embed_passages(self, texts):
        if any("tortoise" in text for text in texts):
            time.sleep(3)
        return super().embed_passages(texts)
embedder = Hashing()
citewise.assistant.Assistant._made_embedder = lambda self: embedder
"""


def test_one_of_two_processes_is_killed_and_nothing_is_lost(
    tmp_path: Path,
    postgres: PostgresServer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus, address = tmp_path / "corpus", postgres.new_database()
    corpus.mkdir()
    write_corpus(corpus, 12)
    _fill(corpus, address)
    seen, apps, found = Seen(), list[App](), list[str]()

    async def asked() -> Proxy:
        async with proxied([app.port for app in apps]) as (proxy, url):
            asking = asyncio.create_task(ask_all(url, PEOPLE, SECONDS, seen, brings=3))
            await asyncio.sleep(SECONDS / 2)
            reader = await asyncio.to_thread(_bring_slowly, apps[0])
            apps[0].kill()
            found.append(await asyncio.to_thread(_read_at, apps[1], reader))
            await asking
            return proxy

    with FakeLLM(replying(200.0)) as llm:
        settings = {
            "CITEWISE_LLM": f"{llm.url}#fake",
            "CITEWISE_STORE": address,
            "CITEWISE_ASKS_A_MINUTE": "0",
            "PYTHONPATH": f"{Path(__file__).parent}:{_python_path()}",
        }
        try:
            for _ in range(2):
                apps.append(_app(corpus, settings))
                apps[-1].warm()
            with ThreadPoolExecutor(1) as pool:
                proxy = pool.submit(asyncio.run, asked()).result()
        finally:
            for app in apps:
                app.stop()
    assert seen.wrong == []
    assert seen.lost == []
    assert min(proxy.passed.values()) > PEOPLE and len(proxy.passed) == 2
    assert seen.kinds["the right number"] > PEOPLE
    assert seen.kinds["their own document's number"] > 0
    assert found == ["The tortoise is 187 years old."]
    assert seen.kept >= len(seen.answers) > 2 * PEOPLE


def _bring_slowly(app: App) -> httpx.Client:
    """A visitor whose document is just being embedded."""
    http = httpx.Client(trust_env=False, timeout=30.0)
    http.base_url = f"http://127.0.0.1:{app.port}"
    text = "The tortoise is 187 years old.\n"
    made = http.post("/api/uploads", params={"name": "t.txt"}, content=text, headers=OURS)
    assert made.status_code == 201
    _until(lambda: _state(http) == "embedding")
    return http


def _read_at(app: App, http: httpx.Client) -> str:
    """What the same visitor is told of it at another process, once that has read it."""
    with contextlib.closing(http):
        http.base_url = f"http://127.0.0.1:{app.port}"
        assert _state(http) == "embedding"  # as the process left it
        _until(lambda: _state(http) == "ready")
        asked = http.post("/api/ask", json={"question": "How old is the tortoise?"})
        answer = json.loads(asked.text.splitlines()[-2])["answer"]
        source = http.get(f"/api/source/{answer['citations'][0]['source']}").json()
        return str(source["quote"])


def _state(http: httpx.Client) -> str:
    (upload,) = http.get("/api/uploads").json()["uploads"]
    return str(upload["state"])


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _python_path() -> str:
    return os.environ.get("PYTHONPATH", "")


def _fill(corpus: Path, address: str) -> None:
    """Bring the documents into the store, which no chat does."""
    options = {"store": address, "llm": "none", "embedder": HashEmbedder(), "quiet": True}
    with Assistant(corpus, **options) as assistant:
        assistant.update()


def _app(corpus: Path, settings: dict[str, str]) -> App:
    return App(["--corpus", str(corpus)], HASHING, **settings)
