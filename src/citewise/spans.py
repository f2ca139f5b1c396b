"""The stages of a question as OpenTelemetry spans, by the GenAI semantic conventions.

Conventions of ``open-telemetry/semantic-conventions-genai`` v0.1.0, whose names are constants here:
they are no longer kept in the package ``opentelemetry-semantic-conventions``. A span never holds a
word of a question, an answer or a document unless ``trace_text`` is set: no exception's message
either, only its type.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator as Generator_
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from citewise.errors import InputError
from citewise.protocols import Generator, Prompt
from citewise.tracing import Tracing, Watch
from citewise.types import Answer, Verdict

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer

__all__ = ["Spans", "exporting", "tracer_with"]

_SPANS = {"retrieve": "retrieval", "read": "read", "verify": "check", "compose": "compose"}
"""The spans of stages; drafting and asking the model have those of its requests."""
_SECONDS_TO_SEND = 5


def tracer_with(processor: SpanProcessor) -> Tracer:
    """A tracer of our own, so that nothing is changed for whoever else traces in this process."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from citewise import __version__

    about = Resource.create({"service.name": "citewise", "service.version": __version__})
    provider = TracerProvider(resource=about)
    provider.add_span_processor(processor)
    return provider.get_tracer("citewise", __version__)


@lru_cache(maxsize=4)
def exporting(address: str) -> Tracer:
    """A tracer that sends its spans by OTLP over HTTP, in batches, from a thread of its own.

    What cannot be sent is given up after some seconds; no question waits for it.

    Raises:
        InputError: this is no address, or the packages are not installed.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            "The setting traces is no address of an OTLP/HTTP receiver.",
            "Give one such as http://127.0.0.1:4318.",
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise InputError(
            f"The setting traces needs a package that is not installed: {error.name}.",
            'Install it with pip install "citewise[serve]", or set no traces.',
        ) from None
    path = parts.path if parts.path.strip("/") else "/v1/traces"
    endpoint = parts._replace(path=path).geturl()
    return tracer_with(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=_SECONDS_TO_SEND))
    )


class Spans(Tracing):
    """Makes one trace of each question.

    Args:
        tracer: makes the spans.
        text: whether they may hold questions, answers and quotes.
    """

    def __init__(self, tracer: Tracer, *, text: bool) -> None:
        self._tracer = tracer
        self._text = text

    @contextmanager
    def question(self, question: str, top_k: int) -> Iterator[Watch]:
        """See ``Tracing``."""
        watch = _Question(self._tracer, question, top_k, text=self._text)
        try:
            yield watch
        except BaseException as error:
            watch.failed(error)
            raise
        finally:
            watch.end()


class _Question:
    """The spans of one question; none of them is made the current one, since the question's
    events are handed out in the middle of its stages."""

    def __init__(self, tracer: Tracer, question: str, top_k: int, *, text: bool) -> None:
        self.tracer, self.text = tracer, text
        self._asked, self._top_k = question, top_k
        self._now: Span | None = None
        self._root = tracer.start_span(
            "invoke_workflow citewise",
            attributes={
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.agent.name": "citewise",
            },
        )
        if text:
            self._root.set_attribute("gen_ai.input.messages", messages("user", question))

    def begin(self, name: str, kind: str, attributes: dict[str, Any]) -> Span:
        """A span under the question's."""
        from opentelemetry import trace

        return self.tracer.start_span(
            name,
            context=trace.set_span_in_context(self._root),
            kind=trace.SpanKind[kind],
            attributes=attributes,
        )

    def stage(self, name: str) -> AbstractContextManager[None]:
        """See ``Watch``."""
        return self._stage(_SPANS[name]) if name in _SPANS else nullcontext()

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        attributes: dict[str, Any] = {}
        if name == "retrieval":
            attributes = {"gen_ai.operation.name": name, "gen_ai.retrieval.top_k": self._top_k}
            if self.text:
                attributes["gen_ai.retrieval.query.text"] = self._asked
        span = self._now = self.begin(name, "INTERNAL", attributes)
        try:
            yield
        except BaseException as error:
            note_failure(span, error)
            raise
        finally:
            self._now = None
            span.end()

    def verdict(self, verdict: Verdict) -> None:
        """See ``Watch``."""
        if self._now is not None:
            self._now.set_attributes(
                {
                    "gen_ai.evaluation.name": "support",
                    "gen_ai.evaluation.score.label": verdict.label.value,
                    "gen_ai.evaluation.score.value": verdict.score,
                }
            )
            if self.text:
                self._now.set_attribute("gen_ai.evaluation.explanation", verdict.reason)

    def generator(self, generator: Generator) -> Generator:
        """See ``Watch``."""
        return _Watched(generator, self)

    def answered(self, answer: Answer) -> None:
        """See ``Watch``."""
        self._root.set_attributes(
            {
                "citewise.status": answer.status.value,
                "citewise.evidence": len(answer.evidence),
                "citewise.sentences.shown": len(answer.sentences),
                "citewise.sentences.held_back": len(answer.dropped),
                "citewise.citations": len(answer.citations),
                "citewise.citations.dropped": int(answer.explanation["dropped_citations"] or 0),
            }
        )
        if self.text:
            self._root.set_attribute("gen_ai.output.messages", messages("assistant", answer.text))
        self.end()

    def failed(self, error: BaseException) -> None:
        """It ended without an answer."""
        if self._root.is_recording():
            note_failure(self._root, error)

    def end(self) -> None:
        """The question is over; harmless if called twice."""
        if self._root.is_recording():
            self._root.end()


class _Watched:
    """A language model each of whose requests is a span."""

    def __init__(self, generator: Generator, question: _Question) -> None:
        self._generator = generator
        self._question = question
        self.name = generator.name

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Generator_[str, None, int | None]:
        """See ``Generator.stream``."""
        more = {"gen_ai.request.stream": True, "gen_ai.request.max_tokens": max_tokens}
        with self._request(prompt, more) as span:
            said: list[str] = []
            tokens = yield from _noted(
                self._generator.stream(prompt, max_tokens=max_tokens), said, span
            )
            if tokens is not None:
                span.set_attribute("gen_ai.usage.input_tokens", tokens)
            if self._question.text:
                told = messages("assistant", "".join(said))
                span.set_attribute("gen_ai.output.messages", told)
        return tokens

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """See ``Generator.yes_log_odds``."""
        with self._request(prompt, {"gen_ai.request.max_tokens": 1}):
            return self._generator.yes_log_odds(prompt)

    @contextmanager
    def _request(self, prompt: Prompt, more: dict[str, Any]) -> Iterator[Span]:
        attributes = {
            "gen_ai.operation.name": "chat",
            # The kind of interface, as the conventions want it where no more is known.
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": self.name,
            **more,
        }
        if self._question.text:
            attributes["gen_ai.system_instructions"] = json.dumps([_part(prompt.system)])
            attributes["gen_ai.input.messages"] = messages("user", prompt.user)
        span = self._question.begin(f"chat {self.name}", "CLIENT", attributes)
        try:
            yield span
        except BaseException as error:
            note_failure(span, error)
            raise
        finally:
            span.end()


def _noted(pieces: Iterator[str], said: list[str], span: Span) -> Generator_[str, None, int | None]:
    """The pieces, put into ``said`` as well; the seconds until the first go into the span."""
    began = time.perf_counter()
    try:
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                return end.value if isinstance(end.value, int) else None
            if not said:
                waited = time.perf_counter() - began
                span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
            said.append(piece)
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def note_failure(span: Span, error: BaseException) -> None:
    """Mark a span as failed; that a reader went away is no failure."""
    from opentelemetry.trace import StatusCode

    if isinstance(error, GeneratorExit):
        span.set_attribute("citewise.cancelled", True)
        return
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)


def messages(role: str, text: str) -> str:
    """One message in the form that the conventions give to messages."""
    return json.dumps([{"role": role, "parts": [_part(text)]}], ensure_ascii=False)


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "content": text}
