"""Addresses as they may be told: without keys and passwords."""

from __future__ import annotations

import re

__all__ = ["MASK", "masked"]

MASK = "***"
# Before the host, up to the last "@" since a password may hold what should be written otherwise;
# the same where "//" was forgotten; in libpq's own form; and behind a "?".
_SECRET = re.compile(
    r"(?:(?<=://)|(?:(?<=postgresql)|(?<=postgres)|(?<=milvus))(?=[:/])(?!://))"
    r"[^,\s]*(?=@)|(?<=password=)[^,\s]+|(?<=[?&])(?!model=)[^#,\s]+",
    re.IGNORECASE,
)


def masked(addresses: str) -> str:
    """One or more addresses, whatever may be a secret in them replaced."""
    return _SECRET.sub(MASK, addresses)
