"""Train the fusion network on histories: from each place in a history, predict one of the next few events.

The loss is the full softmax over the catalogue, or a sampled one with uniform negatives where the catalogue is large.
The step size follows one cycle (Smith and Topin 2019): up, and down to nothing at the end. The weight of the history's
mean content beside the learned preference is the one that ranks each user's held-out events best; the final network
sees all events.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional

from multimodal_rec.fusion import FusionConfig, FusionNetwork
from multimodal_rec.histories import Histories, held_out
from multimodal_rec.metrics import ndcg_at
from multimodal_rec.preferences import PreferenceConfig, Preferences
from multimodal_rec.progress import Progress, silent
from multimodal_rec.space import recency_weights

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]

CODE_VERSION = 2
"""Counted up whenever the same input would train another network."""
CONTENT_WEIGHTS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Tried for the history's mean content, in units of the network's scores."""


class TrainingConfig(BaseModel):
    """How the network is trained."""

    model_config = ConfigDict(frozen=True)

    epochs: int = 15
    """Times that the network sees all events; more where that would be fewer than `min_steps`."""
    min_steps: int = 200
    """Steps at the least, so that few events are learned too."""
    batch: int = 64
    """Windows of history in a step."""
    learning_rate: float = 8e-3
    """Step size of AdamW at its peak."""
    warm_up: float = 0.15
    """Share of the steps until the step size is at its peak."""
    weight_decay: float = 0.05
    """Weight decay of AdamW."""
    ahead: int = 5
    """The target is a random one of this many next events."""
    unknown: float = 0.3
    """Share of the items whose own vector is dropped in each step, so that content learns to stand alone."""
    validation: float = 0.125
    """Share of each user's newest events that is held out to choose the content weight."""
    k: int = 20
    """Length of the lists that are validated."""
    sampled_above: int = 30_000
    """Catalogues with more items than this are trained with sampled negatives."""
    negatives: int = 4096
    """Negatives of a step where they are sampled."""


@dataclass(frozen=True)
class Trained:
    """What was learned, with what was measured on the way."""

    preferences: Preferences
    epochs: int
    validation_ndcg: float
    losses: tuple[float, ...]
    seconds: float


def training_key(
    histories: Histories, features: Mapping[str, FloatArray], ids: Sequence[str], seed: int, config: TrainingConfig
) -> str:
    """A hash of all that `train` depends on."""
    digest = hashlib.sha256(
        repr((CODE_VERSION, seed, config, torch.__version__, list(ids), histories.users, sorted(features))).encode()
    )
    arrays = (histories.bounds, histories.items, histories.ratings, histories.timestamps)
    for rows in [*arrays, *(features[name] for name in sorted(features))]:
        array: npt.NDArray[Any] = np.ascontiguousarray(rows)
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def train(
    histories: Histories,
    features: Mapping[str, FloatArray],
    content: FloatArray,
    *,
    ids: Sequence[str],
    seed: int = 0,
    config: TrainingConfig | None = None,
    progress: Progress = silent,
) -> Trained:
    """Choose the content weight on held-out events, then train on all of them.

    Args:
        histories: all users' events.
        features: for each modality float32 (n, d_m), rows of zeros where an item lacks it.
        content: float32 (n, c), the items as a mean of a history's content is compared with them.
        ids: of the n items of the catalogue.
        seed: of all random numbers.
        config: how to train.
        progress: called with the stage, the epochs done and the epochs in all.
    """
    config = config or TrainingConfig()
    started = time.monotonic()
    shape = FusionConfig(items=len(ids), features={name: x.shape[1] for name, x in features.items()})
    hidden = held_out(histories, config.validation, seed)
    shown = histories.select(~hidden)
    run = _Run(shown, features, shape, config, seed)
    run.fit("training on older events", progress)
    best, content_weight = _choose_content_weight(run, content, histories, hidden, config.k)
    logger.info("chosen: content weight %g, validation ndcg@%d %.4f", content_weight, config.k, best)
    final = _Run(histories, features, shape, config, seed)
    final.fit("training on all events", progress)
    mean, deviation = rating_scale(histories.ratings)
    preferences = Preferences(
        PreferenceConfig(
            fusion=shape,
            content_weight=content_weight,
            scale=float(final.item_vectors().square().sum(1).mean().sqrt()),
            rating_mean=mean,
            rating_deviation=deviation,
        ),
        final.network.cpu().eval(),
        tuple(item_id if seen else None for item_id, seen in zip(ids, final.known.tolist(), strict=True)),
    )
    return Trained(preferences, final.epochs, best, tuple(final.losses), time.monotonic() - started)


def device() -> torch.device:
    """The accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rating_scale(ratings: FloatArray) -> tuple[float, float]:
    """Mean and deviation of the ratings that there are; 0 and 1 where there are none, or all are the same."""
    rated = ratings[~np.isnan(ratings)]
    if len(rated) == 0:
        return 0.0, 1.0
    return float(rated.mean()), float(rated.std()) or 1.0


def _choose_content_weight(
    run: _Run, content: FloatArray, histories: Histories, hidden: npt.NDArray[np.bool_], k: int
) -> tuple[float, float]:
    """The best validation ndcg over `CONTENT_WEIGHTS`, and the weight that reaches it."""
    shown = run.histories
    means = np.zeros((len(shown), content.shape[1]), np.float32)
    for user in range(len(shown)):
        events = shown.items[shown.of(user)][-run.network.config.history :]
        if len(events):
            means[user] = recency_weights(len(events)) @ content[events]
    users, items = run.user_vectors(), run.item_vectors()
    means_tensor, content_tensor = torch.from_numpy(means).to(users.device), torch.from_numpy(content).to(users.device)
    results = {
        weight: _validate(
            torch.cat([users, weight * means_tensor], 1), torch.cat([items, content_tensor], 1), histories, hidden, k
        )
        for weight in CONTENT_WEIGHTS
    }
    best = max(results, key=lambda weight: results[weight])
    return results[best], best


def _validate(
    users: Tensor, items: Tensor, histories: Histories, hidden: npt.NDArray[np.bool_], k: int, batch: int = 512
) -> float:
    """Mean ndcg@k of the hidden events over the users that have any; their other events are left out of the lists.

    Args:
        users: (U, d).
        items: (n, d).
        histories: all events.
        hidden: (E,) which of them are to be found.
        k: length of the lists.
        batch: users scored at once.
    """
    values = []
    for start in range(0, len(users), batch):
        scores = (users[start : start + batch] @ items.T).cpu().numpy()
        for row in range(len(scores)):
            own = histories.of(start + row)
            relevant = histories.items[own][hidden[own]]
            if len(relevant):
                scores[row, histories.items[own][~hidden[own]]] = -np.inf
                values.append(ndcg_at(k, scores[row], relevant))
    return float(np.mean(values)) if values else 0.0


class _Run:
    """One training run from its start."""

    def __init__(
        self,
        histories: Histories,
        features: Mapping[str, FloatArray],
        shape: FusionConfig,
        config: TrainingConfig,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.histories = histories
        self.config = config
        self.random = np.random.default_rng(seed)
        self.device = device()
        self.network = FusionNetwork(shape).to(self.device)
        self.features = {name: torch.from_numpy(x).to(self.device) for name, x in features.items()}
        mean, deviation = rating_scale(histories.ratings)
        self.ratings = np.nan_to_num((histories.ratings - mean) / deviation, nan=0.0).astype(np.float32)
        self.ordered = histories.ordered
        self.losses: list[float] = []
        self.steps = 0
        per_epoch = max(1, round(len(self._window_bounds()) / config.batch))
        self.epochs = max(config.epochs, math.ceil(config.min_steps / per_epoch))
        self.total_steps = self.epochs * (per_epoch + 1)  # the number of windows differs a little from epoch to epoch
        seen = np.zeros(shape.items, dtype=np.float32)
        seen[histories.items] = 1.0
        self.known = torch.from_numpy(seen).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def fit(self, stage: str, progress: Progress) -> None:
        """Train from start to end."""
        for epoch in range(1, self.epochs + 1):
            self._epoch()
            progress(stage, epoch, self.epochs)
            logger.info("%s, epoch %d: loss %.4f", stage, epoch, self.losses[-1])

    def _epoch(self) -> None:
        self.network.train()
        losses = []
        for items, ratings, targets in self._batches():
            self.steps += 1
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * self._cycle()
            loss = self._loss(items, ratings, targets)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            losses.append(loss.item())
        self.losses.append(float(np.mean(losses)) if losses else math.nan)

    def _cycle(self) -> float:
        """The share of the peak step size that is due now."""
        done = min(1.0, self.steps / self.total_steps)
        if done < self.config.warm_up:
            return done / self.config.warm_up
        return 0.5 * (1 + math.cos(math.pi * (done - self.config.warm_up) / (1 - self.config.warm_up)))

    def item_vectors(self, batch: int = 8192) -> Tensor:
        """(n, dim + 1) vectors of the whole catalogue."""
        self.network.eval()
        index = torch.arange(len(self.known), device=self.device)
        with torch.inference_mode():
            return torch.cat(
                [
                    self.network.item_tower(
                        part, {name: x[part] for name, x in self.features.items()}, self.known[part]
                    )
                    for part in index.split(batch)
                ]
            )

    def user_vectors(self, batch: int = 256) -> Tensor:
        """(U, dim + 1): what the network makes of each user's newest events."""
        self.network.eval()
        vectors = self.item_vectors()
        result = []
        with torch.inference_mode():
            for start in range(0, len(self.histories), batch):
                bounds = self.histories.bounds[start : start + batch + 1]
                sizes = np.minimum(np.diff(bounds), self.network.config.history)
                events, valid = _windows(bounds[1:] - sizes, sizes, max(1, int(sizes.max())))
                events = np.clip(events, 0, len(self.histories.items) - 1)  # a user may have no event
                tokens = vectors[torch.from_numpy(self.histories.items[events]).to(self.device)]  # (B, L, dim + 1)
                ratings = torch.from_numpy(self.ratings[events] * valid).to(self.device)
                output = self.network.history_encoder(tokens[:, :, :-1], ratings)  # (B, L, dim + 1)
                last = torch.from_numpy(np.maximum(sizes - 1, 0)).to(self.device)
                result.append(output[torch.arange(len(sizes), device=self.device), last])
        return torch.cat(result)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield (B, L) items, ratings and targets (-1 where there is none) of shuffled windows of the histories."""
        order = np.arange(len(self.histories.items))
        for user in np.flatnonzero(~self.ordered):  # where the order means nothing, none is learned
            order[self.histories.of(int(user))] = self.random.permutation(order[self.histories.of(int(user))])
        items, ratings = self.histories.items[order], self.ratings[order]
        ends = np.repeat(self.histories.bounds[1:], self.histories.lengths)
        places = np.arange(len(items))
        reach = np.minimum(self.config.ahead, ends - 1 - places)
        ahead = places + 1 + (self.random.random(len(items)) * reach).astype(np.int64)
        targets = np.where(reach > 0, items[np.minimum(ahead, len(items) - 1)], -1)
        windows = self.random.permutation(self._window_bounds())
        for chunk in np.array_split(windows, max(1, round(len(windows) / self.config.batch))):
            events, valid = _windows(chunk[:, 0], chunk[:, 1], int(chunk[:, 1].max()))
            yield (
                torch.from_numpy(items[events]).to(self.device),
                torch.from_numpy(ratings[events] * valid).to(self.device),
                torch.from_numpy(np.where(valid, targets[events], -1)).to(self.device),
            )

    def _window_bounds(self) -> npt.NDArray[np.int64]:
        """(W, 2) first events and lengths of the windows into which the histories are cut, anew at each call."""
        length = self.network.config.history
        starts: list[int] = []
        sizes: list[int] = []
        for start, end in zip(self.histories.bounds[:-1], self.histories.bounds[1:], strict=True):
            cuts = [int(start), *range(int(start + self.random.integers(1, length + 1)), int(end), length), int(end)]
            starts += cuts[:-1]
            sizes += np.diff(cuts).tolist()
        return np.stack([starts, sizes], 1)

    def _loss(self, items: Tensor, ratings: Tensor, targets: Tensor) -> Tensor:
        count = self.network.config.items
        sampled = count > self.config.sampled_above
        if sampled:
            drawn = torch.from_numpy(self.random.integers(0, count, self.config.negatives)).to(self.device)
            index, inverse = torch.cat([items.flatten(), targets.clamp(min=0).flatten(), drawn]).unique(
                return_inverse=True
            )
            items = inverse[: items.numel()].view_as(items)
            targets = torch.where(targets < 0, targets, inverse[items.numel() : 2 * items.numel()].view_as(targets))
        else:
            index = torch.arange(count, device=self.device)
        kept = torch.from_numpy(self.random.random(len(index)) >= self.config.unknown).to(self.device)
        vectors = self.network.item_tower(
            index, {name: x[index] for name, x in self.features.items()}, self.known[index] * kept
        )  # (n, dim + 1)
        users = self.network.history_encoder(vectors[items][:, :, :-1], ratings)  # (B, L, dim + 1)
        wanted = targets >= 0
        logits = users[wanted] @ vectors.T  # (T, n)
        if sampled:  # items drawn as positives or inputs are over-represented: only the uniform draws stand for all
            weight = torch.bincount(inverse[-self.config.negatives :], minlength=len(index)).float()
            correction = (weight * (count / self.config.negatives)).clamp(min=1e-9).log()
            correction = correction.expand_as(logits).scatter(1, targets[wanted][:, None], 0.0)
            logits = logits + correction
        return functional.cross_entropy(logits, targets[wanted])


def _windows(
    starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(B, L) event numbers of windows, the last one repeated as padding, and where they are valid."""
    steps = np.arange(length)
    valid = steps[None] < sizes[:, None]
    return starts[:, None] + np.minimum(steps[None], np.maximum(sizes[:, None] - 1, 0)), valid
