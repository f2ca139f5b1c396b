"""Text that a model or a document wrote, made inert before it reaches the Markdown of the page.

The chat renders Markdown and some HTML, and its sanitizer lets through remote images, forms and
overlays. So nothing foreign may reach it as markup: every character that could start some becomes
a numeric entity, which Markdown always reads as that plain character.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clip", "escape", "escape_lines", "reveal"]

_ACTIVE = re.compile(
    r"""
    [&<>*_\[\]\\`|~$@{}^]       # HTML, emphasis, links, code, tables, math, mail addresses
    | (?i:(?<=www)\.) | :(?=//) # what turns bare text into a link
    """,
    re.VERBOSE,
)
_LINE_START = re.compile(r"(?m)^[ \t]*(?:([-+=#])|([0-9]+)([.)])(?=\s|$))?")
_JOINERS = "\u200c\u200d"  # these shape letters in several scripts, and emoji


def reveal(text: str) -> str:
    """Show invisible characters as their code points.

    Direction overrides, zero-width and tag characters make text read differently from what it is.
    Newlines, tabs and joiners stay.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(f"⟨U+{ord(c):04X}⟩" if _hidden(c) else c for c in lines)


def escape_lines(text: str) -> str:
    """Markdown that renders as the characters of ``text``, lines kept, indentation dropped."""
    return _LINE_START.sub(_inert_start, _ACTIVE.sub(_entities, reveal(text)))


def escape(text: str) -> str:
    """Markdown that renders as the characters of ``text``, on one line."""
    return escape_lines(" ".join(text.split()))


def clip(text: str, limit: int) -> str:
    """At most ``limit`` characters on one line, cut at a space if one is near, then an ellipsis."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > 0.7 * limit else cut) + "…"


def _hidden(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS:
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _entities(match: re.Match[str]) -> str:
    return "".join(f"&#{ord(c)};" for c in match[0])


def _inert_start(match: re.Match[str]) -> str:
    """The start of a line that would begin a heading, list, rule or quotation."""
    mark, number, closer = match[1], match[2], match[3]
    if mark:
        return f"&#{ord(mark)};"
    return f"{number}&#{ord(closer)};" if number else ""
