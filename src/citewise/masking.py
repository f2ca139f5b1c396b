"""Addresses as they may be told: without keys and passwords."""

from __future__ import annotations

import re

__all__ = ["MASK", "masked"]

MASK = "***"
# Before the host, and behind a "?".
_SECRET = re.compile(r"(?<=://)[^/,\s]*(?=@)|(?<=[?&])(?!model=)[^#,\s]+")


def masked(addresses: str) -> str:
    """One or more addresses, whatever may be a secret in them replaced."""
    return _SECRET.sub(MASK, addresses)
