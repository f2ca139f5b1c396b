"""The terms of texts as the index and its searches need them: those of ``tokens``, made faster.

Most words of a text were met before, and taking each apart anew costs more than storing the text.
This stands beside ``tokens.py`` because that is part of what decides on verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from citewise.tokens import _FUNCTION_TERMS, _TOKEN, _fold, _terms_of

__all__ = ["distinctive_terms", "passage_terms", "spaced_terms", "terms_of"]

_LONGEST_REMEMBERED = 64
_MOST_REMEMBERED = 1 << 16
_known: dict[str, tuple[str, ...]] = {}


def terms_of(text: str) -> list[str]:
    """As ``tokens.lexical_terms``."""
    terms: list[str] = []
    for token in _TOKEN.finditer(_fold(text)):
        terms += _known.get(token[0]) or _taken_apart(token)
    return terms


def distinctive_terms(text: str | Sequence[str]) -> list[str]:
    """As ``tokens.content_terms``; of terms, those that can tell passages apart.

    Terms have to be given as such, and not as a text of them: taken apart once more, "leas" (of
    "lease") would lose its end.
    """
    terms = list(dict.fromkeys(terms_of(text) if isinstance(text, str) else text))
    return [term for term in terms if term not in _FUNCTION_TERMS] or terms


def spaced_terms(text: str) -> str:
    """The terms of a text, between spaces, as FTS5 is given them."""
    return " ".join(terms_of(text))


def passage_terms(heading: str, text: str, spans: Sequence[str]) -> str:
    """The terms a passage is found by: of its heading and its spans, or of its text without any.

    Args:
        spans: ``spaced_terms`` of each.
    """
    parts = [spaced_terms(heading), *(spans or [spaced_terms(text)])]
    return " ".join(part for part in parts if part)


def _taken_apart(token: re.Match[str]) -> Sequence[str]:
    terms = tuple(_terms_of(token))
    # Of a script without spaces, a token may be a whole paragraph, which does not come again.
    if token.lastgroup == "compound" and len(token[0]) <= _LONGEST_REMEMBERED:
        if len(_known) >= _MOST_REMEMBERED:
            _known.clear()
        _known[token[0]] = terms
    return terms
