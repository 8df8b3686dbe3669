"""Predicted ratings: planted biases, factors and content are found, and a new user is served by their history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from multimodal_rec.histories import Histories
from multimodal_rec.rating_training import fit_ratings
from multimodal_rec.ratings import RatingConfig, RatingModel, load_ratings, solve
from tests.multimodal_rec.planted import histories

USERS, ITEMS, NOISE = 150, 60, 0.25


class Planted:
    """Ratings made of an item's bias, a user's bias, two factors and noise; the features tell an item's part."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        factors = random.normal(size=(ITEMS, 2))
        bias = random.normal(0, 0.5, ITEMS)
        tastes = random.normal(0, 0.6, (USERS, 2))
        self.truth = 3.5 + bias + random.normal(0, 0.5, (USERS, 1)) + tastes @ factors.T  # (USERS, ITEMS)
        self.noisy = (self.truth + random.normal(0, NOISE, self.truth.shape)).astype(np.float32)
        self.shown = random.random(self.truth.shape) < 0.6
        self.shown[:, 0] = False  # nobody has rated item 0
        mixed = np.hstack([bias[:, None], factors]) @ random.normal(size=(3, 8))
        self.features = {"text": mixed.astype(np.float32)}
        self.ids = [f"i{n}" for n in range(ITEMS)]

    def histories(self, users: int = USERS) -> Histories:
        rows = [np.flatnonzero(self.shown[user]).tolist() for user in range(users)]
        log = histories(rows)
        return replace(log, ratings=self.noisy[log.owners, log.items])

    def history(self, user: int) -> list[tuple[str, float | None]]:
        return [(self.ids[item], float(self.noisy[user, item])) for item in np.flatnonzero(self.shown[user])]


def rmse(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(one - other))))


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted()


@pytest.fixture(scope="module")
def model(planted: Planted) -> RatingModel:
    """Trained on all users but the last 30."""
    result = fit_ratings(planted.histories(USERS - 30), planted.features, ids=planted.ids)
    assert result is not None
    return result


def errors(model: RatingModel, planted: Planted, users: range) -> float:
    """Error on the ratings that were not shown."""
    found, wanted = [], []
    for user in users:
        asked = [item for item in np.flatnonzero(~planted.shown[user]) if item]
        found.append(model.predict(planted.history(user), [planted.ids[item] for item in asked]))
        wanted.append(planted.noisy[user, asked])
    return rmse(np.concatenate(found), np.concatenate(wanted))


def test_factors_come_near_the_noise_where_biases_do_not(model: RatingModel, planted: Planted) -> None:
    error = errors(model, planted, range(USERS - 30))
    assert error < 1.8 * NOISE
    assert model.config.factors
    assert model.config.bias_rmse is not None
    assert model.config.rmse is not None
    assert error < 0.6 * model.config.bias_rmse
    assert model.config.rmse == pytest.approx(error, rel=0.25)


def test_users_of_no_training_are_known_by_their_history(model: RatingModel, planted: Planted) -> None:
    assert errors(model, planted, range(USERS - 30, USERS)) < 2 * NOISE


def test_an_unrated_item_is_expected_by_its_content(model: RatingModel, planted: Planted) -> None:
    new = [model.predict(planted.history(user), ["i0"])[0] for user in range(USERS)]
    assert not model.rated[0]
    assert np.corrcoef(new, planted.truth[:, 0])[0, 1] > 0.6
    renamed = model.of_catalogue(["new", "i5"], {"text": planted.features["text"][[0, 5]]})
    np.testing.assert_allclose(renamed.rows, model.rows[[0, 5]], rtol=1e-4, atol=1e-5)
    assert renamed.rated.tolist() == [False, True]


def test_predictions_stay_inside_the_scale_that_was_seen(model: RatingModel, planted: Planted) -> None:
    free = model.predict(planted.history(3), planted.ids)
    assert free.min() < 3
    assert free.max() > 4
    clipped = replace(model, config=model.config.model_copy(update={"low": 3.0, "high": 4.0}))
    np.testing.assert_array_equal(clipped.predict(planted.history(3), planted.ids), np.clip(free, 3, 4))


def test_of_several_ratings_the_newest_counts_and_missing_ones_do_not(model: RatingModel) -> None:
    plain = model.predict([("i3", 5.0)], ["i1"])
    np.testing.assert_array_equal(model.predict([("i3", 1.0), ("i4", None), ("gone", 2.0), ("i3", 5.0)], ["i1"]), plain)
    with pytest.raises(KeyError, match="gone"):
        model.predict([], ["gone"])


def test_what_is_saved_predicts_the_same(model: RatingModel, planted: Planted, tmp_path: Path) -> None:
    assert load_ratings(tmp_path) is None
    model.save(tmp_path)
    loaded = load_ratings(tmp_path)
    assert loaded is not None
    assert loaded.config == model.config
    np.testing.assert_array_equal(
        loaded.predict(planted.history(7), model.ids), model.predict(planted.history(7), model.ids)
    )
    other = loaded.of_catalogue(["new"], {"text": planted.features["text"][:1]})
    np.testing.assert_array_equal(other.rows, model.of_catalogue(["new"], {"text": planted.features["text"][:1]}).rows)


def test_the_same_seed_gives_the_same_model(model: RatingModel, planted: Planted) -> None:
    again = fit_ratings(planted.histories(USERS - 30), planted.features, ids=planted.ids)
    assert again is not None
    np.testing.assert_array_equal(again.rows, model.rows)


def test_too_few_ratings_or_all_alike_teach_nothing(planted: Planted) -> None:
    log = planted.histories(5)
    nothing = np.full(len(log.items), np.nan, np.float32)
    assert fit_ratings(replace(log, ratings=nothing), {}, ids=planted.ids) is None
    assert fit_ratings(replace(log, ratings=np.full_like(nothing, 4)), {}, ids=planted.ids) is None
    few = nothing.copy()
    few[:19] = log.ratings[:19]
    assert fit_ratings(replace(log, ratings=few), {}, ids=planted.ids) is None
    few[19] = log.ratings[19]
    assert fit_ratings(replace(log, ratings=few), {}, ids=planted.ids) is not None


def test_equations_are_those_of_least_squares() -> None:
    """Each owner's solution is that of a regression with a row for every penalty."""
    random = np.random.default_rng(1)
    config = RatingConfig(mean=3, low=1, high=5, factors=2, penalty=0.1, bias_penalty=2)
    others, values = random.normal(size=(7, 3)).astype(np.float32), random.uniform(1, 5, 7).astype(np.float32)
    expected = random.normal(size=(3, 3)).astype(np.float32)
    found = solve(others, values, np.array([0, 5, 5, 7]), expected, config)
    for owner, (start, stop) in enumerate([(0, 5), (5, 5), (5, 7)]):
        inputs = np.hstack([np.ones((stop - start, 1)), others[start:stop, 1:]])
        roots = np.sqrt(np.array([2, *[0.1 * (stop - start + 2)] * 2]))
        left = np.vstack([inputs, np.diag(roots)])
        right = np.concatenate([values[start:stop] - 3 - others[start:stop, 0], roots * expected[owner]])
        np.testing.assert_allclose(found[owner], np.linalg.lstsq(left, right)[0], rtol=1e-3, atol=1e-4)
