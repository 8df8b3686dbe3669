"""The rating that a user would give an item, on the log's own scale.

    rating = mean + bias of the item + bias of the user + item factors · user factors

Items have a bias and factors of their own, drawn to what their content lets expect; what is known of a user is solved
for from the ratings in their history, so users need no table and new ones no training. All are least squares with L2
penalties (Zhou et al. 2008, "Large-scale Parallel Collaborative Filtering for the Netflix Prize").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict
from safetensors.numpy import load_file

from multimodal_rec.array_files import save_arrays
from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.foretell import ContentMap

CONFIG_FILE = "ratings.json"
ARRAYS_FILE = "ratings.safetensors"
SOLVED_TOGETHER = 8192
"""Users or items whose equations are in memory at once."""


class RatingConfig(BaseModel):
    """All of a rating model but its arrays."""

    model_config = ConfigDict(frozen=True)

    mean: float
    """Of all ratings."""
    low: float
    """Lowest rating seen: no prediction is below."""
    high: float
    """Highest rating seen: no prediction is above."""
    factors: int = 0
    """Of each item, 0 for biases alone."""
    penalty: float = 0.0
    """Of the factors, for each rating."""
    bias_penalty: float = 3.0
    """Of the biases, in ratings that equal what is expected."""
    slope: float = 1.0
    """What a deviation from the mean is multiplied by, so that held-out ratings deviate as much as predicted."""
    rmse: float | None = None
    """Root mean square error on held-out ratings."""
    bias_rmse: float | None = None
    """That of biases alone."""

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured on held-out ratings."""
        measured = {"validation_rmse": self.rmse, "validation_rmse_biases": self.bias_rmse}
        return {name: value for name, value in measured.items() if value is not None}

    def rating(self, deviations: FloatArray) -> FloatArray:
        """Ratings that deviate so from the mean, inside the scale."""
        return np.clip(self.mean + self.slope * deviations, self.low, self.high).astype(np.float32)


@dataclass(frozen=True)
class RatingModel:
    """n items as ratings see them. A row is the item's bias and its factors."""

    config: RatingConfig
    ids: tuple[str, ...]
    rows: FloatArray  # (n, 1 + f)
    rated: BoolArray  # (n,) whether any rating taught the row; else it is what content lets expect
    content: ContentMap  # to (1 + f,)

    def __contains__(self, item_id: object) -> bool:
        """Whether there is an item of this id."""
        return item_id in self._row_of

    def predict(self, history: Iterable[tuple[str, float | None]], items: Sequence[str]) -> FloatArray:
        """(m,) ratings of these items by a user with this history of item ids and ratings, oldest first.

        Raises:
            KeyError: an item is not in the model; those of the history are passed over.
        """
        wanted = self.rows[[self._row_of[item_id] for item_id in items]]
        known = {i: float(r) for i, r in history if r is not None and np.isfinite(r) and i in self._row_of}
        own = self.rows[[self._row_of[item_id] for item_id in known]]
        values = np.fromiter(known.values(), np.float32, len(known))
        nothing = np.zeros((1, self.rows.shape[1]), np.float32)
        user = solve(own, values, np.array([0, len(own)]), nothing, self.config)[0]
        return self.config.rating(wanted[:, 0] + user[0] + wanted[:, 1:] @ user[1:])

    def of_catalogue(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> Self:
        """The same for another catalogue: rated items keep their rows, others get what their content lets expect.

        Args:
            ids: of the n items.
            features: for each modality float32 (n, d_m), zero where an item lacks it.
        """
        places = np.array([self._row_of.get(item_id, -1) for item_id in ids], np.int64)
        rated = (places >= 0) & self.rated[places]
        rows = self.rows[places]
        rows[~rated] = self.content.of(features, np.flatnonzero(~rated))
        return replace(self, ids=tuple(ids), rows=rows, rated=rated)

    def with_items(self, ids: Sequence[str], features: Mapping[str, FloatArray]) -> Self:
        """The same with these items added, or with what their content now lets expect; arguments as `of_catalogue`."""
        changed = set(ids)
        others = [place for place, item_id in enumerate(self.ids) if item_id not in changed]
        kept = replace(
            self, ids=tuple(self.ids[place] for place in others), rows=self.rows[others], rated=self.rated[others]
        )
        return self.joined([kept, self.of_catalogue(ids, features)])

    @classmethod
    def joined(cls, models: Sequence[Self]) -> Self:
        """One for the items of all these, which differ in their items alone."""
        return replace(
            models[0],
            ids=tuple(item_id for model in models for item_id in model.ids),
            rows=np.concatenate([model.rows for model in models]),
            rated=np.concatenate([model.rated for model in models]),
        )

    def save(self, folder: Path) -> None:
        """Write settings, item ids and arrays into an existing folder."""
        arrays = {f"map.{name}": array for name, array in self.content.arrays().items()}
        arrays |= {"rows": self.rows, "rated": self.rated.astype(np.uint8)}
        save_arrays(folder / ARRAYS_FILE, arrays)
        text = json.dumps(self.config.model_dump() | {"ids": self.ids}, ensure_ascii=False)
        (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        fields = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        ids = tuple(fields.pop("ids"))
        arrays = load_file(folder / ARRAYS_FILE)
        of_map = {name.removeprefix("map."): x for name, x in arrays.items() if name.startswith("map.")}
        content = ContentMap.of_arrays(of_map)
        return cls(RatingConfig.model_validate(fields), ids, arrays["rows"], arrays["rated"].astype(bool), content)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self.ids)}


def load_ratings(folder: Path) -> RatingModel | None:
    """The rating model of a folder, None where it has none."""
    return RatingModel.load(folder) if (folder / CONFIG_FILE).is_file() else None


def solve(
    others: FloatArray, values: FloatArray, bounds: IntArray, expected: FloatArray, config: RatingConfig
) -> FloatArray:
    """(n, 1 + f) bias and factors of users, given items, or of items, given users; who has no rating gets the expected.

    Args:
        others: (R, 1 + f) bias and factors of the other side of each rating.
        values: (R,) the ratings.
        bounds: (n + 1,) the ratings of i are those in `bounds[i]:bounds[i + 1]`.
        expected: (n, 1 + f) where each is drawn to.
        config: mean and penalties.
    """
    inputs = others.copy()
    inputs[:, 0] = 1
    outputs = values - config.mean - others[:, 0]
    result = np.empty_like(expected)
    width = others.shape[1]
    for start in range(0, len(expected), SOLVED_TOGETHER):
        size = min(SOLVED_TOGETHER, len(expected) - start)
        grams, sides = np.empty((size, width, width), np.float32), np.empty((size, width), np.float32)
        for place in range(size):
            own = slice(bounds[start + place], bounds[start + place + 1])
            grams[place] = inputs[own].T @ inputs[own]
            sides[place] = outputs[own] @ inputs[own]
        counts = np.diff(bounds[start : start + size + 1])
        penalties = np.empty((size, width), np.float32)
        penalties[:] = config.penalty * (counts + config.bias_penalty)[:, None]
        penalties[:, 0] = config.bias_penalty
        grams[:, np.arange(width), np.arange(width)] += penalties
        sides += penalties * expected[start : start + size]
        result[start : start + size] = np.linalg.solve(grams, sides[:, :, None])[:, :, 0]
    return result
