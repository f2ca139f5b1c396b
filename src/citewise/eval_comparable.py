"""Whether two runs can be compared at all: graded by the same judge, on the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citewise.errors import EvaluationError

__all__ = ["demand_comparable"]

_LISTED = 5


def demand_comparable(old: Mapping[str, Any], new: Mapping[str, Any], *, first: str) -> None:
    """Refuse to compare what another judge graded, or what was asked otherwise.

    Faithfulness, citation support and unsupported sentences are the judge's verdicts; under
    another judge they would change without any change to the answers.

    Args:
        old: the baseline of one run.
        new: the baseline of the other.
        first: what ``old`` is called in messages, such as "baseline".

    Raises:
        EvaluationError: they cannot be compared.
    """
    was, now = old["judge"], new["judge"]
    for name in ("name", "sha256"):
        if was[name] != now[name]:
            raise EvaluationError(
                f"The {first} was graded by another judge: its {name} is {str(was[name])!r}, "
                f"that of this run {str(now[name])!r}.",
                "Grade both by the same judge; for a baseline, run --update-baseline on purpose.",
            )
    both = old["questions"].keys() & new["questions"].keys()
    changed = [i for i in both if old["questions"][i]["asks"] != new["questions"][i]["asks"]]
    partial = new["set"]["asked"] < new["set"]["questions"]
    missing = [] if partial else list(old["questions"].keys() - both)
    if changed or missing or not both:
        raise EvaluationError(
            f"The {first} was made on other questions: {_which(changed, missing)}.",
            "Ask the same ones; for a baseline, run --update-baseline on purpose.",
        )


def _which(changed: list[str], missing: list[str]) -> str:
    reasons = [
        f"{len(ids)} {what}, such as {', '.join(sorted(ids)[:_LISTED])}"
        for ids, what in ((changed, "ask something else now"), (missing, "are no longer asked"))
        if ids
    ]
    return "; ".join(reasons) or "none is in both"
