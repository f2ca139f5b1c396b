"""A question set in YAML: a list of questions, one document per question, or a mixture.

The nodes are read here and not by YAML's own constructors, for the line of each, and because
YAML would make numbers of facts such as 1:30 and 007, and true of "yes".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from citewise.errors import EvaluationError

__all__ = ["yaml_objects", "yaml_text"]

_TAG = "tag:yaml.org,2002:"
_TRUE = frozenset({"true", "yes", "on"})


def yaml_objects(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each mapping with the line on which it begins.

    Values are texts, lists, mappings, True, False and None. Aliases, tags and bare numbers and
    dates are refused.

    Raises:
        EvaluationError: names file and line.
    """
    try:
        for root in yaml.compose_all(text, Loader=yaml.SafeLoader):
            yield from _Reader(path).objects(root)
    except yaml.YAMLError as error:
        _fail_as_yaml(path, text, error)
    except RecursionError:
        raise EvaluationError(
            f"{path}: not valid YAML: nested too deeply.", "Write a list of questions."
        ) from None


def yaml_text(objects: list[dict[str, Any]]) -> str:
    """The objects as a YAML list that ``yaml_objects`` reads back unchanged."""
    text: str = yaml.safe_dump(objects, allow_unicode=True, sort_keys=False, width=100)
    return text


def _fail_as_yaml(path: Path, text: str, error: Any) -> NoReturn:
    mark = getattr(error, "problem_mark", None)
    position = getattr(error, "position", None)
    if mark is not None:
        line, reason = mark.line + 1, error.problem or error.context
    else:
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        reason = getattr(error, "reason", None) or str(error)
    raise EvaluationError(
        f"{path}, line {line}: not valid YAML: {reason}.", "Check indentation and quotation marks."
    ) from None


class _Reader:
    """The nodes of one YAML document as plain values."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[int] = set()

    def objects(self, root: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        if isinstance(root, yaml.ScalarNode) and root.tag == f"{_TAG}null":
            return  # a document with nothing in it
        nodes = root.value if isinstance(root, yaml.SequenceNode) else [root]
        for node in nodes:
            if not isinstance(node, yaml.MappingNode):
                self._fail(node, "this is no question.", "Write fields such as `id: v2-price`.")
            yield node.start_mark.line + 1, self._mapping(node)

    def _value(self, node: Any) -> Any:
        # An alias is the same node again; followed blindly, a few lines could stand for gigabytes.
        if id(node) in self._seen:
            self._fail(node, "an anchor is used again.", "Write it out instead of an alias.")
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self._value(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        return self._scalar(node)

    def _mapping(self, node: Any) -> dict[str, Any]:
        if node.tag != f"{_TAG}map":
            self._fail(node, f"the tag {node.tag!r} is not known here.", "Leave it out.")
        result: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str":
                self._fail(key, "this is no name of a field.", "Use names such as `facts`.")
            if key.value in result:
                self._fail(key, f"field {key.value!r} is given twice.", "Leave one out.")
            result[key.value] = self._value(value)
        return result

    def _scalar(self, node: Any) -> str | bool | None:
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "str":
            return str(node.value)
        if kind == "bool":
            return node.value.lower() in _TRUE
        if kind == "null":
            return None
        if kind in ("int", "float", "timestamp"):
            problem = f"YAML reads {node.value!r} as a number or date."
            self._fail(node, problem, "Put it in quotation marks.")
        return self._fail(node, f"the tag {node.tag!r} is not known here.", "Leave it out.")

    def _fail(self, node: Any, problem: str, remedy: str) -> NoReturn:
        line = node.start_mark.line + 1
        raise EvaluationError(f"{self._path}, line {line}: {problem}", remedy)
