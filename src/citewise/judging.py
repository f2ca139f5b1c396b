"""What gives the verdicts: its name, a digest of all that decides, and its agreement with people.

Two runs that were graded by different judges cannot be compared; the digest tells them apart.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["describe_judge", "judge_digest"]

_NAME = "citewise support check"
_DECIDES = (
    "acting.py", "bindings.py", "checking.py", "claims.py", "clauses.py", "enumerating.py",
    "forest.py", "judge.py", "near_copy.py", "opposites.py", "quantities.py", "ranges.py",
    "sentences.py", "support.py", "support_features.py", "tokens.py", "wording.py",
    "data/features.npz",
)  # fmt: skip
_AGREEMENT = "agreement.json"


@lru_cache(maxsize=1)
def judge_digest() -> str:
    """SHA-256 over the code that decides."""
    digest = hashlib.sha256()
    for name in _DECIDES:
        digest.update(
            name.encode() + b"\0" + files("citewise").joinpath(*name.split("/")).read_bytes()
        )
    return digest.hexdigest()


def describe_judge() -> dict[str, Any]:
    """The judge for a run record.

    ``agreement`` was measured by ``citewise eval verifier`` and is committed with the code; where
    the judge has changed since, it says so by ``measured_on``, the digest of the judge then.
    """
    data = json.loads((files("citewise") / "data" / _AGREEMENT).read_text(encoding="utf-8"))
    return {
        "name": _NAME,
        "sha256": judge_digest(),
        "agreement": data["agreement"],
        "measured_on": data["sha256"],
    }
