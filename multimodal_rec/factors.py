"""Linear models of taste: what was liked lately points to what is liked next.

Each is a matrix from items of a history to items, in closed form, kept as two thin factors: a user is the weighted sum
of the left factors of their history, and a score its inner product with an item's right factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from multimodal_rec.histories import FLOOR, Histories, age_weights

FloatArray = npt.NDArray[np.float32]

RANK = 256
"""Dimensions of the factors, where nothing else is asked for."""
MOST_ITEMS = 8_000
"""Items that take part, the ones with most events first: the matrix is dense."""
MOST_EVENTS = 500
"""Newest events of a user that take part."""


@dataclass(frozen=True)
class Factors:
    """n items as histories see them (left) and as lists see them (right), and the decay of events in places."""

    left: FloatArray  # (n, r)
    right: FloatArray  # (n, r)
    recency: float


def user_rows(histories: Histories, left: FloatArray, recency: float, newest: int | None = None) -> FloatArray:
    """(U, r) weighted sums of the left factors of each user's events; zero for a user without any."""
    rows = np.zeros((len(histories), left.shape[1]), np.float32)
    for user in range(len(histories)):
        items = histories.items[histories.of(user)]
        items = items[-newest:] if newest else items
        if len(items):
            rows[user] = age_weights(len(items), recency) @ left[items]
    return rows


def co_liked(
    histories: Histories, count: int, penalty: float, seed: int, *, rank: int = RANK
) -> tuple[FloatArray, FloatArray]:
    """Left and right factors of EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data").

    Args:
        histories: of U users.
        count: n, the number of items.
        penalty: L2.
        seed: of the factorisation.
        rank: r, dimensions of the factors.
    """
    chosen, places = _frequent(histories, count)
    gram = np.zeros((len(chosen), len(chosen)))
    for users in np.array_split(np.arange(len(histories)), max(1, len(histories) // 512)):
        rows = np.zeros((len(users), len(chosen)), np.float32)
        for row, user in enumerate(users):
            own = places[histories.items[histories.of(int(user))]]
            rows[row, own[own >= 0]] = 1.0
        gram += rows.T @ rows
    inverse = np.linalg.inv(_penalised(gram, penalty))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return _factorise(weights, gram, chosen, count, rank, seed)


def next_liked(
    histories: Histories,
    count: int,
    penalty: float,
    seed: int,
    *,
    rank: int = RANK,
    recency: float = 5.0,
    ahead: int = 10,
) -> tuple[FloatArray, FloatArray]:
    """Left and right factors of the ridge regression from a decayed history to the events that follow it.

    It is the transition half of SLIST (Choi et al. 2021, "Session-aware Linear Item-Item Models for Session-based
    Recommendation") with a window of `ahead` decayed targets. Arguments as in `co_liked`.
    """
    chosen, places = _frequent(histories, count)
    gram = np.zeros((len(chosen), len(chosen)))
    cross = np.zeros_like(gram)
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
    weights = np.asarray(np.linalg.solve(_penalised(gram, penalty), cross), np.float64)
    return _factorise(weights, gram, chosen, count, rank, seed)


def _penalised(gram: npt.NDArray[np.float64], penalty: float) -> npt.NDArray[np.float64]:
    result = gram.copy()
    result[np.diag_indices_from(result)] += penalty
    return result


def _frequent(histories: Histories, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The items that take part, and each item's place among them, -1 where it does not."""
    events = np.bincount(histories.items, minlength=count)
    chosen = np.sort(np.argsort(-events, kind="stable")[:MOST_ITEMS])
    chosen = chosen[events[chosen] > 0]
    places = np.full(count, -1, np.int64)
    places[chosen] = np.arange(len(chosen))
    return chosen, places


def _factorise(
    weights: npt.NDArray[np.float64],
    gram: npt.NDArray[np.float64],
    chosen: npt.NDArray[np.int64],
    count: int,
    rank: int,
    seed: int,
) -> tuple[FloatArray, FloatArray]:
    """(n, r) left and right factors of the matrix of rank r that scores these histories most alike.

    It is the projection of the weights on the leading directions of all users' scores (reduced-rank regression, Izenman
    1975), which keeps more of the lists than the closest matrix does. Items that took no part are zero.

    Args:
        weights: (c, c) of the chosen items.
        gram: (c, c) products of the inputs, which the weights are applied to.
        chosen: places of the chosen items.
        count: n.
        rank: r.
        seed: of the decomposition.
    """
    torch.manual_seed(seed)
    scores = torch.from_numpy((weights.T @ gram @ weights).astype(np.float32))
    kept = min(rank, len(chosen))
    directions = torch.svd_lowrank(scores, q=min(kept + 32, len(chosen)), niter=4)[0][:, :kept].numpy()
    inputs = weights.astype(np.float32) @ directions
    scale = np.sqrt(np.maximum(np.linalg.norm(inputs, axis=0), 1e-12))  # of both sides alike: directions have length 1
    left, right = np.zeros((2, count, rank), np.float32)
    left[chosen, :kept] = inputs / scale
    right[chosen, :kept] = directions * scale
    return left, right
