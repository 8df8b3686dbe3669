"""Content towers: one modality's features as item vectors that fit what their audience likes.

A linear autoencoder of histories (Liang et al. 2018, "Variational Autoencoders for Collaborative Filtering", without
the variation): an item is a projection of its features plus a vector of its own, and a user the mean of the items of
their history. The own vectors are dropped at random, so that features alone place an item that nobody knows yet. One
tower a modality: mixed early, a weak modality drags a strong one down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from multimodal_rec.histories import Histories

FloatArray = npt.NDArray[np.float32]

DIM = 128
BATCH = 128
EPOCHS = 15
STEPS = (100, 1500)
"""At the least and at the most."""
LEARNING_RATE = 5e-3
WARM_UP = 0.1
WEIGHT_DECAY = 1.0
KEPT_EVENTS = 0.6
"""Share of a history that is shown; all of it is to be found."""
DROPPED_OWN = 0.3
"""Share of the own vectors that is dropped in each step."""
DROPOUT = 0.2
MOST_TARGETS = 20_000
"""Items in a step's softmax: a random part of a larger catalogue."""


@dataclass(frozen=True)
class Tower:
    """A trained tower: the map from features, and the own vectors of known items as histories and lists see them.

    The last of a candidate's coordinates is its popularity; a user's is 1.
    """

    centre: FloatArray  # (d,)
    project: FloatArray  # (d, DIM + 1)
    bias: FloatArray  # (DIM + 1,)
    own_left: FloatArray  # (n, DIM)
    own_right: FloatArray  # (n, DIM + 1)

    def content(self, features: FloatArray) -> FloatArray:
        """(n, DIM + 1) candidates from (n, d) features alone; zero where an item lacks the modality."""
        present = features.any(axis=1, keepdims=True)
        return np.where(present, (features - self.centre) @ self.project + self.bias, np.float32(0))

    def left(self, content: FloatArray) -> FloatArray:
        """(n, DIM) known items as histories see them, from their content."""
        return content[:, :-1] + self.own_left

    def right(self, content: FloatArray) -> FloatArray:
        """(n, DIM + 1) known items as candidates, from their content."""
        return content + self.own_right

    @staticmethod
    def user(events: FloatArray) -> FloatArray:
        """(DIM + 1,) user of a history of (L, DIM) events; zero but for the last coordinate where L = 0."""
        return np.append(events.sum(0) / np.sqrt(max(1, len(events))), 1.0).astype(np.float32)


def fit_tower(
    histories: Histories, features: FloatArray, seed: int, on_step: Callable[[int, int], None] = lambda _, __: None
) -> Tower:
    """Train the tower of one modality.

    Args:
        histories: of U users.
        features: (n, d), unit rows, zero where an item lacks the modality.
        seed: of all random numbers.
        on_step: called with the steps done and the steps in all.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    centre = features[features.any(1)].mean(0)
    inputs = torch.from_numpy(np.where(features.any(1, keepdims=True), features - centre, np.float32(0)))
    present = torch.from_numpy(features.any(1, keepdims=True).astype(np.float32))
    count = len(features)
    known = np.unique(histories.items)
    project = nn.Linear(inputs.shape[1], DIM + 1)
    own_left, own_right = nn.Embedding(count, DIM), nn.Embedding(count, DIM + 1)
    nn.init.normal_(own_left.weight, std=0.02)
    nn.init.normal_(own_right.weight, std=0.02)
    network = nn.ModuleList([project, own_left, own_right])
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    users = np.flatnonzero(histories.lengths >= 2)
    total = int(np.clip(EPOCHS * math.ceil(len(users) / BATCH), *STEPS))
    queue: list[int] = []
    for step in range(1, total + 1):
        if len(queue) < min(BATCH, len(users)):
            queue += random.permutation(users).tolist()
        batch, queue = queue[:BATCH], queue[BATCH:]
        done = step / total
        rate = done / WARM_UP if done < WARM_UP else 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * rate
        targets = known if len(known) <= MOST_TARGETS else np.sort(random.choice(known, MOST_TARGETS, replace=False))
        items, liked = _batch(histories, batch)  # (m,), (b, m)
        shown = liked * torch.from_numpy((random.random(liked.shape) < KEPT_EVENTS).astype(np.float32))
        kept = torch.from_numpy((random.random(len(targets)) >= DROPPED_OWN).astype(np.float32))[:, None]
        index, wanted = torch.from_numpy(targets), torch.from_numpy(items)
        left = present[wanted] * project(inputs[wanted])[:, :-1] + own_left(wanted)  # (m, DIM)
        right = present[index] * project(inputs[index]) + kept * own_right(index)  # (t, DIM + 1)
        size = shown.sum(1, keepdim=True).clamp(min=1).sqrt()
        user = functional.dropout(shown @ left / size, DROPOUT)  # (b, DIM)
        logits = user @ right[:, :-1].T + right[:, -1]  # (b, t)
        loss = _cross_entropy(logits, liked, items, targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        on_step(step, total)
    seen = np.zeros((count, 1), np.float32)
    seen[known] = 1.0
    with torch.inference_mode():
        return Tower(
            centre,
            np.ascontiguousarray(project.weight.numpy().T),
            project.bias.numpy().copy(),
            seen * own_left.weight.numpy(),
            seen * own_right.weight.numpy(),
        )


def _batch(histories: Histories, users: list[int]) -> tuple[npt.NDArray[np.int64], Tensor]:
    """The (m,) distinct items of these users, and who has which, (b, m)."""
    own = [histories.items[histories.of(user)] for user in users]
    items, places = np.unique(np.concatenate(own), return_inverse=True)
    liked = np.zeros((len(users), len(items)), np.float32)
    liked[np.repeat(np.arange(len(users)), [len(events) for events in own]), places] = 1.0
    return items, torch.from_numpy(liked)


def _cross_entropy(
    logits: Tensor, liked: Tensor, items: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]
) -> Tensor:
    """Mean over the liked items among the targets: (b, t) logits of `targets`, (b, m) likes of `items`, both sorted."""
    places = np.searchsorted(targets, items)
    inside = (places < len(targets)) & (targets[np.minimum(places, len(targets) - 1)] == items)
    chosen = functional.log_softmax(logits, 1)[:, torch.from_numpy(places[inside])]  # (b, m')
    among = liked[:, torch.from_numpy(inside)]
    return -(chosen * among).sum() / among.sum().clamp(min=1)
