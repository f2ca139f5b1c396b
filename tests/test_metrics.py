"""What a server counts, to whom it tells it, and that it tells no word of anybody's."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from citewise import Assistant
from citewise.bounds import Bounds
from citewise.errors import InputError
from citewise.serve_settings import ServeSettings
from citewise.types import Answer, Label, Sentence, Status, Verdict
from citewise.ui import build_app
from citewise.ui.metrics import Meters, refusal_of
from citewise.ui.metrics_table import METRICS, metrics_table
from citewise.ui.options import Options
from doubles import HashEmbedder
from fake_llm import FakeLLM, Reply
from ui_double import Double

ROOT = Path(__file__).parents[1]
HERE = ("127.0.0.1", 50000)


@contextmanager
def client_of(
    assistant: object,
    metrics: str = "local",
    client: tuple[str, int] = HERE,
    **options: object,
) -> Iterator[TestClient]:
    serving = ServeSettings(metrics=metrics)  # type: ignore[arg-type]
    app = build_app(assistant, serving=serving, **options)  # type: ignore[arg-type]
    with TestClient(app, base_url="http://127.0.0.1", client=client) as made:
        yield made
    if hasattr(app.state, "extras"):
        app.state.extras.close()


def told(client: TestClient) -> dict[str, float]:
    """Every sample by its name and labels: ``citewise_answers_total{status="quoted"}``."""
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        sample.name
        + (
            f"{{{','.join(f'{k}={v}' for k, v in sample.labels.items())}}}" if sample.labels else ""
        ): (sample.value)
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def ask(client: TestClient, question: str, **more: object) -> int:
    return client.post("/api/ask", json={"question": question, **more}).status_code


def test_answers_verdicts_refusals_and_stages_are_counted(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.txt").write_text(
        "Ada Lovelace wrote the first program in 1843.\nShe worked with Charles Babbage.\n"
    )
    yes = {"Yes": -0.01, "No": -6.0}
    with FakeLLM(Reply("Ada Lovelace wrote the first program in 1843.", logprobs=yes)) as llm:
        llm_address = f"{llm.url}#fake"
        assistant = Assistant(
            tmp_path / "corpus",
            tmp_path / "index",
            llm=llm_address,
            embedder=HashEmbedder(),
            quiet=True,
        )
        with assistant, client_of(assistant) as client:
            before = told(client)
            assert before["citewise_answers_total{status=answered}"] == 0
            assert ask(client, "When did Ada Lovelace write the first program?") == 200
            llm.standing = Reply("Ada Lovelace wrote the first program in 1999.", logprobs=yes)
            assert ask(client, "When did Ada Lovelace write the first program?") == 200
            llm.standing = Reply("no", logprobs={"Yes": -9.0, "No": -0.001})
            assert ask(client, "Who is the mayor of Reykjavik?") == 200
            after = told(client)
    assert after["citewise_answers_total{status=answered}"] == 1
    assert after["citewise_answers_total{status=quoted}"] == 1
    assert after["citewise_answers_total{status=not_found}"] == 1
    assert after["citewise_refusals_total{reason=unanswerable}"] == 1
    assert after["citewise_verdicts_total{label=supported}"] >= 1
    assert after["citewise_verdicts_total{label=contradicted}"] >= 1
    assert after["citewise_dropped_citations_total"] == 0
    for stage in ("retrieve", "evidence", "compose", "total"):
        assert after[f"citewise_stage_seconds_count{{stage={stage}}}"] == 3, stage
    assert after["citewise_stage_seconds_count{stage=draft}"] == 2
    assert 0 < after["citewise_stage_seconds_sum{stage=total}"] < 60
    assert after["citewise_line_wait_seconds_count"] == 3
    assert after["citewise_line_length"] == 0
    assert after["citewise_requests_in_hand"] == 0
    assert after["citewise_llm_requests_total{address=0}"] == len(llm.requests)
    assert after["citewise_llm_failures_total{address=0}"] == 0
    assert after["citewise_http_responses_total{class=2xx}"] == 4


def test_what_was_dropped_and_why_it_was_refused_is_counted() -> None:
    meters = Meters()
    bad = Sentence("It was 92.", (), Verdict(Label.UNSUPPORTED, 0.0, ""))
    answer = Answer("?", Status.NOT_FOUND, "", dropped=(bad,), explanation={"dropped_citations": 2})
    meters.answered(answer)
    text = meters.text().decode()
    assert "citewise_dropped_citations_total 2.0" in text
    assert 'citewise_refusals_total{reason="unsupported"} 1.0' in text
    assert 'citewise_verdicts_total{label="unsupported"} 1.0' in text
    refused = Answer("?", Status.NOT_FOUND, "", explanation={"model_refused": True})
    assert refusal_of(refused) == "model"


def test_failures_and_questions_that_were_not_taken_are_counted() -> None:
    with client_of(Double(), bounds=Bounds(asks_a_minute=3)) as client:
        assert ask(client, "crash") == 200
        assert client.post("/api/ask", json={"question": 5}).status_code == 400
        assert client.post("/api/ask", content="x").status_code == 415
        assert ask(client, "moon") == 429
        client.app.state.ending.begin()  # type: ignore[attr-defined]
        assert ask(client, "moon") == 503
        after = told(client)
    assert after["citewise_failed_questions_total"] == 1
    rejected = {k: v for k, v in after.items() if k.startswith("citewise_rejected")}
    assert {re.findall(r"=(\w+)}", key)[0]: value for key, value in rejected.items()} == {
        "busy": 0,
        "too_often": 1,
        "ending": 1,
        "invalid": 2,
    }
    assert after["citewise_http_responses_total{class=4xx}"] == 3
    assert after["citewise_http_responses_total{class=5xx}"] == 1


def test_a_busy_server_shows_what_it_has_in_hand() -> None:
    going, go_on = threading.Event(), threading.Event()

    class Slow(Double):
        def _answered(self, question: str) -> Iterator[object]:  # type: ignore[override]
            going.set()
            go_on.wait(20)
            yield from super()._answered(question)

    with client_of(Slow(), bounds=Bounds(at_once=1)) as client:
        asking = threading.Thread(target=ask, args=(client, "What did V2 score?"))
        asking.start()
        try:
            assert going.wait(20)
            busy = told(client)
            assert ask(client, "moon") == 503
        finally:
            go_on.set()
            asking.join()
        after = told(client)
    assert (busy["citewise_requests_in_hand"], after["citewise_requests_in_hand"]) == (1, 0)
    assert (busy["citewise_line_length"], after["citewise_line_length"]) == (1, 0)
    assert after["citewise_rejected_questions_total{reason=busy}"] == 1


def test_uploads_are_counted(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "notes.txt").write_text("Ada wrote a program in 1843.\n")
    embedder = HashEmbedder()
    assistant = Assistant(
        tmp_path / "corpus", tmp_path / "index", llm="none", embedder=embedder, quiet=True
    )
    visitors = Options(tmp_path / "data")
    ours = {"X-Citewise": "1"}
    with assistant, client_of(assistant, visitors=visitors) as client:
        sent = client.post("/api/uploads?name=a.txt", content=b"Some words.", headers=ours)
        assert sent.status_code == 201
        assert client.post("/api/uploads?name=b.txt", content=b"x").status_code == 403
        after = told(client)
    assert after["citewise_uploads_total{outcome=taken}"] == 1
    assert after["citewise_uploads_total{outcome=refused}"] == 1


# --- who is told, and what -----------------------------------------------------------------------


def test_no_word_of_a_question_an_answer_or_a_document_is_told() -> None:
    with client_of(Double()) as client:
        for question in ("What did V2 score?", "hostile words", "crash", "moon"):
            ask(client, question)
        text = client.get("/metrics").text
    for word in ("V2", "hostile", "moon", "crash", "deepseek", "78.5", "evil"):
        assert word not in text.lower().replace("v2.", ""), word


@pytest.mark.parametrize(
    ("metrics", "client", "headers", "status"),
    [
        ("off", HERE, {}, 404),
        ("local", HERE, {}, 200),
        ("local", ("::1", 1), {}, 200),
        ("local", ("192.0.2.7", 1), {}, 403),
        ("local", HERE, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("local", HERE, {"Via": "1.1 caddy"}, 403),
        ("local", ("testclient", 1), {}, 403),
        ("open", ("192.0.2.7", 1), {"X-Forwarded-For": "192.0.2.9"}, 200),
    ],
)
def test_it_is_told_to_whom_the_setting_says(
    metrics: str, client: tuple[str, int], headers: dict[str, str], status: int
) -> None:
    with client_of(Double(), metrics, client) as asking:
        assert asking.get("/metrics", headers=headers).status_code == status


def test_what_is_declared_is_what_is_told_and_what_the_page_shows() -> None:
    families = {family.name: family for family in text_string_to_metric_families(text_of_all())}
    ours = {name: family for name, family in families.items() if name.startswith("citewise_")}
    declared = {one.name: one for one in METRICS}
    assert ours.keys() == declared.keys()
    for name, one in declared.items():
        assert (ours[name].type, ours[name].documentation) == (one.kind, one.help)
        labels = {key for sample in ours[name].samples for key in sample.labels} - {"le"}
        assert labels == ({one.label} if one.label else set()), name
        known = {sample.labels[one.label] for sample in ours[name].samples} if one.values else set()
        assert known == set(one.values), name
    assert {"process_resident_memory_bytes", "process_cpu_seconds"} <= families.keys()
    assert metrics_table() in (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")


def text_of_all() -> str:
    from citewise.generator_pool import AddressLoad

    return Meters(lambda: [AddressLoad(3, 2, 1, 1)]).text().decode()


# --- what it costs -------------------------------------------------------------------------------


def test_without_the_package_the_setting_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(InputError, match=re.escape('pip install "citewise[serve]"')):
        build_app(Double(), serving=ServeSettings(metrics="local"))


def test_nothing_is_loaded_for_what_is_off() -> None:
    script = (
        "import sys\n"
        "from ui_double import Double\n"
        "from citewise.ui import build_app\n"
        "build_app(Double())\n"
        "costs = 'prometheus_client', 'opentelemetry.sdk', 'opentelemetry.exporter'\n"
        "print([m for m in sys.modules if m.startswith((*costs, 'citewise.spans'))])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
        check=True,
    )
    assert done.stdout == "[]\n"
