"""The CI files and ``docs/ci.md``: well formed, and true to what the program does."""

from __future__ import annotations

import itertools
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from citewise import Document
from citewise.cli import _parser
from citewise.eval_answers import RecordedAnswers, load_answers
from citewise.eval_command import grade_questions
from citewise.evaluation import evaluate
from citewise.pytest import assert_faithful
from citewise.questions import load_questions

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
CI = ROOT / "examples" / "ci"
GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
REPORTS = ["report.html", "report.xml", "run.json", "summary.md"]
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class _NoRepeats(yaml.SafeLoader):
    """A loader that refuses a key given twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"repeated key in {keys} at {node.start_mark}"
        return super().construct_mapping(node, deep)


def loaded(name: str) -> dict[Any, Any]:
    # S506: it derives from the safe loader.
    return yaml.load((CI / name).read_text(encoding="utf-8"), _NoRepeats)  # noqa: S506


@pytest.fixture(scope="module")
def github() -> dict[Any, Any]:
    return loaded("github-actions.yml")


@pytest.fixture(scope="module")
def gitlab() -> dict[Any, Any]:
    return loaded("gitlab-ci.yml")


def steps(github: dict[Any, Any]) -> list[dict[str, Any]]:
    return github["jobs"]["faithfulness"]["steps"]


def step(github: dict[Any, Any], name: str) -> tuple[int, dict[str, Any]]:
    return next((i, s) for i, s in enumerate(steps(github)) if s.get("name") == name)


# Every command


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each ``citewise`` command of the CI files and of the guide, with where it stands."""
    scripts = [
        (str(i), s["run"]) for i, s in enumerate(steps(loaded("github-actions.yml"))) if "run" in s
    ]
    job = loaded("gitlab-ci.yml")["faithfulness"]
    scripts += [("gitlab", line) for line in job["before_script"] + job["script"]]
    scripts += [("guide", body) for language, _, body in _BLOCK.findall(GUIDE) if language == "sh"]
    for place, script in scripts:
        for line in script.splitlines():
            words = shlex.split(re.sub(r"^[A-Z_]+=\S+ ", "", line))
            if words and words[0] == "citewise":
                yield place, words[1:]


COMMANDS = list(commands())


def test_all_commands_were_found() -> None:
    assert [words[0] for _, words in COMMANDS] == ["models", "eval"] * 2 + ["eval"] * 4


@pytest.mark.parametrize(
    "words", [words for _, words in COMMANDS], ids=lambda words: " ".join(words)
)
def test_the_command_line_knows_every_option(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    parser: ArgumentParser = _parser()
    try:
        args = parser.parse_args(words)
    except SystemExit:
        pytest.fail(capsys.readouterr().err, pytrace=False)
    # argparse would take "--base" for "--baseline".
    written = {word for word in words if word.startswith("--")}
    assert {name for name in written if not hasattr(args, name[2:].replace("-", "_"))} == set()


@pytest.mark.parametrize("place", ["github", "gitlab"])
def test_the_run_uses_gate_and_baseline_and_writes_all_reports(
    place: str, github: dict[Any, Any], gitlab: dict[Any, Any]
) -> None:
    script = {
        "github": step(github, "Ask, grade, and hold it against the gate")[1]["run"],
        "gitlab": gitlab["faithfulness"]["script"][0],
    }[place]
    words = shlex.split(script)
    given = dict(itertools.pairwise(words))
    assert (given["--gate"], given["--baseline"]) == ("evals/gate.toml", "evals/baseline.json")
    written = [given[f"--{name}"] for name in ("html", "junit", "json", "markdown")]
    assert written == REPORTS
    assert (ROOT / given["eval"]).is_file()
    assert "|" not in words and ";" not in words, "the exit code must be that of citewise"


# GitHub


def test_github_runs_on_changes_with_the_least_rights(github: dict[Any, Any]) -> None:
    # YAML 1.1 reads "on" as true.
    assert set(github[True]) == {"pull_request", "push"}
    assert github["permissions"] == {"contents": "read"}
    assert github["jobs"]["faithfulness"]["timeout-minutes"] == 60


def test_github_steps_are_in_order_and_each_does_one_thing(github: dict[Any, Any]) -> None:
    assert [s.get("name", s.get("uses")) for s in steps(github)] == [
        "actions/checkout@v4",
        "actions/setup-python@v5",
        "Install",
        "Find the models",
        "Fetch what is missing",
        "Keep the models",
        "Find earlier replies",
        "Ask, grade, and hold it against the gate",
        "Keep the replies",
        "Show the summary",
        "Keep the reports",
    ]
    for s in steps(github):
        assert ("run" in s) != ("uses" in s), s
        assert re.fullmatch(r"actions/[\w/-]+@v\d+", s.get("uses", "actions/none@v0"))


def test_github_caches_models_and_replies_where_they_lie(github: dict[Any, Any]) -> None:
    for find, keep, folder in [
        ("Find the models", "Keep the models", "models"),
        ("Find earlier replies", "Keep the replies", "replies"),
    ]:
        found, kept = step(github, find)[1]["with"], step(github, keep)[1]["with"]
        assert found["path"] == kept["path"] == f"~/.cache/citewise/{folder}"
        assert found["key"].startswith(found["restore-keys"])
    assert step(github, "Find the models")[1]["id"] == "models"


def test_github_publishes_when_the_gate_fails_too(github: dict[Any, Any]) -> None:
    run = step(github, "Ask, grade, and hold it against the gate")[0]
    after = steps(github)[run + 1 :]
    assert all("always()" in s["if"] for s in after)
    assert sorted(step(github, "Keep the reports")[1]["with"]["path"].split()) == REPORTS
    assert step(github, "Show the summary")[1]["run"] == 'cat summary.md >> "$GITHUB_STEP_SUMMARY"'


def test_github_expressions_are_balanced_and_name_steps_that_exist() -> None:
    text = (CI / "github-actions.yml").read_text(encoding="utf-8")
    expressions = re.findall(r"\$\{\{(.*?)\}\}", text)
    assert len(expressions) == text.count("${{") == text.count("}}") > 0
    for expression in expressions:
        assert expression.count("(") == expression.count(")"), expression
        assert expression.count("'") % 2 == 0, expression
        assert "${{" not in expression, expression
    ids = {s["id"] for s in steps(loaded("github-actions.yml")) if "id" in s}
    assert set(re.findall(r"steps\.([\w-]+)\.", text)) == ids


# GitLab


def test_gitlab_caches_inside_the_project_whatever_the_gate_says(gitlab: dict[Any, Any]) -> None:
    job = gitlab["faithfulness"]
    assert job["stage"] in gitlab["stages"]
    assert job["variables"]["CITEWISE_CACHE"] == "$CI_PROJECT_DIR/.cache/citewise"
    assert [cache["when"] for cache in job["cache"]] == ["always", "always"]
    paths = [path for cache in job["cache"] for path in cache["paths"]]
    assert paths == [".cache/citewise/models", ".cache/pip", ".cache/citewise/replies"]
    for name in job["cache"][0]["key"]["files"]:
        assert (ROOT / name).is_file()


def test_gitlab_keeps_the_reports_when_the_gate_fails_too(gitlab: dict[Any, Any]) -> None:
    artifacts = gitlab["faithfulness"]["artifacts"]
    assert artifacts["when"] == "always"
    assert artifacts["reports"] == {"junit": "report.xml"}
    assert sorted([*artifacts["paths"], "report.xml"]) == REPORTS


# The guide


@pytest.fixture
def files(pytester: pytest.Pytester) -> dict[str, Path]:
    """The files that the guide shows, written to a folder; the blocks without a name left out."""
    written = {}
    for _, name, body in _BLOCK.findall(GUIDE):
        if name:
            written[name] = pytester.path / name
            written[name].parent.mkdir(parents=True, exist_ok=True)
            written[name].write_text(body, encoding="utf-8")
    return written


class Handbook:
    """The guide's folder of one document."""

    def __init__(self, file: Path) -> None:
        self._text = file.read_text(encoding="utf-8")

    def document(self, name: str) -> Document:
        return Document(name, self._text, "0" * 64)

    def documents(self) -> list[Document]:
        return [self.document("leave.txt")]


def test_the_guides_recorded_answers_are_graded_right(files: dict[str, Path]) -> None:
    questions = load_questions(files["evals/handbook.jsonl"])
    handbook = Handbook(files["handbook/leave.txt"])
    recorded = RecordedAnswers(load_answers(files["answers.jsonl"]), handbook, questions)
    run = evaluate(questions, recorded, ["leave.txt"])
    assert [(r.error, r.grade and str(r.grade.outcome)) for r in run.results] == [
        ("", "answered_correctly"),
        ("", "refused_rightly"),
    ]
    assert run.counts()["inexact_citations"] == run.counts()["unsupported_sentences"] == 0


def test_the_guides_commands_make_a_baseline_and_pass_its_gate(
    pytester: pytest.Pytester, files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Those with recorded answers, over the guide's files, which lie in the current folder."""
    handbook = Handbook(files["handbook/leave.txt"])
    runs = [words for place, words in COMMANDS if place == "guide" and "--answers" in words]
    for words in runs:
        args = _parser().parse_args(words)
        recorded = RecordedAnswers(load_answers(args.answers), handbook, args.questions)
        code = grade_questions(args, recorded, ["leave.txt"])
        assert code == 0, capsys.readouterr()
    assert len(runs) == 2
    assert (pytester.path / "evals" / "theirs.json").is_file()
    assert "leave-days" in (pytester.path / "report.xml").read_text(encoding="utf-8")


def test_the_guides_gate_fails_a_worse_answer(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = files["answers.jsonl"]
    worse = answers.read_text(encoding="utf-8").replace(
        '"Employees have 28', '"Employees have 30', 1
    )
    handbook = Handbook(files["handbook/leave.txt"])
    codes = []
    for words in (words for _, words in COMMANDS if "--answers" in words):
        args = _parser().parse_args(words)
        recorded = RecordedAnswers(load_answers(args.answers), handbook, args.questions)
        codes.append(grade_questions(args, recorded, ["leave.txt"]))
        answers.write_text(worse, encoding="utf-8")
    assert codes == [0, 1], capsys.readouterr()


def test_the_guide_shows_the_failure_as_it_is(files: dict[str, Path]) -> None:
    text = "Employees have 30 days of annual leave. Unused days expire on 31 March."
    with pytest.raises(AssertionError) as failure:
        assert_faithful(text, [files["handbook/leave.txt"].read_text(encoding="utf-8")])
    assert f"{failure.value}\n" == files["failure"].read_text(encoding="utf-8")


def test_the_guides_tests_run(
    pytester: pytest.Pytester, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The embedding model is the one thing that is not the real one.
    with files["conftest.py"].open("a", encoding="utf-8") as conftest:
        conftest.write(
            "\nfrom citewise import Assistant\n"
            "from doubles import HashEmbedder\n"
            "Assistant._made_embedder = lambda self: HashEmbedder()\n"
        )
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests"))
    result = pytester.runpytest_subprocess(
        "-v", "--citewise-llm", "none", "--citewise-index", "built"
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*test_answers?leave-days? PASSED*", "*pension? PASSED*"])
    assert (pytester.path / "built" / "citewise.sqlite3").is_file()


def test_the_guides_pytest_command_is_understood(
    pytester: pytest.Pytester, files: dict[str, Path]
) -> None:
    command = next(line for line in GUIDE.splitlines() if line.startswith("pytest "))
    result = pytester.runpytest_inprocess(*shlex.split(command)[1:], "--collect-only", "-q")
    assert [line.rpartition("::")[2] for line in result.outlines if "::" in line] == [
        "test_answers[leave-days]",
        "test_the_newsletter",
    ]
