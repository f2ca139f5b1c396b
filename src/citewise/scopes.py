"""What a place in source code stands in: the classes and functions around it, by indentation.

Indentation tells it in nearly every language, and no parser has to be there for each of them.
"""

from __future__ import annotations

from bisect import bisect_right

__all__ = ["Scopes"]

# Comments, attributes, decorators and labels stand before or between definitions, not around them.
_ASIDE = ("//", "/*", "*", "#", "@", "--", "'", '"', "public:", "private:", "protected:", "end")
_OPENS = " \t{(:="
_BRACKETS = "{}()[];, \t\r\n"
_LONGEST = 120
_TAB = 4
_SHOWN = 3


class Scopes:
    """Knows the lines that enclose each line of a source file."""

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._paths: list[tuple[str, ...]] = []
        around: list[tuple[int, str]] = []
        at = 0
        for line in text.splitlines(keepends=True):
            content = line.strip()
            # A bracket alone belongs to the line above it, wherever it stands.
            if content.strip(_BRACKETS) and content[0] not in "}])":
                depth = _depth(line)
                while around and around[-1][0] >= depth:
                    around.pop()
                self._starts.append(at)
                self._paths.append(tuple(name for _, name in around))
                if not content.startswith(_ASIDE):
                    around.append((depth, content[:_LONGEST].rstrip(_OPENS)))
            at += len(line)

    def path(self, offset: int) -> str:
        """The enclosing lines of the line at ``offset``, the outermost first; "" at the margin.

        Of a long way down, the outermost and the last two.
        """
        at = bisect_right(self._starts, offset) - 1
        names = self._paths[at] if at >= 0 else ()
        if len(names) > _SHOWN:
            names = (names[0], *names[1 - _SHOWN :])
        return " > ".join(names)


def _depth(line: str) -> int:
    indent = line[: len(line) - len(line.lstrip())]
    return len(indent.expandtabs(_TAB))
