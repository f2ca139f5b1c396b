"""What an evaluation looks like: a table and failures for a terminal, plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from citewise.eval_metrics import Measure
from citewise.evaluation import Evaluation, Result, seconds_per_stage
from citewise.types import Status

__all__ = ["describe", "model_names", "needs_reading", "problems", "summary"]

_COLUMNS = {
    "correct": "correct",
    "answered_correctly": "answered",
    "quoted_correctly": "quoted",
    "answered_wrongly": "wrong",
    "refused_wrongly": "refused-",
    "refused_rightly": "refused+",
    "citation_precision": "cite-p",
    "citation_recall": "cite-r",
    "holds_gold": "gold",
    "retrieval_recall@8": "r@8",
    "mrr": "mrr",
}
_EMPTY = "–"


def summary(evaluation: Evaluation) -> str:
    """Three tables: overall with intervals, per kind, seconds per stage; then totals."""
    blocks = [_overall(evaluation), _per_kind(evaluation), _totals(evaluation)]
    if seconds := seconds_per_stage(evaluation):
        rows = [
            [_visible(stage), f"{median:.2f}", f"{p95:.2f}", str(n)]
            for stage, (median, p95, n) in seconds.items()
        ]
        blocks.append(_table([["seconds", "median", "p95", "n"], *rows]))
    blocks += _models(evaluation)
    return "\n\n".join(blocks)


def needs_reading(result: Result) -> bool:
    """True if the result is unscored, not right, or right with a blemish."""
    return result.grade is None or not result.grade.flawless


def describe(result: Result) -> str:
    """One result for a reader: what was asked, expected and said, with its citations."""
    question, grade = result.question, result.grade
    lines = [
        f"{question.id} ({question.kind}): {grade.outcome if grade else 'unscored'}",
        *(f"  earlier:    {earlier}" for earlier in question.history),
        f"  question:   {question.question}",
        f"  expected:   {_expected(result)}",
    ]
    if answer := result.answer:
        lines.append(f"  said:       [{answer.status}] {answer.text}")
        lines += [
            f"  cited:      [{c.number}] {c.document} {c.start}:{c.end} {c.quote}"
            for c in answer.citations
        ]
        lines += [f"  notice:     {notice}" for notice in answer.notices]
    lines += (f"  {reason}" for reason in problems(result))
    return "\n".join(_visible(line) for line in lines)


def _expected(result: Result) -> str:
    question = result.question
    if question.status is Status.NOT_FOUND:
        return str(question.status)
    facts = "; ".join(" | ".join(group) for group in question.facts)
    without = f"; without: {', '.join(question.forbidden)}" if question.forbidden else ""
    return facts + without


def problems(result: Result) -> list[str]:
    """What speaks against the answer, one line each; none if nothing does."""
    return list(_problems(result))


def _problems(result: Result) -> Iterator[str]:
    if result.error:
        yield f"error: {result.error}"
    if not (grade := result.grade):
        return
    for group in grade.missing:
        yield f"missing: {' | '.join(group)}"
    for fact in grade.forbidden:
        yield f"forbidden: {fact}"
    for fault in grade.inexact:
        yield f"inexact: {fault}"
    for sentence in grade.unsupported:
        yield f"unsupported: {sentence}"
    for item in grade.ungrounded:
        yield f"ungrounded: {', '.join(item.tokens)} in: {item.sentence}"
    if None in grade.gold_ranks:
        yield f"not found: {grade.gold_ranks.count(None)} of {len(grade.gold_ranks)} gold groups"


def _overall(evaluation: Evaluation) -> str:
    rows = [
        [name, _percent(m), _interval(m), str(m.n)] for name, m in evaluation.measures().items()
    ]
    return _table([["overall, %", "value", "95 %", "n"], *rows])


def _per_kind(evaluation: Evaluation) -> str:
    head = ["kind, %", "n", "unscored", "right", "95 %", *_COLUMNS.values()]
    head += ["unsup.", "unground."]
    return _table([head, *(_kind_row(*item) for item in evaluation.by_kind().items())])


def _kind_row(kind: str, part: Evaluation) -> list[str]:
    measures, counts = part.measures(), part.counts()
    return [
        _visible(kind),
        str(counts["questions"]),
        str(counts["unscored"]),
        _percent(measures["right"]),
        _interval(measures["right"]),
        *(_percent(measures[name]) for name in _COLUMNS),
        str(counts["unsupported_sentences"]),
        str(counts["ungrounded_sentences"]),
    ]


def _totals(evaluation: Evaluation) -> str:
    counts = evaluation.counts()
    return "\n".join(
        [
            f"{counts['questions']} questions, {counts['unscored']} unscored, "
            f"{counts['with_notices']} answered with a notice",
            f"{counts['citations']} citations, {counts['inexact_citations']} inexact",
            f"{counts['shown_sentences']} sentences shown, "
            f"{counts['unsupported_sentences']} with a verdict other than supported, "
            f"{counts['ungrounded_sentences']} with a number or name their citations lack",
        ]
    )


def _models(evaluation: Evaluation) -> list[str]:
    names = model_names(evaluation)
    return [
        "\n".join(f"{role}: {_visible(', '.join(sorted(of)))}" for role, of in names.items())
    ] * bool(names)


def model_names(evaluation: Evaluation) -> dict[str, set[str]]:
    """The models that took part, by role."""
    names: dict[str, set[str]] = {}
    for result in evaluation.results:
        for role, name in (result.answer.models if result.answer else {}).items():
            names.setdefault(role, set()).add(name)
    return dict(sorted(names.items()))


def _percent(m: Measure) -> str:
    return _EMPTY if m.value is None else f"{100 * m.value:.1f}"


def _interval(m: Measure) -> str:
    return _EMPTY if m.low is None or m.high is None else f"{100 * m.low:.0f}–{100 * m.high:.0f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others])


def _visible(text: str) -> str:
    """The text on one line, control and invisible characters spelled out, safe for a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
