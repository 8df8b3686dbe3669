"""The loss of the fusion network over a sample of a large catalogue, against the one over all of it."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal_rec.fusion import FusionConfig
from multimodal_rec.fusion_training import FusionRun, FusionTraining
from tests.multimodal_rec.planted import histories, tribes

ITEMS = 40


def losses(sampled_above: int, negatives: int) -> list[float]:
    shape = FusionConfig(dim=16, dropout=0.0, items=ITEMS, features={"text": 8})
    config = FusionTraining(
        epochs=3, min_steps=1, batch=16, unknown=0.0, ahead=1, sampled_above=sampled_above, negatives=negatives
    )
    features = {"text": np.random.default_rng(0).normal(size=(ITEMS, 8)).astype(np.float32)}
    run = FusionRun(histories(tribes(60, ITEMS, 4, seed=1, events=8)), features, shape, config, 0)
    run.fit("learning", lambda *_: None)
    return run.losses


def test_a_sample_of_all_items_has_the_loss_of_all_items() -> None:
    full, sampled = losses(ITEMS, 1), losses(ITEMS - 1, ITEMS)
    assert sampled[0] == pytest.approx(full[0], rel=1e-3)


def test_a_sample_tells_about_the_loss_of_all_items() -> None:
    full, sampled = losses(ITEMS, 1), losses(ITEMS - 1, 20)
    assert sampled[0] == pytest.approx(full[0], rel=0.1)
    assert sampled[-1] < sampled[0]
