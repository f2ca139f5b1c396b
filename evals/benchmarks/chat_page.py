"""How fast the chat is for who looks at it: first paint, evidence after Enter, and steadiness.

    python evals/benchmarks/chat_page.py [--runs 15]

In a headless Chromium over the real index of the seed document, without a language model unless
``CITEWISE_LLM`` names one: what is measured is there before a model would begin. Beside it stand
the same search without a browser and an empty page of the same server, so that what the page costs
can be told from what the machine costs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import sync_playwright

from citewise import Assistant
from citewise.ui import SEED_QUESTIONS, build_app

ROOT = Path(__file__).parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAINT = "performance.getEntriesByType('paint').find(e => e.name === 'first-contentful-paint')"
ASK = """question => new Promise((done) => {
  const box = document.getElementById("cw-question");
  box.value = question;
  box.focus();
  const turns = document.querySelectorAll(".cw-turn").length;
  const seen = new MutationObserver(() => {
    const cards = document.querySelectorAll(".cw-turn")[turns]?.querySelector(".cw-card");
    if (!cards) return;
    seen.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  });
  seen.observe(document.getElementById("cw-thread"), { childList: true, subtree: true });
  const began = performance.now();
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
})"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with (
        tempfile.TemporaryDirectory() as scratch,
        Assistant(
            ROOT / "seeds",
            Path(scratch) / "index",
            llm=os.environ.get("CITEWISE_LLM", "none"),
            quiet=True,
        ) as assistant,
    ):
        assistant.warm()
        measure(assistant, runs)


def measure(assistant: Assistant, runs: int) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        build_app(assistant, examples=SEED_QUESTIONS),
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    questions = [SEED_QUESTIONS[n % len(SEED_QUESTIONS)] for n in range(runs)]
    try:
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            show("first contentful paint, new browser context", paints(browser, url, runs))
            show("first contentful paint of /healthz", paints(browser, f"{url}/healthz", runs))
            show("evidence on the page after Enter", evidence(browser, url, questions))
            browser.close()
        show("the same search without a browser", searches(assistant, questions))
        show("GET /healthz", requests(f"{url}/healthz", runs))
    finally:
        server.should_exit = True
        thread.join()


def paints(browser: Any, url: str, runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        context = browser.new_context()
        page = context.new_page()
        page.goto(url)
        page.wait_for_function(f"{PAINT} !== undefined")
        times.append(page.evaluate(f"{PAINT}.startTime"))
        context.close()
    return times


def evidence(browser: Any, url: str, questions: list[str]) -> list[float]:
    """From the keystroke to the frame in which the cards stand; the first question warms up."""
    page = browser.new_context().new_page()
    page.goto(url)
    page.wait_for_selector("#cw-host #cw-question")
    times = []
    for question in [questions[0], *questions]:
        times.append(page.evaluate(ASK, question))
        page.wait_for_selector('#cw-send[data-running="false"]', timeout=600_000)
        page.wait_for_timeout(1000)  # for what is offered after the answer
    return times[1:]


def searches(assistant: Assistant, questions: list[str]) -> list[float]:
    times = []
    for question in questions:
        began = time.perf_counter()
        assistant.search(question)
        times.append((time.perf_counter() - began) * 1000)
    return times


def requests(url: str, runs: int) -> list[float]:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - a server of our own
            answer.read()
        times.append((time.perf_counter() - began) * 1000)
    return times


def show(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    ninth = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    print(f"{name:45} median {statistics.median(times):7.0f} ms   p90 {ninth:7.0f} ms", flush=True)


if __name__ == "__main__":
    main()
