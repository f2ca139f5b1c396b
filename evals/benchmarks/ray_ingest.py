"""Ingest on Ray against the local runner, side by side: time, memory, and whether they agree.

    python -m evals.benchmarks.ray_ingest --documents 300

Both runners build an index of the same generated documents with the real embedding model, each in
a process of its own; the memory of every process below it is sampled. Prints ratios as JSON.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

_RUN = """
import sys
from citewise import Assistant
corpus, index, runner = sys.argv[1:]
with Assistant(corpus, index, runner=runner, llm="none", quiet=True) as one:
    done = one.update()
    print(done.passages, done.embedded)
"""
_WORDS = [
    "harbour",
    "berth",
    "ship",
    "crane",
    "quay",
    "tide",
    "pilot",
    "cargo",
    "winch",
    "lock",
    "sluice",
]


def write_corpus(folder: Path, documents: int, seed: int = 5) -> None:
    """Markdown of a few paragraphs each, no two alike."""
    generator = np.random.default_rng(seed)
    for number in range(documents):
        lines = [f"# Report {number}"]
        for _ in range(6):
            sentences = [
                " ".join(generator.choice(_WORDS, generator.integers(6, 20))) + f" {number}."
                for _ in range(4)
            ]
            lines.append(" ".join(sentence.capitalize() for sentence in sentences))
        (folder / f"{number:05}.md").write_text("\n\n".join(lines), encoding="utf-8")


class Memory(threading.Thread):
    """Samples the proportional memory (PSS) of a process and all below it, in MiB, by role."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peaks: dict[str, float] = defaultdict(float)
        self.ended = threading.Event()

    def run(self) -> None:
        """Until ``ended``."""
        while not self.ended.wait(0.5):
            now: dict[str, float] = defaultdict(float)
            for pid, role in self._processes():
                size = _pss(pid)
                now["all"] += size
                self.peaks[role] = max(self.peaks[role], size)
            self.peaks["all"] = max(self.peaks["all"], now["all"])

    def _processes(self) -> list[tuple[int, str]]:
        parents = {int(p.name): _parent(p) for p in Path("/proc").iterdir() if p.name.isdigit()}
        below = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in below} - below:
            below |= more
        return [(pid, "driver" if pid == self.pid else _role(pid)) for pid in below]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _role(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return "gone"
    for mark, role in (
        ("MapWorker", "embedder"),
        ("read_files", "reader"),
        ("ray::", "ray worker"),
    ):
        if mark in command:
            return role
    return "raylet" if "raylet" in command else "other"


def _pss(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def measured(corpus: Path, index: Path, runner: str) -> dict[str, object]:
    """One build, in a process of its own."""
    began = time.perf_counter()
    command = [sys.executable, "-c", _RUN, str(corpus), str(index), runner]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    memory = Memory(process.pid)
    memory.start()
    out, _ = process.communicate()
    memory.ended.set()
    memory.join()
    if process.returncode:
        raise SystemExit(f"{runner} failed with {process.returncode}")
    passages, texts = map(int, out.split())
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "passages": passages,
        "texts": texts,
        "peak_mib": {role: round(size) for role, size in sorted(memory.peaks.items())},
    }


def compared(first: Path, second: Path) -> dict[str, object]:
    """Whether two indexes hold the same, and how far their vectors are apart."""
    asked = 'SELECT d.name, p.start, p."end", p.heading, p.text, p.terms, v.vector FROM passages p'
    asked += (
        " JOIN documents d ON d.id = p.document JOIN vectors v ON v.id = p.vector ORDER BY p.id"
    )
    rows = []
    for folder in (first, second):
        connection = sqlite3.connect(folder / "citewise.sqlite3")
        rows.append(connection.execute(asked).fetchall())
        connection.close()
    one, other = rows
    vectors = [np.stack([np.frombuffer(row[6], "<f4") for row in some]) for some in rows]
    return {
        "same_passages_in_the_same_order": [r[:6] for r in one] == [r[:6] for r in other],
        "vectors_identical": float((vectors[0] == vectors[1]).all(1).mean()),
        "largest_difference": float(np.abs(vectors[0] - vectors[1]).max()),
        "least_cosine": float((vectors[0] * vectors[1]).sum(1).min()),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=300)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "docs"
        corpus.mkdir()
        write_corpus(corpus, args.documents)
        results = {r: measured(corpus, Path(folder) / r, r) for r in ("local", "ray")}
        agreement = compared(Path(folder) / "local", Path(folder) / "ray")
    ratio = results["ray"]["seconds"] / results["local"]["seconds"]  # type: ignore[operator]
    print(json.dumps({**results, "ray_over_local": round(ratio, 2), **agreement}, indent=2))


if __name__ == "__main__":
    main()
