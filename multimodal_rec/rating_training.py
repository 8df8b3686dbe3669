"""How a rating model is fitted: users and items are solved for in turn, settings are chosen on held-out ratings."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.foretell import MOST_ITEMS, ContentMap, Scales, fit_map
from multimodal_rec.histories import Histories
from multimodal_rec.progress import Progress, silent
from multimodal_rec.ratings import RatingConfig, RatingModel, solve
from multimodal_rec.threads import one_thread

logger = logging.getLogger(__name__)

LEAST_RATINGS = 20
"""Fewer say nothing."""
MOST_RATINGS = 1_000_000
"""The newest that are fitted to."""
MOST_TRIED = 100_000
"""Random ones that the settings are chosen on."""
VALIDATION_SHARE = 0.1
"""Random share of these that is held out."""
FACTORS = 16
PENALTIES = (0.06, 0.09)
"""Of factors that are tried beside biases alone."""
ROUNDS = 12
CONTENT_ROUND = 8
"""Before which what content lets expect is learned from the rows so far."""
CONTENT_PENALTY = 2.0
"""Of the map from content, in units of an item's mean product with itself."""
LEAST_GAIN = 1e-3
"""Factors are kept for an error that is smaller by more than this share."""


@dataclass(frozen=True)
class _Ratings:
    """R ratings."""

    users: IntArray
    items: IntArray
    values: FloatArray

    @classmethod
    def of(cls, histories: Histories) -> _Ratings:
        """The newest of each user and item."""
        rated = np.flatnonzero(~np.isnan(histories.ratings))[::-1]
        keys = histories.owners[rated] * (int(histories.items.max(initial=0)) + 1) + histories.items[rated]
        places = np.sort(rated[np.unique(keys, return_index=True)[1]])
        if len(places) > MOST_RATINGS:
            times = np.nan_to_num(histories.timestamps[places], nan=-np.inf)
            places = np.sort(places[np.argsort(times, kind="stable")[-MOST_RATINGS:]])
        return cls(histories.owners[places], histories.items[places], histories.ratings[places])

    def where(self, chosen: BoolArray | IntArray) -> _Ratings:
        return _Ratings(self.users[chosen], self.items[chosen], self.values[chosen])


@one_thread
def fit_ratings(
    histories: Histories,
    features: Mapping[str, FloatArray],
    *,
    ids: Sequence[str],
    seed: int = 0,
    progress: Progress = silent,
) -> RatingModel | None:
    """Choose the settings on held-out ratings, then fit to all; None where there are too few, or all are the same.

    Args:
        histories: all users' events.
        features: for each modality float32 (n, d_m), rows of zeros where an item lacks it.
        ids: of the n items of the catalogue.
        seed: of what is held out, and of the factors' start.
        progress: called with the stage, the steps done and the steps in all.
    """
    ratings = _Ratings.of(histories)
    if len(ratings.values) < LEAST_RATINGS or ratings.values.min() == ratings.values.max():
        return None
    mixed = np.random.default_rng(seed).permutation(len(ratings.values))[:MOST_TRIED]
    hidden = int(np.ceil(VALIDATION_SHARE * len(mixed)))
    shown, found = ratings.where(mixed[hidden:]), ratings.where(mixed[:hidden])
    fitter = _Fitter(features, tuple(ids), len(histories), seed)
    low, high = float(ratings.values.min()), float(ratings.values.max())
    biases = RatingConfig(mean=float(shown.values.mean()), low=low, high=high)
    settings = [biases, *(biases.model_copy(update={"factors": FACTORS, "penalty": each}) for each in PENALTIES)]
    errors: list[float] = []
    chosen, least = biases, np.inf
    for number, setting in enumerate(settings, start=1):
        calibrated = fitter.calibrated(setting, shown, found)
        errors.append(calibrated.rmse or 0.0)
        logger.info("ratings: %d factors, penalty %g: rmse %.4f", setting.factors, setting.penalty, errors[-1])
        if errors[-1] < least * (1 - LEAST_GAIN):
            chosen, least = calibrated, errors[-1]
        progress("learning ratings", number, len(settings) + 1)
    final = {"mean": float(ratings.values.mean()), "bias_rmse": round(errors[0], 4), "rmse": round(least, 4)}
    result = fitter.fit(ratings, chosen.model_copy(update=final))
    progress("learning ratings", len(settings) + 1, len(settings) + 1)
    return result


@dataclass(frozen=True)
class _Fitter:
    """The catalogue and the number of its users, and how to fit to ratings of them."""

    features: Mapping[str, FloatArray]
    ids: tuple[str, ...]
    users: int
    seed: int

    def fit(self, ratings: _Ratings, config: RatingConfig) -> RatingModel:
        """Solve for users and items in turn; on the way learn what content lets expect of an item."""
        width = 1 + config.factors
        rows = np.zeros((len(self.ids), width), np.float32)
        rows[:, 1:] = np.random.default_rng(self.seed).normal(0, 0.1, (len(self.ids), config.factors))
        expected = np.zeros_like(rows)
        content = ContentMap.constant(np.zeros(width, np.float32))
        order, bounds = _grouped(ratings.items, len(self.ids))
        by_item = ratings.where(order)
        rated = np.diff(bounds) > 0
        raters = np.unique(ratings.users)
        for number in range(ROUNDS):
            if number == CONTENT_ROUND and self.features:
                content, expected = self._expected(rows, np.diff(bounds))
            users = self.solve_users(rows, ratings, config)
            users -= users[raters].mean(0)  # what all share is the items' bias: a user of no ratings has none of it
            rows = solve(users[by_item.users], by_item.values, bounds, expected, config)
        rows[~rated] = content.of(self.features, np.flatnonzero(~rated))
        return RatingModel(config, self.ids, rows, rated, content)

    def solve_users(self, rows: FloatArray, ratings: _Ratings, config: RatingConfig) -> FloatArray:
        """(U, 1 + f) bias and factors of all users, given those of the items."""
        order, bounds = _grouped(ratings.users, self.users)
        own = ratings.where(order)
        nothing = np.zeros((self.users, rows.shape[1]), np.float32)
        return solve(rows[own.items], own.values, bounds, nothing, config)

    def calibrated(self, config: RatingConfig, shown: _Ratings, found: _Ratings) -> RatingConfig:
        """Fit to the ratings shown; the settings with the slope that suits those found, and the error that is left."""
        rows = self.fit(shown, config).rows
        users = self.solve_users(rows, shown, config)[found.users]
        wanted = rows[found.items]
        deviations = wanted[:, 0] + users[:, 0] + np.einsum("rf,rf->r", wanted[:, 1:], users[:, 1:])
        power = float(deviations @ deviations)
        slope = float(deviations @ (found.values - config.mean)) / power if power else 1.0
        config = config.model_copy(update={"slope": round(float(np.clip(slope, 0.5, 1.2)), 4)})
        error = np.sqrt(np.mean(np.square(config.rating(deviations) - found.values)))
        return config.model_copy(update={"rmse": float(error)})

    def _expected(self, rows: FloatArray, counts: IntArray) -> tuple[ContentMap, FloatArray]:
        """The map from content to rows, and what it expects of each item had it not seen that one."""
        known = np.sort(np.argsort(-counts, kind="stable")[:MOST_ITEMS])
        known = known[counts[known] > 0]
        scales = Scales(dict.fromkeys(self.features, 1.0), CONTENT_PENALTY)
        content, left_out = fit_map(self.features, known, rows[known], scales)
        expected = np.empty((len(self.ids), rows.shape[1]), np.float32)
        expected[known] = left_out
        others = np.setdiff1d(np.arange(len(self.ids)), known)
        expected[others] = content.of(self.features, others)
        return content, expected


def _grouped(owners: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """The order that puts each owner's entries together, and the (count + 1,) bounds between owners."""
    order = np.argsort(owners, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))])
