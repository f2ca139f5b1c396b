"""Requests that change something: only from this server's own page, or from a program."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

__all__ = ["HEADER", "own_page"]

HEADER = "X-Citewise"
"""Another site's page cannot send it without asking this server first, which never agrees."""


def own_page(request: Request) -> bool:
    """Whether a request comes from this server's own page, or from no page at all.

    The cookie is kept from other sites by SameSite=Strict, but not from other ports of this
    machine, which are the same site to a browser.
    """
    if request.headers.get(HEADER) is None:
        return False
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or _place(origin) == request.headers.get("host", "").lower()


def _place(origin: str) -> str:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in ("http", "https") else ""
