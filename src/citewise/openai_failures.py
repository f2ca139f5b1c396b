"""Turns what can go wrong on the way to an endpoint into words for the person who asked.

Messages name the server by scheme, host and path alone, and quote what it said only after the
key has been taken out.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from citewise.errors import GeneratorError

__all__ = [
    "UnavailableError",
    "failed_request",
    "quoted",
    "refused_reply",
    "reported_fault",
    "retry_after",
]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

_FOR_NOW = (429, 502, 503, 504)
# Either the engine is broken, and another one may not be, or the request breaks it.
_BROKEN = 500
_REMEDIES = {
    400: "The server does not accept this request; check the model's name and its context length.",
    401: "Set CITEWISE_API_KEY to a key that this server accepts.",
    403: "The key in CITEWISE_API_KEY may not use this model; use another key or model.",
    404: "Check the model's name and the address (it often ends in /v1).",
    413: "The sources are too long for this server; ask a narrower question or lower top_k.",
    422: "The server does not accept this request; check the model's name.",
    429: "Wait a while, or use another model.",
    500: "Look into the server's own log, or use another model.",
    503: "The server is loading or overloaded; ask again in a moment.",
}


class UnavailableError(GeneratorError):
    """No reply now and here; another address, or a later moment, may give one.

    ``wait`` is how many seconds the server asked for; ``once``: this address need not be asked
    again, because it used up its time, or would fail in the same way.
    """

    def __init__(
        self, problem: str, remedy: str, *, wait: float | None = None, once: bool = False
    ) -> None:
        super().__init__(problem, remedy)
        self.wait = wait
        self.once = once


def failed_request(error: Exception, where: str, begun: bool) -> GeneratorError:
    """The error for a request that got no whole reply; ``begun`` if part of it had arrived."""
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
        return UnavailableError(
            f"The language model at {where} did not take the connection in time.",
            "Check the address and that the server is running and not overloaded.",
            once=True,
        )
    if isinstance(error, httpx.TimeoutException):
        return UnavailableError(
            f"The language model at {where} timed out: it fell silent before its reply was whole.",
            "Ask again, or use a smaller model or a faster server.",
            once=True,
        )
    if isinstance(error, httpx.ConnectError):
        return _unreachable(error, where)
    if begun:
        return UnavailableError(
            f"The reply of the language model at {where} broke off in the middle.",
            "Ask again; if it happens each time, look into the server's own log.",
        )
    return UnavailableError(
        f"The language model at {where} closed the connection without a valid reply "
        f"({type(error).__name__}).",
        "Check that the address is that of an OpenAI-compatible API.",
    )


def _unreachable(error: Exception, where: str) -> GeneratorError:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return GeneratorError(
            f"No secure connection to the language model at {where}: {quoted(str(error), None)}.",
            "Check whether the address begins with http:// or https://, and the certificate.",
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return UnavailableError(
            f"The name of the language model's host, in {where}, cannot be resolved.",
            "Check the spelling of the host and the network connection.",
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return UnavailableError(
            f"Nothing answers at {where}: the connection was refused.",
            "Start the language model's server, or check the port in the address.",
        )
    return UnavailableError(
        f"The language model at {where} cannot be reached: {quoted(str(error), None)}.",
        "Check the address and the network connection.",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refused_reply(
    status: int, body: bytes, where: str, key: str | None, wait: float | None = None
) -> GeneratorError:
    """The error for a reply with a status other than 2xx; ``wait``: seconds that it asked for."""
    if 300 <= status < 400:
        return GeneratorError(
            f"The language model's server at {where} redirects elsewhere (HTTP {status}).",
            "Set the final address; redirects are not followed, so that no key leaks.",
        )
    # A server's 401 often repeats a part of the key, so its words are left out.
    said = "" if status == 401 else _message(body, key)
    problem = f"The language model's server at {where} answered HTTP {status}"
    remedy = _REMEDIES.get(status) or _REMEDIES[500 if status >= 500 else 400]
    problem = f"{problem}: {said}." if said else f"{problem}."
    if status in _FOR_NOW:
        return UnavailableError(problem, remedy, wait=wait)
    if status == _BROKEN:
        return UnavailableError(problem, remedy, once=True)
    return GeneratorError(problem, remedy)


def reported_fault(fault: Any, where: str, key: str | None) -> GeneratorError:
    """The error that a server tells of in a reply or an event that began well.

    vLLM sends so what befalls a request after its status, 200, was sent; ``code`` is then the
    status that it would have had. Another server may do better if the engine here has failed.
    """
    code = fault.get("code") if isinstance(fault, dict) else None
    said = fault.get("message", fault) if isinstance(fault, dict) else fault
    problem = f"The language model at {where} reported: {quoted(str(said), key)}."
    remedy = "Ask again; if it happens each time, look into the server's own log."
    if code in (*_FOR_NOW, _BROKEN):
        return UnavailableError(problem, remedy, once=True)
    return GeneratorError(problem, remedy)


def _message(body: bytes, key: str | None) -> str:
    text = body.decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        return ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return quoted(text, key)
    for _ in range(2):
        if isinstance(value, dict):
            value = value.get("error") or value.get("message") or value.get("detail") or ""
    return quoted(value if isinstance(value, str) else json.dumps(value), key)


def quoted(text: str, key: str | None) -> str:
    """At most 200 characters of a server's words, on one line and without the key."""
    if key:
        text = text.replace(key, "***")
    return _CONTROL.sub(" ", text).strip().rstrip(".")[:200]


def retry_after(header: str | None) -> float | None:
    """Seconds to wait according to a Retry-After header (RFC 9110, section 10.2.3)."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
