"""The bridge from pictures to texts, on spaces whose true relation is planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from encoders import Classes, Encoding
from encoders.base import FloatArray
from multimodal_rec.alignment import MIN_PAIRS, RIDGE_PENALTIES, Alignment, present, unit

NAMES = ("boat", "cat", "tram", "loaf", "drum")
TEXT_DIM, IMAGE_DIM = 16, 24


class FixedTexts:
    """A text encoder that has a fixed random unit vector for each text."""

    reference = "fixed"
    fingerprint = "fixed"
    dim = TEXT_DIM

    def encode(self, texts: Sequence[str]) -> FloatArray:
        rows = [np.random.default_rng(list(text.encode())).normal(size=TEXT_DIM) for text in texts]
        return unit(np.array(rows, dtype=np.float32).reshape(-1, TEXT_DIM))

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        return [Encoding.whole(row) for row in self.encode(texts)]


def normal(*shape: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def planted_pairs(count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Pictures away from the origin, and texts that a linear map of the pictures gives, a little noise apart."""
    images = normal(count, IMAGE_DIM, seed=seed)
    texts = unit(images @ normal(IMAGE_DIM, TEXT_DIM, seed=0) + 0.05 * normal(count, TEXT_DIM, seed=seed + 1))
    return texts, images + np.float32(3)


def one_hot_classes() -> Classes:
    """Class c is recognised by the c-th feature."""
    weight = 100 * np.eye(len(NAMES), IMAGE_DIM, dtype=np.float32)
    return Classes(NAMES, weight, np.zeros(len(NAMES), np.float32))


def test_ridge_recovers_a_planted_linear_map() -> None:
    texts, images = planted_pairs(600, seed=1)
    alignment = Alignment.fit(texts[:400], images[:400], None, FixedTexts())
    own = alignment.bridge(images[400:]) @ alignment.centred_texts(texts[400:]).T  # (200, 200)
    np.testing.assert_array_equal(own.argmax(axis=1), np.arange(200))
    assert np.diag(own).min() > 0.8


def test_ridge_of_unrelated_pairs_finds_nothing() -> None:
    texts, images = unit(normal(600, TEXT_DIM, seed=2)), normal(600, IMAGE_DIM, seed=3)
    alignment = Alignment.fit(texts[:400], images[:400], None, FixedTexts())
    own = alignment.bridge(images[400:]) @ alignment.centred_texts(texts[400:]).T
    assert (own.argmax(axis=1) == np.arange(200)).mean() < 0.05


@pytest.mark.parametrize("dim", [8, 100])  # more pairs than dimensions, and fewer
def test_ridge_has_the_penalty_of_smallest_leave_one_out_error(dim: int) -> None:
    random = np.random.default_rng(20)
    images = (random.normal(size=(60, dim)) / np.sqrt(1 + np.arange(dim))).astype(np.float32)
    planted = images @ random.normal(size=(dim, TEXT_DIM))
    texts = unit((planted + 6 * random.normal(size=planted.shape)).astype(np.float32))
    alignment = Alignment.fit(texts, images, None, FixedTexts())
    x = alignment.centred_images(images).astype(np.float64)
    y = alignment.centred_texts(texts).astype(np.float64)

    def solve(rows: np.ndarray, penalty: float) -> np.ndarray:
        return np.linalg.solve(x[rows].T @ x[rows] + penalty * np.eye(dim), x[rows].T @ y[rows])

    def error(penalty: float) -> float:
        others = [np.delete(np.arange(60), row) for row in range(60)]
        return sum(((y[row] - x[row] @ solve(others[row], penalty)) ** 2).sum() for row in range(60))

    unit_penalty = np.trace(x.T @ x) / dim  # the mean eigenvalue
    errors = {penalty: error(penalty * unit_penalty) for penalty in RIDGE_PENALTIES}
    best = min(errors, key=errors.__getitem__)
    assert best not in (min(RIDGE_PENALTIES), max(RIDGE_PENALTIES))
    np.testing.assert_allclose(alignment.ridge, solve(np.arange(60), best * unit_penalty), atol=1e-5)


def test_label_bridge_picks_the_class_text_of_a_one_hot_picture() -> None:
    texts, images = planted_pairs(10, seed=4)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    prompts = FixedTexts().encode([f"a photo of a {name}" for name in NAMES])
    expected = unit(prompts - prompts.mean(axis=0))
    pictures = np.eye(len(NAMES), IMAGE_DIM, dtype=np.float32)
    np.testing.assert_allclose(alignment.bridge(pictures), expected, atol=1e-5)


def test_label_bridge_averages_the_texts_of_two_likely_classes() -> None:
    texts, images = planted_pairs(10, seed=4)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    picture = np.zeros((1, IMAGE_DIM), np.float32)
    picture[0, [1, 3]] = 1
    expected = unit(alignment.class_texts[1] + alignment.class_texts[3])
    np.testing.assert_allclose(alignment.bridge(picture)[0], expected, atol=1e-5)


def test_both_bridges_count_alike() -> None:
    texts, images = planted_pairs(MIN_PAIRS, seed=5)
    both = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    ridge_only = Alignment.fit(texts, images, None, FixedTexts())
    label_only = Alignment.fit(texts[:10], images[:10], one_hot_classes(), FixedTexts())
    pictures = normal(20, IMAGE_DIM, seed=6)
    expected = unit(ridge_only.bridge(pictures) + label_only.bridge(pictures))
    np.testing.assert_allclose(both.bridge(pictures), expected, atol=1e-5)


def test_fewer_pairs_than_needed_give_no_ridge() -> None:
    texts, images = planted_pairs(MIN_PAIRS + 20, seed=7)
    texts[:10], images[10:21] = 0, 0
    assert len(Alignment.fit(texts, images, None, FixedTexts()).ridge) == 0
    texts, images = planted_pairs(MIN_PAIRS + 20, seed=7)
    texts[:10], images[10:20] = 0, 0
    assert Alignment.fit(texts, images, None, FixedTexts()).ridge.shape == (IMAGE_DIM, TEXT_DIM)


def test_items_that_lack_one_side_do_not_bend_the_ridge() -> None:
    texts, images = planted_pairs(80, seed=8)
    alone = Alignment.fit(texts, images, None, FixedTexts())
    aside = normal(20, IMAGE_DIM, seed=9)
    lone_images = np.vstack([alone.image_mean + aside, alone.image_mean - aside])  # their mean is the centre
    more_texts = np.vstack([texts, np.zeros((40, TEXT_DIM), np.float32)])
    more = Alignment.fit(more_texts, np.vstack([images, lone_images]), None, FixedTexts())
    np.testing.assert_allclose(more.image_mean, alone.image_mean, atol=1e-5)
    np.testing.assert_allclose(more.ridge, alone.ridge, atol=1e-4)


def test_without_any_bridge_pictures_say_nothing_about_texts() -> None:
    texts, images = planted_pairs(10, seed=10)
    alignment = Alignment.fit(texts, images, None, FixedTexts())
    np.testing.assert_array_equal(alignment.bridge(images), np.zeros((10, TEXT_DIM)))


def test_zero_rows_stay_zero_and_others_are_of_unit_length() -> None:
    texts, images = planted_pairs(80, seed=11)
    texts[[0, 5]], images[[0, 7]] = 0, 0
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    for rows, source in [
        (alignment.centred_texts(texts), texts),
        (alignment.centred_images(images), images),
        (alignment.bridge(images), images),
    ]:
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), source.any(axis=1), atol=1e-5)
        assert rows.dtype == np.float32


def test_centres_are_the_means_of_what_is_there() -> None:
    texts, images = planted_pairs(80, seed=12)
    texts[:20], images[:5] = 0, 0
    alignment = Alignment.fit(texts, images, None, FixedTexts())
    np.testing.assert_allclose(alignment.text_mean, texts[20:].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(alignment.image_mean, images[5:].mean(axis=0), atol=1e-6)


def test_few_texts_are_centred_on_the_names_of_the_classes() -> None:
    texts, images = planted_pairs(10, seed=13)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    prompts = FixedTexts().encode([f"a photo of a {name}" for name in NAMES])
    np.testing.assert_allclose(alignment.text_mean, prompts.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("classes", [one_hot_classes(), None], ids=["classes", "none"])
@pytest.mark.parametrize("count", [10, 80])
def test_save_and_load(tmp_path: Path, classes: Classes | None, count: int) -> None:
    alignment = Alignment.fit(*planted_pairs(count, seed=14), classes, FixedTexts())
    alignment.save(tmp_path / "alignment.safetensors")
    loaded = Alignment.load(tmp_path / "alignment.safetensors")
    for field in fields(Alignment):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(alignment, field.name), strict=True)


def test_unit_and_present() -> None:
    rows = np.array([[3, 4], [0, 0], [0, -2]], dtype=np.float32)
    np.testing.assert_allclose(unit(rows), [[0.6, 0.8], [0, 0], [0, -1]], rtol=1e-6)
    assert present(rows).tolist() == [True, False, True]
    assert rows.tolist() == [[3, 4], [0, 0], [0, -2]]
