"""Ridge regression (Hoerl and Kennard, 1970): a linear guess that is kept small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TUNED = 0.2
"""The share of the learned news, the latest, by which the strength of the ridge is chosen."""
_STRENGTHS = tuple(10.0**power for power in range(1, 8))


@dataclass(frozen=True, eq=False)
class Ridge:
    """A linear guess from standardised features."""

    centre: Floats
    scale: Floats
    weights: Floats
    mean: float
    strength: float

    def guess(self, features: Floats) -> Floats:
        """The return of each row of `features`."""
        found: Floats = (features - self.centre) / self.scale @ self.weights + self.mean
        return found


def fit_ridge(features: Floats, returns: Floats) -> Ridge:
    """The ridge whose strength does best on the last of the rows, learned from all of them."""
    kept = round((1 - _TUNED) * len(returns))
    errors = {
        strength: float(
            np.mean(
                (_fit(features[:kept], returns[:kept], strength).guess(features[kept:]) - returns[kept:]) ** 2
            )
        )
        for strength in _STRENGTHS
    }
    return _fit(features, returns, min(errors, key=errors.__getitem__))


def _fit(features: Floats, returns: Floats, strength: float) -> Ridge:
    centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows, mean = (features - centre) / scale, float(returns.mean())
    normal = rows.T @ rows + strength * np.eye(rows.shape[1])
    return Ridge(centre, scale, np.linalg.solve(normal, rows.T @ (returns - mean)), mean, strength)
