"""A forest of decision trees as plain arrays, evaluated with numpy.

Trained with scikit-learn's extremely randomised trees (Geurts, Ernst and Wehenkel 2006) by
``evals/judge/fit_features.py``; kept as arrays, so that nothing has to be unpickled and
scikit-learn is not needed to use it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Forest"]


class Forest:
    """Trees that each give a probability; theirs is the mean.

    Args:
        arrays: ``feature`` (int16, -1 at a leaf), ``threshold`` (float32), ``left`` and ``right``
            (int32, places in the same arrays), ``value`` (float32, the probability at a leaf),
            each of one entry a node, and ``roots`` (int32), one a tree.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._feature = arrays["feature"]
        self._threshold = arrays["threshold"]
        self._left = arrays["left"]
        self._right = arrays["right"]
        self._value = arrays["value"]
        self._roots = arrays["roots"]

    @classmethod
    def load(cls, path: Path) -> Forest:
        """The forest of a ``.npz`` file; never unpickles."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls({name: arrays[name] for name in arrays.files})

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability for each row of ``features``, shape ``(n, count)``; shape ``(n,)``."""
        places = np.tile(self._roots, (len(features), 1))
        rows = np.arange(len(features))[:, None]
        while True:
            asked = self._feature[places]
            inner = asked >= 0
            if not inner.any():
                break
            values = features[rows, np.maximum(asked, 0)]
            goes_left = values <= self._threshold[places]
            below = np.where(goes_left, self._left[places], self._right[places])
            places = np.where(inner, below, places)
        means: NDArray[np.float64] = self._value[places].mean(axis=1, dtype=np.float64)
        return means
