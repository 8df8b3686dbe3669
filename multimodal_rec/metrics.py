"""How good a ranking is, against the items that a user turned to later."""

from __future__ import annotations

import numpy as np

from multimodal_rec.arrays import FloatArray, IntArray


def ndcg_at(k: int, scores: FloatArray, relevant: IntArray) -> float:
    """Normalised discounted cumulative gain of the k best-scored items, binary relevance.

    Args:
        k: length of the list.
        scores: (n,) of all items; -inf leaves an item out.
        relevant: positions of the relevant items, repetitions counted once.
    """
    top = np.argpartition(-scores, min(k, len(scores)) - 1)[:k]
    top = top[np.argsort(-scores[top], kind="stable")]
    top = top[np.isfinite(scores[top])]
    wanted = np.unique(relevant)
    gains = np.isin(top, wanted) / np.log2(np.arange(2, len(top) + 2))
    ideal = (1 / np.log2(np.arange(2, min(k, len(wanted)) + 2))).sum()
    return float(gains.sum() / ideal) if ideal else 0.0
