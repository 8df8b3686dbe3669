"""Why an item is recommended: which part of its score comes from where, and which items of the history it is near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal_rec.alignment import unit
from multimodal_rec.arrays import FloatArray
from multimodal_rec.space import Space

MOST_NEAREST = 3
"""Items of a history that are named."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """What speaks for an item."""

    contributions: dict[str, float]
    """Parts of the score, which is their sum: learned taste, popularity, what it is about, how it looks."""
    nearest: list[tuple[str, float]]
    """Items of the history and their likeness (mean cosine of tastes and contents), the most alike first."""


def contributions(space: Space, user: FloatArray, item: FloatArray) -> dict[str, float]:
    """The inner product of two (dim,) vectors, block by block; the last place of a preference is the popularity."""
    products = user * item
    taste, semantic, visual = (products[space.blocks[name]] for name in ("preference", "semantic", "visual"))
    parts = {
        "taste": taste[:-1].sum(),
        "popularity": taste[-1:].sum(),
        "subject": semantic.sum(),
        "looks": visual.sum(),
    }
    return {name: float(part) for name, part in parts.items()}


def nearest(space: Space, ids: list[str], history: FloatArray, item: FloatArray) -> list[tuple[str, float]]:
    """Which of the (n, dim) items of a history are most like a (dim,) item, as the models of taste and contents see it."""
    if not ids:
        return []
    rows = np.vstack([item[None], history])
    blocks = [slice(0, max(0, space.preference - 2)), slice(space.preference, space.dim)]
    views = [unit(rows[:, block]) for block in blocks if block.stop > block.start]
    likeness = np.mean([view[1:] @ view[0] for view in views], axis=0)
    best = np.argsort(-likeness, kind="stable")[:MOST_NEAREST]
    return [(ids[place], float(likeness[place])) for place in best]
