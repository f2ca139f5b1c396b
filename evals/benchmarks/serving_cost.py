"""What serving costs: the start of a chat with metrics off and on, and the check of a quote.

    python evals/benchmarks/serving_cost.py [OTHER_CHECKOUT]

Each kind of start is made five times, in turn, and its CPU seconds and memory are those when
``/healthz`` first answers; CPU seconds, because other work on the machine moves them less. With
another checkout of the project, its start is measured in the same run.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

_RUNS = 5
_START = "from ui_double import Double\nfrom citewise.ui import serve\nserve(Double(), port=18300)"
_ON = {"CITEWISE_METRICS": "local"}
_LINE = "The quick brown fox number {} jumps over the lazy dog.\n"


def started(checkout: Path, settings: dict[str, str]) -> tuple[float, float]:
    """CPU seconds and MiB of a chat whose page can be opened."""
    paths = os.pathsep.join([str(checkout / "src"), str(ROOT / "tests")])
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": paths}
    process = subprocess.Popen(
        [sys.executable, "-c", _START],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment | settings,
    )
    try:
        assert process.stdout is not None
        (address,) = re.findall(r"http://\S+", process.stdout.readline())
        until_alive(f"{address}/healthz")
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{process.pid}/status").read_text()
    finally:
        process.kill()
        process.wait()
    (kib,) = re.findall(r"VmRSS:\s+(\d+)", status)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(kib) / 1024


def until_alive(address: str) -> None:
    """Wait until somebody answers."""
    while not is_alive(address):
        time.sleep(0.05)


def is_alive(address: str) -> bool:
    """Whether somebody answers."""
    try:
        urllib.request.urlopen(address, timeout=5).read()  # noqa: S310 - our own server
    except OSError:
        return False
    return True


def quote_milliseconds(characters: int) -> float:
    """CPU milliseconds to read a document of that length and compare one quote with it."""
    from citewise.index import Index
    from citewise.quoting import Quotes
    from citewise.types import Evidence
    from doubles import HashEmbedder, document, split_lines

    lines = (_LINE.format(i) + ("\n" if i % 8 == 0 else "") for i in range(characters // 52))
    text = "".join(lines)[:characters]
    item = Evidence("a.txt", 0, 30, text[:30], 1.0, 1, 1)
    took = []
    with tempfile.TemporaryDirectory() as folder, Index.open(Path(folder), HashEmbedder()) as index:
        index.update([document("a.txt", text)], split_lines)
        for _ in range(50):
            began = time.process_time()
            assert Quotes(index).stand(item)
            took.append((time.process_time() - began) * 1e3)
    return statistics.median(took)


def main() -> None:
    """Print medians, and all values behind them."""
    kinds = {"all off": (ROOT, {}), "metrics on": (ROOT, _ON)}
    if len(sys.argv) > 1:
        kinds["the other checkout"] = (Path(sys.argv[1]).absolute(), {})
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    for _ in range(_RUNS):
        for name, (checkout, settings) in kinds.items():
            found[name].append(started(checkout, settings))
    for name, runs in found.items():
        seconds, memory = zip(*runs, strict=True)
        print(
            f"{name}: {statistics.median(seconds):.2f} CPU s ({min(seconds):.2f} to "
            f"{max(seconds):.2f}), {statistics.median(memory):.1f} MiB"
        )
    for characters in (10_000, 100_000, 1_000_000):
        print(f"a quote of a document of {characters:,} characters: ", end="")
        print(f"{quote_milliseconds(characters):.2f} CPU ms")


if __name__ == "__main__":
    main()
