"""Every metric that a server tells, declared once: its name, kind, labels and meaning.

``docs/serving.md`` shows this table; nothing here needs the package that serves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["METRICS", "Metric", "metrics_table"]

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; a counter's name is told with ``_total`` at its end."""

    name: str
    kind: Kind
    help: str
    label: str = ""
    values: tuple[str, ...] = ()
    """What the label can be, where that is known before it happens."""

    @property
    def told(self) -> str:
        """The name under which it is told."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


METRICS: tuple[Metric, ...] = (
    Metric(
        "citewise_stage_seconds",
        "histogram",
        "Seconds that each stage of an answer took: retrieve, read (tables), gate and decide (can "
        "it be answered), draft, verify (the check), confirm, compose; evidence is the time until "
        "evidence was shown, total that of the whole answer, waiting included.",
        "stage",
        (
            "retrieve",
            "evidence",
            "read",
            "gate",
            "decide",
            "draft",
            "verify",
            "confirm",
            "compose",
            "total",
        ),
    ),
    Metric(
        "citewise_answers",
        "counter",
        "Answers, by how they ended.",
        "status",
        ("answered", "quoted", "not_found"),
    ),
    Metric(
        "citewise_refusals",
        "counter",
        "Answers that say the documents do not answer: by the model's word, because nothing of "
        "its draft was supported, or because the documents are too far from the question.",
        "reason",
        ("model", "unsupported", "unanswerable"),
    ),
    Metric(
        "citewise_verdicts",
        "counter",
        "Sentences that were checked, shown or held back, by verdict.",
        "label",
        ("supported", "partly_supported", "unsupported", "contradicted"),
    ),
    Metric(
        "citewise_dropped_citations",
        "counter",
        "Quotes that were not cited because the stored document does not have these words there.",
    ),
    Metric("citewise_failed_questions", "counter", "Questions that ended in an error message."),
    Metric(
        "citewise_rejected_questions",
        "counter",
        "Questions that were not taken: at_once are in hand already (busy), the client asks too "
        "often, the server ends, or it was no question.",
        "reason",
        ("busy", "too_often", "ending", "invalid"),
    ),
    Metric(
        "citewise_line_length",
        "gauge",
        "Questions in the line for the language model, those being answered among them.",
    ),
    Metric("citewise_line_wait_seconds", "histogram", "Seconds that a question waited in it."),
    Metric("citewise_requests_in_hand", "gauge", "Questions and files being taken or answered."),
    Metric(
        "citewise_llm_requests",
        "counter",
        "Requests to the language model, by the number of its address in llm, from 0 on.",
        "address",
    ),
    Metric(
        "citewise_llm_failures",
        "counter",
        "Of these, how many were refused, broken off or left unanswered.",
        "address",
    ),
    Metric(
        "citewise_llm_failovers",
        "counter",
        "Of these, how many were answered here after another address had failed.",
        "address",
    ),
    Metric("citewise_llm_in_flight", "gauge", "Requests under way at each address.", "address"),
    Metric(
        "citewise_http_responses",
        "counter",
        "Responses by class; none: the client left first.",
        "class",
        ("2xx", "3xx", "4xx", "5xx", "none"),
    ),
    Metric(
        "citewise_uploads", "counter", "Files that visitors sent.", "outcome", ("taken", "refused")
    ),
    Metric("citewise_build_info", "gauge", "1; the version is the label's value.", "version"),
)


def metrics_table() -> str:
    """The table in Markdown."""
    lines = ["| metric | kind | label | meaning |", "|---|---|---|---|"]
    for one in METRICS:
        label = f"`{one.label}`" if one.label else ""
        if one.values:
            label += ": " + ", ".join(one.values)
        lines.append(f"| `{one.told}` | {one.kind} | {label} | {one.help} |")
    return "\n".join(lines) + "\n"
