"""What its content lets expect of an item that nobody has touched: its place among tastes, and its popularity.

A ridge regression from content to the factors that interactions gave the known items (Gantner et al. 2010, "Learning
Attribute-to-Feature Mappings for Cold-Start Recommendations"), over all modalities at once, each scaled by what it is
worth. It is solved among items, so that its size is that of the known ones, whatever the features' number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

FloatArray = npt.NDArray[np.float32]

MOST_ITEMS = 5_000
"""Known items that are learned from."""


@dataclass(frozen=True)
class Scales:
    """What each modality is worth, and the L2 penalty in units of an item's mean product with itself."""

    of: Mapping[str, float]
    penalty: float


@dataclass(frozen=True)
class ContentMap:
    """A linear map from the features of all modalities to t targets."""

    weights: dict[str, FloatArray]  # modality to (d_m, t)
    mean: FloatArray  # (t,)

    def __call__(self, features: Mapping[str, FloatArray], count: int, targets: slice = slice(None)) -> FloatArray:
        """(count, t) expected targets, or some of them; what an item lacks tells nothing."""
        result = np.tile(self.mean[targets], (count, 1))
        for name, weights in self.weights.items():
            if name in features:
                result += features[name] @ weights[:, targets]
        return result


def kernels(features: Mapping[str, FloatArray], rows: npt.NDArray[np.int64]) -> dict[str, FloatArray]:
    """Modality to (k, k) products of these items with one another."""
    return {name: np.asarray(x[rows] @ x[rows].T, np.float32) for name, x in features.items()}


def solve(
    products: Mapping[str, FloatArray], targets: FloatArray, scales: Scales
) -> tuple[npt.NDArray[np.float64], FloatArray]:
    """(k, t) dual weights of k items, and what is expected of each from all others: (k, t) leave-one-out targets.

    Args:
        products: modality to (k, k) products of the items.
        targets: (k, t).
        scales: of the modalities.
    """
    kernel = combined(products, scales, (len(targets), len(targets))).astype(np.float64)
    kernel[np.diag_indices_from(kernel)] += scales.penalty * max(float(np.diag(kernel).mean()), 1e-6)
    with threadpool_limits(1, user_api="blas"):  # several threads on contended cores take many times as long here
        inverse = np.linalg.inv(kernel)
    dual = inverse @ (targets - targets.mean(0))
    return dual, (targets - dual / np.diag(inverse)[:, None]).astype(np.float32)


def combined(products: Mapping[str, FloatArray], scales: Scales, shape: tuple[int, int]) -> FloatArray:
    """The products of all modalities as one; zeros of this shape where there is none."""
    total = np.zeros(shape, np.float32)
    for name, product in products.items():
        if scale := scales.of.get(name, 0.0):
            total += np.float32(scale * scale) * product
    return total


def fit_map(
    features: Mapping[str, FloatArray], rows: Sequence[int] | npt.NDArray[np.int64], targets: FloatArray, scales: Scales
) -> tuple[ContentMap, FloatArray]:
    """The map that fits known items, and what it would expect of each of them had it not seen that one.

    Args:
        features: modality to (n, d_m), rows of zeros where an item lacks it.
        rows: of the k known items to learn from.
        targets: (k, t).
        scales: of the modalities.
    """
    rows = np.asarray(rows, np.int64)
    dual, left_out = solve(kernels(features, rows), targets, scales)
    weights = {
        name: np.asarray(scale * scale * (x[rows].T.astype(np.float64) @ dual), np.float32)
        for name, x in features.items()
        if (scale := scales.of.get(name, 0.0))
    }
    return ContentMap(weights, np.asarray(targets.mean(0), np.float32)), left_out
