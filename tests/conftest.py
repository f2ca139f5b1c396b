"""What every test runs under, and fixtures of the browser tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from no_network import (  # noqa: F401 - pytest finds its hooks by their names
    pytest_collection_finish,
    pytest_sessionfinish,
    pytest_terminal_summary,
)

# Most tests are about something else, with doubles for the models: they do not wait for the real
# entailment model. Those that are about it, or about all models together, name the default, "full".
os.environ["CITEWISE_JUDGE"] = "fast"


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    from browsing import Server
    from ui_double import Double

    server = Server(Double(pause=0.05))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from browsing import CHROMIUM, FLAGS

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(request: pytest.FixtureRequest, server: Any, browser: Any) -> Iterator[Any]:
    """A page of the chat; options of its browser context come as the fixture's parameter."""
    from browsing import opened

    with opened(browser, server.url, **getattr(request, "param", {})) as tab:
        yield tab
