"""A small real HTTP server that speaks the OpenAI API as told: replies, probabilities, faults.

    with FakeLLM("Paris is in France.") as llm:
        OpenAIGenerator(llm.url, "fake").stream(...)

``llm.script`` takes replies to give one after another; the last word is the standing reply, which
may also be a function of the request. ``llm.requests`` holds what was asked.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

__all__ = ["FakeLLM", "Reply", "Request", "event"]

Ending = Literal["done", "no_done", "silent_end", "broken", "endless", "hang"]


@dataclass(frozen=True, slots=True)
class Request:
    """What the server was asked; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    json: Mapping[str, Any]

    @property
    def user(self) -> str:
        """The text of the user's message."""
        return str(self.json["messages"][1]["content"])


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does.

    ``text`` is streamed word by word, ``pause`` seconds apart, or sent whole if no stream was
    asked for or ``whole`` is set. ``logprobs`` maps tokens to log-probabilities. ``body`` replaces
    everything by these bytes; in a stream they are its events. ``ending`` says how a stream ends:
    in order, without ``[DONE]``, without a reason either, by a cut connection, never, or silent.
    """

    text: str = "ready"
    logprobs: Mapping[str, float] | None = None
    finish: str = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    pause: float = 0.0
    ending: Ending = "done"
    whole: bool = False


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


class FakeLLM:
    """Context manager; listens on a port of 127.0.0.1, a free one by default, until it ends."""

    def __init__(
        self,
        standing: str | Reply | Callable[[Request], Reply] = "ready",
        models: tuple[str, ...] = ("fake",),
        port: int = 0,
    ) -> None:
        self.standing = Reply(standing) if isinstance(standing, str) else standing
        self.models = models
        self.script: list[Reply] = []
        self.requests: list[Request] = []
        self.cancelled = threading.Event()
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.llm = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> FakeLLM:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_reply(self, request: Request) -> Reply:
        """The next of the script, else the standing reply."""
        self.requests.append(request)
        if self.script:
            return self.script.pop(0)
        return self.standing if isinstance(self.standing, Reply) else self.standing(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    llm: FakeLLM

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what several tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        llm = self.server.llm
        request = self._request({})
        if llm.script:
            self._give(llm.next_reply(request), stream=False)
            return
        llm.requests.append(request)
        listed = {"object": "list", "data": [{"id": name} for name in llm.models]}
        self._send(200, {}, "application/json", json.dumps(listed).encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply = self.server.llm.next_reply(self._request(asked))
        self._give(reply, stream=bool(asked.get("stream")) and not reply.whole)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _request(self, asked: Mapping[str, Any]) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, self.path, headers, asked)

    def _give(self, reply: Reply, *, stream: bool) -> None:
        if stream and reply.status == 200:
            try:
                self._stream(reply)
            except OSError:
                self.server.llm.cancelled.set()
                raise
            return
        if reply.ending == "hang":
            self.server.llm.stopping.wait(30)
        body = json.dumps(_completion(reply)).encode() if reply.body is None else reply.body
        self._send(reply.status, reply.headers, "application/json", body)

    def _send(self, status: int, headers: Mapping[str, str], kind: str, body: bytes) -> None:
        self.send_response(status)
        sent = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in {**sent, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        stopping = self.server.llm.stopping
        pieces = re.findall(r"\s*\S+|\s+$", reply.text) if reply.body is None else []
        if reply.body:
            self._chunk(reply.body)
        for piece in pieces:
            self._chunk(event({"choices": [{"index": 0, "delta": {"content": piece}}]}))
            stopping.wait(reply.pause)
        while reply.ending == "endless" and not stopping.wait(reply.pause):
            self._chunk(event({"choices": [{"index": 0, "delta": {"content": " more"}}]}))
        if reply.ending == "hang":
            stopping.wait(30)
        if reply.ending == "broken":
            self.close_connection = True
            return
        if reply.ending in ("done", "no_done") and reply.body is None:
            self._chunk(event({"choices": [{"delta": {}, "finish_reason": reply.finish}]}))
        if reply.ending == "done" and reply.body is None:
            self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


def _completion(reply: Reply) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": reply.text},
        "finish_reason": reply.finish,
    }
    if reply.logprobs is not None:
        listed = [{"token": token, "logprob": value} for token, value in reply.logprobs.items()]
        choice["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}]}
    return {"object": "chat.completion", "choices": [choice]}
