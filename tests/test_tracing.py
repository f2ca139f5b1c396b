"""One trace of each question, by the GenAI conventions, and no word of anybody's in it."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from citewise import Assistant, Status
from citewise.errors import InputError
from citewise.serve_settings import ServeSettings
from citewise.spans import Spans, exporting, tracer_with
from citewise.tracing import UNWATCHED, tracing_of
from citewise.types import TextEvent
from doubles import HashEmbedder
from fake_llm import FakeLLM, Reply, event
from scripted import Scripted

SECRET = "Xanthippe Quillfeather wrote the zebrafish ledger in 1843."
QUESTION = "When did Xanthippe Quillfeather write the zebrafish ledger?"
NAME = "quillfeather-notes.txt"
WORDS = ("xanthippe", "quillfeather", "zebrafish", "ledger", "1843", "wrote", "write")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / NAME).write_text(f"{SECRET}\nShe kept it in a drawer.\n")
    return tmp_path


def assistant_of(folder: Path, llm: object) -> Assistant:
    embedder = HashEmbedder()
    return Assistant(
        folder / "corpus",
        folder / "index",
        llm=llm,  # type: ignore[arg-type]
        embedder=embedder,
        quiet=True,
    )


@contextmanager
def watched(folder: Path, llm: object, *, text: bool = False) -> Iterator[tuple[Assistant, Any]]:
    """An assistant, and the exporter that keeps its spans."""
    exporter = InMemorySpanExporter()
    with assistant_of(folder, llm) as assistant:
        tracer = tracer_with(SimpleSpanProcessor(exporter))
        assistant._tracing = Spans(tracer, text=text)
        yield assistant, exporter


def by_name(spans: list[ReadableSpan]) -> dict[str, list[ReadableSpan]]:
    named: dict[str, list[ReadableSpan]] = {}
    for span in spans:
        named.setdefault(span.name, []).append(span)
    return named


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_the_spans_of_a_question_are_named_and_nested_by_the_conventions(folder: Path) -> None:
    yes = {"Yes": -0.01, "No": -6.0}
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}
    draft = event({"choices": [{"delta": {"content": SECRET}}]}) + event(end)
    with (
        FakeLLM(Reply(SECRET, logprobs=yes)) as llm,
        watched(folder, f"{llm.url}#fake") as (assistant, exporter),
    ):
        llm.script = [Reply(logprobs=yes), Reply(body=draft)]
        assert assistant.ask(QUESTION).status is Status.ANSWERED
    spans = by_name(exporter.get_finished_spans())
    assert set(spans) == {
        "invoke_workflow citewise",
        "retrieval",
        "read",
        "chat fake",
        "check",
        "compose",
    }
    page = (Path(__file__).parents[1] / "docs" / "serving.md").read_text(encoding="utf-8")
    for name, group in spans.items():
        keys = {key for span in group for key in attributes(span)}
        (row,) = re.findall(rf"^\| `{name.replace('fake', 'MODEL')}` \|.*$", page, re.MULTILINE)
        assert [key for key in keys if f"`{key}`" not in row] == [], name
    (root,) = spans["invoke_workflow citewise"]
    assert root.parent is None
    assert attributes(root) == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.agent.name": "citewise",
        "citewise.status": "answered",
        "citewise.evidence": 2,
        "citewise.sentences.shown": 1,
        "citewise.sentences.held_back": 0,
        "citewise.citations": 1,
        "citewise.citations.dropped": 0,
    }
    others = [span for name, group in spans.items() for span in group if span is not root]
    assert root.context is not None
    for span in others:
        assert span.parent is not None
        assert span.parent.span_id == root.context.span_id
        assert span.context is not None
        assert span.context.trace_id == root.context.trace_id
        assert root.start_time <= span.start_time <= span.end_time <= root.end_time  # type: ignore[operator]
    (retrieval,) = spans["retrieval"]
    assert (retrieval.kind, attributes(retrieval)) == (
        SpanKind.INTERNAL,
        {"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.top_k": 10},
    )
    (check,) = spans["check"]
    assert attributes(check)["gen_ai.evaluation.name"] == "support"
    assert attributes(check)["gen_ai.evaluation.score.label"] == "supported"
    assert attributes(check)["gen_ai.evaluation.score.value"] > 0.5
    gate, drafted, confirm = sorted(spans["chat fake"], key=lambda span: span.start_time or 0)
    assert {span.kind for span in (gate, drafted, confirm)} == {SpanKind.CLIENT}
    told = attributes(drafted)
    assert told.pop("gen_ai.response.time_to_first_chunk") >= 0
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "fake",
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 160,
        "gen_ai.usage.input_tokens": 7,
    }
    assert attributes(gate)["gen_ai.request.max_tokens"] == 1
    assert retrieval.end_time < drafted.start_time < drafted.end_time < check.start_time  # type: ignore[operator]


@pytest.mark.parametrize("text", [False, True])
def test_words_are_in_it_only_if_asked_for(folder: Path, text: bool) -> None:
    with watched(folder, Scripted(SECRET), text=text) as (assistant, exporter):
        assistant.ask(QUESTION)
        assistant.ask("Who is the mayor of Reykjavik?")
        with pytest.raises(RuntimeError):
            failing(assistant)
    told = "".join(span.to_json() for span in exporter.get_finished_spans()).lower()
    found = [word for word in (*WORDS, "reykjavik") if word in told]
    assert found == ([*WORDS, "reykjavik"] if text else [])
    if text:
        (root, *_) = by_name(exporter.get_finished_spans())["invoke_workflow citewise"]
        asked = json.loads(attributes(root)["gen_ai.input.messages"])
        assert asked == [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]
        assert SECRET in attributes(root)["gen_ai.output.messages"]


def failing(assistant: Assistant) -> None:
    """A fault in the middle whose message quotes what was asked."""

    class Failing(Scripted):
        def yes_log_odds(self, prompt: object) -> float | None:
            raise RuntimeError(f"cannot read {QUESTION} {SECRET}")

    assistant._models._generator = Failing()
    assistant.ask(QUESTION)


def test_a_fault_is_told_by_its_type_alone(folder: Path) -> None:
    with watched(folder, Scripted(SECRET)) as (assistant, exporter), pytest.raises(RuntimeError):
        assistant.ask("Who?")
        failing(assistant)
    spans = by_name(exporter.get_finished_spans())
    failed = spans["invoke_workflow citewise"][-1]
    assert attributes(failed)["error.type"] == "RuntimeError"
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, None)
    assert failed.events == ()
    assert attributes(spans["chat scripted"][-1])["error.type"] == "RuntimeError"


def test_a_reader_who_leaves_ends_the_trace(folder: Path) -> None:
    generator = Scripted(SECRET)
    with watched(folder, generator) as (assistant, exporter):
        events = assistant.stream(QUESTION)
        for told in events:
            if isinstance(told, TextEvent):
                break
        events.close()  # type: ignore[attr-defined]
        assert generator.closed == 1, "the model was stopped"
    (root,) = by_name(exporter.get_finished_spans())["invoke_workflow citewise"]
    assert attributes(root)["citewise.cancelled"] is True
    assert root.status.status_code is StatusCode.UNSET


# --- over the network ----------------------------------------------------------------------------


class Receiver:
    """A small OTLP/HTTP receiver; keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                receiver.bodies.append((self.path, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Receiver:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_what_is_sent_is_a_trace_without_a_word_of_anybodys(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        monkeypatch.setenv("CITEWISE_TRACES", receiver.url)
        with assistant_of(folder, Scripted(SECRET)) as assistant:
            assert assistant.ask(QUESTION).status is Status.ANSWERED
        provider = exporting(receiver.url).span_processor  # type: ignore[attr-defined]
        provider.force_flush(10_000)
        provider.shutdown()
    assert {path for path, _ in receiver.bodies} == {"/v1/traces"}
    body = b"".join(body for _, body in receiver.bodies)
    spans = [
        span
        for _, sent in receiver.bodies
        for resource in ExportTraceServiceRequest.FromString(sent).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert {span.name for span in spans} >= {"invoke_workflow citewise", "retrieval", "check"}
    assert len({span.trace_id for span in spans}) == 1
    assert b"citewise" in body
    low = body.lower()
    assert [word for word in WORDS if word.encode() in low] == []


def test_a_receiver_that_is_not_there_keeps_no_question_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        pass
    monkeypatch.setenv("CITEWISE_TRACES", receiver.url + "/my/path")
    with assistant_of(folder, Scripted(SECRET)) as assistant:
        answer = assistant.ask(QUESTION)
    assert answer.status is Status.ANSWERED
    assert answer.timings["total"] < 5
    exporting(receiver.url + "/my/path").span_processor.shutdown()  # type: ignore[attr-defined]


# --- off, and wrong settings ---------------------------------------------------------------------


def test_by_default_nothing_is_watched(folder: Path) -> None:
    with assistant_of(folder, Scripted(SECRET)) as assistant:
        with assistant._tracing.question("?", 3) as watch:
            assert watch is UNWATCHED
        assert tracing_of(ServeSettings()) is assistant._tracing


@pytest.mark.parametrize("address", ["collector:4318", "grpc://collector:4317", "http://", "yes"])
def test_an_address_that_cannot_be_one_is_told(address: str) -> None:
    with pytest.raises(InputError, match=re.escape("no address of an OTLP/HTTP receiver")):
        tracing_of(ServeSettings(traces=address))


def test_without_the_packages_the_setting_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(InputError, match=re.escape('pip install "citewise[serve]"')):
        tracing_of(ServeSettings(traces="http://127.0.0.1:9/other"))
