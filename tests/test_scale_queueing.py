"""The simulation against closed forms of queueing theory, its pool against the real one's rules."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evals" / "scale"))

from pooled import Address, Pool
from queueing import Service, simulated
from service_times import Times, drawn, in_postgres
from simulation import Delay, Process, Shared, Simulation, Station

FEW, MANY = 30_000, 120_000


def mean_time(
    arrivals: float,
    service: Callable[[random.Random], float],
    servers: int,
    *,
    shared: bool = False,
) -> float:
    """The mean time from arrival to departure, of customers at random times."""
    # Near saturation times depend on each other for long, so that it takes more for a sure mean.
    customers = MANY if arrivals / servers > 0.7 else FEW
    simulation, chance, times = Simulation(), random.Random(7), []  # noqa: S311
    station = Station(simulation, servers)
    processors = Shared(simulation, servers)

    def customer() -> Process:
        began = simulation.now
        yield from (processors if shared else station).served(service(chance))
        times.append(simulation.now - began)

    def source() -> Process:
        for _ in range(customers):
            yield Delay(chance.expovariate(arrivals))
            simulation.start(customer())

    simulation.start(source())
    simulation.run(customers / arrivals * 2)
    assert len(times) == customers
    return sum(times[customers // 20 :]) / (customers - customers // 20)


def erlang_c(servers: int, offered: float) -> float:
    """The probability of waiting in M/M/c; Erlang (1917)."""
    terms = [offered**n / math.factorial(n) for n in range(servers)]
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(terms) + last)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_server_with_exponential_times_is_m_m_1(load: float) -> None:
    seen = mean_time(load, lambda chance: chance.expovariate(1.0), 1)
    assert seen == pytest.approx(1 / (1 - load), rel=0.06)


@pytest.mark.parametrize(("servers", "load"), [(2, 0.5), (2, 0.8), (8, 0.8)])
def test_several_servers_are_m_m_c(servers: int, load: float) -> None:
    seen = mean_time(load * servers, lambda chance: chance.expovariate(1.0), servers)
    wait = erlang_c(servers, load * servers) / (servers * (1 - load))
    assert seen == pytest.approx(1 + wait, rel=0.05)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_fixed_times_are_m_d_1(load: float) -> None:
    seen = mean_time(load, lambda chance: 1.0, 1)
    assert seen == pytest.approx(1 + load / (2 * (1 - load)), rel=0.05)


@pytest.mark.parametrize("service", [lambda c: c.expovariate(1.0), lambda c: 1.0], ids=["M", "D"])
def test_a_shared_processor_is_m_g_1_ps_whatever_the_distribution(
    service: Callable[[random.Random], float],
) -> None:
    assert mean_time(0.6, service, 1, shared=True) == pytest.approx(2.5, rel=0.06)


def test_draws_have_the_measured_quantiles() -> None:
    levels = [*range(0, 100, 5), 99, 100]
    draw, chance = (
        drawn({"levels": levels, "values": [float(level**2) for level in levels]}),
        random.Random(1),  # noqa: S311
    )
    ordered = sorted(draw(chance) for _ in range(20_000))
    for percent in (10, 50, 90):
        assert ordered[200 * percent] == pytest.approx(percent**2 / 1000, rel=0.05)


def fixed(judge: float, first: float, rest: float, search: float = 0.01) -> Times:
    return Times(lambda _: search, lambda _: 0.0, lambda _: (judge, first, rest), lambda _: 0.0)


def test_the_whole_service_is_m_d_2_when_its_model_has_room_for_two() -> None:
    # Each question takes 1 s of the model; two are at work at a time, which it does not slow down.
    service = Service(answering=2, slots=2, speed=2.0, at_once=1000)
    outcome = simulated(service, fixed(0.2, 0.3, 0.5, 0.0), 60 * 1.5, 20_000)
    # Cosmetatos' approximation of M/D/c (1975), from M/M/c.
    rho, servers = 0.75, 2
    m_m_c = erlang_c(servers, rho * servers) / (servers * (1 - rho))
    factor = 1 + (1 - rho) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2) / (16 * rho * servers)
    mean = sum(outcome.answers) / len(outcome.answers)
    assert mean == pytest.approx(1 + m_m_c / 2 * factor, rel=0.06)
    assert outcome.used["turns"] == pytest.approx(0.75, rel=0.03)
    assert outcome.refused == 0


def always(milliseconds: float) -> dict[str, list[float]]:
    return {"levels": [0, 100], "values": [milliseconds, milliseconds]}


def test_a_store_behind_an_address_is_searched_twice_and_the_default_store_no_more() -> None:
    stages = {
        "embed_a_question": always(10.0),
        "cpu_ms": {"verify": always(20.0), "compose": always(45.0), "retrieve": always(5.0)},
    }
    sizes = {
        "30000": {"server": always(1.0), "client": always(1.0)},
        "100000": {"server": always(200.0), "client": always(30.0)},
    }
    found = {"stages": stages, "postgres": {"sizes": sizes}}
    times = in_postgres(fixed(0.0, 0.0, 0.0), found)
    outcome = simulated(Service(store_servers=1), times, 2, 20_000)
    # Nobody else is there: 10 + 30 + 200, then 200 + 20 + (45 - 5) + 30 more.
    assert outcome.at(outcome.evidence, 50) == pytest.approx(0.240)
    assert outcome.at(outcome.answers, 50) == pytest.approx(0.530)
    assert outcome.used["store"] == pytest.approx(0.4 * outcome.asked / 18_000, rel=0.15)
    # Two searches of 200 ms a question: a server does no more than 150 questions a minute.
    full = simulated(Service(processes=8, store_servers=1), times, 300, 600)
    assert full.used["store"] == pytest.approx(1.0, abs=0.02)
    assert full.refused > 0.4 * full.asked


def test_more_than_at_once_are_refused_and_evidence_does_not_wait_for_the_model() -> None:
    service = Service(at_once=4, answering=1)
    outcome = simulated(service, fixed(1.0, 2.0, 7.0), 60, 20_000)
    # Of 1 a second the model answers 0.1: nine in ten are refused, since the place is always full.
    assert outcome.refused / outcome.asked == pytest.approx(0.9, abs=0.01)
    assert outcome.at(outcome.evidence, 99) < 0.05
    assert outcome.at(outcome.answers, 50) > 25
    assert outcome.used["llm"] > 0.99


def pool_of(
    addresses: int, at_once: int = 8, slots: int = 8
) -> tuple[Simulation, list[Address], Pool]:
    simulation = Simulation()
    servers = [Address(simulation, slots, float(slots)) for _ in range(addresses)]
    return simulation, servers, Pool(simulation, servers, at_once, random.Random(3))  # noqa: S311


def asked(pool: Pool, said: list[tuple[str, float]], first: float, rest: float) -> Process:
    what = yield from pool.asked(first, rest)
    said.append((what, pool.simulation.now))


def test_the_address_with_the_fewest_requests_is_asked_and_none_too_much() -> None:
    simulation, servers, pool = pool_of(2, at_once=3)
    said: list[tuple[str, float]] = []
    for _ in range(8):
        simulation.start(asked(pool, said, 1.0, 1.0))
    assert [len(server.work) for server in servers] == [3, 3]
    assert len(pool.waiting) == 2
    simulation.run(10)
    assert [what for what, _ in said] == ["done"] * 8
    assert [when for _, when in said] == pytest.approx([2.0] * 6 + [4.0] * 2)


def test_what_had_not_begun_goes_elsewhere_and_what_had_is_lost() -> None:
    simulation, servers, pool = pool_of(2)
    early: list[tuple[str, float]] = []
    late: list[tuple[str, float]] = []
    for _ in range(4):
        simulation.start(asked(pool, early, 1.0, 9.0))
    simulation.run(3)
    for _ in range(4):
        simulation.start(asked(pool, late, 5.0, 1.0))
    simulation.at(4.0, servers[0].die)
    simulation.run(60)
    assert sorted(what for what, _ in early) == ["broken", "broken", "done", "done"]
    assert [what for what, _ in late] == ["done"] * 4
    assert sorted(when for _, when in late) == pytest.approx([9.0, 9.0, 10.0, 10.0])


def test_an_address_that_failed_rests_is_tried_by_one_and_comes_back() -> None:
    simulation, servers, pool = pool_of(2)
    servers[0].die()
    said: list[tuple[str, float]] = []

    def steady() -> Process:
        for _ in range(200):
            simulation.start(asked(pool, said, 0.4, 0.4))
            yield Delay(0.2)

    simulation.start(steady())
    simulation.at(10.0, servers[0].rise)
    simulation.run(9.9)
    assert servers[0].work.busy_seconds == 0
    simulation.run(60)
    assert [what for what, _ in said] == ["done"] * 200
    assert servers[0].work.busy_seconds == pytest.approx(servers[1].work.busy_seconds, rel=0.6)


def test_one_request_tries_an_address_that_failed_while_another_can_be_asked() -> None:
    simulation, servers, pool = pool_of(2)
    servers[0].die()
    said: list[tuple[str, float]] = []
    for _ in range(4):
        simulation.start(asked(pool, said, 0.1, 0.1))
    simulation.run(0.05)
    servers[0].rise()
    simulation.run(3.0)
    assert [what for what, _ in said] == ["done"] * 4
    for _ in range(8):
        simulation.start(asked(pool, said, 1.0, 9.0))
    simulation.run(3.5)
    assert [len(server.work) for server in servers] == [1, 7]
    simulation.run(4.5)
    for _ in range(4):
        simulation.start(asked(pool, said, 1.0, 9.0))
    assert [len(server.work) for server in servers] == [5, 7], "it is one like the other again"


def test_nobody_there_is_told_after_three_rounds() -> None:
    simulation, servers, pool = pool_of(1)
    servers[0].die()
    said: list[tuple[str, float]] = []
    simulation.start(asked(pool, said, 1.0, 1.0))
    simulation.run(60)
    ((what, when),) = said
    assert what == "failed"
    assert 0.3 < when < 1.2, "two pauses, of .125 to .375 and .25 to .75 s"


def test_a_second_address_takes_over_without_a_question_lost_but_those_that_had_begun() -> None:
    times = fixed(0.2, 0.3, 0.5)
    service = Service(
        processes=2, answering=4, addresses=2, slots=8, speed=8.0, outages=((0, 500.0, 900.0),)
    )
    outcome = simulated(service, times, 120, 2000)
    assert outcome.failed == 0
    assert 0 < outcome.broken <= 8
    alone = simulated(
        Service(
            processes=2, answering=4, addresses=1, slots=8, speed=8.0, outages=((0, 500.0, 900.0),)
        ),
        times,
        120,
        2000,
    )
    assert alone.failed > 500
