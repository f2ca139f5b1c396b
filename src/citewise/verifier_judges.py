"""What ``citewise eval verifier`` can measure: the judges of this package, and other tools."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from citewise.errors import EvaluationError, InputError
from citewise.tokens import content_terms, lexical_terms
from citewise.verifier_data import LabelledClaim

__all__ = ["JUDGES", "OWN_THRESHOLDS", "WITH_MODEL", "Score", "known", "opened_rivals"]

Score = Callable[[Sequence[LabelledClaim]], list[float]]
"""A judge: one score for each claim, higher for better support."""


def _overlap(claims: Sequence[LabelledClaim]) -> list[float]:
    """The share of the claim's content words that the evidence holds."""
    scores = []
    for claim in claims:
        wanted = set(content_terms(claim.claim))
        held = wanted.intersection(lexical_terms("\n".join(claim.evidence)))
        scores.append(len(held) / len(wanted) if wanted else 0.0)
    return scores


def _rules(claims: Sequence[LabelledClaim]) -> list[float]:
    """The support check inside answers: rules alone."""
    from citewise.support import SupportJudge

    judge = SupportJudge()
    return [judge.judge(claim.claim, claim.evidence).score for claim in claims]


def _features(claims: Sequence[LabelledClaim]) -> list[float]:
    """The forest over what can be counted, alone."""
    from citewise.judge import support_score
    from citewise.support_features import features, narrow

    return [support_score(features(narrow(c.claim, c.evidence))) for c in claims]


def _check(claims: Sequence[LabelledClaim]) -> list[float]:
    """``citewise.check``: rules and forest together."""
    from citewise.checking import check_text

    return [check_text(claim.claim, claim.evidence).score for claim in claims]


def _entailment(claims: Sequence[LabelledClaim]) -> list[float]:
    """The entailment model alone, on the words that share most with the claim and its clauses."""
    from citewise.entailment import shared_entailment
    from citewise.judge import read_with
    from citewise.support_features import narrow

    model = shared_entailment()
    odds = [read_with(model, narrow(c.claim, c.evidence)).supported for c in claims]
    return [1 / (1 + math.exp(-value)) for value in odds]


def _full(claims: Sequence[LabelledClaim]) -> list[float]:
    """``citewise.check`` with ``judge="full"``: rules, forest and entailment model together."""
    from citewise.checking import check_text

    return [check_text(claim.claim, claim.evidence, "full").score for claim in claims]


JUDGES: Mapping[str, Score] = {
    "overlap": _overlap,
    "rules": _rules,
    "features": _features,
    "check": _check,
    "entailment": _entailment,
    "full": _full,
}
"""What ``--judges`` may name."""
WITH_MODEL = ("entailment", "full")
"""Those that need a model of 439 MB, which are left out unless they are named."""
OWN_THRESHOLDS: Mapping[str, float] = {"rules": 0.5, "features": 0.5, "check": 0.5, "full": 0.5}
"""From which score on a judge itself calls a claim supported, where it does."""


def known(name: str, choices: Mapping[str, Any], what: str) -> Any:
    """What the name means.

    Raises:
        InputError: it means nothing.
    """
    if name not in choices:
        raise InputError(f"There is no {what} {name!r}.", f"Known {what}s: {', '.join(choices)}.")
    return choices[name]


@contextmanager
def opened_rivals(
    names: Sequence[str], python: Path | None, file: Path
) -> Iterator[dict[str, tuple[Score, float]]]:
    """Other tools as judges while they run, by name and version, each with its own threshold.

    Args:
        names: which of those in ``file``.
        python: the Python that has them installed.
        file: ``evals/rivals.py``, which says how each is called.

    Raises:
        InputError: a name is not known, or no Python or file is there.
        EvaluationError: a tool cannot be run.
    """
    if not names:
        yield {}
        return
    if python is None:
        raise InputError(
            "No Python for the rivals is given.",
            f"Install them apart and add --rivals-python PATH; {str(file)!r} says how.",
        )
    module = _module(file)
    for name in names:
        known(name, module.RIVALS, "rival")
    try:
        with ExitStack() as stack:
            opened = {}
            for name in names:
                rival = stack.enter_context(module.Rival(name, python))
                opened[f"{name} {rival.version}"] = (rival, rival.threshold)
            yield opened
    except module.RivalError as error:
        told = str(error).rstrip(".")
        raise EvaluationError(f"{told}.", "Leave it out of --rivals, or install it anew.") from None


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("citewise_rivals", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{str(path)!r} is not there.", "Give --rivals-file evals/rivals.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
