"""Intervals that cover what they say, and tests that find a difference where there is one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from multimodal_rec.evaluation.significance import bootstrap, compare, holm


def users(count: int) -> list[str]:
    return [f"u{n}" for n in range(count)]


def test_intervals_cover_the_true_mean_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        interval = bootstrap(users(80), random.exponential(2.0, 80), seed=trial)
        covered += interval.low <= 2.0 <= interval.high
    assert 0.88 <= covered / 200 <= 0.98


def test_the_values_of_one_user_count_as_one() -> None:
    """Repeating each user's value makes nothing surer."""
    values = np.random.default_rng(1).normal(size=50)
    once = bootstrap(users(50), values)
    thrice = bootstrap(users(50) * 3, np.tile(values, 3))
    assert (thrice.mean, thrice.low, thrice.high) == pytest.approx((once.mean, once.low, once.high))


def test_missing_values_do_not_count() -> None:
    assert bootstrap(["a", "b", "c"], np.array([1.0, np.nan, 1.0])).mean == 1.0
    assert np.isnan(bootstrap(["a"], np.array([np.nan])).mean)


def test_p_equals_that_of_all_sign_flips() -> None:
    differences = np.random.default_rng(2).normal(0.4, 1.0, 12)
    flips = np.array(list(itertools.product((-1, 1), repeat=12))) @ differences
    exact = (np.abs(flips) >= abs(differences.sum()) - 1e-12).mean()
    lead = compare(users(12), differences, np.zeros(12))
    assert lead.p == pytest.approx(exact, abs=0.015)
    assert lead.mean == pytest.approx(differences.mean())


def test_equal_models_are_not_told_apart_and_unequal_ones_are() -> None:
    values = np.random.default_rng(3).random(300)
    assert compare(users(300), values, values).p == 1.0
    lead = compare(users(300), values + 0.05, values + np.random.default_rng(4).normal(0, 0.1, 300))
    assert lead.p < 0.001
    assert 0 < lead.low < 0.05 < lead.high


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
