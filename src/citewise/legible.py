"""What a reader sees of a text, so that nothing is searched, read or checked that nobody sees.

Characters without a shape can hide an order to the model between the letters of a word, or break
up a word so that no search finds it. What is embedded, searched and put into a prompt is the text
without them; citations keep the document's own characters.
"""

from __future__ import annotations

import re

__all__ = ["seen"]

# Control and format characters, but line ends, tabs, joiners, and those that have a shape.
_FORMAT = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f"
)
# Without a shape, though Unicode calls them letters, marks or symbols: the grapheme joiner, fillers
# of Hangul, inherent vowels of Khmer, separators of Mongolian, the empty Braille cell.
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0"
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"


_UNSEEN = re.compile(
    # Tag characters have a meaning only behind the black flag, in the flags of three regions.
    rf"(\U0001f3f4[\U000e0061-\U000e007a]{{3,6}}\U000e007f)|[{_FORMAT}{_BLANKS}]"
)
_JOINING = re.compile(rf"[{_JOINERS}{_SELECTORS}]+")


def seen(text: str) -> str:
    """The text without what has no shape: invisible, direction-changing and tag characters.

    Ordinary text comes back as it is, emoji and scripts that need joiners among it.
    """
    if text.isascii() and text.isprintable():
        return text
    return _JOINING.sub(_at_most_one_of_each, _UNSEEN.sub(r"\1", text))


def _at_most_one_of_each(match: re.Match[str]) -> str:
    """A selector chooses a form of the character before it, a joiner binds it to the next one.

    Beside a letter of ours they do nothing, and a row of them carries bytes.
    """
    before = match.string[match.start() - 1 : match.start()] if match.start() else ""
    after = match.string[match.end() : match.end() + 1]
    run = match[0]
    kept = run[0] if run[0] not in _JOINERS and (_joins(before) or after == "\u20e3") else ""
    if _joins(before) and _joins(after):
        kept += next((c for c in run if c in _JOINERS), "")
    return kept


def _joins(character: str) -> bool:
    return character > "\u036f" and not character.isspace()
