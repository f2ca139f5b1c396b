"""The pipeline from question to answer, with small real doubles for the two models."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from citewise import Answer, Assistant, CorpusError, InputError, Label, Status
from citewise.types import AnswerEvent, EvidenceEvent, SentenceEvent, TextEvent
from doubles import HashEmbedder
from scripted import Scripted

NOTES = """Team notes

Ada Lovelace wrote the first program in 1843. She worked with Charles Babbage.

The engine was never finished, because the money ran out.

| Machine | Weight | Price |
|---|---|---|
| Difference Engine | 15 tons | $100 |
| Analytical Engine | 20 tons | $250 |
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "notes.txt").write_text(NOTES, encoding="utf-8")
    return folder


def make(corpus: Path, generator: object, **options: object) -> Assistant:
    return Assistant(
        corpus,
        corpus.parent / "index",
        llm=generator,
        embedder=HashEmbedder(),
        quiet=True,
        **options,
    )


def exact(assistant: Assistant, answer: Answer) -> bool:
    return all(
        assistant.document(c.document).text[c.start : c.end] == c.quote for c in answer.citations
    )


QUESTION = "When did Ada Lovelace write the first program?"


def test_a_supported_draft_is_answered_with_an_exact_citation(corpus: Path) -> None:
    with make(corpus, Scripted("Ada Lovelace wrote the first program in 1843 [7].")) as assistant:
        answer = assistant.ask(QUESTION)
        assert answer.status is Status.ANSWERED
        assert answer.text == "Ada Lovelace wrote the first program in 1843. [1]"
        assert [c.quote for c in answer.citations] == [
            "Ada Lovelace wrote the first program in 1843."
        ]
        assert exact(assistant, answer)
        assert answer.sentences[0].verdict.label is Label.SUPPORTED
        assert answer.models["llm"] == "scripted"


def test_an_invented_number_is_held_back_and_the_passages_are_quoted(corpus: Path) -> None:
    with make(corpus, Scripted("Ada Lovelace wrote the first program in 1999.")) as assistant:
        answer = assistant.ask(QUESTION)
        assert answer.status is Status.QUOTED
        assert "1999" not in answer.text
        assert "1843" in answer.text
        assert answer.draft == "Ada Lovelace wrote the first program in 1999."
        assert answer.dropped[0].verdict.reason == "the source says 1843, not 1999"
        assert exact(assistant, answer)


def test_flag_mode_shows_the_sentence_marked_and_uncited(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program in 1999.")
    with make(corpus, generator, mode="flag") as assistant:
        answer = assistant.ask(QUESTION)
        assert answer.text == "Ada Lovelace wrote the first program in 1999. (not verified)"
        assert answer.citations == ()


def test_only_the_unsupported_sentence_is_dropped(corpus: Path) -> None:
    reply = "Ada Lovelace wrote the first program in 1843. She was born in Norway."
    with make(corpus, Scripted(reply)) as assistant:
        answer = assistant.ask(QUESTION)
        assert answer.text == "Ada Lovelace wrote the first program in 1843. [1]"
        assert [s.text for s in answer.dropped] == ["She was born in Norway."]


def test_a_row_is_cited_as_it_stands_in_the_file(corpus: Path) -> None:
    with make(corpus, Scripted("The Analytical Engine weighs 20 tons.")) as assistant:
        answer = assistant.ask("What is the weight of the Analytical Engine?")
        assert [c.quote for c in answer.citations] == ["| Analytical Engine | 20 tons | $250 |"]


def test_low_odds_end_not_found_without_drafting(corpus: Path) -> None:
    generator = Scripted("Anything.", odds=-8.0)
    with make(corpus, generator) as assistant:
        answer = assistant.ask("How tall is Ada?")
        assert answer.status is Status.NOT_FOUND
        assert answer.citations == ()
        assert answer.evidence
        assert answer.draft == ""
        assert len(generator.prompts) == 1


def test_a_name_that_no_document_holds_is_named_whole(corpus: Path) -> None:
    with make(corpus, Scripted("Anything.", odds=-8.0)) as assistant:
        answer = assistant.ask("What did Ada Lovelace tell Marie Curie of Elbonia?")
    assert answer.text == (
        "Your documents do not answer this: they do not mention “Marie Curie”, “Elbonia”."
    )


def test_both_requests_share_their_beginning(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program in 1843.")
    with make(corpus, generator) as assistant:
        assistant.ask(QUESTION)
    gate, draft, _ = generator.prompts
    assert gate.system == draft.system
    shared = gate.user[: gate.user.index("Question:")]
    assert draft.user.startswith(shared + "Question: " + QUESTION + "\n")


def test_a_true_sentence_that_is_no_answer_is_withdrawn(corpus: Path) -> None:
    reply = "Ada Lovelace wrote the first program in 1843."
    generator = Scripted(reply, odds=0.4, odds_after=-1.0)
    with make(corpus, generator) as assistant:
        *events, last = assistant.stream(QUESTION)
    assert isinstance(last, AnswerEvent)
    assert last.answer.status is Status.NOT_FOUND
    assert last.answer.draft == reply
    assert [s.verdict.reason for s in last.answer.dropped] == [
        "it does not answer the question asked"
    ]
    assert [event.shown for event in events if isinstance(event, SentenceEvent)] == [False]


def test_the_draft_is_confirmed_with_its_own_evidence_alone(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program in 1843.")
    with make(corpus, generator) as assistant:
        answer = assistant.ask(QUESTION)
    confirm = generator.prompts[-1].user
    assert "Answer: Ada Lovelace wrote the first program in 1843." in confirm
    assert [line for line in confirm.split("\n") if line.startswith("[")] == [
        f"[1] {answer.citations[0].quote}"
    ]


def test_a_number_asked_for_and_not_given_needs_no_confirming(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program.")
    with make(corpus, generator) as assistant:
        answer = assistant.ask("How many programs did Ada Lovelace write?")
    assert answer.status is not Status.ANSWERED
    assert answer.explanation["misses"] == (
        "the question asks for a number, and the draft gives none"
    )
    drafts = [p.user.split("\n")[-1] for p in generator.prompts[1:]]
    assert len(drafts) == 2, "a second draft is asked for, in other words"
    assert drafts[0] != drafts[1]


def test_without_a_model_the_passages_are_quoted(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        answer = assistant.ask(QUESTION)
        assert answer.status is Status.QUOTED
        assert "“Ada Lovelace wrote the first program in 1843.” [1]" in answer.text
        assert exact(assistant, answer)


def test_a_model_that_breaks_off_leaves_evidence_and_a_notice(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program", breaks_after=3)
    with make(corpus, generator) as assistant:
        answer = assistant.ask(QUESTION)
        assert answer.status is Status.QUOTED
        assert answer.notices == ("The connection broke. Ask again.",)


def test_events_come_in_order_and_end_with_the_answer(corpus: Path) -> None:
    with make(corpus, Scripted("Ada Lovelace wrote the first program in 1843.")) as assistant:
        events = list(assistant.stream(QUESTION))
    kinds = [type(event) for event in events]
    assert kinds[0] is EvidenceEvent
    assert kinds[-2:] == [SentenceEvent, AnswerEvent]
    text = "".join(event.delta for event in events if isinstance(event, TextEvent))
    assert text == "Ada Lovelace wrote the first program in 1843."


def test_closing_the_stream_stops_the_model(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program in 1843.")
    with make(corpus, generator) as assistant:
        events = assistant.stream(QUESTION)
        while not isinstance(next(events), TextEvent):
            pass
        events.close()
        assert generator.closed == 1


def test_a_follow_up_is_searched_with_the_question_before_it(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        first = assistant.ask("What does the Analytical Engine weigh?")
        follow_up = assistant.search("And its price?", [first])
        assert "Analytical Engine" in follow_up[0].rendered


def test_a_question_that_stands_alone_is_asked_alone(corpus: Path) -> None:
    generator = Scripted("Ada Lovelace wrote the first program in 1843.")
    with make(corpus, generator) as assistant:
        assistant.ask(QUESTION, ["What does the Analytical Engine weigh?"])
        assert "Earlier question" not in generator.prompts[0].user
        generator.prompts.clear()
        assistant.ask("And its price?", [QUESTION, "What does the Analytical Engine weigh?"])
        earlier = "Earlier question: What does the Analytical Engine weigh?\n"
        assert earlier in generator.prompts[0].user


def test_a_slip_of_the_pen_still_finds_the_passage(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        assert "1843" in assistant.search("first progarm by Lovelase")[0].text


def test_a_comparison_gathers_whole_tables_and_search_keeps_to_top_k(corpus: Path) -> None:
    question = "Which engine is the most expensive of all?"
    generator = Scripted("It is the Difference Engine.")
    with make(corpus, generator) as assistant:
        answer = assistant.ask(question, top_k=2)
        assert len(assistant.search(question, top_k=2)) == 2
    rows = {item.text for item in answer.evidence if item.kind == "row"}
    assert rows == {line for line in NOTES.splitlines() if "Engine |" in line and "$" in line}
    assert "has the highest" in answer.text
    assert answer.draft == "", "no model is needed to compare cells"
    assert not generator.prompts


def test_evidence_says_why_it_ranked(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        evidence = assistant.search(QUESTION, top_k=3)
    assert len(evidence) == 3
    assert [e.score for e in evidence] == sorted((e.score for e in evidence), reverse=True)
    assert evidence[0].dense_rank == 1
    assert evidence[0].lexical_rank == 1
    assert NOTES[evidence[0].start : evidence[0].end] == evidence[0].text


@pytest.mark.parametrize(
    ("question", "message"),
    [("", "empty"), (" \n", "empty"), ("x" * 100_000, "100,000 characters"), (7, "is a int")],
)
def test_a_question_that_cannot_be_asked(corpus: Path, question: str, message: str) -> None:
    with make(corpus, "none") as assistant, pytest.raises(InputError, match=message):
        assistant.ask(question)


@pytest.mark.parametrize("top_k", [0, -1, 101, "3", True])
def test_top_k_has_bounds(corpus: Path, top_k: int) -> None:
    with make(corpus, "none") as assistant, pytest.raises(InputError, match="top_k"):
        assistant.ask(QUESTION, top_k=top_k)


def test_a_missing_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not exist"):
        make(tmp_path / "nowhere", "none").ask(QUESTION)


def test_a_changed_corpus_is_noticed_and_told(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(corpus, "none").ask(QUESTION)
    (corpus / "more.md").write_text("# More\n\nGrace Hopper found a moth in 1947.\n", "utf-8")
    assistant = Assistant(corpus, corpus.parent / "index", llm="none", embedder=HashEmbedder())
    with assistant:
        answer = assistant.ask("What did Grace Hopper find?")
    assert "1947" in answer.text
    assert "Index updated (documents changed): 1 document added" in capsys.readouterr().err


def test_the_answer_as_json_and_markdown(corpus: Path) -> None:
    with make(corpus, Scripted("Ada Lovelace wrote the first program in 1843.")) as assistant:
        answer = asyncio.run(assistant.aask(QUESTION))
    data = json.loads(answer.to_json())
    assert data["status"] == "answered"
    assert data["citations"][0]["quote"] == "Ada Lovelace wrote the first program in 1843."
    markdown = answer.to_markdown()
    assert "in 1843. [^1]" in markdown
    assert "[^1]: notes.txt › Team notes: “Ada Lovelace" in markdown


# A long life beside other processes


def other_process_updates(corpus: Path, name: str, text: str) -> None:
    (corpus / name).write_text(text, encoding="utf-8")
    with make(corpus, "none") as other:
        other.update()


def test_an_update_by_another_process_is_seen(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        assert assistant.search("Who carries bread?")[0].document == "notes.txt"
        other_process_updates(corpus, "ships.txt", "Ships carry bread.")
        assert assistant.search("Who carries bread?")[0].text == "Ships carry bread."
        assert assistant.document("ships.txt").text == "Ships carry bread."


@pytest.mark.skipif(os.name != "posix", reason="Windows does not delete what is open")
def test_an_index_deleted_under_a_running_assistant_is_built_again(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        before = assistant.search(QUESTION)
        shutil.rmtree(assistant.index_folder)
        assert assistant.search(QUESTION) == before
        assert (assistant.index_folder / "citewise.sqlite3").is_file()


@pytest.mark.skipif(os.name != "posix", reason="Windows does not delete what is open")
def test_an_index_replaced_under_a_running_assistant_is_the_one_that_counts(corpus: Path) -> None:
    with make(corpus, "none") as assistant:
        assistant.search(QUESTION)
        shutil.rmtree(assistant.index_folder)
        other_process_updates(corpus, "ships.txt", "Ships carry bread.")
        assert assistant.search("Who carries bread?")[0].text == "Ships carry bread."
        assert [info.name for info in assistant.documents()] == ["notes.txt", "ships.txt"]
