"""The simulation against the running chat: one process, a model of fixed speed, several rates.

    python evals/scale/observe.py [--rates 60 120 170 240] [--seconds 60] [--tokens-a-second 21]

The chat runs as its users run it, in a process of its own, over a small corpus, with a real server
that speaks the OpenAI API and writes so many words a second (``tests/fake_llm.py``). Questions come
at random (Poisson) at each rate, whether or not earlier ones are answered; before and after, one
question after another is asked, from which come the service times. The same is simulated, many
times for as many seconds, so that what differs can be told from chance. Into ``observed.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from load_chat import _PEOPLE, replying, write_corpus
from machine import described, quantiles
from queueing import Outcome, Service, simulated
from service_times import Times, drawn

from fake_llm import FakeLLM

OUT = Path(__file__).with_name("observed.json")
_PEOPLE_ASKED = 60
_ALONE = 20
_RUNS = 60
"""Simulated runs, for the spread of what one run of this length shows."""
_PORT = 7991
_SERVICE = Service(slots=64, speed=64.0, store_servers=64)
"""The chat's defaults; the model of fixed speed, and waiting, hold up nobody."""

Pair: TypeAlias = tuple[float, float]
"""Seconds to evidence and to the answer."""


@contextmanager
def chat(address: str) -> Iterator[tuple[str, int]]:
    """The chat's address and process; it ends with the block."""
    with tempfile.TemporaryDirectory() as place:
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        write_corpus(corpus, _PEOPLE_ASKED)
        changed = {"CITEWISE_LLM": f"{address}#fake", "CITEWISE_ASKS_A_MINUTE": "0"}
        environment = {**os.environ, **changed, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "citewise.cli", "chat", "--no-browser"]
        command += ["--port", str(_PORT), "--corpus", str(corpus)]
        command += ["--index", str(Path(place) / "index")]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            try:
                found = re.search(r"http://\S+", server.stdout.readline())
                assert found is not None, "the chat did not start"
                yield found[0], server.pid
            finally:
                server.send_signal(signal.SIGINT)


async def ask(http: httpx.AsyncClient, out: Outcome) -> tuple[float, float] | None:
    """Seconds to evidence and to the answer; None if refused. Both are noted too."""
    began, evidence = time.perf_counter(), 0.0
    name = random.choice(_PEOPLE[:_PEOPLE_ASKED])
    question = {"question": f"What is the number of {name} for the locker?"}
    out.asked += 1
    async with http.stream("POST", "/api/ask", json=question) as response:
        if response.status_code != 200:
            out.refused += response.status_code == 503
            out.failed += response.status_code != 503
            return None
        async for line in response.aiter_lines():
            kind = json.loads(line)["type"]
            if kind == "evidence":
                evidence = time.perf_counter() - began
                out.evidence.append(evidence)
            elif kind == "answer":
                out.answers.append(time.perf_counter() - began)
                return evidence, out.answers[-1]
    out.failed += 1
    return None


async def alone(http: httpx.AsyncClient) -> list[Pair]:
    """One question after another."""
    found = [await ask(http, Outcome()) for _ in range(_ALONE)]
    return [pair for pair in found if pair is not None]


async def at_random(http: httpx.AsyncClient, a_minute: float, seconds: float) -> Outcome:
    """Questions at random times, all of which are waited for."""
    out, tasks, until = Outcome(), [], time.monotonic() + seconds
    while (pause := random.expovariate(a_minute / 60)) + time.monotonic() < until:
        await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(ask(http, out)))
    await asyncio.gather(*tasks)
    return out


def model_seconds(llm: FakeLLM, before: int, tokens_a_second: float) -> tuple[float, float]:
    """What the model takes for one question, as it was told to: to judge, and to write."""
    asked = llm.requests[before:]
    judged = sum(request.json.get("max_tokens") == 1 for request in asked)
    reply = replying(1e9)
    written = [r for r in asked if r.json.get("max_tokens") != 1]
    words = sum(len(re.findall(r"\s*\S+", reply(request).text)) for request in written)
    questions = max(1, len(written))
    return judged / questions / tokens_a_second, words / questions / tokens_a_second


def predicted(pairs: list[Pair], judge: float, write: float, work: float) -> Times:
    """Service times from questions asked one after another.

    Of what a question takes outside the model, ``work`` seconds hold the process's processor; the
    rest is waiting (for other work on the machine, the network, a late wake-up of the model's
    server), which holds up nobody else.
    """
    split = []
    for evidence, answer in pairs:
        after = max(0.0, answer - evidence - judge - write)
        before_share = evidence / (evidence + after)
        early, late = work * before_share, work * (1 - before_share)
        split.append((early, max(0.0, evidence - early), late, max(0.0, after - late)))

    search, waits, check, lags = (
        drawn(quantiles([1e3 * one[part] for one in split])) for part in range(4)
    )
    return Times(search, waits, lambda chance: (judge, 0.0, write + lags(chance)), check)


def compared(a_minute: float, seen: Outcome, times: Times, seconds: float) -> dict[str, Any]:
    """Observed, predicted over a long time, and the range of nine in ten runs of this length."""
    came = 60 * seen.asked / seconds
    whole = simulated(_SERVICE, times, came, 20_000)
    runs = [simulated(_SERVICE, times, came, seconds / 0.9, seed) for seed in range(_RUNS)]
    row: dict[str, Any] = {
        "a_minute": a_minute,
        "asked": seen.asked,
        "refused": {
            "observed": round(seen.refused / max(1, seen.asked), 4),
            "predicted": round(whole.refused / whole.asked, 4),
        },
        "failed": seen.failed,
        "load_average": [round(load, 1) for load in os.getloadavg()],
    }
    for name in ("evidence", "answers"):
        for percent in (50, 95):
            spread = sorted(run.at(getattr(run, name), percent) for run in runs)
            found, expected = (o.at(getattr(o, name), percent) for o in (seen, whole))
            row[f"{name}_p{percent}"] = {
                "observed": round(found, 3),
                "predicted": round(expected, 3),
                "range": [round(spread[_RUNS // 20], 3), round(spread[-1 - _RUNS // 20], 3)],
                "ratio": round(found / expected, 2),
            }
    return row


async def observed(
    args: argparse.Namespace, address: str, process: int, llm: FakeLLM
) -> dict[str, Any]:
    """Everything, against a chat that runs."""
    limits = httpx.Limits(max_connections=500, keepalive_expiry=2.0)
    async with httpx.AsyncClient(
        base_url=address, timeout=120.0, limits=limits, trust_env=False
    ) as http:
        for _ in range(5):
            await ask(http, Outcome())
        rows = []
        for rate in args.rates:
            # Before and after, since other work on the machine comes and goes.
            first, spent = len(llm.requests), processor_seconds(process)
            pairs = await alone(http)
            judge, write = model_seconds(llm, first, args.tokens_a_second)
            work = (processor_seconds(process) - spent) / len(pairs)
            seen = await at_random(http, rate, args.seconds)
            pairs += await alone(http)
            times = predicted(pairs, judge, write, work)
            rows.append(compared(rate, seen, times, args.seconds))
            rows[-1]["alone"] = _told(pairs, judge, write, work)
            print(json.dumps(rows[-1]), flush=True)
    return {
        "machine": described(),
        "service": asdict(_SERVICE),
        "tokens_a_second": args.tokens_a_second,
        "seconds": args.seconds,
        "rows": rows,
    }


def processor_seconds(process: int) -> float:
    """Of all threads of the chat so far."""
    stat = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _told(pairs: list[Pair], judge: float, write: float, work: float) -> dict[str, Any]:
    return {
        "questions": len(pairs),
        "evidence_ms": quantiles([1e3 * pair[0] for pair in pairs]),
        "answer_ms": quantiles([1e3 * pair[1] for pair in pairs]),
        "processor_s": round(work, 3),
        "model_judges_s": round(judge, 3),
        "model_writes_s": round(write, 3),
    }


def main() -> None:
    """Run, simulate, print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rates", nargs="+", type=float, default=[60, 120, 170, 240])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tokens-a-second", type=float, default=21.0)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    random.seed(5)
    with FakeLLM(replying(args.tokens_a_second)) as llm, chat(llm.url) as (address, process):
        found = asyncio.run(observed(args, address, process, llm))
    args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
