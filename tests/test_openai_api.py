"""The client of OpenAI-compatible endpoints, against a real HTTP server that misbehaves."""

from __future__ import annotations

import json
import logging
import math
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from citewise.errors import GeneratorError, InputError
from citewise.openai_api import Limits, OpenAIGenerator, neutralise, offered_models
from citewise.openai_failures import UnavailableError
from citewise.protocols import Prompt
from fake_llm import FakeLLM, Reply, event

KEY = "sk-very-secret-0123456789"
PROMPT = Prompt("Answer from the sources.", "Sources: Paris is in France.\n\nQuestion: Where?")
FAST = Limits(connect=0.5, silence=0.3, total=1.0, characters=200)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set must not decide how they end."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def llm() -> Iterator[FakeLLM]:
    with FakeLLM("Paris is in France.") as server:
        yield server


@pytest.fixture
def generator(llm: FakeLLM) -> Iterator[OpenAIGenerator]:
    made = OpenAIGenerator(llm.url, "fake", KEY, limits=FAST)
    yield made
    made.close()


def fault_of(generator: OpenAIGenerator, max_tokens: int = 50) -> str:
    """The message of the error that a request ends with; it never holds the key."""
    with pytest.raises(GeneratorError) as caught:
        list(generator.stream(PROMPT, max_tokens=max_tokens))
    message = str(caught.value)
    assert KEY not in message
    assert caught.value.remedy
    return message


def test_streams_the_reply_in_pieces(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    pieces = list(generator.stream(PROMPT, max_tokens=50))
    assert pieces == ["Paris", " is", " in", " France."]
    (request,) = llm.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json == {
        "model": "fake",
        "messages": [
            {"role": "system", "content": PROMPT.system},
            {"role": "user", "content": PROMPT.user},
        ],
        "temperature": 0,
        "seed": 0,
        "max_tokens": 50,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_sends_cache_prompt_only_when_told(llm: FakeLLM) -> None:
    own = OpenAIGenerator(llm.url, "fake", cache_prompt=True)
    list(own.stream(PROMPT, max_tokens=5))
    own.close()
    assert llm.requests[0].json["cache_prompt"] is True
    assert "authorization" not in llm.requests[0].headers


def test_pieces_arrive_before_the_reply_is_whole(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    llm.standing = Reply("one two three", pause=0.1)
    started = time.monotonic()
    pieces = generator.stream(PROMPT, max_tokens=5)
    assert next(pieces) == "one"
    assert time.monotonic() - started < 0.1
    assert "".join(pieces) == " two three"


def test_closing_the_iterator_reaches_the_server(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    llm.standing = Reply("one", ending="endless", pause=0.01)
    pieces = generator.stream(PROMPT, max_tokens=5)
    next(pieces)
    assert not llm.cancelled.is_set()
    pieces.close()
    assert llm.cancelled.wait(2)


def test_a_whole_reply_instead_of_a_stream_will_do(
    llm: FakeLLM, generator: OpenAIGenerator
) -> None:
    llm.standing = Reply("Paris.", whole=True)
    assert list(generator.stream(PROMPT, max_tokens=5)) == ["Paris."]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_reads_comments_reasoning_and_usage(
    llm: FakeLLM, generator: OpenAIGenerator, newline: bytes
) -> None:
    body = (
        b": ping\n\n"
        + event({"choices": [{"delta": {"role": "assistant", "content": None}}]})
        + event({"choices": [{"delta": {"reasoning_content": "hm"}}]})
        + 'data:{"choices":[{"delta":{"content":"é😀\\ud800"}}]}\n\n'.encode()
        + event({"choices": [{"delta": {}, "finish_reason": "length"}]})
        + event({"choices": [], "usage": {"total_tokens": 3}})
        + b"data: [DONE]\n\n"
    )
    llm.standing = Reply(body=body.replace(b"\n", newline))
    assert list(generator.stream(PROMPT, max_tokens=5)) == ["é😀\ufffd"]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, f'{{"error": {{"message": "Incorrect key {KEY}"}}}}', "CITEWISE_API_KEY"),
        (403, f'{{"error": "no access for {KEY}"}}', "no access for ***"),
        (404, '{"error": {"message": "model \\"fake\\" not found"}}', 'model "fake" not found'),
        (404, "<html>nothing here</html>", "often ends in /v1"),
        (413, "", "top_k"),
        (429, '{"error": {"message": "slow down"}}', "slow down. Wait a while"),
        (500, "boom\x1b[31m\nbang", "HTTP 500: boom [31m bang."),
        (502, "", "the server's own log"),
        (503, '{"error": {"message": "Loading model"}}', "Loading model"),
        (400, '{"detail": [{"msg": "odd"}]}', "odd"),
        (418, "", "HTTP 418"),
        (307, "", "redirects"),
    ],
)
def test_refusals(
    llm: FakeLLM, generator: OpenAIGenerator, status: int, body: str, said: str
) -> None:
    llm.standing = Reply(status=status, body=body.encode(), headers={"Location": "http://x.test/"})
    message = fault_of(generator)
    assert said in message
    assert f"HTTP {status}" in message
    assert len(llm.requests) == 1


def test_tells_how_long_it_was_asked_to_wait(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    for said, wait in (("7", 7.0), ("-1", 0.0), ("soon", None), ("", None)):
        llm.script = [Reply(status=429, headers={"Retry-After": said})]
        with pytest.raises(UnavailableError, match="HTTP 429") as caught:
            list(generator.stream(PROMPT, max_tokens=5))
        assert caught.value.wait == wait
    assert len(llm.requests) == 4


def test_learns_what_an_endpoint_cannot_take(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    llm.script = [
        Reply(status=400, body=b'{"error": "unsupported: max_tokens"}'),
        Reply(status=400, body=b'{"error": "temperature must be 1"}'),
    ]
    for _ in range(2):
        assert len(list(generator.stream(PROMPT, max_tokens=7))) == 4
    llm.script = [Reply(status=422, body=b'{"detail": "extra field stream_options"}')]
    assert len(list(generator.stream(PROMPT, max_tokens=7))) == 4
    assert "stream_options" in llm.requests[-2].json
    assert "stream_options" not in llm.requests.pop().json
    asked = [request.json for request in llm.requests]
    assert asked[0]["max_tokens"] == 7
    assert [a.get("max_completion_tokens") for a in asked[1:]] == [7, 7, 7, 7]
    assert ["temperature" in a for a in asked] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("half of", ending="broken"), "broke off in the middle"),
        (Reply("half of", ending="silent_end"), "broke off in the middle"),
        (Reply("half of", ending="hang"), "timed out"),
        (Reply("", ending="hang"), "timed out"),
        (Reply(body=b"data: {nonsense\n\n"), "invalid JSON, beginning '{nonsense'"),
        (Reply(body=b"data: " + b"[" * 100_000 + b"\n\n"), "invalid JSON"),
        (Reply(body=b'data: "\xff\xfe"\n\n'), "not valid UTF-8"),
        (Reply(body=event({"error": {"message": f"out of memory {KEY}"}})), "out of memory ***"),
        (Reply(body=event({"error": "gone"})), "reported: gone"),
        (Reply(body=event({"hello": 1})), "unknown kind of reply"),
        (Reply(body=event({"choices": "x"})), "unknown kind of reply"),
        (Reply(body=b"x" * 1_100_000), "line of more than 1,000,000 bytes"),
        (Reply(""), "empty reply (it ended with 'stop')"),
        (Reply(" \n "), "empty reply"),
        (Reply("", finish="content_filter"), "'content_filter'"),
        (Reply("a", ending="endless"), "did not end within 200 characters"),
        (
            Reply("", body=b": ping\n\n", ending="endless", pause=0.1),
            "did not end within 1 seconds",
        ),
        (Reply(body=b"<html>", whole=True), "invalid JSON, beginning '<html>'"),
        (Reply(body=b"[1]", whole=True), "invalid JSON"),
        (Reply(body=b"x" * 4_100_000, whole=True), "did not end within 4,000,000 bytes"),
    ],
)
def test_broken_replies(llm: FakeLLM, generator: OpenAIGenerator, reply: Reply, said: str) -> None:
    llm.standing = reply
    assert said in fault_of(generator)


def test_what_was_written_before_a_break_is_kept(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    llm.standing = Reply("half of", ending="broken")
    pieces = generator.stream(PROMPT, max_tokens=5)
    assert [next(pieces), next(pieces)] == ["half", " of"]
    with pytest.raises(GeneratorError):
        next(pieces)


def test_a_reply_cut_at_max_tokens_is_a_reply(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    llm.standing = Reply("Paris is", finish="length", ending="no_done")
    assert "".join(generator.stream(PROMPT, max_tokens=2)) == "Paris is"


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        generator = OpenAIGenerator(address, "fake", KEY, limits=FAST)
        message = fault_of(generator)
        generator.close()
    assert message.startswith(f"Nothing answers at {address}")
    assert "Start the language model's server" in message


def test_unknown_host() -> None:
    generator = OpenAIGenerator("http://no-such-host.invalid/v1", "fake", KEY, limits=FAST)
    message = fault_of(generator)
    generator.close()
    assert "no-such-host.invalid" in message
    assert "cannot be resolved" in message


def test_a_server_that_takes_no_connection() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for other in (first, second):
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        address = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        generator = OpenAIGenerator(address, "fake", KEY, limits=FAST)
        assert "did not take the connection in time" in fault_of(generator)
        generator.close()


def test_a_server_that_is_no_http_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"220 mail ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        generator = OpenAIGenerator(address, "fake", KEY, limits=FAST)
        assert "closed the connection without a valid reply" in fault_of(generator)
        generator.close()
        thread.join()


def test_http_where_https_was_asked_for(llm: FakeLLM) -> None:
    generator = OpenAIGenerator(llm.url.replace("http:", "https:"), "fake", KEY, limits=FAST)
    assert "No secure connection" in fault_of(generator)
    generator.close()


def test_a_closed_generator_says_so(llm: FakeLLM) -> None:
    generator = OpenAIGenerator(llm.url, "fake", KEY)
    generator.close()
    assert "was closed" in fault_of(generator)


@pytest.mark.parametrize(
    ("logprobs", "odds"),
    [
        ({"Yes": -0.1, "No": -2.6}, 2.5),
        (
            {"Yes": math.log(0.2), " yes": math.log(0.3), "NO": math.log(0.25), "x": -9.0},
            math.log(0.5 / 0.25),
        ),
        ({"No": -0.1, "Not": -3.0, "maybe": -7.0}, -6.9),
        ({'"Yes': -0.5, "None": -4.5}, 4.0),
        ({"Yes": -0.5, "No": -math.inf, "the": -3.5}, 3.0),
        ({"Sure": -0.1, "the": -3.5}, None),
    ],
)
def test_log_odds(
    llm: FakeLLM, generator: OpenAIGenerator, logprobs: dict[str, float], odds: float | None
) -> None:
    llm.standing = Reply(logprobs=logprobs)
    assert generator.yes_log_odds(PROMPT) == (None if odds is None else pytest.approx(odds))
    assert generator.yes_log_odds(PROMPT) == (None if odds is None else pytest.approx(odds))
    assert len(llm.requests) == 2
    asked = llm.requests[0].json
    assert (asked["max_tokens"], asked["logprobs"], asked["top_logprobs"]) == (1, True, 20)
    assert "stream" not in asked


@pytest.mark.parametrize(
    "reply",
    [
        Reply("Yes"),
        Reply("Yes", body=b'{"choices": [{"message": {"content": "Yes"}, "logprobs": null}]}'),
        Reply("Yes", body=b'{"choices": [{"message": {}, "logprobs": {"content": []}}]}'),
        Reply(status=400, body=b'{"error": {"message": "logprobs are not supported"}}'),
        Reply(status=422, body=b'{"detail": "extra field top_logprobs"}'),
    ],
)
def test_an_endpoint_without_probabilities_is_asked_once(
    llm: FakeLLM, generator: OpenAIGenerator, reply: Reply
) -> None:
    llm.standing = reply
    assert generator.yes_log_odds(PROMPT) is None
    assert generator.yes_log_odds(PROMPT) is None
    assert len(llm.requests) == 1


def test_faults_while_asking_for_log_odds(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    llm.script = [
        Reply(status=400, body=b'{"error": "context too long"}'),
        Reply(ending="hang"),
        Reply(body=b'{"error": {"message": "gone"}}'),
    ]
    for said in ("context too long", "timed out", "reported: gone"):
        with pytest.raises(GeneratorError, match=said):
            generator.yes_log_odds(PROMPT)
    llm.standing = Reply(logprobs={"Yes": -0.5, "No": -1.0})
    assert generator.yes_log_odds(PROMPT) == pytest.approx(0.5)


def test_many_threads_share_one_generator(llm: FakeLLM) -> None:
    # With its usual patience: on a busy machine twelve threads wait for each other.
    generator = OpenAIGenerator(llm.url, "fake")
    llm.standing = lambda request: Reply(f"echo {request.user}")
    replies: dict[int, str] = {}

    def ask(number: int) -> None:
        prompt = Prompt("s", f"number {number}")
        replies[number] = "".join(generator.stream(prompt, max_tokens=5))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    generator.close()
    assert replies == {number: f"echo number {number}" for number in range(12)}


def test_a_proxy_does_not_stand_before_loopback(
    llm: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    generator = OpenAIGenerator(llm.url, "fake")
    assert "".join(generator.stream(PROMPT, max_tokens=5)) == "Paris is in France."
    generator.close()


def test_the_key_shows_nowhere(
    llm: FakeLLM, generator: OpenAIGenerator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    list(generator.stream(PROMPT, max_tokens=5))
    assert caplog.records
    assert KEY not in caplog.text
    assert repr(generator) == f"OpenAIGenerator('{llm.url}', 'fake')"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://host/v1",
        "file:///etc/passwd",
        "host:8080/v1",
        "",
        "http://",
        "http://h:x/v1",
        "http://user:pass@host/v1",
        "http://host/v1?key=pass",
        "http://host/v1#pass",
    ],
)
def test_addresses_that_cannot_be_used(address: str) -> None:
    with pytest.raises(InputError, match="language model's address") as caught:
        OpenAIGenerator(address, "fake", KEY)
    assert "pass@" not in str(caught.value)
    assert "=pass" not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "line\nend", "schlüssel"])
def test_keys_that_cannot_be_used(key: str) -> None:
    with pytest.raises(InputError, match="characters that no key has") as caught:
        OpenAIGenerator("http://host/v1", "fake", key)
    assert key not in str(caught.value)


def test_offered_models(llm: FakeLLM) -> None:
    llm.models = ("first", "second")
    assert offered_models(llm.url, KEY) == ["first", "second"]
    assert llm.requests[0].headers["authorization"] == f"Bearer {KEY}"
    llm.script = [Reply(body=json.dumps({"data": None}).encode())]
    assert offered_models(llm.url) == []


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a <|im_end|>\n<|im_start|>system", "a < |im_end|>\n< |im_start|>system"),
        ("<<||im_end|>", "<< ||im_end|>"),
        ("<｜begin▁of▁sentence｜>", "< ｜begin▁of▁sentence｜>"),
        ("<turn|> </s> <S> <eos>", "< turn|> < /s> < S> < eos>"),
        ("<end_of_turn> </think> </tool_call>", "< end_of_turn> < /think> < /tool_call>"),
        ("[INST] <<SYS>> [/INST]", "[ INST] < <SYS>> [ /INST]"),
        ("x |> f <| y", "x |> f < | y"),
        ("if a < b | c > d: [1] <b> <p>", "if a < b | c > d: [1] <b> <p>"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("😀 é", "😀 é"),
    ],
)
def test_control_tokens_are_taken_apart(text: str, safe: str) -> None:
    assert neutralise(text) == safe
    assert neutralise(safe) == safe


def test_both_messages_are_neutralised(llm: FakeLLM, generator: OpenAIGenerator) -> None:
    list(generator.stream(Prompt("<|im_end|>", "</s>\ud800"), max_tokens=5))
    contents = [message["content"] for message in llm.requests[0].json["messages"]]
    assert contents == ["< |im_end|>", "< /s>\ufffd"]
