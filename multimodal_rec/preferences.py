"""What was learned from interactions, as a query needs it: items and histories to vectors of one inner product.

An item has two vectors here. As a *candidate*, one block a model of taste, weighted, then whether it is new, popularity
last; as an *event* of a history, what the models read of it. A user's block is divided by the deviation of its scores
over the known items, so that weights mean the same for every user; and what a new item's score starts from is the score
that an item needs to be listed for this user, so that new items come among the last of a list for everybody, rather than
first for some and never for others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file

from multimodal_rec.array_files import save_arrays
from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.factors import Factors
from multimodal_rec.foretell import ContentMap
from multimodal_rec.fusion import FusionConfig, FusionNetwork
from multimodal_rec.histories import ALL_ALIKE, age_weights
from multimodal_rec.history_reader import HistoryReader
from multimodal_rec.model_card import TrainingRecord
from multimodal_rec.threads import one_thread

WEIGHTS_FILE = "model.safetensors"
FACTORS_FILE = "factors.safetensors"
CONFIG_FILE = "config.json"
ITEMS_FILE = "items.json"
EVENT_ROWS_FILE = "events.npy"
EVENT_IDS_FILE = "events.json"

MOST_FREQUENT = 1000
"""Items, those with most events, that tell which score a listed item has."""


class PreferenceConfig(BaseModel):
    """All of a preference model but its arrays."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    fusion: FusionConfig
    """The shape of the fusion network."""
    rating_mean: float
    """Mean rating of the training events, 0 where none is rated."""
    rating_deviation: float
    """Standard deviation of the training events' ratings, 1 where none is rated."""
    recencies: dict[str, float]
    """Decay of history events in places, for each linear model."""
    weights: dict[str, float]
    """Weight of each model for items seen in training, in deviations of its scores."""
    new_weights: dict[str, float]
    """The same for items never seen in training, of the models that can place them."""
    content_weight: float = 0.0
    """Weight of the history's mean content."""
    new_bias: float = 0.0
    """Added to the score of items without an event in training, so that they get their share of places."""
    added_bias: float = 0.0
    """The same for items that came into the catalogue after the training."""
    listed: int = 20
    """Length of the lists that the biases are made for."""


@dataclass(frozen=True)
class Foretold:
    """What content lets expect of items: their co-liked factors, left and right, and their popularity.

    Known items, too, have what content alone would expect: it is a second opinion on those with few events.
    """

    map: ContentMap
    """From features to the left factors, the right factors and the popularity: t = 2 r + 1."""
    right: FloatArray  # (n, r) of the training's items, each from the other ones

    def expected(self, features: Mapping[str, FloatArray], new: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(n, r) left factors, (n, r) right factors and (n,) popularity of the new ones of n items, zero for others."""
        rank = self.right.shape[1]
        result = np.zeros((len(new), 2 * rank + 1), np.float32)
        result[new] = self.map.of(features, np.flatnonzero(new))
        return result[:, :rank], result[:, rank : 2 * rank], result[:, -1]


@dataclass(frozen=True)
class EventVectors:
    """The event blocks of a release's items, read from disk as they are needed."""

    ids: list[str]
    rows: FloatArray  # (n, e)

    def of(self, ids: Sequence[str]) -> FloatArray:
        """(L, e) event blocks of these items."""
        return np.asarray(self.rows[[self._rows_of[item_id] for item_id in ids]], dtype=np.float32)

    @cached_property
    def _rows_of(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.ids)}

    def with_rows(self, ids: Sequence[str], rows: FloatArray) -> Self:
        """The same with (m, e) event blocks of these items added, or in the place of those that they had."""
        new = [place for place, item_id in enumerate(ids) if item_id not in self._rows_of]
        known = [place for place in range(len(ids)) if ids[place] in self._rows_of]
        joined = np.concatenate([self.rows, rows[new]])
        joined[[self._rows_of[ids[place]] for place in known]] = rows[known]
        return type(self)([*self.ids, *(ids[place] for place in new)], joined)

    @classmethod
    def joined(cls, pages: Sequence[Self]) -> Self:
        """The event blocks of the items of all these."""
        ids = [item_id for page in pages for item_id in page.ids]
        return cls(ids, np.concatenate([page.rows for page in pages]))

    def save(self, folder: Path) -> None:
        """Write ids and rows into an existing folder."""
        np.save(folder / EVENT_ROWS_FILE, self.rows)
        (folder / EVENT_IDS_FILE).write_text(json.dumps(self.ids, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what `save` wrote."""
        ids = json.loads((folder / EVENT_IDS_FILE).read_text(encoding="utf-8"))
        return cls(ids, np.load(folder / EVENT_ROWS_FILE, mmap_mode="r", allow_pickle=False))


def deviations(users: FloatArray, items: FloatArray) -> FloatArray:
    """(u, 1) standard deviations over the (n, r) items of the scores of (u, r) users."""
    return _deviations(users, _covariance(items))


def _covariance(items: FloatArray) -> FloatArray:
    """(r, r) covariance of the coordinates of (n, r) items."""
    return np.cov(items.T, ddof=0).astype(np.float32).reshape(items.shape[1], -1)


def _deviations(users: FloatArray, covariance: FloatArray) -> FloatArray:
    variances = ((users @ covariance) * users).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(variances, 1e-12))[:, None], dtype=np.float32)


@dataclass(frozen=True)
class Preferences:
    """All models of taste and their weights, over the n items of the catalogue that they were trained on."""

    config: PreferenceConfig
    network: FusionNetwork
    linear: dict[str, Factors]
    foretold: Foretold
    popularity: FloatArray
    """(n,) how often each was liked, in deviations of the logarithm; 0 where it never was."""
    covariances: dict[str, FloatArray]
    """Model to (r, r), of the vectors of known items."""
    frequent: FloatArray
    """(f, dim) blocks of the known items with most events, as candidates before they are weighted."""
    ids: tuple[str, ...]
    known: BoolArray
    """(n,) which items had an event in training."""
    record: TrainingRecord | None = None
    """What it was trained on, None where that is not known."""

    @classmethod
    def assemble(
        cls,
        config: PreferenceConfig,
        network: FusionNetwork,
        linear: dict[str, Factors],
        foretold: Foretold,
        popularity: FloatArray,
        *,
        ids: Sequence[str],
        known: BoolArray,
        features: Mapping[str, FloatArray],
    ) -> Self:
        """Put trained models together; `features` are those of the training's items."""
        nothing = np.zeros((0, 0), np.float32)
        bare = cls(config, network, linear, foretold, popularity, {}, nothing, tuple(ids), known)

        places = np.flatnonzero(known)
        right = bare._right(places, {name: rows[places] for name, rows in features.items()}, foretold.right[places])
        covariances = {name: _covariance(rows) for name, rows in right.items()}
        most = np.argsort(-popularity[places], kind="stable")[:MOST_FREQUENT]
        rows = [rows[most] for rows in right.values()]
        frequent = np.hstack([*rows, np.zeros((len(most), 1), np.float32), popularity[places[most], None]])
        return replace(bare, covariances=covariances, frequent=frequent)

    @property
    def dim(self) -> int:
        """Dimensions of a candidate's and a user's block."""
        sizes = [self.config.fusion.dim + 1, *(x.right.shape[1] for x in self.linear.values())]
        return sum([*sizes, self.foretold.right.shape[1], 2])

    def item_block(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> FloatArray:
        """(n, dim) blocks of items as candidates.

        Args:
            ids: of the n items.
            features: for each modality float32 (n, d_m), zero where an item lacks it.
        """
        places = self._places(ids)
        new = places < 0
        _, expected_right, expected = self.foretold.expected(features, new)
        blocks = []
        for name, right in self._right(places, features, expected_right).items():
            weight = np.where(new, self.config.new_weights.get(name, 0.0), self.config.weights.get(name, 0.0))
            blocks.append(right * weight[:, None].astype(np.float32))
        blocks.append(new[:, None].astype(np.float32))
        known = self.config.weights["popularity"] * self.popularity[places]
        added = np.array([item_id not in self._place_of for item_id in ids], dtype=bool)
        bias = np.where(added, self.config.added_bias, self.config.new_bias)
        of_new = self.config.new_weights["popularity"] * expected + bias
        blocks.append(np.where(new, of_new, known)[:, None].astype(np.float32))
        return np.hstack(blocks)

    def event_block(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> FloatArray:
        """(n, e) blocks of items as events of histories; arguments as in `item_block`."""
        return np.hstack(list(self._left(ids, features).values()))

    def user_blocks(self, histories: Iterable[tuple[FloatArray, Sequence[float | None]]]) -> FloatArray:
        """(u, dim) blocks of users.

        Args:
            histories: for each user the (L, e) event blocks and the ratings, oldest first; L = 0 gets what is popular.
        """
        with one_thread:
            rows = [self._user(events, ratings) for events, ratings in histories]
        return np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model as a folder: safetensors, config.json, a card (README.md) and the curve of its loss.

        Raises:
            WorkspaceError: the folder exists already, or cannot be written.
        """
        path = Path(folder)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.save(path)
        except OSError as error:
            raise WorkspaceError(f"{path} cannot be written ({error.strerror}): name a new folder") from error

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Read what `save_pretrained` wrote, or the `preferences` folder of a release.

        Raises:
            WorkspaceError: it is no such folder, or a file of it is damaged.
        """
        try:
            return cls.load(Path(folder))
        except (OSError, ValueError, KeyError, RuntimeError, TypeError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WorkspaceError(f"{folder} holds no readable model ({reason}): save or build it again") from error

    def save(self, folder: Path) -> None:
        """Write arrays, configuration and item ids, and what is known of the training, into a new folder."""
        folder.mkdir()
        weights = {name: tensor.numpy() for name, tensor in self.network.state_dict().items()}
        save_arrays(folder / WEIGHTS_FILE, weights)
        arrays: dict[str, npt.NDArray[Any]] = {"popularity": self.popularity, "foretold.right": self.foretold.right}
        arrays |= {f"map.{name}": array for name, array in self.foretold.map.arrays().items()}
        for name, factors in self.linear.items():
            arrays |= {f"linear.{name}.left": factors.left, f"linear.{name}.right": factors.right}
        arrays |= {f"covariance.{name}": covariance for name, covariance in self.covariances.items()}
        arrays |= {"frequent": self.frequent, "known": self.known}
        save_arrays(folder / FACTORS_FILE, arrays)
        (folder / CONFIG_FILE).write_text(self.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (folder / ITEMS_FILE).write_text(json.dumps(self.ids, ensure_ascii=False), encoding="utf-8")
        if self.record:
            self.record.write(folder, self.config)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        config = PreferenceConfig.model_validate_json((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        network = FusionNetwork(config.fusion).eval()
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
        arrays = load_arrays(folder / FACTORS_FILE)

        def group(prefix: str) -> dict[str, npt.NDArray[Any]]:
            return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}

        linear = {
            name: Factors(arrays[f"linear.{name}.left"], arrays[f"linear.{name}.right"], recency)
            for name, recency in config.recencies.items()
        }
        return cls(
            config,
            network,
            linear,
            Foretold(ContentMap.of_arrays(group("map.")), arrays["foretold.right"]),
            arrays["popularity"],
            group("covariance."),
            arrays["frequent"],
            tuple(json.loads((folder / ITEMS_FILE).read_text(encoding="utf-8"))),
            arrays["known"].astype(bool),
            TrainingRecord.load(folder),
        )

    def _user(self, events: FloatArray, ratings: Sequence[float | None]) -> FloatArray:
        result = np.zeros(self.dim, np.float32)
        result[-1] = 1.0
        if not len(events):
            result[-2] = self._listed_score(result, 0)
            return result
        dim, start, taken = self.config.fusion.dim, 0, 0
        newest = slice(-self.config.fusion.history, None)
        standard = np.array([self._standardised(rating) for rating in ratings[newest]], np.float32)
        parts = [("sequence", self._reader(events[newest, :dim], standard))]
        taken = dim
        for name, factors in self.linear.items():
            size = factors.left.shape[1]
            own = events[:, taken : taken + size]
            parts.append((name, age_weights(len(events), factors.recency) @ own))
            if name == "co_liked":
                foretold = age_weights(len(events), ALL_ALIKE) @ own
            taken += size
        parts.append(("foretold", foretold))
        for name, part in parts:
            result[start : start + len(part)] = part / _deviations(part[None], self.covariances[name])[0]
            start += len(part)
        result[-2] = self._listed_score(result, len(events))
        return result

    def _listed_score(self, user: FloatArray, events: int) -> np.float32:
        """About the score that an item needs to be in a list of this (dim,) user.

        Lists leave out what was liked already, about half of which would rank ahead.
        """
        scores = self.frequent @ (user * self._known_weights)
        place = min(self.config.listed + events // 2, len(scores)) - 1
        return np.float32(-np.partition(-scores, place)[place])

    @cached_property
    def _reader(self) -> HistoryReader:
        return HistoryReader.of(self.network.history_encoder, self.config.fusion)

    @cached_property
    def _known_weights(self) -> FloatArray:
        """(dim,) the weight of each place of a known item's block."""
        sizes = {"sequence": self.config.fusion.dim + 1, **{name: x.right.shape[1] for name, x in self.linear.items()}}
        sizes |= {"foretold": self.foretold.right.shape[1], "new": 1, "popularity": 1}
        weights = [np.full(size, self.config.weights.get(name, 0.0), np.float32) for name, size in sizes.items()]
        return np.concatenate(weights)

    def _right(
        self, places: IntArray, features: Mapping[str, FloatArray], expected: FloatArray
    ) -> dict[str, FloatArray]:
        """Model to (n, r) vectors of candidates, zero where a model cannot place an item; of new ones the expected."""
        seen = (places >= 0)[:, None]
        result = {"sequence": self._tokens(places, features)}
        result |= {name: np.where(seen, x.right[places], np.float32(0)) for name, x in self.linear.items()}
        result["foretold"] = np.where(seen, self.foretold.right[places], expected)
        return result

    def _left(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Model to (n, r) vectors of events."""
        places = self._places(ids)
        seen = (places >= 0)[:, None]
        result = {"sequence": self._tokens(places, features)[:, :-1]}
        result |= {name: np.where(seen, x.left[places], np.float32(0)) for name, x in self.linear.items()}
        expected, _, _ = self.foretold.expected(features, places < 0)
        result["co_liked"] = np.where(seen, result["co_liked"], expected)
        return result

    def _tokens(self, places: IntArray, features: Mapping[str, FloatArray]) -> FloatArray:
        """(n, dim + 1) item vectors of the fusion network."""
        known = torch.from_numpy((places >= 0).astype(np.float32))
        index = torch.from_numpy(np.maximum(places, 0))
        blocks = []
        with torch.inference_mode():
            for rows in torch.arange(len(places)).split(8192):
                inputs = {
                    name: torch.from_numpy(features[name])[rows] if name in features else torch.zeros(len(rows), size)
                    for name, size in self.config.fusion.features.items()
                }
                blocks.append(self.network.item_tower(index[rows], inputs, known[rows]).numpy())
        return np.concatenate(blocks) if blocks else np.zeros((0, self.config.fusion.dim + 1), np.float32)

    def _places(self, ids: Sequence[str]) -> IntArray:
        """(n,) places among the training's items, -1 for those without an event there."""
        places = np.array([self._place_of.get(item_id, -1) for item_id in ids], dtype=np.int64)
        return np.where(self.known[places], places, -1) if len(self.known) else places

    @cached_property
    def _place_of(self) -> dict[str, int]:
        return {item_id: place for place, item_id in enumerate(self.ids)}

    def _standardised(self, rating: float | None) -> float:
        if rating is None or np.isnan(rating):
            return 0.0
        return (rating - self.config.rating_mean) / self.config.rating_deviation
