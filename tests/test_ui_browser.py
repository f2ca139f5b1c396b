"""The chat in a real headless Chromium: what is seen, clicked, focused, and requested."""

from __future__ import annotations

import time
from typing import Any

import pytest

from browsing import AXE, CITED, DONE, NO_AXE, QUESTION, Server, Tab, browser_test, opened
from citewise.ui import SEED_QUESTIONS, strings
from citewise.ui.languages import LANGUAGES
from ui_double import ATTACK, HEADCOUNT, HOSTILE, ROW, SEED, VALUE

pytestmark = browser_test
TEXTS = LANGUAGES["en"]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
phone = pytest.mark.parametrize("tab", [PHONE], ids=["phone"], indirect=True)


def wait_until(reached: Any, seconds: float = 8.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reached()


# --- the answer -------------------------------------------------------------------------------


def test_evidence_draft_answer_and_the_exact_words(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("button", name=SEED_QUESTIONS[0]).click()
    page.wait_for_selector(f"text={TEXTS['draft']}")
    found = page.locator(".cw-found").inner_text()
    assert "Technical Deep Dive" in found and "78.5" in found
    tab.answered()
    assert page.get_by_text(TEXTS["draft"]).count() == 0
    assert not page.get_by_text("reached 92").first.is_visible()
    assert "2 of 2 sentences borne out" in page.locator(".cw-summary").inner_text()
    tab.open(page.locator(CITED).first, ROW)
    assert page.locator("#cw-source-title").text_content() == SEED
    assert page.locator("#cw-source").get_by_text("Technical Deep Dive").first.is_visible()
    whole = page.locator(".cw-text").text_content()
    tab.open(page.locator(CITED).nth(1), VALUE)
    assert page.locator(".cw-text").text_content() == whole


def test_the_whole_document_is_shown_as_it_is(tab: Tab, server: Server) -> None:
    tab.ask("What?")
    tab.answered()
    tab.open(tab.page.locator(CITED).first, ROW)
    shown = tab.page.locator(".cw-text").text_content()
    assert shown == server.double.document(SEED).text


def test_next_and_previous_go_through_the_citations(tab: Tab) -> None:
    page = tab.page
    tab.ask("What?")
    tab.answered()
    tab.open(page.locator(CITED).first, ROW)
    assert page.locator(".cw-position").text_content() == "1 of 2"
    assert page.locator(CITED).first.get_attribute("aria-current") == "true"
    page.locator("#cw-next").click()
    tab.highlights(VALUE)
    assert page.locator(".cw-position").text_content() == "2 of 2"
    assert page.locator(CITED).first.get_attribute("aria-current") is None
    assert page.locator(CITED).nth(1).get_attribute("aria-current") == "true"
    page.locator("#cw-next").click()
    tab.highlights(ROW)
    page.locator("#cw-previous").click()
    tab.highlights(VALUE)
    page.keyboard.press("Alt+ArrowLeft")
    tab.highlights(ROW)


def test_hovering_a_number_shows_quote_and_place(tab: Tab) -> None:
    page = tab.page
    tab.ask("What?")
    tab.answered()
    page.locator(CITED).nth(1).hover()
    box = page.locator("#cw-popover")
    box.wait_for()
    assert VALUE in box.inner_text() and SEED in box.inner_text()
    page.mouse.move(2, 2)
    box.wait_for(state="detached")
    page.locator(CITED).first.hover()
    box.wait_for()
    assert ROW in box.inner_text() and "Technical Deep Dive" in box.inner_text()


def test_each_sentence_tells_its_verdict_and_its_reason(tab: Tab) -> None:
    page = tab.page
    tab.ask("flag")
    tab.answered()
    marks = page.locator(".cw-last .cw-verdict")
    assert marks.evaluate_all("all => all.map(e => e.getAttribute('aria-label'))") == [
        "Supported. Why?",
        "Supported. Why?",
        "Not supported. Why?",
    ]
    assert marks.nth(2).inner_text() == "Not supported"
    assert page.locator(".cw-reason").inner_text() == "92 is in none of the passages"
    marks.first.click()
    page.locator("#cw-popover").get_by_text("Strength of support: 97 %").wait_for()
    assert "2 of 3 sentences" in page.locator(".cw-summary").inner_text()
    page.get_by_text("No reranker is installed.").wait_for()


def test_removed_sentences_are_shown_on_demand(tab: Tab) -> None:
    tab.ask("What?")
    tab.answered()
    reason = tab.page.get_by_text("Not supported: 92 is in none of the passages")
    assert not reason.is_visible()
    tab.page.get_by_text(TEXTS["removed_one"]).click()
    reason.wait_for()
    assert tab.page.locator(".cw-dropped s").inner_text() == "Its next model reached 92."


def test_quoted_and_not_found_have_their_own_looks(tab: Tab) -> None:
    page = tab.page
    tab.ask("quote it")
    tab.answered()
    assert TEXTS["quoted"] in page.locator(".cw-last .cw-quoted").inner_text()
    assert page.locator(".cw-last .cw-quotation blockquote").text_content() == ROW
    page.get_by_text("The language model did not answer").wait_for()
    tab.open(page.locator(".cw-last .cw-quotation a").first, ROW)
    tab.ask("the moon")
    tab.answered()
    assert TEXTS["not_found"] in page.locator(".cw-last .cw-not-found").inner_text()
    assert page.locator(".cw-last .cw-quotation").count() == 2
    assert page.locator(".cw-last .cw-prose").count() == 0
    tab.open(page.locator(".cw-last .cw-quotation a").nth(1), HEADCOUNT)


def test_evidence_opens_before_the_answer_is_there(tab: Tab, server: Server) -> None:
    server.double.pause = 0.4
    try:
        tab.ask("What?")
        tab.open(tab.page.locator(".cw-last .cw-card").first, ROW)
        assert tab.page.locator('.cw-last[data-state="asking"]').count() == 1
    finally:
        server.double.pause = 0.05
    tab.answered()
    tab.highlights(ROW)


def test_nothing_moves_while_it_is_written(tab: Tab, server: Server) -> None:
    page = tab.page
    page.evaluate("""() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts.push(e.value);
      }).observe({ type: "layout-shift" });
    }""")
    server.double.pause = 0.15
    try:
        for question in ("What?", "And then?"):
            tab.ask(question)
            page.wait_for_selector(".cw-last .cw-card")
            tops = [page.locator(".cw-last .cw-found").bounding_box()["y"]]
            page.wait_for_selector(".cw-last .cw-draft-text:not(:empty)")
            tops.append(page.locator(".cw-last .cw-found").bounding_box()["y"])
            tab.answered()
            tops.append(page.locator(".cw-last .cw-found").bounding_box()["y"])
            assert len(set(tops)) == 1
    finally:
        server.double.pause = 0.05
    page.wait_for_timeout(500)
    assert sum(page.evaluate("window.shifts")) == pytest.approx(0, abs=0.001)


def test_hostile_text_is_inert(tab: Tab) -> None:
    page = tab.page
    tab.ask("hostile")
    tab.answered()
    tab.open(page.locator(CITED).first, ATTACK)
    page.locator(".cw-dropped summary").click()
    page.locator(CITED).first.hover()
    page.locator("#cw-popover").wait_for()
    for tag in ("img", "form:not(#cw-composer)", "input", "script", "b", "code", "table", "iframe"):
        assert page.locator(f"#citewise {tag}").count() == 0, tag
    links = page.locator("#cw-thread a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links and all(link.startswith("#cite-") for link in links)
    assert not any(link.startswith("#cite-0-4-") for link in links)
    assert ATTACK in page.locator(".cw-last .cw-prose").text_content()
    assert page.locator("#cw-source-title").text_content() == "hostile ⟨U+202E⟩txt.exe.txt"


def test_a_changed_document_is_told(tab: Tab, server: Server) -> None:
    tab.ask("What?")
    tab.answered()
    kept = server.double.stored[SEED]
    server.double.stored[SEED] = type(kept)(SEED, "New text.", "0" * 64)
    try:
        tab.page.locator(CITED).first.click()
        problem = tab.page.locator("#cw-source .cw-problem")
        problem.wait_for()
        assert problem.text_content() == strings.SOURCE_CHANGED
    finally:
        server.double.stored[SEED] = kept
    assert tab.page.locator("#cw-source mark").count() == 0
    tab.complaints[:] = [c for c in tab.complaints if "409" not in c]


def test_a_fault_is_told_in_its_turn(tab: Tab) -> None:
    tab.ask("crash")
    tab.page.get_by_text(strings.CRASHED).wait_for()
    tab.ask("What?")
    tab.answered()


# --- the conversation -------------------------------------------------------------------------


def test_follow_ups_carry_the_earlier_questions(tab: Tab, server: Server) -> None:
    tab.ask("What?")
    tab.answered()
    offered = tab.page.locator(".cw-followup")
    offered.first.wait_for()
    question = offered.first.inner_text()
    offered.first.click()
    tab.page.wait_for_selector(f".cw-turn:nth-child(2){DONE}")
    assert server.double.asked[-1] == (question, ["What?"])


def test_stop_cancels_the_model_and_names_the_draft(tab: Tab, server: Server) -> None:
    page, before = tab.page, server.double.cancelled
    server.double.pause = 0.4
    try:
        tab.ask("What?")
        page.wait_for_selector("text=DeepSeek-V2 scored")
        page.locator("#cw-send").click()
        page.get_by_text(TEXTS["stopped"]).wait_for()
    finally:
        server.double.pause = 0.05
    wait_until(lambda: server.double.cancelled == before + 1)
    page.get_by_text(TEXTS["unchecked_draft"]).click()
    assert "DeepSeek-V2 scored" in page.locator(".cw-last .cw-draft-text").inner_text()
    assert page.locator(".cw-last .cw-cite").count() == 0
    tab.ask("Again?")
    tab.answered()
    assert server.double.asked[-1] == ("Again?", ["What?"])


def test_a_closed_page_cancels_the_model(server: Server, browser: Any) -> None:
    before = server.double.cancelled
    server.double.pause = 0.3
    try:
        with opened(browser, server.url) as tab:
            tab.ask("What?")
            tab.page.wait_for_selector("text=DeepSeek-V2 scored")
        wait_until(lambda: server.double.cancelled == before + 1)
    finally:
        server.double.pause = 0.05


def test_retry_asks_again_in_place(tab: Tab, server: Server) -> None:
    for question in ("First?", "Second?"):
        tab.ask(question)
        tab.answered()
    count = len(server.double.asked)
    tab.page.locator(".cw-last").get_by_role("button", name=TEXTS["retry"]).click()
    wait_until(lambda: len(server.double.asked) == count + 1)
    tab.answered()
    assert server.double.asked[-1] == ("Second?", ["First?"])
    assert tab.page.locator(".cw-turn").count() == 2


def test_an_edited_question_replaces_what_followed(tab: Tab, server: Server) -> None:
    page = tab.page
    for question in ("First?", "Second?"):
        tab.ask(question)
        tab.answered()
    page.locator(".cw-turn").first.hover()
    page.get_by_role("button", name=TEXTS["edit"]).first.click()
    page.get_by_text(TEXTS["edit_note"]).wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".cw-turn").count() == 2
    page.get_by_role("button", name=TEXTS["edit"]).first.click()
    page.locator(".cw-editing textarea").fill("quote it")
    page.keyboard.press("Enter")
    page.locator(".cw-quoted").wait_for()
    assert page.locator(".cw-turn").count() == 1
    assert server.double.asked[-1] == ("quote it", [])


def test_an_answer_is_copied_with_footnotes(server: Server, browser: Any) -> None:
    with opened(browser, server.url, permissions=["clipboard-read", "clipboard-write"]) as tab:
        tab.ask("What?")
        tab.answered()
        tab.page.get_by_role("button", name=TEXTS["copy"]).click()
        tab.page.get_by_text(TEXTS["copied"]).first.wait_for()
        assert tab.page.evaluate("navigator.clipboard.readText()") == (
            "DeepSeek-V2 scored 78.5 on MMLU. [1] "
            "The company is valued at more than $500 billion. [2]\n\n"
            f"[1] {SEED} › Technical Deep Dive: “{ROW}”\n[2] {SEED}: “{VALUE}”"
        )


def test_history_survives_a_reload(tab: Tab) -> None:
    page = tab.page
    for question in ("What?", "quote it"):
        tab.ask(question)
        tab.answered()
    page.reload()
    page.wait_for_selector(DONE)
    assert page.locator(".cw-question h2").all_inner_texts() == ["What?", "quote it"]
    tab.open(page.locator(".cw-turn").first.locator("a.cw-cite").nth(1), VALUE)


def test_a_server_restarted_in_the_middle(server: Server, browser: Any) -> None:
    with opened(browser, server.url) as tab:
        page = tab.page
        tab.ask("What?")
        tab.answered()
        server.double.pause = 0.4
        tab.ask("Slow?")
        page.wait_for_selector(".cw-last .cw-draft-text:not(:empty)")
        server.stop()
        server.double.pause = 0.05
        page.wait_for_selector('.cw-last[data-state="failed"]')
        page.locator("#cw-gone").wait_for()
        server.start()
        page.locator("#cw-gone").wait_for(state="detached")
        page.locator(".cw-last").get_by_role("button", name=TEXTS["retry"]).click()
        tab.answered()
        page.reload()
        page.wait_for_selector(DONE)
        assert page.locator(".cw-question h2").all_inner_texts() == ["What?", "Slow?"]
        tab.open(page.locator(CITED).first, ROW)
        tab.complaints[:] = [c for c in tab.complaints if "net::ERR" not in c]


def test_several_conversations_are_kept_apart(tab: Tab, server: Server) -> None:
    page = tab.page
    tab.ask("First?")
    tab.answered()
    page.locator("#cw-new").click()
    assert page.locator(".cw-turn").count() == 0
    tab.ask("Second?")
    tab.answered()
    assert server.double.asked[-1] == ("Second?", [])
    listed = page.locator(".cw-conversation")
    assert listed.all_inner_texts() == ["Second?", "First?"]
    listed.nth(1).click()
    assert page.locator(".cw-question h2").all_inner_texts() == ["First?"]
    page.get_by_role("button", name="Delete “First?”").click()
    assert page.locator(".cw-turn").count() == 0
    assert listed.all_inner_texts() == ["Second?"]
    page.get_by_role("button", name=TEXTS["undo"]).click()
    assert sorted(listed.all_inner_texts()) == ["First?", "Second?"]


@pytest.mark.parametrize(
    "kept", ["{", "null", '{"version":1}', '{"version":1,"id":"x","turns":[null]}', "x" * 100]
)
def test_broken_storage_is_ignored(tab: Tab, kept: str) -> None:
    page = tab.page
    page.evaluate(
        "kept => { localStorage['citewise.conversation.x'] = kept;"
        " localStorage['citewise.current'] = 'x'; localStorage['citewise.theme'] = 'pink'; }",
        kept,
    )
    page.reload()
    page.wait_for_selector("#cw-host .cw-welcome")
    tab.ask("What?")
    tab.answered()


# --- looks and access -------------------------------------------------------------------------


def test_it_works_by_keyboard_alone(tab: Tab) -> None:
    page = tab.page
    assert page.evaluate("document.activeElement.id") == "cw-question"
    page.keyboard.type("What?")
    page.keyboard.press("Enter")
    tab.answered()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.cw-prose a.cw-cite')"):
            break
    assert page.locator("#cw-popover").is_visible()
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "cw-popover"
    page.keyboard.press("Escape")
    assert page.locator("#cw-popover").count() == 0
    page.keyboard.press("Enter")
    tab.highlights(VALUE)
    assert page.evaluate("document.activeElement.id") == "cw-source-title"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.cw-prose a.cw-cite')")
    page.locator("#cw-main h1").click()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "cw-question"


def test_tabs_are_chosen_by_arrows(tab: Tab) -> None:
    page = tab.page
    page.locator('[role="tab"][aria-selected="true"]').focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "cw-tab-source"
    assert page.locator("#cw-panel-source").is_visible()
    assert page.locator("#cw-panel-documents").is_hidden()


@phone
def test_a_phone_shows_all_without_scrolling_sideways(tab: Tab) -> None:
    page = tab.page
    tab.ask("What?")
    tab.answered()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(CITED).first.tap()
    tab.highlights(ROW)
    mark = page.locator("#cw-source mark").bounding_box()
    assert mark["x"] >= 0 and mark["x"] + mark["width"] <= 390
    page.locator("#cw-side-close").tap()
    assert page.locator("#cw-side").is_hidden()
    page.locator("#cw-menu").tap()
    page.locator(".cw-conversation").first.wait_for()
    page.locator("#cw-drawer-close").tap()
    tab.ask("And?")
    tab.answered()


@pytest.mark.parametrize("tab", [{"color_scheme": "dark"}], ids=["dark"], indirect=True)
def test_dark_mode_keeps_the_highlight_legible(tab: Tab) -> None:
    page = tab.page
    tab.ask("What?")
    tab.answered()
    tab.open(page.locator(CITED).first, ROW)
    style = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    assert page.locator("#cw-source mark").evaluate(style) == [
        "rgb(253, 230, 138)",
        "rgb(30, 27, 22)",
    ]
    background = page.locator("#citewise").evaluate(style)[0]
    assert sum(int(n) for n in background[4:-1].split(", ")[:3]) < 120
    page.get_by_label(TEXTS["theme"]).select_option("light")
    background = page.locator("#citewise").evaluate(style)[0]
    assert sum(int(n) for n in background[4:-1].split(", ")[:3]) > 600
    page.reload()
    page.wait_for_selector("#cw-host " + QUESTION)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize("tab", [{"locale": "zh-CN"}], ids=["chinese"], indirect=True)
def test_it_speaks_the_reader_s_language(tab: Tab) -> None:
    page = tab.page
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert page.get_attribute(QUESTION, "placeholder") == "向您的文档提问"
    tab.ask("moon")
    tab.answered()
    assert "您的文档中没有答案" in page.locator(".cw-not-found").inner_text()
    page.get_by_label("语言").select_option("en")
    assert page.get_attribute(QUESTION, "placeholder") == "Ask your documents"
    assert TEXTS["not_found"] in page.locator(".cw-not-found").inner_text()
    page.reload()
    page.wait_for_selector(DONE)
    assert page.evaluate("document.documentElement.lang") == "en"


VIEWS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "chinese": {"locale": "zh-CN"},
}


@pytest.mark.skipif(not AXE.is_file(), reason=NO_AXE)
@pytest.mark.parametrize("tab", list(VIEWS.values()), ids=list(VIEWS), indirect=True)
def test_axe_finds_nothing_serious(tab: Tab) -> None:
    page = tab.page

    def found() -> list[str]:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.wait_for_timeout(500)  # what fades in has its colours only then
        result = page.evaluate("axe.run()")
        return [
            f"{v['impact']} {v['id']}: {n['target']} {n.get('failureSummary')}"
            for v in result["violations"]
            if v["impact"] in {"serious", "critical"}
            for n in v["nodes"]
        ]

    assert found() == []
    for question in ("flag", "moon", "quote it", "What?"):
        tab.ask(question)
        tab.answered()
        assert found() == []
    page.locator(".cw-last .cw-dropped summary").click()
    tab.open(page.locator(CITED).first, ROW)
    assert found() == []
    assert page.locator("#cw-source-title").text_content() != HOSTILE
