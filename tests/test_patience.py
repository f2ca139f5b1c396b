"""Clients that never finish asking, or never read: they hold neither a place nor a connection."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from citewise import Assistant
from citewise.bounds import Bounds
from citewise.types import Event, TextEvent
from citewise.ui import build_app
from citewise.ui.refusals import add_refusals
from citewise.ui.server import server_of
from citewise.ui.upload_routes import UploadRoutes
from citewise.ui.visitors import Visitors
from doubles import HashEmbedder
from ui_double import Double

BOUNDS = Bounds(at_once=1, asks_a_minute=0, request_seconds=1, upload_seconds=3, unread_seconds=1)
LONG = 30.0
"""Seconds after which a test gives up; each bound is a second or a few."""


class Talkative(Double):
    """Writes more than any buffer holds: without end, or 5 MB of it."""

    def _answer(self, question: str) -> Iterator[Event]:
        if "briefly" in question:
            yield from super()._answer(question)
        for _ in range(10**9 if "endless" in question else 100):
            time.sleep(0.001)
            yield TextEvent("x" * 50_000)


@contextmanager
def running(app: FastAPI) -> Iterator[tuple[uvicorn.Server, int]]:
    server = server_of(app, BOUNDS)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield server, listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(LONG)
        listener.close()


@pytest.fixture(scope="module")
def chat() -> Iterator[tuple[Talkative, uvicorn.Server, int]]:
    double = Talkative()
    with running(build_app(double, bounds=BOUNDS)) as (server, port):
        yield double, server, port


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + LONG
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def connected(port: int) -> socket.socket:
    """A connection that takes in next to nothing unless it is read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.settimeout(LONG)
    client.connect(("127.0.0.1", port))
    return client


def request(body: bytes, path: str = "/api/ask", length: int | None = None) -> bytes:
    kind = b"application/json" if path == "/api/ask" else b"application/octet-stream"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Citewise: 1\r\n".encode()
    size = len(body) if length is None else length
    return head + b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, size) + body


def question(words: str) -> bytes:
    return request(json.dumps({"question": words}).encode())


def until_closed(client: socket.socket) -> bytes:
    """What still comes; a connection that stays open ends in a TimeoutError."""
    read = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65536):
            read += piece
    return read


def told_while_sending(client: socket.socket, more: bytes, pause: float) -> bytes:
    """The reply that comes while one piece after another is sent."""
    client.settimeout(pause)
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        with suppress(TimeoutError):
            first = client.recv(65536)
            client.settimeout(LONG)
            return first + until_closed(client)
        client.sendall(more)
    return b""


def ask(port: int, words: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)) as client:
        body = json.dumps({"question": words})
        client.request("POST", "/api/ask", body, {"Content-Type": "application/json"})
        reply = client.getresponse()
        return reply.status, reply.read()


@pytest.mark.parametrize("words", ["Tell me endless things.", "Tell me much."])
def test_a_reply_that_nobody_reads_frees_its_place(chat: Any, words: str) -> None:
    double, server, port = chat
    asked, cancelled = len(double.asked), double.cancelled
    with closing(connected(port)) as client:
        client.sendall(question(words))
        assert eventually(lambda: len(double.asked) > asked)
        assert eventually(lambda: not server.server_state.connections)
        assert eventually(lambda: ask(port, "briefly: quote")[0] == 200)
    if "endless" in words:
        assert double.cancelled > cancelled


def test_a_slow_reader_gets_all_of_it(chat: Any) -> None:
    _, _, port = chat
    with closing(socket.create_connection(("127.0.0.1", port), LONG)) as client:
        client.sendall(question("Tell me much."))
        read, began = 0, time.monotonic()
        while piece := client.recv(20_000):
            read += len(piece)
            time.sleep(0.01)
            if piece.endswith(b"0\r\n\r\n"):
                break
    assert read > 100 * 50_000
    assert time.monotonic() - began > 2 * BOUNDS.unread_seconds


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        request(b'{"question"', "/api/source/x", length=5_000_000),
    ],
)
def test_a_request_that_never_becomes_whole_is_cut_off(chat: Any, sent: bytes) -> None:
    _, server, port = chat
    with closing(connected(port)) as client:
        client.sendall(sent)
        until_closed(client)
        assert eventually(lambda: not server.server_state.connections)


def test_a_body_that_stops_in_the_middle_is_refused_in_words(chat: Any) -> None:
    double, server, port = chat
    asked = len(double.asked)
    with closing(connected(port)) as client:
        client.sendall(request(b'{"question": "Wh', length=1000))
        told = until_closed(client)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body) == {
        "error": "too_slow",
        "message": "This request did not arrive within 1 seconds. Send it again.",
    }
    assert len(double.asked) == asked
    assert eventually(lambda: not server.server_state.connections)


def test_a_body_that_comes_byte_by_byte_is_refused_too(chat: Any) -> None:
    _, _, port = chat
    with closing(connected(port)) as client:
        client.sendall(request(b"{", length=1000))
        told = told_while_sending(client, b" ", 0.2)
    assert told.startswith(b"HTTP/1.1 408 ")


def test_half_a_request_of_one_who_left_is_not_answered(chat: Any) -> None:
    double, server, port = chat
    asked = len(double.asked)
    with closing(connected(port)) as client:
        client.sendall(request(b'{"question": "briefly: quote"}', length=31))
    assert eventually(lambda: not server.server_state.connections)
    assert len(double.asked) == asked


def test_a_page_that_asks_again_and_again_keeps_its_connection(chat: Any) -> None:
    _, _, port = chat
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)) as client:
        client.connect()
        first = client.sock
        for _ in range(8):
            client.request("GET", "/healthz")
            assert client.getresponse().read() == b'{"status":"ok"}'
            time.sleep(0.4)
        assert client.sock is first


# --- files ------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Visitors, int]]:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.txt").write_text("Kelp is green.\n")
    shared = Assistant(
        tmp_path / "corpus", tmp_path / "index", llm="none", embedder=HashEmbedder(), quiet=True
    )
    visitors = Visitors(tmp_path / "visitors", shared)
    app = FastAPI()
    add_refusals(app)
    UploadRoutes(visitors, lambda _: "token", BOUNDS).add_to(app)
    with running(app) as (_, port):
        yield visitors, port
    visitors.close()
    shared.close()


@pytest.mark.parametrize("pause", [None, 0.3])
def test_a_file_that_stops_or_trickles_is_given_up(site: Any, pause: float | None) -> None:
    visitors, port = site
    with closing(connected(port)) as client:
        client.sendall(request(b"words", "/api/uploads?name=a.txt", length=10_000))
        began = time.monotonic()
        told = told_while_sending(client, b" more", pause or LONG)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"did not arrive in time" in told
    assert time.monotonic() - began > (2.5 if pause else 0.9)
    visitor = visitors.get("token")
    assert not visitor.at_work
    assert visitor.uploads == ()
    assert list(visitors.root.glob("*/files/**/*")) == []


def test_a_file_that_keeps_coming_may_take_longer_than_a_question(site: Any) -> None:
    visitors, port = site
    with closing(connected(port)) as client:
        client.sendall(request(b"Kelp", "/api/uploads?name=a.txt", length=4 + 6 * 5))
        for _ in range(6):
            time.sleep(0.3)
            client.sendall(b" kelp")
        assert client.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert len(visitors.get("token").uploads) == 1
