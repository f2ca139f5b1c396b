"""The HTML report: what it shows, that hostile text stays text, and that nothing is loaded."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.errors import EvaluationError
from citewise.eval_html import html_report
from citewise.eval_markup import Html, element, join
from citewise.eval_reading import percent, reveal
from eval_record_double import (
    ATTACK,
    FAILED_GATE,
    PASSED_GATE,
    QUESTIONS,
    Result,
    better_baseline,
    conforms,
    record,
)
from html_page import Page

ALLOWED = (
    "html head meta title style body script svg defs pattern line rect circle a header h1 bdi p "
    "main section h2 h3 h4 ul ol li span strong em div table caption thead tbody tr th td details "
    "summary article form label input select option button output dl dt dd figure figcaption "
    "blockquote mark footer"
)


RECORD = record()
BEFORE = better_baseline(RECORD)
TEXT = html_report(RECORD, BEFORE, FAILED_GATE)
PAGE = Page(TEXT)


def article(name: str) -> dict[str, Any]:
    return PAGE.all("article", id=f"q-{name}")[0]


def test_the_double_is_what_the_schema_describes() -> None:
    assert conforms(RECORD)
    wrong = copy.deepcopy(RECORD)
    wrong["questions"][0]["citations"][0]["colour"] = "red"
    assert not conforms(wrong)
    wrong = copy.deepcopy(RECORD)
    wrong["questions"][0]["outcome"] = "fine"
    assert not conforms(wrong)
    wrong = copy.deepcopy(RECORD)
    del wrong["overall"]["measures"]["correct"]["low"]
    assert not conforms(wrong)


# --- nothing comes alive, nothing is loaded ---


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    assert {item["tag"] for item in PAGE.found} <= set(ALLOWED.split())
    assert not [key for item in PAGE.found for key in item if key.startswith("on")]
    assert PAGE.comments == []
    assert len(PAGE.all("script")) == len(PAGE.all("style")) == 1
    # Everywhere the attack stands it reads as it was written, its invisible characters spelled out.
    shown = article("v3-price")["text"]
    assert shown.count(reveal(ATTACK)) == 14
    assert "⟨U+202E⟩gnp.exe" in shown and "⟨U+001B⟩[31m" in shown and "nul⟨U+0000⟩" in shown


def test_no_character_of_control_or_direction_is_left() -> None:
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", TEXT)
    assert TEXT.encode("utf-8")


def test_no_address_stands_outside_of_text() -> None:
    for item in PAGE.found:
        for key, value in item.items():
            if key not in ("tag", "text"):
                assert not re.search(r"https?:|//|javascript:|data:", value), (key, value)
        assert item.get("src") is None
    code = PAGE.all("script")[0]["text"] + PAGE.all("style")[0]["text"]
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttp|innerHTML|eval\(", code)
    assert {item["href"][0] for item in PAGE.all("a")} == {"#"}


def test_the_policy_lets_in_only_its_own_style_and_script() -> None:
    policy = PAGE.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    hashes = {
        tag: base64.b64encode(hashlib.sha256(PAGE.all(tag)[0]["text"].encode()).digest()).decode()
        for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; "
        f"script-src 'sha256-{hashes['script']}'; base-uri 'none'; form-action 'none'"
    )
    assert not [item for item in PAGE.found if item.get("style")]


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_in_an_element_is_read_back_as_text(text: str) -> None:
    class Reader(HTMLParser):
        tags: list[str]
        seen: str

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            self.seen += attrs[0][1] or ""

        def handle_data(self, data: str) -> None:
            self.seen += data

    reader = Reader()
    reader.tags, reader.seen = [], ""
    reader.feed(element("p", text, title=text + "."))
    reader.close()
    assert reader.tags == ["p"]
    assert reader.seen == f"{reveal(text)}.{reveal(text)}"


def test_markup_is_not_escaped_twice() -> None:
    inner = element("b", "<", class_=None, hidden=True)
    assert inner == "<b hidden>&lt;</b>"
    assert element("p", inner, None, aria_label='"') == (
        '<p aria-label="&quot;"><b hidden>&lt;</b></p>'
    )
    assert join(["a", "<"], Html("<br>")) == "a<br>&lt;"


# --- what it says ---


def test_the_verdict_of_the_gate_stands_on_top() -> None:
    verdict = next(item for item in PAGE.found if item.get("class", "").startswith("verdict"))
    assert verdict["class"] == "verdict failed"
    assert verdict["text"] == "✗ Gate failed: 1 of 2 checks missed."
    assert "minimum: answered or quoted correctly✗ missedall0.50.94" in PAGE.text
    assert "✓ Gate passed: 1 of 1 checks met." in html_report(RECORD, gate=PASSED_GATE)
    assert "No gate was asked for." in html_report(RECORD)
    assert "Gate failed as a whole; 0 of 0 checks were met." in html_report(
        RECORD, gate=Result(False, ())
    )


def test_the_headline_has_values_intervals_and_the_baseline() -> None:
    cards = [i["text"] for i in PAGE.found if i["tag"] == "li" and "baseline" in i["text"]]
    assert (
        "answered or quoted correctly50.0 %95 %: 25–75 %, n = 4baseline 70.0 %: -20.0 points, worse"
    ) in cards
    assert "unsupported sentences1of 5 shown sentencesbaseline 1: unchanged" in cards
    assert "WiCE dev0.80.7349" in PAGE.text
    unmeasured = record(judge={"name": "x", "sha256": "c" * 64, "agreement": {}})
    assert "⚠ Its agreement with people was not measured" in html_report(unmeasured)


def test_a_measure_without_answers_is_neither_zero_nor_missing() -> None:
    page = Page(html_report(record(QUESTIONS[4])))
    assert "Answered" not in page.text.split("The judge")[1].split("Outcomes")[0]
    assert "answered or quoted correctly–nothing to measure it on" in page.text


def test_the_bars_of_a_kind_fill_its_whole() -> None:
    assert len(PAGE.all("svg", class_="bar")) == 4  # three kinds, one stage
    segments = [
        (float(item["x"].rstrip("%")), float(item["width"].rstrip("%")))
        for item in PAGE.all("rect")
        if item.get("class", "").startswith("o-")
        and item["height"] == "18"
        and "%" in item["width"]
    ]
    assert segments.count((0.0, 100.0)) == 7  # the swatch of each outcome that a kind has
    assert [segment for segment in segments if segment[1] < 100] == [
        *((0.0, 33.333), (33.333, 33.333), (66.667, 33.333)),
        *((0.0, 50.0), (50.0, 50.0)) * 2,
    ]
    assert "1 answered correctly1 quoted correctly1 answered wrongly" in PAGE.text


def test_the_ruler_shows_value_interval_and_baseline() -> None:
    row = next(item for item in PAGE.all("tr") if item["text"].startswith("answered or quoted"))
    assert row["text"] == "answered or quoted correctly50.0 %25–75 %470.0 %-20.0 points, worse"
    dots = [item["cx"] for item in PAGE.all("circle", class_="dot")]
    assert dots[1] == "50.000%"
    marks = [item["x1"] for item in PAGE.all("line", class_="before")]
    assert marks[1] == "70.000%"
    ranges = [(item["x"], item["width"]) for item in PAGE.all("rect", class_="range")]
    assert ranges[1] == ("25.000%", "50.000%")
    assert not Page(html_report(RECORD)).all("line", class_="before")


def test_the_filters_have_what_they_look_at() -> None:
    item = article("v3-price")
    assert (item["data-kind"], item["data-outcome"]) == ("cell", "answered_wrongly")
    assert json.loads(item["data-tags"]) == ["prices"]
    assert {"data-changed", "data-disagreement"} <= item.keys() and "data-right" not in item
    right = article("v2-price")
    assert "data-right" in right and not {"data-changed", "data-disagreement"} & right.keys()
    assert json.loads(right["data-tags"]) == ["prices", "tables"]
    form = PAGE.all("form", id="filters")[0]
    assert "hidden" in form
    options = {item["value"] for item in PAGE.all("option")}
    assert {"cell", "not-right", "unscored", "tables", ""} <= options
    assert PAGE.all("input", name="changed") and not Page(html_report(RECORD)).all(
        "input", name="changed"
    )


def test_a_question_shows_its_answer_verdicts_and_citations() -> None:
    item = article("v3-price")
    text = item["text"]
    assert "✗ answered wrongly" in text and "✗ contradicted score 0.02" in text
    assert "✓ supported score 0.93: the source states it" in text
    assert "$0.27 or " in text and "[7: no citation]" in text
    assert "…Prices in 2024. " in text and " Later it rose." in text
    mark = next(m for m in PAGE.all("mark") if "</script>" in m["text"])
    assert mark["text"] == reveal(ATTACK)
    assert PAGE.all("figure", id="q-v3-price-c1")
    assert PAGE.all("a", href="#q-v3-price-c1", class_="cite")
    assert "✓ supported score 0.93" in article("v2-price")["text"]
    assert "It raised. " in article("broken")["text"]


def test_all_ids_are_unique_and_every_link_has_its_target() -> None:
    ids = [item["id"] for item in PAGE.found if "id" in item]
    assert len(ids) == len(set(ids))
    assert {item["href"][1:] for item in PAGE.all("a")} <= set(ids)


def test_the_page_can_be_used_by_keyboard_and_screen_reader() -> None:
    assert PAGE.all("html", lang="en") and PAGE.all("meta", name="viewport")
    levels = [int(item["tag"][1]) for item in PAGE.found if re.fullmatch("h[1-4]", item["tag"])]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(item.get("scope") for item in PAGE.all("th"))
    assert all(item["tabindex"] == "0" for item in PAGE.all("div", class_="scroll"))
    assert PAGE.all("output", **{"aria-live": "polite"})
    assert all(item["aria-hidden"] == "true" for item in PAGE.all("svg"))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(scheme: int) -> None:
    style = PAGE.all("style")[0]["text"]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", style.split(":root {")[1 + scheme]))
    for text in ("text", "muted", "link", "good", "bad", "warn"):
        for ground in ("page", "surface"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["mark-text"], colours["mark"]) >= 4.5
    for shape in ("answered-correctly", "quoted-correctly", "refused-rightly", "not-refused"):
        assert contrast(colours[shape], colours["surface"]) >= 3, shape
    for shape in ("answered-wrongly", "refused-wrongly", "unscored", "dot", "before"):
        assert contrast(colours[shape], colours["surface"]) >= 3, shape


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "This is no run record of format 2: its format is None."),
        ({**RECORD, "format": 1}, "its format is 1"),
        ({key: RECORD[key] for key in RECORD if key != "kinds"}, "The run record lacks 'kinds'."),
    ],
)
def test_another_file_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError, match=re.escape(message)):
        html_report(data)


def test_the_questions_that_only_the_baseline_has_are_counted() -> None:
    assert "Questions of the baseline that were not asked in this run: 1." in PAGE.text


def test_equal_records_give_equal_pages() -> None:
    assert html_report(record(), BEFORE, FAILED_GATE) == TEXT
    assert percent(None) == "–"
