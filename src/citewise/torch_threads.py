"""How many threads torch may use for a while.

Its threads wait for each other by spinning, so that on cores that others keep busy two take many
times as long as one: what a person waits for uses one, what is done in bulk all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["torch_threads"]


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Give torch ``count`` threads, or as many as it has.

    The number belongs to the whole process, so it is put back.
    """
    import torch

    before = torch.get_num_threads()
    if count not in (None, before):
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count not in (None, before):
            torch.set_num_threads(before)
