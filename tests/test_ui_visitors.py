"""The routes for visitors, over HTTP: documents, selection, answers, export, the owner."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from citewise import Assistant
from citewise.questions import load_questions
from citewise.ui import build_app
from citewise.ui.languages import LANGUAGES
from citewise.ui.limits import Limits
from citewise.ui.options import Options, default_data
from citewise.ui.sources import SourceId
from doubles import HashEmbedder

OURS = {"X-Citewise": "1"}
RECIPE = (
    "# Pancakes\n\nThe batter needs 250 grams of flour.\n\n## Rest\n\nIt rests for 40 minutes.\n"
)
QUESTION = "How many grams of flour does the batter need?"


class Site:
    """A running chat; ``client()`` is a browser of its own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        corpus = folder / "corpus"
        corpus.mkdir(exist_ok=True)
        (corpus / "ships.txt").write_text("# Ships\n\nThe ship Aurora carries 300 containers.\n")
        self.assistant = Assistant(
            corpus, folder / "index", llm="none", embedder=HashEmbedder(), quiet=True
        )
        self.options = replace(Options(folder / "data"), **options)
        self.app = build_app(self.assistant, visitors=self.options)
        self._held = ExitStack()

    def client(self) -> TestClient:
        return self._held.enter_context(TestClient(self.app, base_url="http://127.0.0.1"))

    def close(self) -> None:
        self._held.close()
        self.app.state.extras.close()
        self.assistant.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def common_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that need not know what other visitors do; building a page takes seconds."""
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if not hasattr(request, "param"):
        yield request.getfixturevalue("common_site")
        return
    made = Site(request.getfixturevalue("folder"), **request.param)
    yield made
    made.close()


@pytest.fixture
def client(site: Site) -> TestClient:
    return site.client()


def bring(client: TestClient, name: str = "recipe.md", content: str | bytes = RECIPE) -> Any:
    return client.post("/api/uploads", params={"name": name}, content=content, headers=OURS)


def brought(client: TestClient, name: str = "recipe.md", content: str | bytes = RECIPE) -> Any:
    """Bring a file and wait until it is ready."""
    key = bring(client, name, content).json()["id"]
    end = time.monotonic() + 60
    while True:
        (upload,) = [u for u in listing(client)["uploads"] if u["id"] == key]
        if upload["state"] in ("ready", "failed"):
            return upload
        assert time.monotonic() < end, upload
        time.sleep(0.02)


def listing(client: TestClient) -> Any:
    return client.get("/api/uploads").json()


def ask(client: TestClient, question: str = QUESTION, history: list[str] | None = None) -> Any:
    sent = {"question": question, "history": history or []}
    lines = client.post("/api/ask", json=sent).text.splitlines()
    (answer,) = [event for event in map(json.loads, lines) if event["type"] == "answer"]
    return answer


# --- documents --------------------------------------------------------------------------------


def test_a_document_is_brought_asked_about_and_opened(client: TestClient) -> None:
    made = bring(client)
    assert (made.status_code, made.json()["name"]) == (201, "recipe.md")
    upload = brought(client, "other.txt", "Another file about boats.\n")
    assert upload["state"] == "ready"
    answer = ask(client)["answer"]
    (cited,) = [c for c in answer["citations"] if "250 grams" in c["quote"]][:1]
    source = client.get(f"/api/source/{cited['source']}").json()
    assert source["document"] == "recipe.md"
    assert source["before"] + source["quote"] + source["after"] == RECIPE
    assert source["quote"] == cited["quote"]


def test_two_visitors_do_not_see_each_other_s_documents(site: Site) -> None:
    one, other = site.client(), site.client()
    upload = brought(one)
    (document,) = upload["documents"]
    cited = next(c for c in ask(one)["answer"]["citations"] if "250" in c["quote"])
    assert listing(other)["uploads"] == []
    assert [d["name"] for d in other.get("/api/documents").json()["documents"]] == ["ships.txt"]
    for source in (document["source"], cited["source"]):
        assert one.get(f"/api/source/{source}").status_code == 200
        assert other.get(f"/api/source/{source}").status_code == 404
    assert other.get("/api/outline", params={"document": "recipe.md"}).status_code == 404
    for method, path in (
        ("DELETE", f"/api/uploads/{upload['id']}"),
        ("POST", f"/api/uploads/{upload['id']}/cancel"),
        ("POST", f"/api/uploads/{upload['id']}/reread"),
    ):
        assert other.request(method, path, headers=OURS).status_code == 404
    assert "250 grams" not in json.dumps(ask(other))
    assert listing(one)["uploads"][0]["state"] == "ready"


@pytest.mark.parametrize("site", [{}], indirect=True)
def test_removing_is_final(client: TestClient, site: Site) -> None:
    upload = brought(client)
    assert client.delete(f"/api/uploads/{upload['id']}", headers=OURS).status_code == 200
    assert listing(client)["uploads"] == []
    assert client.delete(f"/api/uploads/{upload['id']}", headers=OURS).status_code == 404
    assert client.get(f"/api/source/{upload['documents'][0]['source']}").status_code == 404
    left = [p for p in site.options.data.rglob("*") if p.is_file() and b"batter" in p.read_bytes()]
    assert left == []


@pytest.mark.parametrize(
    "site", [{"limits": Limits(file_bytes=100, visitor_bytes=150, visitor_files=2)}], indirect=True
)
def test_limits_are_stated_and_enforced(client: TestClient) -> None:
    assert listing(client)["limits"]["file_bytes"] == 100
    for content in (b"x" * 101, iter([b"x" * 60, b"x" * 60])):
        refused = bring(client, "big.txt", content)  # type: ignore[arg-type]
        assert (refused.status_code, refused.json()["error"]) == (413, "too_large")
    assert brought(client, "a.txt", "a " * 50)["state"] == "ready"
    assert bring(client, "b.txt", "b " * 40).status_code == 413
    assert brought(client, "c.txt", "c")["state"] == "ready"
    many = bring(client, "d.txt", "d")
    assert (many.status_code, many.json()["error"]) == (409, "refused")
    assert "already 2 files" in many.json()["message"]
    assert listing(client)["used"] == {"files": 2, "bytes": 101}


def test_a_large_file_passes_the_guard_of_other_bodies(client: TestClient) -> None:
    made = bring(client, "large.txt", "word " * 1_000_000)
    assert made.status_code == 201
    client.delete(f"/api/uploads/{made.json()['id']}", headers=OURS)
    assert client.post("/api/ask", content=b"x" * 5_000_000).status_code == 413


def test_what_cannot_be_read_says_why(client: TestClient) -> None:
    upload = brought(client, "broken.pdf", b"%PDF-1.7 nothing more")
    assert upload["state"] == "failed"
    assert "broken.pdf" in upload["problem"]
    assert bring(client, "empty.txt", b"").json()["error"] == "refused"
    assert "already here" in bring(client, "b.pdf", b"%PDF-1.7 nothing more").json()["message"]


@pytest.mark.parametrize("site", [{}], indirect=True)
@pytest.mark.parametrize(
    "name", ["../../x.txt", "..\\x.txt", "/etc/x.txt", "<img src=x onerror=alert(1)>x.txt", "x.txt"]
)
def test_a_hostile_name_is_a_name(client: TestClient, site: Site, name: str) -> None:
    upload = brought(client, name)
    assert upload["state"] == "ready"
    kept = [p for p in site.options.data.rglob("*") if p.is_file() and p.name.startswith("content")]
    assert [p.name for p in kept] == ["content.txt"]
    assert "/" not in upload["name"] and upload["name"].endswith("x.txt")


@pytest.mark.parametrize("site", [{"uploads": False}], indirect=True)
def test_a_chat_without_uploads_takes_none(client: TestClient) -> None:
    assert (bring(client).status_code, listing(client)["open"]) == (403, False)


@pytest.mark.parametrize("site", [{"common": True}], indirect=True)
def test_common_documents_are_everybody_s_to_ask_and_their_bringer_s_to_remove(site: Site) -> None:
    one, other = site.client(), site.client()
    upload = brought(one)
    assert [u["mine"] for u in listing(one)["uploads"]] == [True]
    assert [u["mine"] for u in listing(other)["uploads"]] == [False]
    assert any("250" in c["quote"] for c in ask(other)["answer"]["citations"])
    refused = other.delete(f"/api/uploads/{upload['id']}", headers=OURS)
    assert (refused.status_code, refused.json()["error"]) == (403, "not_yours")
    assert one.delete(f"/api/uploads/{upload['id']}", headers=OURS).status_code == 200


def test_a_question_searches_what_is_selected(client: TestClient) -> None:
    brought(client)

    def searched() -> set[str]:
        answer = ask(client, "Which ship, batter, flour or containers?")["answer"]
        return {item["document"] for item in answer["evidence"]}

    assert searched() == {"recipe.md", "ships.txt"}
    for selection, names in (
        ({"scope": "own"}, {"recipe.md"}),
        ({"scope": "some", "names": ["ships.txt"]}, {"ships.txt"}),
        ({"scope": "all"}, {"recipe.md", "ships.txt"}),
    ):
        chosen = client.put("/api/selection", json=selection, headers=OURS)
        assert chosen.status_code == 200
        assert listing(client)["selection"] == chosen.json()
        assert searched() == names
    for wrong in ({"scope": "some", "names": ["nosuch"]}, {"scope": "no"}, []):
        assert client.put("/api/selection", json=wrong, headers=OURS).status_code == 400


def test_the_outline_leads_to_headings_and_pages(client: TestClient) -> None:
    brought(client)
    outline = client.get("/api/outline", params={"document": "recipe.md"}).json()
    assert [(h["title"], h["level"]) for h in outline["headings"]] == [("Pancakes", 1), ("Rest", 2)]
    opened = client.get(f"/api/source/{outline['headings'][1]['source']}").json()
    assert (opened["quote"], opened["heading"]) == ("## Rest", "Rest")
    assert outline["pages"] == []


def test_a_restart_keeps_documents_selection_and_answers(folder: Path) -> None:
    first = Site(folder)
    client = first.client()
    brought(client)
    client.put("/api/selection", json={"scope": "own"}, headers=OURS)
    answer = ask(client)
    cookies = dict(client.cookies)
    first.close()
    second = Site(folder)
    again = second.client()
    again.cookies.update(cookies)
    state = listing(again)
    assert [u["state"] for u in state["uploads"]] == ["ready"]
    assert state["selection"]["scope"] == "own"
    source = answer["answer"]["citations"][0]["source"]
    assert again.get(f"/api/source/{source}").status_code == 200
    assert QUESTION in again.get("/api/export.md", params={"ids": answer["id"]}).text
    second.close()


def test_two_servers_over_one_folder_do_not_meet(folder: Path) -> None:
    first, second = Site(folder), Site(folder)
    assert first.app.state.extras.state.folder == folder / "data"
    assert second.app.state.extras.state.folder == folder / "data-2"
    brought(first.client())
    assert listing(second.client())["uploads"] == []
    first.close()
    second.close()


# --- who may change something -----------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Citewise": "1", "Origin": "http://evil.example"},
        {"X-Citewise": "1", "Origin": "null"},
        {"X-Citewise": "1", "Origin": "http://127.0.0.1:9999"},
        {"X-Citewise": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-Citewise": "1", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_page_changes_anything(client: TestClient, headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", "/api/uploads?name=a.txt"),
        ("DELETE", "/api/uploads/x"),
        ("PUT", "/api/selection"),
        ("PUT", "/api/answers/x/thumb"),
        ("POST", "/api/answers/x/question"),
        ("DELETE", "/api/answers/x"),
        ("DELETE", "/api/mine"),
    ):
        refused = client.request(method, path, content=b"{}", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (403, "other_page"), path
    assert listing(client)["uploads"] == []


def test_the_own_page_may(client: TestClient) -> None:
    headers = {"X-Citewise": "1", "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    made = client.post("/api/uploads?name=a.txt", content=b"Words.", headers=headers)
    assert made.status_code == 201


def test_the_cookie_is_kept_from_scripts_and_other_sites(site: Site) -> None:
    client = site.client()
    cookie = client.get("/", headers={"Accept": "text/html"}).headers["set-cookie"]
    name, token = re.match(r"(citewise_visitor_\w{12})=([\w-]{43});", cookie).groups()  # type: ignore[union-attr]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert client.cookies[name] == token
    again = site.client().get("/", headers={"Accept": "text/html"}).headers["set-cookie"]
    assert token not in again
    assert token not in str(list(site.options.data.rglob("*")))


@pytest.mark.parametrize("token", ["x", "../" * 15, "a" * 44, "a" * 42 + "/", "ä" * 43])
def test_a_token_of_another_form_is_nobody_s(site: Site, token: str) -> None:
    client = site.client()
    name = next(iter(dict(client.get("/api/mine").cookies)))
    client.cookies.clear()
    answer = client.get("/api/uploads", headers={"Cookie": f"{name}={token}".encode()})
    assert answer.json()["uploads"] == []
    assert len(answer.cookies[name]) == 43


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("site", [{}], indirect=True)
def test_a_thumb_is_kept_with_the_whole_answer(client: TestClient, site: Site) -> None:
    key = ask(client)["id"]
    path = f"/api/answers/{key}/thumb"
    rated = client.put(path, json={"thumb": "down", "reason": "wrong"}, headers=OURS)
    assert rated.json() == {"thumb": "down", "reason": "wrong"}
    (kept,) = site.app.state.extras.records.all()
    assert (kept.id, kept.thumb, kept.reason) == (key, -1, "wrong")
    assert kept.record["question"] == QUESTION
    for wrong in ({"thumb": "sideways"}, {"thumb": []}, {"thumb": "up", "reason": "x" * 2001}, []):
        assert client.put(path, json=wrong, headers=OURS).status_code == 400
    other = site.client()
    assert other.put(path, json={"thumb": "up"}, headers=OURS).status_code == 404


def test_a_conversation_becomes_a_file_in_its_order(client: TestClient, site: Site) -> None:
    keys = [ask(client, question)["id"] for question in ("Which ship?", "What does it carry?")]
    chosen = {"ids": ",".join(reversed(keys))}
    text = client.get("/api/export.md", params=chosen)
    assert text.headers["content-disposition"] == 'attachment; filename="conversation.md"'
    assert text.headers["content-type"].startswith("text/markdown")
    assert text.text.index("## What does it carry?") < text.text.index("## Which ship?")
    packed = client.get("/api/export.json", params=chosen).json()
    assert [a["id"] for a in packed["answers"]] == keys[::-1]
    for answer in packed["answers"]:
        for c in answer["answer"]["citations"]:
            document = site.assistant.document(c["document"])
            assert document.text[c["start"] : c["end"]] == c["quote"]
    assert site.client().get("/api/export.md", params=chosen).status_code == 404
    assert client.get("/api/export.html", params=chosen).status_code == 404


def test_answers_are_deleted_for_good(client: TestClient, site: Site) -> None:
    keys = [ask(client, f"Which ship, and what is xylophonist{n}?")["id"] for n in range(3)]
    database = site.app.state.extras.records.path
    assert b"xylophonist0" in database.read_bytes()
    path = "/api/answers/" + ",".join(keys[:2])
    assert client.request("DELETE", path, headers=OURS).json() == {"deleted": 2}
    assert b"xylophonist0" not in database.read_bytes()
    assert b"xylophonist2" in database.read_bytes()


@pytest.mark.parametrize("site", [{}], indirect=True)
def test_all_that_is_kept_of_a_visitor_goes_at_once(client: TestClient, site: Site) -> None:
    brought(client)
    ask(client)
    mine = client.get("/api/mine").json()
    assert (mine["answers"], mine["uploads"]) == (1, 1)
    assert client.request("DELETE", "/api/mine", headers=OURS).json() == {"answers": 1}
    mine = client.get("/api/mine").json()
    assert (mine["answers"], mine["uploads"]) == (0, 0)
    left = [p for p in site.options.data.rglob("*") if p.is_file() and b"batter" in p.read_bytes()]
    assert left == []


def test_an_answer_is_saved_as_a_question(folder: Path) -> None:
    path = folder / "questions.jsonl"
    site = Site(folder, questions=path)
    client = site.client()
    key = ask(client, "How many containers does the ship Aurora carry?")["id"]
    saved = client.post(f"/api/answers/{key}/question", headers=OURS)
    assert saved.status_code == 201
    (question,) = load_questions(path)
    assert (question.id, question.draft) == (saved.json()["id"], True)
    again = client.post(f"/api/answers/{key}/question", headers=OURS)
    assert (again.status_code, again.json()["error"]) == (409, "refused")
    brought(client)
    client.put("/api/selection", json={"scope": "own"}, headers=OURS)
    private = client.post(f"/api/answers/{ask(client)['id']}/question", headers=OURS)
    assert private.status_code == 409 and "your own" in private.json()["message"]
    assert site.client().post(f"/api/answers/{key}/question", headers=OURS).status_code == 404
    site.close()


def test_without_a_set_nothing_is_saved(client: TestClient) -> None:
    key = ask(client)["id"]
    assert client.post(f"/api/answers/{key}/question", headers=OURS).status_code == 403


# --- the owner --------------------------------------------------------------------------------


@pytest.mark.parametrize("site", [{"owner": "correct horse"}], indirect=True)
def test_the_owner_s_data_is_behind_the_password(client: TestClient, site: Site) -> None:
    ask(client, "Who is the chief executive of the moon?")
    for method, path in (
        ("GET", "/owner/data"),
        ("GET", "/owner/export.jsonl"),
        ("DELETE", "/owner/records"),
    ):
        assert client.request(method, path, headers=OURS).status_code == 401
    assert "moon" not in client.get("/owner").text
    wrong = client.post("/owner/login", json={"password": "wrong"}, headers=OURS)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "wrong")
    right = client.post("/owner/login", json={"password": "correct horse"}, headers=OURS)
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/owner" in cookie
    data = client.get("/owner/data").json()
    assert data["totals"]["answers"] == 1
    (line,) = client.get("/owner/export.jsonl").text.splitlines()
    assert "moon" in json.loads(line)["answer"]["question"]
    assert client.request("DELETE", "/owner/records", headers=OURS).json() == {"deleted": 1}
    client.post("/owner/logout", headers=OURS)
    assert client.get("/owner/data").status_code == 401


@pytest.mark.parametrize("site", [{"owner": "correct horse"}], indirect=True)
def test_guessing_the_password_is_slowed_down(client: TestClient) -> None:
    def guess(password: str) -> Any:
        return client.post("/owner/login", json={"password": password}, headers=OURS)

    assert [guess("wrong").status_code for _ in range(7)] == [401] * 5 + [429] * 2
    assert guess("correct horse").status_code == 429
    assert int(guess("wrong").headers["retry-after"]) >= 1
    refused = client.post("/owner/login", json={"password": "x"})
    assert refused.json()["error"] == "other_page"


def test_without_an_owner_there_is_no_such_page(client: TestClient) -> None:
    assert "cw-texts" not in client.get("/owner").text
    assert client.get("/owner/data").status_code == 404


# --- the rest ---------------------------------------------------------------------------------


def test_data_of_two_corpora_lie_apart(tmp_path: Path) -> None:
    one, other = default_data(tmp_path / "a"), default_data(tmp_path / "b" / "a")
    assert one != other
    assert one == default_data(tmp_path / "x" / ".." / "a")


def test_every_text_is_there_in_every_language() -> None:
    english, chinese = (set(LANGUAGES[code]) for code in ("en", "zh-Hans"))
    assert english == chinese
    for key in english - {"said"}:
        places = [set(re.findall(r"\{\w+\}", LANGUAGES[code][key])) for code in LANGUAGES]
        assert places[0] == places[1], key


def test_a_source_of_one_s_own_cannot_be_guessed(site: Site) -> None:
    one, other = site.client(), site.client()
    brought(one)
    forged = SourceId("recipe.md", 0, 10, "0" * 12).encode()
    assert other.get(f"/api/source/{forged}").status_code == 404
    assert one.get(f"/api/source/{forged}").status_code == 409
