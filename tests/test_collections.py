"""What of a store is not visible changes nothing: compared with a store in which it never was."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from citewise import Assistant, InputError, Status, cli
from citewise.collection_names import checked_name, checked_names
from citewise.errors import CorpusError
from citewise.tokens import lexical_terms
from citewise.types import Filter
from collection_worlds import (
    ADDRESSES,
    FILES,
    SHARED,
    World,
    assert_exact,
    filled,
    index_of,
    misspelt,
    planted,
    same_but_for,
    told,
)
from doubles import HashEmbedder
from scripted import Scripted
from stores import postgres  # noqa: F401 - a fixture

NAMES = ("", "hr", "hr-x", "legal")
_sentence = st.lists(st.sampled_from(SHARED), min_size=1, max_size=3)
_files = st.dictionaries(
    st.sampled_from(FILES), st.lists(_sentence, min_size=1, max_size=3), min_size=1
)
WORLDS = st.dictionaries(st.sampled_from(NAMES), _files, min_size=2).map(World)


def questions_of(world: World) -> st.SearchStrategy[str]:
    """About what is there for some, about nothing, and with slips in words that some may see."""
    words = st.sampled_from(world.words())
    slips = words.map(misspelt)
    shared = st.sampled_from(SHARED)
    asked = st.one_of(words, slips, shared, shared.map(misspelt), st.sampled_from(world.names()))
    return st.lists(asked, min_size=1, max_size=3).map(lambda some: f"What costs {' '.join(some)}?")


@pytest.fixture(params=sorted(ADDRESSES))
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


_numbers = itertools.count()


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Any:
    """A new folder, and in it the addresses of two empty stores of a kind, whenever it is asked."""

    def made() -> tuple[Path, str, str]:
        folder = tmp_path / str(next(_numbers))
        return (
            folder,
            ADDRESSES[kind](request, folder / "whole"),
            ADDRESSES[kind](request, folder / "alone"),
        )

    return made


# A failing example is small enough as it is drawn; to make it smaller would take minutes.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def test_what_is_not_visible_changes_no_byte_of_anything(kind: str, place: Any) -> None:
    # A server takes seconds to make each example's two stores.
    examples = 8 if kind == "embedded" else 3

    @settings(max_examples=examples, phases=PHASES, deadline=None)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        compare(place, data)

    check()


def compare(place: Any, data: st.DataObject) -> None:
    """Draw a world, who asks and what; what comes out has to be the same from both stores."""
    world: World = data.draw(WORLDS)
    held = list(world.collections)
    allowed = data.draw(st.lists(st.sampled_from(held), min_size=1, max_size=2, unique=True))
    shown = [name or "default" for name in allowed]
    if data.draw(st.booleans()):
        shown.append("ghost")
    asked = data.draw(st.lists(questions_of(world), min_size=2, max_size=2, unique=True))
    folder, whole, alone = place()
    world.write(folder)
    # A draft of words that only others may see: what the check makes of it must not differ.
    secret = data.draw(st.sampled_from(world.words()))
    llm = (
        Scripted(f"The bridge of {secret} costs 20 euros.") if data.draw(st.booleans()) else "none"
    )
    order = data.draw(st.permutations(held))
    with (
        closing(filled(whole, folder, order, llm)) as everything,
        closing(filled(alone, folder, [n for n in order if n in allowed], llm)) as theirs,
    ):
        found = told(everything.seeing(*shown), world, asked)
        expected = told(theirs.seeing(*shown), world, asked)
    assert same_but_for(found, whole, alone) == same_but_for(expected, whole, alone)
    assert {d["name"] for d in found["documents"]} == set(world.names(allowed))
    for name in world.names(allowed):
        assert found[f"document {name}"]["name"] == name


WORLD = World(
    {
        "": {"notes.txt": [["bridge", "copper"], ["engine"]], "pay.txt": [["salary"]]},
        "hr": {"pay.txt": [["salary", "winter"], ["salary"]], "plans/next.md": [["budget"]]},
        "legal": {"pay.txt": [["invoice", "salary"]], "notes.txt": [["harbour"]]},
    }
)


@pytest.fixture
def store(place: Any) -> Iterator[tuple[Assistant, Path, str]]:
    folder, whole, _ = place()
    WORLD.write(folder)
    with closing(filled(whole, folder, list(WORLD.collections))) as assistant:
        yield assistant, folder, whole


@pytest.mark.parametrize("allowed", [("hr",), ("legal", "hr"), ("default",), ("default", "legal")])
def test_each_planted_word_is_found_by_those_who_may_and_by_nobody_else(
    store: Any, allowed: Sequence[str]
) -> None:
    assistant = store[0].seeing(*allowed)
    for collection, files in WORLD.collections.items():
        for file in files:
            word = planted(collection, file)
            for asked in (word, misspelt(word)):
                texts = [e.text for e in assistant.search(f"What does {asked} cost?")]
                seen = any(word in text for text in texts)
                assert seen == ((collection or "default") in allowed), (collection, file, asked)


@pytest.mark.parametrize("allowed", [("hr", "legal"), ("default", "hr"), ("legal",)])
def test_a_slip_is_only_mended_to_a_word_that_may_be_seen(
    store: Any, allowed: Sequence[str]
) -> None:
    index, _ = store[0].seeing(*allowed)._opened()
    for collection, files in WORLD.collections.items():
        for word in (planted(collection, file) for file in files):
            seen = (collection or "default") in allowed
            ((stored,), (slip,)) = lexical_terms(word), lexical_terms(misspelt(word))
            assert index.similar(slip) == (stored if seen else None)


def test_files_of_one_name_in_several_collections_are_documents_of_their_own(store: Any) -> None:
    assistant = store[0].seeing("default", "hr", "legal")
    assert [d.name for d in assistant.documents()] == sorted(WORLD.names())
    for collection in ("", "hr", "legal"):
        word = planted(collection, "pay.txt")
        answer = assistant.ask(f"What does the salary of {word} cost?")
        assert answer.status is Status.QUOTED
        name = f"{collection}/pay.txt".lstrip("/")
        assert any(c.document == name and word in c.quote for c in answer.citations)
        assert_exact(assistant, answer)
        assert word in assistant.document(name).text


def test_a_folder_of_the_filter_is_a_collection(store: Any) -> None:
    assistant = store[0].seeing("default", "hr", "legal")
    for folders, names in (
        (("hr",), {"hr/pay.txt", "hr/plans/next.md"}),
        (("hr/plans", "legal"), {"hr/plans/next.md", "legal/pay.txt", "legal/notes.txt"}),
    ):
        found = assistant.search("What does the salary cost?", top_k=50, where=Filter((), folders))
        assert {item.document for item in found} == names
    both = Filter(documents=("notes.txt",), folders=("legal",))
    found = assistant.search("What does the salary cost?", top_k=50, where=both)
    assert {item.document for item in found} == {"notes.txt", "legal/pay.txt", "legal/notes.txt"}


def test_what_nobody_made_and_what_is_not_visible_are_told_apart_by_nothing(store: Any) -> None:
    assistant = store[0].seeing("legal")
    for name in ("hr/pay.txt", "ghost/pay.txt"):
        with pytest.raises(CorpusError) as unknown:
            assistant.document(name)
        wanted = f"There is no document {name!r}. Nearest: 'legal/pay.txt', 'legal/notes.txt'."
        assert str(unknown.value) == wanted
    for folder in ("hr", "ghost"):
        with pytest.raises(InputError) as refused:
            assistant.search("salary", where=Filter(folders=(folder,)))
        assert str(refused.value) == f"There is no folder {folder!r}. Nearest: 'legal'."
    nothing = [told(store[0].seeing(n), World({}), ["salary?"]) for n in ("ghost", "ghast")]
    assert same_but_for(nothing[0], "ghost") == same_but_for(nothing[1], "ghast")
    assert nothing[0]["documents"] == []


def test_who_is_named_for_nothing_sees_nothing(store: Any) -> None:
    for names in ((), ("",), (" ",), ("hr", "")):
        with pytest.raises(InputError):
            store[0].seeing(*names)
    with pytest.raises(InputError):
        Assistant(collections=[])
    with pytest.raises(InputError):
        Assistant(collections="")
    nothing = store[0].seeing_nothing()
    assert nothing.documents() == []
    assert nothing.search("salary") == ()
    assert nothing.ask("What is the salary?").status is Status.NOT_FOUND
    assert nothing.stats()["documents"] == 0


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "../x", "a/b", "a\\b", "/x", "-x", "_x", "ä", "\u017f", "\u212a", "x\n",
     "x" * 65, "a b", "a.b", "a\0", None, 3],
)  # fmt: skip
def test_no_name_leads_out_of_the_store(name: Any) -> None:
    with pytest.raises(InputError, match="is no name of a collection"):
        checked_name(name)


def test_capitals_order_and_repetitions_make_no_difference() -> None:
    assert checked_name("HR-2_x") == "hr-2_x"
    assert checked_name("Default") == ""
    assert checked_name("x" * 64) == "x" * 64
    assert checked_names("Legal, HR,hr , default") == checked_names(["DEFAULT", "hr", "LEGAL"])
    assert checked_names("legal,hr") == ("hr", "legal")
    with pytest.raises(InputError):
        checked_names("hr,,legal")


def test_a_setting_says_what_is_searched(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder, address = store
    monkeypatch.setenv("CITEWISE_COLLECTIONS", "HR, legal")
    options = {"store": address, "llm": "none", "embedder": HashEmbedder(), "quiet": True}
    corpus, index = folder / "default", index_of(address)
    with Assistant(corpus, index, **options) as assistant:
        assert {d.name for d in assistant.documents()} == set(WORLD.names(["hr", "legal"]))
    with Assistant(corpus, index, collections=["default"], **options) as assistant:
        assert {d.name for d in assistant.documents()} == set(WORLD.names([""]))


def test_one_collection_is_updated_and_no_other(store: Any) -> None:
    assistant, folder, _ = store
    before = told(assistant.seeing("default", "legal"), WORLD, ["What does the salary cost?"])
    (folder / "hr" / "pay.txt").write_text("The salary of Ada is 9000 euros.")
    (folder / "hr" / "plans" / "next.md").unlink()
    (folder / "hr" / "new.txt").write_text("Ada moves to Rome.")
    done = assistant.keeping("hr", folder / "hr").update()
    assert (done.changes.added, done.changes.changed) == (("hr/new.txt",), ("hr/pay.txt",))
    assert done.changes.removed == ("hr/plans/next.md",)
    assert [d.name for d in assistant.seeing("hr").documents()] == ["hr/new.txt", "hr/pay.txt"]
    after = told(assistant.seeing("default", "legal"), WORLD, ["What does the salary cost?"])
    assert before == after
    again = assistant.keeping("hr", folder / "hr").update()
    assert (again.reason, again.unchanged) == ("", 2)


def test_documents_that_would_have_one_name_are_refused_when_indexed(store: Any) -> None:
    assistant, folder, _ = store
    (folder / "default" / "board").mkdir()
    (folder / "default" / "board" / "pay.txt").write_text("The board is paid in copper.")
    assistant.update()
    with pytest.raises(InputError, match="A folder 'board' is among the documents"):
        assistant.keeping("board", folder / "hr").update()
    assert assistant.seeing("board").documents() == []


def test_a_collection_is_searched_while_another_is_built(store: Any) -> None:
    assistant, folder, _ = store
    inside, go_on = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        inside.set()
        assert go_on.wait(20)

    (folder / "default" / "more.txt").write_text("More copper.")
    building = threading.Thread(target=lambda: assistant.update(wait))
    building.start()
    assert inside.wait(20)
    try:
        asking = threading.Thread(target=assistant.seeing("hr").search, args=("salary",))
        asking.start()
        asking.join(10)
        assert not asking.is_alive()
    finally:
        go_on.set()
        building.join()


# --- of stores that are folders ---------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A world's files, and a store for the command line beside them."""
    monkeypatch.setattr(Assistant, "_made_embedder", lambda _: HashEmbedder())
    monkeypatch.setattr(Assistant, "embedder_name", HashEmbedder().name)
    monkeypatch.setenv("CITEWISE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("CITEWISE_CORPUS", str(tmp_path / "default"))
    monkeypatch.setenv("CITEWISE_LLM", "none")
    WORLD.write(tmp_path)
    return tmp_path


@pytest.fixture
def any_folders(
    folders: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """As ``folders``, with a store of each kind in turn."""
    address = ADDRESSES[kind](request, folders)
    monkeypatch.setenv("CITEWISE_STORE", address)
    if (index := index_of(address)) is not None:
        monkeypatch.setenv("CITEWISE_INDEX", str(index))
    return folders


def ran(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = cli.main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_line_brings_lists_and_removes(
    any_folders: Path, kind: str, capsys: Any
) -> None:
    folders = any_folders
    assert ran(capsys, "index")[0] == 0
    assert ran(capsys, "index", folders / "hr", "--collection", "HR")[0] == 0
    assert ran(capsys, "index", folders / "legal", "--collection", "legal")[0] == 0
    code, out, _ = ran(capsys, "index", "--list-collections")
    assert (code, out) == (0, "default: 2 documents\nhr: 2 documents\nlegal: 2 documents\n")
    code, out, _ = ran(capsys, "index", "--collection", "hr", "--stats", "--json")
    assert (code, json.loads(out)["documents"]) == (0, 2)
    code, out, err = ran(capsys, "index", "--collection", "hr", "--check")
    assert (code, err) == (0, "")
    assert "is sound: 2 documents" in out
    shown = "(collection 'hr')" if kind == "postgresql" else "collections/hr"
    assert shown in Path(out).as_posix()
    (folders / "hr" / "pay.txt").unlink()
    code, out, _ = ran(capsys, "index", folders / "hr", "--collection", "hr", "--dry-run", "--json")
    assert json.loads(out)["update"]["changes"]["removed"] == ["hr/pay.txt"]
    code, out, _ = ran(capsys, "index", "--remove-collection", "hr", "--json")
    assert (code, json.loads(out)) == (0, {"removed": "hr", "documents": 2})
    code, out, _ = ran(capsys, "index", "--list-collections", "--json")
    assert [one["collection"] for one in json.loads(out)] == ["default", "legal"]
    assert not (folders / "store" / "collections" / "hr").exists()
    (folders / "default" / "legal").mkdir()
    code, _, err = ran(capsys, "index")
    assert code == 2
    assert "A folder 'legal' is among the documents that are in no collection" in err


def test_the_command_line_answers_from_what_is_named(folders: Path, capsys: Any) -> None:
    ran(capsys, "index")
    alone = ran(capsys, "ask", f"What does {planted('hr', 'pay.txt')} cost?", "--json")
    for name in ("hr", "legal"):
        ran(capsys, "index", folders / name, "--collection", name)
    beside = ran(capsys, "ask", f"What does {planted('hr', 'pay.txt')} cost?", "--json")
    for one in (alone, beside):
        assert one[0] == 0
    answers = [json.loads(one[1]) | {"timings": {}} for one in (alone, beside)]
    assert answers[0] == answers[1]
    asked = f"What does the salary of {planted('hr', 'pay.txt')} cost?"
    code, out, _ = ran(capsys, "ask", "--collections", "default,HR", asked, "--json")
    assert json.loads(out)["citations"][0]["document"] == "hr/pay.txt"
    code, out, err = ran(capsys, "ask", "--collections", "ghost", asked)
    assert (code, out) == (2, "")
    assert "There is no collection 'ghost'" in err
    # What is only read is not made.
    assert not (folders / "store" / "collections" / "ghost").exists()


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--collection", "hr"], "Nobody says which documents the collection 'hr' is to hold"),
        (["default", "--collection", "../x"], "'../x' is no name of a collection"),
        (["--remove-collection", "ghost"], "There is no collection 'ghost'"),
        (["--remove-collection", "default"], "are those of a folder"),
        (["--remove-collection", "../legal"], "is no name of a collection"),
        (["--collection", "ghost", "--stats"], "There is no collection 'ghost'"),
    ],
)
def test_the_command_line_refuses(
    folders: Path, capsys: Any, args: Sequence[str], problem: str
) -> None:
    code, _, err = ran(capsys, "index", *args)
    assert code == 2
    assert problem in err
    assert not (folders / "store" / "collections").exists()


def test_who_indexes_is_told_of_a_folder_that_is_called_like_a_collection(
    folders: Path, capsys: Any
) -> None:
    ran(capsys, "index")
    ran(capsys, "index", folders / "hr", "--collection", "hr")
    question = ("ask", "What does the salary cost?", "--json")
    (folders / "default" / "hr").mkdir()
    (folders / "default" / "hr" / "pay.txt").write_text("The salary of nobody is 1 euro.")
    code, _, err = ran(capsys, "index")
    assert code == 2
    assert "A folder 'hr' is among the documents that are in no collection" in err
    # A reader is not, and whoever sees both gets the collection's document by that name.
    code, out, _ = ran(capsys, *question)
    assert code == 0
    assert "hr/pay.txt" in {e["document"] for e in json.loads(out)["evidence"]}
    code, out, _ = ran(capsys, *question, "--collections", "default,hr")
    assert "nobody" not in out
    assert planted("hr", "pay.txt") in out


def test_a_collection_that_comes_later_is_seen_and_one_that_goes_is_not(folders: Path) -> None:
    with Assistant(quiet=True) as assistant:
        seen = assistant.seeing("hr", "legal")
        assert seen.documents() == []
        assistant.keeping("hr", folders / "hr").update()
        assert [d.name for d in seen.documents()] == ["hr/pay.txt", "hr/plans/next.md"]
        assert cli.main(["index", "--remove-collection", "hr"]) == 0
        assert seen.documents() == []
        assert seen.search("salary") == ()
