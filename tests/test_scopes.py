"""What a place in source code stands in, told by indentation."""

from __future__ import annotations

import pytest

from citewise.scopes import Scopes
from citewise.splitting import split
from citewise.types import Document

JAVA = """\
package a.b;

/** Hashes. */
public class Hasher implements Closeable
{
    private int rounds;

    /**
     * Checks it.
     */
    @Override
    public boolean check(String text)
    {
        if (text == null) {
            return false;
        }
        return true;
    }
}
"""
PYTHON = """\
import re

class Decoder(Base):
    # Not a scope.
    @property
    def words(self) -> list[str]:
        for word in self.text:
            yield word
            self.seen(
                word,
            )

    rest = 1
"""
RUST = "impl<S> Queue<S> {\n\tpub fn new() -> Self {\n\t\tSelf {\n\t\t\tseen: 0,\n\t\t}\n\t}\n}\n"


@pytest.mark.parametrize(
    ("text", "words", "path"),
    [
        (JAVA, "package", ""),
        (JAVA, "private int", "public class Hasher implements Closeable"),
        (JAVA, "* Checks", "public class Hasher implements Closeable"),
        (
            JAVA,
            "return true",
            "public class Hasher implements Closeable > public boolean check(String text)",
        ),
        (
            JAVA,
            "return false",
            "public class Hasher implements Closeable > public boolean check(String text)"
            " > if (text == null)",
        ),
        (PYTHON, "def words", "class Decoder(Base)"),
        (PYTHON, "rest", "class Decoder(Base)"),
        (
            PYTHON,
            "word,",
            "class Decoder(Base) > for word in self.text > self.seen",
        ),
        (RUST, "seen: 0", "impl<S> Queue<S> > pub fn new() -> Self > Self"),
    ],
)
def test_the_path_names_what_is_around(text: str, words: str, path: str) -> None:
    assert Scopes(text).path(text.index(words)) == path


def test_a_place_before_the_first_line_of_code_stands_in_nothing() -> None:
    assert Scopes("").path(0) == ""
    assert Scopes("\n\n  x = 1\n").path(0) == ""


def test_passages_of_source_code_are_headed_by_what_they_stand_in() -> None:
    body = "\n\n".join(
        f"    def step_{i}(self):\n        return {i} * self.factor" for i in range(40)
    )
    document = Document("a.py", f"class Machine:\n{body}\n", "", format="code")
    passages = split(document)
    assert len(passages) > 3
    assert all(passage.heading.startswith("class Machine") for passage in passages[1:])
    assert all(document.text[p.start : p.end] == p.text for p in passages)
