"""What the source may not hold: code that runs data, models that run code, homes to phone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.registry import MODELS

SOURCE = Path(__file__).parents[1] / "src" / "citewise"
FILES = [*SOURCE.rglob("*.py"), SOURCE.parents[1] / "app.py"]
_RUNS_DATA = {"eval", "exec", "compile", "__import__"}
_PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
# What a Ray driver and its own workers send each other; Ray itself pickles all of it.
_BETWEEN_OWN_PROCESSES = {"ray_pipeline.py", "ray_stages.py"}
_SECRET = re.compile(r"(?i)(?:^|_)(?:token|secret|password|passphrase|cookie_key|api_key)$")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls by name: ``exec`` and ``torch.load`` as such, ``self.x.load`` as ``x.load``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                yield function.id, node
            elif isinstance(function, ast.Attribute):
                owner = function.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                yield f"{name}.{function.attr}", node


def keywords(call: ast.Call) -> dict[str, object]:
    return {k.arg: getattr(k.value, "value", "?") for k in call.keywords if k.arg}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_data_is_run_and_nothing_is_unpickled(path: Path) -> None:
    tree = parsed(path)
    if not (path.parent.name == "runners" and path.name in _BETWEEN_OWN_PROCESSES):
        assert _PICKLES.isdisjoint(imported(tree))
    for name, call in called(tree):
        assert name not in _RUNS_DATA, f"line {call.lineno}"
        assert name not in {"os.system", "os.popen", "subprocess.getoutput"}
        assert name not in {"torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
        given = keywords(call)
        assert given.get("shell", False) is False
        assert given.get("allow_pickle", False) is False
        assert "trust_remote_code" not in given or given["trust_remote_code"] is False
        if name in {"np.load", "numpy.load"}:
            assert given.get("allow_pickle") is False, f"line {call.lineno}"


def test_models_are_safetensors_and_gguf_alone() -> None:
    weights = [file.path for spec in MODELS.values() for file in spec.files if file.size > 10**6]
    assert weights
    assert {Path(path).suffix for path in weights} == {".safetensors", ".gguf"}
    assert all(
        re.fullmatch(r"[0-9a-f]{64}", file.sha256) for m in MODELS.values() for file in m.files
    )


def is_secret(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return _SECRET.search(name) is not None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_secrets_are_compared_in_constant_time(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops
        ):
            sides = [node.left, *node.comparators]
            constant = any(isinstance(side, ast.Constant) for side in sides)
            assert constant or not any(map(is_secret, sides)), f"{path.name}:{node.lineno}"


def test_nothing_in_the_page_comes_from_elsewhere() -> None:
    static = SOURCE / "ui" / "static"
    for path in static.rglob("*"):
        if path.suffix in {".js", ".css", ".html"}:
            text = path.read_text(encoding="utf-8")
            text = text.replace("http://www.w3.org/2000/svg", "")
            assert re.search(r"https?://|@import|\beval\(|new Function|innerHTML", text) is None, (
                path
            )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_csv_is_written(path: Path) -> None:
    """Spreadsheets run formulas that stand in a cell; who adds such a file has to neutralise it."""
    names = {name for name, _ in called(parsed(path))}
    assert names.isdisjoint({"csv.writer", "csv.DictWriter", "writer.writerow", "DictWriter"})
