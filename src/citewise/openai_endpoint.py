"""The connection to an OpenAI-compatible endpoint: requests, refusals, time-outs and caps."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from citewise.errors import GeneratorError, InputError
from citewise.openai_failures import failed_request, refused_reply, reported_fault, retry_after
from citewise.openai_replies import json_object, read_events

__all__ = ["Endpoint", "Limits", "NoProbabilitiesError"]

_LONGEST_BODY = 4_000_000
# Fields that some servers refuse, and the name to try instead; None: leave it out.
_ALTERNATIVES = {
    "seed": None,
    "temperature": None,
    "stream_options": None,
    "max_tokens": "max_completion_tokens",
}
# vLLM lists no more than its --max-logprobs, and says so.
_MOST_LISTED = re.compile(r"greater than max allowed: (\d+)")
# Servers close a connection that was idle for 5 s (uvicorn, vLLM, llama.cpp); one that is closed
# while a request is on its way would look like a failure.
_IDLE_SECONDS = 2.0
# What follows the last event of a stream is its end; one that does not come is not waited for.
_ENDING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """When to give up: seconds to connect, of silence, and in all; characters of one reply.

    ``at_once`` connections are open at a time.
    """

    connect: float = 5.0
    silence: float = 120.0
    total: float = 600.0
    characters: int = 100_000
    at_once: int = 8


class NoProbabilitiesError(Exception):
    """The endpoint refused a request because it asked for probabilities."""


class Endpoint:
    """Sends requests to one address over pooled connections; safe between threads.

    Args:
        base_url: address up to the version, such as ``http://127.0.0.1:11434/v1``.
        key: sent as a bearer token to this address alone; redirects are not followed.
        limits: time-outs and caps.

    Raises:
        InputError: the address or the key cannot be used.
    """

    def __init__(self, base_url: str, key: str | None, limits: Limits) -> None:
        url = _checked_url(base_url)
        self.where = str(url)
        self._key = key
        self._limits = limits
        self._renamed: dict[str, str | None] = {}
        self._listed = 20
        self._client = httpx.Client(
            base_url=url,
            headers=_headers(key),
            timeout=httpx.Timeout(limits.silence, connect=limits.connect),
            limits=httpx.Limits(max_connections=limits.at_once, keepalive_expiry=_IDLE_SECONDS),
            follow_redirects=False,
            # A proxy set for the outside world cannot reach this machine's own loopback.
            trust_env=not _is_loopback(url.host),
        )

    def close(self) -> None:
        """Close all connections, for good."""
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at a path.

        Raises:
            GeneratorError: unreachable, refused, timed out, or no JSON object.
        """
        return self._json("GET", path, None)

    def post(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        """The JSON object sent in reply to a request.

        Raises:
            GeneratorError: as for ``get``, or the object tells of an error.
            NoProbabilitiesError: refused because of the field ``logprobs``.
        """
        return self._json("POST", path, request)

    def stream(self, path: str, request: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
        """The events sent in reply to a request; closing the iterator closes the connection.

        Raises:
            GeneratorError: as for ``post``, or the stream breaks off or does not end in time.
        """
        with self._send("POST", path, request) as response:
            # Some endpoints ignore the wish for a stream and send one whole reply.
            if "json" in response.headers.get("content-type", ""):
                yield self._checked(json_object(self._body(response)))
            else:
                chunks = self._chunks(response)
                for data in read_events(chunks):
                    yield self._checked(json_object(data))
                _finish(chunks, response)

    def _json(self, method: str, path: str, request: dict[str, Any] | None) -> dict[str, Any]:
        with self._send(method, path, request) as response:
            return self._checked(json_object(self._body(response)))

    @contextlib.contextmanager
    def _send(
        self, method: str, path: str, request: dict[str, Any] | None
    ) -> Iterator[httpx.Response]:
        """An accepted response, not yet read; network faults inside become GeneratorErrors."""
        begun = False
        try:
            response = self._accepted(method, path, request)
            begun = True
            try:
                yield response
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise failed_request(error, self.where, begun) from None

    def _accepted(self, method: str, path: str, request: dict[str, Any] | None) -> httpx.Response:
        while True:
            sent = self._adapted(request)
            response = self._exchange(method, path, sent)
            if response.is_success:
                return response
            try:
                body = self._body(response)
            finally:
                response.close()
            status = response.status_code
            if not (status in (400, 422) and sent is not None and self._adapt(sent, body)):
                wait = retry_after(response.headers.get("retry-after"))
                raise refused_reply(status, body, self.where, self._key, wait)

    def _exchange(self, method: str, path: str, sent: dict[str, Any] | None) -> httpx.Response:
        if self._client.is_closed:
            raise GeneratorError(
                f"The connection to the language model at {self.where} was closed.",
                "Make a new generator.",
            )
        request = self._client.build_request(method, path.lstrip("/"), json=sent)
        return self._client.send(request, stream=True)

    def _adapted(self, request: dict[str, Any] | None) -> dict[str, Any] | None:
        if request is None:
            return None
        named = ((self._renamed.get(key, key), value) for key, value in request.items())
        sent = {key: value for key, value in named if key is not None}
        if "top_logprobs" in sent:
            sent["top_logprobs"] = min(sent["top_logprobs"], self._listed)
        return sent

    def _adapt(self, sent: dict[str, Any], body: bytes) -> bool:
        """Learn from a refusal which optional field this endpoint cannot take."""
        said = body.decode("utf-8", "replace")
        if "logprobs" in sent and "logprob" in said:
            most = _MOST_LISTED.search(said)
            if not most or not 0 < int(most[1]) < min(self._listed, sent["top_logprobs"]):
                raise NoProbabilitiesError
            self._listed = int(most[1])
            return True
        for field, other in _ALTERNATIVES.items():
            if field in sent and field in said:
                self._renamed[field] = other
                return True
        return False

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        deadline = time.monotonic() + self._limits.total
        for chunk in response.iter_bytes():
            if time.monotonic() > deadline:
                raise self.endless(f"{self._limits.total:g} seconds")
            yield chunk

    def _body(self, response: httpx.Response) -> bytes:
        body = b""
        for chunk in self._chunks(response):
            body += chunk
            if len(body) > _LONGEST_BODY:
                raise self.endless(f"{_LONGEST_BODY:,} bytes")
        return body

    def _checked(self, reply: dict[str, Any]) -> dict[str, Any]:
        # vLLM, before it wrapped them as OpenAI does, sent an error's fields by themselves.
        fault = reply.get("error") or (reply if reply.get("object") == "error" else None)
        if fault:
            raise reported_fault(fault, self.where, self._key)
        return reply

    def endless(self, cap: str) -> GeneratorError:
        """The error for a reply that passed a cap."""
        return GeneratorError(
            f"The reply of the language model at {self.where} did not end within {cap}.",
            "Ask a narrower question, or use another model.",
        )


def _finish(chunks: Iterator[bytes], response: httpx.Response) -> None:
    """Read a stream's end, since a connection that was read to its end alone is used again."""
    connection = response.extensions["network_stream"].get_extra_info("socket")
    guard = threading.Timer(_ENDING_SECONDS, _cut, (connection,))
    guard.daemon = True
    guard.start()
    try:
        with contextlib.suppress(httpx.HTTPError, GeneratorError):
            for _ in chunks:
                pass
    finally:
        guard.cancel()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _checked_url(base_url: str) -> httpx.URL:
    remedy = "Give an address such as http://127.0.0.1:11434/v1."
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        raise InputError("The language model's address is not a valid URL.", remedy) from None
    if url.userinfo or url.query or url.fragment:
        # Not quoted, since this is where people put passwords.
        raise InputError(
            "The language model's address holds a user name, a query or a fragment.",
            "Give the address alone, and the key in CITEWISE_API_KEY.",
        )
    if url.scheme not in ("http", "https") or not url.host:
        raise InputError(
            f"The language model's address {base_url[:200]!r} is not http:// or https://.", remedy
        )
    return url


def _headers(key: str | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if key:
        if not key.isascii() or not key.isprintable() or " " in key:
            raise InputError(
                "The key in CITEWISE_API_KEY holds characters that no key has.",
                "Copy it again, without spaces or line ends.",
            )
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
