"""A page of HTML taken apart, so that a test can ask what stands in it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "input"}


class Page(HTMLParser):
    """Every element with its attributes and text, and whether all were closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[dict[str, Any]] = []
        self.found: list[dict[str, Any]] = []
        self.text = ""
        self.comments: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        item = {"tag": tag, "text": "", **{key: value or "" for key, value in attrs}}
        self.found.append(item)
        if tag not in VOID:
            self.open.append(item)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for item in self.open:
            item["text"] += data
        if not any(item["tag"] in ("script", "style") for item in self.open):
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str, **attributes: str) -> list[dict[str, Any]]:
        wanted = {"tag": tag, **{key.rstrip("_"): value for key, value in attributes.items()}}
        return [item for item in self.found if wanted.items() <= item.items()]
