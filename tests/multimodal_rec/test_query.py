"""The parts of a search against vectors computed by hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from encoders import Encoding
from index import FlatIndex
from multimodal_rec.alignment import Alignment
from multimodal_rec.arrays import FloatArray
from multimodal_rec.errors import QueryError, UnknownItem
from multimodal_rec.query import Query, QueryVectors, read_weight
from multimodal_rec.space import Space

SPACE = Space(2, 4, 3)


class Letters:
    """A text encoder whose vectors follow from the text alone."""

    reference = fingerprint = "letters"
    dim = 4

    def encode(self, texts: Sequence[str]) -> FloatArray:
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=4) for text in texts]
        return np.array([row / np.linalg.norm(row) for row in rows], np.float32)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self.encode(texts)

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        return [Encoding.whole(row) for row in self.encode(texts)]


@pytest.fixture
def vectors() -> QueryVectors:
    index = FlatIndex(SPACE.dim)
    index.add(["a", "b"], np.arange(18, dtype=np.float32).reshape(2, 9))
    nothing = np.zeros((0, 4), np.float32)
    none, features = np.zeros(0, np.float32), np.zeros((0, 3), np.float32)
    alignment = Alignment(
        text_mean=np.zeros(4, np.float32),
        image_mean=np.zeros(3, np.float32),
        rectified=np.zeros(1, np.bool_),
        class_weight=features,
        class_bias=none,
        class_texts=nothing,
        axes=features,
        lost=none,
        landmarks=features,
        coefficients=nothing,
        label_share=np.ones(1, np.float32),
        trust=np.full(1, 0.5, np.float32),
        alike=np.zeros(1, np.float32),
    )

    def no_image_encoder() -> None:
        raise AssertionError("no query has a picture")

    return QueryVectors(SPACE, index, alignment, text=Letters, image=no_image_encoder, tower=lambda: None)  # type: ignore[arg-type]


def content(*values: float) -> FloatArray:
    return np.array([0, 0, *values], np.float32)


A, B = content(2, 3, 4, 5, 6, 7, 8), content(11, 12, 13, 14, 15, 16, 17)


def word(text: str) -> FloatArray:
    return content(*Letters().encode([text])[0], 0, 0, 0)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query("sea"), word("sea")),
        (Query(["sea", "night"]), (word("sea") + word("night")) / 2),
        (Query(item=["a", "b"]), (A + B) / 2),
        (Query("sea", item="a"), (word("sea") + A) / 2),
        (Query("sea", item="a", weights={"text": 3}), (3 * word("sea") + A) / 4),
        (Query("sea", less_like="night"), word("sea") - 0.5 * word("night")),
        (Query("sea", less_like=["night", "b"], weights={"less_like": 1}), word("sea") - (word("night") + B) / 2),
        (Query("sea", less_like="the last .mp4"), word("sea") - 0.5 * word("the last .mp4")),
        (Query(user="u"), content(0, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_a_search_is_the_weighted_sum_of_its_parts(vectors: QueryVectors, query: Query, expected: FloatArray) -> None:
    other = Query("something else", item="b")
    parts = vectors.parts([other, query])
    np.testing.assert_allclose(sum(rows[1] for rows in parts.values()), expected, atol=1e-5)


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(less_like="night"),
        Query(" "),
        Query("sea", weights={"words": 1}),
        Query("sea", weights={"text": -1}),
        Query("sea", weights={"text": float("nan")}),
        Query("sea", user="u", taste=1.5),
        Query("sea", less_like="nosuch.MP4"),
        Query(image="/no/such/picture.jpg"),
    ],
)
def test_what_cannot_be_asked_is_refused(vectors: QueryVectors, query: Query) -> None:
    with pytest.raises(QueryError):
        vectors.parts([query])


def test_a_clip_to_keep_away_from_is_read_as_one(vectors: QueryVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QueryVectors, "_of_clips", lambda _, clips: np.stack([A for _ in clips]))
    parts = vectors.parts([Query("sea", less_like=[Path("clip.MP4"), "b"])])
    np.testing.assert_allclose(parts["less_like"][0], -0.5 * (A + B) / 2, atol=1e-5)


def test_items_have_to_be_known(vectors: QueryVectors) -> None:
    with pytest.raises(UnknownItem, match="'zzz'"):
        vectors.parts([Query(item=["a", "zzz"])])


def test_weights_are_written_with_an_equals_sign() -> None:
    assert read_weight("text=0.5") == ("text", 0.5)
    for wrong in ("text", "text=", "text=much", "2"):
        with pytest.raises(QueryError, match=r"write one of text, image"):
            read_weight(wrong)
