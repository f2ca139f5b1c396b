"""A real headless Chromium over a chat server in this process, for tests that look and click."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from citewise.ui import SEED_QUESTIONS, build_app
from ui_double import Double

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parents[1] / "build" / "node_modules" / "axe-core" / "axe.min.js"
NO_AXE = "axe-core is not there: npm install --prefix build axe-core"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUESTION = "#cw-question"
CITED = ".cw-last .cw-prose a.cw-cite"
DONE = '.cw-last[data-state="done"]'

browser_test = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


class Server:
    """The chat over a double; it can be ended and started again on its port."""

    def __init__(self, double: Double) -> None:
        self.double = double
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._running: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        config = uvicorn.Config(self.build(), log_level="critical", timeout_graceful_shutdown=1)
        running = self._running = uvicorn.Server(config)

        def serve() -> None:
            with listener:
                running.run(sockets=[listener])

        self._thread = threading.Thread(target=serve)
        self._thread.start()

    def build(self) -> Any:
        """The app to serve."""
        return build_app(self.double, examples=SEED_QUESTIONS)

    def stop(self) -> None:
        if self._running and self._thread:
            self._running.should_exit = True
            self._thread.join(timeout=20)


@dataclass
class Tab:
    """A page, and everything it complained about or asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        self.page.fill(QUESTION, question)
        self.page.press(QUESTION, "Enter")

    def answered(self) -> None:
        """Wait for the last answer and for what is offered after it."""
        self.page.wait_for_selector(f"{DONE} .cw-answer")

    def open(self, link: Any, quote: str) -> None:
        """Click a citation; its words must be highlighted, character for character."""
        link.click()
        self.highlights(quote)

    def highlights(self, quote: str) -> None:
        mark = self.page.locator("#cw-source mark")
        self.page.wait_for_function(
            "quote => document.querySelector('#cw-source mark')?.textContent === quote", arg=quote
        )
        assert mark.text_content() == quote
        in_view = """() => {
          const text = document.querySelector(".cw-text").getBoundingClientRect();
          const mark = document.querySelector("#cw-source mark").getBoundingClientRect();
          return mark.top >= text.top && mark.bottom <= text.bottom;
        }"""
        self.page.wait_for_function(in_view)


@contextmanager
def opened(browser: Any, url: str, **options: Any) -> Iterator[Tab]:
    """A page in a context of its own, which must neither complain nor ask anybody else."""
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 860}, **options})
    context.set_default_timeout(20_000)
    tab = Tab(context.new_page())
    tab.page.on("console", lambda m: tab.complaints.append(m.text) if m.type == "error" else None)
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on("request", lambda asked: tab.requests.append(asked.url))
    tab.page.goto(url)
    tab.page.wait_for_selector("#cw-host " + QUESTION)
    yield tab
    assert tab.complaints == [], tab.complaints
    hosts = {urlsplit(url).hostname for url in tab.requests if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert tab.page.evaluate("window.PWNED") is None
    context.close()
