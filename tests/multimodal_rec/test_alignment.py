"""The bridge from pictures to texts, on spaces whose true relation is planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from encoders import Classes, Encoding, class_scenes
from encoders.base import FloatArray
from multimodal_rec.alignment import BLIND_TRUST, LABEL_SHARES, MIN_PAIRS, ROWS_AT_ONCE, Alignment, present, unit
from multimodal_rec.kernel_ridge import PENALTIES, SHARPNESS, KernelRidge, kernel
from multimodal_rec.sharpening import MOST_PICTURES
from multimodal_rec.space import content_blocks

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

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self.encode(texts)

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        return [Encoding.whole(row) for row in self.encode(texts)]


class RecordedRows:
    """An array that notes how many rows of it are asked for at once."""

    def __init__(self, rows: FloatArray) -> None:
        self._rows = rows
        self.shape = rows.shape
        self.asked: list[int] = []

    def __getitem__(self, rows: npt.NDArray[np.int64], /) -> FloatArray:
        self.asked.append(len(rows))
        return self._rows[rows]


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


def test_the_learned_bridge_recovers_a_planted_linear_map() -> None:
    texts, images = planted_pairs(600, seed=1)
    alignment = Alignment.fit(texts[:400], images[:400], None, FixedTexts())
    own = alignment.pictures(images[400:]).bridged @ alignment.centred_texts(texts[400:]).T  # (200, 200)
    np.testing.assert_array_equal(own.argmax(axis=1), np.arange(200))
    assert np.diag(own).min() > 0.8


def test_unrelated_pairs_teach_nothing_and_are_not_trusted() -> None:
    texts, images = unit(normal(600, TEXT_DIM, seed=2)), normal(600, IMAGE_DIM, seed=3)
    alignment = Alignment.fit(texts[:400], images[:400], None, FixedTexts())
    own = alignment.pictures(images[400:]).bridged @ alignment.centred_texts(texts[400:]).T
    assert (own.argmax(axis=1) == np.arange(200)).mean() < 0.05
    assert abs(alignment.trust[0]) < 0.1
    assert alignment.bridge_weight < 0.1


def test_a_text_that_many_share_neither_shifts_the_centre_nor_is_all_that_is_learned() -> None:
    texts, images = planted_pairs(600, seed=1)
    shared = texts.copy()
    shared[60:] = texts[0]  # 540 pictures in one folder, 60 with texts of their own
    alignment = Alignment.fit(shared, images, None, FixedTexts())
    alone = Alignment.fit(shared[:60], images[:60], None, FixedTexts())
    others = [alignment.pictures(images[60:]).bridged @ each for each in alignment.centred_texts(texts[:2])]
    assert np.mean(others[0]) < 0.5  # not the folder's name, whatever the picture
    np.testing.assert_allclose(alignment.text_mean, np.vstack([shared[:60], shared[60:91]]).mean(0), atol=1e-6)
    assert alignment.trust[0] < alone.trust[0] + 0.2


def test_pictures_with_one_text_are_left_to_the_label_bridge() -> None:
    texts, images = planted_pairs(200, seed=1)
    texts[:] = texts[0]
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    assert len(alignment.landmarks) == 0
    assert alignment.trust[0] == np.float32(BLIND_TRUST)
    names = FixedTexts().encode([f"a photo of a {name}" for name in NAMES])
    np.testing.assert_allclose(alignment.text_mean, names.mean(0), atol=1e-6)


@pytest.mark.parametrize("in_common", [0.5, 2.0])
def test_texts_that_are_much_alike_leave_pictures_to_the_label_bridge(in_common: float) -> None:
    texts, images = planted_pairs(300, seed=1)
    common = unit(normal(1, TEXT_DIM, seed=7))  # as of "Photo 1", "Photo 2", …; numbers hang on pictures a little
    texts = unit(unit(texts + 3 * unit(normal(300, TEXT_DIM, seed=8))) + np.float32(in_common) * common)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    cosines = texts @ texts.T
    alike = (cosines.sum() - 300) / (300 * 299)
    assert alignment.alike[0] == pytest.approx(alike, abs=1e-5)
    if in_common < 1:
        assert len(alignment.landmarks) == 300
        assert alignment.weight_beside_text == alignment.bridge_weight
        np.testing.assert_allclose(alignment.text_mean, texts.mean(0), atol=1e-6)
        return
    assert len(alignment.landmarks) == 0
    assert alignment.weight_beside_text == pytest.approx(alike, abs=1e-5)
    names = FixedTexts().encode([f"a photo of a {name}" for name in NAMES])
    np.testing.assert_allclose(alignment.text_mean, (1 - alike) * texts.mean(0) + alike * names.mean(0), atol=1e-5)
    np.testing.assert_allclose(alignment.pictures(images).bridged, alignment._labels(images), atol=1e-6)


def test_texts_that_no_picture_foretells_do_not_silence_the_label_bridge() -> None:
    texts = unit(normal(300, TEXT_DIM, seed=2) + unit(normal(1, TEXT_DIM, seed=4)) * 3)
    images = normal(300, IMAGE_DIM, seed=3)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    semantic, _ = content_blocks(alignment, texts, images, np.ones(300, np.bool_))
    shown = (semantic * alignment.pictures(images).bridged).sum(1)
    assert alignment.trust[0] == np.float32(BLIND_TRUST)
    assert shown.mean() > 0.3


def test_a_single_text_is_like_no_other() -> None:
    texts, images = planted_pairs(1, seed=1)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    assert alignment.alike[0] == 0
    assert alignment.weight_beside_text == alignment.bridge_weight


def test_the_name_of_a_kind_does_not_outweigh_what_a_picture_shows() -> None:
    texts, images = planted_pairs(100, seed=1)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    described = np.arange(100) < 50
    semantic, _ = content_blocks(alignment, np.roll(texts, 1, axis=0), images, described)
    by_picture = (semantic * alignment.pictures(images).bridged).sum(1)
    by_words = (semantic * alignment.centred_texts(np.roll(texts, 1, axis=0))).sum(1)
    assert (by_words[described] > by_picture[described]).all()
    assert (by_words[~described] < by_picture[~described]).all()


def test_label_bridge_picks_the_class_text_of_a_one_hot_picture() -> None:
    texts, images = planted_pairs(10, seed=4)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    prompts = FixedTexts().encode([f"a photo of a {name}" for name in NAMES])
    expected = unit(prompts - prompts.mean(axis=0))
    pictures = np.eye(len(NAMES), IMAGE_DIM, dtype=np.float32)
    np.testing.assert_allclose(alignment.pictures(pictures).bridged, expected, atol=1e-5)


def test_label_bridge_averages_the_texts_of_two_likely_classes() -> None:
    texts, images = planted_pairs(10, seed=4)
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    picture = np.zeros((1, IMAGE_DIM), np.float32)
    picture[0, [1, 3]] = 1
    expected = unit(alignment.class_texts[1] + alignment.class_texts[3])
    np.testing.assert_allclose(alignment.pictures(picture).bridged[0], expected, atol=1e-5)


@pytest.mark.parametrize("least_gain", [0.02, 10.0])
def test_the_label_bridge_counts_as_much_as_left_out_pairs_say(
    least_gain: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multimodal_rec.alignment.LEAST_GAIN", least_gain)
    texts, images = planted_pairs(MIN_PAIRS, seed=5)
    labels = Alignment.fit(texts[:10], images[:10], one_hot_classes(), FixedTexts()).pictures(images).bridged
    texts = unit(texts + labels)
    both = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    x, y = both.centred_images(images), both.centred_texts(texts)
    rows = np.arange(MIN_PAIRS)
    penalty = chosen_penalty(x, y)
    left_out = np.stack([exact_fit(x[rows != row], y[rows != row], penalty)(x[row : row + 1])[0] for row in rows])
    trusts = [np.mean((unit(s * labels + (1 - s) * unit(left_out)) * y).sum(axis=1)) for s in LABEL_SHARES]
    best = int(np.argmax(trusts))
    assert 0 < LABEL_SHARES[best] < 1
    if trusts[best] < (1 + least_gain) * trusts[0]:
        best = 0
    assert (best == 0) == (least_gain == 10.0)
    assert both.label_share[0] == np.float32(LABEL_SHARES[best])
    assert (len(both.class_weight), len(both.class_texts)) == ((5, 5) if best else (0, 0))
    assert both.trust[0] == pytest.approx(trusts[best], abs=1e-3)
    share = LABEL_SHARES[best]
    expected = unit(share * labels + (1 - share) * unit(exact_fit(x, y, penalty)(x)))
    np.testing.assert_allclose((both.pictures(images).bridged * expected).sum(axis=1), 1, atol=1e-3)


def test_the_kernel_sees_pictures_along_the_axes_in_which_they_differ_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multimodal_rec.sharpening.MOST_AXES", 8)
    texts, images = planted_pairs(MIN_PAIRS, seed=17)
    alignment = Alignment.fit(texts, images, None, FixedTexts())
    assert alignment.axes.shape == (8, IMAGE_DIM)
    assert alignment.landmarks.shape == (MIN_PAIRS, 8)
    x, y = alignment.centred_images(images) @ alignment.axes.T, alignment.centred_texts(texts)
    assert np.linalg.norm(x, axis=1).max() < 0.999
    bridged = alignment.pictures(images).bridged
    expected = unit(exact_fit(x, y, chosen_penalty(x, y))(x))
    np.testing.assert_allclose((bridged * expected).sum(axis=1), 1, atol=0.02)
    whole = alignment.centred_images(images)
    in_all_dimensions = unit(exact_fit(whole, y, chosen_penalty(whole, y))(whole))
    assert (bridged * in_all_dimensions).sum(axis=1).mean() < 0.95


@pytest.mark.parametrize("classes", [one_hot_classes(), None], ids=["classes", "none"])
def test_many_pictures_are_looked_at_some_at_a_time(classes: Classes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, images = planted_pairs(80, seed=19)
    images[3] = 0
    alignment = Alignment.fit(texts, images, classes, FixedTexts())
    whole, nothing = alignment.pictures(images), alignment.pictures(images[:0])
    monkeypatch.setattr("multimodal_rec.alignment.ROWS_AT_ONCE", 7)
    for chunked, at_once, none in zip(alignment.pictures(images), whole, nothing, strict=True):
        np.testing.assert_allclose(chunked, at_once, atol=1e-5)
        assert none.shape == (0, at_once.shape[1])
        assert none.dtype == chunked.dtype == np.float32


def exact_fit(x: FloatArray, y: FloatArray, penalty: float) -> Callable[[FloatArray], FloatArray]:
    """Kernel ridge regression without landmarks, in float64."""

    def likeness(left: FloatArray, right: FloatArray) -> np.ndarray:
        return np.exp(SHARPNESS * (left.astype(np.float64) @ right.T.astype(np.float64) - 1))

    weights = np.linalg.solve(likeness(x, x) + penalty * np.eye(len(x)), y)
    return lambda rows: (likeness(rows, x) @ weights).astype(np.float32)


def chosen_penalty(x: FloatArray, y: FloatArray) -> float:
    """The penalty of smallest leave-one-out error, by leaving each out."""
    rows = np.arange(len(x))

    def error(penalty: float) -> float:
        fits = (exact_fit(x[rows != row], y[rows != row], penalty)(x[row : row + 1])[0] for row in rows)
        return sum(float(np.square(fit - own).sum()) for fit, own in zip(fits, y, strict=True))

    return min(PENALTIES, key=error)


def test_landmarks_stand_for_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    images = unit(normal(400, 4, seed=30))
    texts = np.tanh(images @ normal(4, TEXT_DIM, seed=31))
    monkeypatch.setattr("multimodal_rec.kernel_ridge.MOST_LANDMARKS", 100)
    fitted = KernelRidge.fit(images[:300], texts[:300])
    assert fitted.landmarks.shape == (100, 4)
    answer = kernel(images[300:], fitted.landmarks) @ fitted.coefficients
    exact = exact_fit(images[:300], texts[:300], min(PENALTIES))(images[300:])
    assert np.abs(answer - exact).mean() < 0.02
    assert np.abs(answer - texts[300:]).mean() < 0.05 < np.abs(texts).mean()


def test_without_pairs_a_label_bridge_is_trusted_a_little() -> None:
    alignment = Alignment.fit(*planted_pairs(10, seed=5), one_hot_classes(), FixedTexts())
    assert alignment.trust[0] == np.float32(BLIND_TRUST)
    assert alignment.bridge_weight == pytest.approx(BLIND_TRUST / (1 - BLIND_TRUST))


def test_sharpening_is_the_inverse_fourth_root_of_the_covariance_mixed_with_the_identity() -> None:
    random = np.random.default_rng(32)
    images = (3 + random.normal(size=(300, IMAGE_DIM)) * np.geomspace(4, 0.1, IMAGE_DIM)).astype(np.float32)
    alignment = Alignment.fit(np.zeros((300, TEXT_DIM), np.float32), images, None, FixedTexts())
    x = alignment.centred_images(images).astype(np.float64)
    variances, axes = np.linalg.eigh(x.T @ x / len(x))
    fourth_root = (axes / (1 + variances / variances.mean()) ** 0.25) @ axes.T
    np.testing.assert_allclose(alignment.pictures(images).visual, unit((x @ fourth_root).astype(np.float32)), atol=1e-4)


def test_pictures_that_texts_are_compared_with_stay_as_they_are() -> None:
    texts, images = planted_pairs(80, seed=34)
    alignment = Alignment.fit(texts, images, None, FixedTexts(), sharpen=False)
    np.testing.assert_array_equal(alignment.pictures(images).visual, unit(alignment.centred_images(images)))


def test_few_pictures_are_not_sharpened() -> None:
    texts, images = planted_pairs(20, seed=33)
    alignment = Alignment.fit(texts, images, None, FixedTexts())
    np.testing.assert_allclose(alignment.pictures(images).visual, alignment.centred_images(images), atol=1e-6)


def test_fewer_pairs_than_needed_teach_nothing() -> None:
    texts, images = planted_pairs(MIN_PAIRS + 20, seed=7)
    texts[:10], images[10:21] = 0, 0
    assert len(Alignment.fit(texts, images, None, FixedTexts()).landmarks) == 0
    texts, images = planted_pairs(MIN_PAIRS + 20, seed=7)
    texts[:10], images[10:20] = 0, 0
    assert Alignment.fit(texts, images, None, FixedTexts()).coefficients.shape == (MIN_PAIRS, TEXT_DIM)


def test_items_that_lack_one_side_do_not_bend_the_bridge() -> None:
    texts, images = planted_pairs(80, seed=8)
    alone = Alignment.fit(texts, images, None, FixedTexts())
    aside = normal(20, IMAGE_DIM, seed=9)
    lone_images = np.vstack([alone.image_mean + aside, alone.image_mean - aside])  # their mean is the centre
    more_texts = np.vstack([texts, np.zeros((40, TEXT_DIM), np.float32)])
    more = Alignment.fit(more_texts, np.vstack([images, lone_images]), None, FixedTexts())
    np.testing.assert_allclose(more.image_mean, alone.image_mean, atol=1e-5)
    np.testing.assert_allclose(more.pictures(images).bridged, alone.pictures(images).bridged, atol=1e-3)


def test_without_any_bridge_pictures_say_nothing_about_texts() -> None:
    texts, images = planted_pairs(10, seed=10)
    alignment = Alignment.fit(texts, images, None, FixedTexts())
    np.testing.assert_array_equal(alignment.pictures(images).bridged, np.zeros((10, TEXT_DIM)))


def test_zero_rows_stay_zero_and_others_are_of_unit_length() -> None:
    texts, images = planted_pairs(80, seed=11)
    texts[[0, 5]], images[[0, 7]] = 0, 0
    alignment = Alignment.fit(texts, images, one_hot_classes(), FixedTexts())
    for rows, source in [
        (alignment.centred_texts(texts), texts),
        (alignment.centred_images(images), images),
        (alignment.pictures(images).bridged, images),
        (alignment.pictures(images).visual, images),
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


def test_classes_with_known_scenes_are_told_by_both() -> None:
    names = ("tench", "ski", "volcano")
    classes = Classes(names, np.eye(3, IMAGE_DIM, dtype=np.float32), np.zeros(3, np.float32))
    alignment = Alignment.fit(*planted_pairs(10, seed=15), classes, FixedTexts())
    told = [FixedTexts().encode([f"a photo of a {name}" for name in names]), FixedTexts().encode(class_scenes(names))]
    expected = unit(sum(unit(rows - rows.mean(axis=0)) for rows in told))
    np.testing.assert_allclose(alignment.class_texts, expected, atol=1e-6)
    np.testing.assert_allclose(alignment.text_mean, np.concatenate(told).mean(axis=0), atol=1e-6)


def test_features_that_are_never_negative_are_compared_by_their_roots() -> None:
    texts, images = planted_pairs(80, seed=16)
    rectified, signed = np.abs(images), np.where(images < images.mean(), -images, images)
    roots = np.sqrt(rectified)
    alignment = Alignment.fit(texts, rectified, None, FixedTexts())
    np.testing.assert_allclose(alignment.centred_images(rectified), unit(roots - roots.mean(axis=0)), atol=1e-6)
    alignment = Alignment.fit(texts, signed, None, FixedTexts())
    np.testing.assert_allclose(alignment.centred_images(signed), unit(signed - signed.mean(axis=0)), atol=1e-6)
    nothing = Alignment.fit(texts, np.zeros_like(images), None, FixedTexts())
    assert not nothing.rectified[0]


@pytest.mark.parametrize("sharpen", [True, False])
def test_a_catalogue_of_any_size_is_read_some_rows_at_a_time(sharpen: bool) -> None:
    texts, images = planted_pairs(3 * MOST_PICTURES, seed=17)
    images[::7] = texts[3::11] = 0
    sources = RecordedRows(texts), RecordedRows(images)
    alignment = Alignment.fit(*sources, one_hot_classes(), FixedTexts(), sharpen=sharpen)
    assert max(sources[0].asked) <= ROWS_AT_ONCE
    assert max(sources[1].asked) <= MOST_PICTURES
    expected = Alignment.fit(texts, images, one_hot_classes(), FixedTexts(), sharpen=sharpen)
    for field in fields(Alignment):
        np.testing.assert_array_equal(getattr(alignment, field.name), getattr(expected, field.name), strict=True)


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
