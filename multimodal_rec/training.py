"""Learn preferences: several models of taste, and how much each counts.

    sequence      the fusion network: the order of a history (`fusion`)
    co_liked      items liked by the same people, newest events first (`factors`)
    next_liked    items liked soon after one another (`factors`)
    text, image … one content tower a modality (`towers`)
    popularity    how often an item was liked, or what its content lets expect

Each scores an item by an inner product, so all of them together are one. The weights are those that rank each user's
newest events best; for items that nobody knows yet, those that rank items best which were hidden from the towers. Both
are chosen inside the training events; then everything is trained anew on all of them.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict

from multimodal_rec.alignment import ridge
from multimodal_rec.blend import Contest, choose_weights
from multimodal_rec.factors import Factors, co_liked, next_liked, user_rows
from multimodal_rec.fusion import FusionConfig
from multimodal_rec.fusion_training import FusionRun, FusionTraining, rating_scale
from multimodal_rec.histories import ALL_ALIKE, CONTENT_RECENCY, Histories, age_weights, held_out
from multimodal_rec.preferences import Popularity, PreferenceConfig, Preferences, deviations
from multimodal_rec.progress import Progress, silent
from multimodal_rec.towers import Tower, fit_tower

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]

CODE_VERSION = 6
"""Counted up whenever the same input would train another model."""


class TrainingConfig(BaseModel):
    """How preferences are learned."""

    model_config = ConfigDict(frozen=True)

    fusion: FusionTraining = FusionTraining()
    """How the fusion network is trained."""
    validation: float = 0.125
    """Share of each user's newest events that is held out to choose the weights."""
    folds: int = 3
    """Times that a part of the items is hidden, to choose the weights of items that nobody knows."""
    k: int = 20
    """Length of the lists that are validated."""
    most_scores: int = 40_000_000
    """Users times items that are ranked in validation."""
    recencies: tuple[float, ...] = (3.0, 5.0, 10.0, 20.0, 50.0, ALL_ALIKE)
    """Decays of history events, in places from the newest, that are tried for the linear models."""
    penalties: tuple[float, ...] = (150.0, 400.0, 1000.0)
    """L2 penalties that are tried for the linear models."""
    new_share: float = 1.0
    """Share of list places that new items get, in units of their share of the catalogue."""


@dataclass(frozen=True)
class Trained:
    """What was learned, with what was measured on the way."""

    preferences: Preferences
    validation_ndcg: float
    new_item_ndcg: float
    seconds: float


@dataclass(frozen=True)
class _Models:
    """All models of taste, trained on the same histories."""

    fusion: FusionRun
    linear: dict[str, Factors]
    towers: dict[str, Tower]
    popularity: Popularity


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
    """Choose all weights on held-out events and items, then train on all events.

    Args:
        histories: all users' events.
        features: for each modality float32 (n, d_m), rows of zeros where an item lacks it.
        content: float32 (n, c), the items as a mean of a history's content is compared with them.
        ids: of the n items of the catalogue.
        seed: of all random numbers.
        config: how to train.
        progress: called with the stage, the steps done and the steps in all.
    """
    with _deterministic():
        return _train(histories, features, content, ids, seed, config or TrainingConfig(), progress)


def _train(
    histories: Histories,
    features: Mapping[str, FloatArray],
    content: FloatArray,
    ids: Sequence[str],
    seed: int,
    config: TrainingConfig,
    progress: Progress,
) -> Trained:
    started = time.monotonic()
    learner = _Learner(features, content, len(ids), seed, config, progress)
    hidden = held_out(histories, config.validation, seed)
    shown = histories.select(~hidden)
    settings = learner.choose_linear(shown, histories, hidden)
    models = learner.fit(shown, settings, "older events")
    weights, content_weight, ndcg = learner.choose_known(models, shown, histories, hidden)
    new_weights, new_ndcg = learner.choose_new(histories, content_weight)
    logger.info("weights %s: validation ndcg@%d %.4f", weights, config.k, ndcg)
    logger.info("weights of new items %s: validation ndcg@%d %.4f", new_weights, config.k, new_ndcg)
    final = learner.fit(histories, settings, "all events")
    mean, deviation = rating_scale(histories.ratings)
    preferences = Preferences.assemble(
        PreferenceConfig(
            fusion=final.fusion.network.config,
            rating_mean=mean,
            rating_deviation=deviation,
            recencies={name: factors.recency for name, factors in final.linear.items()},
            weights=weights,
            new_weights=new_weights,
            content_weight=content_weight,
        ),
        final.fusion.network.cpu().eval(),
        final.linear,
        final.towers,
        final.popularity,
        known=tuple(i if seen else None for i, seen in zip(ids, final.fusion.known.tolist(), strict=True)),
        features=features,
    )
    bias = new_item_bias(preferences, histories, features, content, ids, config)
    return Trained(
        replace(preferences, config=preferences.config.model_copy(update={"new_bias": bias})),
        ndcg,
        new_ndcg,
        time.monotonic() - started,
    )


@contextmanager
def _deterministic() -> Iterator[None]:
    """Sums in a fixed order, so that the same seed gives the same model."""
    before, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


def new_item_bias(
    preferences: Preferences,
    histories: Histories,
    features: Mapping[str, FloatArray],
    content: FloatArray,
    ids: Sequence[str],
    config: TrainingConfig,
) -> float:
    """What to add to the score of new items so that they get `new_share` of their share of the places in lists.

    Where every item was seen in training, every tenth stands for new ones.
    """
    new = np.array([item_id is None for item_id in preferences.known])
    names = list(ids)
    if not new.any():
        new[::10] = True
        names = [f"\0{item_id}" if fresh else item_id for item_id, fresh in zip(ids, new, strict=True)]
    items = np.hstack([preferences.item_block(names, features), preferences.config.content_weight * content])
    events = preferences.event_block(ids, features)
    most = max(1, min(1000, config.most_scores // len(ids)))
    users = np.linspace(0, len(histories) - 1, min(most, len(histories))).astype(int)
    rows = preferences.user_blocks(
        (events[histories.items[histories.of(u)]], histories.ratings[histories.of(u)].tolist()) for u in users
    )
    means = np.stack([_mean_content(content, histories, int(user)) for user in users])
    scores = np.hstack([rows, means]) @ items.T
    for row, user in enumerate(users):
        scores[row, histories.items[histories.of(int(user))]] = -np.inf
    k = min(config.k, len(ids))
    target = config.new_share * new.mean() * k
    low, high = -20.0, 20.0
    for _ in range(24):
        bias = (low + high) / 2
        top = np.argpartition(-(scores + bias * new), k - 1, axis=1)[:, :k]
        low, high = (bias, high) if new[top].sum(1).mean() < target else (low, bias)
    return round((low + high) / 2, 4)


def _mean_content(content: FloatArray, histories: Histories, user: int) -> FloatArray:
    items = histories.items[histories.of(user)]
    return age_weights(len(items), CONTENT_RECENCY) @ content[items]


@dataclass(frozen=True)
class _Setting:
    """What validation chose for a linear model."""

    penalty: float
    recency: float


@dataclass(frozen=True)
class _Learner:
    """The catalogue and how to learn from it."""

    features: Mapping[str, FloatArray]
    content: FloatArray
    count: int
    seed: int
    config: TrainingConfig
    progress: Progress

    def fit(self, histories: Histories, settings: Mapping[str, _Setting], what: str) -> _Models:
        """Train all models on these histories."""
        order = {name: rows.shape[1] for name, rows in self.features.items() if name != "categories"}
        fusion = FusionRun(
            histories,
            {name: self.features[name] for name in order},
            FusionConfig(items=self.count, features=order),
            self.config.fusion,
            self.seed,
        )
        fusion.fit(f"learning from {what}: order", self.progress)
        linear = {name: self._linear(name, histories, setting) for name, setting in settings.items()}
        return _Models(fusion, linear, self._towers(histories, what), self._popularity(histories))

    def choose_linear(
        self, shown: Histories, histories: Histories, hidden: npt.NDArray[np.bool_]
    ) -> dict[str, _Setting]:
        """The penalty and the recency of each linear model that rank held-out events best alone."""
        ordered = bool(shown.ordered.mean() > 0.5)
        recencies = self.config.recencies if ordered else (ALL_ALIKE,)
        users, relevant, seen = self._validation(histories, hidden)
        settings = {}
        for name in ("co_liked", "next_liked") if ordered else ("co_liked",):
            results: dict[_Setting, float] = {}
            for number, penalty in enumerate(self.config.penalties):
                factors = self._linear(name, shown, _Setting(penalty, ALL_ALIKE))
                for recency in recencies:
                    rows = user_rows(shown, factors.left, recency)[users]
                    contest = Contest({name: rows @ factors.right.T}, relevant, seen, self.config.k)
                    results[_Setting(penalty, recency)] = contest.ndcg(contest.scores[name])
                self.progress(f"choosing penalties: {name}", number + 1, len(self.config.penalties))
            settings[name] = max(results, key=lambda setting: results[setting])
            logger.info("%s: %s, validation ndcg %.4f", name, settings[name], results[settings[name]])
        return settings

    def choose_known(
        self, models: _Models, shown: Histories, histories: Histories, hidden: npt.NDArray[np.bool_]
    ) -> tuple[dict[str, float], float, float]:
        """The weights that rank the hidden events best, the one of raw content, and the ndcg that they reach."""
        users, relevant, seen = self._validation(histories, hidden)
        scores = {"sequence": models.fusion.user_vectors()[users] @ models.fusion.item_vectors().T}
        result = {"sequence": _standard(scores["sequence"].cpu().numpy())}
        for name, factors in models.linear.items():
            result[name] = _standard(user_rows(shown, factors.left, factors.recency)[users] @ factors.right.T)
        for name, tower in models.towers.items():
            content = tower.content(self.features[name])
            result[name] = _standard(_tower_users(shown, tower.left(content), users) @ tower.right(content).T)
        result["popularity"] = np.tile(models.popularity.of_known, (len(users), 1))
        means = user_rows(shown, self.content, CONTENT_RECENCY)[users] @ self.content.T
        scale = max(float(means.std(1).mean()), 1e-6)
        result["content"] = means / scale
        contest = Contest(result, relevant, seen, self.config.k)
        weights, best = choose_weights([contest], list(result))
        return weights, weights["content"] / scale, best

    def choose_new(self, histories: Histories, content_weight: float) -> tuple[dict[str, float], float]:
        """The weights that rank hidden items best among themselves, over all folds."""
        random = np.random.default_rng(self.seed)
        known = random.permutation(np.unique(histories.items))
        contests = []
        for number, fold in enumerate(np.array_split(known, self.config.folds)):
            contest = self._fold(histories, np.sort(fold), random, content_weight)
            if contest is not None:
                contests.append(contest)
            self.progress("learning for new items", number + 1, self.config.folds)
        names = [*(name for name in self.features), "popularity"]
        if not contests:
            return dict.fromkeys(names, 1.0), 0.0
        return choose_weights(contests, names)

    def _fold(
        self, histories: Histories, fold: npt.NDArray[np.int64], random: np.random.Generator, content_weight: float
    ) -> Contest | None:
        """Rank the items of a fold by models that never saw them."""
        outside = ~np.isin(histories.items, fold)
        shown = histories.select(outside)
        found = np.bincount(histories.owners[~outside], minlength=len(histories))
        users = np.flatnonzero((shown.lengths > 0) & (found > 0))
        most = max(1, self.config.most_scores // max(1, len(fold)))
        users = np.sort(random.permutation(users)[:most])
        if len(users) == 0 or len(fold) < 2:
            return None
        relevant = np.zeros((len(users), len(fold)), dtype=bool)
        for row, user in enumerate(users):
            own = histories.items[histories.of(int(user))]
            relevant[row, np.searchsorted(fold, own[np.isin(own, fold)])] = True
        scores: dict[str, FloatArray] = {}
        for name, tower in self._towers(shown, "").items():
            content = tower.content(self.features[name])
            rows = _tower_users(shown, tower.left(content), users)
            seen_content = content[np.setdiff1d(np.unique(shown.items), fold)]
            scores[name] = rows @ content[fold].T / deviations(rows, seen_content)
        expected = self._popularity(shown).expected(self.features)[fold]
        scores["popularity"] = np.tile(expected, (len(users), 1))
        means = user_rows(shown, self.content, CONTENT_RECENCY)[users]
        base = (content_weight * means @ self.content[fold].T).astype(np.float32)
        return Contest(scores, relevant, None, self.config.k, base)

    def _validation(
        self, histories: Histories, hidden: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """The users to validate on, and (u, n) which items they are to find, and which they have seen."""
        users = np.flatnonzero(np.bincount(histories.owners[hidden], minlength=len(histories)) > 0)
        most = max(1, self.config.most_scores // self.count)
        users = np.sort(np.random.default_rng(self.seed).permutation(users)[:most])
        relevant, seen = np.zeros((2, len(users), self.count), dtype=bool)
        for row, user in enumerate(users):
            own = histories.of(int(user))
            relevant[row, histories.items[own][hidden[own]]] = True
            seen[row, histories.items[own][~hidden[own]]] = True
        relevant &= ~seen
        some = relevant.any(1)
        return users[some], relevant[some], seen[some]

    def _linear(self, name: str, histories: Histories, setting: _Setting) -> Factors:
        fit = co_liked if name == "co_liked" else next_liked
        return Factors(*fit(histories, self.count, setting.penalty, self.seed), setting.recency)

    def _towers(self, histories: Histories, what: str) -> dict[str, Tower]:
        def report(name: str) -> Any:
            return lambda done, total: self.progress(f"learning from {what}: {name}", done, total) if what else None

        return {
            name: fit_tower(histories, rows, self.seed, report(name)) for name, rows in sorted(self.features.items())
        }

    def _popularity(self, histories: Histories) -> Popularity:
        counts = np.bincount(histories.items, minlength=self.count)
        known = counts > 0
        logs = np.log1p(counts).astype(np.float32)
        mean, deviation = float(logs[known].mean()), float(logs[known].std()) or 1.0
        standard = np.where(known, (logs - mean) / deviation, 0).astype(np.float32)
        names = sorted(self.features)
        stacked = np.hstack([self.features[name] for name in names])
        weights = ridge(stacked[known], standard[known, None])
        if not len(weights):
            weights = np.zeros((stacked.shape[1], 1), np.float32)
        parts = np.split(weights[:, 0], np.cumsum([self.features[name].shape[1] for name in names])[:-1])
        return Popularity(standard, dict(zip(names, parts, strict=True)))


def _tower_users(histories: Histories, left: FloatArray, users: npt.NDArray[np.int64]) -> FloatArray:
    """(u, DIM + 1) of these users."""
    return np.stack([Tower.user(left[histories.items[histories.of(int(user))]]) for user in users])


def _standard(scores: FloatArray) -> FloatArray:
    """Each row divided by its deviation."""
    return np.asarray(scores / np.maximum(scores.std(1, keepdims=True), 1e-6), dtype=np.float32)
