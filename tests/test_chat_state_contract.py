"""What a chat keeps of its visitors: the same promises for a folder and for PostgreSQL."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from citewise import Assistant
from citewise.errors import CorpusError, InputError
from citewise.types import AnswerEvent
from citewise.ui.limits import Limits, TooLargeError
from citewise.ui.options import Options
from citewise.ui.selection import Selection
from citewise.ui.state import ChatState, open_state
from citewise.ui.tokens import new_token
from citewise.ui.visitor_assistant import VisitorAssistant
from stores import postgres  # noqa: F401 - a fixture
from test_chat_records import ANSWERED, NOT_FOUND
from test_visitors import (
    RECIPE,
    SECRET,
    SlowEmbedder,
    bring,
    chunks,
    finished,
    names,
    ready,
    until,
)

KINDS = ("folder", "state in postgresql", "all in postgresql")
"""The documents of the second are in a folder, those of the third beside the state."""
_REALMS = itertools.count()


class Place:
    """Where state is kept; ``open`` opens it, again after it was closed."""

    def __init__(self, options: Options, assistant: Assistant) -> None:
        self.options, self.assistant = options, assistant
        self._opened: list[ChatState] = []

    def open(self, *, sweeping: bool = True, **changes: Any) -> ChatState:
        state = open_state(replace(self.options, **changes), self.assistant)
        if sweeping:
            state.visitors.start_sweeping()
        self._opened.append(state)
        return state

    def close(self) -> None:
        for state in self._opened:
            state.close()


@pytest.fixture
def embedder() -> SlowEmbedder:
    return SlowEmbedder()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def databases() -> dict[str, str]:
    return {}


@pytest.fixture
def address(request: pytest.FixtureRequest, kind: str, databases: dict[str, str]) -> str:
    """Of a database, where the kind needs one."""
    if kind != "folder" and kind not in databases:
        server, name = request.getfixturevalue("postgres"), kind.replace(" ", "_")
        server.execute(f"CREATE DATABASE {name}")
        databases[kind] = server.address(name)
    return databases.get(kind, "")


@pytest.fixture
def assistant(
    tmp_path: Path, kind: str, address: str, embedder: SlowEmbedder
) -> Iterator[Assistant]:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "ships.txt").write_text("The ship Aurora carries 300 containers.\n")
    (corpus / "trains.txt").write_text("The train to Lyon leaves at 9:15.\n")
    store = address if kind == "all in postgresql" else str(tmp_path / "index")
    with Assistant(corpus, store=store, llm="none", embedder=embedder, quiet=True) as assistant:
        assistant.update()
        yield assistant


@pytest.fixture
def place(tmp_path: Path, kind: str, address: str, assistant: Assistant) -> Iterator[Place]:
    # A realm is to a test what a database would be, and is made in no time.
    options = Options(tmp_path / "data", realm=f"test{next(_REALMS)}")
    if kind == "state in postgresql":
        options = replace(options, state=address)
    place = Place(options, assistant)
    yield place
    place.close()


@pytest.fixture
def state(place: Place) -> ChatState:
    return place.open()


# --- answers and thumbs -----------------------------------------------------------------------


def test_an_answer_is_kept_whole(state: ChatState) -> None:
    state.records.add("a", "me", ANSWERED, history=("Earlier?",), private=True)
    (found,) = state.records.of_visitor("me")
    assert found.record == json.loads(ANSWERED.to_json())
    assert (found.id, found.visitor, found.history) == ("a", "me", ("Earlier?",))
    assert (found.thumb, found.reason, found.private) == (0, "", True)
    assert abs(found.asked - time.time()) < 60


def test_only_its_visitor_reaches_an_answer(state: ChatState) -> None:
    records = state.records
    records.add("a", "me", ANSWERED)
    assert records.of_visitor("you", ["a"]) == []
    assert records.rate("you", "a", -1, "no") is False
    assert records.delete("you", ["a"]) == records.delete("you") == records.count("you") == 0
    assert records.of_visitor("me")[0].thumb == 0


def test_a_thumb_is_kept_with_any_reason_and_taken_back(state: ChatState) -> None:
    state.records.add("a", "me", ANSWERED)
    for reason in ("wrong year", 'a "quote"\\', "\x00 zero \u202e \U0001f600"):
        assert state.records.rate("me", "a", -1, reason)
        (found,) = state.records.of_visitor("me", ["a"])
        assert (found.thumb, found.reason) == (-1, reason)
    assert state.records.rate("me", "a", 0, "")
    assert state.records.of_visitor("me")[0].thumb == 0


def test_any_characters_of_a_question_are_kept(state: ChatState) -> None:
    asked = dataclasses.replace(ANSWERED, question="zero \x00, <b>, 'quote', 中文, \U0001f600")
    state.records.add("a", "me", asked, history=("\x00",))
    (found,) = state.records.of_visitor("me")
    assert (found.record["question"], found.history) == (asked.question, ("\x00",))


def test_the_order_asked_for_is_kept(state: ChatState) -> None:
    for key in "abc":
        state.records.add(key, "me", ANSWERED)
    assert [k.id for k in state.records.of_visitor("me", ["c", "nosuch", "\x00", "a"])] == [
        "c",
        "a",
    ]
    assert [k.id for k in state.records.of_visitor("me")] == ["a", "b", "c"]
    assert state.records.of_visitor("me", []) == []


def test_everybody_s_answers_come_newest_first_however_many(state: ChatState) -> None:
    for number in range(110):
        state.records.add(str(number), f"v{number % 3}", NOT_FOUND)
    assert [k.id for k in state.records.all()] == [str(n) for n in reversed(range(110))]
    assert state.records.count("v0") == 37
    assert state.records.delete_all() == 110
    assert list(state.records.all()) == []


def test_answers_are_deleted_one_by_one_and_all(state: ChatState) -> None:
    for key in "abcd":
        state.records.add(key, "me", ANSWERED)
    state.records.add("e", "you", ANSWERED)
    assert state.records.delete("me", ["a", "c", "e", "\x00"]) == 2
    assert [k.id for k in state.records.of_visitor("me")] == ["b", "d"]
    assert state.records.delete("me") == 2
    assert state.records.count("me") == 0 and state.records.count("you") == 1


def test_what_is_old_goes_and_what_is_not_stays(place: Place) -> None:
    state = place.open()
    state.records.add("a", "me", ANSWERED)
    assert state.records.sweep() == 0
    state.close()
    later = place.open(keep_days=1e-9)
    time.sleep(0.01)
    assert later.records.sweep() == 1
    assert later.records.of_visitor("me") == []


def test_a_restart_keeps_answers_thumbs_and_the_cookie_s_name(place: Place) -> None:
    first = place.open()
    first.records.add("a", "me", ANSWERED)
    first.records.rate("me", "a", 1, "yes")
    name = first.instance
    first.close()
    second = place.open()
    assert [(k.id, k.thumb, k.reason) for k in second.records.all()] == [("a", 1, "yes")]
    assert second.instance == name and len(name) == 12 and name.isalnum()
    second.require_reachable()


# --- the owner --------------------------------------------------------------------------------


def test_only_the_password_lets_in(state: ChatState) -> None:
    owner = state.owner("correct horse")
    assert owner.log_in("wrong") is None
    assert owner.log_in("") is None
    token = owner.log_in("correct horse")
    assert token is not None and owner.knows(token)
    assert not owner.knows("") and not owner.knows(token + "x") and not owner.knows("\x00\ud800")
    owner.log_out(token)
    assert not owner.knows(token)


def test_many_wrong_tries_have_to_wait(state: ChatState) -> None:
    owner = state.owner("correct horse")
    for _ in range(4):
        assert owner.log_in("wrong") is None
    assert owner.wait() == 0
    owner.log_in("wrong")
    assert 0.5 < owner.wait() <= 1
    assert owner.log_in("correct horse") is None  # too early, though right
    time.sleep(owner.wait() + 0.01)
    owner.log_in("wrong")
    assert 1 < owner.wait() <= 2
    time.sleep(owner.wait() + 0.01)
    assert owner.log_in("correct horse") is not None
    assert owner.wait() == 0


# --- visitors' documents ----------------------------------------------------------------------


def test_a_file_is_searched_cited_and_seen_by_its_visitor_alone(state: ChatState) -> None:
    one, other = state.visitors.get(new_token()), state.visitors.get(new_token())
    upload = ready(one, "secret.txt", SECRET)
    assert (upload.state, upload.documents, upload.problem) == ("ready", ("secret.txt",), "")
    assert names(one, "vault code ship containers") >= {"secret.txt", "ships.txt"}
    assert "secret.txt" not in names(other, "vault code 7731")
    assert other.uploads == () and other.own_names() == frozenset()
    with pytest.raises(CorpusError):
        VisitorAssistant(other).document("secret.txt")
    *_, last = VisitorAssistant(one).stream("What is the vault code?")
    assert isinstance(last, AnswerEvent)
    for citation in last.answer.citations:
        text = VisitorAssistant(one).document(citation.document).text
        assert text[citation.start : citation.end] == citation.quote
    assert any("7731" in citation.quote for citation in last.answer.citations)


def test_all_find_it_where_files_are_common(place: Place) -> None:
    state = place.open(common=True)
    one, other = state.visitors.get(new_token()), state.visitors.get(new_token())
    ready(one, "recipe.txt", RECIPE)
    assert "recipe.txt" in names(other, "flour batter")


def test_the_same_file_is_not_taken_in_twice_and_names_get_numbers(state: ChatState) -> None:
    visitor = state.visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    with pytest.raises(InputError, match=r"already here, as 'recipe\.txt'"):
        bring(visitor, "copy.txt", RECIPE)
    assert ready(visitor, "ships.txt", "A ship of mine.\n").documents == ("ships (2).txt",)
    assert VisitorAssistant(visitor).document("ships.txt").text.startswith("The ship Aurora")


def test_sizes_and_counts_are_enforced_whatever_is_announced(place: Place) -> None:
    limits = Limits(file_bytes=1000, visitor_bytes=1500, visitor_files=2, all_bytes=4000)
    visitors = place.open(limits=limits).visitors
    visitor = visitors.get(new_token())
    for announced in (2000, 10, None):
        with pytest.raises(TooLargeError):
            finished(visitor.add("big.txt", chunks(b"x" * 2000), announced))
    with pytest.raises(InputError, match="is empty"):
        bring(visitor, "a.txt", "")
    assert visitor.uploads == ()
    ready(visitor, "a.txt", "a " * 450)
    with pytest.raises(TooLargeError, match="600 are left"):
        bring(visitor, "b.txt", "b " * 450)
    ready(visitor, "c.txt", "c")
    with pytest.raises(InputError, match="already 2 files"):
        bring(visitor, "d.txt", "d")
    assert visitor.to_dict()["used"] == {"files": 2, "bytes": 901}
    visitors.require_room(3000)
    with pytest.raises(TooLargeError, match="no room left"):
        visitors.require_room(4001)


def test_an_upload_that_breaks_off_leaves_nothing(state: ChatState) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError("gone")

    visitor = state.visitors.get(new_token())
    with pytest.raises(ConnectionResetError):
        finished(visitor.add("a.txt", broken(), 900))
    assert visitor.uploads == ()
    assert ready(visitor, "a.txt", "b " * 450).state == "ready"


def test_what_cannot_be_read_says_why(state: ChatState) -> None:
    visitor = state.visitors.get(new_token())
    upload = ready(visitor, "picture.txt", b"\x89PNG\x00\x01\x02 not text at all \x00")
    assert (upload.state, upload.documents) == ("failed", ())
    assert "picture.txt" in upload.problem
    assert names(visitor, "ship") == {"ships.txt", "trains.txt"}


def test_cancelling_leaves_the_index_as_it_was(state: ChatState, embedder: SlowEmbedder) -> None:
    visitor = state.visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    embedder.gate.clear()
    embedder.reached.clear()
    upload = bring(visitor, "secret.txt", SECRET)
    assert embedder.reached.wait(10)
    until(lambda: visitor.upload(upload.id).state == "embedding")
    visitor.cancel(upload.id)
    embedder.gate.set()
    until(lambda: not visitor.upload(upload.id).busy)
    assert visitor.upload(upload.id).state == "cancelled"
    assert "secret.txt" not in names(visitor, "vault code 7731")
    visitor.reread(upload.id)
    until(lambda: visitor.upload(upload.id).state == "ready")
    assert "secret.txt" in names(visitor, "vault code 7731")


def test_one_that_waits_is_cancelled_at_once(state: ChatState, embedder: SlowEmbedder) -> None:
    visitor = state.visitors.get(new_token())
    visitor.assistant().documents()
    embedder.gate.clear()
    embedder.reached.clear()
    first = bring(visitor, "recipe.txt", RECIPE)
    second = bring(visitor, "secret.txt", SECRET)
    assert embedder.reached.wait(10)
    assert visitor.cancel(second.id).state == "cancelled"
    embedder.gate.set()
    until(lambda: visitor.upload(first.id).state == "ready")
    time.sleep(0.05)
    assert visitor.upload(second.id).state == "cancelled"


def test_removing_takes_the_words_away(state: ChatState) -> None:
    visitor = state.visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    upload = ready(visitor, "secret.txt", SECRET)
    visitor.remove(upload.id)
    assert names(visitor, "vault code 7731 flour") == {"recipe.txt", "ships.txt", "trains.txt"}
    with pytest.raises(CorpusError):
        VisitorAssistant(visitor).document("secret.txt")
    with pytest.raises(KeyError):
        visitor.upload(upload.id)
    visitor.remove(visitor.uploads[0].id)
    assert names(visitor, "flour") == {"ships.txt", "trains.txt"}
    assert ready(visitor, "secret.txt", SECRET).state == "ready"
    assert "secret.txt" in names(visitor, "vault code 7731")


def test_removing_while_it_is_read_stops_the_reading(
    state: ChatState, embedder: SlowEmbedder
) -> None:
    visitor = state.visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    embedder.gate.clear()
    embedder.reached.clear()
    upload = bring(visitor, "secret.txt", SECRET)
    assert embedder.reached.wait(10)
    removing = threading.Thread(target=visitor.remove, args=(upload.id,))
    removing.start()
    time.sleep(0.1)
    embedder.gate.set()
    removing.join(10)
    assert not removing.is_alive()
    assert [u.name for u in visitor.uploads] == ["recipe.txt"]
    assert "secret.txt" not in names(visitor, "vault code 7731")
    assert [info.name for info in VisitorAssistant(visitor).documents()] == [
        "recipe.txt",
        "ships.txt",
        "trains.txt",
    ]


def test_erasing_leaves_nothing_and_others_alone(state: ChatState) -> None:
    one, other = state.visitors.get(new_token()), state.visitors.get(new_token())
    ready(one, "secret.txt", SECRET)
    ready(other, "recipe.txt", RECIPE)
    one.select(Selection("own"))
    one.erase()
    assert (one.uploads, one.selection) == ((), Selection())
    assert "secret.txt" not in names(one, "vault code 7731")
    assert "recipe.txt" in names(other, "flour batter")
    ready(one, "recipe.txt", RECIPE)
    assert "recipe.txt" in names(one, "flour batter")


def test_a_selection_narrows_what_is_searched_and_follows_the_files(state: ChatState) -> None:
    visitor = state.visitors.get(new_token())
    visitor.select(Selection("some", ("ships.txt",)))
    upload = ready(visitor, "recipe.txt", RECIPE)
    assert visitor.selection.names == ("ships.txt", "recipe.txt")
    words = "batter ship train minutes"
    assert names(visitor, words) == {"recipe.txt", "ships.txt"}
    visitor.select(Selection("own"))
    assert names(visitor, words) == {"recipe.txt"}
    assert VisitorAssistant(visitor).document("ships.txt").name == "ships.txt"
    visitor.select(Selection("some", ("recipe.txt",)))
    visitor.remove(upload.id)
    assert visitor.selection == Selection()
    with pytest.raises(InputError, match="no longer there"):
        visitor.select(Selection("some", ("recipe.txt",)))


def test_a_restart_finds_files_and_selection_again(place: Place) -> None:
    token, first = new_token(), place.open()
    upload = ready(first.visitors.get(token), "recipe.txt", RECIPE)
    first.visitors.get(token).select(Selection("own"))
    first.close()
    visitor = place.open().visitors.get(token)
    assert [(u.id, u.state, u.documents) for u in visitor.uploads] == [
        (upload.id, "ready", ("recipe.txt",))
    ]
    assert visitor.selection == Selection("own")
    assert names(visitor, "flour") == {"recipe.txt"}


def test_a_restart_in_the_middle_goes_on(place: Place, embedder: SlowEmbedder) -> None:
    token, first = new_token(), place.open()
    visitor = first.visitors.get(token)
    visitor.assistant().documents()
    embedder.gate.clear()
    embedder.reached.clear()
    key = bring(visitor, "recipe.txt", RECIPE).id
    assert embedder.reached.wait(10)
    opened = _later(0.1, embedder.gate.set)
    first.close()
    opened.join()
    again = place.open().visitors.get(token)
    until(lambda: again.upload(key).state == "ready")
    assert "recipe.txt" in names(again, "flour")


def _later(seconds: float, act: Callable[[], None]) -> Any:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_what_nobody_uses_is_deleted(place: Place) -> None:
    token, first = new_token(), place.open()
    ready(first.visitors.get(token), "secret.txt", SECRET)
    assert first.visitors.sweep() == 0
    first.close()
    time.sleep(1.1)
    later = place.open(sweeping=False, limits=Limits(idle_seconds=1))
    assert later.visitors.sweep() == 1
    assert later.visitors.sweep() == 0
    assert later.visitors.get(token).uploads == ()
    assert "secret.txt" not in names(later.visitors.get(token), "vault code 7731")
