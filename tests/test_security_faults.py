"""Bad days: what a user meets when a model, an endpoint, a disk or a clock lets them down."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise import Answer, Assistant, Status, machine
from citewise.openai_api import Limits, OpenAIGenerator
from citewise.types import AnswerEvent, EvidenceEvent
from doubles import HashEmbedder
from fake_llm import FakeLLM, Reply
from scripted import Scripted

KELP = "The Tidewater plant processes 48,000 tonnes of kelp a year."
QUESTION = "How much kelp does the Tidewater plant process a year?"
YES = Reply("Yes", logprobs={"Yes": -0.01, "No": -5.0})


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "report.txt").write_text(f"{KELP}\n", encoding="utf-8")
    return folder


def make(corpus: Path, llm: object) -> Assistant:
    return Assistant(corpus, corpus.parent / "index", llm=llm, embedder=HashEmbedder(), quiet=True)


def quoted(answer: Answer) -> bool:
    return answer.status is Status.QUOTED and answer.citations[0].quote == KELP


@pytest.fixture
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(YES) as server:
        yield server


def test_an_endpoint_that_hangs_costs_its_silence_and_no_more(corpus: Path, llm: FakeLLM) -> None:
    llm.script = [YES, Reply("The Tidewater", ending="hang")]
    model = OpenAIGenerator(llm.url, "fake", limits=Limits(silence=0.3))
    began = time.monotonic()
    with make(corpus, model) as assistant:
        answer = assistant.ask(QUESTION)
    assert time.monotonic() - began < 20
    assert quoted(answer)
    assert "fell silent before its reply was whole" in answer.notices[0]


def test_a_model_that_dies_in_the_middle_leaves_passages_and_answers_again(
    corpus: Path, llm: FakeLLM
) -> None:
    llm.script = [YES, Reply("The Tidewater plant processes", ending="broken"), YES, Reply(KELP)]
    with make(corpus, OpenAIGenerator(llm.url, "fake")) as assistant:
        first, second = assistant.ask(QUESTION), assistant.ask(QUESTION)
    assert quoted(first)
    assert "broke off in the middle" in first.notices[0]
    assert second.status is Status.ANSWERED
    assert second.notices == ()


def test_a_damaged_model_file_is_named_and_passages_are_quoted(corpus: Path) -> None:
    damaged = corpus.parent / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + os.urandom(4096))
    with make(corpus, str(damaged)) as assistant:
        answer = assistant.ask(QUESTION)
    assert quoted(answer)
    assert "damaged.gguf cannot be loaded" in answer.notices[0]
    assert "Check that it is a whole GGUF file" in answer.notices[0]


def test_too_little_memory_is_told_before_the_model_is_loaded(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemAvailable:     409600 kB\n", encoding="ascii")
    monkeypatch.setattr(machine, "_MEMINFO", meminfo)
    model = tmp_path / "model.gguf"
    with model.open("wb") as file:
        file.truncate(1_117_320_768)  # sparse: the size of the default model and none of its bytes
    began = time.monotonic()
    with make(corpus, str(model)) as assistant:
        answer = assistant.ask(QUESTION)
    assert time.monotonic() - began < 20
    assert quoted(answer)
    assert "needs about 1,872 MiB of memory and 400 MiB are free" in answer.notices[0]


def test_an_index_deleted_under_a_running_assistant_is_told_or_made_anew(corpus: Path) -> None:
    with make(corpus, Scripted(KELP)) as assistant:
        assert assistant.ask(QUESTION).status is Status.ANSWERED
        shutil.rmtree(corpus.parent / "index")
        answer = assistant.ask(QUESTION)
        assert answer.citations[0].quote == KELP
        assert assistant.document("report.txt").text[: len(KELP)] == KELP
    with make(corpus, Scripted(KELP)) as assistant:
        assert assistant.ask(QUESTION).status is Status.ANSWERED


@pytest.mark.parametrize("jump", [-3 * 365 * 86400, 3 * 365 * 86400])
def test_a_clock_that_jumps_changes_no_answer(
    corpus: Path, jump: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    with make(corpus, Scripted(KELP)) as assistant:
        events = assistant.stream(QUESTION)
        assert isinstance(next(events), EvidenceEvent)
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        (*_, last) = events
        assert isinstance(last, AnswerEvent)
        assert last.answer.status is Status.ANSWERED
        assert all(0 <= seconds < 60 for seconds in last.answer.timings.values())
        (corpus / "report.txt").write_text(KELP.replace("48", "51") + "\n", encoding="utf-8")
        os.utime(corpus / "report.txt", (now() + jump, now() + jump))
        assistant.update()
        assert "51,000" in assistant.search(QUESTION)[0].text


def test_files_from_the_future_and_from_before_all_clocks_are_read(corpus: Path) -> None:
    for name, when in (("old.txt", 0), ("future.txt", 4_102_444_800)):
        (corpus / name).write_text(f"The file {name} speaks of kelp.\n", encoding="utf-8")
        os.utime(corpus / name, (when, when))
    with make(corpus, "none") as assistant:
        assert [d.name for d in assistant.documents()] == ["future.txt", "old.txt", "report.txt"]


def test_a_reader_that_goes_away_ends_the_model(corpus: Path, llm: FakeLLM) -> None:
    llm.script = [YES, Reply("The Tidewater plant", ending="endless", pause=0.01)]
    with make(corpus, OpenAIGenerator(llm.url, "fake")) as assistant:
        events = assistant.stream(QUESTION)
        for _ in range(4):
            next(events)
        events.close()  # type: ignore[attr-defined]
        assert llm.cancelled.wait(10)
        assert threading.active_count() < 50
