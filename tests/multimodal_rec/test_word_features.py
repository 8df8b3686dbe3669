"""Words as features, against the weighted counts that they stand for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from multimodal_rec.word_features import WORD_DIM, WordWeights

TEXTS = [f"the film number {number} of Kurosawa" if number % 5 == 0 else f"the series {number}" for number in range(60)]


def test_rare_words_tell_more_and_those_of_every_text_nothing() -> None:
    weights = WordWeights.fit([*TEXTS, "Yojimbo", "Yojimbo again"])
    assert weights.features(["the"]).any() == np.False_
    assert not weights.features(["unheard"]).any()
    assert not weights.features([""]).any()
    mixed, rare, common = weights.features(["Yojimbo Kurosawa", "yojimbo", "KUROSAWA"])
    assert mixed @ rare > mixed @ common > 0


def test_products_are_those_of_weighted_words() -> None:
    weights = WordWeights.fit([*TEXTS, "alpha beta", "beta gamma", "alpha gamma"])
    one, two, other = weights.features(["alpha beta", "beta gamma", "kurosawa"])
    np.testing.assert_allclose([one @ one, two @ two], 1, atol=1e-5)
    assert abs(one @ two - 0.5) < 0.05  # one word of two in common, all as rare
    assert abs(one @ other) < 0.05
    assert len(one) == WORD_DIM


def test_saved_weights_are_the_same(tmp_path: Path) -> None:
    weights = WordWeights.fit(TEXTS)
    weights.save(tmp_path / "words.safetensors")
    np.testing.assert_array_equal(WordWeights.load(tmp_path / "words.safetensors").weights, weights.weights)
