"""The line before the language model is fair, honest, and empties whatever happens."""

from __future__ import annotations

import json
import threading
import time

from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st

from citewise.bounds import Bounds
from citewise.ui import build_app
from citewise.ui.line import Line, Place
from citewise.ui.turns import Asked, turn_views
from ui_double import Double


def first(place: Place) -> tuple[int, float | None] | None:
    return next(place.wait(), None)


def test_who_comes_first_goes_first() -> None:
    line = Line(2, clock=lambda: 0.0)
    places = [line.join() for _ in range(5)]
    assert [first(place) for place in places] == [None, None, (1, None), (2, None), (3, None)]
    places[1].leave()
    assert [first(place) for place in places[2:]] == [None, (1, 0.0), (2, 0.0)]


def test_the_time_told_is_what_the_latest_turns_took() -> None:
    now = [0.0]
    line = Line(1, clock=lambda: now[0])
    for seconds in (4.0, 6.0, 5.0):
        place = line.join()
        assert first(place) is None
        now[0] += seconds
        place.leave()
    places = [line.join() for _ in range(4)]
    assert [first(place) for place in places] == [None, (1, 5.0), (2, 10.0), (3, 15.0)]


def test_who_goes_away_while_waiting_counts_for_nobody() -> None:
    line = Line(1)
    one, two, three = (line.join() for _ in range(3))
    assert first(one) is None
    two.leave()
    two.leave()
    assert first(three) == (1, None)
    one.leave()
    assert first(three) is None
    three.leave()
    assert len(line) == 0


def test_threads_are_let_in_in_the_order_in_which_they_came() -> None:
    line, order, at_work, most = Line(3), [], 0, 0
    lock = threading.Lock()
    places = [line.join() for _ in range(24)]

    def work(number: int) -> None:
        nonlocal at_work, most
        told = [ahead for ahead, _ in places[number].wait()]
        assert told == sorted(told, reverse=True)
        with lock:
            order.append(number)
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.01)
        with lock:
            at_work -= 1
        places[number].leave()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(24)]
    for thread in reversed(threads):
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most <= 3
    assert sorted(order) == list(range(24))
    assert all(abs(number - place) < 6 for place, number in enumerate(order))
    assert len(line) == 0


@given(st.integers(1, 4), st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=60))
@settings(deadline=None)
def test_those_ahead_never_become_more(at_once: int, steps: list[tuple[bool, int]]) -> None:
    line = Line(at_once)
    places: list[Place] = []
    told: dict[int, int] = {}
    for joins, which in steps:
        if joins or not places:
            places.append(line.join())
        else:
            gone = places.pop(which % len(places))
            gone.leave()
            told.pop(id(gone), None)
        for place in places:
            ahead = (first(place) or (0, None))[0]
            assert ahead <= told.get(id(place), 99)
            told[id(place)] = ahead
        assert sum(told[id(place)] == 0 for place in places) == min(at_once, len(places))


def test_a_question_shows_its_evidence_then_its_place_then_its_answer() -> None:
    line, double = Line(1, clock=lambda: 0.0), Double()
    other = line.join()
    assert first(other) is None
    views = turn_views(double, Asked("What?"), line=line)
    assert next(views)["type"] == "evidence"
    assert next(views) == {"type": "queue", "ahead": 1, "seconds": None}
    other.leave()
    assert next(views) == {"type": "queue", "ahead": 0, "seconds": None}
    assert [view["type"] for view in views][-2:] == ["answer", "followups"]
    assert len(line) == 0


def test_whoever_stops_while_waiting_or_fails_leaves_the_line() -> None:
    line, double = Line(1), Double()
    other = line.join()
    views = turn_views(double, Asked("What?"), line=line)
    assert [next(views)["type"] for _ in range(2)] == ["evidence", "queue"]
    assert len(line) == 2
    views.close()  # type: ignore[attr-defined]
    assert (len(line), double.cancelled) == (1, 1)
    other.leave()
    assert list(turn_views(double, Asked("crash"), line=line))[-1]["type"] == "error"
    assert len(line) == 0


def test_one_that_is_refused_is_told_when_a_turn_is_likely_to_end() -> None:
    now = [0.0]
    line = Line(2, clock=lambda: now[0])
    assert line.until_one_ends() == 5.0
    place = line.join()
    assert first(place) is None
    now[0] = 8.0
    place.leave()
    assert line.until_one_ends() == 4.0


def test_more_than_can_wait_are_refused_in_words() -> None:
    double = Double(pause=0.3)
    with TestClient(
        build_app(double, bounds=Bounds(at_once=2, answering=1)), base_url="http://127.0.0.1"
    ) as client:
        replies: list[Response] = []

        def ask() -> None:
            replies.append(client.post("/api/ask", json={"question": "What?"}))

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        codes = sorted(reply.status_code for reply in replies)
        assert codes == [200, 200, 503, 503, 503]
        refused = next(reply for reply in replies if reply.status_code == 503)
        assert refused.json()["error"] == "busy"
        assert "Ask again" in refused.json()["message"]
        assert refused.headers["retry-after"] == "5"
        queued = [
            line for reply in replies for line in reply.text.splitlines() if '"queue"' in line
        ]
        assert json.loads(queued[0])["ahead"] == 1
        assert ask() is None
        assert replies[-1].status_code == 200
