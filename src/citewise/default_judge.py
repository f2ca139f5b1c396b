"""What checks claims where nobody has said what shall."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Literal

from citewise.entailment import WITHOUT, shared_entailment
from citewise.errors import ModelError
from citewise.settings import current

__all__ = ["default_judge"]

_log = logging.getLogger(__name__)


def default_judge() -> Literal["fast", "full"]:
    """As the settings say; "fast", with a warning, where the entailment model cannot be had."""
    return "full" if current().judge == "full" and _can_be_had() else "fast"


@lru_cache(maxsize=1)
def _can_be_had() -> bool:
    """Looked for once: nobody should wait anew, at each claim, for a network that is not there."""
    try:
        shared_entailment()
    except ModelError as error:
        _log.warning("%s %s", error, WITHOUT)
        return False
    return True
