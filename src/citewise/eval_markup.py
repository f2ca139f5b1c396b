"""HTML and SVG that cannot be broken out of: every string is escaped unless it is ``Html``."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from citewise.eval_reading import reveal

__all__ = ["Content", "Html", "element", "join", "table"]

_VOID = frozenset({"input", "meta"})


class Html(str):
    """Text that is markup already. Only ``element``, ``join`` and our own constants make it."""

    __slots__ = ()


Content: TypeAlias = Html | str | None


def element(name: str, *children: Content, **attributes: str | bool | None) -> Html:
    """One element with its children; a child that is a plain string is shown as it is written.

    Args:
        name: of the element.
        children: in order; None is left out.
        attributes: ``class_`` gives ``class``, ``data_kind`` gives ``data-kind``; True is an
            attribute without a value; None and False are left out.
    """
    written = "".join(
        _attribute(key, value) for key, value in attributes.items() if value not in (None, False)
    )
    end = "" if name in _VOID else f"</{name}>"
    return Html(f"<{name}{written}>{join(children)}{end}")


def join(parts: Iterable[Content], between: Html = Html("")) -> Html:  # noqa: B008 - a constant
    """The parts one after the other, plain strings escaped."""
    return Html(between.join(_inert(part) for part in parts if part is not None))


def table(head: Iterable[Content], rows: Iterable[Iterable[Content]], caption: str) -> Html:
    """A table whose first column names the rows; it scrolls sideways inside its own box."""
    heads = join(element("th", cell, scope="col") for cell in head)
    body = join(element("tr", _cells(row)) for row in rows)
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", heads)),
        element("tbody", body),
    )
    # Without a place in the tab order a keyboard could not scroll it.
    return element("div", whole, class_="scroll", tabindex="0", role="group", aria_label=caption)


def _cells(row: Iterable[Content]) -> Html:
    first, *others = row
    return join([element("th", first, scope="row"), *(element("td", cell) for cell in others)])


def _attribute(key: str, value: str | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(reveal(str(value)))}"'


def _inert(part: Content) -> str:
    return part if isinstance(part, Html) else html.escape(reveal(str(part)))
