"""Tools that people take instead, as judges for ``citewise eval verifier --rivals``.

Each runs as it is published, in a Python of its own, which the project neither needs nor changes:

    python3 -m venv rivals && rivals/bin/pip install anchorcite ancora-rag faithgate
    citewise eval verifier --data DIR --rivals anchorcite,ancora-rag,faithgate \\
        --rivals-python rivals/bin/python

What is called, in the versions read (all MIT), without a network and without a key:

- ``anchorcite`` 0.1.0: ``CitationAnchorer`` with its ``LexicalScorer``, which it falls back to
  itself where torch is missing. The score is the share of a clause's content words in the best
  sentence; ``verify_answer`` verifies a claim if half of its clauses reach 0.4, so a claim scores
  as its best clause of two or three, its second best of four or five. Its better scorer needs two
  models from the network and is not measured.
- ``ancora-rag`` 0.1.1: ``GroundingChecker.check_answer`` over all chunks that ``chunk_documents``
  makes. The score is the coverage of the claim's words less the coverage it asks for (0.55, or
  0.40 for a hedged sentence), and 2 less where a number is in no chunk near it; a text of several
  sentences scores as its worst. It answers if that is at least 0, and if there is nothing to check.
  Given single sentences instead of its chunks it does worse (WiCE dev: balanced accuracy .56, not
  .69, at its own threshold).
- ``faithgate`` 0.3.0: its judge ``heuristic``, the share of the claim's words in the contexts.
  Its gate lets a case pass from 0.5. Its judge for production asks a hosted model.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

__all__ = ["RIVALS", "Rival", "RivalError"]

Check = Callable[[str, Sequence[str]], float]


class _Claim(Protocol):
    @property
    def claim(self) -> str: ...

    @property
    def evidence(self) -> Sequence[str]: ...


class RivalError(Exception):
    """A rival that cannot be run; the message says why."""


@dataclass(frozen=True)
class _Tool:
    """The name of its distribution, what makes its check, and where it draws the line itself."""

    distribution: str
    make: Callable[[], Check]
    threshold: float


class Rival:
    """A rival as a judge: it starts when opened and answers claim by claim.

    ``threshold`` is from which score on the tool itself takes a claim for supported.

    Raises:
        RivalError: its Python is not there, or the tool cannot be imported.
    """

    def __init__(self, name: str, python: Path) -> None:
        command = [str(python), __file__, name]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
        except OSError as error:
            raise RivalError(f"{str(python)!r} cannot be started ({error}).") from None
        self.name = name
        self.threshold = RIVALS[name].threshold
        try:
            self.version = str(self._read()["version"])
        except RivalError:
            self._end()
            raise

    def __enter__(self) -> Rival:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def __call__(self, claims: Sequence[_Claim]) -> list[float]:
        """One score for each claim, higher for better support.

        Raises:
            RivalError: the tool ended or failed.
        """
        return [self._score(claim) for claim in claims]

    def _score(self, claim: _Claim) -> float:
        assert self._process.stdin
        row = {"claim": claim.claim, "evidence": list(claim.evidence)}
        try:
            self._process.stdin.write(json.dumps(row) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise RivalError(f"{self.name} has ended.") from None
        return float(self._read()["score"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        row: dict[str, Any] = json.loads(line) if line else {"error": "it ended without a word"}
        if "error" in row:
            raise RivalError(f"{self.name}: {row['error']}")
        return row

    def _end(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdout.close()
        try:
            self._process.stdin.close()
            self._process.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()


def _anchorcite() -> Check:
    from anchorcite import (  # type: ignore[import-not-found]
        CitationAnchorer,
        LexicalScorer,
        split_claim_atoms,
    )
    from anchorcite.citations import (  # type: ignore[import-not-found]
        ANCHOR_MIN_ATOM_FRACTION,
    )

    # A threshold of 0 gives each clause's score where its own would give nothing.
    anchorer = CitationAnchorer(scorer=LexicalScorer(), threshold=0.0)

    def check(claim: str, evidence: Sequence[str]) -> float:
        source = " ".join(evidence)
        found = [anchorer.anchor(atom, source) for atom in split_claim_atoms(claim)]
        scores = sorted((anchor.score if anchor else 0.0 for anchor in found), reverse=True)
        needed = max(1, int(len(scores) * ANCHOR_MIN_ATOM_FRACTION))
        return float(scores[needed - 1]) if scores else 0.0

    return check


def _ancora() -> Check:
    from ancora.chunking import chunk_documents  # type: ignore[import-not-found]
    from ancora.grounding import _HEDGE_RE, GroundingChecker  # type: ignore[import-not-found]
    from ancora.types import Document  # type: ignore[import-not-found]

    checker = GroundingChecker()

    def margin(check: Any) -> float:
        hedged = _HEDGE_RE.search(check.claim)
        asked = checker.hedged_threshold if hedged else checker.support_threshold
        return float(check.support_score - asked - 2 * bool(check.unsupported_numbers))

    def check(claim: str, evidence: Sequence[str]) -> float:
        chunks = chunk_documents([Document("source", "\n".join(evidence))])
        return min(map(margin, checker.check_answer(claim, chunks)), default=1.0)

    return check


def _faithgate() -> Check:
    import asyncio

    from faithgate.score.judges import make_scorer  # type: ignore[import-not-found]
    from faithgate.score.scorer import Sample  # type: ignore[import-not-found]

    scorer, _ = make_scorer("heuristic")
    loop = asyncio.new_event_loop()

    def check(claim: str, evidence: Sequence[str]) -> float:
        found = loop.run_until_complete(scorer.ascore(Sample("", claim, list(evidence))))
        return 0.0 if found.score is None else float(found.score)

    return check


RIVALS = {
    "anchorcite": _Tool("anchorcite", _anchorcite, 0.4),
    "ancora-rag": _Tool("ancora-rag", _ancora, 0.0),
    "faithgate": _Tool("faithgate", _faithgate, 0.5),
}
"""The rivals by name."""


def _serve(name: str) -> None:
    """Answer claims on stdin by scores on stdout; what the tool itself prints goes to stderr."""
    from importlib.metadata import version

    out, sys.stdout = sys.stdout, sys.stderr

    def say(row: dict[str, Any]) -> None:
        print(json.dumps(row), file=out, flush=True)

    tool = RIVALS[name]
    try:
        check = tool.make()
        say({"version": version(tool.distribution)})
    except Exception as error:  # whatever keeps the tool from running is what is to be told
        say({"error": f"{type(error).__name__}: {error}"})
        return
    for line in sys.stdin:
        row = json.loads(line)
        try:
            say({"score": check(row["claim"], row["evidence"])})
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    _serve(sys.argv[1])
