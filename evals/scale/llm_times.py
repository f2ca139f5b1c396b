"""Milliseconds of one core for each token that the default language model reads and writes.

The prompts are this project's own, about the article in ``seeds/``. One thread, and its processor
time: threads of llama.cpp that wait for each other keep their cores busy, and the clock tells how
busy the machine was with other work. Several threads are taken to share the work evenly.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from stages import Quoting

from citewise.assistant import Assistant
from citewise.fetching import ensure
from citewise.llama_process import LlamaProcess
from citewise.openai_api import neutralise
from citewise.protocols import Prompt
from citewise.questions import load_questions
from citewise.registry import DEFAULT_LLM, get

__all__ = ["llm_times"]

ROOT = Path(__file__).resolve().parents[2]


class Recording(Quoting):
    """Keeps the prompts: first whether the sources answer, then for a draft."""

    def __init__(self) -> None:
        self.gates: list[Prompt] = []
        self.drafts: list[Prompt] = []

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Any:
        """As ``Quoting``."""
        self.drafts.append(prompt)
        return super().stream(prompt, max_tokens=max_tokens)

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """As ``Quoting``."""
        self.gates.append(prompt)
        return super().yes_log_odds(prompt)


def llm_times(prompts: int) -> dict[str, Any]:
    """Processor time of one thread, a request at a time; each question's prompt is read anew."""
    recorded = _recorded(prompts)
    model = ensure(get(DEFAULT_LLM))
    child = {"model": str(model), "name": "m", "context": 4096, "threads": 1, "prompt_cache_mib": 0}
    with tempfile.TemporaryDirectory() as logs:
        process = LlamaProcess(child, Path(logs))
        try:
            process.wait_ready(300)
            found = _asked(process, recorded)
        finally:
            process.end()
    return {"model": model.name, "bytes": model.stat().st_size, **found}


def _recorded(prompts: int) -> Sequence[tuple[Prompt, Prompt]]:
    rows = load_questions(ROOT / "evals" / "questions.jsonl")
    asked = [row.question for row in rows if row.kind == "prose" and not row.history]
    recorder = Recording()
    with (
        tempfile.TemporaryDirectory() as folder,
        Assistant(
            ROOT / "seeds", Path(folder), llm=recorder, judge="fast", quiet=True
        ) as assistant,
    ):
        pairs = []
        for question in asked:
            gates, drafts = len(recorder.gates), len(recorder.drafts)
            assistant.ask(question)
            if len(recorder.gates) > gates and len(recorder.drafts) > drafts:
                pairs.append((recorder.gates[gates], recorder.drafts[drafts]))
            if len(pairs) == prompts:
                break
    return pairs


def _asked(process: LlamaProcess, pairs: Sequence[tuple[Prompt, Prompt]]) -> dict[str, Any]:
    assert process._process is not None
    ticks = Path(f"/proc/{process._process.pid}/stat")

    def spent() -> float:
        fields = ticks.read_text("ascii").rpartition(")")[2].split()
        return 1e3 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with httpx.Client(trust_env=False, timeout=300.0) as client:

        def ask(prompt: Prompt, tokens: int) -> dict[str, float]:
            body = {
                "messages": [
                    {"role": "system", "content": neutralise(prompt.system)},
                    {"role": "user", "content": neutralise(prompt.user)},
                ],
                "temperature": 0,
                "max_tokens": tokens,
                "cache_prompt": True,
            }
            key, before = {"Authorization": f"Bearer {process.key}"}, spent()
            reply = client.post(f"{process.address}/v1/chat/completions", json=body, headers=key)
            timings: dict[str, float] = reply.raise_for_status().json()["timings"]
            return {**timings, "cpu_ms": spent() - before}

        ask(Prompt("", "Say ready."), 4)
        found = [(ask(gate, 1), ask(draft, 160)) for gate, draft in pairs]
    gates, drafts = zip(*found, strict=True)
    read = median(gate["cpu_ms"] / gate["prompt_n"] for gate in gates)
    wrote = median((d["cpu_ms"] - read * d["prompt_n"]) / d["predicted_n"] for d in drafts)
    return {
        "threads": 1,
        "questions": len(pairs),
        "prompt_tokens": median(g["prompt_n"] + g.get("cache_n", 0) for g in gates),
        "read_ms_a_token": round(read, 2),
        "draft_tokens_read": median(d["prompt_n"] for d in drafts),
        "draft_tokens_written": median(d["predicted_n"] for d in drafts),
        "written_ms_a_token": round(wrote, 2),
        "gate_ms": [round(g["cpu_ms"]) for g in gates],
        "draft_ms": [round(d["cpu_ms"]) for d in drafts],
        "clock_ms_a_question": [
            round(sum(one[k] for one in pair for k in ("prompt_ms", "predicted_ms")))
            for pair in found
        ],
    }
