"""Two app processes over one PostgreSQL, many people, and one process killed in the middle.

    python evals/load_two.py [--clients 50] [--seconds 120] [--tokens-a-second 21]

Real ``citewise chat`` processes behind a proxy that gives each connection to the next of them, a
model of fixed speed, and a PostgreSQL server of its own in a temporary folder. First one person
asks alone, then all of them, coming within 20 s; half-way one process is killed, and whoever is
broken off asks again after 1 to 3 s. Every fifth person brings a document
of their own. Printed: what was wrong or lost (nothing should be), and how long evidence took,
against the one who was alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from citewise import Assistant
from fake_llm import FakeLLM
from stores import PostgresServer
from two_processes import (
    App,
    Proxy,
    Seen,
    ask_all,
    percentile,
    proxied,
    replying,
    state_elsewhere,
    write_corpus,
)

_ALONE = 45.0
"""Seconds for which one person asks alone."""
_RAMP = 20.0
"""Seconds within which the others come, about as long as an answer takes then."""


def main() -> int:
    """Print what was seen; 1 if something was wrong or lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--tokens-a-second", type=float, default=21.0)
    parser.add_argument(
        "--documents",
        choices=("store", "folder"),
        default="store",
        help="where documents are: in PostgreSQL too, or in one folder that both processes read",
    )
    args = parser.parse_args()
    server = PostgresServer()
    try:
        with tempfile.TemporaryDirectory() as place, FakeLLM(replying(args.tokens_a_second)) as llm:
            corpus = Path(place) / "corpus"
            corpus.mkdir()
            write_corpus(corpus, 100)
            return _measured(args, _started(args, server.new_database(), corpus, llm.url))
    finally:
        server.stop()


def _started(args: argparse.Namespace, address: str, corpus: Path, llm: str) -> list[App]:
    options, prelude = ["--corpus", str(corpus)], ""
    settings = {
        "CITEWISE_LLM": f"{llm}#fake",
        "CITEWISE_ASKS_A_MINUTE": "0",
        "CITEWISE_JUDGE": "fast",
        # Enough for all at the one process that is left: nobody is refused, all wait in line.
        "CITEWISE_AT_ONCE": str(args.clients + 10),
    }
    if args.documents == "folder":
        options += ["--index", str(corpus.parent / "index")]
        prelude = state_elsewhere(address)
    else:
        settings["CITEWISE_STORE"] = address
        with Assistant(corpus, store=address, llm="none", quiet=True) as assistant:
            assistant.update()
    apps: list[App] = []
    try:
        for _ in range(2):
            apps.append(App(options, prelude, **settings))
            apps[-1].warm()
    except BaseException:
        for app in apps:
            app.stop()
        raise
    return apps


def _measured(args: argparse.Namespace, apps: list[App]) -> int:
    alone, crowd = Seen(), Seen()
    load = os.getloadavg()[0]
    try:
        proxy, killed = asyncio.run(_asked(args, apps, alone, crowd))
    finally:
        for app in apps:
            app.stop()
    after = os.getloadavg()[0]
    print(f"machine: {os.cpu_count()} cores, load {load:.1f} before and {after:.1f} after")
    _report(args, alone, crowd, killed)
    print(f"connections by process: {sorted(proxy.passed.values())}")
    return int(bool(alone.wrong or alone.lost or crowd.wrong or crowd.lost))


async def _asked(
    args: argparse.Namespace, apps: list[App], alone: Seen, crowd: Seen
) -> tuple[Proxy, float]:
    async with proxied([app.port for app in apps]) as (proxy, url):
        await ask_all(url, 1, _ALONE, alone, brings=0)
        asking = asyncio.create_task(ask_all(url, args.clients, args.seconds, crowd, ramp=_RAMP))
        await asyncio.sleep(args.seconds / 2)
        killed = time.monotonic()
        apps[0].kill()
        await asking
    return proxy, killed


def _report(args: argparse.Namespace, alone: Seen, crowd: Seen, killed: float) -> None:
    one = [seconds for _, seconds in alone.evidence]
    both = [seconds for began, seconds in crowd.evidence if began + seconds < killed]
    soon = [seconds for began, seconds in crowd.evidence if 0 < began - killed <= _RAMP / 2]
    rest = [seconds for began, seconds in crowd.evidence if began - killed > _RAMP / 2]
    all_of_it = [seconds for _, seconds in crowd.evidence]
    base = percentile(one, 0.95)
    print(f"1 person alone: evidence {_times(one)}")
    for what, times in (
        ("two processes", both),
        ("10 s after one was killed", soon),
        ("the one that is left, then", rest),
        ("all the time", all_of_it),
    ):
        ratio = percentile(times, 0.95) / base
        print(f"{args.clients} people, {what}: evidence {_times(times)}; p95 {ratio:.1f} x alone")
    print("p95 of evidence, ms, in steps of 10 s from the kill:", _steps(crowd.evidence, killed))
    late = Counter(what for when, what in crowd.broken if when > killed + 5)
    print(
        f"broken off more than 5 s after the kill, or before it: {dict(late)},"
        f" {sum(when < killed for when, _ in crowd.broken)}"
    )
    for kind, count in sorted(crowd.kinds.items()):
        print(f"  {kind}: {count}")
    print(
        f"answers: {len(crowd.answers)}, {_times(crowd.answers)}; tried again {crowd.retried} times"
    )
    print(f"told another's or no number: {len(crowd.wrong)}; lost: {len(crowd.lost)}")
    print(f"kept at the end: {crowd.kept}")
    for fault in [*crowd.wrong[:5], *crowd.lost[:5]]:
        print(f"  {fault}")


def _steps(evidence: list[tuple[float, float]], killed: float) -> str:
    steps: defaultdict[int, list[float]] = defaultdict(list)
    for began, seconds in evidence:
        steps[int((began - killed) // 10)].append(seconds)
    return ", ".join(
        f"{10 * step:+d}: {percentile(times, 0.95) * 1000:.0f}"
        for step, times in sorted(steps.items())
    )


def _times(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    return (
        f"p50 {percentile(seconds, 0.5) * 1000:.0f} ms, p95 {percentile(seconds, 0.95) * 1000:.0f}"
        f" ms, n {len(seconds)}"
    )


if __name__ == "__main__":
    sys.exit(main())
