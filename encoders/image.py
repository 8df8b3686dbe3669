"""Pictures to raw features: a way to prepare a picture, and a network that maps a batch of them to features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from encoders.base import Classes, FloatArray, TextEncoder
from encoders.on_demand import NetworkOnDemand

if TYPE_CHECKING:
    from PIL import Image

Prepare = Callable[["Image.Image"], npt.NDArray[Any]]

MOST_OBLONG = 32
"""How many times the short side the long one may be, before a model's own preprocessing sees a picture."""
BATCH_ON_CPU = 1  # pictures: more leave a core's cache, and each one's features do not depend on its neighbours
BATCH_ON_CUDA = 64


def without_long_ends(image: Image.Image) -> Image.Image:
    """Return the middle of a picture that is very long and thin.

    Models resize the short side to some hundred pixels before they cut out the middle: of a hair's breadth of a picture
    that would take gigabytes.
    """
    width, height = image.size
    most = MOST_OBLONG * min(width, height)
    if max(width, height) <= most:
        return image
    left, top = max(0, width - most) // 2, max(0, height - most) // 2
    return image.crop((left, top, left + min(width, most), top + min(height, most)))


@dataclass(frozen=True)
class PreparedImages:
    """An image encoder made of a `prepare` function and a network that maps {"pixels": (n, 3, H, W)} to (n, dim)."""

    reference: str
    fingerprint: str
    dim: int
    classes: Classes | None
    text_tower: TextEncoder | None
    prepare: Prepare
    network: NetworkOnDemand

    def encode_prepared(self, batch: npt.NDArray[Any]) -> FloatArray:
        """Return raw features float32 (n, dim) of prepared pictures (n, 3, H, W)."""
        if len(batch) == 0:
            return np.empty((0, self.dim), np.float32)
        size = self.network.batch_size(BATCH_ON_CPU, BATCH_ON_CUDA)
        starts = range(0, len(batch), size)
        return np.concatenate(self.network.run([{"pixels": batch[start : start + size]} for start in starts]))

    def encode(self, images: Sequence[Image.Image]) -> FloatArray:
        """Return raw features float32 (n, dim) of RGB pictures."""
        if not images:
            return np.empty((0, self.dim), np.float32)
        return self.encode_prepared(np.stack([self.prepare(image) for image in images]))

    def open(self) -> None:
        """Make ready to encode, as the first use would."""
        self.network.open()

    def release(self) -> None:
        """Give the model's memory back; the next use opens it again."""
        self.network.release()
        if self.text_tower:
            self.text_tower.release()
