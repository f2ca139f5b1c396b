"""Two app processes over one PostgreSQL: any answers any request, and one may be killed."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fake_llm import FakeLLM
from stores import PostgresServer, postgres  # noqa: F401 - a fixture
from two_processes import (
    App,
    Proxy,
    Seen,
    ask_all,
    proxied,
    replying,
    state_elsewhere,
    write_corpus,
)

PEOPLE, SECONDS = 6, 8.0
# The real command, with the embedder that needs no model.
HASHING = """
import citewise.assistant
import doubles
embedder = doubles.HashEmbedder()
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
    seen, apps = Seen(), []

    async def asked() -> Proxy:
        async with proxied([app.port for app in apps]) as (proxy, url):
            asking = asyncio.create_task(ask_all(url, PEOPLE, SECONDS, seen, brings=3))
            await asyncio.sleep(SECONDS / 2)
            apps[0].kill()
            await asking
            return proxy

    with FakeLLM(replying(200.0)) as llm:
        settings = {
            "CITEWISE_LLM": f"{llm.url}#fake",
            "CITEWISE_ASKS_A_MINUTE": "0",
            "PYTHONPATH": f"{Path(__file__).parent}:{_python_path()}",
        }
        try:
            for _ in range(2):
                apps.append(_app(corpus, tmp_path / "index", address, settings))
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
    assert seen.kept >= len(seen.answers) > 2 * PEOPLE


def _python_path() -> str:
    return os.environ.get("PYTHONPATH", "")


def _app(corpus: Path, index: Path, address: str, settings: dict[str, str]) -> App:
    prelude = HASHING + state_elsewhere(address)
    return App(["--corpus", str(corpus), "--index", str(index)], prelude, **settings)
