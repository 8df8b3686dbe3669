"""How sure a mean is, and how sure one model's lead over another: by resampling users.

A user may be measured several times, once a seed; all of their values move together, since they are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

RESAMPLES = 2000
"""Of users, with replacement."""
FLIPS = 9999
"""Random signs of the differences."""
CHUNK = 2_000_000
"""Random numbers in memory at once."""


@dataclass(frozen=True)
class Interval:
    """A mean over users with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Lead:
    """The mean of paired differences with its 95 % interval, and how probable such a one is by chance."""

    mean: float
    low: float
    high: float
    p: float


def bootstrap(users: Sequence[str], values: Values, seed: int = 0) -> Interval:
    """The percentile bootstrap (Efron 1979) of a mean; values that are NaN do not count.

    Args:
        users: whose value each is; one user may have several.
        values: (m,).
        seed: of the resampling.
    """
    sums, counts = _by_user(users, values)
    if not len(sums):
        return Interval(*[float("nan")] * 3)
    random = np.random.default_rng(seed)
    means = []
    for rows in _chunks(RESAMPLES, len(sums)):
        drawn = random.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=rows)  # (rows, U)
        means.append(drawn @ sums / (drawn @ counts))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))


def compare(users: Sequence[str], ours: Values, theirs: Values, seed: int = 0) -> Lead:
    """The lead of one model over another on the same users: its interval, and p of a two-sided sign-flip test.

    The test is Fisher's randomisation test, as Smucker et al. 2007 recommend for retrieval. Arguments as in `bootstrap`,
    with `ours[i]` and `theirs[i]` of the same user and seed.
    """
    interval = bootstrap(users, ours - theirs, seed)
    sums, _ = _by_user(users, ours - theirs)
    if not len(sums):
        return Lead(interval.mean, interval.low, interval.high, 1.0)
    random = np.random.default_rng(seed + 1)
    observed = abs(sums.sum()) - 1e-12
    as_far = 0
    for rows in _chunks(FLIPS, len(sums)):
        signs = random.integers(0, 2, (rows, len(sums)), dtype=np.int8) * 2 - 1
        as_far += int((np.abs(signs @ sums) >= observed).sum())
    return Lead(interval.mean, interval.low, interval.high, (as_far + 1) / (FLIPS + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p of several tests, adjusted so that all of them together keep their level (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for place, test in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[test]))
        adjusted[test] = highest
    return [float(p) for p in adjusted]


def _by_user(users: Sequence[str], values: Values) -> tuple[Values, Values]:
    """(U,) sum and count of each user's values."""
    there = ~np.isnan(values)
    _, owners = np.unique(np.array(users, dtype=str)[there], return_inverse=True)
    sums = np.bincount(owners, weights=values[there]).astype(np.float64)
    return sums, np.bincount(owners).astype(np.float64)


def _chunks(rows: int, columns: int) -> Iterator[int]:
    step = max(1, CHUNK // max(1, columns))
    for start in range(0, rows, step):
        yield min(step, rows - start)
