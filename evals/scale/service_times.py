"""How long the work of a question takes, drawn from what was measured (``measured.json``)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Draw", "Times", "drawn", "faster", "in_postgres", "measured_times"]

Draw = Callable[[random.Random], float]


def drawn(measured: dict[str, Any], scale: float = 1e-3) -> Draw:
    """Draws from measured quantiles, between which it interpolates; in seconds."""
    levels, values = measured["levels"], measured["values"]

    def draw(chance: random.Random) -> float:
        at = 100 * chance.random()
        place = next(i for i in range(1, len(levels)) if at <= levels[i])
        low, high = levels[place - 1], levels[place]
        share = (at - low) / (high - low)
        return float(scale * (values[place - 1] + share * (values[place] - values[place - 1])))

    return draw


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of work: of a process before evidence, of the store, of the model, of the check.

    ``pick`` draws a question's model times together: to judge, to the first piece, after it.
    ``again`` is the store's work for the search of what says otherwise, which checking holds.
    """

    search: Draw
    store: Draw
    pick: Callable[[random.Random], tuple[float, float, float]]
    check: Draw
    again: Draw | None = None


def measured_times(found: dict[str, Any], cores: float = 2.0) -> Times:
    """From ``measured.json``: the default store, and the default model on some cores."""
    own, llm = found["stages"]["cpu_ms"], found["llm"]
    embed = drawn(found["stages"]["embed_a_question"])
    retrieve, verify, compose = (drawn(own[name]) for name in ("retrieve", "verify", "compose"))
    pairs = list(zip(llm["gate_ms"], llm["draft_ms"], strict=True))
    read = llm["draft_tokens_read"] * llm["read_ms_a_token"]

    def pick(chance: random.Random) -> tuple[float, float, float]:
        gate, draft = chance.choice(pairs)
        first = min(read, draft)
        return gate / 1e3 / cores, first / 1e3 / cores, (draft - first) / 1e3 / cores

    return Times(
        search=lambda chance: embed(chance) + retrieve(chance),
        store=lambda chance: 0.0,
        pick=pick,
        check=lambda chance: verify(chance) + compose(chance),
    )


def in_postgres(times: Times, found: dict[str, Any]) -> Times:
    """The same over a PostgreSQL store, of the largest size in ``measured.json``."""
    stages, sizes = found["stages"], found["postgres"]["sizes"]
    one, own = sizes[max(sizes, key=int)], stages["cpu_ms"]
    server, client = drawn(one["server"]), drawn(one["client"])
    embed = drawn(stages["embed_a_question"])
    verify, compose, retrieve = (drawn(own[name]) for name in ("verify", "compose", "retrieve"))

    def check(chance: random.Random) -> float:
        # Composing holds a search in the default store, whose place this one's takes.
        rest = max(0.0, compose(chance) - retrieve(chance))
        return verify(chance) + rest + client(chance)

    return replace(
        times,
        search=lambda chance: embed(chance) + client(chance),
        store=server,
        check=check,
        again=server,
    )


def faster(times: Times, factor: float) -> Times:
    """The same with a model that many times as fast."""

    def pick(chance: random.Random) -> tuple[float, float, float]:
        judge, first, rest = times.pick(chance)
        return judge / factor, first / factor, rest / factor

    return replace(times, pick=pick)
