"""Train the fusion network on histories: from each place in a history, predict one of the next few events.

The loss is the full softmax over the catalogue, or a sampled one with uniform negatives where the catalogue is large.
The step size follows one cycle (Smith and Topin 2019): up, and down to nothing at the end.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional

from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.fusion import FusionConfig, FusionNetwork
from multimodal_rec.histories import Histories
from multimodal_rec.progress import Progress

logger = logging.getLogger(__name__)


class FusionTraining(BaseModel):
    """How the fusion network is trained."""

    model_config = ConfigDict(frozen=True)

    epochs: int = 15
    """Times that the network sees all events; more or less where that makes too few or too many steps."""
    min_steps: int = 200
    """Steps at the least, so that few events are learned too."""
    max_steps: int = 1000
    """Steps at the most, but for the last epoch begun: many events are not all needed."""
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
    sampled_above: int = 5_000
    """Catalogues with more items than this are trained with sampled negatives."""
    negatives: int = 2048
    """Negatives of a step where they are sampled."""


def device() -> torch.device:
    """The accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rating_scale(ratings: FloatArray) -> tuple[float, float]:
    """Mean and deviation of the ratings that there are; 0 and 1 where there are none, or all are the same."""
    rated = ratings[~np.isnan(ratings)]
    if len(rated) == 0:
        return 0.0, 1.0
    return float(rated.mean()), float(rated.std()) or 1.0


class FusionRun:
    """One training run of the fusion network, from its start."""

    def __init__(
        self,
        histories: Histories,
        features: Mapping[str, FloatArray],
        shape: FusionConfig,
        config: FusionTraining,
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
        steps = min(max(config.epochs * per_epoch, config.min_steps), max(config.max_steps, per_epoch))
        self.epochs = math.ceil(steps / per_epoch)
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

    def _window_bounds(self) -> IntArray:
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
        count, wanted = self.network.config.items, targets >= 0
        targets = targets[wanted]  # (T,)
        drawn = None
        if count > self.config.sampled_above:
            sample = np.sort(self.random.choice(count, min(self.config.negatives, count), replace=False))
            drawn = torch.from_numpy(sample).to(self.device)
            index, places = torch.cat([items.flatten(), targets, drawn]).unique(return_inverse=True)
            flat, targets, drawn = places.split([items.numel(), len(targets), len(drawn)])
            items = flat.view_as(items)
        else:
            index = torch.arange(count, device=self.device)
        kept = torch.from_numpy(self.random.random(len(index)) >= self.config.unknown).to(self.device)
        vectors = self.network.item_tower(
            index, {name: x[index] for name, x in self.features.items()}, self.known[index] * kept
        )  # (n, dim + 1)
        users = self.network.history_encoder(vectors[items][:, :, :-1], ratings)  # (B, L, dim + 1)
        users = users[wanted]  # (T, dim + 1)
        if drawn is None:
            return functional.cross_entropy(users @ vectors.T, targets)
        right = (users * vectors[targets]).sum(1, keepdim=True)  # (T, 1)
        others = users @ vectors[drawn].T + math.log(count / len(drawn))  # (T, negatives), each stands for several
        others = others.masked_fill(targets[:, None] == drawn[None], -math.inf)
        return functional.cross_entropy(torch.cat([right, others], 1), torch.zeros_like(targets))


def _windows(starts: IntArray, sizes: IntArray, length: int) -> tuple[IntArray, BoolArray]:
    """(B, L) event numbers of windows, the last one repeated as padding, and where they are valid."""
    steps = np.arange(length)
    valid = steps[None] < sizes[:, None]
    return starts[:, None] + np.minimum(steps[None], np.maximum(sizes[:, None] - 1, 0)), valid
