"""Answers that are kept: thumbs, exports, questions for the evals, the owner's view, deletion."""

from __future__ import annotations

import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import citewise
from citewise.errors import EvaluationError, InputError
from citewise.questions import load_questions
from citewise.settings import current
from citewise.types import Answer, Citation, Evidence, Label, Sentence, Status, Verdict
from citewise.ui.clock import Clock
from citewise.ui.eval_lines import QuestionSet, drafted
from citewise.ui.exporting import as_json, as_markdown, inert
from citewise.ui.owner import Owner, owner_password
from citewise.ui.owner_view import export_lines, overview
from citewise.ui.records import Kept, Records
from jsonschemas import conforms
from ui_double import ATTACK

SCHEMA = json.loads(
    (Path(citewise.__file__).parent / "schemas" / "questions.schema.json").read_text()
)
GOOD = Verdict(Label.SUPPORTED, 0.9, "")
BAD = Verdict(Label.UNSUPPORTED, 0.1, "92 is in none of the passages")
QUOTE = "| DeepSeek-V2 | 21B / 236B | ~5e24 | 78.5 | $0.14 |"
ANSWERED = Answer(
    "What MMLU score did DeepSeek-V2 get?",
    Status.ANSWERED,
    "DeepSeek-V2 scored 78.5. [1]",
    sentences=(Sentence("DeepSeek-V2 scored 78.5.", (1,), GOOD),),
    citations=(Citation(1, "seed.txt", 10, 10 + len(QUOTE), QUOTE, "Deep Dive", 3),),
    evidence=(Evidence("seed.txt", 10, 10 + len(QUOTE), QUOTE, 0.5, 1, 1),),
    draft="DeepSeek-V2 scored 78.5. Next 92.",
    dropped=(Sentence("Next 92.", (), BAD),),
    timings={"retrieve": 0.02, "draft": 4.0, "evidence": 0.02, "total": 4.2},
)
NOT_FOUND = Answer(
    "Who is the CEO of the moon?",
    Status.NOT_FOUND,
    "Not in the documents.",
    evidence=(Evidence("seed.txt", 0, 5, "Lunar", 0.1, 1, None),),
    timings={"retrieve": 0.01, "total": 0.5},
    explanation={"model_refused": True},
)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "answers.sqlite3")


def kept(answer: Answer, **changes: object) -> Kept:
    made = Kept("k", "v", 0.0, False, (), answer.to_dict(), 0, "")
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


# --- records ----------------------------------------------------------------------------------


def test_an_answer_is_kept_whole(records: Records) -> None:
    records.add("a", "me", ANSWERED, history=("Earlier?",))
    (found,) = records.of_visitor("me")
    assert found.record == json.loads(ANSWERED.to_json())
    assert (found.history, found.thumb, found.private) == (("Earlier?",), 0, False)
    assert abs(found.asked - time.time()) < 60


def test_only_its_visitor_reaches_an_answer(records: Records) -> None:
    records.add("a", "me", ANSWERED)
    assert records.of_visitor("you", ["a"]) == []
    assert records.rate("you", "a", -1, "no") is False
    assert records.delete("you", ["a"]) == 0
    assert records.delete("you") == 0
    assert records.of_visitor("me")[0].thumb == 0


def test_a_thumb_is_kept_with_its_reason_and_taken_back(records: Records) -> None:
    records.add("a", "me", ANSWERED)
    assert records.rate("me", "a", -1, "wrong year")
    (found,) = records.of_visitor("me", ["a"])
    assert (found.thumb, found.reason) == (-1, "wrong year")
    assert records.rate("me", "a", 0, "")
    assert records.of_visitor("me")[0].thumb == 0


def test_the_order_asked_for_is_kept(records: Records) -> None:
    for key in "abc":
        records.add(key, "me", ANSWERED)
    assert [k.id for k in records.of_visitor("me", ["c", "nosuch", "a"])] == ["c", "a"]
    assert [k.id for k in records.of_visitor("me")] == ["a", "b", "c"]


def test_deleted_answers_are_nowhere_in_the_file(records: Records) -> None:
    secret = dataclasses.replace(ANSWERED, question="Is the word xylophonist here?")
    records.add("a", "me", secret)
    records.add("b", "me", NOT_FOUND)
    assert holding(records, b"xylophonist")
    assert records.delete("me", ["a"]) == 1
    assert not holding(records, b"xylophonist")
    assert holding(records, b"CEO of the moon")
    assert records.delete("me") == 1
    assert not holding(records, b"CEO of the moon")


def holding(records: Records, words: bytes) -> bool:
    return any(words in path.read_bytes() for path in records.path.parent.iterdir())


def test_what_is_old_goes(tmp_path: Path) -> None:
    records = Records(tmp_path / "a.sqlite3", keep_days=1e-9)
    records.add("a", "me", ANSWERED)
    time.sleep(0.01)
    records.sweep()
    assert records.of_visitor("me") == []


def test_no_setting_of_the_clock_deletes_what_was_just_answered(tmp_path: Path) -> None:
    day, wall, steady = 86_400.0, [1_800_000_000.0], [7.0]

    def made() -> Records:
        clock = Clock(lambda: wall[0], lambda: steady[0])
        return Records(tmp_path / "a.sqlite3", keep_days=30, clock=clock)

    def kept(records: Records) -> int:
        records.sweep()
        return records.count("me")

    records = made()
    for key, jump in (("a", 40 * day), ("b", -400 * day), ("c", 360 * day), ("d", 9e8)):
        records.add(key, "me", ANSWERED)
        wall[0] += jump
        assert kept(records) == ord(key) - ord("a") + 1
    wall[0] -= 9e8
    for _ in range(30):  # it is started anew each day; what seems to come from later goes, too
        assert kept(made()) == 4
        wall[0] += day
        steady[0] += day
    wall[0] += 1
    assert kept(made()) == 0


# --- export -----------------------------------------------------------------------------------


def test_markdown_keeps_verdicts_and_places() -> None:
    text = as_markdown([kept(ANSWERED), kept(NOT_FOUND)])
    assert "## What MMLU score did DeepSeek-V2 get?" in text
    assert "DeepSeek-V2 scored 78.5.[^1-1] *(✓ supported)*" in text
    assert f"[^1-1]: seed.txt, page 3, Deep Dive, characters 10–{10 + len(QUOTE)}: “" in text
    assert "Held back: Next 92. *(⚠ not supported: 92 is in none of the passages)*" in text
    assert "Not in the documents. The nearest passages:" in text
    assert "> Lunar — seed.txt, characters 0–5" in text


def test_no_two_answers_share_a_footnote() -> None:
    text = as_markdown([kept(ANSWERED), kept(ANSWERED)])
    assert text.count("[^1-1]:") == text.count("[^2-1]:") == 1


@pytest.mark.parametrize("sign", ["<", "[", "]", "`", "*", "$", "|", "~", "{", "}", "_"])
def test_nothing_active_is_left_of_an_attack(sign: str) -> None:
    escaped = inert(f"{ATTACK} ~a~ _b_")
    assert escaped.count(f"\\{sign}") == escaped.count(sign) > 0
    assert "://" not in escaped and "www." not in escaped


@pytest.mark.parametrize("start", ["- a", "+ a", "= a", "1. a", "12) a", "# a", "> a", "--- "])
def test_no_words_begin_a_block(start: str) -> None:
    first = inert(start)
    assert first.startswith(("&#", "\\"))


def test_an_attack_in_every_field_stays_words() -> None:
    bad = Verdict(Label.CONTRADICTED, 0.0, ATTACK)
    hostile = Answer(
        ATTACK,
        Status.ANSWERED,
        ATTACK,
        (Sentence(ATTACK, (1, 7), bad),),
        (Citation(1, ATTACK, 0, 1, ATTACK, ATTACK),),
        draft=ATTACK,
        dropped=(Sentence(ATTACK, (), bad),),
        notices=(ATTACK,),
    )
    text = as_markdown([kept(hostile)])
    assert "<img" not in text.replace("\\<img", "")
    assert "![" not in text.replace("!\\[", "") and "](" not in text.replace("\\](", "")
    assert "[^1-7]" not in text
    assert "http://" not in text
    packed = as_json([kept(hostile)])
    assert "<" not in packed
    assert json.loads(packed)["answers"][0]["answer"] == json.loads(hostile.to_json())


# --- questions for the evals ------------------------------------------------------------------


def test_an_answer_becomes_a_valid_question(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    assert QuestionSet(path).append(kept(ANSWERED)) == "chat-what-mmlu-score-did-deepseek-v2-get"
    (question,) = load_questions(path)
    assert question.status is Status.ANSWERED and question.draft
    assert question.facts == (("78.5",),)
    assert question.evidence == ((QUOTE,),)
    assert question.document == "seed.txt"
    (line,) = path.read_text().splitlines()
    assert conforms(json.loads(line), SCHEMA)


def test_a_refusal_becomes_a_question_without_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    QuestionSet(path).append(kept(NOT_FOUND))
    (question,) = load_questions(path)
    assert (question.status, question.facts, question.evidence) == (Status.NOT_FOUND, (), ())


def test_a_line_is_added_behind_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    first = '{"id": "chat-who-is-the-ceo-of-the-moon", "question": "?", "status": "not_found"}'
    path.write_text(first)  # without a newline at its end
    assert QuestionSet(path).append(kept(NOT_FOUND)) == "chat-who-is-the-ceo-of-the-moon-2"
    assert len(load_questions(path)) == 2
    assert path.read_text().startswith(first + "\n")
    with pytest.raises(InputError, match="in the set already"):
        QuestionSet(path).append(kept(NOT_FOUND))


def test_a_quoted_answer_takes_its_quotes_for_facts() -> None:
    quoted = dataclasses.replace(ANSWERED, status=Status.QUOTED, sentences=(), dropped=())
    line = drafted(quoted.to_dict(), (), ())
    assert (line["status"], line["facts"]) == ("answered", [[QUOTE]])
    assert conforms(line, SCHEMA)


def test_a_follow_up_keeps_what_it_leans_on() -> None:
    follow_up = dataclasses.replace(ANSWERED, question="And what does it cost?")
    earlier = ("What is V3?", "What MMLU score did DeepSeek-V2 get?")
    line = drafted(follow_up.to_dict(), earlier, ())
    assert line["history"] == ["What MMLU score did DeepSeek-V2 get?"]
    assert "history" not in drafted(ANSWERED.to_dict(), earlier, ())


def test_a_visitor_s_own_words_never_reach_a_set(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    with pytest.raises(InputError, match="a document of your own"):
        QuestionSet(path).append(kept(ANSWERED, private=True))
    assert not path.exists()


def test_a_set_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is YAML"):
        QuestionSet(tmp_path / "questions.yaml")
    with pytest.raises(InputError, match="There is no folder"):
        QuestionSet(tmp_path / "nosuch" / "questions.jsonl")
    (tmp_path / "bad.jsonl").write_text("not json\n")
    with pytest.raises(EvaluationError, match=r"bad\.jsonl"):
        QuestionSet(tmp_path / "bad.jsonl")


# --- the owner --------------------------------------------------------------------------------


def test_the_owner_sees_what_went_wrong(records: Records) -> None:
    records.add("a", "me", ANSWERED)
    records.add("b", "you", NOT_FOUND)
    records.rate("me", "a", -1, "too short")
    seen = overview(list(records.all()))
    assert seen["totals"]["answers"] == 2
    assert seen["totals"]["not_found"] == seen["totals"]["disliked"] == 1
    assert seen["totals"]["held_back"] == 1
    assert [row["question"] for row in seen["not_found"]] == [NOT_FOUND.question]
    assert [row["question"] for row in seen["refused"]] == [NOT_FOUND.question]
    assert [(r["question"], r["reason"]) for r in seen["disliked"]] == [
        (ANSWERED.question, "too short")
    ]
    assert [row["seconds"] for row in seen["slowest"]] == [4.2, 0.5]
    assert (seen["slowest"][0]["slowest_step"], seen["slowest"][0]["slowest_seconds"]) == (
        "draft",
        4.0,
    )
    assert [row["stage"] for row in seen["stages"]] == ["draft", "retrieve"]
    assert seen["stages"][1] == {"stage": "retrieve", "count": 2, "median": 0.015, "most": 0.02}


def test_the_owner_does_not_read_a_visitor_s_documents(records: Records) -> None:
    records.add("a", "me", ANSWERED, private=True)
    records.rate("me", "a", -1, "")
    told = json.dumps(overview(list(records.all()))) + "".join(export_lines(records.all()))
    assert ANSWERED.question in told
    for words in ("78.5", "Next 92", QUOTE, "Deep Dive"):
        assert words not in told


def test_every_answer_is_one_line_of_the_export(records: Records) -> None:
    records.add("a", "me", dataclasses.replace(ANSWERED, question="<script>\n=1+1"))
    records.add("b", "me", NOT_FOUND)
    lines = list(export_lines(records.all()))
    assert [json.loads(line)["id"] for line in lines] == ["b", "a"]
    assert all(line.count("\n") == 1 and "<" not in line for line in lines)
    assert json.loads(lines[1])["answer"]["question"] == "<script>\n=1+1"


def test_only_the_password_lets_in() -> None:
    owner = Owner("correct horse")
    assert owner.log_in("wrong") is None
    assert owner.log_in("") is None
    token = owner.log_in("correct horse")
    assert token is not None and owner.knows(token)
    assert not owner.knows("") and not owner.knows(token + "x")
    owner.log_out(token)
    assert not owner.knows(token)


def test_answers_can_be_handed_out_from_one_thread_to_the_next(records: Records) -> None:
    for number in range(3):
        records.add(str(number), "me", NOT_FOUND)
    lines = iter(export_lines(records.all()))
    found = [next(lines)]
    with ThreadPoolExecutor(1) as other:
        found += other.submit(list, lines).result()
    assert [json.loads(line)["id"] for line in found] == ["2", "1", "0"]


def test_many_wrong_tries_have_to_wait() -> None:
    owner = Owner("correct horse")
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


def test_a_password_is_given_or_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWISE_OWNER_PASSWORD", " given ")
    assert owner_password(current().chat.owner_password) == (" given ", False)
    monkeypatch.delenv("CITEWISE_OWNER_PASSWORD")
    (one, made), (other, _) = owner_password(current().chat.owner_password), owner_password("")
    assert made and one != other and len(one) >= 16
