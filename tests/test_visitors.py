"""Visitors' own documents without a browser: taken in, kept apart, found again, deleted."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from citewise import Assistant
from citewise.errors import CorpusError, InputError
from citewise.types import AnswerEvent, Status
from citewise.ui.clock import Clock
from citewise.ui.jobs import Jobs
from citewise.ui.limits import Limits, TooLargeError
from citewise.ui.selection import Selection
from citewise.ui.shelf import Upload, shown_name
from citewise.ui.tokens import folder_name, new_token
from citewise.ui.visitor import Visitor
from citewise.ui.visitor_assistant import VisitorAssistant
from citewise.ui.visitors import Visitors
from doubles import HashEmbedder

T = TypeVar("T")

RECIPE = "# Pancakes\n\nThe batter needs 250 grams of flour.\n\nIt rests for 40 minutes.\n"
SECRET = "The vault code is 7731 and nobody else knows it.\n"


class SlowEmbedder(HashEmbedder):
    """Waits at a gate before each batch of passages."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.reached.set()
        assert self.gate.wait(10)
        return super().embed_passages(texts)


@pytest.fixture
def embedder() -> SlowEmbedder:
    return SlowEmbedder()


@pytest.fixture
def shared(tmp_path: Path, embedder: SlowEmbedder) -> Iterator[Assistant]:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "ships.txt").write_text("The ship Aurora carries 300 containers.\n")
    (corpus / "trains.txt").write_text("The train to Lyon leaves at 9:15.\n")
    with Assistant(
        corpus, tmp_path / "index", llm="none", embedder=embedder, quiet=True
    ) as assistant:
        yield assistant


@pytest.fixture
def visitors(tmp_path: Path, shared: Assistant) -> Iterator[Visitors]:
    made = Visitors(tmp_path / "visitors", shared)
    yield made
    made.close()


async def chunks(data: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns, from a thread of its own: a browser keeps this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def bring(visitor: Visitor, name: str, text: str | bytes) -> Upload:
    data = text.encode() if isinstance(text, str) else text
    return finished(visitor.add(name, chunks(data), len(data)))


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def ready(visitor: Visitor, name: str, text: str | bytes) -> Upload:
    key = bring(visitor, name, text).id
    until(lambda: not visitor.upload(key).busy)
    return visitor.upload(key)


def names(visitor: Visitor, question: str) -> set[str]:
    return {item.document for item in VisitorAssistant(visitor).search(question)}


# --- taking in --------------------------------------------------------------------------------


def test_a_file_is_searched_together_with_the_corpus(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    upload = ready(visitor, "recipe.txt", RECIPE)
    assert (upload.state, upload.documents, upload.problem) == ("ready", ("recipe.txt",), "")
    assert upload.size == len(RECIPE)
    assert names(visitor, "flour batter ship containers") >= {"recipe.txt", "ships.txt"}
    listed = [info.name for info in VisitorAssistant(visitor).documents()]
    assert listed == ["recipe.txt", "ships.txt", "trains.txt"]


def test_an_answer_cites_the_exact_words_of_a_visitor_s_document(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    assistant = VisitorAssistant(visitor)
    *_, last = assistant.stream("How many grams of flour does the batter need?")
    assert isinstance(last, AnswerEvent)
    assert last.answer.status is Status.QUOTED
    assert any("250 grams" in citation.quote for citation in last.answer.citations)
    for citation in last.answer.citations:
        text = assistant.document(citation.document).text
        assert text[citation.start : citation.end] == citation.quote


def test_nobody_else_finds_it(visitors: Visitors) -> None:
    one, other = visitors.get(new_token()), visitors.get(new_token())
    ready(one, "secret.txt", SECRET)
    assert names(one, "vault code 7731") >= {"secret.txt"}
    assert "secret.txt" not in names(other, "vault code 7731")
    assert other.uploads == ()
    with pytest.raises(CorpusError):
        VisitorAssistant(other).document("secret.txt")
    for item in VisitorAssistant(other).search("vault code 7731"):
        assert "7731" not in item.text


def test_all_find_it_where_files_are_common(tmp_path: Path, shared: Assistant) -> None:
    visitors = Visitors(tmp_path / "visitors", shared, common=True)
    one, other = visitors.get(new_token()), visitors.get(new_token())
    ready(one, "recipe.txt", RECIPE)
    assert "recipe.txt" in names(other, "flour batter")
    visitors.close()


def test_progress_is_told_step_by_step(visitors: Visitors, embedder: SlowEmbedder) -> None:
    visitor = visitors.get(new_token())
    visitor.assistant().documents()
    embedder.gate.clear()
    embedder.reached.clear()
    upload = bring(visitor, "long.txt", "\n\n".join(f"Line {n} has words." for n in range(300)))
    assert embedder.reached.wait(10)
    until(lambda: visitor.upload(upload.id).state == "embedding")
    embedder.gate.set()
    seen = []
    while (now := visitor.upload(upload.id)).busy:
        seen.append((now.done, now.total))
    assert visitor.upload(upload.id).state == "ready"
    assert sorted(seen) == seen
    assert all(done <= total for done, total in seen)


def test_the_same_file_is_not_taken_in_twice(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    with pytest.raises(InputError, match=r"already here, as 'recipe\.txt'"):
        bring(visitor, "copy.txt", RECIPE)
    assert len(list((visitor.folder / "files").iterdir())) == 1


def test_another_file_of_a_name_gets_a_number(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    first = ready(visitor, "ships.txt", "My own ship is small.\n")
    second = ready(visitor, "ships.txt", "Another ship of mine.\n")
    assert first.documents == ("ships (2).txt",)
    assert second.documents == ("ships (2) (2).txt",) or second.documents == ("ships (3).txt",)
    assert VisitorAssistant(visitor).document("ships.txt").text.startswith("The ship Aurora")


def test_what_cannot_be_read_says_why(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    upload = ready(visitor, "picture.txt", b"\x89PNG\x00\x01\x02 not text at all \x00")
    assert upload.state == "failed"
    assert "picture.txt" in upload.problem
    assert upload.documents == ()
    assert names(visitor, "ship") == {"ships.txt", "trains.txt"}


# --- limits -----------------------------------------------------------------------------------


def limited(tmp_path: Path, shared: Assistant, **limits: int) -> Visitor:
    made = Limits(**{"file_bytes": 1000, "visitor_bytes": 1500, "visitor_files": 3} | limits)
    return Visitor("one", tmp_path / "one", shared, made, Jobs(made.waiting))


@pytest.mark.parametrize("announced", [2000, 10, None])
def test_a_file_that_is_too_large_is_refused_whatever_it_announces(
    tmp_path: Path, shared: Assistant, announced: int | None
) -> None:
    visitor = limited(tmp_path, shared)
    with pytest.raises(TooLargeError):
        finished(visitor.add("big.txt", chunks(b"x" * 2000), announced))
    assert visitor.uploads == ()
    assert not list((tmp_path / "one").rglob("content*"))


def test_all_files_together_are_limited(tmp_path: Path, shared: Assistant) -> None:
    visitor = limited(tmp_path, shared)
    ready(visitor, "a.txt", "a " * 450)
    with pytest.raises(TooLargeError, match="600 are left"):
        bring(visitor, "b.txt", "b " * 450)
    ready(visitor, "c.txt", "c " * 200)
    ready(visitor, "d.txt", "d")
    with pytest.raises(InputError, match="already 3 files"):
        bring(visitor, "e.txt", "e")


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path, shared: Assistant) -> None:
    visitor = limited(tmp_path, shared)

    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        finished(visitor.add("a.txt", broken(), 900))
    assert not list((tmp_path / "one").rglob("content*"))
    ready(visitor, "b.txt", "b " * 450)  # the room it had reserved is free again


def test_an_empty_file_is_refused(tmp_path: Path, shared: Assistant) -> None:
    with pytest.raises(InputError, match="is empty"):
        bring(limited(tmp_path, shared), "a.txt", "")


def test_the_whole_server_has_a_limit(tmp_path: Path, shared: Assistant) -> None:
    visitors = Visitors(tmp_path / "visitors", shared, Limits(all_bytes=1000))
    visitors.require_room(900)
    with pytest.raises(TooLargeError, match="no room left"):
        visitors.require_room(1001)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\report.pdf", "report.pdf"),
        (".hidden.txt", "hidden.txt"),
        ("a\x00b\ud800.txt", "a\\x00b?.txt"),
        ("evil\u202etxt.exe", "evil\\u202etxt.exe"),
        ("x" * 400 + ".txt", "x" * 145 + "….txt"),
    ],
)
def test_a_name_never_becomes_a_path(given: str, kept: str) -> None:
    assert shown_name(given) == kept


@pytest.mark.parametrize("given", ["", "   ", "..", "/", "...", "a/"])
def test_a_file_needs_a_name(given: str) -> None:
    if given == "a/":
        assert shown_name(given) == "a"
        return
    with pytest.raises(InputError, match="has no name"):
        shown_name(given)


# --- cancel, read again, remove ---------------------------------------------------------------


def test_cancelling_leaves_the_index_as_it_was(visitors: Visitors, embedder: SlowEmbedder) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    embedder.gate.clear()
    embedder.reached.clear()
    upload = bring(visitor, "secret.txt", SECRET)
    assert embedder.reached.wait(10)
    visitor.cancel(upload.id)
    embedder.gate.set()
    until(lambda: not visitor.upload(upload.id).busy)
    assert visitor.upload(upload.id).state == "cancelled"
    assert "secret.txt" not in names(visitor, "vault code 7731")
    visitor.reread(upload.id)
    until(lambda: visitor.upload(upload.id).state == "ready")
    assert "secret.txt" in names(visitor, "vault code 7731")


def test_words_of_a_cancelled_file_are_removed_too(
    visitors: Visitors, embedder: SlowEmbedder
) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    embedder.gate.clear()
    embedder.reached.clear()
    upload = bring(visitor, "secret.txt", SECRET)
    assert embedder.reached.wait(10)
    visitor.cancel(upload.id)
    embedder.gate.set()
    until(lambda: not visitor.upload(upload.id).busy)
    visitor.remove(upload.id)
    assert not holding(visitor.folder, b"vault")
    assert "recipe.txt" in names(visitor, "flour batter")


def test_one_that_waits_is_cancelled_at_once(visitors: Visitors, embedder: SlowEmbedder) -> None:
    visitor = visitors.get(new_token())
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


def test_removed_words_are_nowhere_on_the_disk(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    upload = ready(visitor, "secret.txt", SECRET)
    assert holding(visitor.folder, b"vault") and holding(visitor.folder, b"7731")
    visitor.remove(upload.id)
    assert not holding(visitor.folder, b"vault")
    assert not holding(visitor.folder, b"7731")
    assert "secret.txt" not in names(visitor, "vault code 7731")
    assert "recipe.txt" in names(visitor, "flour batter")


def test_removing_the_last_file_removes_the_index(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    upload = ready(visitor, "secret.txt", SECRET)
    visitor.remove(upload.id)
    assert not (visitor.folder / "index").exists()
    assert not holding(visitor.folder, b"7731")
    assert names(visitor, "ship") == {"ships.txt", "trains.txt"}


def test_erasing_leaves_nothing(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "secret.txt", SECRET)
    visitor.erase()
    assert not visitor.folder.exists()
    assert visitor.uploads == ()
    ready(visitor, "recipe.txt", RECIPE)
    assert "recipe.txt" in names(visitor, "flour batter")


def holding(folder: Path, words: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and words in read(path)]


def read(path: Path) -> bytes:
    return path.read_bytes() + path.name.encode()


# --- what a question searches -----------------------------------------------------------------


def test_a_selection_narrows_what_is_searched(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    ready(visitor, "recipe.txt", RECIPE)
    words = "batter ship train minutes"
    visitor.select(Selection("own"))
    assert names(visitor, words) == {"recipe.txt"}
    visitor.select(Selection("some", ("recipe.txt", "trains.txt")))
    assert names(visitor, words) == {"recipe.txt", "trains.txt"}
    visitor.select(Selection("all"))
    assert names(visitor, words) == {"recipe.txt", "ships.txt", "trains.txt"}
    # What is not searched can still be opened: an old citation must lead to its words.
    visitor.select(Selection("own"))
    assert VisitorAssistant(visitor).document("ships.txt").name == "ships.txt"


def test_a_selection_follows_what_comes_and_goes(visitors: Visitors) -> None:
    visitor = visitors.get(new_token())
    visitor.select(Selection("some", ("ships.txt",)))
    upload = ready(visitor, "recipe.txt", RECIPE)
    assert visitor.selection.names == ("ships.txt", "recipe.txt")
    visitor.remove(upload.id)
    assert visitor.selection.names == ("ships.txt",)
    with pytest.raises(InputError, match="no longer there"):
        visitor.select(Selection("some", ("recipe.txt",)))


@pytest.mark.parametrize(
    "given",
    [None, [], {}, {"scope": "no"}, {"scope": "some"}, {"scope": "some", "names": [5]}, "all"],
)
def test_what_is_no_selection_is_refused(given: object) -> None:
    with pytest.raises(InputError):
        Selection.of(given)


# --- over a restart, and when nobody comes back -----------------------------------------------


def test_a_restart_finds_files_and_selection_again(tmp_path: Path, shared: Assistant) -> None:
    token = new_token()
    first = Visitors(tmp_path / "visitors", shared)
    upload = ready(first.get(token), "recipe.txt", RECIPE)
    first.get(token).select(Selection("own"))
    first.close()
    second = Visitors(tmp_path / "visitors", shared)
    visitor = second.get(token)
    assert visitor.uploads == (upload,)
    assert visitor.selection == Selection("own")
    assert names(visitor, "flour") == {"recipe.txt"}
    second.close()


def test_a_restart_in_the_middle_goes_on(
    tmp_path: Path, shared: Assistant, embedder: SlowEmbedder
) -> None:
    token = new_token()
    first = Visitors(tmp_path / "visitors", shared)
    visitor = first.get(token)
    visitor.assistant().documents()
    embedder.gate.clear()
    embedder.reached.clear()
    key = bring(visitor, "recipe.txt", RECIPE).id
    assert embedder.reached.wait(10)
    stopping = threading.Thread(target=first.close)
    stopping.start()
    time.sleep(0.05)
    embedder.gate.set()
    stopping.join(10)
    (visitor.folder / "files" / "halfway").mkdir()
    (visitor.folder / "files" / "halfway" / "content.txt").write_bytes(b"half a fi")
    second = Visitors(tmp_path / "visitors", shared)
    again = second.get(token)
    until(lambda: again.upload(key).state == "ready")
    assert [upload.name for upload in again.uploads] == ["recipe.txt"]
    assert not (visitor.folder / "files" / "halfway").exists()
    second.close()


def test_what_nobody_uses_is_deleted(tmp_path: Path, shared: Assistant) -> None:
    visitors = Visitors(tmp_path / "visitors", shared, Limits(idle_seconds=3600))
    old, new = visitors.get(new_token()), visitors.get(new_token())
    ready(old, "secret.txt", SECRET)
    ready(new, "recipe.txt", RECIPE)
    assert visitors.sweep() == 0
    visitors.close()
    long_ago = time.time() - 3700
    os.utime(old.folder / "used", (long_ago, long_ago))
    again = Visitors(tmp_path / "visitors", shared, Limits(idle_seconds=3600))
    assert again.sweep() == 1
    assert not old.folder.exists()
    assert new.folder.exists()
    again.close()


HOUR, NOON = 3600.0, 1_800_000_000.0


class Hands:
    """A clock of the machine that can be set, and one that cannot."""

    def __init__(self, wall: float = NOON) -> None:
        self.wall, self.steady = wall, 500.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


@given(st.lists(st.tuples(st.floats(0, HOUR / 9), st.floats(-5e9, 5e9)), max_size=8), st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_setting_of_the_clock_deletes_what_was_just_used(
    tmp_path_factory: pytest.TempPathFactory, set_to: list[tuple[float, float]], used: bool
) -> None:
    hands, token = Hands(), new_token()
    root = tmp_path_factory.mktemp("visitors")
    visitors = Visitors(root, Untouched, Limits(idle_seconds=int(HOUR)), clock=hands.clock())
    folder = root / folder_name(token)
    (folder / "files").mkdir(parents=True)
    visitors.get(token)
    for passes, jump in set_to:
        hands.pass_by(passes)
        hands.wall += jump
        assert visitors.sweep() == 0
        if used:
            visitors.get(token)
    hands.pass_by(HOUR + 1)
    assert visitors.sweep() == 1
    assert not folder.exists()


Untouched: Any = SimpleNamespace(_made_embedder=None)
"""Documents for everybody that nobody asks."""


@pytest.mark.parametrize("year", [1970, 2020])
def test_a_clock_that_was_never_set_deletes_nothing(tmp_path: Path, year: int) -> None:
    (tmp_path / "visitor").mkdir()
    os.utime(tmp_path / "visitor", (NOON, NOON))
    hands = Hands((year - 1970) * 365.25 * 86400)
    visitors = Visitors(tmp_path, Untouched, clock=hands.clock())
    hands.pass_by(30 * 24 * HOUR)
    assert visitors.sweep() == 0
    assert (tmp_path / "visitor").stat().st_mtime == NOON
    hands.wall = NOON + 60
    assert visitors.sweep() == 0
    hands.pass_by(8 * 24 * HOUR)
    assert visitors.sweep() == 1


def test_a_date_that_has_not_come_counts_from_now(tmp_path: Path) -> None:
    (tmp_path / "visitor").mkdir()
    (tmp_path / "visitor" / "used").touch()
    os.utime(tmp_path / "visitor" / "used", (NOON + 9e8, NOON + 9e8))
    hands = Hands()
    for _ in range(7):  # it is restarted every day, and they still go after a week
        visitors = Visitors(tmp_path, Untouched, clock=hands.clock())
        assert visitors.sweep() == 0
        hands.pass_by(24 * HOUR)
    hands.pass_by(1)
    assert Visitors(tmp_path, Untouched, clock=hands.clock()).sweep() == 1


def test_made_up_cookies_do_not_pile_up(
    visitors: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewise.ui.visitors._MOST_HELD", 20)
    token = new_token()
    keeper = visitors.get(token)
    ready(keeper, "recipe.txt", RECIPE)
    for _ in range(100):
        visitors.get(new_token())
    assert len(visitors._known) == 20
    assert visitors.get(token) is keeper
    assert [path.name for path in visitors.root.iterdir()] == [keeper.key]


def test_a_folder_does_not_tell_the_cookie() -> None:
    token = new_token()
    assert folder_name(token) == folder_name(token) != folder_name(new_token())
    assert len(folder_name(token)) == 40 and token not in folder_name(token)


def test_a_long_job_of_one_visitor_does_not_block_another() -> None:
    jobs, order, go = Jobs(100), [], threading.Event()
    jobs.add("a", lambda: go.wait(5) and None)
    jobs.add("a", lambda: order.append("a"))
    jobs.add("b", lambda: order.append("b"))
    until(lambda: order == ["b"])
    go.set()
    until(lambda: order == ["b", "a"])
    jobs.stop()


def test_visitors_take_turns() -> None:
    jobs, order, go = Jobs(100, workers=1), [], threading.Event()
    jobs.add("a", lambda: go.wait(5) and None)
    for n in range(3):
        jobs.add("a", lambda n=n: order.append(f"a{n}"))
    jobs.add("b", lambda: order.append("b0"))
    go.set()
    until(lambda: len(order) == 4)
    assert order.index("b0") <= 1
    assert [name for name in order if name.startswith("a")] == ["a0", "a1", "a2"]
    jobs.stop()


def test_a_full_line_is_refused() -> None:
    jobs, go = Jobs(2, workers=1), threading.Event()
    jobs.add("a", lambda: go.wait(5) and None)
    time.sleep(0.05)
    jobs.add("a", lambda: None)
    jobs.add("b", lambda: None)
    with pytest.raises(InputError, match="Too many files"):
        jobs.add("c", lambda: None)
    go.set()
    jobs.stop()


def test_limits_are_told_as_they_are() -> None:
    limits = Limits(file_bytes=5)
    assert limits.to_dict() == dataclasses.asdict(limits)
    assert limits.to_dict()["file_bytes"] == 5
