"""The rating that a user would give an item, on the log's own scale.

    rating = mean + bias of the item + bias of the user + item factors · user factors

Items have a bias and factors of their own, drawn to what their content lets expect; what is known of a user is solved
for from the ratings in their history, so users need no table and new ones no training. All are least squares with L2
penalties, solved in turn (Zhou et al. 2008, "Large-scale Parallel Collaborative Filtering for the Netflix Prize"). The
number of factors, 0 for biases alone, and the penalties are those of smallest error on held-out ratings.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from multimodal_rec.alignment import ridge
from multimodal_rec.histories import Histories
from multimodal_rec.progress import Progress, silent

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

LEAST_RATINGS = 20
"""Fewer say nothing."""
VALIDATION_SHARE = 0.1
"""Random share of the ratings that is held out to choose the settings."""
ROUNDS = 12
FACTORS = (8, 16, 32)
PENALTIES = (0.04, 0.06, 0.09)
"""Of user and item factors, for each rating that they have."""
BIAS_PENALTIES = (1.0, 3.0, 8.0)
"""In ratings that equal the mean."""
LEAST_GAIN = 1e-3
"""Factors are kept for an error that is smaller by more than this share."""


class RatingConfig(BaseModel):
    """All of a rating model but its arrays."""

    model_config = ConfigDict(frozen=True)

    mean: float
    """Of all ratings."""
    low: float
    """Lowest rating seen: no prediction is below."""
    high: float
    """Highest rating seen: no prediction is above."""
    factors: int
    """Of each item, 0 for biases alone."""
    penalty: float
    """Of the factors, for each rating."""
    bias_penalty: float
    """Of the biases, in ratings that equal the mean."""
    slope: float = 1.0
    """What a deviation from the mean is multiplied by, so that held-out ratings deviate as much as predicted."""
    rmse: float = float("nan")
    """On held-out ratings."""
    bias_rmse: float = float("nan")
    """That of biases alone."""


@dataclass(frozen=True)
class RatingModel:
    """n items as ratings see them. A row is the item's bias and its factors."""

    config: RatingConfig
    ids: tuple[str, ...]
    rows: FloatArray  # (n, 1 + f)
    rated: npt.NDArray[np.bool_]  # (n,) whether any rating taught the row; else it is what content lets expect
    content: dict[str, FloatArray]  # modality to (d, 1 + f)

    def __contains__(self, item_id: object) -> bool:
        """Whether there is an item of this id."""
        return item_id in self._row_of

    def predict(self, history: Iterable[tuple[str, float | None]], items: Sequence[str]) -> FloatArray:
        """(m,) ratings of these items by a user with this history of item ids and ratings.

        Raises:
            KeyError: an item is not in the model; those of the history are passed over.
        """
        known = {i: float(r) for i, r in history if r is not None and np.isfinite(r) and i in self._row_of}
        rows = self.rows[[self._row_of[item_id] for item_id in known]]
        user = _solve_user(rows, np.fromiter(known.values(), np.float32, len(known)), self.config)
        wanted = self.rows[[self._row_of[item_id] for item_id in items]]
        deviations = wanted[:, 0] + user[0] + wanted[:, 1:] @ user[1:]
        result = self.config.mean + self.config.slope * deviations
        return np.clip(result, self.config.low, self.config.high).astype(np.float32)

    def of_catalogue(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> RatingModel:
        """The same for another catalogue: known items keep their rows, new ones get what their content lets expect.

        Args:
            ids: of the n items.
            features: for each modality float32 (n, d_m), zero where an item lacks it.
        """
        rows = np.zeros((len(ids), self.rows.shape[1]), np.float32)
        for name, weights in self.content.items():
            if name in features:
                rows += features[name] @ weights
        places = np.array([self._row_of.get(item_id, -1) for item_id in ids], np.int64)
        rated = (places >= 0) & self.rated[places]
        rows[rated] = self.rows[places[rated]]
        return replace(self, ids=tuple(ids), rows=rows, rated=rated)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.ids)}


@dataclass(frozen=True)
class _Ratings:
    """R ratings, the newest of each user and item."""

    users: IntArray
    items: IntArray
    values: FloatArray

    @classmethod
    def of(cls, histories: Histories) -> _Ratings:
        rated = np.flatnonzero(~np.isnan(histories.ratings))
        users, items = histories.owners[rated], histories.items[rated]
        newest = {(u, i): place for place, u, i in zip(rated.tolist(), users.tolist(), items.tolist(), strict=True)}
        places = np.fromiter(newest.values(), np.int64, len(newest))
        return cls(histories.owners[places], histories.items[places], histories.ratings[places])

    def where(self, mask: npt.NDArray[np.bool_]) -> _Ratings:
        return _Ratings(self.users[mask], self.items[mask], self.values[mask])


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
    hidden = np.random.default_rng(seed).random(len(ratings.values)) < VALIDATION_SHARE
    if not hidden.any() or hidden.all():
        hidden[::10] = True
        hidden[1::10] = False
    shown, found = ratings.where(~hidden), ratings.where(hidden)
    fitter = _Fitter(features, len(ids), len(histories), seed)
    # coordinate-wise: the penalty of biases, then that of some factors, then their number
    settings = [_settings(shown, 0, 0.0, bias) for bias in BIAS_PENALTIES]
    tried = [(fitter.error(shown, found, setting), setting) for setting in settings]
    bias_rmse, biased = min(tried, key=lambda one: one[0])
    best_error, best = bias_rmse * (1 - LEAST_GAIN), biased
    steps = len(PENALTIES) + len(FACTORS) - 1
    for number in range(steps):
        if number < len(PENALTIES):
            changed = {"factors": FACTORS[1], "penalty": PENALTIES[number]}
        elif best.factors:
            changed = {"factors": [f for f in FACTORS if f != FACTORS[1]][number - len(PENALTIES)]}
        else:
            continue
        setting = best.model_copy(update=changed)
        error = fitter.error(shown, found, setting)
        logger.info("%d factors, penalty %g: validation rmse %.4f", setting.factors, setting.penalty, error)
        if error < best_error:
            best_error, best = error, setting
        progress("learning ratings", number + 1, steps)
    model = fitter.fit(shown, best, ids)
    best = fitter.calibrated(model, shown, found).model_copy(update={"bias_rmse": round(bias_rmse, 4)})
    final = _settings(ratings, best.factors, best.penalty, best.bias_penalty)
    kept = {"slope": best.slope, "rmse": best.rmse, "bias_rmse": best.bias_rmse}
    return fitter.fit(ratings, final.model_copy(update=kept), ids)


def _settings(ratings: _Ratings, factors: int, penalty: float, bias_penalty: float) -> RatingConfig:
    return RatingConfig(
        mean=float(ratings.values.mean()),
        low=float(ratings.values.min()),
        high=float(ratings.values.max()),
        factors=factors,
        penalty=penalty,
        bias_penalty=bias_penalty,
    )


@dataclass(frozen=True)
class _Fitter:
    """The catalogue and its users, and how to fit to ratings of them."""

    features: Mapping[str, FloatArray]
    count: int
    users: int
    seed: int

    def fit(self, ratings: _Ratings, config: RatingConfig, ids: Sequence[str]) -> RatingModel:
        """Solve for items and users in turn; what content lets expect is fitted halfway and at the end."""
        random = np.random.default_rng(self.seed)
        rows = np.zeros((self.count, 1 + config.factors), np.float32)
        rows[:, 1:] = random.normal(0, 0.1, (self.count, config.factors))
        expected = np.zeros_like(rows)
        by_user, by_item = _groups(ratings.users, self.users), _groups(ratings.items, self.count)
        rated = np.bincount(ratings.items, minlength=self.count) > 0
        content: dict[str, FloatArray] = {}
        users = np.zeros((self.users, 1 + config.factors), np.float32)
        for number in range(ROUNDS):
            for user, own in enumerate(by_user):
                users[user] = _solve_user(rows[ratings.items[own]], ratings.values[own], config)
            for item, own in enumerate(by_item):
                if len(own):
                    rows[item] = _solve_item(users[ratings.users[own]], ratings.values[own], expected[item], config)
            if number in (ROUNDS // 2, ROUNDS - 1) and self.features and config.factors + 1:
                content, expected = self._expected(rows, rated)
        rows[~rated] = expected[~rated]
        return RatingModel(config, tuple(ids), rows, rated, content)

    def error(self, shown: _Ratings, found: _Ratings, config: RatingConfig) -> float:
        """Root mean square error on the ratings found, of what is fitted to those shown."""
        model = self.fit(shown, config, [str(item) for item in range(self.count)])
        return float(np.sqrt(np.mean(np.square(self._predictions(model, shown, found) - found.values))))

    def calibrated(self, model: RatingModel, shown: _Ratings, found: _Ratings) -> RatingConfig:
        """The model's settings with the slope that suits the ratings found, and the error that is left."""
        predicted = self._predictions(model, shown, found) - model.config.mean
        wanted = found.values - model.config.mean
        power = float(predicted @ predicted)
        slope = float(np.clip(predicted @ wanted / power, 0.5, 1.5)) if power else 1.0
        result = np.clip(model.config.mean + slope * predicted, model.config.low, model.config.high)
        rmse = float(np.sqrt(np.mean(np.square(result - found.values))))
        return model.config.model_copy(update={"slope": round(slope, 4), "rmse": round(rmse, 4)})

    def _predictions(self, model: RatingModel, shown: _Ratings, found: _Ratings) -> FloatArray:
        result = np.zeros(len(found.values), np.float32)
        known, wanted = _groups(shown.users, self.users), _groups(found.users, self.users)
        for own, asked in zip(known, wanted, strict=True):
            if len(asked):
                user = _solve_user(model.rows[shown.items[own]], shown.values[own], model.config)
                rows = model.rows[found.items[asked]]
                result[asked] = model.config.mean + rows[:, 0] + user[0] + rows[:, 1:] @ user[1:]
        return np.clip(result, model.config.low, model.config.high)

    def _expected(self, rows: FloatArray, rated: npt.NDArray[np.bool_]) -> tuple[dict[str, FloatArray], FloatArray]:
        names = sorted(self.features)
        stacked = np.hstack([self.features[name] for name in names])
        weights = ridge(stacked[rated], rows[rated])
        if not len(weights):
            return {}, np.zeros_like(rows)
        bounds = np.cumsum([self.features[name].shape[1] for name in names])[:-1]
        parts = [np.ascontiguousarray(part, np.float32) for part in np.split(weights, bounds)]
        return dict(zip(names, parts, strict=True)), np.asarray(stacked @ weights, np.float32)


def _solve_user(rows: FloatArray, values: FloatArray, config: RatingConfig) -> FloatArray:
    """(1 + f,) bias and factors of a user with these (L, 1 + f) items and (L,) ratings."""
    inputs = np.hstack([np.ones((len(rows), 1), np.float32), rows[:, 1:]])
    return _solve(inputs, values - config.mean - rows[:, 0], np.zeros(inputs.shape[1], np.float32), config)


def _solve_item(users: FloatArray, values: FloatArray, expected: FloatArray, config: RatingConfig) -> FloatArray:
    """(1 + f,) bias and factors of an item rated so by (L, 1 + f) users, drawn to what is expected."""
    inputs = np.hstack([np.ones((len(users), 1), np.float32), users[:, 1:]])
    return _solve(inputs, values - config.mean - users[:, 0], expected, config)


def _solve(inputs: FloatArray, outputs: FloatArray, expected: FloatArray, config: RatingConfig) -> FloatArray:
    if not len(inputs):
        return expected
    penalty = np.full(inputs.shape[1], config.penalty * (len(inputs) + config.bias_penalty), np.float32)
    penalty[0] = config.bias_penalty
    gram = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += penalty
    right = inputs.T @ outputs + penalty * expected
    return np.asarray(np.linalg.solve(gram, right), np.float32)


def _groups(owners: IntArray, count: int) -> list[IntArray]:
    """The places of each owner's entries."""
    order = np.argsort(owners, kind="stable")
    return np.split(order, np.cumsum(np.bincount(owners, minlength=count))[:-1])
