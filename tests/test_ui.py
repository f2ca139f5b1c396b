"""The chat without a browser: routes, guards, escaping, and the messages of a turn."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from citewise.errors import CorpusError, IndexFault, InputError
from citewise.types import Event
from citewise.ui import build_app, serve, strings
from citewise.ui.listening import listening_socket
from citewise.ui.revealing import reveal
from citewise.ui.sources import SourceError, SourceId, shown_source
from citewise.ui.telling import told
from ui_double import ATTACK, HOSTILE, ROW, SEED, Double

ROOT = Path(__file__).parents[1]
UNKNOWN = {"error": "not_found", "message": strings.SOURCE_UNKNOWN}


@pytest.fixture(scope="module")
def double() -> Double:
    return Double()


@pytest.fixture(scope="module")
def client(double: Double) -> Iterator[TestClient]:
    with TestClient(build_app(double), base_url="http://127.0.0.1") as client:
        yield client


def source_id(double: Double, name: str, quote: str, **changes: Any) -> str:
    document = double.document(name)
    start = document.text.index(quote)
    fields = {"start": start, "end": start + len(quote), "digest": document.sha256[:12]} | changes
    return SourceId(name, **fields).encode()


# --- escaping ---------------------------------------------------------------------------------


def test_invisible_characters_become_visible() -> None:
    assert reveal("a\u202eb\u200bc\U000e0041") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+E0041⟩"
    assert reveal("family 👨\u200d👩 \tx\r\ny") == "family 👨\u200d👩 \tx\ny"


# --- ids and sources --------------------------------------------------------------------------


@given(
    st.text(min_size=1, max_size=80),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.text(max_size=200),
    st.none() | st.integers(1, 9999),
)
def test_an_id_survives_the_way_through_a_link(
    name: str, start: int, end: int, heading: str, page: int | None
) -> None:
    source = SourceId(name, start, end, "0123456789ab", heading, page)
    encoded = source.encode()
    assert re.fullmatch(r"[A-Za-z0-9_-]+", encoded)
    assert SourceId.decode(encoded) == source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "1-2",
        "0-1-0123456789ab-",
        "0-1-0123456789ab-!!!!",
        "0-1-0123456789ab-AAAA",
        "0-1-0123456789ab-WzEsMiwzXQ",  # [1,2,3]
        "0-1-0123456789ab-W1tbW1tb",  # [[[[[[
        "-1-1-0123456789ab-WyJhIiwiIixudWxsXQ",
        "٣-٤-0123456789ab-WyJhIiwiIixudWxsXQ",
        "9" * 5000,
        "0-1-0123456789ab-" + "A" * 5000,
    ],
)
def test_a_forged_id_is_refused(text: str) -> None:
    with pytest.raises(SourceError) as refused:
        SourceId.decode(text)
    assert refused.value.code == "not_found"


def test_a_source_is_the_document_in_three_pieces(client: TestClient, double: Double) -> None:
    found = client.get(f"/api/source/{source_id(double, SEED, ROW, heading='Deep', page=3)}")
    body = found.json()
    assert found.status_code == 200
    assert (body["document"], body["heading"], body["page"]) == (SEED, "Deep", 3)
    assert body["quote"] == ROW
    assert body["before"] + body["quote"] + body["after"] == double.document(SEED).text
    assert (body["clipped"], body["invisible"]) == (False, False)
    assert found.headers["cache-control"] == "no-store"


def test_a_long_document_is_shown_around_the_quote(double: Double) -> None:
    text = "a" * 300_000 + "quote" + "b" * 300_000
    double.stored["long"] = long = type(double.document(SEED))("long", text, "f" * 64)
    body = shown_source(SourceId("long", 300_000, 300_005, "f" * 12), long)
    del double.stored["long"]
    assert (len(body["before"]), body["quote"], len(body["after"])) == (200_000, "quote", 200_000)
    assert body["clipped"] is True


def test_a_hostile_source_is_data(client: TestClient, double: Double) -> None:
    body = client.get(f"/api/source/{source_id(double, HOSTILE, ATTACK)}").json()
    assert body["quote"] == ATTACK
    assert body["title"] == "hostile ⟨U+202E⟩txt.exe.txt"


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../../etc/passwd",
        "%2e%2e%2fetc%2fpasswd",
        "%00",
        "1' OR 1=1",
        "<script>alert(1)</script>",
        "9" * 20_000,
        "nosuch/../y",
    ],
)
def test_strange_ids_get_one_shape(client: TestClient, path: str) -> None:
    answer = client.get(f"http://127.0.0.1/api/source/x{path}")
    assert (answer.status_code, answer.json()) == (404, UNKNOWN)


def test_an_unknown_document_and_wrong_offsets_are_refused(
    client: TestClient, double: Double
) -> None:
    digest = double.document(SEED).sha256[:12]
    length = len(double.document(SEED).text)
    for source in (
        SourceId("nosuch.txt", 0, 1, digest),
        SourceId("../pyproject.toml", 0, 1, digest),
        SourceId("a\ud800", 0, 1, digest),
        SourceId(SEED, 0, length + 1, digest),
        SourceId(SEED, 5, 4, digest),
    ):
        answer = client.get(f"/api/source/{source.encode()}")
        assert (answer.status_code, answer.json()) == (404, UNKNOWN), source


def test_a_changed_document_says_so(client: TestClient, double: Double) -> None:
    answer = client.get(f"/api/source/{source_id(double, SEED, ROW, digest='0' * 12)}")
    assert answer.status_code == 409
    assert answer.json() == {"error": "changed", "message": strings.SOURCE_CHANGED}


def test_the_list_names_what_is_searched(client: TestClient) -> None:
    body = client.get("/api/documents").json()
    assert set(body) == {"total", "documents"}
    assert [d["name"] for d in body["documents"]] == [SEED, HOSTILE]
    assert body["total"] == 2
    opened = client.get(f"/api/source/{body['documents'][0]['source']}").json()
    assert (opened["document"], opened["quote"]) == (SEED, "")


class Broken(Double):
    def documents(self) -> list[Any]:
        raise InputError("The index 'x' is locked.", "Close the other one.")


def test_a_fault_in_a_route_is_its_message() -> None:
    broken = Broken()
    with TestClient(build_app(broken), base_url="http://127.0.0.1") as client:
        for path in ("/api/documents", f"/api/source/{source_id(broken, SEED, ROW)}"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert answer.json() == {
                "error": "unavailable",
                "message": "The index 'x' is locked. Close the other one.",
            }


class Unreached(Double):
    def documents(self) -> list[Any]:
        raise self.fault()

    def stream(self, question: str, history: Sequence[str] = ()) -> Iterator[Event]:
        raise self.fault()

    def fault(self) -> IndexFault:
        return IndexFault("The index in postgresql://db.internal/team cannot be reached.", "Look.")


def test_a_server_that_fails_is_named_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(build_app(Unreached()), base_url="http://127.0.0.1") as client:
        listed = client.get("/api/documents")
        asked = client.post("/api/ask", json={"question": "Who?"})
    assert listed.status_code == 503
    assert listed.json() == {"error": "unavailable", "message": strings.UNAVAILABLE}
    assert asked.json() == {"type": "error", "message": strings.UNAVAILABLE}
    assert caplog.text.count("postgresql://db.internal/team cannot be reached. Look.") == 2


def test_a_folder_that_fails_is_told_with_its_remedy(caplog: pytest.LogCaptureFixture) -> None:
    assert told(IndexFault("/data/index is full.", "Free disk space.")) == (
        "/data/index is full. Free disk space."
    )
    assert caplog.text == ""


# --- guards -----------------------------------------------------------------------------------


def test_the_page_runs_only_its_own_scripts(client: TestClient) -> None:
    page = client.get("/", headers={"Accept": "text/html"})
    policy = page.headers["content-security-policy"]
    (nonce,) = re.findall(r"'nonce-([A-Za-z0-9_-]{20,})'", policy)
    assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "frame-ancestors 'none'" in policy and "form-action 'none'" in policy
    scripts = re.findall(r"<script[^>]*>", page.text)
    assert len(scripts) >= 4
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    again = client.get("/", headers={"Accept": "text/html"})
    assert nonce not in again.text


@pytest.mark.parametrize("path", ["/healthz", "/api/documents", "/app-static/main.js", "/no"])
def test_headers_are_everywhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in headers


def test_it_is_alive(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", ""]
)
def test_other_host_names_are_refused(client: TestClient, host: str) -> None:
    for path in ("/", "/api/documents", "/gradio_api/queue/join"):
        assert client.get(path, headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "localhost"])
def test_names_of_this_machine_are_accepted(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "null"])
def test_no_other_page_may_read(client: TestClient, origin: str) -> None:
    for path in ("/api/documents", "/config", "/gradio_api/info"):
        answer = client.get(path, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers, path


def test_a_large_body_is_refused_whatever_it_announces(client: TestClient) -> None:
    large = b"x" * (4 * 1024 * 1024 + 1)
    for content in (large, iter([large[:1000], large])):
        answer = client.post("/gradio_api/queue/join", content=content)
        assert answer.status_code == 413
        assert answer.json() == {"error": "too_large", "message": strings.TOO_LARGE}


def test_uploads_are_closed(client: TestClient) -> None:
    answer = client.post("/gradio_api/upload", files={"files": ("a.html", b"<b>")})
    assert (answer.status_code, answer.json()["error"]) == (403, "closed")


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://127.0.0.1/healthz",
        "/gradio_api/proxy=http://127.0.0.1/healthz",
        "/app-static/..%2f__init__.py",
        "/app-static/%2e%2e/server.py",
    ],
)
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {403, 404}
    assert "root:" not in answer.text and "import" not in answer.text


def test_gradio_offers_neither_an_interface_nor_extras(client: TestClient) -> None:
    assert client.get("/gradio_api/info").json()["named_endpoints"] == {}
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    # None that would render what a document or a model wrote.
    assert {c["type"] for c in config["components"]} <= {"column", "markdown"}


# --- starting and stopping --------------------------------------------------------------------


def test_a_taken_port_leads_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    with listening_socket("127.0.0.1", _free_port()) as first:
        taken = first.getsockname()[1]
        with listening_socket("127.0.0.1", taken) as second:
            port = second.getsockname()[1]
    assert taken < port < taken + 20
    assert capsys.readouterr().err == f"Port {taken} is taken; using {port}.\n"


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(InputError, match=r"Cannot listen on '192\.0\.2\.1', port 7860"):
        listening_socket("192.0.2.1", 7860)


def test_a_missing_corpus_is_an_error_before_anything_listens(tmp_path: Path) -> None:
    double = Double()
    double.corpus = tmp_path / "nosuch"  # type: ignore[attr-defined]
    with pytest.raises(CorpusError, match=r"nosuch' does not exist\. Give a folder"):
        serve(double)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_an_error(port: int) -> None:
    with pytest.raises(InputError, match=f"There is no port {port}"):
        listening_socket("127.0.0.1", port)


def test_the_server_prints_its_address_and_ends_cleanly_under_an_open_page() -> None:
    script = textwrap.dedent(
        """
        from ui_double import Double
        from citewise.ui import serve
        serve(Double(), port={port})
        """
    ).format(port=_free_port())
    server = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT / "tests",
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", line)
        with urllib.request.urlopen(f"{address}/healthz", timeout=20) as alive:
            assert alive.status == 200
        with urllib.request.urlopen(f"{address}/gradio_api/heartbeat/page", timeout=20):
            server.send_signal(signal.SIGINT)
            rest, errors = server.communicate(timeout=20)
    finally:
        server.kill()
    assert (server.returncode, rest, errors) == (0, "", "Stopped.\n")


def test_the_launcher_explains_itself_at_once() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "app.py", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"},
    )
    assert time.monotonic() - began < 5
    for option in ("--corpus", "--index", "--host", "--port", "--no-browser"):
        assert option in done.stdout


def test_importing_the_chat_loads_nothing_heavy() -> None:
    code = "import sys, citewise.ui; print([m for m in ('gradio', 'fastapi') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    )
    assert done.stdout == "[]\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
