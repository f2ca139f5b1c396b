"""The tables of ``docs/scale.md`` that show what was measured and simulated, not modelled."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from figures import Store, measured, part_ms, stores, words_ms, work_of
from parameters import Parameters
from queueing import Service, faster, measured_times, table

__all__ = ["measured_tables"]

OBSERVED = Path(__file__).with_name("observed.json")
_SIZES = (10**4, 10**5, 10**6, 10**7, 10**8, 10**9)
_INGEST = 7.7
"""Passages a second of one core, embedding and all: docs/benchmarks.md, "Ingest"."""


def measured_tables(given: Parameters) -> dict[str, str]:
    """By name."""
    return {
        "bytes embedded": _embedded(),
        "bytes postgres": _postgres(),
        "memory and disk": _a_passage(given),
        "milliseconds": _milliseconds(),
        "growth": _growth(given),
        "model speed": _speed(),
        "ingest": _ingest(given),
        "observed": _observed(),
        "simulated": _simulated(),
        "outage": _outage(),
    }


def _embedded() -> str:
    found = measured()["embedded"]["bytes_a_passage"]
    rows = [f"| {name} | {size:,.0f} |" for name, size in found.items() if size >= 10]
    total = f"| **all** | **{sum(found.values()):,.0f}** |"
    return "\n".join(["| bytes a passage | |", "|---|---|", *rows, total])


def _postgres() -> str:
    kinds = [measured()["postgres"][kind]["bytes_a_passage"] for kind in ("vector", "halfvec")]
    rows = [
        f"| {name} | " + " | ".join(f"{kind[name]:,.0f}" for kind in kinds) + " |"
        for name in kinds[0]
    ]
    total = " | ".join(f"**{sum(kind.values()):,.0f}**" for kind in kinds)
    return "\n".join(
        [
            "| bytes a passage | `vector` | `halfvec` |",
            "|---|---|---|",
            *rows,
            f"| **all** | {total} |",
        ]
    )


def _a_passage(given: Parameters) -> str:
    rows = [
        f"| {store.name} | {store.memory_bytes(10**7):,.0f} | {store.memory_bytes(10**8):,.0f} "
        f"| {store.disk_bytes:,.0f} |"
        for store in stores(given)
    ]
    head = "| bytes a passage | in memory, 10^7 | in memory, 10^8 and more | on disk |"
    return "\n".join([head, "|---|---|---|---|", *rows])


def _milliseconds() -> str:
    stages = measured()["stages"]
    own = stages["cpu_ms"]
    rows = {
        "embed a question (processor)": stages["embed_a_question"],
        "find, rank, put in order": own["retrieve"],
        "read tables": own["read"],
        "decide whether it is answerable": own["decide"],
        "check, a sentence": own["verify, a sentence"],
        "compose, look for what says otherwise": own["compose"],
        "all outside the model": stages["outside_the_model_ms"],
    }
    lines = [f"| {n} | {q['p50']:.1f} | {q['p95']:.1f} | {q['p99']:.1f} |" for n, q in rows.items()]
    return "\n".join(["| stage | p50 ms | p95 | p99 |", "|---|---|---|---|", *lines])


def _growth(given: Parameters) -> str:
    head = "| a question, ms of one core | " + " | ".join(f"10^{len(str(n)) - 1}" for n in _SIZES)
    known: list[Store] = stores(given)

    def line(name: str, of: Any) -> str:
        values = [f"{of(n):,.1f}" if of(n) < 1000 else f"{of(n):,.0f}" for n in _SIZES]
        return f"| {name} | " + " | ".join(values) + " |"

    rows = [
        line("by meaning, embedded", lambda n: part_ms("dense", n)),
        line("by words, embedded", lambda n: part_ms("lexical", n)),
        line("by words, PostgreSQL", lambda n: words_ms("vector", n)),
    ]
    rows += [
        line(
            f"all of the store, {one.name}", lambda n, one=one: 1e3 * work_of(one, n).store_seconds
        )
        for one in known
    ]
    rows.append(line("all of the app", lambda n: 1e3 * work_of(known[1], n).app_seconds))
    return "\n".join([head + " |", "|---|" + "---|" * len(_SIZES), *rows])


def _speed() -> str:
    llm = measured()["llm"]
    whole = sum(llm["gate_ms"] + llm["draft_ms"]) / llm["questions"] / 1e3
    return "\n".join(
        [
            "| the default model, one core | |",
            "|---|---|",
            f"| tokens of sources and question | {llm['prompt_tokens']:.0f} |",
            f"| to read one | {llm['read_ms_a_token']:.1f} ms |",
            f"| tokens read anew for the draft | {llm['draft_tokens_read']:.0f} |",
            f"| tokens written | {llm['draft_tokens_written']:.0f} |",
            f"| to write one | {llm['written_ms_a_token']:.1f} ms |",
            f"| a question, judged and drafted, mean | {whole:.1f} s |",
        ]
    )


def _ingest(given: Parameters) -> str:
    rows = []
    for passages in _SIZES[3:]:
        hours = passages / _INGEST / 3600
        price = hours * given.unit_hour / 2
        rows.append(
            f"| 10^{len(str(passages)) - 1} | {hours:,.0f} | {hours / 64:,.0f} | {price:,.0f} |"
        )
    return "\n".join(
        ["| passages | hours of one core | hours of 64 | USD |", "|---|---|---|---|", *rows]
    )


def _observed() -> str:
    found = json.loads(OBSERVED.read_text("utf-8"))
    head = (
        "| questions a minute | | observed | predicted | observed / predicted "
        "| nine in ten simulated runs |\n|---|---|---|---|---|---|"
    )
    lines = []
    for row in found["rows"]:
        for name, told in (("evidence", "evidence"), ("answers", "answer")):
            for percent in (50, 95):
                one = row[f"{name}_p{percent}"]
                low, high = one["range"]
                lines.append(
                    f"| {row['a_minute']:g} (asked {row['asked']}) | {told} p{percent} "
                    f"| {one['observed']:.2f} s | {one['predicted']:.2f} s | {one['ratio']:.2f} "
                    f"| {low:.2f} to {high:.2f} s |"
                )
        refused = row["refused"]
        lines.append(
            f"| {row['a_minute']:g} | refused | {refused['observed']:.1%} "
            f"| {refused['predicted']:.1%} | | |"
        )
    return "\n".join([head, *lines])


@cache
def _simulated() -> str:
    times = measured_times(measured())
    return table(Service(answering=2, slots=1), times, (2, 6, 10, 13, 16, 20), 18_000)


@cache
def _outage() -> str:
    """Two processes, a model four times as fast at two addresses; one dies for a while."""
    times = faster(measured_times(measured()), 4.0)
    whole = Service(processes=2, answering=8, addresses=2, slots=4, speed=4.0, llm_at_once=4)
    dying = replace(whole, outages=((0, 600.0, 900.0),))
    first, then = (table(one, times, (120, 240, 360), 1800) for one in (whole, dying))
    return f"{first}\n\nThe same with one address dead from minute 10 to 15 of 30:\n\n{then}"
