"""Question sets drafted from a corpus by rule."""

from __future__ import annotations

import argparse
import json
import time
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewise.errors import CorpusError, EvaluationError, InputError
from citewise.eval_cloze import cloze
from citewise.eval_facts import states
from citewise.eval_init import add_init_arguments, draft_questions, run_init, write_draft
from citewise.eval_row_questions import cell_questions
from citewise.eval_swaps import name_in, swaps, words_of
from citewise.eval_verbs import VERBS
from citewise.eval_words import common_words, plain
from citewise.questions import load_questions, resolve
from doubles import document
from jsonschemas import conforms

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads(
    resources.files("citewise").joinpath("schemas/questions.schema.json").read_text("utf-8")
)
HANDBOOK = """# Handbook

## Work

The office opens at 08:30 and closes at 17:00. Employees receive 25 days of leave a year.
Ada Brown is the director of the North Museum. Acme was founded in 1999 by two sisters.

## Towns

| City | Population | Founded | Mayor |
|---|---|---|---|
| Bergen | 291,940 | 1070 | Marit Warncke |
| Oslo | 717,710 | 1040 | Anne Lindboe |
"""

# --- one sentence ---

SENTENCES = {
    "The bridge over the Lee was opened in 1912.": (
        "When was the bridge over the Lee opened?",
        "1912",
    ),
    "Acme was founded on 3 May 1999 by two sisters.": ("When was Acme founded?", "3 May 1999"),
    "In 1825 George Stephenson built the Locomotion for the railway.": (
        "When did George Stephenson build the Locomotion for the railway?",
        "1825",
    ),
    "In 1599 the East India Company was established.": (
        "When was the East India Company established?",
        "1599",
    ),
    "Tesla died on 7 January 1943.": ("When did Tesla die?", "7 January 1943"),
    "The office opens at 08:30 and closes at 17:00.": ("When does the office open?", "08:30"),
    "The North Bridge was designed by Ada Brown.": (
        "Who was the North Bridge designed by?",
        "Ada Brown",
    ),
    "Acme Ltd is based in Oslo.": ("Where is Acme Ltd based?", "Oslo"),
    "The North Bridge is 480 metres long.": ("How long is the North Bridge?", "480 metres"),
    "The default port is 8080.": ("What is the default port?", "8080"),
    "Ada Brown is the director of the museum.": ("Who is the director of the museum?", "Ada Brown"),
    "The capital of Norway is Oslo.": ("What is the capital of Norway?", "Oslo"),
    "Lake Vener is the largest lake in Sweden.": (
        "What is the largest lake in Sweden?",
        "Lake Vener",
    ),
    "About 40% of visitors are children.": ("What percentage of visitors are children?", "40%"),
    "Twelve people work in the Oslo office.": (
        "How many people work in the Oslo office?",
        "Twelve",
    ),
    "The ministry employed 400 child protection officers in 2009.": (
        "How many child protection officers did the ministry employ in 2009?",
        "400",
    ),
    "The museum holds more than 70,000 works of art.": (
        "How many works of art does the museum hold?",
        "70,000",
    ),
    "**Passages** hold at most 700 characters; each is a slice.": (
        "At most how many characters do passages hold?",
        "700",
    ),
    "A season ticket costs $50 per month.": (
        "How much does a season ticket cost per month?",
        "$50",
    ),
    "Acme has raised $2.8 billion.": ("How much has Acme raised?", "$2.8 billion"),
    "Contracts run for 12 months.": ("For how many months do contracts run?", "12"),
    "The V2 model scored 78.5 on MMLU.": ("What did the V2 model score on MMLU?", "78.5"),
    "Ada Brown designed the North Bridge.": ("Who designed the North Bridge?", "Ada Brown"),
    "`run.py` holds the state of a question.": (
        "What holds the state of a question?",
        "run.py",
    ),
}
COMMON = common_words(["a bridge, the passages, the contracts, a season, some visitors, an office"])


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES.items(), ids=SENTENCES)
def test_a_sentence_becomes_a_question(sentence: str, expected: tuple[str, str]) -> None:
    made = cloze(sentence, COMMON)
    assert made is not None
    assert (made.question, made.fact) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "It was founded in 1999.",  # whom?
        "This bridge was opened in 1912.",
        "The company raised $50 million in 2019 for its expansion, they said",  # no full stop
        "The company was founded in 1999.",
        "Acme may raise $50 million.",
        "Acme was not founded in 1999.",
        "If it rains, the office opens at 09:00.",
        "The bridge was opened in 1912, unless the sign is wrong.",
        "Acme employs 30 to 50 people.",
        "Acme employs 30-50 people.",
        "Acme has 12 rooms that face the lake.",  # how many rooms has it otherwise?
        "The Main Hall was designed by Cobb, Shepley and Coolidge.",  # only the first of them
        "Committee meetings start on Tuesday, Wednesday and Friday.",
        "Construction is the process of building a house.",  # no name, but a first word
        "A town was founded in 1822.",
        "Is the default port 8080?",
        "News of the battles reached England in August.",  # of which year?
        "Two future opponents in the war.",
        "",
    ],
)
def test_what_would_read_badly_gives_no_question(sentence: str) -> None:
    assert cloze(sentence, common_words(["construction", sentence])) is None


@given(st.text(max_size=200))
def test_any_text_gives_a_fact_that_stands_in_it_or_nothing(text: str) -> None:
    made = cloze(text + ".", frozenset())
    assert made is None or made.fact in plain(text + ".")


@pytest.mark.parametrize(
    "sentence",
    [
        "A " * 300 + "was opened in 1912 x.",
        "The " + "a of " * 120 + "is 7 is.",
        "Aa " * 200 + "was was was by by Aa.",
        "1,000" * 120 + ".",
        "The x has " + "two " * 140 + ".",
    ],
)
def test_a_hostile_sentence_takes_no_time(sentence: str) -> None:
    started = time.process_time()
    cloze(sentence[:600], frozenset())
    assert time.process_time() - started < 1


def test_a_long_table_takes_seconds_not_minutes() -> None:
    rows = "".join(f"| V{n}{'(' * 190} | {n} |\n| W{n} x | {n} |\n" for n in range(1500))
    started = time.process_time()
    assert len(list(cell_questions(f"| Model | Price |\n|---|---|\n{rows}", frozenset()))) > 1400
    assert time.process_time() - started < 5


def test_verbs_have_their_forms() -> None:
    assert VERBS["release"] == ("releases", "released", "released")
    assert VERBS["finish"] == ("finishes", "finished", "finished")
    assert VERBS["write"] == ("writes", "wrote", "written")


# --- tables ---


def cells(table: str) -> list[tuple[str, str]]:
    return [(made.question, made.fact) for made in cell_questions(table, common_words([table]))]


def test_each_cell_with_a_number_a_date_or_a_name_is_asked_for() -> None:
    assert cells(HANDBOOK) == [
        ("What is the population of Bergen?", "291,940"),
        ("When was Bergen founded?", "1070"),
        ("Who is the mayor of Bergen?", "Marit Warncke"),
        ("What is the population of Oslo?", "717,710"),
        ("When was Oslo founded?", "1040"),
        ("Who is the mayor of Oslo?", "Anne Lindboe"),
    ]


def test_columns_read_as_they_would_in_a_sentence() -> None:
    table = """
| Model | Size (Active/Total) | MMLU Score | Museums | Distance to Paris | Cost (est.) |
|---|---|---|---|---|---|
| V2 (new) | 21B / 236B | ~78.5 | 12 | 1,340 km | $0.14 (2025) |
"""
    assert cells(table) == [
        ("What is the active size of V2?", "21B"),
        ("What is the total size of V2?", "236B"),
        ("What is the MMLU score of V2?", "78.5"),
        ("How many museums does V2 have?", "12"),
        ("What is the distance to Paris for V2?", "1,340"),
        ("What is the cost of V2?", "$0.14"),
    ]


def test_a_column_of_people_is_asked_for_with_who() -> None:
    table = "| Firm | CEO | Chief Executive |\n|---|---|---|\n| Acme | Bo Lind | Ada Brown |\n"
    assert [question for question, _ in cells(table)] == [
        "Who is the CEO of Acme?",
        "Who is the chief executive of Acme?",
    ]


def test_years_as_columns_are_asked_for_by_year() -> None:
    table = "| Metric | 2024 (old) | 2026 |\n|---|---|---|\n| Avg. Size | ~100B | 500B |\n"
    assert cells(table) == [
        ("What is the average size for 2024?", "100B"),
        ("What is the average size for 2026?", "500B"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        "| V2 | Unknown |",
        "| V2 | $1 - $5 |",
        "| V2 | Continuous |",
        "| V2 | cheap, mostly |",
        "| | 12 |",
        "| what it costs | 12 |",
        "| How much? | 12 |",
        f"| V2 | {'[' * 100_000} |",
    ],
)
def test_a_cell_that_would_read_badly_is_left_out(row: str) -> None:
    assert cells(f"| Model | Price |\n|---|---|\n{row}\n") == []


def test_rows_that_share_their_name_are_left_out() -> None:
    rows = "| V2 (old) | $1 |\n| V2 (new) | $2 |\n"
    assert cells(f"| Model | Price |\n|---|---|\n{rows}") == []


# --- what no document holds ---


def test_a_name_then_an_attribute_is_put_in() -> None:
    asked = [
        ("What is the cost of V2?", "V2"),
        ("When was Acme founded?", "Acme"),
        ("How long is the North Bridge?", "North Bridge"),
        ("Where is the Oslo office located?", "Oslo"),
        ("How many people work in the Oslo office?", "Oslo"),
    ]
    assert [swap.question for swap in swaps(asked, frozenset())] == [
        "What is the cost of Quillmark?",
        "What is the postal address of Acme?",
        "How long is Veltrano?",
        "What is the annual budget of the Oslo?",
        "How many people work in the Ostrabel office?",
    ]


def test_what_the_corpus_holds_is_not_put_in() -> None:
    held = words_of(["QUILLMARK sold. Its budget; an address."])
    asked = [("What is the cost of V2?", "V2"), ("What is the cost of V3?", "V3")]
    assert [swap.unknown for swap in swaps(asked, held)] == ["Veltrano", "telephone number"]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("When was the University of Warsaw established?", "University of Warsaw"),
        ("What is Acme's budget?", "Acme"),
        ("When did Construction begin?", ""),
        ("Which is it?", ""),
    ],
)
def test_the_name_in_a_question_is_found(question: str, name: str) -> None:
    assert name_in(question, {"construction"}) == name


# --- the set ---


def corpus() -> list[Any]:
    other = "# Notes\n\nThe North Bridge is 480 metres long. Bo Lind wrote the Great Saga.\n"
    return [document("handbook.md", HANDBOOK), document("notes.md", other)]


def test_the_draft_is_spread_over_documents_and_headings() -> None:
    drafted = draft_questions(corpus(), 5)
    assert [q["kind"] for q in drafted] == ["prose", "prose", "cell", "prose", "unanswerable"]
    assert [q.get("document") for q in drafted] == [
        "handbook.md",
        "notes.md",
        "handbook.md",
        "notes.md",
        None,
    ]
    assert [q["id"] for q in drafted] == ["q-001", "q-002", "q-003", "q-004", "q-005"]
    assert all(q["draft"] is True and q["note"] for q in drafted)


def test_the_same_corpus_and_seed_give_the_same_draft() -> None:
    assert draft_questions(corpus(), 8) == draft_questions(corpus()[::-1], 8)
    drafts = {json.dumps(draft_questions(corpus(), 5, seed)) for seed in range(8)}
    assert len(drafts) > 1


def test_no_more_are_drafted_than_asked_for() -> None:
    assert [len(draft_questions(corpus(), n)) for n in (0, 1, 2, 5, 10)] == [0, 1, 2, 5, 10]
    everything = draft_questions(corpus(), 1000)
    answered = [q for q in everything if q["status"] == "answered"]
    assert len(answered) == 12
    assert len(everything) - len(answered) <= len(answered)


def test_a_question_with_several_answers_is_not_asked() -> None:
    texts = ("The default port is 8080.", "The default port is 9090.")
    documents = [document(f"{n}.md", text) for n, text in enumerate(texts)]
    assert draft_questions(documents, 5) == []
    assert len(draft_questions(documents[:1], 5)) == 1


def test_unanswerable_questions_hold_something_that_no_document_does() -> None:
    held = words_of(d.text for d in corpus())
    unknown = [q for q in draft_questions(corpus(), 15) if q["status"] == "not_found"]
    assert len(unknown) == 3
    for question in unknown:
        assert words_of([question["question"]]) - held - {"what"}, question
        assert "facts" not in question


def seeds() -> list[Any]:
    paths = sorted((ROOT / "seeds").glob("*.txt"))
    return [document(path.name, path.read_text("utf-8")) for path in paths]


def test_this_project_s_own_documents_give_a_set_that_can_be_graded(tmp_path: Path) -> None:
    drafted = draft_questions(seeds(), 30)
    assert len(drafted) == 30
    path = tmp_path / "set.jsonl"
    write_draft(drafted, path)
    texts = {d.name: d.text for d in seeds()}
    for item, question in zip(drafted, load_questions(path), strict=True):
        assert conforms(item, SCHEMA)
        assert question.draft
        for (fact,), (quote,) in zip(question.facts, question.evidence, strict=True):
            assert states(quote, fact)
            assert not states(question.question, fact)
        assert len(resolve(question, texts)) == len(question.evidence)


# --- the file and the command ---


@pytest.mark.parametrize("name", ["set.jsonl", "set.yaml", "set.YML"])
def test_a_written_draft_is_read_back(tmp_path: Path, name: str) -> None:
    odd = {
        "id": "odd",
        "question": "Größe?\u2028 'x': \"y\" # z",
        "status": "answered",
        "facts": [["1:30", "yes"], ["078"]],
        "evidence": [["| a\tb |\nline two  \n"]],
        "note": "- no\u0085 list",
    }
    write_draft([odd, *draft_questions(corpus(), 4)], tmp_path / name)
    questions = load_questions(tmp_path / name)
    assert len(questions) == 5
    assert questions[0].question == odd["question"]
    assert questions[0].facts == (("1:30", "yes"), ("078",))
    assert questions[0].evidence == (("| a\tb |\nline two  \n",),)
    assert questions[0].note == odd["note"]


def test_json_lines_hold_one_question_each(tmp_path: Path) -> None:
    write_draft(draft_questions(corpus(), 6), tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert [json.loads(line)["id"] for line in lines[:-1]] == [f"q-{n:03}" for n in range(1, 7)]


def parsed(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_init_arguments(parser)
    return parser.parse_args(argv)


@pytest.fixture
def handbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my docs"
    folder.mkdir()
    (folder / "handbook.md").write_text(HANDBOOK, encoding="utf-8")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    return folder


def test_the_command_writes_a_set_and_says_what_next(
    handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_init(parsed("my docs", "--count", "5")) == 0
    assert len(load_questions("questions.jsonl")) == 5
    out, err = capsys.readouterr()
    assert "Wrote 5 draft questions to questions.jsonl." in out
    assert "4 have an answer in the documents; 1 have none." in out
    assert out.endswith("Then run: citewise eval questions.jsonl --corpus 'my docs'\n")
    assert "Left out 'photo.png'" in err


@pytest.mark.parametrize(
    ("argv", "name"), [(["--yaml"], "questions.yaml"), (["--out", "s.yml"], "s.yml")]
)
def test_the_command_writes_yaml(handbook: Path, argv: list[str], name: str) -> None:
    run_init(parsed("my docs", *argv))
    assert Path(name).read_text("utf-8").startswith("- id: q-001\n")
    assert load_questions(name)[0].id == "q-001"


def test_the_command_says_when_there_are_fewer(
    handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_init(parsed("my docs", "--count", "500"))
    assert "though 500 were asked for" in capsys.readouterr().out


def test_the_command_overwrites_nothing(handbook: Path) -> None:
    Path("questions.jsonl").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"'questions\.jsonl' exists .* --out"):
        run_init(parsed("my docs"))
    with pytest.raises(InputError, match="exists"):
        write_draft([], Path("questions.jsonl"))
    assert Path("questions.jsonl").read_text("utf-8") == "mine"


def test_what_the_command_cannot_do_is_said(handbook: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'s\.jsonl' would be read as JSON Lines"):
        run_init(parsed("my docs", "--yaml", "--out", "s.jsonl"))
    with pytest.raises(CorpusError, match="does not exist"):
        run_init(parsed("none"))
    with pytest.raises(InputError, match=r"Cannot write 'none/s\.jsonl'"):
        run_init(parsed("my docs", "--out", "none/s.jsonl"))
    (tmp_path / "plain.txt").write_text("Nothing to ask about here.", encoding="utf-8")
    with pytest.raises(EvaluationError, match="lends itself to a question"):
        run_init(parsed("plain.txt"))
    assert not Path("questions.jsonl").exists()


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5"])
def test_a_count_that_is_none_is_refused(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("docs", "--count", count)
    assert f"'{count}' is not a whole number of 1 or more" in capsys.readouterr().err
