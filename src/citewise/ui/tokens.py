"""Who is asking: a random cookie, and the folder name that follows from it."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping

__all__ = ["COOKIE", "folder_name", "new_token", "token_in"]

COOKIE = "citewise_visitor"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def token_in(cookies: Mapping[str, str], name: str) -> str | None:
    """The visitor's token among a request's cookies; None if there is none of its form."""
    token = cookies.get(name, "")
    return token if _TOKEN.fullmatch(token) else None


def folder_name(token: str) -> str:
    """Where a visitor's files are kept; whoever sees it cannot make the cookie from it."""
    return hashlib.sha256(token.encode()).hexdigest()[:40]
