"""Replies in an event loop: many in flight at once, closed when they are left."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from citewise.errors import GeneratorError
from citewise.generator_async import pieces
from citewise.generator_pool import GeneratorPool
from citewise.llm_addresses import Address
from citewise.openai_api import Limits
from citewise.protocols import Prompt
from fake_llm import FakeLLM, Reply, Request

MANY = 96


class Meeting:
    """Holds every reply back until all are asked for."""

    def __init__(self, parties: int) -> None:
        self._barrier = threading.Barrier(parties)

    def __call__(self, request: Request) -> Reply:
        self._barrier.wait(60)
        return Reply(f"You asked {request.user} today.")


def pool_of(*servers: FakeLLM, at_once: int = 8) -> GeneratorPool:
    limits = Limits(at_once=at_once, silence=60.0)
    return GeneratorPool([Address(server.url, "fake") for server in servers], limits)


def test_many_replies_are_in_flight_at_once_and_the_loop_goes_on() -> None:
    # The servers answer nobody before all have asked, so that fewer in flight would never end.
    meeting = Meeting(MANY)
    turns = 0

    async def ask(pool: GeneratorPool, number: int) -> str:
        prompt = Prompt("", f"{number}")
        return "".join([piece async for piece in pieces(pool, prompt, max_tokens=9)])

    async def all_ask(pool: GeneratorPool) -> list[str]:
        nonlocal turns
        asking = [asyncio.create_task(ask(pool, number)) for number in range(MANY)]
        while not all(task.done() for task in asking):
            await asyncio.sleep(0.01)
            turns += 1
        return [task.result() for task in asking]

    with FakeLLM(meeting) as first, FakeLLM(meeting) as second:
        pool = pool_of(first, second, at_once=MANY // 2)
        replies = asyncio.run(all_ask(pool))
        assert replies == [f"You asked {number} today." for number in range(MANY)]
        assert [len(server.requests) for server in (first, second)] == [MANY // 2, MANY // 2]
        pool.close()
    assert turns > 3


def test_a_task_that_is_cancelled_closes_its_request() -> None:
    async def cancelled(pool: GeneratorPool) -> None:
        seen = asyncio.Event()

        async def read() -> None:
            async for _ in pieces(pool, Prompt("", "x"), max_tokens=9):
                seen.set()

        reading = asyncio.create_task(read())
        await seen.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with FakeLLM(Reply("on and", ending="endless", pause=0.01)) as llm:
        pool = pool_of(llm, at_once=1)
        asyncio.run(cancelled(pool))
        assert llm.cancelled.wait(10), "the server sees that nobody reads on"
        llm.standing = Reply("Yes.")
        assert "".join(pool.stream(Prompt("", "y"), max_tokens=9)) == "Yes."
        pool.close()


def test_a_failure_reaches_the_reader() -> None:
    async def ask(pool: GeneratorPool) -> list[str]:
        shown = []
        with pytest.raises(GeneratorError, match="broke off"):
            async for piece in pieces(pool, Prompt("", "x"), max_tokens=9):
                shown.append(piece)  # noqa: PERF401 - what came before the error is wanted
        return shown

    with FakeLLM(Reply("half of", ending="broken")) as llm:
        pool = pool_of(llm)
        assert asyncio.run(ask(pool)) == ["half", " of"]
        pool.close()


def test_the_loop_is_not_held_up_by_a_silent_server() -> None:
    async def ask(pool: GeneratorPool) -> float:
        stream = pieces(pool, Prompt("", "x"), max_tokens=9)
        began = time.monotonic()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(stream), 0.3)
        return time.monotonic() - began

    with FakeLLM(Reply("", ending="hang")) as llm:
        pool = pool_of(llm)
        assert asyncio.run(ask(pool)) < 5
