"""The page's texts, one table per language. Each holds the same keys with the same ``{places}``.

``key_one`` is the text for a count of one. ``said`` translates what the server says: pairs of a
regular expression for the whole English message and a text in which ``{1}`` is its first group.
Another language is a module beside these two, added here.
"""

from __future__ import annotations

from typing import Any, Final

from citewise.ui.language_en import ENGLISH
from citewise.ui.language_zh import CHINESE

__all__ = ["LANGUAGES"]

LANGUAGES: Final[dict[str, dict[str, Any]]] = {"en": ENGLISH, "zh-Hans": CHINESE}
