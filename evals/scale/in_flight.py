"""What many requests in flight cost the process that made them, each waited for by a thread.

The server, in a process of its own, answers nobody before all have asked; so all are in flight.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from citewise.generator_pool import GeneratorPool
from citewise.llm_addresses import Address
from citewise.openai_api import Limits
from citewise.protocols import Prompt

__all__ = ["in_flight"]

_EVENTS = (
    b'data: {"choices": [{"delta": {"content": "ready"}}]}\n\n'
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
    + str(len(_EVENTS)).encode()
    + b"\r\n\r\n"
)


async def serve(wanted: int) -> None:
    """Answer once so many wait at once."""
    waiting, all_here = 0, asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        waiting += 1
        if waiting >= wanted:
            all_here.set()
        await all_here.wait()
        writer.write(_HEAD + _EVENTS)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=wanted)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def in_flight(count: int) -> dict[str, Any]:
    """Memory and processor time a request, with ``count`` of them in flight at one address."""
    command = [sys.executable, __file__, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            return _measured(f"http://127.0.0.1:{port}/v1", count)
        finally:
            server.kill()


def _measured(address: str, count: int) -> dict[str, Any]:
    pool = GeneratorPool([Address(address, "m")], Limits(at_once=count, silence=300.0))
    replies: list[str] = []

    def ask(number: int) -> None:
        replies.append("".join(pool.stream(Prompt("", f"{number}"), max_tokens=9)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    before, spent, most = _resident(), time.process_time(), 0.0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, _resident())
        time.sleep(0.005)
    spent = time.process_time() - spent
    pool.close()
    assert replies == ["ready"] * count
    return {
        "requests": count,
        "kb_a_request": round((most - before) / count, 1),
        "cpu_ms_a_request": round(1e3 * spent / count, 2),
    }


def _resident() -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS")).split()[1])


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
