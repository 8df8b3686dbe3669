"""Interactions with a planted answer."""

from __future__ import annotations

import numpy as np

from multimodal_rec.arrays import FloatArray
from multimodal_rec.histories import Histories


def histories(rows: list[list[int]], *, dated: bool = True) -> Histories:
    lengths = [len(row) for row in rows]
    items = np.array([item for row in rows for item in row], np.int64)
    times = np.concatenate([np.arange(n) for n in lengths]).astype(float) if dated else np.full(len(items), np.nan)
    return Histories(
        tuple(f"u{n}" for n in range(len(rows))),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items,
        np.full(len(items), np.nan, np.float32),
        times,
    )


def tribes(users: int, items: int, groups: int, seed: int, events: int = 12) -> list[list[int]]:
    """Each user likes random items of one group: item i belongs to group i % groups, user u to u % groups."""
    random = np.random.default_rng(seed)
    own = [np.arange(group, items, groups) for group in range(groups)]
    return [random.choice(own[user % groups], events, replace=False).tolist() for user in range(users)]


def group_features(items: int, groups: int, seed: int, dim: int = 24, noise: float = 0.3) -> FloatArray:
    """Unit features that tell an item's group, and little else."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(groups, dim))
    rows = centres[np.arange(items) % groups] / np.sqrt(dim) + noise * random.normal(size=(items, dim)) / np.sqrt(dim)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def noise_features(items: int, seed: int, dim: int = 24) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(items, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
