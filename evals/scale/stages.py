"""Milliseconds of processor time of each stage of a question outside the language model."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from corpus import MODEL, PoolVectors
from machine import quantiles, timed
from search import build, model_name, questions_and_vectors

from citewise import run
from citewise.assistant import Assistant
from citewise.embedding import SentenceTransformerEmbedder
from citewise.fetching import ensure
from citewise.protocols import Prompt
from citewise.registry import get

__all__ = ["stage_times"]

_WARMING = 20
_SOURCE = re.compile(r"^\[\d+\] (.+)$", re.MULTILINE)
# What the language model takes is measured by itself.
_OWN = ("retrieve", "read", "decide", "verify", "compose")


class Quoting:
    """A generator that takes no time, and says the sentences of the first two sources."""

    name = identity = "quoting"

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[str]:
        """The sources' own words, so that there is something to check."""
        yield " ".join(_SOURCE.findall(prompt.user)[:2]) or "NOT FOUND"

    def yes_log_odds(self, prompt: Prompt) -> float | None:
        """Always yes."""
        return 5.0


def stage_times(folder: Path, data: Path, questions: int) -> dict[str, Any]:
    """Of an index of real text with synthetic vectors; embedding a question with the real model.

    Processor time: the clock would tell how busy the machine was with other work.
    """
    setattr(run, "time", SimpleNamespace(perf_counter=time.thread_time))  # noqa: B010
    known = questions_and_vectors(data)
    build(folder, int(folder.name), known, data)
    embedder = PoolVectors(model_name(), known)
    asked = known.questions[: _WARMING + questions]
    places: dict[str, Any] = {"corpus": folder / "corpus", "index": folder / "index"}
    spent: defaultdict[str, list[float]] = defaultdict(list)
    checked = 0
    with Assistant(
        **places, embedder=embedder, llm=Quoting(), judge="fast", quiet=True
    ) as assistant:
        for place, question in enumerate(asked):
            answer = assistant.ask(question)
            if place < _WARMING:
                continue
            for stage in _OWN:
                spent[stage].append(1e3 * answer.timings.get(stage, 0.0))
            sentences = len(answer.dropped) + sum(bool(s.verdict) for s in answer.sentences)
            checked += sentences
            if sentences:
                spent["verify, a sentence"].append(1e3 * answer.timings["verify"] / sentences)
    whole = [sum(spent[stage][i] for stage in _OWN) for i in range(questions)]
    real = SentenceTransformerEmbedder(ensure(get(MODEL)), MODEL)
    for question in asked[:_WARMING]:
        real.embed_query(question)
    return {
        "passages": int(folder.name),
        "questions": questions,
        "sentences_checked": checked,
        "embed_a_question": timed(real.embed_query, asked[_WARMING:])["cpu_ms"],
        "cpu_ms": {name: quantiles(values) for name, values in spent.items()},
        "outside_the_model_ms": quantiles(whole),
    }
