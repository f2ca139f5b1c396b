"""HTML into text: what a reader of the page sees, with headings, lists and tables kept.

Scripts, navigation, forms and hidden elements are left out. Hidden by a class is found where the
page's own style sheet says so in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from citewise.limits import UnusableFileError
from citewise.readers.decoding import decode
from citewise.readers.extracted import Extracted, Tick
from citewise.readers.html_tables import add_table
from citewise.readers.layout import Layout, flat

__all__ = ["add_html", "read_html"]

_LEFT_OUT = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "map",
        "form",
        "button",
        "select",
        "option",
        "input",
        "textarea",
        "datalist",
        "dialog",
        "menu",
        "head",
    ]
)
_LEFT_OUT_ROLES = frozenset({"navigation", "search", "contentinfo", "menu", "dialog", "tablist"})
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "aside",
        "address",
        "blockquote",
        "figure",
        "figcaption",
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "li",
        "details",
        "summary",
        "body",
        "center",
        "fieldset",
        "hr",
        "html",
        "title",
        "legend",
        "caption",
    ]
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DECLARED = re.compile(
    rb"<meta[^>]{1,200}charset\s*=\s*[\"']?\s*([\w.:-]+)|encoding=[\"']([\w.-]+)", re.IGNORECASE
)
_INVISIBLE_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$|!)"
    r"|font-size\s*:\s*0[a-z%]*\s*(?:;|$|!)",
    re.IGNORECASE,
)
_RULE = re.compile(r"([^{}]{1,500})\{([^{}]{0,2000})\}")
_SIMPLE_SELECTOR = re.compile(r"[\w-]*([.#])([\w-]+)")
_REFERENCE = re.compile(r"\[?\s*(?:\d{1,3}|[a-z]|note \d+|citation needed)\s*\]", re.IGNORECASE)


def read_html(data: bytes, tick: Tick) -> Extracted:
    """The text of a page.

    Raises:
        UnusableFileError: the bytes are no text.
    """
    match = _DECLARED.search(data[:4096])
    declared = (match[1] or match[2]).decode("ascii", "replace") if match else ""
    layout = Layout()
    add_html(layout, decode(data, declared), tick)
    return Extracted(layout.text())


def add_html(layout: Layout, markup: str, tick: Tick, base: int = 0) -> None:
    """Append a page to ``layout``, its headings ``base`` levels deeper."""
    from selectolax.lexbor import LexborHTMLParser

    try:
        parsed = LexborHTMLParser(markup)
    except Exception as error:
        raise UnusableFileError("cannot be parsed as HTML") from error
    root = parsed.body or parsed.root
    if root is None:
        return
    writer = _Writer(layout, _hiding_selectors(parsed), base)
    title = parsed.css_first("head title")
    if title is not None and parsed.css_first("h1") is None:
        layout.heading(1 + base, title.text())
    for node, entering in walk(root, writer.passed_over):
        tick()
        writer.enter(node) if entering else writer.leave(node)
    writer.flush()


def walk(root: Any, passed_over: Any) -> Iterator[tuple[Any, bool]]:
    """Every node twice, when entered and when left, without recursion: pages nest without end."""
    node: Any = root
    while True:
        skip = node.is_element_node and passed_over(node)
        if not skip:
            yield node, True
        if not skip and node.first_child is not None:
            node = node.first_child
            continue
        if not skip:
            yield node, False
        while node.mem_id != root.mem_id and node.next is None:
            node = node.parent
            yield node, False
        if node.mem_id == root.mem_id:
            return
        node = node.next


def _hiding_selectors(parsed: Any) -> frozenset[str]:
    """Classes and ids that the page's own style sheet hides: ``.name``, ``#name``."""
    found = set()
    for sheet in parsed.css("style"):
        for selectors, body in _RULE.findall(sheet.text()[:200_000]):
            if _INVISIBLE_STYLE.search(body):
                for selector in selectors.split(","):
                    simple = _SIMPLE_SELECTOR.fullmatch(selector.strip())
                    if simple:
                        found.add(simple[1] + simple[2])
    return frozenset(found)


class _Writer:
    """Turns the walk over a page into blocks."""

    def __init__(self, layout: Layout, hiding: frozenset[str], base: int) -> None:
        self._layout = layout
        self._hiding = hiding
        self._base = base
        self._words: list[str] = []
        self._lists: list[list[Any]] = []  # tag and number of the last item
        self._marker = ""
        self._in_article = 0

    def passed_over(self, node: Any) -> bool:
        """True for an element that nobody sees, or that is not part of the text."""
        tag, attributes = node.tag, node.attributes
        if tag in _LEFT_OUT and not (tag == "form" and _holds_the_page(node)):
            return True
        if tag in ("pre", "table"):
            self._whole(node)
            return True
        if tag == "sup" and _REFERENCE.fullmatch(node.text().strip()):
            return True
        if tag == "footer" and not self._in_article:
            return True
        if (attributes.get("role") or "").lower() in _LEFT_OUT_ROLES:
            return True
        return self.hidden(attributes)

    def hidden(self, attributes: dict[str, str | None]) -> bool:
        """True if the attributes of an element make it invisible."""
        if "hidden" in attributes or (attributes.get("aria-hidden") or "").lower() == "true":
            return True
        if _INVISIBLE_STYLE.search(attributes.get("style") or ""):
            return True
        if not self._hiding:
            return False
        names = {f".{name}" for name in (attributes.get("class") or "").split()}
        return bool(self._hiding & (names | {f"#{attributes.get('id') or ''}"}))

    def enter(self, node: Any) -> None:
        tag = node.tag
        if tag == "-text":
            self._words.append(_BREAKS.sub(" ", node.text_content or ""))
        elif tag == "br":
            self._words.append("\n")
        elif tag in ("sup", "sub") and "".join(self._words)[-1:].isdigit():
            self._words.append("^" if tag == "sup" else "_")  # 10^6 is not 106
        elif tag in _HEADINGS or tag in _BLOCKS:
            self.flush()
            self._in_article += tag in ("article", "main")
            if tag in ("ul", "ol"):
                self._lists.append([tag, _first_number(node) - 1])
            elif tag in ("li", "dd"):
                self._marker = self._next_marker()

    def leave(self, node: Any) -> None:
        tag = node.tag
        if tag in _HEADINGS:
            words = "".join(self._words)
            self._words = []
            self._layout.heading(_HEADINGS[tag] + self._base, words)
        elif tag == "dt":
            words = flat("".join(self._words))
            self._words = []
            self._layout.paragraph(
                words if words.endswith((":", "?", ".")) or not words else words + ":"
            )
        elif tag in _BLOCKS:
            self.flush()
            self._in_article -= tag in ("article", "main")
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
            if tag in ("li", "dd"):
                self._marker = ""

    def flush(self) -> None:
        """End the block of text that was being collected."""
        words, self._words = "".join(self._words), []
        if not words.strip():
            return
        if self._marker or self._lists:
            # A second paragraph of an item has no marker of its own, and stays with it.
            depth = max(0, len(self._lists) - 1)
            self._layout.item(words, depth, self._marker or "-")
            self._marker = ""
        else:
            self._layout.paragraph(words)

    def _next_marker(self) -> str:
        if self._lists and self._lists[-1][0] == "ol":
            self._lists[-1][1] += 1
            return f"{self._lists[-1][1]}."
        return "-"

    def _whole(self, node: Any) -> None:
        if self.hidden(node.attributes):
            return
        self.flush()
        if node.tag == "pre":
            self._layout.code(node.text())
        else:
            add_table(self._layout, node, self)


_BREAKS = re.compile(r"\s+")


def _first_number(node: Any) -> int:
    start = node.attributes.get("start") or "1"
    return int(start) if start.isdecimal() and len(start) < 7 else 1


def _holds_the_page(node: Any) -> bool:
    """Some sites put the whole page into one form."""
    return node.css_first("h1, article, main, p") is not None
