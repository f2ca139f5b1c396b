"""pytest for answers: two asserts, and a question set as one test for each question.

Enable it with ``pytest_plugins = ["citewise.pytest"]`` in the topmost ``conftest.py``, or with
``-p citewise.pytest``. Nothing heavy is loaded before the first test runs. See ``docs/ci.md``.

PYTEST_DONT_REWRITE: there is no ``assert`` here, and a conftest may import this module first.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from citewise.asserting import assert_faithful, assert_right
from citewise.errors import CitewiseError, EvaluationError
from citewise.questions import Question, load_questions
from citewise.settings import current

if TYPE_CHECKING:
    from citewise.assistant import Assistant

__all__ = ["assert_faithful", "assert_right", "citewise_assistant"]

_MARKER = "citewise_questions"
_USAGE = f"{_MARKER}(path, every=1, kinds=(), tags=())"
_SETTINGS = {
    "corpus": "folder of documents that answers come from",
    "index": "folder of the built index",
    "llm": '"local", "none", a model or an address',
}


@pytest.fixture(scope="session")
def citewise_assistant(pytestconfig: pytest.Config) -> Iterator[Assistant]:
    """The assistant that is tested; override it to test another, or another system.

    ``--citewise-corpus``, ``--citewise-index`` and ``--citewise-llm``, or ``citewise_corpus`` and
    so on in the configuration file, choose what it answers from and with.
    """
    from citewise.assistant import Assistant
    from citewise.generators import make_generator

    with ExitStack() as stack:
        try:
            setting = _setting(pytestconfig, "llm") or current().llm
            # Made here, since an assistant would answer without a model that it cannot have.
            generator = make_generator(setting)
            if (close := getattr(generator, "close", None)) is not None:
                stack.callback(close)
            corpus, index = _path(pytestconfig, "corpus"), _path(pytestconfig, "index")
            assistant = stack.enter_context(Assistant(corpus, index, llm=generator or "none"))
            assistant.documents()
        except CitewiseError as error:
            pytest.fail(str(error), pytrace=False)
        yield assistant


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and settings of the plugin."""
    group = parser.getgroup("citewise", "citewise: answers from documents")
    for name, meaning in _SETTINGS.items():
        group.addoption(f"--citewise-{name}", metavar=name.upper(), help=meaning)
        parser.addini(f"citewise_{name}", meaning, default="")
    group.addoption(
        "--citewise-every",
        type=_positive,
        metavar="N",
        help="only every Nth question of each set, whatever the marker says",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", f"{_USAGE}: one test for each question of a set")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a marked test its questions; finding none is an error of collection."""
    marker = metafunc.definition.get_closest_marker(_MARKER)
    if marker is None:
        return
    try:
        if "question" not in metafunc.fixturenames:
            raise EvaluationError(
                f"{metafunc.definition.name} is marked {_MARKER} but takes no question.",
                "Give it an argument named question.",
            )
        questions = _marked_questions(marker, metafunc)
    except CitewiseError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    metafunc.parametrize("question", questions, ids=[question.id for question in questions])


def _marked_questions(marker: pytest.Mark, metafunc: pytest.Metafunc) -> list[Question]:
    try:
        path, every, kinds, tags = _arguments(*marker.args, **marker.kwargs)
    except TypeError as error:
        raise EvaluationError(f"The marker {_MARKER}: {error}.", f"Write {_USAGE}.") from None
    every = metafunc.config.getoption("citewise_every", None) or every
    file = _found(path, metafunc.definition.path.parent, metafunc.config.rootpath)
    questions = load_questions(file)
    known = sorted({question.kind for question in questions})
    if unknown := [kind for kind in kinds if kind not in known]:
        raise EvaluationError(
            f"No question of {file} has the kind {unknown[0]!r}.", f"There are: {', '.join(known)}."
        )
    chosen = [
        question
        for question in questions
        if (not kinds or question.kind in kinds) and (not tags or set(tags) & set(question.tags))
    ]
    if not chosen:
        raise EvaluationError(f"No question of {file} is chosen.", "Check kinds and tags.")
    return chosen[::every]


def _arguments(
    path: str | os.PathLike[str],
    every: int = 1,
    kinds: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> tuple[Path, int, Sequence[str], Sequence[str]]:
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise TypeError(f"every is {every!r}, not a whole number of 1 or more")
    for name, value in (("kinds", kinds), ("tags", tags)):
        if isinstance(value, str):
            raise TypeError(f"{name} is {value!r}, not a list")
    return Path(path), every, kinds, tags


def _found(path: Path, *folders: Path) -> Path:
    """The file, relative to the first of the folders that has it."""
    places = [folder / path for folder in folders]
    for place in places:
        if place.is_file():
            return place
    tried = " or ".join(dict.fromkeys(map(str, places)))
    raise EvaluationError(
        f"There is no question set {tried}.", "Give a path from the test file or the root folder."
    )


def _setting(config: pytest.Config, name: str) -> str:
    option: str | None = config.getoption(f"citewise_{name}", None)
    return option or str(config.getini(f"citewise_{name}"))


def _path(config: pytest.Config, name: str) -> Path | None:
    """A folder: from the command line as seen from here, from the file as seen from its root."""
    if option := config.getoption(f"citewise_{name}", None):
        return Path(option)
    written = str(config.getini(f"citewise_{name}"))
    return config.rootpath / written if written else None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)
