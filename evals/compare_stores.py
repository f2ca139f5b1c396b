"""The same questions over several stores: are statuses, citations and evidence the same?

    python evals/compare_stores.py postgresql://... milvus+file:///path/x.db [--tag gate]

The first run is over the embedded index, in a new folder. Each store is filled with seeds/ and
asked all questions of evals/questions.jsonl that have the tag, with the model's kept replies
(evals/replies) where a prompt is the same. Printed: whether the gate of evals/gate.toml is met over
each, and every status, text, cited span or evidence that is not as over the embedded index. Exit
code 1 if a gate is not met or anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from citewise.masking import masked

HERE = Path(__file__).parent
SEEDS = HERE.parent / "seeds"


def run(command: list[str], store: str, folder: Path) -> int:
    """The exit code of a command over a store; what it prints passes through."""
    settings = {"CITEWISE_STORE": store} if store else {}
    environment = {**os.environ, **settings, "CITEWISE_INDEX": str(folder)}
    return subprocess.run(command, env=environment, check=False).returncode


def asked(store: str, tag: str, folder: Path) -> tuple[bool, dict[str, Any]]:
    """Whether the gate was met, and each question's record."""
    citewise = [sys.executable, "-m", "citewise.cli"]
    out = folder / "run.json"
    if run([*citewise, "index", str(SEEDS), "--index", str(folder)], store, folder):
        raise SystemExit(f"{masked(store)} cannot be filled.")
    command = [
        *citewise, "eval", str(HERE / "questions.jsonl"), "--show", "none", "--json", str(out),
        "--cache", str(HERE / "replies"), "--tag", tag, "--gate", str(HERE / "gate.toml"),
        "--baseline", str(HERE / "baseline.json"),
    ]  # fmt: skip
    met = run(command, store, folder) == 0
    record = json.loads(out.read_text(encoding="utf-8"))
    return met, {question["id"]: question for question in record["questions"]}


def spans(question: dict[str, Any], kind: str) -> list[tuple[str, int, int]]:
    """Where the question's citations, or its evidence, lie."""
    return [(item["document"], item["start"], item["end"]) for item in question[kind]]


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What a reader of both would notice."""
    found = []
    for name, one in ours.items():
        pairs = {field: (one[field], theirs[name][field]) for field in ("status", "text")}
        for kind in ("citations", "evidence"):
            pairs[kind] = (spans(one, kind), spans(theirs[name], kind))
        found += [f"{name}: {what} {a!r} is {b!r}" for what, (a, b) in pairs.items() if a != b]
    return found


def main() -> int:
    """Ask over each store, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stores", nargs="+", metavar="STORE", help="an address; it is filled")
    parser.add_argument("--tag", default="gate", help="which questions (gate)")
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "embedded").mkdir()
        met, embedded = asked("", args.tag, folder / "embedded")
        print(
            f"embedded: gate {'met' if met else 'NOT met'}, {len(embedded)} questions", flush=True
        )
        failed = not met
        for number, store in enumerate(args.stores):
            (folder / str(number)).mkdir()
            met, found = asked(store, args.tag, folder / str(number))
            different = differences(embedded, found)
            told = "met" if met else "NOT met"
            print(f"{masked(store)}: gate {told}, {len(different)} differences", flush=True)
            print("\n".join(different))
            failed = failed or not met or bool(different)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
