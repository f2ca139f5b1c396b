"""Bytes into text: marked, declared or guessed encodings.

UTF-8 is tried first, because text of another encoding is hardly ever valid UTF-8 by chance.
"""

from __future__ import annotations

import codecs
import re

from citewise.limits import UnusableFileError

__all__ = ["decode"]

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LOOKED_AT = 256 * 1024
_SYMBOL_IN_WORD = re.compile(r"[a-zà-ÿ][¡-¿×÷][a-zà-ÿ]|[a-z][¹³¿]|[¿¹³£¥][a-zà-ÿ]", re.IGNORECASE)
_WESTERN = "cp1252"
_RARE = [
    "utf_7",
    "utf_16",
    "utf_16_be",
    "utf_16_le",
    "utf_32",
    "utf_32_be",
    "utf_32_le",
    "shift_jis_2004",
    "shift_jisx0213",
    "euc_jis_2004",
    "euc_jisx0213",
    "johab",
    "hz",
    "cp037",
    "cp500",
    "cp1026",
    "cp1140",
    "cp273",
    "cp424",
    "cp864",
    "ptcp154",
]


def decode(data: bytes, declared: str = "") -> str:
    """The text in ``data``; ``declared`` is an encoding that the file itself names.

    Raises:
        UnusableFileError: the bytes are no text.
    """
    marked = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "")
    if marked:
        return _checked(data.decode(marked, "replace"))
    if b"\x00" in data[:_LOOKED_AT]:
        return _checked(_decoded(data, _wide(data)))
    try:
        return _checked(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        # One damaged place in a long text is no reason to guess that all of it is something else.
        if not declared and _mostly_utf8(data, error.start):
            return _checked(data.decode("utf-8", "replace"))
    return _checked(_decoded(data, _known(declared) or _guessed(data)))


def _checked(text: str) -> str:
    if "\x00" in text:
        raise UnusableFileError("is binary: it holds NUL characters")
    strange = sum(c < " " and c not in "\t\n\r\f\x1b" for c in text[:_LOOKED_AT])
    if strange * 20 > len(text[:_LOOKED_AT]):
        raise UnusableFileError("is binary: it holds control characters")
    return text


def _decoded(data: bytes, encoding: str) -> str:
    if not encoding:
        raise UnusableFileError("is binary, or in an unknown encoding; convert it to UTF-8")
    return data.decode(encoding, "replace")


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every second byte of Latin text is zero."""
    sample = data[: _LOOKED_AT // 64 * 64]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if len(data) % 2:
        raise UnusableFileError("is binary: it holds NUL characters")
    if odd > half * 0.4 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.05:
        return "utf-16-be"
    raise UnusableFileError("is binary: it holds NUL characters")


def _mostly_utf8(data: bytes, at: int) -> bool:
    text = data[:_LOOKED_AT].decode("utf-8", "replace")
    good = sum(c > "\x7f" and c != "\ufffd" for c in text)
    return good > 50 * text.count("\ufffd") and at > 0


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding.strip()).name if encoding.strip() else ""
    except (LookupError, ValueError):
        return ""


def _guessed(data: bytes) -> str:
    """An encoding of the Latin alphabet where most letters are ASCII, else by statistics."""
    sample = data[:_LOOKED_AT]
    high = sum(byte > 0x7F for byte in sample)
    accented = sum(byte >= 0xC0 for byte in sample)
    western = sample.decode(_WESTERN, "replace")
    odd = len(_SYMBOL_IN_WORD.findall(western)) + 4 * western.count("\ufffd")
    letters = sum(c.isascii() and c.isalpha() for c in western)
    if accented * 2 < letters and odd * 8 <= high:
        return _WESTERN
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=_RARE).best()
    return best.encoding if best else ""
