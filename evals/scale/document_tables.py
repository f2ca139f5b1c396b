"""The tables of ``docs/scale.md`` that show what was measured and simulated, not modelled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from figures import Store, Work, part_ms, stores, work_of
from parameters import Parameters
from postgres_figures import exponents, meaning_ms, sizes, words_ms
from queueing import Service, table
from recorded import measured
from service_times import faster, in_postgres, measured_times

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
        "searches postgres": _searches(),
        "memory and disk": _a_passage(given),
        "milliseconds": _milliseconds(),
        "growth": _growth(given),
        "model speed": _speed(),
        "ingest": _ingest(given),
        "observed": _observed(),
        "simulated": _simulated(),
        "simulated postgres": _simulated_postgres(),
        "outage": _outage(),
    }


def _embedded() -> str:
    found = measured()["embedded"]["bytes_a_passage"]
    rows = [f"| {name} | {size:,.0f} |" for name, size in found.items() if size >= 10]
    total = f"| **all** | **{sum(found.values()):,.0f}** |"
    return "\n".join(["| bytes a passage | |", "|---|---|", *rows, total])


def _postgres() -> str:
    """Of each size; the parts as they follow each other at the largest."""
    found = [row["bytes_a_passage"] for row in sizes().values()]
    rows = [
        f"| {name} | " + " | ".join(f"{size.get(name, 0.0):,.0f}" for size in found) + " |"
        for name in found[-1]
        if found[-1][name] >= 1
    ]
    total = " | ".join(f"**{sum(size.values()):,.0f}**" for size in found)
    return "\n".join(
        [_head("bytes a passage, of", map(_number, sizes())), *rows, f"| **all** | {total} |"]
    )


def _searches() -> str:
    """Of each size, and of the largest by a server that has room for all of it."""
    ((size, roomy),) = measured()["postgres_buffers"]["sizes"].items()
    columns = [*sizes().values(), roomy]
    names = {
        "by meaning": "by_meaning",
        "by words": "by_words",
        "the server in all": "server",
        "the process that asks": "client",
    }
    rows = []
    for told, name in names.items():
        cells = [
            f"{one['mean']:.1f} ({one['p50']:.1f}, {one['p95']:.1f})"
            for one in (column[name] for column in columns)
        ]
        rows.append(_searches_row(f"{told}, ms", cells, name))
    scored = [f"{column['rows_scored_by_words']:,.0f}" for column in columns]
    rows.append(_searches_row("rows scored by words, mean", scored, "rows_scored_by_words"))
    heads = [*map(_number, sizes()), f"{int(size):,}, 4 GB of buffers", "powers"]
    return "\n".join([_head("mean (p50, p95)", heads), *rows])


def _searches_row(told: str, cells: Iterable[str], name: str) -> str:
    powers = ", ".join(f"{power:.2f}" for power in exponents(name))
    return f"| {' | '.join([told, *cells, powers])} |"


def _a_passage(given: Parameters) -> str:
    rows = []
    for store in stores(given):
        hot = [(of(10**7), of(10**8)) for of in (store.near_memory, store.memory)]
        near, behind = (
            " | ".join(f"{size:,.0f}" if disk else "" for size in (*memory, disk))
            for memory, disk in zip(hot, (store.near_disk, store.disk), strict=True)
        )
        rows.append(f"| {store.name} | {near} | {behind} |")
    of = ("in memory, 10^7", "10^8 and more", "on disk")
    heads = [f"{where}: {name}" for where in ("app", "store") for name in of]
    return "\n".join([_head("bytes a passage", heads), *rows])


def _head(first: str, others: Iterable[str]) -> str:
    heads = [first, *others]
    return f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"


def _number(size: int) -> str:
    return f"{size:,}"


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
        line("by meaning, PostgreSQL", meaning_ms),
        line("by words, embedded", lambda n: part_ms("lexical", n)),
        line("by words, PostgreSQL", words_ms),
    ]
    for one in known:
        works = {n: work_of(one, n) for n in _SIZES}
        for told, of in _WHOSE.items():
            if any(of(work) for work in works.values()):
                rows.append(line(f"{told}, {one.name}", lambda n, w=works, of=of: 1e3 * of(w[n])))
    return "\n".join([head + " |", "|---|" + "---|" * len(_SIZES), *rows])


_WHOSE: dict[str, Callable[[Work], float]] = {
    "both searches, in the app": lambda work: work.search_seconds,
    "both searches, in the store": lambda work: work.store_seconds,
    "all else, in the app": lambda work: work.app_seconds,
}


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
def _simulated_postgres() -> str:
    """Four processes, two cores for the store, a model that holds nobody up."""
    times = in_postgres(faster(measured_times(measured()), 8.0), measured())
    service = Service(processes=4, answering=16, addresses=8, slots=8, speed=8.0, store_servers=2)
    return table(service, times, (240, 960, 1440, 1800), 600)


@cache
def _outage() -> str:
    """Two processes, a model four times as fast at two addresses; one dies for a while."""
    times = faster(measured_times(measured()), 4.0)
    whole = Service(processes=2, answering=8, addresses=2, slots=4, speed=4.0, llm_at_once=4)
    dying = replace(whole, outages=((0, 600.0, 900.0),))
    first, then = (table(one, times, (120, 240, 360), 1800) for one in (whole, dying))
    return f"{first}\n\nThe same with one address dead from minute 10 to 15 of 30:\n\n{then}"
