"""A model at several addresses: some die, hang, break off or come back, and nobody is mixed up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from citewise import generator_pool
from citewise.errors import GeneratorError, InputError
from citewise.fetching import ensure
from citewise.generator_pool import AddressLoad, GeneratorPool
from citewise.generators import make_generator
from citewise.llama_process import LlamaProcess
from citewise.llm_addresses import Address, parsed_addresses, with_keys
from citewise.openai_api import Limits
from citewise.protocols import Prompt
from citewise.registry import DEFAULT_LLM, get
from citewise.settings import current, using
from fake_llm import FakeLLM, Reply, Request, event

ASKERS = 16
QUICK, PATIENT = Limits(silence=0.4), Limits(silence=20.0)


def echo(request: Request) -> Reply:
    """The reply that belongs to one question alone."""
    return Reply(f"You asked {request.user} today.", logprobs={"Yes": -0.1, "No": -2.5})


class Counting:
    """Echoes after a moment; ``most`` requests were in flight at a time."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.02)
        with self._lock:
            self._now -= 1
        return echo(request)


def asked(pool: GeneratorPool, text: str) -> str:
    return "".join(pool.stream(Prompt("", text), max_tokens=50))


@pytest.fixture
def servers() -> Iterator[tuple[FakeLLM, FakeLLM]]:
    with FakeLLM(echo) as first, FakeLLM(echo) as second:
        yield first, second


@pytest.fixture
def make() -> Iterator[Callable[..., GeneratorPool]]:
    """Makes a pool over fake servers, and closes it."""
    with ExitStack() as stack:

        def made(*servers: FakeLLM, limits: Limits = PATIENT) -> GeneratorPool:
            pool = GeneratorPool([Address(llm.url, "fake") for llm in servers], limits)
            stack.callback(pool.close)
            return pool

        yield made


@pytest.fixture
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_pool, "_FIRST_REST", 0.2)
    monkeypatch.setattr(generator_pool, "_LONGEST_REST", 0.3)
    monkeypatch.setattr(generator_pool, "_PAUSE", 0.02)


def all_ask(
    pool: GeneratorPool, each: int = 6, before: Callable[[int], None] | None = None
) -> None:
    """Many threads ask at once; each has to get the replies to its own questions."""

    def ask(asker: int) -> None:
        for turn in range(each):
            if before is not None:
                before(asker * each + turn)
            text = f"{asker}-{turn}"
            assert asked(pool, text) == f"You asked {text} today."
            assert pool.yes_log_odds(Prompt("", text)) == pytest.approx(2.4)

    with ThreadPoolExecutor(ASKERS) as threads:
        for future in [threads.submit(ask, asker) for asker in range(ASKERS)]:
            future.result()


def test_every_answer_goes_to_its_own_asker_and_both_places_work(
    servers: tuple[FakeLLM, FakeLLM], make: Callable[..., GeneratorPool]
) -> None:
    all_ask(make(*servers))
    counts = [len(server.requests) for server in servers]
    assert sum(counts) == ASKERS * 6 * 2
    assert min(counts) > ASKERS


def test_requests_about_one_question_go_to_one_place(
    servers: tuple[FakeLLM, FakeLLM], make: Callable[..., GeneratorPool]
) -> None:
    pool = make(*servers)
    for number in range(8):
        sources = f"{number} " * 200
        pool.yes_log_odds(Prompt("", sources + "Do they tell?"))
        asked(pool, sources + "Tell.")
    seen = [sorted(request.user.split()[0] for request in llm.requests) for llm in servers]
    assert all(users[::2] == users[1::2] for users in seen)
    assert all(seen), "the places should share the questions"


def test_one_that_dies_under_load_is_not_noticed_and_is_asked_again_when_it_is_back(
    make: Callable[..., GeneratorPool], short_rests: None
) -> None:
    with FakeLLM(echo) as steady, ExitStack() as stack:
        mortal = stack.enter_context(FakeLLM(echo))
        pool = make(mortal, steady)
        deaths = stack.pop_all()

        def dies(number: int) -> None:
            if number == ASKERS * 2:
                deaths.close()

        all_ask(pool, before=dies)
        had = len(mortal.requests)
        assert had > 0
        port = int(mortal.url.split(":")[2].split("/")[0])
        with FakeLLM(echo, port=port) as risen:
            time.sleep(0.5)
            all_ask(pool)
            assert len(risen.requests) > ASKERS


def test_a_place_that_failed_is_left_alone_then_tried_by_one(
    servers: tuple[FakeLLM, FakeLLM],
    make: Callable[..., GeneratorPool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generator_pool, "_FIRST_REST", 4.0)
    sick, well = servers
    sick.standing = Reply(status=503, body=b"overloaded")
    pool = make(sick, well)
    tried = 0
    while not sick.requests:
        asked(pool, f"{(tried := tried + 1)}")
    for number in range(6):
        asked(pool, f"{number}")
    assert len(sick.requests) == 1, "it rests"
    time.sleep(5)
    gate, inside = threading.Event(), []

    def slow(request: Request) -> Reply:
        inside.append(request.user)
        gate.wait(15)
        return echo(request)

    sick.standing = slow
    with ThreadPoolExecutor(ASKERS) as threads:
        replies = [threads.submit(asked, pool, f"q{n}") for n in range(ASKERS)]
        time.sleep(1)
        assert len(inside) == 1, "one request tries it, the others go elsewhere"
        gate.set()
        assert [reply.result() for reply in replies] == [
            f"You asked q{n} today." for n in range(ASKERS)
        ]
    sick.standing = counting = Counting()
    all_ask(pool)
    assert counting.most > 1, "it is a place like the other again"


@pytest.mark.parametrize(
    "fault",
    [
        Reply(status=500),
        Reply(body=event({"error": {"message": "EngineCore died", "code": 500}})),
        Reply(status=502),
        Reply(status=503, headers={"Retry-After": "60"}),
        Reply(status=429, headers={"Retry-After": "60"}),
        Reply("", ending="broken"),
        Reply("", ending="silent_end"),
        Reply("", ending="hang"),
    ],
    ids=["500", "told in the stream", "502", "503", "429", "broken", "silent_end", "hang"],
)
def test_what_fails_before_the_first_piece_is_asked_elsewhere(
    servers: tuple[FakeLLM, FakeLLM], make: Callable[..., GeneratorPool], fault: Reply
) -> None:
    servers[0].standing = fault
    pool = make(*servers, limits=QUICK)
    number = 0
    while not servers[0].requests:  # which of two free places is asked first depends on the words
        number += 1
        assert asked(pool, f"{number}") == f"You asked {number} today."
    assert len(servers[0].requests) == 1
    assert len(servers[1].requests) == number


def test_what_each_address_was_asked_is_counted(
    make: Callable[..., GeneratorPool], servers: tuple[FakeLLM, FakeLLM], short_rests: None
) -> None:
    pool = make(*servers)
    asked(pool, "who?")
    first = next(llm for llm in servers if llm.requests)
    number = servers.index(first)
    first.script = [Reply(status=503)]
    assert asked(pool, "who?") == "You asked who? today."
    first.script = [Reply("One two three.", ending="broken")]
    time.sleep(0.3)  # until it is tried again
    with pytest.raises(GeneratorError):
        asked(pool, "who?")
    loads = pool.loads()
    assert loads[number] == AddressLoad(requests=3, failures=2)
    assert loads[1 - number] == AddressLoad(requests=1, failovers=1)
    pieces = pool.stream(Prompt("", "again?"), max_tokens=9)
    next(pieces)
    assert sum(load.in_flight for load in pool.loads()) == 1
    pieces.close()
    assert sum(load.in_flight for load in pool.loads()) == 0


def test_a_refusal_counts_as_a_failure(make: Callable[..., GeneratorPool]) -> None:
    with FakeLLM(Reply(status=400)) as llm, pytest.raises(GeneratorError):
        pool = make(llm)
        asked(pool, "who?")
    assert pool.loads() == [AddressLoad(requests=1, failures=1)]


def test_a_model_is_reachable_if_any_address_answers(make: Callable[..., GeneratorPool]) -> None:
    with FakeLLM(echo) as dead:
        pass
    with FakeLLM(echo) as alive:
        pool = make(dead, alive)
        pool.demand_reachable()
    assert pool.loads() == [AddressLoad(), AddressLoad()]
    with pytest.raises(GeneratorError, match="refused"):
        pool.demand_reachable()


@pytest.mark.parametrize("ending", ["broken", "silent_end", "hang"])
def test_what_breaks_off_after_the_first_piece_is_never_asked_again(
    servers: tuple[FakeLLM, FakeLLM], make: Callable[..., GeneratorPool], ending: str
) -> None:
    for server in servers:
        server.standing = Reply("half of", ending=ending)  # type: ignore[arg-type]
    pool = make(*servers, limits=QUICK)
    shown: list[str] = []
    with pytest.raises(GeneratorError, match=r"broke off in the middle|fell silent"):
        for piece in pool.stream(Prompt("", "x"), max_tokens=9):
            shown.append(piece)  # noqa: PERF402
    assert shown == ["half", " of"]
    assert sum(len(server.requests) for server in servers) == 1


def test_what_breaks_every_server_breaks_each_once(
    servers: tuple[FakeLLM, FakeLLM], make: Callable[..., GeneratorPool]
) -> None:
    for server in servers:
        server.standing = Reply(status=500, body=b"engine")
    with pytest.raises(GeneratorError, match="HTTP 500: engine"):
        asked(make(*servers), "x")
    assert [len(server.requests) for server in servers] == [1, 1]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_told_at_once(
    servers: tuple[FakeLLM, FakeLLM], make: Callable[..., GeneratorPool], status: int
) -> None:
    for server in servers:
        server.standing = Reply(status=status, body=b"no")
    with pytest.raises(GeneratorError, match=f"HTTP {status}"):
        asked(make(*servers), "x")
    assert sum(len(server.requests) for server in servers) == 1


def test_one_address_is_tried_thrice(make: Callable[..., GeneratorPool], short_rests: None) -> None:
    with FakeLLM(echo) as llm:
        pool = make(llm)
        busy = Reply(status=503)
        llm.script = [busy, busy]
        assert asked(pool, "x") == "You asked x today."
        llm.script = [busy, busy, busy, busy]
        with pytest.raises(GeneratorError, match="HTTP 503"):
            asked(pool, "x")
        assert len(llm.requests) == 6
    with pytest.raises(GeneratorError, match="Nothing answers at"):
        asked(pool, "x")


def test_a_server_that_says_when_is_waited_for_unless_it_is_long(
    make: Callable[..., GeneratorPool],
) -> None:
    with FakeLLM(echo) as llm:
        pool = make(llm)
        llm.script = [Reply(status=429, headers={"Retry-After": "0.7"})]
        began = time.monotonic()
        assert asked(pool, "x") == "You asked x today."
        assert 0.7 <= time.monotonic() - began < 3
        llm.standing = Reply(status=429, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})
        began = time.monotonic()
        with pytest.raises(GeneratorError, match="HTTP 429"):
            asked(pool, "x")
        assert time.monotonic() - began < 1
        assert len(llm.requests) == 3


def test_no_address_has_more_in_flight_than_allowed(make: Callable[..., GeneratorPool]) -> None:
    counting = Counting()
    with FakeLLM(counting) as llm:
        all_ask(make(llm, limits=Limits(at_once=3)), each=2)
    assert counting.most == 3


def test_whoever_waits_too_long_for_a_place_is_told(make: Callable[..., GeneratorPool]) -> None:
    with FakeLLM(echo) as llm:
        pool = make(llm, limits=Limits(silence=0.3, at_once=1))
        held = pool.stream(Prompt("", "long"), max_tokens=50)
        next(held)
        with pytest.raises(GeneratorError, match=r"busy for 0\.3 seconds\. .*llm_at_once"):
            asked(pool, "x")
        held.close()
        assert asked(pool, "x") == "You asked x today."


def test_a_model_is_found_though_an_address_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_LLM_SILENCE", "1")
    with FakeLLM(echo) as dead:
        pass
    with FakeLLM(echo, models=("big", "small")) as alive:
        generator = make_generator(f"{dead.url}, {alive.url}")
        assert isinstance(generator, GeneratorPool)
        assert generator.name == "big"
        assert asked(generator, "x") == "You asked x today."
        assert alive.requests[-1].json["model"] == "big"
        generator.close()
    with pytest.raises(GeneratorError, match="Nothing answers"):
        make_generator(dead.url)


def test_each_key_goes_to_its_own_address(servers: tuple[FakeLLM, FakeLLM], tmp_path: Path) -> None:
    first, second = servers
    path = tmp_path / "x.toml"
    path.write_text(
        f'llm = ["{first.url}#fake", "{second.url}#fake"]\nllm_at_once = 1\n'
        f'[api_key]\n"{first.url}" = "key-of-first"\n"{second.url}" = "key-of-second"\n'
    )
    with using(str(path)):
        generator = make_generator(current().llm)
    assert isinstance(generator, GeneratorPool)
    for server in servers:
        server.script = [Reply(status=503)]
    assert "key-of" not in repr(generator)
    all_ask(generator, each=2)
    for server, key in zip(servers, ("key-of-first", "key-of-second"), strict=True):
        assert {request.headers["authorization"] for request in server.requests} == {
            f"Bearer {key}"
        }
    generator.close()


def test_one_key_is_not_given_to_two_servers() -> None:
    two = parsed_addresses("http://a:1/v1#m, http://b:1/v1#m")
    with pytest.raises(InputError, match=r"one key and several servers.*http://host:port/v1=KEY"):
        with_keys(two, "sk-1")
    assert [a.key for a in with_keys(two[:1], "sk-1=,x")] == ["sk-1=,x"]
    assert [a.key for a in with_keys(two, "")] == ["", ""]
    assert [a.key for a in with_keys(two, "http://b:1=k==, http://c/v1=z")] == ["", "k=="]
    assert [a.key for a in with_keys(two, "http://a:1=short,http://a:1/v1=long")] == ["long", ""]
    like = parsed_addresses("http://a.example/v1, http://a/v11")
    assert [a.key for a in with_keys(like, "http://a=k, http://a/v1=l")] == ["", "k"]


@pytest.mark.parametrize(
    "setting",
    ["http://a/v1, local", "http://a/v1, ftp://b/v1", "http://a/v1, http://b/v1?key=hidden"],
)
def test_a_list_holds_addresses_alone(setting: str) -> None:
    with pytest.raises(InputError, match="names no model") as caught:
        make_generator(setting)
    assert "hidden" not in str(caught.value)


@pytest.mark.model
def test_two_real_servers_with_parallel_slots_of_which_one_is_killed(tmp_path: Path) -> None:
    model = ensure(get(DEFAULT_LLM))
    child = {"model": str(model), "name": "m", "context": 2048, "parallel": 2, "threads": 1}
    processes = [LlamaProcess({**child, "prompt_cache_mib": 0}, tmp_path) for _ in range(2)]
    try:
        for process in processes:
            process.wait_ready(300)
        addresses = [Address(f"{p.address}/v1", "m", p.key) for p in processes]
        pool = GeneratorPool(addresses, Limits(at_once=2))
        words = ["apple", "river", "stone", "cloud", "tiger", "bread", "chair", "music"]
        begun = threading.Barrier(5)

        def ask(word: str, wait: bool) -> str:
            text = f"Repeat this word 20 times, and nothing else: {word}"
            pieces = pool.stream(Prompt("You repeat words.", text), max_tokens=40)
            reply = next(pieces)
            if wait:
                begun.wait(120)
            return reply + "".join(pieces)

        with ThreadPoolExecutor(8) as threads:
            # Four fill all slots of both; with one server dead, its two break off in the middle.
            early = [threads.submit(ask, word, True) for word in words[:4]]
            begun.wait(120)
            processes[0].end()
            late = [threads.submit(ask, word, False) for word in words[4:]]
            broken = [future.exception() for future in early]
            assert sum(error is None for error in broken) == 2
            assert all(e is None or "broke off in the middle" in str(e) for e in broken)
            replies = dict(zip(words[4:], (future.result() for future in late), strict=True))
        for word, reply in replies.items():
            assert word in reply.lower()
            assert not any(other in reply.lower() for other in words if other != word)
        pool.close()
    finally:
        for process in processes:
            process.end()
