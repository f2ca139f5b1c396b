"""Words that a sentence puts between quotation marks are somebody's: they must be there."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["before_quotation", "misquoted"]

_FEWEST_WORDS = 5

# Not the apostrophe of "DeepSeek's": a mark opens before a word and closes behind one.
_QUOTED = re.compile(
    r"""(?<!\w)["“”„«»‘'](?=\w)((?:[^"“”„«»‘’'\n]|(?<=\w)['’](?=\w))+?)[.,!?]?["”“«»’'](?!\w)"""
)
_WORD = re.compile(r"[^\W_]+")


def misquoted(sentence: str, texts: Iterable[str]) -> str:
    """The first words in quotation marks that stand in none of the texts; "" if all do.

    Case, punctuation and the kind of marks do not matter.
    """
    quotes = _QUOTED.findall(sentence)
    if not quotes:
        return ""
    held = [_plain(text) for text in texts]
    return next((q for q in quotes if not any(_plain(q) in text for text in held)), "")


def before_quotation(sentence: str, words: str) -> str:
    """What a sentence says up to the clause with this quotation; "" if that is next to nothing."""
    head, comma, _ = sentence[: sentence.index(words)].rpartition(", ")
    return f"{head}." if comma and len(head.split()) >= _FEWEST_WORDS else ""


def _plain(text: str) -> str:
    """The words alone, each with a space before and behind it."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
