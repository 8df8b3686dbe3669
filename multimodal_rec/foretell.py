"""What its content lets expect of an item that nobody has touched: its place among tastes, and its popularity.

A kernel ridge regression from content to the factors that interactions gave the known items (Gantner et al. 2010,
"Learning Attribute-to-Feature Mappings for Cold-Start Recommendations"), over all modalities at once, each scaled by
what it is worth. It is solved among items, so that its size is that of the known ones, whatever the features' number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from multimodal_rec.arrays import FloatArray, IntArray

MOST_ITEMS = 5_000
"""Known items that are learned from."""
ROWS_AT_ONCE = 4096
"""Items whose likenesses are in memory at once."""


@dataclass(frozen=True)
class Scales:
    """What each modality is worth, and the L2 penalty in units of an item's mean likeness to itself."""

    of: Mapping[str, float]
    penalty: float


@dataclass(frozen=True)
class ContentMap:
    """What the likeness of an item to k known ones lets expect of t targets."""

    items: dict[str, npt.NDArray[np.float16]]  # modality to (k, d_m), of the known ones
    dual: FloatArray  # (k, t)
    mean: FloatArray  # (t,)
    scales: Scales

    @classmethod
    def constant(cls, mean: FloatArray) -> Self:
        """The map that expects the same (t,) of everything."""
        return cls({}, np.zeros((0, len(mean)), np.float32), mean, Scales({}, 1.0))

    def __call__(self, features: Mapping[str, FloatArray], count: int) -> FloatArray:
        """(count, t) expected targets; what an item lacks tells nothing."""
        result = np.tile(self.mean, (count, 1))
        names = [name for name in self.items if name in features]
        known = {name: self.items[name].astype(np.float32) for name in names}
        for start in range(0, count if names else 0, ROWS_AT_ONCE):
            rows = {name: features[name][start : start + ROWS_AT_ONCE] for name in names}
            products = {name: likeness(own, known[name]) for name, own in rows.items()}
            shape = len(result[start : start + ROWS_AT_ONCE]), len(self.dual)
            result[start : start + ROWS_AT_ONCE] += combined(products, self.scales, shape) @ self.dual
        return result

    def of(self, features: Mapping[str, FloatArray], rows: IntArray) -> FloatArray:
        """(len(rows), t) expected targets of some of the items that these features are of."""
        return self({name: x[rows] for name, x in features.items() if name in self.items}, len(rows))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it by name, to be saved."""
        arrays: dict[str, npt.NDArray[Any]] = {"dual": self.dual, "mean": self.mean}
        arrays["penalty"] = np.array([self.scales.penalty])
        for name, rows in self.items.items():
            arrays |= {f"items.{name}": rows, f"scale.{name}": np.array([self.scales.of[name]])}
        return arrays

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The map whose arrays these are."""
        items = {name.removeprefix("items."): rows for name, rows in arrays.items() if name.startswith("items.")}
        scales = Scales({name: float(arrays[f"scale.{name}"][0]) for name in items}, float(arrays["penalty"][0]))
        return cls(items, arrays["dual"], arrays["mean"], scales)


def likeness(rows: FloatArray, others: FloatArray) -> FloatArray:
    """(n, k) how alike unit rows are: 1 for equal ones, 0 for unrelated ones and for rows of zeros.

    The exponential of the product, less what unrelated ones have: those that are much alike say more than many that are
    a little so.
    """
    products: FloatArray = rows @ others.T
    return np.asarray(np.expm1(products, out=products) / np.float32(np.expm1(1.0)), np.float32)


def kernels(features: Mapping[str, FloatArray], rows: IntArray) -> dict[str, FloatArray]:
    """Modality to (k, k) likenesses of these items to one another."""
    return {name: likeness(x[rows], x[rows]) for name, x in features.items()}


def solve(
    products: Mapping[str, FloatArray], targets: FloatArray, scales: Scales
) -> tuple[npt.NDArray[np.float64], FloatArray]:
    """(k, t) dual weights of k items, and what is expected of each from all others: (k, t) leave-one-out targets.

    Args:
        products: modality to (k, k) likenesses of the items.
        targets: (k, t).
        scales: of the modalities.
    """
    import torch

    kernel = combined(products, scales, (len(targets), len(targets))).astype(np.float64)
    kernel[np.diag_indices_from(kernel)] += scales.penalty * max(float(np.diag(kernel).mean()), 1e-6)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(torch.from_numpy(kernel))).numpy()
    dual = inverse @ (targets - targets.mean(0))
    return dual, (targets - dual / np.diag(inverse)[:, None]).astype(np.float32)


def combined(products: Mapping[str, FloatArray], scales: Scales, shape: tuple[int, int]) -> FloatArray:
    """The likenesses of all modalities as one; zeros of this shape where there is none."""
    total = np.zeros(shape, np.float32)
    for name, product in products.items():
        if scale := scales.of.get(name, 0.0):
            total += np.float32(scale * scale) * product
    return total


def fit_map(
    features: Mapping[str, FloatArray], rows: Sequence[int] | IntArray, targets: FloatArray, scales: Scales
) -> tuple[ContentMap, FloatArray]:
    """The map that fits known items, and what it would expect of each of them had it not seen that one.

    Args:
        features: modality to (n, d_m) unit rows, zeros where an item lacks it.
        rows: of the k known items to learn from.
        targets: (k, t).
        scales: of the modalities.
    """
    rows = np.asarray(rows, np.int64)
    used = {name: x[rows].astype(np.float16) for name, x in features.items() if scales.of.get(name, 0.0)}
    known = {name: x.astype(np.float32) for name, x in used.items()}  # as they will be read again
    dual, left_out = solve({name: likeness(x, x) for name, x in known.items()}, targets, scales)
    return ContentMap(used, np.asarray(dual, np.float32), np.asarray(targets.mean(0), np.float32), scales), left_out
