"""A search as its user puts it, and the vectors of its parts: texts, pictures, clips, items, what to keep away from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from encoders import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    ImageEncoder,
    MediaError,
    TextEncoder,
    clean_text,
    encode_videos,
    read_image,
)
from index import VectorIndex
from multimodal_rec.alignment import Alignment, unit
from multimodal_rec.arrays import FloatArray
from multimodal_rec.errors import QueryError, UnknownItem
from multimodal_rec.expansion import Expansion
from multimodal_rec.filters import Where
from multimodal_rec.space import Space

Picture = str | Path | Image.Image

TASTE = 0.5
"""How much a user's taste counts in a search where nothing else is said."""
PARTS = ("text", "image", "video", "item", "less_like")
"""What a search may be made of, beside a user's taste."""
DEFAULT_WEIGHTS: Mapping[str, float] = {"text": 1.0, "image": 1.0, "video": 1.0, "item": 1.0, "less_like": 0.5}
BRIDGED_BESIDE_TEXT = 0.5
"""Weight of an example picture's bridge to words where the query has words of its own."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search: any mix of texts, pictures, clips, items and a user; at least one of them."""

    text: str | Sequence[str] | None = None
    image: Picture | Sequence[Picture] | None = None
    video: str | Path | Sequence[str | Path] | None = None
    user: str | None = None
    taste: float = TASTE
    """From 0, only what is asked for counts, to 1, only the user's taste does; at .5 both tell items apart alike."""
    where: Where | None = None
    """Conditions that the answers meet, as `Recommender.select` takes them."""
    exclude: Collection[str] = ()
    """Ids of items that are no answers."""
    item: str | Sequence[str] | None = None
    """Ids of items to find the like of; they are no answers themselves."""
    less_like: Picture | Sequence[Picture] | None = None
    """What to keep away from: item ids, pictures, paths of clips, or, where a text is no item's id, words."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """How much each of `PARTS` counts; 1 where it is not said, .5 for less_like."""
    words: bool = True
    """Whether rare words of the text find their items by the letter too."""
    unique: bool = False
    """Whether of nearly identical items only the best is shown."""

    @property
    def texts(self) -> list[str]:
        """The cleaned texts.

        Raises:
            QueryError: nothing is left of one.
        """
        return [checked_text(text) for text in several(self.text)]

    def share(self, part: str) -> float:
        """How much a part counts: those that the query has share 1, and what it keeps away from comes on top."""
        weights = {
            name: self.weights.get(name, weight)
            for name, weight in DEFAULT_WEIGHTS.items()
            if name != "less_like" and several(getattr(self, name))
        }
        if part == "less_like":
            return self.weights.get(part, DEFAULT_WEIGHTS[part])
        return weights.get(part, 0.0) / (sum(weights.values()) or 1.0)

    def check(self) -> None:
        """Raise QueryError where nothing is asked for, or a number is out of its range."""
        if self.user is None and not any(several(part) for part in (self.text, self.image, self.video, self.item)):
            raise QueryError("a search needs a text, an image, a video, an item or a user")
        if not 0 <= self.taste <= 1:
            raise QueryError(f"taste is {self.taste}: give a number from 0 to 1")
        for part, weight in self.weights.items():
            if part not in PARTS:
                raise QueryError(f"no part is called {part!r}: weights are of {', '.join(PARTS)}")
            if not 0 <= weight <= 1000:
                raise QueryError(f"the weight of {part} is {weight}: give a number from 0 to 1000")


class QueryVectors:
    """Puts searches into the space of the items."""

    def __init__(
        self,
        space: Space,
        index: VectorIndex,
        alignment: Alignment,
        *,
        text: Callable[[], TextEncoder],
        image: Callable[[], ImageEncoder],
        tower: Callable[[], TextEncoder | None],
        expansion: Callable[[], Expansion | None] = lambda: None,
    ) -> None:
        """Encoders are asked for when a query needs them; `tower` encodes texts as CLIP-like image encoders see them.

        `expansion` tells what texts are joined by, if they are.
        """
        self._space = space
        self._index = index
        self._alignment = alignment
        self._text_encoder = text
        self._image_encoder = image
        self._text_tower = tower
        self._expansion = expansion

    def parts(self, queries: Sequence[Query]) -> dict[str, FloatArray]:
        """(q, dim) for each of `PARTS` that any query has, weighted: their sum is the vector of a search without taste.

        Raises:
            QueryError: a query asks for nothing, a text is empty, or a file cannot be read.
            UnknownItem: no item has an id that was named.
        """
        for query in queries:
            query.check()
        texts = [query.texts for query in queries]
        asked = {
            "text": (texts, self._of_texts),
            "image": ([several(query.image) for query in queries], self._of_pictures),
            "video": ([several(query.video) for query in queries], self._of_clips),
            "item": ([several(query.item) for query in queries], self._of_items),
            "less_like": ([several(query.less_like) for query in queries], self._of_anything),
        }
        semantic = self._space.blocks["semantic"]
        parts = {}
        for part, (groups, encode) in asked.items():
            if not any(groups):
                continue
            shares = np.array([query.share(part) for query in queries], np.float32)
            vectors = parts[part] = self._mean(groups, encode) * shares[:, None]
            if part == "less_like":
                vectors *= -1
            elif part in ("image", "video"):
                vectors[[bool(text) for text in texts], semantic] *= BRIDGED_BESIDE_TEXT
        return parts

    def _mean(self, groups: Sequence[list[Any]], encode: Callable[[list[Any]], FloatArray]) -> FloatArray:
        """(q, dim) the mean vector of each group, zero for an empty one; at least one is not."""
        vectors = np.zeros((len(groups), self._space.dim), np.float32)
        encoded = encode([each for group in groups for each in group])
        end = 0
        for row, group in enumerate(groups):
            if group:
                start, end = end, end + len(group)
                vectors[row] = encoded[start:end].mean(axis=0)
        return vectors

    def _of_texts(self, texts: Sequence[str]) -> FloatArray:
        vectors = self._text_encoder().encode_queries(texts)
        if (lost := np.flatnonzero(~np.isfinite(vectors).all(axis=1))).size:
            raise QueryError(f"the text encoder has no finite vector for {texts[lost[0]]!r}: ask in other words")
        semantic = self._alignment.centred_texts(vectors)
        tower = self._text_tower()
        if tower is None:
            expanded = self._expansion()
            return expanded(semantic) if expanded else self._space.vectors(semantic=semantic)
        return self._space.vectors(semantic=semantic, visual=unit(tower.encode_queries(texts)))

    def _of_features(self, features: FloatArray) -> FloatArray:
        pictures = self._alignment.pictures(features)
        weight = np.float32(self._alignment.bridge_weight)
        return self._space.vectors(semantic=weight * pictures.bridged, visual=pictures.visual)

    def _of_pictures(self, pictures: Sequence[Picture]) -> FloatArray:
        try:
            images = [p.convert("RGB") if isinstance(p, Image.Image) else read_image(Path(p)) for p in pictures]
            return self._of_features(self._image_encoder().encode(images))
        except (MediaError, OSError) as error:
            hint = _other_option(pictures, VIDEO_SUFFIXES, "a clip is asked for with --video")
            raise QueryError(f"the query cannot be read: {error}{hint}") from error

    def _of_clips(self, clips: Sequence[str | Path]) -> FloatArray:
        features = []
        try:
            for _, encoding in encode_videos(self._image_encoder(), [Path(clip) for clip in clips]):
                if isinstance(encoding, MediaError):
                    raise encoding
                features.append(encoding.vector)
        except (MediaError, OSError) as error:
            hint = _other_option(clips, IMAGE_SUFFIXES, "a picture is asked for with --image")
            raise QueryError(f"the query cannot be read: {error}{hint}") from error
        return self._of_features(np.stack(features))

    def _of_items(self, ids: Sequence[str]) -> FloatArray:
        for item_id in ids:
            if item_id not in self._index:
                raise UnknownItem(item_id)
        vectors = self._index.vectors(ids)
        vectors[:, self._space.blocks["preference"]] = 0
        return vectors

    def _of_anything(self, examples: Sequence[Picture]) -> FloatArray:
        """Vectors of pictures and clips, of items where a text is an item's id, and of texts."""
        rows = []
        for example in examples:
            if isinstance(example, Path) and example.suffix.lower() in VIDEO_SUFFIXES:
                rows.append(self._of_clips([example]))
            elif not isinstance(example, str):
                rows.append(self._of_pictures([example]))
            elif example in self._index:
                rows.append(self._of_items([example]))
            elif " " not in example and Path(example).suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES:
                raise QueryError(f"{example!r} is neither an item's id nor a file: check how it is written")
            else:
                rows.append(self._of_texts([checked_text(example)]))
        return np.concatenate(rows)


def _other_option(media: Iterable[Picture], suffixes: Collection[str], hint: str) -> str:
    """The hint, where one of the media is a file of the other kind."""
    paths = [Path(each) for each in media if isinstance(each, str | Path)]
    return f"; {hint}" if any(path.suffix.lower() in suffixes and path.is_file() for path in paths) else ""


def read_weight(text: str) -> tuple[str, float]:
    """The part and the number of a weight such as "text=2".

    Raises:
        QueryError: it is not written so.
    """
    part, sign, number = text.partition("=")
    try:
        return part.strip(), float(number if sign else "")
    except ValueError as error:
        raise QueryError(f"{text!r} is no weight: write one of {', '.join(PARTS)}, = and a number") from error


def checked_text(text: str | None) -> str:
    """Return the cleaned text of a query, or raise QueryError where nothing is left of it."""
    cleaned = clean_text(text or "")
    if not cleaned:
        reason = "holds no letter, number or symbol" if text and text.strip() else "is empty"
        raise QueryError(f"the text of the query {reason}: write what to look for")
    return cleaned


def several(value: object) -> list[Any]:
    """None, one or several values as a list; a text is one."""
    if value is None:
        return []
    return [value] if isinstance(value, str | Path | Image.Image) else list(cast(Iterable[Any], value))
