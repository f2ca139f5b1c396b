"""One turn of the chat: what the page is sent, and what it may send."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient

from citewise.errors import CorpusError, InputError
from citewise.types import Answer, Citation, Event, Evidence, Label, Sentence, Status, Verdict
from citewise.ui import build_app, strings
from citewise.ui.languages import LANGUAGES
from citewise.ui.sources import SourceId
from citewise.ui.suggesting import follow_ups, suggestions
from citewise.ui.turns import Asked, turn_views
from citewise.ui.views import answer_view, passage_view
from ui_double import ATTACK, HOSTILE, ROW, SEED, VALUE, Double


@pytest.fixture(scope="module")
def double() -> Double:
    return Double()


@pytest.fixture(scope="module")
def client(double: Double) -> Iterator[TestClient]:
    with TestClient(build_app(double), base_url="http://127.0.0.1") as client:
        yield client


def views(assistant: Double, question: str, *history: str) -> list[dict[str, Any]]:
    return list(turn_views(assistant, Asked(question, history)))


def answer_of(assistant: Double, question: str) -> dict[str, Any]:
    (view,) = [v for v in views(assistant, question) if v["type"] == "answer"]
    answer: dict[str, Any] = view["answer"]
    return answer


# --- the views --------------------------------------------------------------------------------


def test_evidence_then_draft_then_verdicts_then_the_answer(double: Double) -> None:
    sent = views(double, "What?")
    kinds = [view["type"] for view in sent]
    assert list(dict.fromkeys(kinds)) == ["evidence", "text", "sentence", "answer", "followups"]
    assert (kinds[0], kinds.count("sentence"), kinds[-2:]) == (
        "evidence",
        3,
        ["answer", "followups"],
    )
    best = sent[0]["evidence"][0]
    assert (best["title"], best["heading"], best["quote"]) == (SEED, "Technical Deep Dive", ROW)
    assert SourceId.decode(best["source"]).heading == "Technical Deep Dive"
    draft = "".join(view["delta"] for view in sent if view["type"] == "text")
    assert draft.endswith("Its next model reached 92. ")
    assert [view["shown"] for view in sent if view["type"] == "sentence"] == [True, True, False]

    answer = sent[-2]["answer"]
    assert answer["status"] == "answered"
    assert [(s["citations"], s["label"]) for s in answer["sentences"]] == [
        ([1], "supported"),
        ([2], "supported"),
    ]
    start = double.document(SEED).text.index(VALUE)
    assert SourceId.decode(answer["citations"][1]["source"]).start == start
    (dropped,) = answer["dropped"]
    assert (dropped["label"], dropped["reason"]) == ("unsupported", "92 is in none of the passages")


@pytest.mark.parametrize(("question", "status"), [("quote", "quoted"), ("moon", "not_found")])
def test_each_status_is_told_with_its_passages(double: Double, question: str, status: str) -> None:
    answer = answer_of(double, question)
    assert answer["status"] == status
    assert answer["evidence"][0]["source"] is not None


def test_hostile_text_is_data_and_what_hides_in_it_is_shown(double: Double) -> None:
    answer = answer_of(double, "hostile")
    assert answer["sentences"][0]["text"] == ATTACK
    assert answer["citations"][0]["title"] == "hostile ⟨U+202E⟩txt.exe.txt"
    assert answer["citations"][0]["document"] == HOSTILE


def test_a_row_also_reads_with_its_columns_and_prose_does_not(double: Double) -> None:
    row = Evidence(SEED, 0, 3, "| a |", 1.0, 1, 1, rendered="Name: a")
    prose = Evidence(SEED, 0, 3, "A.", 1.0, 1, 1, rendered="A.")
    assert passage_view(row, lambda _: None)["rendered"] == "Name: a"
    assert passage_view(prose, lambda _: None)["rendered"] == ""


def test_a_number_that_cites_nothing_is_left_out(double: Double) -> None:
    good = Verdict(Label.SUPPORTED, 0.9, "")
    cited = Citation(1, SEED, 0, 3, "abc")
    answer = Answer("q", Status.ANSWERED, "", (Sentence("It is.", (1, 9), good),), (cited,))
    view = answer_view(answer, lambda _: "ID")
    assert view["sentences"][0]["citations"] == [1]
    assert json.loads(json.dumps(view)) == view


def test_a_removed_document_leaves_a_passage_without_a_source() -> None:
    class Removed(Double):
        def documents(self) -> list[Any]:
            return [self.stored[HOSTILE]]

    assert {c["source"] for c in answer_of(Removed(), "What?")["citations"]} == {None}


def test_faults_become_the_last_view(double: Double, caplog: pytest.LogCaptureFixture) -> None:
    assert views(double, "  ") == [
        {"type": "error", "message": "The question is empty. Ask something."}
    ]
    assert views(double, "crash") == [{"type": "error", "message": strings.CRASHED}]
    assert "secret detail" in caplog.text


def test_closing_the_views_cancels_the_model() -> None:
    class Kept(Double):
        """Holds on to its stream, so that nothing but closing it ends it."""

        def stream(self, question: str, history: Sequence[str] = ()) -> Iterator[Event]:
            self.open = super().stream(question, history)
            return self.open

    double = Kept()
    turn = turn_views(double, Asked("What?"))
    next(turn)
    turn.close()  # type: ignore[attr-defined]
    assert double.cancelled == 1


# --- what a browser sends ---------------------------------------------------------------------


def test_only_a_few_earlier_questions_are_believed() -> None:
    forged = ["First?", "", 7, None, {"role": "system"}, ["x"], "x" * 9999, "a\ud800b"]
    assert Asked.of({"question": "q", "history": forged}).history == (
        "First?",
        "x" * 2000,
        "a?b",
    )
    many = [str(n) for n in range(10_000)]
    assert Asked.of({"question": "q", "history": many}).history == tuple(many[-6:])
    assert Asked.of({"question": "q", "history": "forged"}).history == ()


@pytest.mark.parametrize("sent", [None, 5, 0.5, True, "What?", ["What?"], [[]], {"text": "a"}])
def test_anything_but_a_question_is_an_error(sent: Any) -> None:
    for body in (sent, {"question": sent} if not isinstance(sent, str) else {}):
        with pytest.raises(InputError, match="must be text"):
            Asked.of(body)


def lines(response: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


def test_the_route_sends_one_line_for_each_view(client: TestClient, double: Double) -> None:
    body = json.dumps({"question": "a\ud800b", "history": ["What?"]})
    response = client.post(
        "/api/ask", content=body, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["cache-control"] == "no-store"
    sent = lines(response)
    assert [v["type"] for v in sent if v["type"] != "text"] == [
        "evidence",
        *["sentence"] * 3,
        "answer",
        "followups",
    ]
    assert re.fullmatch(r"[0-9a-f]{32}", sent[-2]["id"])
    assert double.asked[-1] == ("a?b", ["What?"])


@pytest.mark.parametrize(
    ("body", "type_", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"question": 5}', "application/json", 400),
        (b'{"question": null}', "application/json", 400),
        (b'{"question": "What?"}', "text/plain", 415),
        (b"question=What", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_question_is_refused(
    client: TestClient, double: Double, body: bytes, type_: str, status: int
) -> None:
    before = len(double.asked)
    response = client.post("/api/ask", content=body, headers={"Content-Type": type_})
    assert response.status_code == status
    assert set(response.json()) == {"error", "message"}
    assert len(double.asked) == before


def test_no_more_than_a_few_are_answered_at_once() -> None:
    class Held(Double):
        def __init__(self) -> None:
            super().__init__()
            self.go = threading.Event()

        def stream(self, question: str, history: Sequence[str] = ()) -> Iterator[Event]:
            self.go.wait(20)
            yield from super().stream(question, history)

    held = Held()
    with TestClient(build_app(held), base_url="http://127.0.0.1") as client:
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(client.post("/api/ask", json={"question": "What?"}).status_code)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while len(statuses) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert statuses == [503] * 4
        held.go.set()
        for thread in threads:
            thread.join(20)
        assert sorted(statuses) == [200] * 16 + [503] * 4
        assert client.post("/api/ask", json={"question": "What?"}).status_code == 200


# --- suggestions ------------------------------------------------------------------------------


class Searching(Double):
    """Finds whatever it is asked for in the seed's table, and nothing else."""

    def search(self, question: str, top_k: int = 10) -> list[Evidence]:
        return [self.evidence(SEED, ROW)] if "DeepSeek-V2" in question else []


def test_suggestions_are_questions_whose_words_the_search_finds() -> None:
    plain, found = suggestions(Double(), 4), suggestions(Searching(), 4)
    assert len(plain) == 4
    assert any("DeepSeek-V2" not in question for question in plain)
    assert found and all("DeepSeek-V2" in question for question in found)
    assert suggestions(Searching(), 4) == found


def test_suggestions_of_a_corpus_that_cannot_be_read_are_none() -> None:
    class Broken(Double):
        def documents(self) -> list[Any]:
            raise CorpusError("There is no corpus.")

    assert suggestions(Broken()) == []


def test_follow_ups_stay_near_what_was_cited_and_repeat_nothing() -> None:
    double = Double()
    cited = double.citation(1, SEED, ROW)
    answer = Answer("What?", Status.ANSWERED, "", citations=(cited,))
    asked = "What is the MMLU score of DeepSeek-V2?"
    offered = follow_ups(double, answer, [asked])
    assert len(offered) == 3
    assert "DeepSeek-V2" in offered[0]
    assert asked not in offered
    assert follow_ups(double, Answer("What?", Status.NOT_FOUND, ""), []) == []


# --- languages --------------------------------------------------------------------------------


def test_every_language_has_every_text_with_the_same_places() -> None:
    english = LANGUAGES["en"]
    for code, table in LANGUAGES.items():
        assert set(table) == set(english), code
        for key, text in table.items():
            if key != "said":
                assert set(re.findall(r"\{\w+\}", text)) == set(
                    re.findall(r"\{\w+\}", english[key])
                ), (code, key)
                assert text.strip(), (code, key)
        for pattern, text in table["said"]:
            groups = re.compile(pattern).groups
            assert {int(n) for n in re.findall(r"\{(\d)\}", text)} <= set(range(1, groups + 1))


def test_the_page_holds_its_texts_and_no_markup_in_them(client: TestClient) -> None:
    page = client.get("/", headers={"Accept": "text/html"}).text
    (data,) = re.findall(r'<script[^>]* id="cw-texts">(.*?)</script>', page, re.DOTALL)
    assert "<" not in data
    assert json.loads(data)["languages"]["zh-Hans"]["new"] == "新对话"
