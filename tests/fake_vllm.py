"""A small real HTTP server that speaks the OpenAI API as vLLM documents it, where that differs.

    with FakeVLLM("Paris is in France.", most_logprobs=5) as server:
        OpenAIGenerator(server.url, "m").stream(...)

What differs: connections stay open; the first event holds the role and no text; the usage of a
stream is told only to who asks by ``stream_options``, in an event without choices; what fails after
the status was sent is an event that holds ``error``; no more log-probabilities are listed than
``--max-logprobs`` allows; a token without probability has -9999; ``stop_reason`` stands beside
``finish_reason``. (vLLM 0.33: ``entrypoints/openai``, "OpenAI-Compatible Server" in its documents.)
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

__all__ = ["FakeVLLM"]

_PROMPT_TOKENS = 17
_LISTED = {"Yes": -0.2, " yes": -2.5, "No": -2.0, "The": -5.0, "Maybe": -9.0, "I": -9999.0}


class FakeVLLM:
    """Context manager; ``requests`` holds what was asked, ``connections`` how many were opened.

    Args:
        text: what every reply says.
        most_logprobs: vLLM's ``--max-logprobs``.
        fails: the engine fails once the status was sent, with this message.
        lingers: the end of a stream comes only when the server ends.
    """

    def __init__(
        self, text: str = "ready", most_logprobs: int = 20, fails: str = "", lingers: bool = False
    ) -> None:
        self.text, self.most_logprobs, self.fails, self.lingers = (
            text,
            most_logprobs,
            fails,
            lingers,
        )
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self.ending = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fake = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> FakeVLLM:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeVLLM

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may go away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.fake.connections += 1

    def do_POST(self) -> None:
        fake = self.server.fake
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        fake.requests.append(asked)
        listed = asked.get("top_logprobs", 0)
        if listed > fake.most_logprobs:
            said = f"Requested sample logprobs of {listed}, which is greater than max allowed: "
            self._whole(400, _error(f"{said}{fake.most_logprobs}", 400, "BadRequestError"))
        elif asked.get("stream"):
            self._stream(asked)
        else:
            self._whole(200, _completion(fake.text, listed))

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _whole(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, asked: dict[str, Any]) -> None:
        fake = self.server.fake
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if fake.fails:
            self._event(_error(fake.fails, 500, "InternalServerError"))
        else:
            self._event(_piece({"role": "assistant", "content": ""}))
            for word in re.findall(r"\s*\S+", fake.text):
                self._event(_piece({"content": word}))
            self._event(_piece({"content": ""}, "stop"))
        if asked.get("stream_options", {}).get("include_usage") and not fake.fails:
            self._event({"choices": [], "usage": {"prompt_tokens": _PROMPT_TOKENS}})
        self._chunk(b"data: [DONE]\n\n")
        if fake.lingers:
            fake.ending.wait(30)
        self._chunk(b"")

    def _event(self, value: object) -> None:
        self._chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


def _piece(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    if finish:
        choice["stop_reason"] = None
    return {"object": "chat.completion.chunk", "choices": [choice]}


def _error(message: str, code: int, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _completion(text: str, listed: int) -> dict[str, Any]:
    tokens = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in _LISTED.items()]
    shown = {"content": [{**tokens[0], "top_logprobs": tokens[:listed]}]}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "tool_calls": []},
        "logprobs": shown if listed else None,
        "finish_reason": "length",
        "stop_reason": None,
    }
    return {"object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens": 17}}
