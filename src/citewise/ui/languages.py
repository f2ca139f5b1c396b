"""The page's texts, one table per language. Each holds the same keys with the same ``{places}``.

``key_one`` is the text for a count of one. ``said`` translates what the server says: pairs of a
regular expression for the whole English message and a text in which ``{1}`` is its first group.
Another language is a module beside these two, added here.
"""

from __future__ import annotations

import json
from typing import Any, Final

from citewise.ui.language_en import ENGLISH
from citewise.ui.language_en_visitors import VISITORS_ENGLISH
from citewise.ui.language_zh import CHINESE
from citewise.ui.language_zh_visitors import SAID_TO_VISITORS_CHINESE, VISITORS_CHINESE

__all__ = ["LANGUAGES", "page_texts"]

_SAID: Final = [*CHINESE["said"], *SAID_TO_VISITORS_CHINESE]
LANGUAGES: Final[dict[str, dict[str, Any]]] = {
    "en": ENGLISH | VISITORS_ENGLISH,
    "zh-Hans": CHINESE | VISITORS_CHINESE | {"said": _SAID},
}


def page_texts(**more: Any) -> str:
    """All texts as JSON for a script element, which no ``<`` in it can end early."""
    texts = json.dumps({"languages": LANGUAGES, **more}, ensure_ascii=False, separators=(",", ":"))
    return texts.replace("<", "\\u003c")
