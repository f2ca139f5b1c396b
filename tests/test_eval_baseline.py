"""The baseline file: what it holds, that it survives, and that a bad one is refused."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import EvaluationError, InputError
from citewise.eval_baseline import baseline_of, load_baseline, write_baseline
from eval_record_double import question, record

TWO = {"right": 0.0, "mrr": 1 / 3, "refused_rightly": None}
RUN = record(
    question("b-two", "cell", "answered_wrongly", notices=["slow"]),
    question("a-one", "cell", "unscored", error="broke", sentences=[], citations=[]),
)
RUN["questions"][0]["scores"] = TWO


def test_what_is_kept() -> None:
    baseline = baseline_of(RUN)
    assert baseline["questions"]["b-two"] == {
        "outcome": "answered_wrongly",
        "asks": baseline["questions"]["b-two"]["asks"],
        "scores": {"right": 0.0, "mrr": 0.3333},
        "counts": {"citations": 1, "shown_sentences": 1, "with_notices": 1},
    }
    assert baseline["questions"]["a-one"]["scores"] == {}
    assert baseline["questions"]["a-one"]["counts"] == {"unscored": 1}
    assert list(baseline["questions"]) == ["a-one", "b-two"]
    assert baseline["overall"]["counts"] == RUN["overall"]["counts"]
    for part in ("set", "judge", "models", "settings"):
        assert baseline[part] == RUN[part]
    assert "seconds" not in json.dumps(baseline)


def test_overall_values_have_four_places() -> None:
    run = record(*(question(f"q{i}", "cell", "answered_wrongly") for i in range(3)))
    run["overall"]["measures"]["correct"]["value"] = 2 / 3
    run["overall"]["measures"]["refused_rightly"]["value"] = None
    measures = baseline_of(run)["overall"]["measures"]
    assert measures["correct"] == 0.6667
    assert measures["refused_rightly"] is None


def test_a_question_is_one_line(tmp_path: Path) -> None:
    write_baseline(RUN, tmp_path / "b.json")
    text = (tmp_path / "b.json").read_text(encoding="utf-8")
    asks = baseline_of(RUN)["questions"]["a-one"]["asks"]
    assert (
        f'    "a-one": {{"outcome": "unscored", "asks": "{asks}", "scores": {{}}, '
        '"counts": {"unscored": 1}},\n    "b-two": {"outcome": "answered_wrongly", '
    ) in text
    assert text.startswith('{\n  "citewise_baseline": 1,\n  "set": {\n    "file": ')
    assert text.endswith("}\n  }\n}\n")


def test_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    for name, run in (
        ("a", RUN),
        ("b", {**RUN, "seconds": {}, "questions": RUN["questions"][::-1]}),
    ):
        write_baseline(run, tmp_path / name)
    assert load_baseline(tmp_path / "a") == baseline_of(RUN)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_hostile_text_survives(tmp_path: Path) -> None:
    run = {**RUN, "settings": {"x": "\ud800 \u2028 \x1b"}, "models": {"llm": ["ünï"]}}
    write_baseline(run, tmp_path / "b.json")
    assert load_baseline(tmp_path / "b.json") == baseline_of(run)


def test_what_was_there_stays_if_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.json"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match=r"b\.json': No space left on device"):
        write_baseline(RUN, path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_who_reads_meanwhile_sees_all_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text("before")
    with path.open() as file:
        write_baseline(RUN, path)
        assert file.read() == "before"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Give a file in an existing folder"):
        write_baseline(RUN, tmp_path / "no" / "b.json")


def spoilt(*place: str, value: Any) -> str:
    """The baseline as text, with another value at that place; ``...`` takes it out."""
    data: Any = copy.deepcopy(baseline_of(RUN))
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return json.dumps(data)


ONE = ("questions", "a-one")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not valid JSON"),
        (json.dumps(baseline_of(RUN))[:-30], "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("[]", "'citewise_baseline' should be 1, not '[]'"),
        (json.dumps(RUN), "'citewise_baseline' should be 1, not 'None'"),
        (spoilt("citewise_baseline", value=2), "should be 1, not '2'"),
        (spoilt("judge", value=...), "'judge' should be an object, not None"),
        (spoilt("judge", "sha256", value=...), "'judge' lacks 'sha256'"),
        (spoilt("overall", "counts", value=[]), "'overall' should have an object as 'counts'"),
        (spoilt("questions", value={}), "it holds no question"),
        (spoilt("questions", value=[]), "'questions' should be an object"),
        (spoilt(*ONE, value=1), "question 'a-one': 1 is not an object"),
        (spoilt(*ONE, "outcome", value="fine"), "the outcome 'fine' is unknown"),
        (spoilt(*ONE, "outcome", value=[]), "'outcome' should be a text, not []"),
        (spoilt(*ONE, "asks", value=...), "'asks' should be a text, not None"),
        (spoilt(*ONE, "scores", value=...), "'scores' should be an object, not None"),
        (spoilt(*ONE, "scores", value={"mrr": 1.5}), "the score 'mrr' is 1.5, not a share"),
        (spoilt(*ONE, "scores", value={"mrr": None}), "the score 'mrr' is None"),
        (spoilt(*ONE, "scores", value={"mrr": float("nan")}), "the score 'mrr' is nan"),
        (spoilt(*ONE, "counts", value={"citations": -1}), "the count 'citations' is -1"),
        (spoilt(*ONE, "counts", value={"citations": True}), "the count 'citations' is True"),
        ('{"citewise_baseline": 1, "questions": {"a": 1, "a": 2}}', "'a' is given twice"),
    ],
)
def test_damaged_or_foreign(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluationError) as caught:
        load_baseline(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "--update-baseline" in str(caught.value)


def test_missing_or_not_utf_8(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"gone\.json cannot be read: No such file"):
        load_baseline(tmp_path / "gone.json")
    (tmp_path / "b.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(EvaluationError, match="is not valid JSON"):
        load_baseline(tmp_path / "b.json")


@pytest.mark.skipif(sys.platform == "win32", reason="folders are opened otherwise there")
def test_a_folder_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="Is a directory"):
        load_baseline(tmp_path)
