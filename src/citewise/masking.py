"""Addresses as they may be told: without keys and passwords."""

from __future__ import annotations

import re

__all__ = ["MASK", "masked"]

MASK = "***"
# Where the next address of a list begins; a password may hold all else that should be escaped.
_NEXT = r"[,\s]\s*[\w+.-]+://"
# What is between a scheme, or the name of a store whose "://" was mistyped, and the last "@".
_BEFORE_HOST = re.compile(
    rf"(://|\b(?:postgres|milvus)[\w+.-]*(?!://)[:;/\\@]+)(?:(?!{_NEXT}).)*(?=@)",
    re.IGNORECASE | re.DOTALL,
)
# In libpq's own form or behind a "?", to the end: where a password ends cannot be told.
_PASSWORD = re.compile(r"(password\s*=).*", re.IGNORECASE | re.DOTALL)
_BEHIND = re.compile(rf"(?<=[?&])(?!model=)(?:(?!{_NEXT})[^#\s])+")


def masked(addresses: str) -> str:
    """One or more addresses, whatever may be a secret in them replaced."""
    shown = _PASSWORD.sub(rf"\1{MASK}", _BEFORE_HOST.sub(rf"\1{MASK}", addresses))
    return _BEHIND.sub(MASK, shown)
