"""Draws docs/images/benchmarks.svg from what the benchmarks wrote with ``--out``.

python evals/benchmarks/plots.py evals/benchmarks/results.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "benchmarks.svg"
_OWN = "citewise"
_NAMES = {
    "citewise": "citewise, by meaning",
    "citewise-whole": "citewise, whole search",
    "faiss": "FAISS alone (the limit)",
    "llamaindex": "LlamaIndex FAISS store",
    "citation-engine": "LlamaIndex CitationQueryEngine",
    "langchain": "LangChain FAISS",
    "haystack": "Haystack in memory",
    "txtai": "txtai",
    "chroma": "Chroma",
}


def main() -> None:
    """Read the results, draw, save."""
    import matplotlib as mpl

    mpl.use("Agg")
    # The same file from the same numbers.
    mpl.rcParams["svg.hashsalt"] = "citewise"
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("results", type=Path)
    lines = parser.parse_args().results.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    kinds = {"retrieval": latencies, "words": words, "ingest": ingest}
    drawn = {
        draw: found
        for what, draw in kinds.items()
        if (found := [row for row in rows if row["what"] == what])
    }
    size = (5 * len(drawn), 4.6)
    figure, axes = plt.subplots(1, len(drawn), figsize=size, layout="constrained", squeeze=False)
    for place, (draw, found) in zip(axes[0], drawn.items(), strict=True):
        draw(place, found)
    figure.savefig(IMAGE, metadata={"Date": None})
    print(IMAGE)


def latencies(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Processor time of a question, p95, by the number of passages."""
    curves: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        if "cpu_ms" in row:
            curves[row["tool"]].append((row["passages"], row["cpu_ms"]["p95"]))
    for tool, points in curves.items():
        own = tool.startswith(_OWN)
        style = {"linewidth": 2.5 if own else 1, "marker": "o" if own else ".", "zorder": 1 + own}
        axes.plot(*zip(*sorted(points), strict=True), label=_NAMES.get(tool, tool), **style)
    _scaled(axes, "a question, the vector at hand: p95")


def words(axes: Any, rows: list[dict[str, Any]]) -> None:
    """The same for engines that search by words."""
    curves: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        curves[row["engine"]].append((row["passages"], row["cpu_ms"]["p95"]))
    for engine, points in curves.items():
        label = "citewise's postings" if engine == "own" else engine
        style = {"linewidth": 2.5 if engine == "own" else 1, "marker": "o"}
        axes.plot(*zip(*sorted(points), strict=True), label=label, **style)
    _scaled(axes, "a question by words (BM25, 50 passages): p95")


def _scaled(axes: Any, title: str) -> None:
    axes.set(xscale="log", yscale="log", title=title)
    axes.set(xlabel="passages", ylabel="milliseconds of processor time")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def ingest(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Passages a second of processor time."""
    names = [row["tool"] for row in rows]
    rates = [row["passages"] / row["cpu"] for row in rows]
    colours = ["C0" if _OWN in name else "C7" for name in names]
    axes.barh(names, rates, color=colours)
    axes.invert_yaxis()
    axes.set(title="ingest, same model", xlabel="passages a second of processor time")


if __name__ == "__main__":
    main()
