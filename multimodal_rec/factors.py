"""Linear models of taste: what was liked lately points to what is liked next.

Each is a matrix from items of a history to items, in closed form, kept as two thin factors: a user is the weighted sum
of the left factors of their history, and a score its inner product with an item's right factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from multimodal_rec.arrays import FloatArray, IntArray
from multimodal_rec.histories import FLOOR, Histories, age_weights

RANK = 256
"""Dimensions of the factors, where nothing else is asked for."""
MOST_ITEMS = 6_000
"""Items that take part, the ones with most events first: the matrix is dense."""
MOST_EVENTS = 500
"""Newest events of a user that take part."""
ITERATIONS = 6
"""Of the decomposition; more change no list."""
SPARE = 32
"""Directions that it carries beyond those that are kept."""


@dataclass(frozen=True)
class Factors:
    """n items as histories see them (left) and as lists see them (right), and the decay of events in places."""

    left: FloatArray  # (n, r)
    right: FloatArray  # (n, r)
    recency: float


@dataclass(frozen=True)
class Regression:
    """A ridge regression among the c items that take part, ready to be solved with any penalty."""

    chosen: IntArray  # (c,) places of the items
    gram: npt.NDArray[np.float64]  # (c, c) products of the inputs
    cross: npt.NDArray[np.float64] | None
    """(c, c) products of inputs and targets; None where each item is foretold from all others (EASE)."""
    count: int
    """n, the number of items of the catalogue."""

    def factors(
        self, penalty: float, seed: int, rank: int = RANK, dropout: float = 0.0
    ) -> tuple[FloatArray, FloatArray]:
        """(n, r) left and right factors of the matrix of rank r that scores the histories most alike.

        It is the projection of the weights on the leading directions of all users' scores (reduced-rank regression,
        Izenman 1975), which keeps more of the lists than the closest matrix does. Items that take no part are zero.

        Args:
            penalty: L2.
            seed: of the decomposition.
            rank: r.
            dropout: share of the inputs that is missing at random while learning, on the average over all ways to draw
                it (Steck 2020, "Autoencoders that don't overfit towards the Identity").
        """
        left, right = np.zeros((2, self.count, rank), np.float32)
        if len(self.chosen) == 0:
            return left, right
        weights = self._weights(penalty, dropout)
        directions = _leading(weights, torch.from_numpy(self.gram.astype(np.float32)), rank, seed)
        inputs = (weights @ directions).numpy()
        scale = np.sqrt(np.maximum(np.linalg.norm(inputs, axis=0), 1e-12))  # of both sides alike
        left[self.chosen, : len(scale)] = inputs / scale
        right[self.chosen, : len(scale)] = directions.numpy() * scale
        return left, right

    def _weights(self, penalty: float, dropout: float) -> Tensor:
        """(c, c) from items of a history to items."""
        penalised = torch.from_numpy(self.gram.copy())
        penalised.diagonal().mul_(1 / (1 - dropout)).add_(penalty)
        triangle = torch.linalg.cholesky(penalised)
        if self.cross is not None:
            return torch.cholesky_solve(torch.from_numpy(self.cross), triangle).float()
        inverse = torch.cholesky_inverse(triangle)
        weights = (-inverse / inverse.diagonal()).float()
        weights.diagonal().zero_()
        return weights


def user_rows(
    histories: Histories, left: FloatArray, recency: float, users: Sequence[int] | IntArray | None = None
) -> FloatArray:
    """(u, r) weighted sums of the left factors of these users' events, or all users'; zero for one without any."""
    users = range(len(histories)) if users is None else users
    rows = np.zeros((len(users), left.shape[1]), np.float32)
    for row, user in enumerate(users):
        items = histories.items[histories.of(int(user))]
        if len(items):
            rows[row] = age_weights(len(items), recency) @ left[items]
    return rows


def co_liked(histories: Histories, count: int, *, evenness: float = 0.0) -> Regression:
    """EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") of these histories over n items.

    Users count by the power `-evenness` of their events' number: each event alike at 0, each user alike at 1.
    """
    chosen, places = _frequent(histories, count)
    gram = np.zeros((len(chosen), len(chosen)))
    weights = np.maximum(histories.lengths, 1.0) ** -evenness
    weights *= len(histories.items) / max(float(weights @ histories.lengths), 1e-12)  # 1 in the mean of all events
    for user in range(len(histories)):
        own = np.unique(places[histories.items[histories.of(user)]])
        own = own[own >= 0]
        gram[np.ix_(own, own)] += weights[user]
    return Regression(chosen, gram, None, count)


def next_liked(histories: Histories, count: int, *, recency: float = 5.0, ahead: int = 10) -> Regression:
    """The ridge regression from a decayed history to the events that follow it.

    It is the transition half of SLIST (Choi et al. 2021, "Session-aware Linear Item-Item Models for Session-based
    Recommendation") with a window of `ahead` targets that decay by `recency` places.
    """
    chosen, places = _frequent(histories, count)
    gram, cross = np.zeros((2, len(chosen), len(chosen)))
    for user in np.flatnonzero(histories.ordered):
        own = places[histories.items[histories.of(int(user))]]
        own = own[own >= 0][-MOST_EVENTS:]
        if len(own) < 2:
            continue
        age = np.arange(len(own))[:, None] - np.arange(len(own))[None]  # (L, L) of event j at time t
        inputs = np.where(age >= 0, np.exp(-np.abs(age) / recency) + FLOOR / 2, 0.0)[:-1]  # (L - 1, L)
        targets = np.where((age < 0) & (age >= -ahead), np.exp((age + 1) / recency), 0.0)[:-1]
        targets /= targets.sum(1, keepdims=True)
        distinct, places_of = np.unique(own, return_inverse=True)
        fold = np.eye(len(distinct))[places_of]  # (L, l): an item that occurs twice counts twice
        inputs, targets = inputs @ fold, targets @ fold
        gram[np.ix_(distinct, distinct)] += inputs.T @ inputs
        cross[np.ix_(distinct, distinct)] += inputs.T @ targets
    return Regression(chosen, gram, cross, count)


def _frequent(histories: Histories, count: int) -> tuple[IntArray, IntArray]:
    """The items that take part, and each item's place among them, -1 where it does not."""
    events = np.bincount(histories.items, minlength=count)
    chosen = np.sort(np.argsort(-events, kind="stable")[:MOST_ITEMS])
    chosen = chosen[events[chosen] > 0]
    places = np.full(count, -1, np.int64)
    places[chosen] = np.arange(len(chosen))
    return chosen, places


def _leading(weights: Tensor, gram: Tensor, rank: int, seed: int) -> Tensor:
    """(c, r) leading directions of the scores of all histories, W^T G W, by subspace iteration.

    Halko, Martinsson and Tropp 2011, "Finding Structure with Randomness", section 4.5.
    """
    count = len(weights)
    random = torch.Generator().manual_seed(seed)
    basis = torch.randn(count, min(rank + SPARE, count), generator=random)
    for _ in range(ITERATIONS):
        basis = torch.linalg.qr(weights.T @ (gram @ (weights @ basis)))[0]
    mapped = weights @ basis
    return basis @ torch.linalg.eigh(mapped.T @ (gram @ mapped))[1].flip(1)[:, :rank]
