"""Streams keep their order, survive bad files, and never read far ahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import encoders
from encoders import Encoding, MediaError, encode_images, encode_texts
from tests.encoders.conftest import cosines, draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(10):
        draw(number, (120, 90)).save(folder / f"{number}.png")
    (folder / "3.png").write_bytes(b"broken")
    return folder


@pytest.mark.parametrize(("batch_size", "threads"), [(1, 1), (3, 2), (32, 4)])
def test_pictures_in_order_with_bad_ones_in_place(
    folder: Path, image_encoder: encoders.ImageEncoder, batch_size: int, threads: int
) -> None:
    paths = [folder / f"{number}.png" for number in (5, 3, 0, 9, 1, 7, 2)] + [folder / "missing.png"]
    results = list(encode_images(image_encoder, paths, batch_size=batch_size, threads=threads))
    assert [path for path, _ in results] == paths
    for path, result in results:
        if path.stem in {"3", "missing"}:
            assert isinstance(result, MediaError)
        else:
            assert isinstance(result, Encoding)
            expected = image_encoder.encode([encoders.read_image(path)])[0]
            np.testing.assert_array_equal(result.vector, expected)  # whatever its neighbours are
            assert result.parts.shape == (0, 1280)


def test_little_is_read_ahead(folder: Path, image_encoder: encoders.ImageEncoder) -> None:
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield folder / "0.png"

    stream = encode_images(image_encoder, endless(), batch_size=2, threads=2)
    for _ in range(10):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert taken <= 10 + 2 * 4


def test_an_animation_has_its_frames_as_parts(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    frames = [draw(1), draw(2)]
    frames[0].save(tmp_path / "two.webp", save_all=True, append_images=frames[1:], duration=400, lossless=True)
    ((_, result),) = encode_images(image_encoder, [tmp_path / "two.webp"])
    assert isinstance(result, Encoding)
    np.testing.assert_allclose(result.spans, [(0.0, 0.4), (0.4, 0.8)])
    expected = image_encoder.encode(frames)
    np.testing.assert_allclose(result.parts, expected, atol=1e-2)
    units = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert cosines(result.vector, units.mean(axis=0)) > 0.9999
    assert np.linalg.norm(result.vector) == pytest.approx(np.linalg.norm(expected, axis=1).mean(), rel=1e-3)


def test_texts_in_order_with_empty_ones_in_place(text_encoder: encoders.TextEncoder) -> None:
    texts = ["<p>red &amp; blue</p>", "", "a much longer line of text than the others", "  <br> ", "sea"]
    results = list(encode_texts(text_encoder, texts, window=2))
    assert [text for text, _ in results] == texts
    assert [isinstance(result, MediaError) for _, result in results] == [False, True, False, True, False]
    first = results[0][1]
    assert isinstance(first, Encoding)
    np.testing.assert_allclose(first.vector, text_encoder.encode(["red & blue"])[0], atol=1e-5)


def test_a_defect_in_an_encoder_is_not_taken_for_a_bad_file(folder: Path) -> None:
    class Broken:
        def prepare(self, _: Image.Image) -> np.ndarray:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(encode_images(Broken(), [folder / "0.png"]))  # type: ignore[arg-type]
