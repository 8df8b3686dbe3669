"""The linear models against their dense formulas, and on planted tastes."""

from __future__ import annotations

import numpy as np

from multimodal_rec.factors import co_liked, next_liked, user_rows
from multimodal_rec.histories import ALL_ALIKE, age_weights
from tests.multimodal_rec.planted import histories, tribes


def test_co_liked_equals_ease() -> None:
    rows = tribes(60, 40, 4, seed=1, events=8)
    left, right = co_liked(histories(rows), 40).factors(5.0, seed=0)
    likes = np.zeros((60, 40))
    for user, items in enumerate(rows):
        likes[user, items] = 1
    inverse = np.linalg.inv(likes.T @ likes + 5.0 * np.eye(40))
    expected = np.eye(40) - inverse / np.diag(inverse)
    np.testing.assert_allclose(left @ right.T, expected, atol=1e-4)


def test_items_without_events_take_no_part() -> None:
    left, right = co_liked(histories([[0, 1], [1, 0], [0, 1, 3]]), 5).factors(1.0, seed=0)
    assert not left[[2, 4]].any()
    assert not right[[2, 4]].any()
    assert right[3].any()


def test_next_liked_points_forward() -> None:
    rows = [[start, (start + 1) % 10, (start + 2) % 10] for start in range(10)] * 5
    left, right = next_liked(histories(rows), 10, ahead=1).factors(1.0, seed=0)
    scores = left @ right.T
    np.fill_diagonal(scores, -np.inf)
    np.testing.assert_array_equal(scores.argmax(1), (np.arange(10) + 1) % 10)


def test_an_item_that_comes_twice_counts_twice() -> None:
    left, right = next_liked(histories([[0, 1, 0, 2], [2, 0, 0, 1]]), 3, recency=2.0, ahead=2).factors(0.5, seed=0)
    gram, cross = np.zeros((2, 3, 3))
    for row in ([0, 1, 0, 2], [2, 0, 0, 1]):
        for time in range(3):
            past, future = np.zeros((2, 3))
            for place, item in enumerate(row):
                if place <= time:
                    past[item] += np.exp(-(time - place) / 2.0) + 0.05
                elif place <= time + 2:
                    future[item] += np.exp(-(place - time - 1) / 2.0)
            gram += np.outer(past, past)
            cross += np.outer(past, future / future.sum())
    expected = np.linalg.solve(gram + 0.5 * np.eye(3), cross)
    np.testing.assert_allclose(left @ right.T, expected, atol=1e-4)


def test_user_rows_weigh_the_newest_most() -> None:
    left = np.eye(4, dtype=np.float32)
    rows = user_rows(histories([[2, 0, 3], [1]]).select(np.array([True, True, True, False])), left, 1.0)
    np.testing.assert_allclose(rows, [[*age_weights(3, 1.0)[[1]], 0, *age_weights(3, 1.0)[[0, 2]]], [0] * 4], rtol=1e-6)
    assert rows[0].argmax() == 3
    np.testing.assert_allclose(age_weights(4, ALL_ALIKE), 0.25)


def test_dropout_and_even_users_equal_their_formula() -> None:
    rows = [*tribes(60, 40, 4, seed=1, events=8)[:50], [1, 2, 3, 7], [4, 8]]
    left, right = co_liked(histories(rows), 40, evenness=0.5).factors(5.0, seed=0, dropout=0.25)
    likes = np.zeros((len(rows), 40))
    for user, items in enumerate(rows):
        likes[user, items] = 1
    weights = np.array([len(items) for items in rows]) ** -0.5
    weights *= likes.sum() / (likes.sum(1) * weights).sum()
    gram = likes.T @ (weights[:, None] * likes)
    inverse = np.linalg.inv(gram + np.diag(5.0 + gram.diagonal() / 3))
    expected = np.eye(40) - inverse / np.diag(inverse)
    np.testing.assert_allclose(left @ right.T, expected, atol=1e-4)
