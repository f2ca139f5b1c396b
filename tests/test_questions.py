"""The question set of this project, and the loader that any set goes through."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import pytest

from citewise.errors import EvaluationError
from citewise.eval_facts import states
from citewise.questions import Kind, Question, load_questions, resolve
from citewise.types import Status

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


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_is_covered(kind: str) -> None:
    assert Counter(q.kind for q in QUESTIONS)[kind] >= LEAST[kind]


def test_the_readme_gives_the_right_counts() -> None:
    readme = (SET.parent / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, re.MULTILINE)
    assert {kind: int(count) for kind, count in rows} == Counter(q.kind for q in QUESTIONS)
    assert f"holds {len(QUESTIONS)} questions" in readme


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
    "missing kind": (without(VALID, "kind"), "kind"),
    "missing question": (without(VALID, "question"), "question"),
    "missing status": (without(VALID, "status"), "status"),
    "id with spaces": ({**VALID, "id": "V2 MMLU"}, "id"),
    "id with a tail": ({**VALID, "id": "v2-mmlu!"}, "id"),
    "id with two hyphens": ({**VALID, "id": "v2--mmlu"}, "id"),
    "id a number": ({**VALID, "id": 7}, "id"),
    "blank question": ({**VALID, "question": "  "}, "question"),
    "unknown kind": ({**VALID, "kind": "table"}, "kind"),
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
    "cell but not found": ({**REFUSAL, "kind": "cell"}, "status"),
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
_ANNOTATIONS = {"$schema", "$defs", "title", "description"}
_TYPES = {"object": dict, "array": list, "string": str}


def conforms(value: Any, schema: dict[str, Any]) -> bool:
    """JSON Schema 2020-12, as far as the published schema uses it; other keywords are refused."""
    return all(
        _keyword(name, argument, value, schema)
        for name, argument in schema.items()
        if name not in _ANNOTATIONS
    )


def _keyword(name: str, argument: Any, value: Any, schema: dict[str, Any]) -> bool:
    items = value if isinstance(value, list) else []
    fields = value if isinstance(value, dict) else {}
    checks = {
        "$ref": lambda: conforms(value, SCHEMA["$defs"][argument.rpartition("/")[2]]),
        "additionalProperties": lambda: argument or fields.keys() <= schema["properties"].keys(),
        "allOf": lambda: all(conforms(value, part) for part in argument),
        "const": lambda: value == argument,
        "else": lambda: conforms(value, schema["if"]) or conforms(value, argument),
        "enum": lambda: value in argument,
        "if": lambda: True,
        "items": lambda: all(conforms(item, argument) for item in items),
        "maxItems": lambda: len(items) <= argument,
        "minItems": lambda: not isinstance(value, list) or len(items) >= argument,
        "not": lambda: not conforms(value, argument),
        "pattern": lambda: not isinstance(value, str) or re.search(argument, value) is not None,
        "properties": lambda: all(
            conforms(fields[k], s) for k, s in argument.items() if k in fields
        ),
        "required": lambda: not isinstance(value, dict) or fields.keys() >= set(argument),
        "then": lambda: not conforms(value, schema["if"]) or conforms(value, argument),
        "type": lambda: isinstance(value, _TYPES[argument]),
    }
    return bool(checks[name]())


def test_the_schema_accepts_every_question_of_the_set() -> None:
    for line in SET.read_text("utf-8").split("\n"):
        if line:
            assert conforms(json.loads(line), SCHEMA), line


@pytest.mark.parametrize("item", [VALID, REFUSAL, {**VALID, "kind": "follow_up", "history": ["x"]}])
def test_schema_and_loader_both_accept(tmp_path: Path, item: dict[str, Any]) -> None:
    assert conforms(item, SCHEMA)
    assert len(load_questions(write(tmp_path / "set.jsonl", item))) == 1


@pytest.mark.parametrize("item", [item for item, _ in INVALID.values()], ids=INVALID)
def test_the_schema_refuses_what_the_loader_refuses(item: dict[str, Any]) -> None:
    assert not conforms(item, SCHEMA)


def test_schema_and_dataclass_name_the_same_fields() -> None:
    assert SCHEMA["properties"].keys() == {field.name for field in dataclasses.fields(Question)}
    assert tuple(SCHEMA["properties"]["kind"]["enum"]) == get_args(Kind)
