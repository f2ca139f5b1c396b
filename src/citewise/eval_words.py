"""Text without Markdown, and which of its words are names, as far as capitals tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

__all__ = ["common_words", "plain", "small"]

_WORD = re.compile(r"[^\W\d_][\w-]*")
_PLURAL = re.compile(r"[a-z]{3}(?<![suia])s$")
_BEGINS_SENTENCE = re.compile(r"(?:^|[.!?:|\n\"“(*-])\s*$")


def common_words(texts: Iterable[str]) -> frozenset[str]:
    """The words that are no names, as far as their capitals tell; in small letters."""
    small_ones: Counter[str] = Counter()
    names: Counter[str] = Counter()
    plurals: set[str] = set()
    for text in texts:
        for match in _WORD.finditer(text):
            word = match[0]
            if word.islower():
                small_ones[word] += 1
            elif not _BEGINS_SENTENCE.search(text[max(0, match.start() - 8) : match.start()]):
                names[word.lower()] += 1
            elif _PLURAL.search(word):
                plurals.add(word.lower())
    mostly_small = {word for word, count in small_ones.items() if count > names[word]}
    # "Employees receive": a plural that only ever begins sentences.
    return frozenset(mostly_small | (plurals - names.keys()))


def plain(text: str) -> str:
    """The text on one line, without Markdown's marks and without the mark of a list item."""
    text = " ".join(text.split())
    text = re.sub(r"^(?:[-*+•]|\(?\w{1,2}[.)])\s+", "", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)", "", text)


def small(phrase: str, common: Collection[str]) -> str:
    """The phrase with each word small that is no name."""
    return re.sub(
        r"(?<![\w-])[A-Z][a-z]+(?![\w-])",
        lambda match: match[0].lower() if match[0].lower() in common else match[0],
        phrase,
    )
