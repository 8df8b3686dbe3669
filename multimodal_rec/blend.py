"""How much each model of taste counts: weights that rank held-out events best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from multimodal_rec.arrays import BoolArray, FloatArray

STEPS = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
ROUNDS = 2
LEAST_GAIN = 5e-4
"""A weight is changed only for a gain that is more than noise."""


class Contest:
    """Lists of u users over n items, scored by several models at once."""

    def __init__(
        self,
        scores: Mapping[str, FloatArray],
        relevant: BoolArray,
        left_out: BoolArray | None,
        k: int,
    ) -> None:
        """Take (u, n) scores of each model, which items are to be found, and which may not be in the lists."""
        self.scores = scores
        self._relevant = relevant
        self._start = np.zeros(relevant.shape, np.float32)
        if left_out is not None:
            self._start[left_out] = -np.inf
        self._k = min(k, relevant.shape[1])
        self._discount = 1 / np.log2(np.arange(2, self._k + 2))
        self._ideal = np.cumsum(self._discount)[np.minimum(relevant.sum(1), self._k) - 1]

    def total(self, weights: Mapping[str, float]) -> FloatArray:
        """(u, n) weighted sum of the scores; -inf for what may not be listed."""
        result = self._start.copy()
        for name, weight in weights.items():
            if weight:
                result += np.float32(weight) * self.scores[name]
        return result

    def ndcg(self, total: FloatArray) -> float:
        """Mean ndcg@k of lists by these (u, n) scores; users without anything to find must not be among them."""
        top = torch.from_numpy(total).topk(self._k)[1].numpy()
        found = np.take_along_axis(self._relevant, top, 1)
        return float((found @ self._discount / self._ideal).mean())


def choose_weights(contests: Sequence[Contest], names: Sequence[str]) -> tuple[dict[str, float], float]:
    """Weights by coordinate ascent from the best single model, and the mean ndcg over the contests that they reach."""
    singles = {name: _mean(contests, [contest.total({name: 1.0}) for contest in contests]) for name in names}
    first = max(singles, key=lambda name: singles[name])
    weights, best = {name: float(name == first) for name in names}, singles[first]
    for _ in range(ROUNDS):
        for name in names:
            rests = [contest.total(weights | {name: 0.0}) for contest in contests]
            for step in STEPS:
                tried = weights | {name: step}
                if step == weights[name] or not any(tried.values()):
                    continue
                totals = [r + np.float32(step) * c.scores[name] for r, c in zip(rests, contests, strict=True)]
                value = _mean(contests, totals)
                if value > best + LEAST_GAIN:
                    weights, best = tried, value
    return weights, best


def _mean(contests: Sequence[Contest], totals: Sequence[FloatArray]) -> float:
    return float(np.mean([contest.ndcg(total) for contest, total in zip(contests, totals, strict=True)]))
