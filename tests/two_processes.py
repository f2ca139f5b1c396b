"""Several app processes over one database, a proxy before them, and people who ask through it.

Each person has a secret in the documents that everybody may ask, and some bring a document of
their own with another one. Whoever is broken off asks again, as a browser's user would; what a
person was ever told must be found again at the end, whatever process was killed meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "evals"))

from load_chat import _PEOPLE, replying, secret_of, write_corpus

__all__ = [
    "App",
    "Proxy",
    "Seen",
    "ask_all",
    "percentile",
    "proxied",
    "replying",
    "state_elsewhere",
    "write_corpus",
]

OURS = {"X-Citewise": "1"}
_PATIENCE = 90.0
"""Seconds in which somebody who is refused or broken off asks again, until that counts as lost."""


class App:
    """``citewise chat`` in a process of its own, on a free port of 127.0.0.1."""

    def __init__(self, options: Sequence[str], prelude: str = "", **settings: str) -> None:
        run = f"{prelude}\nimport sys\nfrom citewise.cli import main\nsys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", run, "chat", "--no-browser", "--port", "0", *options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **settings}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://[^\s/]+:(\d+)", self.process.stdout.readline())
        assert found is not None, "the chat did not start"
        self.port = int(found[1])

    def warm(self, question: str = "What is the number of Ivy Fernson for the locker?") -> None:
        """Ask something, so that models and index are at hand; what is answered is forgotten."""
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", timeout=300.0, trust_env=False
        ) as http:
            told = http.post("/api/ask", json={"question": question}).text
            assert '"type": "answer"' in told, told
            http.delete("/api/mine", headers=OURS)

    def kill(self) -> None:
        """End it as a machine that loses its power does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Proxy:
    """Passes each connection to the next of several ports; one that refuses is passed over.

    ``passed`` counts connections by port.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = list(ports)
        self.passed: Counter[int] = Counter()
        self._next = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        there, first = None, self._next
        self._next += 1
        for offset in range(len(self.ports)):
            port = self.ports[(first + offset) % len(self.ports)]
            with contextlib.suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", port)
                self.passed[port] += 1
                break
        if there is not None:
            sending = asyncio.create_task(_pump(reader, there[1]))
            receiving = asyncio.create_task(_pump(there[0], writer))
            await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
            await _ended(there[1])
            await _ended(writer)
            await asyncio.gather(sending, receiving)
        await _ended(writer)

    async def end(self) -> None:
        """Wait until the connections that there are have ended."""
        await asyncio.gather(*self._tasks)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _ended(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def proxied(ports: Sequence[int]) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before these ports, and its address."""
    proxy = Proxy(ports)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, f"http://127.0.0.1:{port}"
    finally:
        server.close()
        await proxy.end()
        await server.wait_closed()


@dataclass(slots=True)
class Seen:
    """What people saw: counts by kind, ``(moment, seconds until evidence)``, and faults."""

    kinds: Counter[str] = field(default_factory=Counter)
    evidence: list[tuple[float, float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    retried: int = 0
    broken: list[tuple[float, str]] = field(default_factory=list)
    """When something was broken off, and what."""
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    kept: int = 0


@dataclass(slots=True)
class Person:
    """Somebody with a browser of their own."""

    number: int
    http: httpx.AsyncClient
    brings: bool
    told: dict[str, int] = field(default_factory=dict)
    """The thumb that was given to each answer, by its id."""

    @property
    def name(self) -> str:
        return _PEOPLE[self.number % len(_PEOPLE)]

    @property
    def safe(self) -> int:
        """The secret in their own document, of six digits."""
        return 100_000 + secret_of(self.number)


async def ask_all(
    address: str, people: int, seconds: float, seen: Seen, *, brings: int = 5, ramp: float = 1.0
) -> list[Person]:
    """Let people ask for that long, every ``brings``-th about a document of their own, too.

    They come one after another within the first ``ramp`` seconds.
    """
    async with contextlib.AsyncExitStack() as held:
        crowd = []
        for number in range(people):
            # A connection for each request, so that each goes to the next process.
            http = httpx.AsyncClient(
                base_url=address,
                timeout=httpx.Timeout(60.0),
                limits=httpx.Limits(max_keepalive_connections=0),
                trust_env=False,
            )
            await held.enter_async_context(http)
            crowd.append(Person(number, http, bool(brings) and number % brings == 0))
        until = time.monotonic() + seconds
        coming = ramp / people
        await asyncio.gather(*(_asks(one, seen, until, coming * one.number) for one in crowd))
        await asyncio.gather(*(_finds_again(person, seen) for person in crowd))
    return crowd


async def _asks(person: Person, seen: Seen, until: float, after: float) -> None:
    await asyncio.sleep(after)
    await _persist(person, seen, "a cookie", lambda: person.http.get("/api/mine"))
    if person.brings:
        text = f"The number of {person.name} Junior for the safe is {person.safe}.\n"
        await _persist(
            person,
            seen,
            "a document",
            lambda: person.http.post(
                "/api/uploads", params={"name": "own.txt"}, content=text, headers=OURS
            ),
        )
    turn = 0
    while time.monotonic() < until:
        own = person.brings and turn % 3 == 2
        await _persist(person, seen, "an answer", lambda own=own: _ask(person, seen, own))
        turn += 1
        await asyncio.sleep(0.1)


async def _persist(person: Person, seen: Seen, what: str, act: Any) -> Any:
    """Do something until it is done; what is refused or broken off is tried again."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            done = await act()
            status = done.status_code if isinstance(done, httpx.Response) else 200
            if status < 300 or status == 409:  # it had arrived, and the reply had not
                return done
            seen.kinds[f"{status} for {what}"] += 1
            wait = float(done.headers.get("retry-after", 0.5))
        except (httpx.HTTPError, ValueError) as error:
            seen.kinds[f"broken off: {type(error).__name__}"] += 1
            seen.broken.append((time.monotonic(), what))
            wait = 1.0  # until they have noticed
        seen.retried += 1
        await asyncio.sleep(wait * (1 + person.number % 10 / 5))
    seen.lost.append(f"{person.name} never got {what}")
    return None


async def _ask(person: Person, seen: Seen, own: bool) -> Any:
    of = f"{person.name} Junior for the safe" if own else f"{person.name} for the locker"
    began, answer = time.monotonic(), None
    question = {"question": f"What is the number of {of}?"}
    async with person.http.stream("POST", "/api/ask", json=question) as response:
        if response.status_code != 200:
            await response.aread()
            return response
        async for line in response.aiter_lines():
            event = json.loads(line)
            if event["type"] == "evidence":
                seen.evidence.append((began, time.monotonic() - began))
            elif event["type"] == "answer":
                answer = event
                seen.answers.append(time.monotonic() - began)
            elif event["type"] == "error":
                raise ValueError(event["message"])
    if answer is None:
        raise ValueError("the stream ended without an answer")
    person.told[answer["id"]] = 0
    _judge(person, answer["answer"], own, seen)
    if len(person.told) % 4 == 1:
        await _rate(person, seen, answer["id"])
    return None


async def _rate(person: Person, seen: Seen, key: str) -> None:
    """A thumb for an answer that another process may have given."""
    thumb = {"thumb": "up", "reason": person.name}
    if await _persist(
        person,
        seen,
        "a thumb",
        lambda: person.http.put(f"/api/answers/{key}/thumb", json=thumb, headers=OURS),
    ):
        person.told[key] = 1


def _judge(person: Person, answer: dict[str, Any], own: bool, seen: Seen) -> None:
    seen.kinds[answer["status"]] += 1
    asked = str(person.safe if own else secret_of(person.number))
    theirs = {str(secret_of(person.number))} | ({str(person.safe)} if person.brings else set())
    numbers = set(re.findall(r"\b\d{5,6}\b", answer["text"]))
    if numbers - theirs:
        seen.wrong.append(f"{person.name} was told another's: {answer['text'][:200]}")
    elif answer["status"] == "answered" and asked not in numbers and not own:
        seen.wrong.append(f"{person.name} got no number: {answer['text'][:200]}")
    elif asked in numbers:
        seen.kinds["their own document's number" if own else "the right number"] += 1


async def _finds_again(person: Person, seen: Seen) -> None:
    """Whatever they were told, and the thumbs they gave, are still there."""
    if not person.told:
        seen.lost.append(f"{person.name} was never answered")
        return
    found = await _persist(
        person, seen, "what was kept", lambda: person.http.get("/api/export.json")
    )
    if found is None:
        return
    kept = {answer["id"]: answer["thumb"] for answer in found.json()["answers"]}
    for key, thumb in person.told.items():
        if kept.get(key) != thumb:
            seen.lost.append(f"{person.name}: {key} is kept as {kept.get(key)}, not as {thumb}")
    seen.kept += len(kept)


def state_elsewhere(address: str) -> str:
    """Python that lets a chat keep its state at an address, wherever its documents are."""
    return f"import citewise.ui.state\ncitewise.ui.state.shared_address = lambda _: {address!r}\n"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
