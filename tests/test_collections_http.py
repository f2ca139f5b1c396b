"""The chat behind a proxy that says what each caller may see: every route gives that alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from citewise import Assistant
from citewise.errors import InputError
from citewise.settings import using
from citewise.ui import build_app, server
from citewise.ui.options import Options
from citewise.ui.sources import SourceId
from collection_worlds import ADDRESSES, World, filled, misspelt, planted, same_but_for
from doubles import HashEmbedder
from stores import postgres  # noqa: F401 - a fixture
from ui_double import Double

WORLD = World(
    {
        "": {"notes.txt": [["bridge", "copper"], ["engine"]], "pay.txt": [["salary"]]},
        "hr": {"pay.txt": [["salary", "winter"], ["salary"]], "plans/next.md": [["budget"]]},
        "legal": {"pay.txt": [["invoice", "salary"]], "notes.txt": [["harbour"]]},
    }
)
HEADER = "X-Collections"
OURS = {"X-Citewise": "1"}
Made = Callable[..., FastAPI]


@pytest.fixture(params=sorted(ADDRESSES))
def site(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Made]:
    """Makes chats over stores that hold some collections; none has the page, which holds none."""
    monkeypatch.setattr(server, "_mount_page", lambda _: None)
    WORLD.write(tmp_path)
    kind: str = request.param
    with ExitStack() as held:

        def made(name: str, held_there: Sequence[str], **options: Any) -> FastAPI:
            address = ADDRESSES[kind](request, tmp_path / name)
            assistant = filled(address, tmp_path, held_there, **options)
            held.callback(assistant.close)
            app = build_app(
                assistant,
                visitors=Options(tmp_path / f"{name}-data", owner="pass"),
                collections_header=HEADER,
            )
            held.callback(app.state.extras.close)
            app.state.address = address
            return app

        yield made


def browser(app: FastAPI, collections: str | None = None) -> TestClient:
    headers = {} if collections is None else {HEADER: collections}
    return TestClient(app, base_url="http://127.0.0.1", headers=headers)


def asked(client: TestClient, question: str) -> list[dict[str, Any]]:
    answer = client.post("/api/ask", json={"question": question})
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def source(name: str, sha256: str = "0" * 12, end: int = 5) -> str:
    return "/api/source/" + SourceId(name, 0, end, sha256[:12]).encode()


# --- nobody without a header ------------------------------------------------------------------

MALFORMED = [
    "",
    " ",
    ",",
    "hr,",
    "hr,,legal",
    "../hr",
    "hr/x",
    "hr legal",
    "*",
    "hr;legal",
    "h" * 65,
]


def test_every_route_refuses_whoever_has_no_header(site: Made) -> None:
    app = site("whole", list(WORLD.collections))
    client = browser(app)
    tried = 0
    for route in app.routes:
        if not isinstance(route, APIRoute) or route.path in ("/healthz", "/readyz", "/metrics"):
            continue
        path = re.sub(r"\{(\w+)(:\w+)?\}", "x", route.path)
        for method in route.methods:
            answer = client.request(method, path, headers=OURS)
            assert (answer.status_code, route.path) == (403, route.path)
            assert answer.json()["error"] == "no_collections"
            assert "Nobody says which documents you may see" in answer.json()["message"]
            tried += 1
    assert tried >= 18
    assert client.get("/nothing").status_code == 403
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("value", MALFORMED)
def test_a_header_that_cannot_be_read_shows_nothing(site: Made, value: str) -> None:
    client = browser(site("whole", list(WORLD.collections)), value)
    for path in ("/api/documents", "/api/suggestions", source("notes.txt"), "/owner/data"):
        assert client.get(path).status_code == 403
    assert client.post("/api/ask", json={"question": "salary?"}).status_code == 403


def test_a_header_that_comes_twice_shows_nothing(site: Made) -> None:
    client = browser(site("whole", list(WORLD.collections)))
    twice = [(HEADER, "legal"), (HEADER.lower(), "hr")]
    assert client.get("/api/documents", headers=twice).status_code == 403
    assert client.get("/api/documents", headers=twice[:1]).status_code == 200


def test_bytes_that_are_no_ascii_show_nothing(site: Made) -> None:
    client = browser(site("whole", list(WORLD.collections)))
    headers = [(HEADER.encode(), "hr,légal".encode())]
    assert client.get("/api/documents", headers=headers).status_code == 403


def test_the_page_itself_is_only_for_those_who_are_named(tmp_path: Path) -> None:
    WORLD.write(tmp_path)
    assistant = Assistant(tmp_path / "default", tmp_path / "index", embedder=HashEmbedder())
    app = build_app(assistant, collections_header=HEADER)
    assert browser(app).get("/").status_code == 403
    assert browser(app).get("/gradio_api/info").status_code == 403
    shown = browser(app, "hr").get("/")
    assert (shown.status_code, "<html" in shown.text) == (200, True)
    refused = browser(app).get("/api/documents")
    assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("header", ["X Collections", "X:Y", "é", "X\r\nY"])
def test_what_can_be_no_header_is_refused_at_the_start(tmp_path: Path, header: str) -> None:
    with pytest.raises(InputError, match="No header is called"):
        build_app(Assistant(tmp_path, tmp_path / "i"), collections_header=header)


def test_what_has_no_collections_is_refused_at_the_start() -> None:
    with pytest.raises(InputError, match="Double has no collections"):
        build_app(Double(), collections_header=HEADER)


# --- what each caller is given ----------------------------------------------------------------


def everything(client: TestClient, sent: Sequence[str] = ()) -> dict[str, Any]:
    """What every route gives to one browser, without times and ids that are drawn by chance."""
    found: dict[str, Any] = {}
    for path in ("/api/documents", "/api/suggestions", "/api/uploads"):
        found[path] = client.get(path).json()
    found["/api/mine"] = client.get("/api/mine").json()
    for name in WORLD.names():
        for digest in ("0" * 12, *sent):
            answer = client.get(source(name, digest))
            found[f"source {name} {digest}"] = [answer.status_code, answer.text]
        answer = client.get("/api/outline", params={"document": name})
        found[f"outline {name}"] = [answer.status_code, answer.text]
        answer = client.put("/api/selection", json={"scope": "some", "names": [name]}, headers=OURS)
        found[f"select {name}"] = [answer.status_code, answer.text]
        found[f"selected {name}"] = client.get("/api/uploads").json()["selection"]
        found[f"ask within {name}"] = _timeless(asked(client, "What does the salary cost?"))
        client.put("/api/selection", json={"scope": "all"}, headers=OURS)
    for word in WORLD.words():
        for question in (f"What does {word} cost?", f"What costs {misspelt(word)} in the winter?"):
            found[f"ask {question}"] = _timeless(asked(client, question))
    for kind in ("md", "json"):
        found[f"export {kind}"] = _timeless(client.get(f"/api/export.{kind}").text)
    client.post("/owner/login", json={"password": "pass"}, headers=OURS)
    seen = client.get("/owner/data").json()
    del seen["slowest"], seen["stages"]
    found["owner"] = _timeless(seen)
    found["owner export"] = _timeless(client.get("/owner/export.jsonl").text)
    found["erased"] = client.delete("/api/mine", headers=OURS).json()
    return found


_CHANCE = re.compile(
    r'"(?:id|asked|timings|slowest_step|slowest_seconds|seconds|median_seconds)": '
    r'(?:"[^"]*"|[-\d.e]+|\{[^}]*\}|\[[^\]]*\])'
)


def _timeless(found: Any) -> Any:
    text = found if isinstance(found, str) else json.dumps(found)
    return _CHANCE.sub("", text)


@pytest.mark.parametrize("header", ["HR", "default,legal,ghost"])
def test_no_route_tells_of_what_its_caller_may_not_see(site: Made, header: str) -> None:
    names = [name.strip().lower().replace("default", "") for name in header.split(",")]
    whole = site("whole", list(WORLD.collections))
    alone = site("alone", [name for name in WORLD.collections if name in names])
    digests = [
        d.sha256
        for d in filled(whole.state.address, Path("nowhere"), []).seeing("hr", "legal").documents()
    ]
    found, expected = (everything(browser(app, header), digests) for app in (whole, alone))
    places = whole.state.address, alone.state.address
    assert same_but_for(found, *places) == same_but_for(expected, *places)
    listed = {d["name"] for d in found["/api/documents"]["documents"]}
    assert listed == set(WORLD.names(names))
    assert {d["name"] for d in found["/api/uploads"]["documents"]} == listed
    text = json.dumps(found)
    for collection, files in WORLD.collections.items():
        for file in files:
            word = planted(collection, file)
            quoted = f"Nobody knows {word} better" in text
            assert quoted == (collection in names), (collection, file)


def test_a_source_that_one_caller_was_given_opens_for_no_other(site: Made) -> None:
    app = site("whole", list(WORLD.collections))
    word = planted("hr", "pay.txt")
    events = asked(browser(app, "hr"), f"What does the salary of {word} cost?")
    (ids,) = {re.search(r'"([0-9]+-[0-9]+-[0-9a-f]{12}-[\w-]+)"', json.dumps(events))[1]}  # type: ignore[index]
    assert word in browser(app, "hr").get(f"/api/source/{ids}").text
    refused = [browser(app, who).get(f"/api/source/{ids}") for who in ("legal", "ghost")]
    never = browser(app, "legal").get(source("hr/never.txt"))
    assert [r.status_code for r in (*refused, never)] == [404, 404, 404]
    assert refused[0].text == refused[1].text == never.text


def test_answers_are_given_back_as_long_as_their_reader_may_see_what_they_rest_on(
    site: Made,
) -> None:
    app = site("whole", list(WORLD.collections))
    word = planted("hr", "pay.txt")
    client = browser(app)
    asks = {"question": f"What does the salary of {word} cost?"}
    client.post("/api/ask", json=asks, headers={HEADER: "hr,legal"})
    both, other = {HEADER: "legal, HR"}, {HEADER: "legal"}
    kept = client.get("/api/export.json", headers=both)
    assert word in kept.text
    key = kept.json()["answers"][0]["id"]
    assert client.get("/api/mine", headers=both).json()["answers"] == 1
    assert client.get("/api/mine", headers=other).json()["answers"] == 0
    for kind in ("md", "json"):
        for path in (f"/api/export.{kind}", f"/api/export.{kind}?ids={key}"):
            assert client.get(path, headers=other).status_code == 404
    thumb = f"/api/answers/{key}/thumb"
    for who, status in ((other, 404), (both, 200)):
        answer = client.put(thumb, json={"thumb": "up"}, headers={**OURS, **who})
        assert answer.status_code == status
    assert client.delete("/api/mine", headers={**OURS, **other}).json()["answers"] == 0
    assert client.delete("/api/mine", headers={**OURS, **both}).json()["answers"] == 1


def test_the_owner_sees_questions_and_no_words_of_documents(site: Made) -> None:
    app = site("whole", list(WORLD.collections))
    asked(browser(app, "hr"), "What does the salary cost?")
    owner = browser(app, "legal")
    owner.post("/owner/login", json={"password": "pass"}, headers=OURS)
    seen = owner.get("/owner/data").text + owner.get("/owner/export.jsonl").text
    assert "What does the salary cost?" in seen
    for collection, files in WORLD.collections.items():
        for file in files:
            assert planted(collection, file) not in seen


def test_a_selection_outlasts_no_right(site: Made) -> None:
    client = browser(site("whole", list(WORLD.collections)))
    ticked = {"scope": "some", "names": ["hr/pay.txt", "legal/pay.txt"]}
    both, less, none = ({HEADER: who} for who in ("hr,legal", "legal", "default"))
    client.put("/api/selection", json=ticked, headers={**OURS, **both})
    selected = [
        client.get("/api/uploads", headers=who).json()["selection"] for who in (both, less, none)
    ]
    assert selected == [
        ticked,
        {"scope": "some", "names": ["legal/pay.txt"]},
        {"scope": "all", "names": []},
    ]
    for who, words in ((less, ["legal/pay.txt"]), (none, ["notes.txt", "pay.txt"])):
        answer = client.post("/api/ask", json={"question": "salary?"}, headers=who).text
        assert "hr/" not in answer
        assert "error" not in {json.loads(line)["type"] for line in answer.splitlines()}
        assert any(word in answer for word in words)
    refused = [
        client.put(
            "/api/selection",
            json={"scope": "some", "names": [name]},
            headers={**OURS, **less},
        )
        for name in ("hr/pay.txt", "ghost/pay.txt")
    ]
    assert [r.status_code for r in refused] == [400, 400]
    assert refused[0].text == refused[1].text


def test_what_one_brings_is_searched_beside_what_one_may_see(site: Made) -> None:
    client = browser(site("whole", list(WORLD.collections)), "legal")
    mine = b"The salary of Quendolin costs 77 euros.\n"
    sent = client.post("/api/uploads?name=mine.txt", content=mine, headers=OURS)
    assert sent.status_code == 201
    key = sent.json()["id"]
    for _ in range(200):
        (upload,) = client.get("/api/uploads").json()["uploads"]
        if upload["state"] == "ready":
            break
    assert upload["id"] == key
    texts = json.dumps(asked(client, "What does the salary of Quendolin cost?"))
    assert "77 euros" in texts
    for word in (planted("hr", "pay.txt"), planted("", "pay.txt")):
        shown = json.dumps(asked(client, f"What does the salary of {word} cost?"))
        assert f"of {word} costs" not in shown
    legal = planted("legal", "pay.txt")
    assert f"of {legal} costs" in json.dumps(asked(client, f"What does {legal} cost?"))
    names = [d["name"] for d in client.get("/api/documents").json()["documents"]]
    assert names == ["legal/notes.txt", "legal/pay.txt", "mine.txt"]


def test_no_header_opens_more_than_the_setting_allows(site: Made) -> None:
    app = site("whole", list(WORLD.collections), collections=["hr", "default"])
    for header, names in (
        ("legal", set()),
        ("ghost", set()),
        ("hr,legal", set(WORLD.names(["hr"]))),
        ("default,hr,legal", set(WORLD.names(["", "hr"]))),
    ):
        found = browser(app, header).get("/api/documents").json()["documents"]
        assert {d["name"] for d in found} == names
    not_allowed, not_there = (asked(browser(app, who), "salary?") for who in ("legal", "ghost"))
    assert _timeless(not_allowed) == _timeless(not_there)


def test_the_setting_says_which_header_it_is(
    site: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from citewise import cli

    seen: dict[str, Any] = {}
    monkeypatch.setattr(server, "serve", lambda *_, **options: seen.update(options))
    with using("none"):
        assert cli.main(["chat", "--collections-header", "X-Groups", "--data", str(tmp_path)]) == 0
    assert seen["collections_header"] == "X-Groups"
