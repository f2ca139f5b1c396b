"""What vLLM does otherwise than others: the wire format, connections that stay open, its limits."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator

import pytest

from citewise import openai_endpoint
from citewise.generator_pool import GeneratorPool
from citewise.llm_addresses import Address
from citewise.openai_api import Limits, OpenAIGenerator
from citewise.openai_failures import UnavailableError
from citewise.protocols import Prompt
from fake_llm import FakeLLM, Reply, event
from fake_vllm import FakeVLLM

PROMPT = Prompt("Answer from the sources.", "Where is Paris?")


def said(stream: Generator[str, None, int | None]) -> tuple[list[str], int | None]:
    """The pieces, and the number of tokens in the prompt."""
    tokens: list[int | None] = []

    def through() -> Iterator[str]:
        tokens.append((yield from stream))

    return list(through()), tokens[0]


def test_a_stream_gives_its_words_and_the_number_of_tokens_in_the_prompt() -> None:
    with FakeVLLM("Paris is in France.") as server:
        generator = OpenAIGenerator(server.url, "m")
        pieces = ["Paris", " is", " in", " France."]
        assert said(generator.stream(PROMPT, max_tokens=9)) == (pieces, 17)
        generator.close()


def test_requests_one_after_another_use_one_connection() -> None:
    with FakeVLLM() as server:
        generator = OpenAIGenerator(server.url, "m")
        for _ in range(6):
            list(generator.stream(PROMPT, max_tokens=9))
            generator.yes_log_odds(PROMPT)
        assert (len(server.requests), server.connections) == (12, 1)
        generator.close()


def test_a_connection_is_given_up_before_its_server_closes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openai_endpoint, "_IDLE_SECONDS", 0.3)
    with FakeVLLM() as server:
        generator = OpenAIGenerator(server.url, "m")
        for pause in (0.0, 0.7, 0.0):
            time.sleep(pause)
            list(generator.stream(PROMPT, max_tokens=9))
            generator.yes_log_odds(PROMPT)
        assert server.connections == 2
        generator.close()


def test_a_reply_that_is_left_takes_no_connection_along() -> None:
    with FakeVLLM("one two three") as server:
        generator = OpenAIGenerator(server.url, "m", limits=Limits(at_once=1, silence=5.0))
        for _ in range(3):
            stream = generator.stream(PROMPT, max_tokens=9)
            assert next(stream) == "one"
            stream.close()
        assert said(generator.stream(PROMPT, max_tokens=9))[0] == ["one", " two", " three"]
        generator.close()


def test_a_stream_that_does_not_end_after_its_last_event_holds_nobody_up() -> None:
    with FakeVLLM("Paris.", lingers=True) as server:
        generator = OpenAIGenerator(server.url, "m", limits=Limits(silence=20.0))
        began = time.monotonic()
        for _ in range(2):
            assert said(generator.stream(PROMPT, max_tokens=9)) == (["Paris."], 17)
        assert time.monotonic() - began < 5
        assert server.connections == 2
        generator.close()


@pytest.mark.parametrize(("most", "asked"), [(20, [20, 20]), (5, [20, 5, 5]), (3, [20, 3, 3])])
def test_fewer_probabilities_are_asked_for_where_fewer_are_listed(
    most: int, asked: list[int]
) -> None:
    # All that are listed: yes .819 + .082 against no .135; of three, the same tokens.
    odds = math.log((math.exp(-0.2) + math.exp(-2.5)) / math.exp(-2.0))
    with FakeVLLM(most_logprobs=most) as server:
        generator = OpenAIGenerator(server.url, "m")
        assert generator.yes_log_odds(PROMPT) == pytest.approx(odds)
        assert generator.yes_log_odds(PROMPT) == pytest.approx(odds)
        assert [request["top_logprobs"] for request in server.requests] == asked
        generator.close()


def test_a_server_that_lists_none_is_not_asked_again() -> None:
    with FakeVLLM(most_logprobs=0) as server:
        generator = OpenAIGenerator(server.url, "m")
        assert generator.yes_log_odds(PROMPT) is None
        assert generator.yes_log_odds(PROMPT) is None
        assert len(server.requests) == 1
        generator.close()


def test_an_engine_that_dies_before_the_first_piece_is_replaced_by_another_address() -> None:
    with FakeVLLM(fails="EngineCore encountered an issue") as dead, FakeVLLM("Here.") as alive:
        with pytest.raises(UnavailableError, match="reported: EngineCore encountered an issue"):
            list(OpenAIGenerator(dead.url, "m").stream(PROMPT, max_tokens=9))
        addresses = [Address(server.url, "m") for server in (dead, alive)]
        pool = GeneratorPool(addresses, Limits(silence=5.0))
        for number in range(8):
            words = Prompt("", f"Question {number}")
            assert said(pool.stream(words, max_tokens=9))[0] == ["Here."]
        assert len(dead.requests) == 2, "once by itself, once by the pool, then it rests"
        pool.close()


def test_an_error_that_is_not_wrapped_is_told_as_one() -> None:
    old = {"object": "error", "message": "no such adapter", "type": "BadRequestError", "code": 400}
    with FakeLLM(Reply(body=event(old))) as server:
        generator = OpenAIGenerator(server.url, "m")
        with pytest.raises(Exception, match="reported: no such adapter") as caught:
            list(generator.stream(PROMPT, max_tokens=9))
        assert not isinstance(caught.value, UnavailableError)
        generator.close()
