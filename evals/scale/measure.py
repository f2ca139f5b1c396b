"""Bytes a passage and milliseconds a stage on this machine, into one JSON file.

    python evals/scale/measure.py --data DIR --folder DIR [--only embedded stages ...]

``--data`` is what ``evals/benchmarks/search.py`` takes. What was measured elsewhere is taken from
there, not measured again: whole searches of 10^3 to 10^6 passages, their memory and their size on
disk stand in ``evals/benchmarks/results.jsonl``. ``model.py`` and ``queueing.py`` read the file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

OUT = HERE / "measured.json"


def embedded(args: argparse.Namespace) -> dict[str, Any]:
    """The default store; see ``sizes``."""
    from sizes import embedded_sizes

    return embedded_sizes(args.folder / str(args.passages), args.passages, args.data)


def postgres(args: argparse.Namespace) -> dict[str, Any]:
    """The PostgreSQL store; see ``postgres_store``."""
    from postgres_store import postgres_store

    return postgres_store(args.rows, args.folder, args.data, args.questions)


def postgres_buffers(args: argparse.Namespace) -> dict[str, Any]:
    """The largest size again, by a server that keeps all of it in its own buffers."""
    from postgres_store import postgres_store

    return postgres_store(args.rows[-1:], args.folder, args.data, args.questions, "4GB")


def stages(args: argparse.Namespace) -> dict[str, Any]:
    """What a question costs outside the language model; see ``stages``."""
    from stages import stage_times

    return stage_times(args.folder / str(args.passages), args.data, args.questions)


def llm(args: argparse.Namespace) -> dict[str, Any]:
    """The default language model; see ``llm_times``."""
    from llm_times import llm_times

    return llm_times(args.prompts)


def in_flight(args: argparse.Namespace) -> dict[str, Any]:
    """Many requests to the model at a time; see ``in_flight``."""
    from in_flight import in_flight

    return in_flight(args.in_flight)


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "embedded": embedded,
    "postgres": postgres,
    "postgres_buffers": postgres_buffers,
    "stages": stages,
    "llm": llm,
    "in_flight": in_flight,
}


def main() -> None:
    """Measure the parts asked for; the others stay as they are in the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the index is built")
    parser.add_argument("--passages", type=int, default=10_000, help="in the embedded index")
    parser.add_argument(
        "--rows", nargs="+", type=int, default=[10_000, 30_000, 100_000], help="in PostgreSQL"
    )
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=8, help="for the language model")
    parser.add_argument("--in-flight", type=int, default=500, help="requests to the model at once")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    from machine import described

    for name in args.only:
        began = described()
        part = {**PARTS[name](args), "machine": began}
        began["load_average_after"] = described()["load_average"]
        found = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
        found[name] = part
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(name, "measured")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
