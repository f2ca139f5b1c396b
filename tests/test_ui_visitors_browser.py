"""Documents of one's own, feedback, export and the owner's page in a real headless Chromium."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from browsing import AXE, DONE, NO_AXE, Server, Tab, browser_test, opened
from citewise import Assistant
from citewise.ui.languages import LANGUAGES
from citewise.ui.limits import Limits
from citewise.ui.options import Options
from doubles import HashEmbedder
from ui_double import ATTACK

pytestmark = browser_test
TEXTS = LANGUAGES["en"]
RECIPE = (
    "# Pancakes\n\nThe batter needs 250 grams of flour.\n\n## Rest\n\nIt rests for 40 minutes.\n"
)
FLOUR = "The batter needs 250 grams of flour."
QUESTION = "How many grams of flour does the batter need?"
LONG = "\n\n".join(f"Entry {n} says that value {n} is {n * 7} units." for n in range(600))
UPLOAD = "#cw-panel-documents .cw-upload"


class Paced(HashEmbedder):
    """Embeds like a model: batch by batch, each of which takes its time, or waits at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.pause = 0.0
        self.gate = threading.Event()
        self.gate.set()

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.gate.wait(60)
        time.sleep(self.pause)
        return super().embed_passages(texts)


class Site(Server):
    """A server with a real assistant, which keeps what visitors bring over a restart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.folder = folder
        self.embedder = Paced()
        self.questions = folder / "questions.jsonl"
        corpus = folder / "corpus"
        corpus.mkdir()
        (corpus / "ships.txt").write_text("The ship Aurora carries 300 containers.\n")
        self.limits = Limits(file_bytes=200_000)

    def build(self) -> Any:
        from citewise.ui import build_app

        self.assistant = Assistant(
            self.folder / "corpus",
            self.folder / "index",
            llm="none",
            embedder=self.embedder,
            quiet=True,
        )
        options = Options(
            self.folder / "data", self.limits, questions=self.questions, owner="correct horse"
        )
        self.app = build_app(self.assistant, visitors=options)
        return self.app

    def stop(self) -> None:
        super().stop()
        self.app.state.extras.close()
        self.assistant.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    site.start()
    yield site
    site.embedder.gate.set()
    site.stop()


@pytest.fixture(autouse=True)
def fast(server: Site) -> Iterator[None]:
    server.embedder.pause = 0.0
    server.embedder.gate.set()
    yield
    server.embedder.gate.set()


def bring(tab: Tab, name: str, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    tab.page.wait_for_selector(".cw-drop")
    tab.page.set_input_files(
        "#cw-file", {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def ready(tab: Tab, name: str = "recipe.md", content: str | bytes = RECIPE) -> None:
    bring(tab, name, content)
    tab.page.wait_for_selector(f'{UPLOAD}[data-state="ready"] >> text={name}', timeout=60_000)


def documents(tab: Tab) -> None:
    tab.page.get_by_role("tab", name=TEXTS["documents"]).click()


def test_a_file_shows_its_progress_and_is_cited_by_its_exact_words(tab: Tab, server: Site) -> None:
    page = tab.page
    server.embedder.pause = 0.25
    bring(tab, "long.txt", LONG + "\n\n" + FLOUR)
    page.wait_for_selector(f'{UPLOAD}[data-state="embedding"]', timeout=60_000)
    seen = []
    while page.locator(f'{UPLOAD}[data-state="embedding"]').count():
        seen.append(
            page.evaluate(
                "() => { const bar = document.querySelector('.cw-upload progress');"
                " return bar?.hasAttribute('value') ? bar.value : null; }"
            )
        )
        page.wait_for_timeout(50)
    values = [value for value in seen if value is not None]
    assert values == sorted(values) and len(set(values)) >= 3
    assert values[0] < values[-1] <= 1
    page.wait_for_selector(f'{UPLOAD}[data-state="ready"]')
    assert page.locator(".cw-upload progress").is_hidden()
    tab.ask(QUESTION)
    tab.answered()
    card = page.locator(".cw-card", has_text="250 grams").first
    tab.open(card, FLOUR)
    assert page.locator("#cw-source-title").text_content() == "long.txt"


def test_time_left_is_told(tab: Tab, server: Site) -> None:
    server.embedder.pause = 0.4
    bring(tab, "slow.txt", LONG)
    tab.page.wait_for_function(
        "() => /about \\d+ s left/.test(document.querySelector('.cw-state')?.textContent)"
    )
    assert "%" in tab.page.locator(".cw-state").inner_text()
    tab.page.get_by_role("button", name="Cancel slow.txt").click()
    tab.page.wait_for_selector(f'{UPLOAD}[data-state="cancelled"]')
    server.embedder.pause = 0.0
    tab.page.get_by_role("button", name="Read slow.txt again").click()
    tab.page.wait_for_selector(f'{UPLOAD}[data-state="ready"]', timeout=60_000)


def test_a_removed_file_is_gone(tab: Tab) -> None:
    page = tab.page
    ready(tab)
    page.get_by_role("button", name="Remove recipe.md").click()
    page.locator(UPLOAD).wait_for(state="detached")
    page.get_by_text("ships.txt").first.wait_for()
    tab.ask(QUESTION)
    tab.answered()
    assert "250 grams" not in page.locator("#cw-thread").inner_text()


def test_what_cannot_be_taken_says_why(tab: Tab) -> None:
    page = tab.page
    bring(tab, "broken.pdf", b"%PDF-1.7 nothing more")
    page.wait_for_selector(f'{UPLOAD}[data-state="failed"] .cw-problem >> text=broken.pdf')
    bring(tab, "huge.txt", "x" * 200_001)
    page.wait_for_selector("text=at most 195 KB are allowed")
    bring(tab, "empty.txt", "")
    page.wait_for_selector(f"text={TEXTS['file_empty']}")


def test_two_visitors_do_not_see_each_other_s_files(tab: Tab, server: Site, browser: Any) -> None:
    ready(tab)
    with opened(browser, server.url) as other:
        other.page.wait_for_selector("text=ships.txt")
        assert "recipe.md" not in other.page.locator("#cw-panel-documents").inner_text()
        other.ask(QUESTION)
        other.answered()
        assert "250 grams" not in other.page.locator("#citewise").inner_text()
        ready(other, "mine.txt", "Only here: the password is swordfish.\n")
    tab.page.reload()
    tab.page.wait_for_selector(f'{UPLOAD}[data-state="ready"]')
    assert "mine.txt" not in tab.page.locator("#cw-panel-documents").inner_text()


def test_a_server_that_is_restarted_in_the_middle_goes_on(tab: Tab, server: Site) -> None:
    page = tab.page
    ready(tab)
    server.embedder.gate.clear()
    bring(tab, "long.txt", LONG)
    page.wait_for_selector(f'{UPLOAD}[data-state="embedding"]', timeout=60_000)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    time.sleep(0.5)
    server.embedder.gate.set()
    stopping.join(30)
    server.start()
    page.reload()
    page.wait_for_selector(f'{UPLOAD}[data-state="ready"] >> text=long.txt', timeout=60_000)
    page.wait_for_selector(f'{UPLOAD}[data-state="ready"] >> text=recipe.md')
    tab.ask(QUESTION)
    tab.answered()
    tab.open(page.locator(".cw-card", has_text="250 grams").first, FLOUR)
    # While nobody answers, the page's requests fail, and say so.
    tab.complaints[:] = [c for c in tab.complaints if "Failed to load resource" not in c]


def test_a_question_searches_what_is_ticked_by_keyboard(tab: Tab) -> None:
    page = tab.page
    ready(tab)
    box = page.get_by_role("checkbox", name="Search ships.txt")
    box.focus()
    page.keyboard.press("Space")
    page.wait_for_selector("text=1 of 2 documents are searched.")
    tab.ask("Which ship carries containers of flour?")
    tab.answered()
    assert "ships.txt" not in page.locator("#cw-thread").inner_text()
    page.get_by_role("radio", name=TEXTS["scope_all"]).check()
    page.wait_for_selector("text=All 2 documents are searched.")
    page.get_by_role("radio", name=TEXTS["scope_own"]).check()
    page.wait_for_selector("text=1 of 2 documents are searched.")
    page.reload()
    page.wait_for_selector("text=1 of 2 documents are searched.")


def test_the_outline_leads_to_its_place(tab: Tab) -> None:
    page = tab.page
    ready(tab)
    page.locator(UPLOAD).get_by_role("button", name="recipe.md", exact=True).click()
    page.wait_for_selector("#cw-source")
    page.locator(".cw-outline summary").click()
    page.get_by_role("button", name="Rest", exact=True).click()
    tab.highlights("## Rest")
    assert page.locator(".cw-outline").get_attribute("open") is not None


def test_a_thumb_with_a_reason_by_keyboard(tab: Tab, server: Site) -> None:
    page = tab.page
    tab.ask("Which ship?")
    tab.answered()
    down = page.get_by_role("button", name=TEXTS["thumb_down"])
    down.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".cw-feedback form input")
    page.keyboard.type("too long")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"text={TEXTS['thanks']}")
    assert down.get_attribute("aria-pressed") == "true"
    kept = next(k for k in server.app.state.extras.records.all() if k.thumb)
    assert (kept.thumb, kept.reason, kept.record["question"]) == (-1, "too long", "Which ship?")
    page.reload()
    page.wait_for_selector(f"{DONE} .cw-answer")
    assert down.get_attribute("aria-pressed") == "true"


def test_an_answer_is_saved_for_the_evals(tab: Tab, server: Site) -> None:
    tab.ask("How many containers does the ship Aurora carry?")
    tab.answered()
    tab.page.get_by_role("button", name=TEXTS["save_question"]).click()
    tab.page.wait_for_selector("text=Saved as chat-how-many-containers")
    line = json.loads(server.questions.read_text().splitlines()[-1])
    assert line["question"] == "How many containers does the ship Aurora carry?"


@pytest.mark.parametrize("kind", ["md", "json"])
def test_a_conversation_is_taken_along(tab: Tab, kind: str) -> None:
    page = tab.page
    tab.ask("Which ship?")
    tab.answered()
    item = page.locator("#cw-conversations li").first
    item.hover()
    item.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.locator(f'.cw-dialog a[href*="export.{kind}"]').click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename == f"conversation.{kind}"
    assert "Which ship?" in text and "The ship Aurora carries 300 containers." in text
    page.locator(".cw-dialog").wait_for(state="detached")


def test_all_of_mine_is_deleted_after_a_second_thought(tab: Tab) -> None:
    page = tab.page
    ready(tab)
    page.get_by_text(TEXTS["your_data"]).click()
    page.get_by_role("button", name=TEXTS["erase_mine"]).click()
    assert page.locator(UPLOAD).count() == 1
    page.get_by_role("button", name=TEXTS["erase_sure"]).click()
    page.locator(UPLOAD).wait_for(state="detached")


def test_a_dropped_file_is_taken_in_and_leaves_the_page(tab: Tab) -> None:
    page = tab.page
    page.wait_for_selector(".cw-drop")
    page.evaluate(
        """text => {
          const data = new DataTransfer();
          data.items.add(new File([text], "dropped.md"));
          const at = (name) => document.body.dispatchEvent(
            new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
          at("dragover"); at("drop");
        }""",
        RECIPE,
    )
    page.wait_for_selector(f'{UPLOAD}[data-state="ready"] >> text=dropped.md', timeout=60_000)


def test_hostile_names_and_headings_stay_text(tab: Tab) -> None:
    page = tab.page
    name = "<img src=x onerror='window.PWNED=1'>.md"
    ready(tab, name, f"# {ATTACK}\n\nPlain words.\n")
    page.locator(UPLOAD).locator("button.cw-name").click()
    page.wait_for_selector("#cw-source")
    page.locator(".cw-outline summary").click()
    page.wait_for_selector(".cw-headings button")
    page.wait_for_timeout(300)
    for tag in ("img", "form:not(.cw-ours)", "script", "b", "a[href*=evil]"):
        assert page.locator(f"#cw-side {tag}").count() == 0, tag
    assert "onerror" in page.locator("#cw-source-title").inner_text()


@pytest.mark.parametrize(
    "tab",
    [{"viewport": {"width": 390, "height": 844}, "has_touch": True}],
    ids=["phone"],
    indirect=True,
)
def test_a_phone_shows_the_panel_without_scrolling_sideways(tab: Tab) -> None:
    page = tab.page
    page.locator("#cw-side-toggle").click()
    ready(tab, "a-rather-long-name-that-does-not-fit-on-one-line-of-a-phone.md")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    remove = page.get_by_role("button", name="Remove a-rather").bounding_box()
    assert remove and remove["x"] + remove["width"] <= 390


@pytest.mark.parametrize("tab", [{"locale": "zh-CN"}], ids=["zh"], indirect=True)
def test_the_panel_speaks_chinese(tab: Tab) -> None:
    chinese = LANGUAGES["zh-Hans"]
    page = tab.page
    page.wait_for_selector(f"text={chinese['add_files']}")
    ready(tab)
    assert chinese["state_ready"] in page.locator(".cw-state").inner_text()
    bring(tab, "again.md", RECIPE)
    page.wait_for_selector("text=此文件已存在")
    tab.complaints[:] = [c for c in tab.complaints if "409" not in c]


@pytest.mark.skipif(not AXE.exists(), reason=NO_AXE)
@pytest.mark.parametrize(
    "tab", [{}, {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_axe_finds_nothing_serious(tab: Tab) -> None:
    page = tab.page
    ready(tab)
    bring(tab, "broken.pdf", b"%PDF-1.7 nothing more")
    page.wait_for_selector(f'{UPLOAD}[data-state="failed"]')
    tab.ask(QUESTION)
    tab.answered()
    page.get_by_role("button", name=TEXTS["thumb_down"]).click()
    page.wait_for_selector(".cw-feedback form input")
    documents(tab)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document).then((result) => result.violations)")
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert serious == [], json.dumps(serious, indent=1)[:3000]


# --- the owner --------------------------------------------------------------------------------


def test_the_owner_logs_in_and_sees_what_went_wrong(tab: Tab, server: Site, browser: Any) -> None:
    tab.ask("Who is the <b>king</b> of the moon?")
    tab.answered()
    context = browser.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{server.url}/owner")
    page.fill("#password", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=This is not the owner's password.")
    page.fill("#password", "correct horse")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"text={TEXTS['owner_stages']}")
    page.get_by_text("Who is the <b>king</b> of the moon?").first.wait_for()
    assert page.locator("b").count() == 0
    with page.expect_download() as download:
        page.get_by_text(TEXTS["owner_export"]).click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert any(json.loads(line)["answer"]["question"].startswith("Who is the") for line in lines)
    page.get_by_role("button", name=TEXTS["owner_log_out"]).click()
    page.wait_for_selector("#password")
    assert problems == []
    context.close()
