"""What it takes: machines, memory, disk and money, from what was measured here.

    python evals/scale/model.py [--unit-hour 0.0816] [--utilisation 0.6] ...   # prints all tables
    python evals/scale/model.py --write docs/scale.md                          # puts them there

Bytes a passage and milliseconds a question come from ``measured.json`` and from the benchmarks'
``results.jsonl``; what is taken from elsewhere stands in ``parameters.py``, each figure with its
source, and can be given here. A cell is what a rate of questions over a number of passages needs
with one store; the bottleneck is what most of its money goes to.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from document_tables import measured_tables
from figures import SEARCHES, Store, llm_options, stores, work_of
from parameters import Parameters, sources

__all__ = ["Cell", "cell", "tables_of", "written"]

PASSAGES = (10**7, 10**8, 10**9)
RATES = (10, 10**3, 10**5)
_CORES, _GIB_A_UNIT = 2.0, 8.0
_PROCESS_GIB = 1.5
"""Libraries, embedding model, one process of the app."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one rate over one number of passages needs; money a month, by what it is for.

    Without money where no machine is large enough.
    """

    passages: int
    rate: int
    app: str
    store: str
    llm: str
    memory_gib: float
    disk_gb: float
    money: dict[str, float]

    @property
    def total(self) -> float:
        """US dollars a month."""
        return sum(self.money.values())

    @property
    def bottleneck(self) -> str:
        """What most of the money is for, with its share."""
        name = max(self.money, key=lambda name: self.money[name])
        return f"{name}, {self.money[name] / self.total:.0%}"


def cell(store: Store, passages: int, rate: int, given: Parameters) -> Cell:
    """One cell; ``docs/scale.md`` has the rules in words."""
    app = _app(store, passages, rate, given)
    behind = _behind_an_address(store, passages, rate, given)
    if not app.money or not behind.money:
        return Cell(passages, rate, app.told, behind.told, "", 0.0, 0.0, {})
    name, count, price = min(llm_options(rate, given), key=lambda option: option[2])
    return Cell(
        passages,
        rate,
        app.told,
        behind.told,
        f"{count:,} x {name}",
        app.memory_gib + behind.memory_gib,
        app.disk_gb + behind.disk_gb,
        app.money | behind.money | {"language model": price},
    )


@dataclass(frozen=True, slots=True)
class _Machines:
    """One kind of machine, as ``Cell`` tells of it; without money where none would do."""

    told: str
    memory_gib: float = 0.0
    disk_gb: float = 0.0
    money: dict[str, float] = field(default_factory=dict)


def _app(store: Store, passages: int, rate: int, given: Parameters) -> _Machines:
    """Every machine of the app holds all that lies beside it: more cores bring more of it."""
    memory, disk = _held(store.near_memory(passages), store.near_disk, passages, given)
    work, asks = work_of(store, passages), rate / 60 / given.utilisation
    search, other = asks * work.search_seconds / _CORES, asks * work.app_seconds / _CORES
    least = (memory + _PROCESS_GIB) / _GIB_A_UNIT
    if least > given.largest_units:
        return _Machines(f"no machine has {memory:,.0f} GiB")
    count = max(given.processes, math.ceil((search + other) / given.largest_units))
    size = math.ceil(max(least, (search + other) / count))
    month = given.unit_hour * given.hours_a_month
    money = {
        "search, in the app": search * month,
        "the app's other work": other * month,
        "memory of the app, and machines at the least": (count * size - search - other) * month,
        "disk of the app": count * disk * given.disk_month,
    }
    return _Machines(_told(count, size), count * size * _GIB_A_UNIT, count * disk, money)


def _behind_an_address(store: Store, passages: int, rate: int, given: Parameters) -> _Machines:
    """Copies of the store, each cut into as many parts as its memory needs machines."""
    if not store.behind_address:
        return _Machines("in the app", money={"search, in the store": 0.0})
    memory, disk = _held(store.memory(passages), store.disk, passages, given)
    units, asks = memory / _GIB_A_UNIT, rate / 60 / given.utilisation
    parts = max(1, math.ceil(units / given.largest_units))
    # Each part is searched for each question.
    seconds = work_of(store, passages // parts).store_seconds
    if seconds / SEARCHES > given.longest_search:
        return _Machines(f"a search takes {seconds / SEARCHES:,.1f} s")
    search = asks * parts * seconds / _CORES
    copies = max(given.replicas, math.ceil(search / (parts * given.largest_units)))
    by_memory, by_cores = units / parts, search / copies / parts
    size = math.ceil(max(1.0, by_memory, by_cores))
    month = given.unit_hour * given.hours_a_month
    reason = "memory of the store" if by_memory >= by_cores else "search, in the store"
    money = {
        reason: copies * parts * size * month,
        "disk of the store": copies * disk * given.disk_month,
    }
    held = copies * parts * size * _GIB_A_UNIT
    return _Machines(_told(copies * parts, size), held, copies * disk, money)


def _held(memory: float, disk: float, passages: int, given: Parameters) -> tuple[float, float]:
    """GiB of memory and GB of disk of one copy, from bytes a passage."""
    return passages * memory * given.memory_room / 2**30, passages * disk * given.disk_room / 1e9


def _told(count: float, units: int) -> str:
    return f"{count:,.0f} x {units * _CORES:.0f} cores, {units * _GIB_A_UNIT:,.0f} GiB"


def tables_of(given: Parameters) -> dict[str, str]:
    """Every table of ``docs/scale.md``, by its name there."""
    found = measured_tables(given)
    for store in stores(given):
        cells = [cell(store, n, rate, given) for n in PASSAGES for rate in RATES]
        found[f"cells {store.name}"] = _table(cells)
    found["model"] = _llm_table(given)
    found["parameters"] = "\n".join(
        ["| option | value | what | from |", "|---|---|---|---|"]
        + [f"| `--{n.replace('_', '-')}` | {v:.4g} | {w} | {s} |" for n, v, w, s in sources()]
    )
    return found


def _table(cells: Sequence[Cell]) -> str:
    head = (
        "| passages | questions a minute | app | store | language model | memory | disk "
        "| USD a month | most of it for |\n|---|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *map(_row, cells)])


def _row(c: Cell) -> str:
    begins = f"| {power(c.passages)} | {c.rate:,} | {c.app} | {c.store} | {c.llm} "
    if not c.money:
        return f"{begins}| | | | |"
    held = f"| {c.memory_gib:,.0f} GiB | {c.disk_gb:,.0f} GB "
    return f"{begins}{held}| {c.total:,.0f} | {c.bottleneck} |"


def _llm_table(given: Parameters) -> str:
    head = "| questions a minute | " + " | ".join(
        f"{name}: servers, USD a month" for name, _, _ in llm_options(1, given)
    )
    rows = [
        f"| {rate:,} | "
        + " | ".join(f"{count:,}, {price:,.0f}" for _, count, price in llm_options(rate, given))
        + " |"
        for rate in RATES
    ]
    return "\n".join([head + " |", "|---|---|---|---|", *rows])


def power(number: int) -> str:
    """A power of ten as documents write it."""
    return f"10^{round(math.log10(number))}"


def written(text: str, tables: dict[str, str]) -> str:
    """A document with each table between its marks: ``<!-- table NAME -->``, ``<!-- end -->``."""
    for name, table in tables.items():
        mark = re.compile(rf"(<!-- table {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = mark.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)  # noqa: B023
    return text


def main() -> None:
    """Print the tables, or put them into a document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    for one in fields(Parameters):
        told = f"{one.metadata['what']} ({one.default:.4g}; {one.metadata['source']})"
        parser.add_argument(
            "--" + one.name.replace("_", "-"),
            type=float,
            default=one.default,
            help=told.replace("%", "%%"),
        )
    parser.add_argument("--write", type=Path, help="a document with marks, such as docs/scale.md")
    args = vars(parser.parse_args())
    path = args.pop("write")
    tables = tables_of(Parameters(**args))
    if path:
        path.write_text(written(path.read_text("utf-8"), tables), encoding="utf-8")
    else:
        print("\n\n".join(f"{name}\n\n{table}" for name, table in tables.items()))


if __name__ == "__main__":
    main()
