"""The chat in a real headless Chromium: what is seen, clicked, focused, and requested."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import uvicorn

from citewise.ui import SEED_QUESTIONS, build_app, strings
from ui_double import ATTACK, HOSTILE, ROW, SEED, VALUE, Double

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
    # Gradio's queue uses what pandas is about to drop.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

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
CITED = '#cw-chat a[href^="#cite-"]'
QUESTION = "#cw-question textarea"
CHECKED = "text=sentences supported by the quoted words"


@dataclass
class Server:
    url: str
    double: Double


@dataclass
class Tab:
    """A page, and everything it complained about or asked for."""

    page: sync_api.Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        self.page.fill(QUESTION, question)
        self.page.press(QUESTION, "Enter")

    def answered(self, sign: str = CHECKED) -> None:
        """Wait for the answer, and for the evidence above it to have folded away."""
        self.page.wait_for_selector(sign)
        self.page.locator("#cw-chat .thought-group a").first.wait_for(state="detached")

    def open(self, link: sync_api.Locator, quote: str) -> None:
        """Click a citation; its words must be highlighted, character for character."""
        link.click()
        self.highlights(quote)

    def highlights(self, quote: str) -> None:
        mark = self.page.locator("#cw-source mark")
        sync_api.expect(mark).to_have_text(quote)
        assert mark.text_content() == quote


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    double = Double(pause=0.05)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build_app(double, examples=SEED_QUESTIONS), log_level="error", timeout_graceful_shutdown=1
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", double)
    finally:
        running.should_exit = True
        thread.join(timeout=20)
        listener.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[{"width": 1280, "height": 800}], ids=["wide"])
def tab(request: pytest.FixtureRequest, server: Server, browser: sync_api.Browser) -> Iterator[Tab]:
    context = browser.new_context(viewport=request.param)
    context.set_default_timeout(15_000)
    tab = Tab(context.new_page())
    tab.page.on("console", lambda m: tab.complaints.append(m.text) if m.type == "error" else None)
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on("request", lambda asked: tab.requests.append(asked.url))
    tab.page.goto(server.url)
    tab.page.wait_for_selector(QUESTION)
    yield tab
    assert tab.complaints == []
    hosts = {urlsplit(url).hostname for url in tab.requests if url.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    assert tab.page.evaluate("window.PWNED") is None
    context.close()


phone = pytest.mark.parametrize(
    "tab", [{"width": 390, "height": 844}], ids=["phone"], indirect=True
)


def test_evidence_draft_answer_and_the_exact_words(tab: Tab) -> None:
    page = tab.page
    page.get_by_text(SEED_QUESTIONS[0]).click()
    page.wait_for_selector(f"text={strings.DRAFT_TITLE}")
    found = page.locator("#cw-chat").inner_text()
    assert strings.EVIDENCE_TITLE in found and SEED in found and ROW in found
    tab.answered()
    assert page.get_by_text(strings.DRAFT_TITLE).count() == 0
    assert page.get_by_text("reached 92").count() == 0
    first = page.locator(CITED).first
    tab.open(first, ROW)
    assert page.locator("#cw-source-title").text_content() == SEED
    assert page.locator("#cw-source").get_by_text("Technical Deep Dive").first.is_visible()
    box, mark = (page.locator(s).bounding_box() for s in ("#cw-source .cw-text", "#cw-source mark"))
    assert box and mark
    assert box["y"] <= mark["y"] <= box["y"] + box["height"] - mark["height"]
    tab.open(page.locator(CITED).nth(1), VALUE)
    tab.open(first, ROW)


def test_removed_sentences_are_shown_on_demand(tab: Tab) -> None:
    tab.ask("What?")
    tab.page.get_by_text("1 unsupported sentence removed").click()
    tab.page.get_by_text("not supported: 92 is in none of the passages").wait_for()


def test_earlier_citations_open_after_more_turns(tab: Tab) -> None:
    for turn, question in enumerate(("What?", "And then?", "quote it"), start=1):
        tab.ask(question)
        tab.page.locator("#cw-chat .user-row").nth(turn - 1).wait_for()
        sync_api.expect(tab.page.locator("#cw-chat .bot-row")).to_have_count(turn)
        tab.page.get_by_text(strings.DRAFT_TITLE).wait_for(state="detached")
    tab.open(tab.page.locator(CITED).first, ROW)


def test_it_works_by_keyboard(tab: Tab) -> None:
    page = tab.page
    tab.ask("What?")
    tab.answered()
    link = page.locator(CITED).first
    link.focus()
    page.keyboard.press("Enter")
    tab.highlights(ROW)
    assert page.evaluate("document.activeElement.id") == "cw-source-title"
    page.keyboard.press("Escape")
    page.locator("#cw-source").wait_for(state="detached")
    assert page.evaluate("document.activeElement.getAttribute('href')") == (
        link.get_attribute("href")
    )


def test_hostile_text_is_inert(tab: Tab) -> None:
    page = tab.page
    tab.ask("hostile")
    tab.answered("text=0 of 1 sentences supported")
    chat = page.locator("#cw-chat")
    tab.open(page.locator(CITED).first, ATTACK)
    page.get_by_text("1 unsupported sentence removed").click()
    page.get_by_text(strings.EVIDENCE_TITLE).click()
    page.wait_for_timeout(300)
    for tag in ("img", "form", "input:not([type=file])", "script", "b", "code", ".katex", "table"):
        assert chat.locator(f".prose {tag}").count() == 0, tag
        assert page.locator(f"#cw-source {tag}").count() == 0, tag
    links = chat.locator(".prose a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links and all(link.startswith("#cite-0-") is False for link in links)
    assert all(link.startswith("#cite-") for link in links)
    assert "**bold** `code` [[1]](#cite-0-4-000000000000-AAAA)" in chat.inner_text()
    assert page.locator("#cw-source-title").text_content() == "hostile ⟨U+202E⟩txt.exe.txt"


def test_stop_cancels_the_model_and_names_the_draft(tab: Tab, server: Server) -> None:
    page, before = tab.page, server.double.cancelled
    server.double.pause = 0.5
    try:
        tab.ask("What?")
        page.wait_for_selector("text=DeepSeek-V2 scored")
        page.locator("#cw-question button.stop-button").click()
        page.get_by_text(strings.DRAFT_STOPPED).wait_for()
    finally:
        server.double.pause = 0.05
    deadline = time.monotonic() + 5
    while server.double.cancelled == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.double.cancelled == before + 1
    assert page.locator("#cw-chat [aria-busy=true]").count() == 0
    tab.ask("Again?")
    tab.answered()
    asked, history = server.double.asked[-1]
    assert (asked, history) == ("Again?", ["What?"])


def test_retry_and_undo(tab: Tab, server: Server) -> None:
    page = tab.page
    tab.ask("What?")
    tab.answered()
    count = len(server.double.asked)
    page.locator("#cw-chat [aria-label=Retry]:visible").click()
    page.wait_for_selector(f"text={strings.DRAFT_TITLE}")
    tab.answered()
    assert len(server.double.asked) == count + 1
    page.locator("#cw-chat [aria-label=Undo]:visible").click()
    page.locator(CITED).first.wait_for(state="detached")
    assert page.input_value(QUESTION) == "What?"


def test_a_changed_document_is_told(tab: Tab, server: Server) -> None:
    tab.ask("What?")
    tab.answered()
    kept = server.double.stored[SEED]
    server.double.stored[SEED] = type(kept)(SEED, "New text.", "0" * 64)
    try:
        tab.page.locator(CITED).first.click()
        problem = tab.page.locator("#cw-source .cw-problem")
        assert problem.text_content() == strings.SOURCE_CHANGED
    finally:
        server.double.stored[SEED] = kept
    assert tab.page.locator("#cw-source mark").count() == 0
    tab.complaints[:] = [c for c in tab.complaints if "409" not in c]


def test_the_list_of_documents_opens_them(tab: Tab) -> None:
    tab.page.locator("#cw-documents a").first.click()
    text = tab.page.locator("#cw-source .cw-text").text_content()
    assert text and text.startswith("DeepSeek Abandons Lightweight AI")
    assert tab.page.locator("#cw-source mark").count() == 0
    assert HOSTILE not in tab.page.locator("#cw-documents").inner_text()


@phone
def test_a_phone_shows_all_without_scrolling_sideways(tab: Tab) -> None:
    tab.ask("What?")
    tab.answered()
    tab.open(tab.page.locator(CITED).first, ROW)
    tab.page.wait_for_timeout(300)
    mark = tab.page.locator("#cw-source mark").bounding_box()
    assert mark and 0 <= mark["y"] <= 844 and mark["x"] + mark["width"] <= 390
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_dark_mode_keeps_the_highlight_legible(server: Server, browser: sync_api.Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    tab = Tab(context.new_page())
    tab.page.goto(server.url)
    tab.page.wait_for_selector(QUESTION)
    tab.ask("What?")
    tab.answered()
    tab.open(tab.page.locator(CITED).first, ROW)
    colours = tab.page.locator("#cw-source mark").evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    )
    assert colours == ["rgb(253, 230, 138)", "rgb(30, 27, 22)"]
    background = tab.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(n) for n in background[4:-1].split(", ")[:3]) < 120
    context.close()
