"""Many people ask the running chat at once; what comes of each question is checked.

    python evals/load_chat.py [--clients 100] [--seconds 120] [--tokens-a-second 21]

The chat runs as its users run it, in a process of its own, with the real search over a corpus in
which each person has a secret of their own, and a model of fixed speed that answers from the
sources it is given. Every client asks for its own secret, reads the whole reply, and asks again;
one that is refused waits as long as it is told, and up to twice that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fake_llm import FakeLLM, Reply, Request

_NAMES = ["Amber", "Birch", "Cedar", "Dahlia", "Elder", "Fern", "Gorse", "Hazel", "Ivy", "Juniper"]
_PEOPLE = [f"{first} {last}son" for first in _NAMES for last in _NAMES]
_YES = {"Yes": -0.01, "No": -5.0}


def secret_of(number: int) -> int:
    """A number of five digits, another for each person."""
    return 10_000 + 7_919 * number % 90_000


def write_corpus(folder: Path, clients: int) -> None:
    """One small document per person."""
    for number in range(clients):
        name = _PEOPLE[number % len(_PEOPLE)]
        (folder / f"person-{number:03d}.txt").write_text(
            f"{name} keeps the locker {number + 1} in the east hall.\n\n"
            f"The number of {name} for the locker is {secret_of(number)}.\n",
            encoding="utf-8",
        )


def replying(tokens_a_second: float) -> Any:
    """A model that says the source's own words about whoever the question names."""

    def reply(request: Request) -> Reply:
        if request.json.get("max_tokens") == 1:
            time.sleep(1 / tokens_a_second)
            return Reply("Yes", logprobs=_YES)
        asked = re.search(r"Question: What is the number of (.+?) for", request.user)
        wanted = f"The number of {asked[1]} for" if asked else "?"
        said = next((line for line in request.user.split("\n") if wanted in line), "I do not know.")
        return Reply(re.sub(r"^\[\d+\] ", "", said), pause=1 / tokens_a_second)

    return reply


@dataclass(slots=True)
class Seen:
    """What the clients saw."""

    kinds: Counter[str] = field(default_factory=Counter)
    evidence: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    longest_line: int = 0
    memory: list[int] = field(default_factory=list)


async def client(number: int, http: httpx.AsyncClient, seen: Seen, until: float) -> None:
    """Ask for one person's secret, again and again."""
    await asyncio.sleep(random.random() * 2)
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            wait = await _ask(number, http, seen, began)
        except (httpx.HTTPError, ValueError) as error:
            seen.kinds[f"broken: {type(error).__name__}"] += 1
            wait = 1.0
        await asyncio.sleep(wait)


async def _ask(number: int, http: httpx.AsyncClient, seen: Seen, began: float) -> float:
    name = _PEOPLE[number % len(_PEOPLE)]
    question = {"question": f"What is the number of {name} for the locker?"}
    async with http.stream("POST", "/api/ask", json=question) as response:
        if response.status_code != 200:
            body = json.loads(await response.aread())
            seen.kinds[f"{response.status_code} {body['error']}"] += 1
            seen.refusals.append(time.monotonic() - began)
            return float(response.headers["retry-after"]) * (1 + random.random())
        ahead = 10_000
        async for line in response.aiter_lines():
            event = json.loads(line)
            if event["type"] == "evidence":
                seen.evidence.append(time.monotonic() - began)
            elif event["type"] == "queue":
                if event["ahead"] > ahead:
                    seen.wrong.append(f"{name}: {ahead} before, then {event['ahead']}")
                ahead = event["ahead"]
                seen.longest_line = max(seen.longest_line, ahead)
            elif event["type"] == "answer":
                _judge(number, event["answer"], seen)
                seen.answers.append(time.monotonic() - began)
            elif event["type"] == "error":
                seen.kinds[f"error: {event['message'][:60]}"] += 1
    return 0.1


def _judge(number: int, answer: dict[str, Any], seen: Seen) -> None:
    seen.kinds[answer["status"]] += 1
    numbers = set(re.findall(r"\b\d{5}\b", answer["text"]))
    if numbers - {str(secret_of(number))}:
        seen.wrong.append(f"{_PEOPLE[number]}: {answer['text'][:200]}")
    elif answer["status"] == "answered" and not numbers:
        seen.wrong.append(f"{_PEOPLE[number]} got no number: {answer['text'][:200]}")


async def run(address: str, process: int, clients: int, seconds: float) -> Seen:
    """All clients for that long."""
    seen, until = Seen(), time.monotonic() + seconds
    # The server closes idle connections after 5 s; one that is closed while a question is on its
    # way would count as broken, though a browser just asks again.
    limits = httpx.Limits(max_connections=clients + 10, keepalive_expiry=2.0)
    async with httpx.AsyncClient(
        base_url=address, timeout=httpx.Timeout(120.0), limits=limits, trust_env=False
    ) as http:
        asking = [asyncio.create_task(client(n, http, seen, until)) for n in range(clients)]
        while time.monotonic() < until:
            seen.memory.append(_resident(process))
            await asyncio.sleep(2)
        await asyncio.gather(*asking)
    seen.memory.append(_resident(process))
    return seen


def _resident(process: int) -> int:
    fields = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return int(next(line for line in fields if line.startswith("VmRSS")).split()[1]) // 1024


def report(seen: Seen, seconds: float) -> str:
    """What was seen, a line each."""
    memory = seen.memory
    third = len(memory) // 3
    lines = [f"{kind}: {count}" for kind, count in sorted(seen.kinds.items())]
    lines += [
        f"evidence after: {_times(seen.evidence)}",
        f"answer after: {_times(seen.answers)}",
        f"refused after: {_times(seen.refusals)}",
        f"answers a minute: {len(seen.answers) / seconds * 60:.0f}",
        f"longest line told: {seen.longest_line}",
        f"wrong person, wrong place or no number: {len(seen.wrong)}",
        f"memory, MiB: {memory[0]} at the start, {max(memory)} at most, "
        f"{statistics.median(memory[third : 2 * third]):.0f} in the second third, "
        f"{statistics.median(memory[2 * third :]):.0f} in the last",
    ]
    return "\n".join([*lines, *(f"  {fault}" for fault in seen.wrong[:5])])


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    tail = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return (
        f"{statistics.median(ordered):.2f} s at the median, {tail:.2f} s at 95 %, n {len(ordered)}"
    )


def main() -> int:
    """Print what was seen; 1 if something was wrong or the server is gone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--tokens-a-second", type=float, default=21.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, FakeLLM(replying(args.tokens_a_second)) as llm:
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        write_corpus(corpus, args.clients)
        environment = {
            **os.environ,
            "CITEWISE_LLM": f"{llm.url}#fake",
            "CITEWISE_ASKS_A_MINUTE": "0",
            "CITEWISE_JUDGE": "fast",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "citewise.cli", "chat", "--no-browser", "--port", "7990"]
        command += ["--corpus", str(corpus), "--index", str(Path(place) / "index")]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                seen = _against(server, args)
            finally:
                alive = server.poll() is None
                server.send_signal(signal.SIGINT)
    print(report(seen, args.seconds))
    print(f"the server {'lives' if alive else 'is gone'}")
    return int(bool(seen.wrong) or not alive)


def _against(server: subprocess.Popen[str], args: argparse.Namespace) -> Seen:
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found is not None
    with httpx.Client(base_url=found[0], timeout=120.0, trust_env=False) as http:
        http.post("/api/ask", json={"question": "What is the number of Ivy Fernson?"})
    return asyncio.run(run(found[0], server.pid, args.clients, args.seconds))


if __name__ == "__main__":
    sys.exit(main())
