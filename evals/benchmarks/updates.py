"""What an update costs, as a share of building the index: nothing changed, one file, a move.

    python evals/benchmarks/updates.py --passages 100000

Every update is a fresh ``citewise index`` process, as a user starts it. The vectors are made from
a hash under the name of the default embedding model, so that the build measures the index and not
the model; an update that embeds nothing never loads it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from citewise.assistant import Assistant
from citewise.index import Index
from citewise.sources import FolderSource
from citewise.splitting import split

_PER_FILE = 50
_DIMENSIONS = 384
_WORDS = [
    f"{a}{b}{c}"
    for a in ("ba", "ro", "mi", "te")
    for b in ("lan", "ver", "sol", "kin")
    for c in ("do", "ra", "ne", "st", "ful", "ing", "er", "ly")
]


class HashVectors:
    """Meets ``Embedder`` with random unit vectors that depend on the text alone."""

    def __init__(self, name: str) -> None:
        self.name = name

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector per text."""
        return np.stack([self.embed_query(text) for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of one text."""
        seed = zlib.crc32(text.encode())
        vector = np.random.default_rng(seed).standard_normal(_DIMENSIONS, np.float32)
        return vector / np.linalg.norm(vector)


def write_corpus(folder: Path, passages: int) -> None:
    """Files of so many short sections each, the same in every run."""
    generator = random.Random(3)
    for number in range(passages // _PER_FILE):
        sections = (
            f"## Section {number}.{i}\n\n{' '.join(generator.choices(_WORDS, k=14))} {number}.\n"
            for i in range(_PER_FILE)
        )
        path = folder / f"{number % 100:02}" / f"{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(sections), encoding="utf-8")
        os.utime(path, (1_600_000_000, 1_600_000_000))


def command(corpus: Path, index: Path, *options: str) -> tuple[float, dict[str, object]]:
    """Seconds of one ``citewise index``, and what it did."""
    began = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "citewise.cli",
            "index",
            str(corpus),
            "--index",
            str(index),
            "--json",
            *options,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, json.loads(done.stdout)


def main() -> None:
    """Print one line for each kind of update."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to work (a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = args.folder or Path(temporary)
        measure(base / "corpus", base / "index", args.passages)


def measure(corpus: Path, index: Path, passages: int) -> None:
    """Build once, then update in every way."""
    if not corpus.exists():
        write_corpus(corpus, passages)
    embedder = HashVectors(Assistant(corpus, index, llm="none").embedder_name)
    began = time.perf_counter()
    with Index.open(index, embedder) as opened:
        done = opened.refresh(FolderSource(corpus), split)
        stats = opened.stats()
    build = time.perf_counter() - began
    print(f"{done.passages} passages, {stats['spans']} spans, {stats['bytes']:,} bytes")
    print(f"| update | seconds | of the build |\n|---|---|---|\n| the build | {build:.1f} | 1 |")

    def show(what: str, *options: str) -> None:
        seconds, _ = command(corpus, index, *options)
        print(f"| {what} | {seconds:.2f} | {seconds / build:.4f} |", flush=True)

    show("nothing changed")
    show("nothing changed, again")
    show("nothing changed, every file hashed", "--thorough")
    show("nothing changed, --dry-run", "--dry-run")
    (corpus / "00" / "00000.md").rename(corpus / "01" / "moved.md")
    show("a file moved")
    (corpus / "01" / "00001.md").unlink()
    show("a file of 50 passages removed")
    (corpus / "02" / "copy.md").write_bytes((corpus / "02" / "00002.md").read_bytes())
    show("a file of 50 known passages added")
    seconds, _ = command(corpus, index, "--check")
    print(f"| --check | {seconds:.2f} | {seconds / build:.4f} |")


if __name__ == "__main__":
    main()
