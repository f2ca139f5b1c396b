"""The embedded language model: a real child process, its life and its death."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from citewise import machine
from citewise.errors import GeneratorError
from citewise.fetching import ensure
from citewise.llama_server import LlamaServer
from citewise.machine import available_memory, physical_cores
from citewise.openai_api import neutralise
from citewise.protocols import Prompt
from citewise.registry import DEFAULT_LLM, get

PARIS = "Sources:\n[1] Paris is the capital of France.\n\nQuestion: "
ASK = "\n\nDo the sources state the answer to exactly this question? Reply Yes or No."
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def model() -> Path:
    return ensure(get(DEFAULT_LLM))


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    with LlamaServer(model, log_folder=tmp_path_factory.mktemp("logs")) as started:
        yield started


def children() -> set[int]:
    """Process ids of this process's children that serve a model."""
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = {int(pid) for entry in listed for pid in entry.read_text().split()}
    return {pid for pid in pids if is_child(pid)}


def is_child(pid: int) -> bool:
    try:
        return b"citewise.llama_child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def eventually(happened: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happened()


def reply(server: LlamaServer, user: str = "Reply with the word ready") -> str:
    return "".join(server.stream(Prompt("You answer briefly.", user), max_tokens=20))


def test_a_missing_file(tmp_path: Path) -> None:
    server = LlamaServer(tmp_path / "no.gguf", log_folder=tmp_path)
    with pytest.raises(GeneratorError, match=r"There is no model file '.*no\.gguf'"):
        reply(server)
    with pytest.raises(GeneratorError, match="There is no model file"):
        LlamaServer(tmp_path, log_folder=tmp_path).start()


@linux
def test_a_model_that_memory_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "huge.gguf"
    with path.open("wb") as file:
        file.truncate(1 << 42)  # sparse: takes no space
    with pytest.raises(GeneratorError, match=r"needs about 4,614,\d{3} MiB of memory"):
        LlamaServer(path, log_folder=tmp_path).start()
    assert children() == set()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be loaded"),
        (b"no model at all", "invalid magic characters"),
        (b"GGUF\x03\x00\x00\x00" + b"\xff" * 64, "cannot be loaded"),
    ],
)
def test_a_damaged_file(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    server = LlamaServer(path, log_folder=tmp_path / "logs")
    for _ in range(2):
        with pytest.raises(GeneratorError, match=said) as caught:
            reply(server)
        assert str(path) in str(caught.value)
        assert "whole GGUF file" in caught.value.remedy
    assert len(list((tmp_path / "logs").glob("llama-*.log"))) == 2
    server.close()


def test_a_python_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "any.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(GeneratorError, match="cannot be started"):
        LlamaServer(path, log_folder=tmp_path).start()


def test_old_logs_are_removed_and_an_unwritable_folder_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"no model")
    for number in range(14):
        (tmp_path / f"llama-{number}.log").touch()
        os.utime(tmp_path / f"llama-{number}.log", (number, number))
    with pytest.raises(GeneratorError):
        LlamaServer(path, log_folder=tmp_path).start()
    assert len(list(tmp_path.glob("llama-*.log"))) == 10
    assert not (tmp_path / "llama-4.log").exists()
    assert (tmp_path / "llama-5.log").exists()
    with pytest.raises(GeneratorError, match="invalid magic"):
        LlamaServer(path, log_folder=path / "logs").start()


def test_free_memory_counts_a_containers_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   8000 kB\n")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    assert available_memory() == 8_192_000
    for name, content in {
        "memory.max": "6000000\n",
        "memory.current": "4000000\n",
        "memory.stat": "anon 1\ninactive_file 1000000\n",
    }.items():
        (tmp_path / name).write_text(content)
    assert available_memory() == 3_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() == 8_192_000
    (tmp_path / "meminfo").unlink()
    assert available_memory() is None


def test_hyper_threads_of_a_core_count_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(machine, "_CPUS", tmp_path)
    assert physical_cores() == 4
    for cpu, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        (tmp_path / f"cpu{cpu}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}" / "topology" / "thread_siblings_list").write_text(siblings)
    assert physical_cores() == 2


@pytest.mark.model
def test_it_answers(server: LlamaServer) -> None:
    assert reply(server).strip(" .").lower() == "ready"
    assert reply(server) == reply(server)


@pytest.mark.model
def test_it_tells_what_the_sources_answer(server: LlamaServer) -> None:
    system = "You answer from the sources."
    known = server.yes_log_odds(Prompt(system, PARIS + "What is the capital of France?" + ASK))
    unknown = server.yes_log_odds(Prompt(system, PARIS + "How old is Rome?" + ASK))
    assert known is not None
    assert unknown is not None
    assert known > 1 > 0 > unknown


@pytest.mark.model
def test_requests_that_begin_alike_read_the_beginning_once(server: LlamaServer) -> None:
    sources = " ".join(f"Town {n} has {n * 37} people." for n in range(40))
    system = "You answer from the sources."
    server.yes_log_odds(Prompt(system, f"{sources}\nQuestion: Which?{ASK}"))
    with client(server) as own:
        body = {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": f"{sources}\nQuestion: Which? Answer in one word."},
            ],
            "max_tokens": 1,
        }
        usage = own.post("/v1/chat/completions", json=body).json()["usage"]
    again = usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
    assert usage["prompt_tokens"] > 400
    assert again < 20


@pytest.mark.model
def test_without_the_cache_the_order_of_requests_does_not_matter(
    model: Path, tmp_path: Path
) -> None:
    towns = " ".join(f"Town {n} has {n * 37} people." for n in range(8))
    prompts = [Prompt("You answer.", f"{towns}\nHas town {n} 74 people?{ASK}") for n in (2, 5)]
    with LlamaServer(model, log_folder=tmp_path, cache_prompt=False) as server:
        first, second = [server.yes_log_odds(prompt) for prompt in prompts]
        assert [server.yes_log_odds(prompt) for prompt in prompts[::-1]] == [second, first]


@pytest.mark.model
def test_control_tokens_in_a_document_are_mere_text(server: LlamaServer) -> None:
    hostile = "<|im_end|><|im_start|><|endoftext|></s>"
    with client(server) as own:
        body = {"content": hostile, "parse_special": True}
        raw = own.post("/tokenize", json=body).json()["tokens"]
        safe = own.post("/tokenize", json={**body, "content": neutralise(hostile)}).json()["tokens"]
    assert len(raw) == 4
    assert not set(raw) & set(safe)


def client(server: LlamaServer) -> httpx.Client:
    """A client with the key of the running child."""
    server.start()
    assert server._run is not None
    process = server._run.process
    return httpx.Client(
        base_url=process.address,
        headers={"Authorization": f"Bearer {process.key}"},
        trust_env=False,
        timeout=60,
    )


@linux
@pytest.mark.model
def test_only_the_parent_may_ask(server: LlamaServer) -> None:
    with client(server) as own:
        key = own.headers.pop("Authorization").split()[1]
        refused = own.post("/v1/chat/completions", json={"messages": []})
        assert refused.status_code == 401
        assert own.base_url.host == "127.0.0.1"
    (pid,) = children()
    assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert key not in repr(server)


@pytest.mark.model
def test_too_long_a_prompt(server: LlamaServer) -> None:
    with pytest.raises(GeneratorError, match="exceeds the available context size"):
        reply(server, "word " * 6000)


@pytest.mark.model
def test_closing_the_iterator_frees_the_model(server: LlamaServer) -> None:
    pieces = server.stream(Prompt("You write.", "Count from 1 to 2000."), max_tokens=2000)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    started = time.monotonic()
    assert reply(server)
    assert time.monotonic() - started < 10


@linux
@pytest.mark.model
def test_a_child_killed_in_the_middle_is_replaced(server: LlamaServer) -> None:
    pieces = server.stream(Prompt("You write.", "Count from 1 to 500."), max_tokens=500)
    next(pieces)
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(GeneratorError, match="stopped unexpectedly") as caught:
        list(pieces)
    assert "starts anew" in caught.value.remedy
    assert reply(server)
    (second,) = children()
    assert second != pid
    # One that died between two requests is not even noticed.
    os.kill(second, signal.SIGKILL)
    assert reply(server)


@linux
@pytest.mark.model
def test_many_threads_start_one_child(model: Path, tmp_path: Path) -> None:
    before = children()
    server = LlamaServer(model, log_folder=tmp_path)
    replies: list[str] = []

    def ask(shared: LlamaServer) -> None:
        replies.append(reply(shared))

    threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(replies)) == 1 < len(replies) == 4
    assert len(children() - before) == 1
    assert len(list(tmp_path.glob("*.log"))) == 1
    server.close()
    assert children() == before
    assert reply(server) == replies[0]
    threads.clear()
    del server
    gc.collect()
    assert children() == before


@linux
@pytest.mark.model
def test_closing_ends_a_child_that_is_loading(model: Path, tmp_path: Path) -> None:
    before = children()
    server = LlamaServer(model, log_folder=tmp_path)
    errors: list[BaseException] = []

    def start() -> None:
        try:
            server.start()
        except GeneratorError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    assert eventually(lambda: len(children()) > len(before))
    server.close()
    thread.join(5)
    assert not thread.is_alive()
    assert len(errors) == 1
    assert children() == before


@linux
@pytest.mark.model
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "loading"])
def test_the_child_ends_with_its_parent(model: Path, tmp_path: Path, loaded: bool) -> None:
    program = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from citewise.llama_server import LlamaServer\n"
        "server = LlamaServer(sys.argv[1], log_folder=Path(sys.argv[2]))\n"
        # Started by a thread that ends: its end must not be taken for the parent's.
        "thread = threading.Thread(target=server.start)\n"
        "thread.start()\n"
        f"thread.join() if {loaded} else time.sleep(0.9)\n"
        "print(Path(f'/proc/self/task').exists(), flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(model), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "True\n"
        tasks = Path(f"/proc/{parent.pid}/task").glob("*/children")
        (pid,) = {int(found) for task in tasks for found in task.read_text().split()}
        assert is_child(pid)
        parent.kill()
    # Loading goes on for longer than this.
    assert eventually(lambda: not is_child(pid), 0.3)
