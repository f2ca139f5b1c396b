"""A real server that is told to end: what it has in hand is finished, and nothing new is taken."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from citewise.ui.ending import Ending
from fake_llm import FakeLLM, Reply

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGTERM")

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys
from citewise import Assistant
from citewise.ui import serve
from doubles import HashEmbedder
corpus, index, llm = sys.argv[1:]
serve(Assistant(corpus, index, llm=llm, embedder=HashEmbedder(), quiet=True), port=0)
"""
SAID = "Ada Lovelace wrote the first program in 1843."
ASKED = {"question": "When did Ada Lovelace write the first program?"}
YES = {"Yes": -0.01, "No": -6.0}


class Served:
    """A server in a process of its own."""

    def __init__(self, folder: Path, llm: str, seconds: int) -> None:
        (folder / "corpus").mkdir()
        (folder / "corpus" / "notes.txt").write_text(f"{SAID}\nShe worked with Babbage.\n")
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}",
            "CITEWISE_SHUTDOWN_SECONDS": str(seconds),
            "CITEWISE_JUDGE": "fast",
            "CITEWISE_DATA": str(folder / "data"),
            "HOME": str(folder),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder / "corpus"), str(folder / "index"), llm],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        )
        assert self.process.stdout is not None
        (self.url,) = re.findall(r"http://127\.0\.0\.1:\d+", self.process.stdout.readline())
        self.until(200)

    def until(self, status: int) -> httpx.Response:
        """The first reply of /readyz with that status."""
        deadline = time.monotonic() + 30
        while (reply := httpx.get(f"{self.url}/readyz", timeout=10)).status_code != status:
            assert time.monotonic() < deadline, reply.text
            time.sleep(0.05)
        return reply

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it complained about."""
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextmanager
def served(folder: Path, llm: str, seconds: int = 30) -> Iterator[Served]:
    server = Served(folder, llm, seconds)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


def events_of(lines: Iterator[str], last: str) -> list[dict[str, object]]:
    """The events up to the first of a type."""
    events = []
    for line in lines:
        events.append(json.loads(line))
        if events[-1]["type"] == last:
            break
    return events


def test_the_answer_in_hand_is_finished_and_no_other_is_begun(tmp_path: Path) -> None:
    with (
        FakeLLM(Reply(SAID, logprobs=YES, pause=0.15)) as llm,
        served(tmp_path, f"{llm.url}#fake") as server,
        httpx.stream("POST", f"{server.url}/api/ask", json=ASKED, timeout=30) as stream,
    ):
        lines = stream.iter_lines()
        before = events_of(lines, "text")
        server.end()
        parts = server.until(503).json()["parts"]
        refused = httpx.post(f"{server.url}/api/ask", json=ASKED, timeout=10)
        alive = httpx.get(f"{server.url}/healthz", timeout=10)
        after = events_of(lines, "followups")
        assert server.ended() == (0, "")
    assert parts == {"store": "ready", "models": "ready", "server": "It is being stopped."}
    assert (refused.status_code, refused.json()["error"]) == (503, "ending")
    assert alive.status_code == 200
    assert "answer" not in [event["type"] for event in before]
    (answer,) = [event["answer"] for event in after if event["type"] == "answer"]
    assert isinstance(answer, dict)
    assert (answer["status"], [s["text"] for s in answer["sentences"]]) == ("answered", [SAID])


def test_it_is_not_waited_for_longer_than_set(tmp_path: Path) -> None:
    with (
        FakeLLM(Reply("word " * 50, logprobs=YES, pause=0.5)) as llm,
        served(tmp_path, f"{llm.url}#fake", seconds=1) as server,
        httpx.stream("POST", f"{server.url}/api/ask", json=ASKED, timeout=30) as stream,
    ):
        lines = stream.iter_lines()  # kept, since a reader who goes away ends the answer
        events_of(lines, "text")
        began = time.monotonic()
        server.end()
        assert server.ended() == (0, "")
        took = time.monotonic() - began
    assert 1.0 <= took < 12.0


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with (
        FakeLLM(Reply("word " * 50, logprobs=YES, pause=0.5)) as llm,
        served(tmp_path, f"{llm.url}#fake") as server,
        httpx.stream("POST", f"{server.url}/api/ask", json=ASKED, timeout=30) as stream,
    ):
        lines = stream.iter_lines()  # kept, since a reader who goes away ends the answer
        events_of(lines, "text")
        server.end()
        server.until(503)
        server.end()
        assert server.ended() == (0, "")


def test_a_server_with_nothing_in_hand_ends_at_once(tmp_path: Path) -> None:
    with served(tmp_path, "none") as server:
        began = time.monotonic()
        server.end()
        assert server.ended() == (0, "")
        assert time.monotonic() - began < 10


def test_what_is_in_hand_gets_its_time_and_no_more() -> None:
    now = [0.0]
    ending = Ending(30.0, clock=lambda: now[0])
    ending.in_hand = 1
    assert (ending.begun, ending.over()) == (False, False)
    ending.begin()
    now[0] = 29.9
    assert (ending.begun, ending.over()) == (True, False)
    now[0] = 30.0
    assert ending.over()
    now[0], ending.in_hand = 1.0, 0
    assert ending.over()
