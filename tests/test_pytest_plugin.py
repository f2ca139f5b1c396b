"""The pytest plugin: question sets as tests, options, and the assistant, in pytest runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

# The runs inside forget what they loaded, but numpy and faiss can be loaded only once.
import citewise.evaluation
import citewise.index  # noqa: F401

pytest_plugins = ["pytester"]

EVALS = Path(__file__).parents[1] / "evals"
INI = "[pytest]\naddopts = --strict-markers --strict-config -ra\nfilterwarnings = error\n"
CONFTEST = """
import pytest
from citewise import Answer, Citation, Document, Evidence, Label, Sentence, Status, Verdict

pytest_plugins = ["citewise.pytest"]
TEXT = "Northwind opened 12 shops in 2024. Oslo has 40 staff."
SAID = {"shops?": "Northwind opened 12 shops in 2024.", "staff?": "Oslo has 400 staff."}


class Rehearsed:
    def ask(self, question, history=()):
        if question not in SAID:
            return Answer(question, Status.NOT_FOUND, "Your documents do not answer this.")
        said = SAID[question]
        quote = TEXT[:34] if question == "shops?" else TEXT[35:]
        start = TEXT.index(quote)
        place = ("report.txt", start, start + len(quote), quote)
        verdict = Verdict(Label.SUPPORTED, 1.0, "as the test says")
        evidence = Evidence(*place, 1.0, 1, 1)
        sentences = (Sentence(said, (1,), verdict),)
        citations = (Citation(1, *place),)
        return Answer(
            question, Status.ANSWERED, said + " [1]", sentences, citations, (evidence,)
        )

    def document(self, name):
        return Document(name, TEXT, "0" * 64)


@pytest.fixture(scope="session")
def citewise_assistant():
    return Rehearsed()
"""
SUITE = """
import pytest
from citewise.pytest import assert_right

@pytest.mark.citewise_questions("set.jsonl"{options})
def test_answer(question, citewise_assistant):
    answer = citewise_assistant.ask(question.question, question.history)
    assert_right(question, answer, citewise_assistant)
"""


def row(identity: str, fact: str, quote: str, kind: str = "prose") -> dict[str, object]:
    asked = {"id": identity, "question": f"{identity}?", "kind": kind, "status": "answered"}
    asked["tags"] = ["gate"]
    return {**asked, "facts": [[fact]], "evidence": [[quote]], "document": "report.txt"}


QUESTIONS = [
    row("shops", "12", "Northwind opened 12 shops in 2024."),
    row("staff", "40", "Oslo has 40 staff.", kind="cell"),
    {
        "id": "owner",
        "question": "owner?",
        "kind": "unanswerable",
        "status": "not_found",
        "tags": ["gate"],
    },
]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this plugin in the runs inside; loading all the others takes longer than the tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the plugin, an assistant and a set of three questions."""
    pytester.makeini(INI)
    pytester.makeconftest(CONFTEST)
    lines = "\n".join(map(json.dumps, QUESTIONS))
    (pytester.path / "set.jsonl").write_text(lines, encoding="utf-8")
    return pytester


def suite(options: str = "") -> str:
    return SUITE.format(options=options)


def test_each_question_is_a_test_of_its_own(project: pytest.Pytester) -> None:
    project.makepyfile(suite())
    result = project.runpytest_inprocess("-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*test_answer?shops? PASSED*", "*test_answer?staff? FAILED*", "*test_answer?owner? PASS*"]
    )
    result.stdout.fnmatch_lines(
        [
            "*AssertionError: staff (cell): answered_wrongly",
            "*expected: *40",
            "*said: *[[]answered[]] Oslo has 400 staff. [[]1[]]",
            "*cited: *[[]1[]] report.txt 35:53 Oslo has 40 staff.",
            "*missing: 40",
            "*nearest: *text 1 of 1: Oslo has 40 staff.",
        ]
    )
    # The test's own line is shown, and none of the plugin's.
    result.stdout.fnmatch_lines(["*assert_right(question, answer, citewise_assistant)"])
    result.stdout.no_fnmatch_line("*asserting.py*")


@pytest.mark.parametrize(
    ("options", "arguments", "expected"),
    [
        (", every=2", (), ["shops", "owner"]),
        (', kinds=["cell", "unanswerable"]', (), ["staff", "owner"]),
        (', kinds=["cell", "unanswerable"], every=2', (), ["staff"]),
        ("", ("--citewise-every", "3"), ["shops"]),
        (", every=3", ("--citewise-every", "1"), ["shops", "staff", "owner"]),
    ],
)
def test_the_marker_and_the_option_choose_questions(
    project: pytest.Pytester, options: str, arguments: tuple[str, ...], expected: list[str]
) -> None:
    project.makepyfile(suite(options))
    result = project.runpytest_inprocess("--collect-only", "-q", *arguments)
    ids = [line.partition("[")[2][:-1] for line in result.outlines if "::" in line]
    assert ids == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (', kinds=["poem"]', "*has the kind 'poem'. There are: cell, prose, unanswerable.*"),
        (", every=0", "*every is 0, not a whole number of 1 or more*"),
        (', kinds="cell"', "*kinds is 'cell', not a list*"),
        (", evry=2", "*unexpected keyword argument 'evry'*Write citewise_questions(path, *"),
    ],
)
def test_a_marker_that_matches_nothing_or_makes_no_sense_fails_collection(
    project: pytest.Pytester, options: str, message: str
) -> None:
    project.makepyfile(suite(options))
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "*holds no question*"),
        ('{"id": "a"}', "*set.jsonl, line 1, field 'question': is missing*"),
        (None, "*There is no question set *set.jsonl. Give a path from the test file*"),
    ],
)
def test_an_unusable_set_fails_collection(
    project: pytest.Pytester, text: str | None, message: str
) -> None:
    file = project.path / "set.jsonl"
    if text is None:
        file.unlink()
    else:
        file.write_text(text, encoding="utf-8")
    project.makepyfile(suite())
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_a_marked_test_must_take_the_question(project: pytest.Pytester) -> None:
    project.makepyfile(
        "import pytest\n@pytest.mark.citewise_questions('set.jsonl')\ndef test_it(): pass"
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_it is marked citewise_questions but takes no question*"])


def test_a_path_is_seen_from_the_test_file_and_then_from_the_root(
    project: pytest.Pytester,
) -> None:
    folder = project.mkdir("deep")
    (folder / "test_deep.py").write_text(suite(), encoding="utf-8")
    from_the_root = project.runpytest_inprocess("--collect-only", "-q", "deep")
    assert "3 tests collected" in from_the_root.outlines[-1]
    (folder / "set.jsonl").write_text(json.dumps(QUESTIONS[2]), encoding="utf-8")
    beside_the_test = project.runpytest_inprocess("--collect-only", "-q", "deep")
    assert [line for line in beside_the_test.outlines if "::" in line] == [
        "deep/test_deep.py::test_answer[owner]"
    ]


def test_nothing_heavy_is_loaded_to_collect(project: pytest.Pytester) -> None:
    project.makepyfile(suite())
    report = (
        "\n\ndef pytest_sessionfinish():\n"
        "    import sys\n"
        "    heavy = {'faiss', 'llama_index', 'numpy', 'sentence_transformers', 'torch'}\n"
        "    print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    project.makeconftest(CONFTEST + report)
    result = project.runpytest_subprocess("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*loaded: []*"])


def test_the_marker_and_the_options_are_described(project: pytest.Pytester) -> None:
    markers = project.runpytest_inprocess("--markers")
    markers.stdout.fnmatch_lines(
        ["@pytest.mark.citewise_questions(path, every=1, kinds=(), tags=()): *"]
    )
    usage = project.runpytest_inprocess("--help")
    usage.stdout.fnmatch_lines(
        ["*--citewise-corpus=CORPUS*", "*--citewise-index=INDEX*", "*--citewise-llm=LLM*"]
    )
    wrong = project.runpytest_inprocess("--citewise-every", "0")
    wrong.stderr.fnmatch_lines(["*'0' is not a whole number of 1 or more*"])


def test_it_can_be_switched_on_from_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    pytester.makepyfile(
        "from citewise.pytest import assert_faithful\n"
        "def test_it():\n"
        "    assert_faithful('It is tall.', ['The tower is tall. It is tall.'])\n"
    )
    pytester.runpytest_inprocess("-p", "citewise.pytest").assert_outcomes(passed=1)


# The assistant


def test_an_assistant_that_cannot_be_had_is_one_clear_error(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI + "citewise_llm = nonsense\n")
    pytester.makepyfile("def test_it(citewise_assistant): pass")
    result = pytester.runpytest_inprocess("-p", "citewise.pytest")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*The language model setting is 'nonsense', which names no model*"]
    )
    result.stdout.no_fnmatch_line("*generators.py*")


def test_the_command_line_wins_over_the_configuration_file(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI + "citewise_llm = none\n")
    pytester.makepyfile("def test_it(citewise_assistant): pass")
    result = pytester.runpytest_inprocess("-p", "citewise.pytest", "--citewise-llm", "nonsense")
    result.stdout.fnmatch_lines(["*The language model setting is 'nonsense'*"])


@pytest.mark.parametrize("by_option", [True, False])
def test_a_corpus_that_is_not_there_is_one_clear_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, by_option: bool
) -> None:
    setting = "" if by_option else "citewise_corpus = nowhere\n"
    pytester.makeini(INI + setting + "citewise_llm = none\ncitewise_index = built\n")
    pytester.makepyfile(test_it="def test_it(citewise_assistant): pass")
    # An option is seen from where one stands, a setting from its file.
    monkeypatch.chdir(pytester.mkdir("below"))
    options = ["--citewise-corpus", "nowhere"] if by_option else []
    result = pytester.runpytest_inprocess("-p", "citewise.pytest", "../test_it.py", *options)
    result.assert_outcomes(errors=1)
    place = "'nowhere'" if by_option else str(pytester.path / "nowhere")
    result.stdout.fnmatch_lines([f"*{place}*"])
    result.stdout.no_fnmatch_line("*assistant.py*")


# The project's own questions as tests


@pytest.fixture
def own(project: pytest.Pytester) -> pytest.Pytester:
    """``evals/`` of this project with another set, and answers from a list."""
    project.makeini(INI + "markers = model: loads the real model\n")
    folder = project.mkdir("evals")
    for name in ("conftest.py", "test_faithfulness.py"):
        (folder / name).write_text((EVALS / name).read_text(encoding="utf-8"), encoding="utf-8")
    (project.path / "set.jsonl").rename(folder / "questions.jsonl")
    (project.path / "conftest.py").write_text(
        CONFTEST.replace('pytest_plugins = ["citewise.pytest"]', ""), encoding="utf-8"
    )
    # The nearest conftest wins over the plugin, so that the real one is never opened.
    return project


def baseline(project: pytest.Pytester, **outcomes: str) -> None:
    questions = {name: {"outcome": outcome} for name, outcome in outcomes.items()}
    text = json.dumps({"questions": questions})
    (project.path / "evals" / "baseline.json").write_text(text, encoding="utf-8")


def test_what_the_baseline_has_as_wrong_may_fail(own: pytest.Pytester) -> None:
    baseline(own, staff="answered_wrongly", shops="refused_wrongly", owner="refused_rightly")
    result = own.runpytest_inprocess("evals/test_faithfulness.py")
    result.assert_outcomes(passed=1, xfailed=1, xpassed=1)
    result.stdout.fnmatch_lines(["XFAIL *staff* - the baseline has it as answered_wrongly*"])


def test_a_question_that_cannot_be_graded_is_no_expected_failure(own: pytest.Pytester) -> None:
    broken = row("staff", "40", "Oslo has forty staff.")
    file = own.path / "evals" / "questions.jsonl"
    file.write_text(json.dumps(broken), encoding="utf-8")
    baseline(own, staff="answered_wrongly")
    result = own.runpytest_inprocess("evals")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*EvaluationError: Question 'staff' cannot be graded: *"])


def test_what_it_has_as_right_may_not(own: pytest.Pytester) -> None:
    baseline(own, staff="answered_correctly")
    own.runpytest_inprocess("evals").assert_outcomes(passed=2, failed=1)
    (own.path / "evals" / "baseline.json").unlink()
    own.runpytest_inprocess("evals").assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Label.SUPPORTED, 1.0", "Label.UNSUPPORTED, 0.1", "*as the test says: *"),
        ("Sentence(said, (1,)", "Sentence(said, ()", "*no citation: *"),
        ("Sentence(said, (1,)", "Sentence(said, (1, 2)", "*no such citation: *"),
        ("start + len(quote)", "start + 5", "*Citation(number=1, *"),
        ("said + ' [1]', sentences,", "said + ' [1]', (),", "*nothing that was checked is shown*"),
    ],
)
def test_a_broken_promise_fails_whatever_the_baseline_says(
    own: pytest.Pytester, old: str, new: str, message: str
) -> None:
    conftest = own.path / "conftest.py"
    text = conftest.read_text(encoding="utf-8").replace('said + " [1]"', "said + ' [1]'")
    assert old in text
    conftest.write_text(text.replace(old, new), encoding="utf-8")
    baseline(own, staff="answered_wrongly", shops="answered_wrongly")
    result = own.runpytest_inprocess("evals")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines([message])
