"""Characters that cannot be seen, shown before a document's or a model's text reaches the page."""

from __future__ import annotations

import unicodedata

__all__ = ["reveal"]

_JOINERS = "\u200c\u200d"  # these shape letters in several scripts, and emoji


def reveal(text: str) -> str:
    """Show invisible characters as their code points.

    Direction overrides, zero-width and tag characters make text read differently from what it is.
    Newlines, tabs and joiners stay.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(f"⟨U+{ord(c):04X}⟩" if _hidden(c) else c for c in lines)


def _hidden(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS:
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
