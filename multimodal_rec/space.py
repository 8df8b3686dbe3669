"""The one space in which items, users, texts, pictures and clips meet.

A vector has three blocks, and two vectors are compared by their inner product:

    preference   what the fusion network learned from interactions, popularity last; absent without interactions
    semantic     centred text vectors, and pictures bridged into their space
    visual       centred and sharpened features of pictures and clips

A block that something has nothing to say about is zero, so it adds nothing to any score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from multimodal_rec.alignment import Alignment, present, unit
from multimodal_rec.arrays import BoolArray, FloatArray

KIND_BESIDE_PICTURE = 0.5
"""Weight of the words of an item that has nothing but the names of its categories, beside its bridged picture."""


@dataclass(frozen=True)
class Space:
    """The layout of a vector: where each block stands."""

    preference: int
    """Dimensions of the preference block, 0 without interactions."""
    semantic: int
    """Dimensions of the semantic block."""
    visual: int
    """Dimensions of the visual block."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.preference + self.semantic + self.visual

    @property
    def blocks(self) -> dict[str, slice]:
        """Where each block stands in a vector."""
        middle = self.preference + self.semantic
        return {
            "preference": slice(0, self.preference),
            "semantic": slice(self.preference, middle),
            "visual": slice(middle, self.dim),
        }

    def vectors(self, **parts: FloatArray) -> FloatArray:
        """Join (n, block) arrays into (n, dim) vectors; blocks not given are zero."""
        count = len(next(iter(parts.values())))
        result = np.zeros((count, self.dim), np.float32)
        for name, rows in parts.items():
            result[:, self.blocks[name]] = rows
        return result


def picture_features(images: FloatArray, videos: FloatArray) -> FloatArray:
    """(n, v) raw features of an item's picture and clip: their mean where it has both."""
    if not videos.any():
        return images
    features = images + videos
    features[present(images) & present(videos)] /= 2
    return features


def content_blocks(
    alignment: Alignment, texts: FloatArray, pictures: FloatArray, described: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """The semantic and visual blocks of items.

    Args:
        alignment: the centres and the bridge of the release.
        texts: (n, t) unit text vectors, zero where there is none.
        pictures: (n, v) raw features, zero where there are none.
        described: (n,) which items have a title or a description; the words of others tell their kind alone.

    Returns:
        (n, t) and (n, v), rows of unit length or zero.
    """
    words = alignment.centred_texts(texts)
    seen = alignment.pictures(pictures)
    own, kind = present(texts) & described, present(seen.bridged) & ~described
    words[kind] *= np.float32(KIND_BESIDE_PICTURE)
    seen.bridged[own] *= np.float32(alignment.weight_beside_text)
    return unit(words + seen.bridged), seen.visual
