"""Learn preferences: several models of taste, and how much each counts.

    sequence      the fusion network: the order of a history (`fusion`)
    co_liked      items liked by the same people, newest events first (`factors`)
    next_liked    items liked soon after one another (`factors`)
    foretold      what an item's content lets expect of its place among those (`foretell`)
    popularity    how often an item was liked, or what its content lets expect

Each scores an item by an inner product, so all of them together are one. The weights are those that rank each user's
newest events best; what each modality is worth to items that nobody knows yet is what ranks items best which were
hidden. Both are chosen inside the training events; then everything is trained anew on all of them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from torch.nn.attention import SDPBackend, sdpa_kernel

from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.blend import LEAST_GAIN, Contest, choose_weights
from multimodal_rec.factors import RANK, Factors, Regression, co_liked, next_liked, user_rows
from multimodal_rec.foretell import MOST_ITEMS, Scales, combined, fit_map, kernels, likeness, solve
from multimodal_rec.fusion import FusionConfig, FusionShape
from multimodal_rec.fusion_training import FusionRun, FusionTraining, device, rating_scale
from multimodal_rec.histories import ALL_ALIKE, CONTENT_RECENCY, Histories, age_weights, held_out
from multimodal_rec.model_card import TrainingRecord
from multimodal_rec.preferences import Foretold, PreferenceConfig, Preferences, deviations
from multimodal_rec.progress import Progress, silent
from multimodal_rec.tuned import changed

logger = logging.getLogger(__name__)


CODE_VERSION = 15
"""Counted up whenever the same input would train another model."""


UNORDERED = 0.25
"""Places that items without an event get where the log has no order, in units of the hidden events that they got."""
SEQUENCE_FEATURES = frozenset({"text", "image", "video"})
"""Modalities that the fusion network sees."""
POPULARITY_WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
"""Weights of a new item's expected popularity that are tried, beside a taste of deviation 1."""


class TrainingConfig(BaseModel):
    """How preferences are learned."""

    model_config = ConfigDict(frozen=True)

    fusion: FusionTraining = FusionTraining()
    """How the fusion network is trained."""
    shape: FusionShape = FusionShape()
    """The shape of the fusion network."""
    rank: int = RANK
    """Dimensions of the factors of the linear models."""
    next_recency: float = 5.0
    """Decay, in places, of the events before and after one from which `next_liked` learns."""
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
    co_liked_kinds: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.5, 0.5))
    """Dropout, and how evenly users count, of the kinds of `co_liked` that are tried."""
    scales: tuple[float, ...] = (0.0, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0)
    """Worths of a modality that are tried where content foretells taste."""
    content_penalties: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)
    """L2 penalties that are tried there, in units of an item's mean likeness to itself."""
    judged_items: int = 2_400
    """Known items, at the most, on which those are chosen."""
    judging_users: int = 600
    """Users, at the most, for whom those items are ranked."""
    new_spread: float = 0.35
    """How far the scores of new items are spread, in units of the known items' deviation: they are less sure."""
    new_share: float = 1.2
    """Share of list places that new items get, in units of their share of the catalogue: being seen, they get events."""
    most_new: float = 0.12
    """Share of list places that new items get at the most."""


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
    foretold: Foretold
    popularity: FloatArray  # (n,)


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
    settings, linear = learner.choose_linear(shown, histories, hidden)
    scales, popularity_weight, new_ndcg = learner.choose_scales(histories, settings["co_liked"])
    models = learner.fit(shown, linear, scales, "older events")
    weights, content_weight, deviation, ndcg = learner.choose_known(models, shown, histories, hidden)
    spread = config.new_spread * deviation
    new_weights = {"foretold": spread, "popularity": spread * popularity_weight}
    logger.info("weights %s: validation ndcg@%d %.4f", weights, config.k, ndcg)
    logger.info("new items: %s, weights %s: validation ndcg@%d %.4f", scales, new_weights, config.k, new_ndcg)
    reused = None if weights["sequence"] else models.fusion  # it does not count
    linear = {name: learner.linear(name, histories, setting) for name, setting in settings.items()}
    final = learner.fit(histories, linear, scales, "all events", reused)
    mean, rating_deviation = rating_scale(histories.ratings)
    preferences = Preferences.assemble(
        PreferenceConfig(
            fusion=final.fusion.network.config,
            rating_mean=mean,
            rating_deviation=rating_deviation,
            recencies={name: factors.recency for name, factors in final.linear.items()},
            weights=weights,
            new_weights=new_weights,
            content_weight=content_weight,
            listed=config.k,
        ),
        final.fusion.network.cpu().eval(),
        final.linear,
        final.foretold,
        final.popularity,
        ids=ids,
        known=np.bincount(histories.items, minlength=len(ids)) > 0,
        features=features,
    )
    judge = _NewItems.of(preferences, histories, features, content, config)
    waiting = deserved_share(histories, shown, hidden, len(ids))
    preferences = judge.place(preferences, "new_bias", ~preferences.known, waiting)
    added = preferences.known & (np.arange(len(ids)) % 10 == 0)
    preferences = judge.place(preferences, "added_bias", added, float(added.mean()))
    record = TrainingRecord(
        users=len(histories),
        items=len(ids),
        events=len(histories.items),
        seed=seed,
        metrics={f"ndcg@{config.k}": ndcg, f"ndcg@{config.k} of new items": new_ndcg},
        settings=changed(config),
        losses=tuple(final.fusion.losses),
    )
    return Trained(replace(preferences, record=record), ndcg, new_ndcg, time.monotonic() - started)


@contextmanager
def _deterministic() -> Iterator[None]:
    """Sums in a fixed order, so that the same seed gives the same model."""
    before, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS asks for
    # On CUDA the quicker kinds of attention add gradients up in any order.
    attention = sdpa_kernel(SDPBackend.MATH) if device().type == "cuda" else nullcontext()
    try:
        with attention:
            yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


def deserved_share(histories: Histories, shown: Histories, hidden: BoolArray, count: int) -> float:
    """The share of list places that items without an event deserve, as far as the log tells.

    They deserve at least what the hidden events give to items that no other one knows. Where the log has an order, some
    are merely as rare as those with one event; how many is told by the rarest ones (Chao 1984, "Nonparametric Estimation
    of the Number of Classes in a Population"). The others must be new, and deserve their share of the catalogue. Without
    an order, they may as well be old ones that nobody likes: the hidden events, drawn at random, tell all, and the places
    are mostly lost, since of many unheard-of items hardly anything tells which it will be.

    Args:
        histories: all events.
        shown: those that were not hidden.
        hidden: which were: the newest of each user, or random ones.
        count: n, the number of items.
    """
    others = np.bincount(shown.items, minlength=count)
    found = histories.items[hidden]
    of_hidden = float((others[found] == 0).mean()) if len(found) else 0.0
    if not _ordered(histories):
        return UNORDERED * of_hidden
    events = np.bincount(histories.items, minlength=count)
    none, once, twice = (int((events == times).sum()) for times in range(3))
    rare = once * (once - 1) / (2 * (twice + 1))
    return max((none - rare) / count, of_hidden, 0.0)


def _ordered(histories: Histories) -> bool:
    """Whether the order of events means something for most users."""
    return bool(histories.ordered.mean() > 0.5)


@dataclass(frozen=True)
class _NewItems:
    """Finds what to add to the scores of new items, so that they get the places that they deserve."""

    histories: Histories
    features: Mapping[str, FloatArray]
    content: FloatArray
    config: TrainingConfig
    users: IntArray
    """Whose lists are looked at."""
    asked: FloatArray
    """Their vectors: the blocks of their preferences, and the mean contents of their histories."""

    @classmethod
    def of(
        cls,
        preferences: Preferences,
        histories: Histories,
        features: Mapping[str, FloatArray],
        content: FloatArray,
        config: TrainingConfig,
    ) -> Self:
        """Draw users evenly; their vectors depend on no bias."""
        events = preferences.event_block(preferences.ids, features)
        most = max(1, min(1000, config.most_scores // len(content)))
        users = np.linspace(0, len(histories) - 1, min(most, len(histories))).astype(int)
        rows = preferences.user_blocks(
            (events[histories.items[histories.of(u)]], histories.ratings[histories.of(u)].tolist()) for u in users
        )
        means = np.stack([_mean_content(content, histories, int(user)) for user in users])
        return cls(histories, features, content, config, users, np.hstack([rows, means]))

    def place(self, preferences: Preferences, bias: str, new: BoolArray, share: float) -> Preferences:
        """The preferences with this bias: with it, the (n,) new items get a share of the places in lists.

        Known items stand for such as come later.
        """
        if not new.any():
            return preferences
        stand_in = new & preferences.known
        ids = [f"\0{item_id}" if other else item_id for item_id, other in zip(preferences.ids, stand_in, strict=True)]
        items = np.hstack(
            [preferences.item_block(ids, self.features), preferences.config.content_weight * self.content]
        )
        scores = self.asked @ items.T
        for row, user in enumerate(self.users):
            scores[row, self.histories.items[self.histories.of(int(user))]] = -np.inf
        k = min(self.config.k, len(new))
        of_known, of_new = _highest(scores[:, ~new], k), _highest(scores[:, new], k)
        target = min(self.config.new_share * share, self.config.most_new) * k
        low, high = -20.0, 20.0
        for _ in range(24):
            tried = (low + high) / 2
            listed = np.sort(np.hstack([of_known, of_new + tried]), axis=1)[:, -k, None]  # (u, 1) the score of the last
            placed = np.isfinite(of_new) & (of_new + tried >= listed)
            low, high = (tried, high) if placed.sum(1).mean() < target else (low, tried)
        config = preferences.config.model_copy(update={bias: round((low + high) / 2, 4)})
        return replace(preferences, config=config)


def _highest(scores: FloatArray, k: int) -> FloatArray:
    """(u, k) highest of (u, n) scores, -inf where there are fewer."""
    best = torch.from_numpy(scores).topk(min(k, scores.shape[1]), sorted=False)[0].numpy()
    return np.pad(best, ((0, 0), (0, k - best.shape[1])), constant_values=-np.inf)


def _mean_content(content: FloatArray, histories: Histories, user: int) -> FloatArray:
    items = histories.items[histories.of(user)]
    return age_weights(len(items), CONTENT_RECENCY) @ content[items]


@dataclass(frozen=True)
class _Setting:
    """What validation chose for a linear model."""

    penalty: float
    recency: float
    dropout: float
    evenness: float


@dataclass(frozen=True)
class _Learner:
    """The catalogue and how to learn from it."""

    features: Mapping[str, FloatArray]
    content: FloatArray
    count: int
    seed: int
    config: TrainingConfig
    progress: Progress

    def fit(
        self,
        histories: Histories,
        linear: dict[str, Factors],
        scales: Scales,
        what: str,
        fusion: FusionRun | None = None,
    ) -> _Models:
        """All models of these histories: the linear ones as given, a fusion network too if one is, the others trained."""
        if fusion is None:
            order = {name: rows.shape[1] for name, rows in self.features.items() if name in SEQUENCE_FEATURES}
            fusion = FusionRun(
                histories,
                {name: self.features[name] for name in order},
                FusionConfig(**self.config.shape.model_dump(), items=self.count, features=order),
                self.config.fusion,
                self.seed,
            )
            fusion.fit(f"learning from {what}: order", self.progress)
        popularity = _popularity(histories, self.count)
        return _Models(fusion, linear, self._foretold(histories, linear["co_liked"], popularity, scales), popularity)

    def choose_linear(
        self, shown: Histories, histories: Histories, hidden: BoolArray
    ) -> tuple[dict[str, _Setting], dict[str, Factors]]:
        """The penalty and the recency of each linear model that rank held-out events best alone, and these models."""
        ordered = _ordered(shown)
        recencies = self.config.recencies if ordered else (ALL_ALIKE,)
        users, relevant, seen = self._validation(histories, hidden)
        settings: dict[str, _Setting] = {}
        models: dict[str, Factors] = {}
        for name in ("co_liked", "next_liked") if ordered else ("co_liked",):
            kinds = self.config.co_liked_kinds if name == "co_liked" else ((0.0, 0.0),)
            best, done = -1.0, 0
            for dropout, evenness in kinds:
                regression = self._regression(name, shown, evenness)
                for penalty in self.config.penalties:
                    left, right = regression.factors(penalty, self.seed, self._rank(name), dropout)
                    for recency in recencies:
                        scores = user_rows(shown, left, recency, users) @ right.T
                        contest = Contest({name: scores}, relevant, seen, self.config.k)
                        value = contest.ndcg(contest.total({name: 1.0}))
                        if value > best:
                            best, models[name] = value, Factors(left, right, recency)
                            settings[name] = _Setting(penalty, recency, dropout, evenness)
                    done += 1
                    self.progress(f"choosing penalties: {name}", done, len(kinds) * len(self.config.penalties))
            logger.info("%s: %s, validation ndcg %.4f", name, settings[name], best)
        return settings, models

    def choose_known(
        self, models: _Models, shown: Histories, histories: Histories, hidden: BoolArray
    ) -> tuple[dict[str, float], float, float, float]:
        """The weights that rank the hidden events best, the one of raw content, the deviation and the ndcg they give."""
        users, relevant, seen = self._validation(histories, hidden)
        scores = {"sequence": models.fusion.user_vectors()[users] @ models.fusion.item_vectors().T}
        result = {"sequence": _standard(scores["sequence"].cpu().numpy())}
        for name, factors in models.linear.items():
            result[name] = _standard(user_rows(shown, factors.left, factors.recency, users) @ factors.right.T)
        left = models.linear["co_liked"].left
        result["foretold"] = _standard(user_rows(shown, left, ALL_ALIKE, users) @ models.foretold.right.T)
        result["popularity"] = np.tile(models.popularity, (len(users), 1))
        means = user_rows(shown, self.content, CONTENT_RECENCY, users) @ self.content.T
        scale = max(float(means.std(1).mean()), 1e-6)
        result["content"] = means / scale
        contest = Contest(result, relevant, seen, self.config.k)
        weights, best = choose_weights([contest], list(result))
        total = sum(np.float32(weights[name]) * each for name, each in result.items())
        return weights, weights["content"] / scale, float(np.std(total, axis=1).mean()), best

    def choose_scales(self, histories: Histories, setting: _Setting) -> tuple[Scales, float, float]:
        """What each modality is worth, the weight of popularity beside, and the ndcg that they reach.

        Ranked are items of which every interaction was hidden, among themselves, over all folds.
        """
        names = sorted(self.features)
        scales, popularity = Scales(dict.fromkeys(names, 1.0), 1.0), 0.35
        random = np.random.default_rng(self.seed)
        known = random.permutation(_most_frequent(histories, MOST_ITEMS))[: self.config.judged_items]
        folds = []
        for number, fold in enumerate(np.array_split(known, self.config.folds)):
            found = self._fold(histories, np.sort(known), np.sort(fold), setting, random)
            folds += [found] if found else []
            self.progress("hiding items", number + 1, self.config.folds)
        if not folds:
            return scales, popularity, 0.0
        best = -1.0

        def attempt(tried: Scales, gain: float = LEAST_GAIN) -> None:
            """Keep what ranks better than all before by so much, with the weight of popularity that suits it."""
            nonlocal scales, popularity, best
            contests = [fold.contest(tried, self.config.k) for fold in folds]
            for weight in POPULARITY_WEIGHTS:
                values = [each.ndcg(each.total({"foretold": 1.0, "popularity": weight})) for each in contests]
                if float(np.mean(values)) > best + gain:
                    scales, popularity, best = tried, weight, float(np.mean(values))

        attempt(scales)
        for turn in range(2):
            for penalty in self.config.content_penalties:
                attempt(replace(scales, penalty=penalty))
            for number, name in enumerate(names):
                others = any(worth for other, worth in scales.of.items() if other != name)
                for worth in self.config.scales:
                    if (worth or others) and worth != scales.of[name]:
                        gain = LEAST_GAIN if worth else -1e-9  # what is worth nothing goes
                        attempt(replace(scales, of={**scales.of, name: worth}), gain)
                self.progress("choosing what content is worth", turn * len(names) + number + 1, 2 * len(names))
        return scales, popularity, best

    def _fold(
        self,
        histories: Histories,
        known: IntArray,
        fold: IntArray,
        setting: _Setting,
        random: np.random.Generator,
    ) -> _Fold | None:
        """What is learned while the items of a fold are hidden, to foretell them from the other known ones."""
        outside = ~np.isin(histories.items, fold)
        shown = histories.select(outside)
        found = np.bincount(histories.owners[~outside], minlength=len(histories))
        users = np.flatnonzero((shown.lengths > 0) & (found > 0))
        users = np.sort(random.permutation(users)[: self.config.judging_users])
        rows = known[np.isin(known, shown.items)]
        if len(users) == 0 or len(fold) < 2 or len(rows) < 2:
            return None
        relevant = np.zeros((len(users), len(fold)), dtype=bool)
        for row, user in enumerate(users):
            own = histories.items[histories.of(int(user))]
            relevant[row, np.searchsorted(fold, own[np.isin(own, fold)])] = True
        factors = self.linear("co_liked", shown, setting)
        targets = np.hstack([factors.right[rows], _popularity(shown, self.count)[rows, None]])
        return _Fold(
            user_rows(shown, factors.left, ALL_ALIKE, users),
            targets,
            kernels(self.features, rows),
            {name: likeness(x[fold], x[rows]) for name, x in self.features.items()},
            relevant,
        )

    def _validation(self, histories: Histories, hidden: BoolArray) -> tuple[IntArray, BoolArray, BoolArray]:
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

    def linear(self, name: str, histories: Histories, setting: _Setting) -> Factors:
        """The linear model of this name, with these settings."""
        regression = self._regression(name, histories, setting.evenness)
        left, right = regression.factors(setting.penalty, self.seed, self._rank(name), setting.dropout)
        return Factors(left, right, setting.recency)

    def _regression(self, name: str, histories: Histories, evenness: float) -> Regression:
        if name == "co_liked":
            return co_liked(histories, self.count, evenness=evenness)
        return next_liked(histories, self.count, recency=self.config.next_recency)

    def _rank(self, name: str) -> int:
        return self.config.rank if name == "co_liked" else self.config.rank // 2

    def _foretold(self, histories: Histories, factors: Factors, popularity: FloatArray, scales: Scales) -> Foretold:
        rows = _most_frequent(histories, MOST_ITEMS)
        targets = np.hstack([factors.left, factors.right, popularity[:, None]])
        fitted, left_out = fit_map(self.features, rows, targets[rows], scales)
        rank = factors.left.shape[1]
        expected = np.zeros((self.count, rank), np.float32)
        expected[rows] = left_out[:, rank : 2 * rank]
        others = np.setdiff1d(histories.items, rows)
        expected[others] = fitted.of(self.features, others)[:, rank : 2 * rank]
        return Foretold(fitted, expected)


@dataclass(frozen=True)
class _Fold:
    """Items whose every interaction was hidden, and what the others taught meanwhile."""

    users: FloatArray  # (u, r)
    targets: FloatArray  # (k, r + 1)
    products: Mapping[str, FloatArray]  # modality to (k, k), of the others
    across: Mapping[str, FloatArray]  # modality to (f, k), of the hidden ones with the others
    relevant: BoolArray  # (u, f)

    def contest(self, scales: Scales, k: int) -> Contest:
        """The hidden items as these scales rank them, by taste and by popularity."""
        dual, left_out = solve(self.products, self.targets, scales)
        shape = self.relevant.shape[1], len(self.targets)
        expected = combined(self.across, scales, shape) @ dual.astype(np.float32) + self.targets.mean(0)  # (f, r + 1)
        taste = self.users @ expected[:, :-1].T / deviations(self.users, left_out[:, :-1])
        popularity = np.tile(expected[:, -1], (len(self.users), 1))
        return Contest({"foretold": taste, "popularity": popularity}, self.relevant, None, k)


def _most_frequent(histories: Histories, most: int) -> IntArray:
    """The items that have events, those with most of them where there are more than `most`; in order of place."""
    counts = np.bincount(histories.items)
    frequent = np.argsort(-counts, kind="stable")[:most]
    return np.sort(frequent[counts[frequent] > 0])


def _popularity(histories: Histories, count: int) -> FloatArray:
    """(n,) how often each item was liked, in deviations of the logarithm; 0 where it never was."""
    counts = np.bincount(histories.items, minlength=count)
    known = counts > 0
    logs = np.log1p(counts)
    deviation = float(logs[known].std()) or 1.0
    return np.where(known, (logs - logs[known].mean()) / deviation, 0).astype(np.float32)


def _standard(scores: FloatArray) -> FloatArray:
    """Each row divided by its deviation."""
    return np.asarray(scores / np.maximum(scores.std(1, keepdims=True), 1e-6), dtype=np.float32)
