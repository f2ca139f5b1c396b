"""The HTML report in a real headless Chromium: filters and links work, nothing is loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from citewise.eval_html import html_report
from eval_record_double import FAILED_GATE, better_baseline, record

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.mark.parametrize("width", [390, 1280])
def test_filters_and_links_work_and_nothing_is_loaded(tmp_path: Path, width: int) -> None:
    data = record()
    file = tmp_path / "report.html"
    file.write_text(html_report(data, better_baseline(data), FAILED_GATE), encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        output = page.locator("#filters output")

        def shows(text: str) -> None:
            sync_api.expect(output).to_have_text(text)

        shows("7 of 7 shown")
        page.select_option("select[name=outcome]", "not-right")
        shows("4 of 7 shown")
        page.select_option("select[name=tag]", "prices")
        shows("1 of 7 shown")
        page.click("text=Clear")
        shows("7 of 7 shown")
        page.select_option("select[name=kind]", "cell")
        shows("3 of 7 shown")
        page.click("text=Clear")
        page.fill("input[name=text]", "IT RAISED")
        shows("1 of 7 shown")
        page.click("text=Clear")
        page.check("input[name=changed]")
        shows("2 of 7 shown")
        page.check("input[name=disagreement]")
        shows("1 of 7 shown")
        # A link to a citation in a question that is filtered away shows and opens the question.
        page.evaluate("location.hash = '#q-v2-price-c1'")
        page.wait_for_selector("#q-v2-price mark:visible")
        shows("7 of 7 shown")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        browser.close()
    assert complaints == []
    assert {address.partition("#")[0] for address in requests} == {file.as_uri()}


def test_all_can_be_read_without_the_script(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html_report(record()), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(java_script_enabled=False).new_page()
        page.goto(file.as_uri())
        assert not page.is_visible("#filters")
        assert not page.is_visible("#q-v2-price mark")
        page.click("#q-v2-price summary >> nth=0")
        assert page.is_visible("#q-v2-price mark")
        browser.close()
