"""The quality of a ranking against values worked out by hand and by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from multimodal_rec.metrics import ndcg_at

SCORES = np.array([0.1, 0.9, 0.5, 0.7, 0.3], dtype=np.float32)  # ranking 1 3 2 4 0


def brute_force(k: int, scores: np.ndarray, relevant: set[int]) -> float:
    ranking = [item for item in sorted(range(len(scores)), key=lambda item: -scores[item]) if scores[item] > -np.inf]
    gain = sum(1 / math.log2(rank + 1) for rank, item in enumerate(ranking[:k], start=1) if item in relevant)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))


@pytest.mark.parametrize(
    ("k", "relevant", "expected"),
    [
        (5, [1], 1.0),
        (5, [3], 1 / math.log2(3)),
        (5, [0], 1 / math.log2(6)),
        (2, [2], 0.0),
        (5, [1, 3, 2, 4, 0], 1.0),
        (2, [1, 3, 2], 1.0),
        (1, [3, 1], 1.0),
        (5, [3, 2], (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3))),
        (500, [3], 1 / math.log2(3)),
        (5, [3, 3, 3], 1 / math.log2(3)),
        (5, [], 0.0),
    ],
)
def test_values_by_hand(k: int, relevant: list[int], expected: float) -> None:
    assert ndcg_at(k, SCORES, np.array(relevant, dtype=np.int64)) == pytest.approx(expected)


def test_items_left_out_are_passed_over() -> None:
    scores = np.array([-np.inf, 0.2, -np.inf, 0.1], dtype=np.float32)
    assert ndcg_at(4, scores, np.array([3])) == pytest.approx(1 / math.log2(3))
    assert ndcg_at(4, scores, np.array([0])) == 0.0


def test_random_rankings_equal_brute_force() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        scores = random.permutation(30).astype(np.float32)
        scores[random.random(30) < 0.2] = -np.inf
        relevant = random.choice(30, size=random.integers(1, 9), replace=False)
        k = int(random.integers(1, 40))
        assert ndcg_at(k, scores, relevant) == pytest.approx(brute_force(k, scores, set(relevant.tolist())))
