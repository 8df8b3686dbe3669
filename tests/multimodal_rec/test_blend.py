"""Weights by validation, and the ranking measure behind them."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.blend import Contest, choose_weights
from multimodal_rec.metrics import ndcg_at


def contest(seed: int, users: int = 80, items: int = 60) -> Contest:
    random = np.random.default_rng(seed)
    truth = random.normal(size=(users, items))
    relevant = np.zeros((users, items), bool)
    np.put_along_axis(relevant, np.argsort(-truth, axis=1)[:, :5], True, 1)
    scores = {
        "half": truth + random.normal(size=truth.shape),
        "other half": truth + random.normal(size=truth.shape),
        "noise": random.normal(size=truth.shape),
    }
    return Contest({name: x.astype(np.float32) for name, x in scores.items()}, relevant, None, 10)


def test_ndcg_equals_the_one_of_single_lists() -> None:
    random = np.random.default_rng(3)
    scores = random.normal(size=(30, 50)).astype(np.float32)
    relevant = random.random((30, 50)) < 0.1
    relevant[:, 0] = True
    seen = (random.random((30, 50)) < 0.3) & ~relevant
    one = Contest({"own": scores}, relevant, seen, 10)
    found = one.ndcg(one.total({"own": 1.0}))
    expected = [
        ndcg_at(10, np.where(seen[row], -np.inf, scores[row]).astype(np.float32), np.flatnonzero(relevant[row]))
        for row in range(30)
    ]
    assert found == pytest.approx(np.mean(expected), abs=1e-9)


def test_two_halves_beat_either_and_noise_gets_nothing() -> None:
    contests = [contest(1), contest(2)]
    weights, best = choose_weights(contests, ["half", "other half", "noise"])
    alone = max(np.mean([c.ndcg(c.scores[name]) for c in contests]) for name in ("half", "other half"))
    assert best > alone + 0.02
    assert weights["half"] > 0
    assert weights["other half"] > 0
    assert weights["noise"] <= 0.1
