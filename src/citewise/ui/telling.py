"""What a visitor is told of an error: never where the operator's servers are, nor what they said.

An error of a folder on the user's own machine is told whole: they need its remedy.
"""

from __future__ import annotations

import logging

from citewise.errors import CitewiseError, IndexFault
from citewise.ui import strings

__all__ = ["told"]

_LOG = logging.getLogger(__name__)


def told(error: CitewiseError, instead: str = strings.UNAVAILABLE) -> str:
    """The text for the page; of a store behind an address, the error itself goes to the log.

    Args:
        error: what happened.
        instead: said where the error would tell of such a store.
    """
    if not _of_a_server(error):
        return str(error)
    _LOG.warning("A visitor was told %r because of this: %s", instead, error)
    return instead


def _of_a_server(error: CitewiseError) -> bool:
    return isinstance(error, IndexFault) and "://" in str(error)
