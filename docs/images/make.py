"""Makes the README's pictures from the seed document and the default model's recorded replies.

    python docs/images/make.py [--out docs/images]

Needs Chromium and Playwright. A question without recorded replies is put to the model.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from citewise import Assistant
from citewise.generators import make_generator
from citewise.replycache import CachedGenerator
from citewise.ui import SEED_QUESTIONS, build_app
from citewise.ui.options import Options

ROOT = Path(__file__).parents[2]
ANSWERED = "Which danger is the most pressing one right now?"
COMPARED = "Who scores higher on MMLU, GPT-4 or Llama 3 405B?"
NOT_FOUND = "What MMLU score did GPT-5 achieve?"
WIDE = {"viewport": {"width": 1360, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "has_touch": True}
REPORT = {"viewport": {"width": 1100, "height": 800}}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
COLOURS = 256
"""A palette keeps a picture of a page under 200 KB."""


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out: Path = parser.parse_args().out
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with served(Path(scratch)) as url:
            answer(browser, url, out / "chat-answer.png")
            answer(browser, url, out / "chat-dark.png", color_scheme="dark")
            not_found(browser, url, out / "chat-not-found.png")
            phone(browser, url, out / "chat-phone.png")
        report(browser, Path(scratch), out / "eval-report.png")
        browser.close()


@contextlib.contextmanager
def served(scratch: Path) -> Iterator[str]:
    """The chat over the seed document; what is asked anew is not kept."""
    shutil.copytree(ROOT / "evals" / "replies", scratch / "replies")
    model = CachedGenerator(make_generator("local"), scratch / "replies")
    with Assistant(ROOT / "seeds", scratch / "index", llm=model) as assistant:
        assistant.warm()
        listener = socket.create_server(("127.0.0.1", 0))
        options = Options(scratch / "visitors", questions=scratch / "questions.jsonl")
        app = build_app(assistant, examples=SEED_QUESTIONS, visitors=options)
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
        app.state.extras.close()
        model.close()


def asked(browser: Any, url: str, question: str, **context: Any) -> Any:
    """A page on which the question was asked and answered."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(300_000)
    page.goto(url)
    page.wait_for_selector("#cw-host #cw-question")
    page.fill("#cw-question", question)
    page.press("#cw-question", "Enter")
    page.wait_for_selector('.cw-last[data-state="done"]')
    page.set_default_timeout(30_000)
    page.wait_for_timeout(2500)
    return page


def answer(browser: Any, url: str, path: Path, **context: Any) -> None:
    """An answer with its citation open, and the sentence that was removed."""
    page = asked(browser, url, ANSWERED, **WIDE, **context)
    page.locator(".cw-prose .cw-cite").first.click()
    page.locator(".cw-dropped summary").click()
    page.wait_for_selector("#cw-source mark")
    page.mouse.move(1, 1)
    shoot(page, path)


def not_found(browser: Any, url: str, path: Path) -> None:
    """A question that the document does not answer."""
    shoot(asked(browser, url, NOT_FOUND, **WIDE), path)


def phone(browser: Any, url: str, path: Path) -> None:
    """An answer, and beside it the source that a tap opens."""
    page = asked(browser, url, COMPARED, **PHONE)
    left, right = path.with_suffix(".left.png"), path.with_suffix(".right.png")
    page.screenshot(path=left)
    page.locator(".cw-prose .cw-cite").first.tap()
    page.wait_for_selector("#cw-source mark")
    page.wait_for_timeout(500)
    page.screenshot(path=right)
    with Image.open(left) as one, Image.open(right) as two:
        both = Image.new("RGB", (one.width + two.width + 40, one.height), "white")
        both.paste(one, (0, 0))
        both.paste(two, (one.width + 40, 0))
        small(both.resize((both.width * 3 // 4, both.height * 3 // 4)), path)
    left.unlink()
    right.unlink()


def report(browser: Any, scratch: Path, path: Path) -> None:
    """The HTML report of the gate's questions."""
    html = scratch / "report.html"
    command = [sys.executable, "-m", "citewise.cli", "eval", "evals/questions.jsonl", "--tag"]
    command += ["gate", "--gate", "evals/gate.toml", "--baseline", "evals/baseline.json"]
    command += ["--show", "none", "--cache", str(scratch / "replies"), "--html", str(html)]
    subprocess.run(
        command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    page = browser.new_context(**REPORT).new_page()
    page.goto(html.as_uri())
    page.wait_for_timeout(500)
    shoot(page, path)


def shoot(page: Any, path: Path) -> None:
    page.wait_for_timeout(600)
    page.screenshot(path=path)
    with Image.open(path) as taken:
        taken.load()
    small(taken, path)


def small(picture: Image.Image, path: Path) -> None:
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
