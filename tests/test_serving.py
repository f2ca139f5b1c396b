"""Whether a server is alive and ready, and whom it believes about its clients."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from citewise import Assistant
from citewise.bounds import Bounds
from citewise.errors import IndexFault, InputError
from citewise.serve_settings import ServeSettings
from citewise.ui import build_app
from citewise.ui.options import Options
from citewise.ui.proxies import proxies_of
from citewise.ui.readiness import READY, Part, Readiness
from citewise.ui.server import server_of
from doubles import HashEmbedder
from fake_llm import FakeLLM
from ui_double import Double

STORE = "It is not open, holds nothing, or does not answer; the log says more."
MODELS = "The language model is not at hand or not reachable; the log says more."


@contextmanager
def client_of(assistant: object, **serving: object) -> Iterator[TestClient]:
    app = build_app(assistant, serving=ServeSettings(**serving))  # type: ignore[arg-type]
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.txt").write_text("Ada wrote a program in 1843.\n")
    return tmp_path


def assistant_of(folder: Path, llm: str) -> Assistant:
    return Assistant(
        folder / "corpus", folder / "index", llm=llm, embedder=HashEmbedder(), quiet=True
    )


def until_settled(client: TestClient) -> tuple[int, dict[str, object]]:
    """The first reply that is not "not answered yet"; what is remembered is waited out."""
    time.sleep(1.05)
    for _ in range(40):
        reply = client.get("/readyz")
        if "yet" not in reply.text:
            return reply.status_code, reply.json()
        time.sleep(0.1)
    raise AssertionError(reply.text)


def test_it_is_ready_when_store_and_model_answer_and_says_what_does_not(folder: Path) -> None:
    with FakeLLM() as llm:
        assistant = assistant_of(folder, f"{llm.url}#fake")
        with assistant, client_of(assistant) as client:
            ready = {"store": READY, "models": READY, "server": READY}
            assert until_settled(client) == (200, {"status": "ready", "parts": ready})
    with assistant_of(folder, f"{llm.url}#fake") as assistant, client_of(assistant) as client:
        status, body = until_settled(client)
        assert (status, body["status"]) == (503, "not_ready")
        assert body["parts"] == {"store": READY, "models": MODELS, "server": READY}
        assert client.get("/healthz").json() == {"status": "ok"}


def test_a_store_that_is_gone_or_was_never_filled_is_not_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with assistant_of(tmp_path, "none") as assistant, client_of(assistant) as client:
        status, body = until_settled(client)
        assert (status, body["parts"]) == (
            503,
            {"store": STORE, "models": READY, "server": READY},
        )
        assert str(tmp_path) not in str(body)
        assert str(tmp_path) in caplog.text, "the log says more"
        (tmp_path / "corpus").mkdir()
        (tmp_path / "corpus" / "notes.txt").write_text("Ada wrote a program in 1843.\n")
        assert until_settled(client)[0] == 200, "it is looked at anew"


def test_a_store_that_hangs_keeps_nobody_waiting_and_is_asked_once() -> None:
    hang, looks = threading.Event(), []

    def look() -> None:
        looks.append(1)
        hang.wait(20)

    part = Part(look, "fault")

    async def both() -> tuple[list[tuple[bool, dict[str, str]]], float]:
        began = time.monotonic()
        states = await asyncio.gather(*(Readiness({"store": part}).states() for _ in range(5)))
        return list(states), time.monotonic() - began

    try:
        states, took = asyncio.run(both())
    finally:
        hang.set()
    assert states == [(False, {"store": "It has not answered yet.", "server": READY})] * 5
    assert took < 5
    assert looks == [1]


def test_what_was_seen_is_remembered_for_a_second() -> None:
    now, looks = [0.0], []

    def look() -> None:
        looks.append(now[0])
        if now[0] > 2:
            raise IndexFault("postgresql://somebody:secret@db/ is gone.", "Look.")

    part = Part(look, "fault", clock=lambda: now[0])
    told = []
    for now[0] in (0.0, 0.5, 1.0, 1.1, 3.0, 3.5):
        told.append(asyncio.run(part.state()))
    assert looks == [0.0, 1.1, 3.0]
    assert told == [READY] * 4 + ["fault"] * 2


def test_a_server_that_ends_is_alive_but_neither_ready_nor_takes_questions() -> None:
    with client_of(Double()) as client:
        assert client.get("/readyz").json() == {"status": "ready", "parts": {"server": READY}}
        client.app.state.ending.begin()  # type: ignore[attr-defined]
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()["parts"]) == (
            503,
            {"server": "It is being stopped."},
        )
        assert client.get("/healthz").status_code == 200
        refused = client.post("/api/ask", json={"question": "What did V2 score?"})
        assert (refused.status_code, refused.json()["error"]) == (503, "ending")
        assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
        assert client.get("/api/documents").status_code == 200, "what was answered is still shown"


def test_every_route_is_on_the_page(folder: Path) -> None:
    visitors = Options(folder / "data", owner="a password", questions=folder / "questions.jsonl")
    with assistant_of(folder, "none") as assistant:
        app = build_app(assistant, visitors=visitors, serving=ServeSettings(metrics="open"))
        app.state.extras.close()
    page = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]+)`", page))
    made = {
        f"{method} {route.path.replace(':path', '')}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert told == made


# --- proxies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "proxies"),
    [
        ("127.0.0.1, ::1", ("127.0.0.1", "::1")),
        ("10.0.0.0/8,fd00::/8", ("10.0.0.0/8", "fd00::/8")),
        (" None ", ()),
    ],
)
def test_proxies_are_addresses_and_networks(setting: str, proxies: tuple[str, ...]) -> None:
    assert proxies_of(setting) == proxies


@pytest.mark.parametrize("setting", ["*", "proxy.example", "10.0.0.1/8", "0.0.0.0/0", "::/0", "1"])
def test_not_everybody_can_be_trusted(setting: str) -> None:
    with pytest.raises(InputError, match="trusted_proxies holds"):
        proxies_of(setting)


@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [
        (("127.0.0.1",), [200, 200, 429]),
        (("192.0.2.0/24",), [200, 429, 429]),
        ((), [200, 429, 429]),
    ],
)
def test_clients_are_counted_apart_only_by_the_word_of_a_trusted_proxy(
    proxies: tuple[str, ...], statuses: list[int]
) -> None:
    app = build_app(Double(), bounds=Bounds(asks_a_minute=1))
    server = server_of(app, Bounds(), proxies)
    server.config.load()
    with TestClient(
        server.config.loaded_app, base_url="http://127.0.0.1", client=("127.0.0.1", 5000)
    ) as client:
        # What a client itself wrote stands before what its proxy added.
        told = ["198.51.100.1", "203.0.113.9, 198.51.100.2", "6.6.6.6, 198.51.100.1"]
        got = [
            client.post(
                "/api/ask", json={"question": "moon"}, headers={"X-Forwarded-For": forwarded}
            ).status_code
            for forwarded in told
        ]
    assert got == statuses
