"""The service as a queueing network, simulated: app processes, their store, their language model.

    python evals/scale/queueing.py [--rates 1 2 4] [--processes 1] [--addresses 1] [--slots 1] ...

(Not ``queue.py``: run as a script it would stand in the way of Python's own ``queue``.)

A question comes to one of the processes, at random times (Poisson). A process that has
``at_once`` of them refuses it. It takes the process's processor and the store until its evidence
is shown; then it waits in the process's line (``citewise.ui.line``), ``answering`` of which are at
work; then the model is asked whether the sources answer, and for a draft (``pooled.py``), which is
checked. Service times are drawn from the measured distributions (``measured.json``).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chat_line import Line, Turn
from pooled import Address, Pool
from service_times import Times, faster, in_postgres, measured_times
from simulation import Process, Shared, Simulation, Station

__all__ = ["Outcome", "Service", "simulated", "table"]

_OPTIONS = (
    "processes",
    "at_once",
    "answering",
    "store_servers",
    "addresses",
    "slots",
    "llm_at_once",
)
MEASURED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class Service:
    """What there is. The bounds are the chat's own defaults (``docs/settings.md``).

    ``outages``: which address dies when, and when it is back.
    """

    processes: int = 1
    processors: float = 1.0
    at_once: int = 16
    answering: int = 2
    store_servers: int = 2
    addresses: int = 1
    slots: int = 1
    speed: float = 1.0
    llm_at_once: int = 8
    outages: tuple[tuple[int, float, float], ...] = ()


@dataclass(slots=True)
class Outcome:
    """What came of it; times in seconds, shares from 0 to 1."""

    evidence: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    asked: int = 0
    refused: int = 0
    broken: int = 0
    failed: int = 0
    used: dict[str, float] = field(default_factory=dict)
    in_line: float = 0.0

    def at(self, times: Sequence[float], percent: float) -> float:
        """A percentile; not a number if there are none."""
        ordered = sorted(times)
        return (
            ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))]
            if ordered
            else float("nan")
        )


class _Processes:
    """The app's processes, and what they share."""

    def __init__(self, service: Service, times: Times, seed: int) -> None:
        self.service, self.times = service, times
        self.chance = random.Random(seed)
        self.simulation = sim = Simulation()
        self.addresses = [
            Address(sim, service.slots, service.speed) for _ in range(service.addresses)
        ]
        self.store = Station(sim, service.store_servers)
        self.work = [Shared(sim, service.processors) for _ in range(service.processes)]
        self.lines = [Line(service.answering) for _ in range(service.processes)]
        self.pools = [
            Pool(sim, self.addresses, service.llm_at_once, self.chance)
            for _ in range(service.processes)
        ]
        self.inside = [0] * service.processes
        self.outcome = Outcome()
        self.waited = self.turns = 0.0
        for number, dies, rises in service.outages:
            sim.at(dies, self.addresses[number].die)
            sim.at(rises, self.addresses[number].rise)

    def question(self, process: int, counted: bool) -> Process:
        """One question from its arrival to its answer."""
        out, began = self.outcome, self.simulation.now
        out.asked += counted
        if self.inside[process] >= self.service.at_once:
            out.refused += counted
            return
        self.inside[process] += 1
        place = Turn(self.lines[process])
        place.line.places.append(place)
        yield from self.work[process].served(self.times.search(self.chance))
        yield from self.store.served(self.times.store(self.chance))
        if counted:
            out.evidence.append(self.simulation.now - began)
        since = self.simulation.now
        yield from place.waited()
        self.waited += self.simulation.now - since
        since = self.simulation.now
        judge, first, rest = self.times.pick(self.chance)
        said = yield from self.pools[process].asked(judge, 0.0)
        if said == "done":
            said = yield from self.pools[process].asked(first, rest)
        if said == "done":
            if self.times.again:
                yield from self.store.served(self.times.again(self.chance))
            yield from self.work[process].served(self.times.check(self.chance))
        self.turns += self.simulation.now - since
        place.leave()
        self.inside[process] -= 1
        if counted and said == "done":
            out.answers.append(self.simulation.now - began)
        elif counted:
            out.broken += said == "broken"
            out.failed += said == "failed"

    def arrivals(self, a_minute: float, warming: float, until: float) -> None:
        """Plan the next arrival, from which the one after it is planned."""
        sim = self.simulation
        when = sim.now + self.chance.expovariate(a_minute / 60)
        if when > until:
            return

        def arrive() -> None:
            process = self.chance.randrange(self.service.processes)
            sim.start(self.question(process, sim.now >= warming))
            self.arrivals(a_minute, warming, until)

        sim.at(when, arrive)


def simulated(
    service: Service, times: Times, a_minute: float, seconds: float, seed: int = 0
) -> Outcome:
    """What comes of questions at a rate; the first tenth of the time is not counted."""
    world = _Processes(service, times, seed)
    world.arrivals(a_minute, seconds / 10, seconds)
    world.simulation.run(seconds)
    out = world.outcome
    busy = {
        "app": (sum(w.busy_seconds for w in world.work), service.processes * service.processors),
        "store": (world.store.busy_seconds, service.store_servers),
        "turns": (world.turns, service.processes * service.answering),
        "llm": (
            sum(a.work.busy_seconds for a in world.addresses),
            service.addresses * min(service.speed, service.slots),
        ),
    }
    out.used = {name: spent / (of * seconds) for name, (spent, of) in busy.items()}
    out.in_line = world.waited / seconds
    return out


def table(service: Service, times: Times, rates: Sequence[float], seconds: float) -> str:
    """A Markdown table, a row for each rate."""
    head = (
        "| questions a minute | evidence p50, p95, p99 (s) | answer p50, p95, p99 (s) | refused "
        "| broken off or failed | in line | at work: app, store, model's turns, model |\n"
        "|---|---|---|---|---|---|---|"
    )
    rows = [_row(rate, simulated(service, times, rate, seconds)) for rate in rates]
    return "\n".join([head, *rows])


def _row(rate: float, out: Outcome) -> str:
    evidence, answers = _three(out, out.evidence), _three(out, out.answers)
    used = ", ".join(f"{out.used[name]:.0%}" for name in ("app", "store", "turns", "llm"))
    lost = f"{out.broken + out.failed} of {out.asked}"
    refused = f"{out.refused / out.asked:.1%}"
    return (
        f"| {rate:g} | {evidence} | {answers} | {refused} | {lost} | {out.in_line:.1f} | {used} |"
    )


def _three(out: Outcome, times: Sequence[float]) -> str:
    return ", ".join(f"{out.at(times, percent):.3g}" for percent in (50, 95, 99))


def main() -> None:
    """Print a table for the service asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rates", nargs="+", type=float, default=[1, 2, 4, 6, 8])
    parser.add_argument("--seconds", type=float, default=36_000, help="of simulated time")
    for name in _OPTIONS:
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=int, default=getattr(Service(), name))
    parser.add_argument("--speed", type=float, default=1.0, help="requests at full speed at once")
    parser.add_argument("--faster", type=float, default=1.0, help="the model, times the measured")
    parser.add_argument("--store", choices=("embedded", "postgresql"), default="embedded")
    parser.add_argument("--dies", nargs=2, type=float, metavar=("FROM", "UNTIL"))
    args = parser.parse_args()
    given = {name: getattr(args, name) for name in _OPTIONS}
    outages = ((0, *args.dies),) if args.dies else ()
    found = json.loads(MEASURED.read_text("utf-8"))
    times = faster(measured_times(found), args.faster)
    if args.store == "postgresql":
        times = in_postgres(times, found)
    print(
        table(Service(**given, speed=args.speed, outages=outages), times, args.rates, args.seconds)
    )


if __name__ == "__main__":
    main()
