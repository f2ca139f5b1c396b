"""What a reader gives: the text of a file, and what of it could not be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Extracted", "Member", "Tick", "cleaned"]

Tick = Callable[[], None]
"""To be called now and then by a reader that takes long, as a sign of life."""

# What nobody sees on a page: control characters, soft hyphens, zero-width spaces, byte-order
# marks, and the tag characters in which text can be hidden. Joiners stay, for scripts need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "))


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of one file.

    ``pages`` as in ``Document``. ``missing`` names parts that could not be read, each with the
    reason: ``("pages 3–4", "hold no text")``.
    """

    text: str
    pages: tuple[int, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A file within a file: its name, when it was changed (ISO, or ""), and how to get it.

    ``read`` may raise UnusableFileError.
    """

    name: str
    modified: str
    read: Callable[[], bytes]


def cleaned(text: str) -> str:
    """Text as a reader of the page sees it: nothing invisible, no ligatures, plain spaces."""
    text = _INVISIBLE.sub("", text.translate(_LIGATURES).translate(_SPACES))
    return text.encode("utf-8", "replace").decode("utf-8")
