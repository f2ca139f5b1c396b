"""The question set of this project, and the loader that any set goes through."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import EvaluationError
from citewise.eval_facts import states
from citewise.questions import Question, drafts, load_questions, resolve
from citewise.types import Status
from jsonschemas import conforms

ROOT = Path(__file__).parents[1]
SET = ROOT / "evals" / "questions.jsonl"
SEED = "deepseek-abandons-lightweight-ai.txt"
TEXT = (ROOT / "seeds" / SEED).read_bytes().decode("utf-8")
QUESTIONS = load_questions(SET)
ANSWERED = [q for q in QUESTIONS if q.status is Status.ANSWERED]

LEAST = {
    "prose": 45,
    "cell": 40,
    "comparison": 20,
    "follow_up": 10,
    "typo": 10,
    "list": 10,
    "yes_no": 12,
    "furniture": 10,
    "unanswerable": 25,
    "false_premise": 12,
}

VALID: dict[str, Any] = {
    "id": "v2-mmlu",
    "question": "MMLU of V2?",
    "kind": "cell",
    "status": "answered",
    "facts": [["78.5"]],
    "evidence": [["| 78.5 |"]],
}
REFUSAL: dict[str, Any] = {
    "id": "un-ceo",
    "question": "Who is the CEO?",
    "kind": "unanswerable",
    "status": "not_found",
}


def without(item: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


def write(path: Path, *items: object) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


# --- this project's own set ---


@pytest.mark.parametrize("kind", LEAST)
def test_every_kind_is_covered(kind: str) -> None:
    assert Counter(q.kind for q in QUESTIONS)[kind] >= LEAST[kind]


def test_the_readme_gives_the_right_counts() -> None:
    readme = (SET.parent / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, re.MULTILINE)
    assert {kind: int(count) for kind, count in rows} == Counter(q.kind for q in QUESTIONS)
    assert f"holds {len(QUESTIONS)} questions" in readme


def test_its_kinds_are_those_of_its_readme() -> None:
    assert {q.kind for q in QUESTIONS} == LEAST.keys()


def test_ids_and_conversations_are_unique() -> None:
    assert len({q.id for q in QUESTIONS}) == len(QUESTIONS)
    assert len({(q.history, q.question.casefold()) for q in QUESTIONS}) == len(QUESTIONS)


def test_every_quote_is_exact_and_stands_where_resolve_says() -> None:
    for question in ANSWERED:
        groups = resolve(question, {SEED: TEXT})
        assert len(groups) == len(question.evidence), question.id
        for quotes, spans in zip(question.evidence, groups, strict=True):
            found = [TEXT[start:end] for _, start, end in spans]
            assert set(found) == set(quotes), question.id
            assert len(spans) == sum(TEXT.count(quote) for quote in set(quotes)), question.id
            assert {name for name, _, _ in spans} == {SEED}, question.id


@pytest.mark.parametrize("question", ANSWERED, ids=lambda q: q.id)
def test_gold_quotes_state_the_facts_and_nothing_forbidden(question: Question) -> None:
    """Catches typing errors: what a right answer must say stands in the words it must cite."""
    gold = "\n".join(quote for group in question.evidence for quote in group)
    for group in question.facts:
        assert any(states(gold, fact) for fact in group), group
    assert not [fact for fact in question.forbidden if states(gold, fact)]


@pytest.mark.parametrize(
    "question",
    # In the other kinds the right answer may be one of the things that the question names.
    [q for q in ANSWERED if q.kind not in ("comparison", "follow_up")],
    ids=lambda q: q.id,
)
def test_repeating_the_question_is_no_answer(question: Question) -> None:
    """A fact that the question itself states would pass any answer that echoes it."""
    echo = "\n".join((*question.history, question.question))
    assert not all(any(states(echo, fact) for fact in group) for group in question.facts)


def test_questions_to_refuse_are_enough_to_measure_by() -> None:
    refusals = [q for q in QUESTIONS if q.status is Status.NOT_FOUND]
    assert {q.kind for q in refusals} == {"unanswerable", "false_premise"}
    assert len(refusals) >= 50


# --- the loader ---


def test_a_question_is_read_field_by_field(tmp_path: Path) -> None:
    item = {
        **VALID,
        "history": ["Hello?"],
        "kind": "follow_up",
        "facts": [["78.5", "78,5"], ["V2"]],
        "forbidden": ["86.4"],
        "evidence": [["| 78.5 |", "a score of 78.5"]],
        "document": "a.txt",
        "tags": ["tables", "Größe"],
        "draft": True,
        "note": "Read me.",
    }
    assert load_questions(write(tmp_path / "set.jsonl", item, REFUSAL)) == (
        Question(
            id="v2-mmlu",
            question="MMLU of V2?",
            history=("Hello?",),
            kind="follow_up",
            status=Status.ANSWERED,
            facts=(("78.5", "78,5"), ("V2",)),
            forbidden=("86.4",),
            evidence=(("| 78.5 |", "a score of 78.5"),),
            document="a.txt",
            tags=("tables", "Größe"),
            draft=True,
            note="Read me.",
        ),
        Question(
            id="un-ceo",
            question="Who is the CEO?",
            kind="unanswerable",
            status=Status.NOT_FOUND,
        ),
    )


def test_blank_lines_windows_newlines_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    separator = json.dumps({**VALID, "question": "A\u2028B?"}, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + f"{separator}\r\n\r\n{json.dumps(REFUSAL)}".encode())
    assert [q.question for q in load_questions(path)] == ["A\u2028B?", "Who is the CEO?"]


INVALID = {
    "unknown key": ({**VALID, "answer": "78.5"}, "answer"),
    "missing id": (without(VALID, "id"), "id"),
    "missing question": (without(VALID, "question"), "question"),
    "missing status": (without(VALID, "status"), "status"),
    "id with spaces": ({**VALID, "id": "V2 MMLU"}, "id"),
    "id with a tail": ({**VALID, "id": "v2-mmlu!"}, "id"),
    "id with two hyphens": ({**VALID, "id": "v2--mmlu"}, "id"),
    "id a number": ({**VALID, "id": 7}, "id"),
    "blank question": ({**VALID, "question": "  "}, "question"),
    "kind with spaces": ({**VALID, "kind": "Table cell"}, "kind"),
    "kind empty": ({**VALID, "kind": ""}, "kind"),
    "tags a string": ({**VALID, "tags": "tables"}, "tags"),
    "tag blank": ({**VALID, "tags": ["x", " "]}, "tags[1]"),
    "draft a string": ({**VALID, "draft": "yes"}, "draft"),
    "draft a number": ({**VALID, "draft": 1}, "draft"),
    "draft null": ({**VALID, "draft": None}, "draft"),
    "note empty": ({**VALID, "note": ""}, "note"),
    "kind a list": ({**VALID, "kind": ["cell"]}, "kind"),
    "quoted is no expectation": ({**VALID, "status": "quoted"}, "status"),
    "history a string": ({**VALID, "history": "Hello?"}, "history"),
    "history null": ({**VALID, "history": None}, "history"),
    "facts not grouped": ({**VALID, "facts": ["78.5"]}, "facts[0]"),
    "fact a number": ({**VALID, "facts": [["V2"], ["x", 78.5]]}, "facts[1][1]"),
    "empty group": ({**VALID, "facts": [[]]}, "facts[0]"),
    "blank forbidden": ({**VALID, "forbidden": [""]}, "forbidden[0]"),
    "no facts": ({**VALID, "facts": []}, "facts"),
    "no evidence": (without(VALID, "evidence"), "evidence"),
    "document null": ({**VALID, "document": None}, "document"),
    "refusal with facts": ({**REFUSAL, "facts": [["x"]]}, "facts"),
    "refusal with evidence": ({**REFUSAL, "evidence": [["x"]]}, "evidence"),
    "refusal with forbidden": ({**REFUSAL, "forbidden": ["x"]}, "forbidden"),
    "unanswerable but answered": ({**VALID, "kind": "unanswerable"}, "status"),
    "false premise but answered": ({**VALID, "kind": "false_premise"}, "status"),
    "follow-up to nothing": ({**VALID, "kind": "follow_up"}, "history"),
}


@pytest.mark.parametrize(("item", "field"), INVALID.values(), ids=INVALID)
def test_a_mistake_is_named_by_file_line_and_field(
    tmp_path: Path, item: dict[str, Any], field: str
) -> None:
    path = write(tmp_path / "set.jsonl", {**VALID, "id": "fine"}, item)
    with pytest.raises(EvaluationError) as caught:
        load_questions(path)
    assert caught.value.problem.startswith(f"{path}, line 2, field {field!r}: ")
    assert caught.value.remedy


def test_a_repeated_id_names_both_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", VALID, REFUSAL, VALID)
    with pytest.raises(EvaluationError, match=r"line 3, field 'id': 'v2-mmlu' .* on line 1\."):
        load_questions(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no question"),
        (b"\n \n", "holds no question"),
        (b'{"id": "a",\n', r"line 1: not valid JSON: Expecting"),
        (b'{"id": "a", "id": "b"}\n', r"line 1: not valid JSON: field 'id' is given twice"),
        (b'\n["a"]\n', r"line 2: list instead of an object"),
        (b"[" * 100_000, r"line 1: not valid JSON: "),
        (b'{"id": "\xff"}\n', r"is not UTF-8 at byte 8"),
    ],
)
def test_a_file_that_is_no_question_set(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvaluationError, match=message) as caught:
        load_questions(path)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none\.jsonl cannot be read: No such file"):
        load_questions(tmp_path / "none.jsonl")
    with pytest.raises(EvaluationError, match="cannot be read: Is a directory"):
        load_questions(tmp_path)


# --- kinds, tags, drafts ---

ACCEPTED = {
    "answered": VALID,
    "refusal": REFUSAL,
    "no kind": without(VALID, "kind"),
    "a kind of one's own": {**VALID, "kind": "my-kind_2"},
    "any kind can be unanswerable": {**REFUSAL, "kind": "cell"},
    "follow-up": {**VALID, "kind": "follow_up", "history": ["x"]},
    "follow-up to refuse": {**REFUSAL, "kind": "follow_up", "history": ["x"]},
    "tags": {**VALID, "tags": []},
    "draft": {**VALID, "draft": False, "note": "x"},
}


def test_a_question_without_kind_is_a_question(tmp_path: Path) -> None:
    (question,) = load_questions(write(tmp_path / "set.jsonl", without(VALID, "kind")))
    assert (question.kind, question.tags, question.draft, question.note) == (
        ("question", (), False, "")
    )


def test_drafts_are_those_marked_so(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", {**VALID, "draft": True}, {**REFUSAL, "draft": False})
    questions = load_questions(path)
    assert len(questions) == 2
    assert drafts(questions) == questions[:1]


# --- YAML ---

YAML = """\
# a remark
- id: v2-mmlu
  question: "MMLU of V2?"
  kind: cell
  status: answered
  tags: [tables]
  facts: [["78.5"]]
  evidence:
    - ["| 78.5 |"]

- {id: un-ceo, question: "Who is the CEO?", kind: unanswerable, status: not_found, draft: yes}
"""


def loaded_yaml(tmp_path: Path, text: str, name: str = "set.yaml") -> tuple[Question, ...]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return load_questions(path)


@pytest.mark.parametrize("name", ["set.yaml", "set.yml", "SET.YAML"])
def test_a_yaml_list_is_the_same_set_as_its_json_lines(tmp_path: Path, name: str) -> None:
    lines = write(tmp_path / "set.jsonl", {**VALID, "tags": ["tables"]}, {**REFUSAL, "draft": True})
    assert loaded_yaml(tmp_path, YAML, name) == load_questions(lines)


def test_yaml_documents_are_questions_one_by_one(tmp_path: Path) -> None:
    one, other = json.dumps(VALID), json.dumps(REFUSAL)
    text = f"---\n{one}\n---\n---\n[{other}]\n"
    assert [q.id for q in loaded_yaml(tmp_path, text)] == ["v2-mmlu", "un-ceo"]


@pytest.mark.parametrize("item", ACCEPTED.values(), ids=ACCEPTED)
def test_json_is_yaml(tmp_path: Path, item: dict[str, Any]) -> None:
    lines = write(tmp_path / "set.jsonl", item)
    assert loaded_yaml(tmp_path, json.dumps([item])) == load_questions(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no question"),
        ("---\n---\n", "holds no question"),
        ("- id: a\n  id: b\n", r"line 2: field 'id' is given twice"),
        ("- id: a\n  question: x\n\n- b\n", r"line 1, field 'status': is missing"),
        ("\n- 7\n", r"line 2: this is no question"),
        ("- id: 7\n", r"line 1: YAML reads '7' as a number or date\. Put it in quotation marks"),
        ("- id: a\n  facts: [[x,\n    78.5]]\n", r"line 3: YAML reads '78\.5' as a number"),
        ("- id: a\n  note: 1:30\n", r"line 2: YAML reads '1:30' as a number"),
        ("- id: a\n  note: 2026-06-01\n", r"line 2: YAML reads '2026-06-01' as a number or date"),
        ("- a: &x [y]\n  b: *x\n", r"line 1: an anchor is used again"),
        ("- &x\n  a: [*x]\n", r"line \d: an anchor is used again|not valid YAML"),
        (
            "- id: a\n  b: !!python/name:os.system x\n",
            r"line 2: the tag .*os\.system' is not known",
        ),
        ("- !!set {a, b}\n", r"line 1: the tag .*set' is not known"),
        ("- [a]: b\n", r"line 1: this is no name of a field"),
        ("- yes: b\n", r"line 1: this is no name of a field"),
        ("- <<: {id: a}\n", r"line 1: this is no name of a field"),
        ("- id: 'a\n", r"not valid YAML"),
        ("- id: a\n   b: c\n", r"line 2: not valid YAML"),
        ("\n- id: \x07\n", r"line 2: not valid YAML: special characters"),
        ("[" * 5000, r"not valid YAML: nested too deeply"),
    ],
)
def test_yaml_that_is_no_question_set(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        loaded_yaml(tmp_path, text)
    assert str(tmp_path / "set.yaml") in str(caught.value)
    assert caught.value.remedy


def test_a_mistake_in_yaml_is_named_by_file_line_and_field(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        loaded_yaml(tmp_path, YAML.replace("un-ceo", "v2-mmlu"))
    assert caught.value.problem == (
        f"{tmp_path / 'set.yaml'}, line 11, field 'id': 'v2-mmlu' is already used on line 2."
    )


@pytest.mark.parametrize(("form", "count"), [("json", 2), ("yaml", 2)])
def test_the_examples_of_the_docs_are_read(tmp_path: Path, form: str, count: int) -> None:
    docs = (ROOT / "docs" / "question-sets.md").read_text("utf-8")
    blocks = re.findall(rf"```{form}\n(.*?)```", docs, re.DOTALL)
    path = tmp_path / f"set.{form}"
    path.write_text("".join(b for b in blocks if "contexts" not in b), encoding="utf-8")
    questions = load_questions(path)
    assert len(questions) == count
    for question in questions:
        assert len(resolve(question, {SEED: TEXT})) == len(question.evidence)


# --- gold spans ---


def gold(*quotes: str, document: str | None = None) -> Question:
    return Question(
        id="x",
        question="x?",
        kind="prose",
        status=Status.ANSWERED,
        facts=(("x",),),
        evidence=(quotes,),
        document=document,
    )


def test_every_occurrence_of_every_quote_is_gold() -> None:
    texts = {"a.txt": "one two one", "b.txt": "(one) 1+1"}
    assert resolve(gold("one", "1+1"), texts) == (
        (("a.txt", 0, 3), ("a.txt", 8, 11), ("b.txt", 1, 4), ("b.txt", 6, 9)),
    )


def test_a_named_document_is_the_only_one_searched() -> None:
    texts = {"a.txt": "one", "b.txt": "one"}
    assert resolve(gold("one", document="b.txt"), texts) == ((("b.txt", 0, 3),),)
    with pytest.raises(EvaluationError, match=r"'x' names the document 'c\.txt'.*a\.txt, b\.txt"):
        resolve(gold("one", document="c.txt"), texts)


def test_an_unanswerable_question_has_no_gold() -> None:
    question = Question(id="x", question="x?", kind="unanswerable", status=Status.NOT_FOUND)
    assert resolve(question, {"a.txt": "one"}) == ()


def test_a_quote_that_is_nowhere_is_shown_beside_the_nearest_passage() -> None:
    with pytest.raises(EvaluationError) as caught:
        resolve(gold("Dense models are simple but more expensive."), {SEED: TEXT})
    assert "'Dense models are simple but more expensive.'" in caught.value.problem
    assert "'Dense models are simpler but more expensive" in caught.value.remedy


def test_a_quote_without_any_shared_word_has_no_nearest_passage() -> None:
    with pytest.raises(EvaluationError) as caught:
        resolve(gold("zzz"), {"a.txt": "one"})
    assert caught.value.remedy == "Copy the quote from the document, character by character."


# --- the published schema ---

SCHEMA = json.loads(
    resources.files("citewise").joinpath("schemas/questions.schema.json").read_text("utf-8")
)


def test_the_schema_accepts_every_question_of_the_set() -> None:
    for line in SET.read_text("utf-8").split("\n"):
        if line:
            assert conforms(json.loads(line), SCHEMA), line


@pytest.mark.parametrize("item", ACCEPTED.values(), ids=ACCEPTED)
def test_schema_and_loader_both_accept(tmp_path: Path, item: dict[str, Any]) -> None:
    assert conforms(item, SCHEMA)
    assert len(load_questions(write(tmp_path / "set.jsonl", item))) == 1


@pytest.mark.parametrize("item", [item for item, _ in INVALID.values()], ids=INVALID)
def test_the_schema_refuses_what_the_loader_refuses(item: dict[str, Any]) -> None:
    assert not conforms(item, SCHEMA)


def test_schema_and_dataclass_name_the_same_fields() -> None:
    assert SCHEMA["properties"].keys() == {field.name for field in dataclasses.fields(Question)}
    needed = {f.name for f in dataclasses.fields(Question) if f.default is dataclasses.MISSING}
    assert set(SCHEMA["required"]) == needed
