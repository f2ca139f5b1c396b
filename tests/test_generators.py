"""Which generator a setting stands for, and the adapter for LlamaIndex's models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from pydantic import Field

from citewise.errors import CitewiseError, GeneratorError, InputError
from citewise.generator_pool import GeneratorPool
from citewise.generators import make_generator
from citewise.llama_server import LlamaServer
from citewise.llamaindex_llm import LlamaIndexGenerator
from citewise.openai_api import OpenAIGenerator
from citewise.protocols import Prompt
from fake_llm import FakeLLM

PROMPT = Prompt("The rules.", "The question with <|im_end|>?")
KEY = "sk-very-secret-0123456789"


class AuthenticationError(Exception):
    """As hosted APIs name theirs."""


class Scripted(CustomLLM):
    """A LlamaIndex LLM that streams ``pieces``, then raises ``fault`` if there is one."""

    pieces: tuple[str, ...] = ("Paris", " is", " in", " France.")
    chat_model: bool = False
    deltas: bool = True
    fault: Any = None
    api_key: str = KEY
    seen: list[Any] = Field(default_factory=list)
    closed: list[bool] = Field(default_factory=list)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted", is_chat_model=self.chat_model)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text="".join(self.pieces))

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        self.seen.append(prompt)
        return (CompletionResponse(text=text, delta=delta) for text, delta in self._script())

    @llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> ChatResponseGen:
        self.seen.append([(message.role, message.content) for message in messages])
        return (
            ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=delta)
            for text, delta in self._script()
        )

    def _script(self) -> Iterator[tuple[str, str | None]]:
        text = ""
        try:
            for piece in self.pieces:
                text += piece
                yield text, piece if self.deltas else None
            if self.fault is not None:
                raise self.fault
        finally:
            self.closed.append(True)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CITEWISE_API_KEY", raising=False)


@pytest.mark.parametrize("setting", [None, "none", " None "])
def test_no_model(setting: str | None) -> None:
    assert make_generator(setting) is None


@pytest.mark.parametrize("ending", ["#qwen3:8b", "?model=qwen3:8b", "#qwen3%3A8b"])
def test_an_endpoint_with_a_model(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeLLM("yes indeed") as llm:
        monkeypatch.setenv("CITEWISE_API_KEY", f" {KEY}\n")
        generator = make_generator(llm.url + ending)
        assert isinstance(generator, GeneratorPool)
        assert generator.name == "qwen3:8b"
        assert list(generator.stream(PROMPT, max_tokens=5)) == ["yes", " indeed"]
        (request,) = llm.requests
        assert request.path == "/v1/chat/completions"
        assert request.json["model"] == "qwen3:8b"
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(generator)
        generator.close()


def test_an_endpoint_without_a_model_offers_its_first() -> None:
    with FakeLLM(models=("first", "second")) as llm:
        generator = make_generator(llm.url)
        assert isinstance(generator, GeneratorPool)
        assert generator.name == "first"
        assert llm.requests[0].path == "/v1/models"
        generator.close()
        llm.models = ()
        with pytest.raises(GeneratorError, match="offers no model"):
            make_generator(llm.url)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("gpt-9", "'gpt-9', which names no model"),
        ("all-minilm-l6-v2", "names no model"),
        ("ftp://host/v1#m", "names no model"),
        ("http://[half/v1#m", "not valid"),
        ("http://host/v1?key=hidden#m", "a query other than"),
        ("http://me:hidden@host/v1#m", "holds a user name"),
        ("missing.gguf", "There is no model file 'missing.gguf'"),
        (42, "of type int"),
        (object(), "of type object"),
    ],
)
def test_settings_that_name_nothing(setting: Any, said: str) -> None:
    with pytest.raises(InputError, match="model") as caught:
        make_generator(setting)
    assert said in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_the_error_lists_what_is_possible() -> None:
    with pytest.raises(InputError) as caught:
        make_generator("gpt-9")
    for possible in ("local", "none", "qwen2.5-coder-0.5b-instruct", ".gguf", "http://", "LLM"):
        assert possible in caught.value.remedy


def test_a_model_file(tmp_path: Path) -> None:
    path = tmp_path / "tiny.GGUF"
    path.write_bytes(b"GGUF")
    generator = make_generator(str(path))
    assert isinstance(generator, LlamaServer)
    assert generator.name == "tiny"


@pytest.mark.parametrize("setting", ["", "local", "Qwen2.5-Coder-1.5B-Instruct"])
def test_a_registered_model_is_looked_up(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITEWISE_OFFLINE", "1")
    monkeypatch.setenv("CITEWISE_CACHE", str(tmp_path))
    monkeypatch.delenv("CITEWISE_MODELS", raising=False)
    with pytest.raises(CitewiseError, match=r"qwen2\.5-coder-1\.5b-instruct"):
        make_generator(setting)


def test_a_generator_is_itself() -> None:
    generator = OpenAIGenerator("http://host/v1", "m")
    assert make_generator(generator) is generator
    generator.close()


@pytest.mark.parametrize("chat_model", [False, True])
@pytest.mark.parametrize("deltas", [False, True])
def test_a_llamaindex_llm(chat_model: bool, deltas: bool) -> None:
    llm = Scripted(chat_model=chat_model, deltas=deltas)
    generator = make_generator(llm)
    assert isinstance(generator, LlamaIndexGenerator)
    assert generator.name == "scripted"
    assert list(generator.stream(PROMPT, max_tokens=50)) == list(llm.pieces)
    assert generator.yes_log_odds(PROMPT) is None
    question = "The question with < |im_end|>?"
    assert llm.seen == [
        [(MessageRole.SYSTEM, "The rules."), (MessageRole.USER, question)]
        if chat_model
        else f"The rules.\n\n{question}"
    ]
    assert KEY not in repr(generator)


def test_a_llamaindex_reply_is_cut() -> None:
    llm = Scripted(pieces=("word ",) * 100)
    assert len(list(LlamaIndexGenerator(llm).stream(PROMPT, max_tokens=7))) == 7
    llm = Scripted(pieces=("x" * 100,) * 10)
    assert len(list(LlamaIndexGenerator(llm).stream(PROMPT, max_tokens=20))) == 3
    assert llm.closed == [True]


def test_closing_reaches_the_llamaindex_llm() -> None:
    llm = Scripted()
    pieces = LlamaIndexGenerator(llm).stream(PROMPT, max_tokens=50)
    next(pieces)
    assert llm.closed == []
    pieces.close()  # type: ignore[attr-defined]
    assert llm.closed == [True]


@pytest.mark.parametrize(
    ("pieces", "fault", "said"),
    [
        (
            ["half"],
            RuntimeError(f"out of memory with {KEY}"),
            "RuntimeError: out of memory with ***",
        ),
        (["half"], AuthenticationError("key sk-v***789"), "AuthenticationError. Check"),
        ([], NotImplementedError(), "NotImplementedError. Check"),
        ([""], None, "empty reply"),
        ([" ", "\n"], None, "empty reply"),
    ],
)
def test_a_llamaindex_llm_that_fails(pieces: list[str], fault: Exception | None, said: str) -> None:
    generator = LlamaIndexGenerator(Scripted(pieces=tuple(pieces), fault=fault))
    with pytest.raises(GeneratorError) as caught:
        list(generator.stream(PROMPT, max_tokens=50))
    assert said in str(caught.value)
    assert KEY not in str(caught.value)
