"""Percentile intervals of the bootstrap: a figure over photos drawn anew with replacement, 2,000 times.

Photos are drawn, not pairs: those of one photo are not independent. A difference between two figures is taken within
each draw, so that what makes a photo hard for both cancels out. The draws are the same every time. An interval tells
how far other photos of the same kind may lead elsewhere; of a few photos that all do alike it tells nothing. (Efron and
Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_RESAMPLES = 2000
_AT_ONCE = 100
_BOUNDS = (2.5, 97.5)

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval at 95 % confidence; all are NaN where no photo says anything of it."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        return not np.isnan(self.value)

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Scores:
    """What each photo adds to a figure, which is ``sums`` divided by ``weights``. Both (n,) float64."""

    sums: Values
    weights: Values

    def mean(self) -> float:
        """NaN where no photo has weight."""
        return float(_ratio(self.sums.sum(), self.weights.sum()))


def estimate(scores: Scores) -> Estimate:
    resampled = [_means(scores, drawn) for drawn in _draws(len(scores.sums))]
    return _estimate(scores.mean(), resampled)


def difference(scores: Scores, base: Scores) -> Estimate:
    """``scores`` less ``base``, which are of the same photos in the same order."""
    if len(scores.sums) != len(base.sums):
        raise ValueError(f"{len(scores.sums)} photos cannot be paired with {len(base.sums)}")
    resampled = [_means(scores, drawn) - _means(base, drawn) for drawn in _draws(len(scores.sums))]
    return _estimate(scores.mean() - base.mean(), resampled)


def _draws(count: int) -> Iterator[npt.NDArray[np.int64]]:
    """Photos by number, (resamples, count); none where there are no photos."""
    random = np.random.default_rng(0)
    for _ in range(0, _RESAMPLES if count else 0, _AT_ONCE):
        yield random.integers(count, size=(_AT_ONCE, count))


def _means(scores: Scores, drawn: npt.NDArray[np.int64]) -> Values:
    return _ratio(scores.sums[drawn].sum(axis=1), scores.weights[drawn].sum(axis=1))


def _ratio(sums: Values, weights: Values) -> Values:
    with np.errstate(invalid="ignore"):
        ratio: Values = np.true_divide(sums, weights)
    return ratio


def _estimate(value: float, resampled: list[Values]) -> Estimate:
    known = np.concatenate([*resampled, np.empty(0)])
    known = known[~np.isnan(known)]
    if np.isnan(value) or not len(known):
        return Estimate(np.nan, np.nan, np.nan)
    low, high = np.percentile(known, _BOUNDS)
    return Estimate(value, float(low), float(high))
