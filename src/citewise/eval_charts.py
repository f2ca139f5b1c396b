"""The charts of the HTML report: tables whose bars are inline SVG, so that they read as tables.

Positions are percentages and the words stand outside the drawings, which keeps them legible at
any width. Nothing is told by a bar that isn't in words beside it.
"""

from __future__ import annotations

from citewise.eval_differences import difference
from citewise.eval_markup import Content, Html, element, join, table
from citewise.eval_reading import OUTCOMES, Record, interval, measure_name, percent

__all__ = ["HATCH", "measures_chart", "outcomes_chart", "seconds_chart"]

_HEIGHT = 18
_RIGHT = ("answered_correctly", "quoted_correctly", "refused_rightly")

HATCH = Html(
    '<svg width="0" height="0" class="defs" aria-hidden="true"><defs><pattern id="hatch" '
    'patternUnits="userSpaceOnUse" width="6" height="6" patternTransform="rotate(45)">'
    '<line x1="1" y1="0" x2="1" y2="6" class="hatch"></line></pattern></defs></svg>'
)
"""What outcomes that are not right are crossed with; to stand on the page once."""


def outcomes_chart(record: Record) -> Html:
    """How many questions of each kind had which outcome, as stacked bars."""
    counts: dict[str, dict[str, int]] = {}
    for question in record["questions"]:
        of_kind = counts.setdefault(question["kind"], dict.fromkeys(OUTCOMES, 0))
        of_kind[question["outcome"]] = of_kind.get(question["outcome"], 0) + 1
    rows = [(kind, str(sum(of.values())), _stack(of)) for kind, of in counts.items()]
    return table(("kind", "n", "outcomes"), rows, "Outcomes per kind of question")


def _stack(counts: dict[str, int]) -> Html:
    total, done = sum(counts.values()), 0
    rects = []
    for outcome, count in counts.items():
        rects += _segment(outcome, 100 * done / total, 100 * count / total) if count else []
        done += count
    words = join(
        element("li", _swatch(outcome), f"{count} {OUTCOMES.get(outcome, ('', outcome))[1]}")
        for outcome, count in counts.items()
        if count
    )
    return join([_svg(*rects), element("ul", words, class_="legend")])


def _segment(outcome: str, start: float, width: float) -> list[Html]:
    place = {"x": f"{start:.3f}%", "width": f"{width:.3f}%", "height": str(_HEIGHT)}
    name = outcome if outcome in OUTCOMES else "unscored"
    rects = [element("rect", class_=f"o-{name}", **place)]
    if name not in _RIGHT:
        rects.append(element("rect", fill="url(#hatch)", **place))
    return rects


def _swatch(outcome: str) -> Html:
    return element(
        "svg",
        *_segment(outcome, 0, 100),
        class_="swatch",
        width="12",
        height="12",
        aria_hidden="true",
    )


def measures_chart(record: Record, baseline: Record | None) -> Html:
    """Every measure with its value, its 95 % interval and the baseline's mark."""
    before = (baseline or {}).get("overall", {}).get("measures", {})
    rows = []
    for name, measure in record["overall"]["measures"].items():
        was = before.get(name)
        row: list[Content] = [measure_name(name)]
        row += map(_number, (percent(measure["value"]), interval(measure), str(measure["n"])))
        if baseline is not None:
            tone, words = difference(name, measure["value"], was)
            row += [_number(percent(was)), _number(words, tone)]
        rows.append([*row, _ruler(measure, was)])
    head = ["measure", "value", "95 %", "n"]
    head += ["baseline", "change"] * (baseline is not None)
    key = "The dot is the value, the bar its 95 % interval"
    return join(
        [
            _key(key + (", the upright line the baseline." if baseline is not None else ".")),
            table([*head, "0 to 100 %"], rows, "Every measure"),
        ]
    )


def _key(words: str) -> Html:
    return element("p", words, class_="note")


def _number(text: str, tone: str = "") -> Html:
    return element("span", text, class_=f"number {tone}".strip())


def _ruler(measure: Record, before: float | None) -> Html:
    middle = str(_HEIGHT // 2)
    parts = [element("line", class_="axis", x1="0%", x2="100%", y1=middle, y2=middle)]
    low, high, value = measure["low"], measure["high"], measure["value"]
    if low is not None and high is not None:
        width = f"{100 * (high - low):.3f}%"
        parts.append(
            element("rect", class_="range", x=f"{100 * low:.3f}%", y="5", width=width, height="8")
        )
    if before is not None:
        x = f"{100 * before:.3f}%"
        parts.append(element("line", class_="before", x1=x, x2=x, y1="0", y2=str(_HEIGHT)))
    if value is not None:
        parts.append(element("circle", class_="dot", cx=f"{100 * value:.3f}%", cy=middle, r="4"))
    return _svg(*parts, name="ruler")


def seconds_chart(record: Record) -> Html:
    """The median and the 95th percentile of each stage's seconds, all on one scale."""
    stages = record["seconds"]["stages"]
    longest = max((stage["p95"] for stage in stages.values()), default=0) or 1
    rows = []
    for name, stage in stages.items():
        thin, thick = (100 * stage[key] / longest for key in ("p95", "median"))
        bars = _svg(
            element("rect", class_="p95", y="6", width=f"{thin:.3f}%", height="6"),
            element("rect", class_="median", y="2", width=f"{thick:.3f}%", height="14"),
        )
        numbers = (f"{stage['median']:.2f}", f"{stage['p95']:.2f}", str(stage["n"]))
        rows.append((measure_name(name), *numbers, bars))
    key = _key("The thick bar is the median, the thin one the 95th percentile.")
    head = ("stage", "median", "95th", "n", "seconds")
    return join([key, table(head, rows, "Seconds per stage")])


def _svg(*parts: Html, name: str = "") -> Html:
    return element(
        "svg",
        *parts,
        class_=f"bar {name}".strip(),
        width="100%",
        height=str(_HEIGHT),
        aria_hidden="true",
    )
