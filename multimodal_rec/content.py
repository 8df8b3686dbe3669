"""The vectors of a catalogue, raw and as the space and the fusion network see them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from multimodal_rec.alignment import Alignment, RowSource, present, unit
from multimodal_rec.arrays import BoolArray, FloatArray, IntArray
from multimodal_rec.parts import Part, PartVectors
from multimodal_rec.space import content_blocks, picture_features

CATEGORY_DIM = 512
MOST_VALUE_CHARS = 64
"""An attribute's value that is longer is no feature of an item."""


def _nothing() -> FloatArray:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class PictureRows:
    """Raw features of items' pictures and clips as `picture_features` joins them, when they are asked for."""

    images: RowSource  # (n, v)
    videos: RowSource  # (n, v)

    @property
    def shape(self) -> tuple[int, ...]:
        """n and v."""
        return self.images.shape

    def __getitem__(self, rows: IntArray, /) -> FloatArray:
        """Return the rows of these numbers."""
        return picture_features(self.images[rows], self.videos[rows])


@dataclass(frozen=True)
class CatalogueVectors:
    """The raw vectors of n items, rows of zeros where an item lacks a modality."""

    ids: list[str]
    texts: FloatArray  # (n, t)
    images: FloatArray  # (n, v)
    videos: FloatArray  # (n, v)
    described: BoolArray  # (n,) which have a title or a description
    categories: FloatArray = field(default_factory=_nothing)  # (n, 512)
    attributes: FloatArray = field(default_factory=_nothing)  # (n, 512)
    words: FloatArray = field(default_factory=_nothing)  # (n, 1024)

    @property
    def pictures(self) -> FloatArray:
        """(n, v) raw features of an item's picture and clip: their mean where it has both."""
        return picture_features(self.images, self.videos)

    def versions(self, parts: PartVectors) -> CatalogueVectors:
        """The items of these parts, one row a part, with the part in the place of the medium that it is cut from.

        A frame or a shot takes the place of an item's picture and of its clip: mixed with the other it would look like
        neither. They are searched by their media alone: what else is known of an item is left out.
        """
        keys = [part.key for part in parts.parts]
        media = {
            "text": self.texts[parts.owners],
            "image": self.images[parts.owners],
            "video": self.videos[parts.owners],
        }
        if parts.modality != "text":
            media |= {name: np.zeros_like(media[name]) for name in ("image", "video")}
        media[parts.modality] = parts.vectors
        return CatalogueVectors(keys, media["text"], media["image"], media["video"], self.described[parts.owners])

    def pictures_alone(self) -> PartVectors:
        """The pictures of items that have a clip too, as parts of them: an item as a whole looks like both."""
        owners = np.flatnonzero(present(self.images) & present(self.videos))
        parts = [Part(self.ids[owner], "image", 0.0, 0.0) for owner in owners]
        return PartVectors("image", parts, owners, self.images[owners])


@dataclass(frozen=True)
class Content:
    """What the space and the fusion network see of n items."""

    vectors: CatalogueVectors
    alignment: Alignment
    semantic: FloatArray  # (n, t)
    visual: FloatArray  # (n, v)

    @classmethod
    def of(cls, vectors: CatalogueVectors, alignment: Alignment) -> Self:
        """Centre, bridge and join the raw vectors of a catalogue."""
        return cls(vectors, alignment, *content_blocks(alignment, vectors.texts, vectors.pictures, vectors.described))

    @property
    def ids(self) -> list[str]:
        """Of the n items."""
        return self.vectors.ids

    @cached_property
    def features(self) -> Mapping[str, FloatArray]:
        """For each modality that any item has, (n, d) centred unit vectors, zero where an item lacks it.

        Only what learns from events needs them.
        """
        vectors, texts, pictures = self.vectors, self.alignment.centred_texts, self.alignment.centred_images
        features = {
            "text": texts(vectors.texts) if vectors.texts.any() else vectors.texts,
            "image": pictures(vectors.images) if vectors.images.any() else vectors.images,
            "video": pictures(vectors.videos) if vectors.videos.any() else vectors.videos,
            "categories": vectors.categories,
            "attributes": vectors.attributes,
            "words": vectors.words,
        }
        return {name: rows for name, rows in features.items() if rows.any()}


def name_features(names_of: Sequence[Sequence[str]]) -> FloatArray:
    """(n, 512) unit rows that are equal where the names are, zero without any (Weinberger et al. 2009, hashing)."""
    rows = np.zeros((len(names_of), CATEGORY_DIM), np.float32)
    for row, names in enumerate(names_of):
        rows[row, [zlib.crc32(name.encode(errors="replace")) % CATEGORY_DIM for name in names]] = 1.0
    return unit(rows)


def attribute_names(attributes: Mapping[str, Any]) -> list[str]:
    """Each attribute with each of its values, as names: "director=Jane Campion"; what is no short value tells nothing."""
    names = []
    for key, value in attributes.items():
        values = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
        for each in values:
            text = str(each).strip() if isinstance(each, str | int) else ""
            if 0 < len(text) <= MOST_VALUE_CHARS:
                names.append(f"{key}={text}")
    return names
