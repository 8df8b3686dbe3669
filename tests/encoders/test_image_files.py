"""Pictures of every kind come out RGB, upright and over white; hostile and damaged ones with a true reason."""

from __future__ import annotations

import os
import struct
import threading
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

import encoders
from encoders import MediaError, read_image
from encoders.image_files import read_frames
from encoders.image_frames import MOST_FRAMES
from tests.encoders.conftest import cosines, draw, tiff

FLIPS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def pixels(image: Image.Image) -> np.ndarray:
    assert image.mode == "RGB"
    return np.asarray(image, np.int16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_comes_upright(
    orientation: int, picture: Image.Image, tmp_path: Path, image_encoder: encoders.ImageEncoder
) -> None:
    stored = picture.transpose(FLIPS[orientation]) if orientation in FLIPS else picture
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    picture.save(tmp_path / "plain.jpg", quality=95)
    turned, plain = read_image(tmp_path / "turned.jpg"), read_image(tmp_path / "plain.jpg")
    assert turned.size == picture.size
    assert np.abs(pixels(turned) - pixels(plain)).mean() < 3
    assert cosines(*image_encoder.encode([turned, plain])) >= 0.98


@pytest.mark.parametrize("suffix", ["png", "webp", "gif", "tiff"])
def test_transparent_is_white(suffix: str, tmp_path: Path) -> None:
    image = Image.new("RGBA", (8, 8), (200, 30, 40, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    path = tmp_path / f"half.{suffix}"
    image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    result = pixels(read_image(path))
    assert (result[:, :4] == 255).all()
    assert np.abs(result[:, 4:] - [200, 30, 40]).max() <= 2


def test_half_transparent_is_mixed(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 128)).save(tmp_path / "a.png")
    Image.new("LA", (4, 4), (0, 128)).save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        assert np.abs(pixels(read_image(tmp_path / name)) - 127).max() <= 1


def test_palettes_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "p.png", transparency=0)
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "p.png"))[0], [[255, 255, 255], [200, 100, 50]])


def test_deep_gray_keeps_its_scale(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    Image.fromarray(ramp).save(tmp_path / "deep.tiff")
    dark = (ramp // 16).astype(np.uint16)  # a dark picture stays dark
    Image.fromarray(dark).save(tmp_path / "dark.png")
    Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "float.tiff")
    expected = (ramp.astype(float) / 257).round()
    for name in ("deep.png", "deep.tiff", "float.tiff"):
        assert np.abs(pixels(read_image(tmp_path / name))[..., 0] - expected).max() <= 1, name
    assert pixels(read_image(tmp_path / "dark.png")).max() <= 16


def test_deep_gray_tiffs_of_every_kind(tmp_path: Path) -> None:
    ramp = np.arange(256).reshape(16, 16)
    pairs = (ramp * 4095 // 255).reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], -1)
    cases = {
        "white is zero": (((255 - ramp) * 257).astype("<u2"), {258: 16, 262: 0}),
        "12 bits": (packed.astype("u1"), {258: 12}),
        "32 bits": ((ramp * 0x1010101).astype("<u4"), {258: 32}),
        "white is zero, floats": ((1 - ramp / 255).astype("<f4"), {258: 32, 262: 0, 339: 3}),
        "signed": ((ramp * 1000 - 128_000).astype("<i4"), {258: 32, 339: 2}),
    }
    for name, (values, tags) in cases.items():
        (tmp_path / "a.tif").write_bytes(tiff((16, 16), values.tobytes(), tags))
        assert np.abs(pixels(read_image(tmp_path / "a.tif"))[..., 0] - ramp).max() <= 1, name


def test_the_transparent_colour_of_deep_gray_is_white(tmp_path: Path) -> None:
    values = np.array([[0, 1000, 30_000]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png", transparency=1000)
    assert pixels(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 255, 117]


@pytest.mark.parametrize("mode", ["1", "L", "CMYK", "YCbCr"])
def test_other_modes(mode: str, picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "image.tiff"
    picture.convert(mode).save(path)
    difference = np.abs(pixels(read_image(path)) - pixels(picture.convert(mode).convert("RGB")))
    assert difference.max() <= (0 if mode != "YCbCr" else 3)


@pytest.fixture(scope="module")
def swapping() -> bytes:
    """An ICC profile of sRGB with red and green changed for one another."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "sGRB".encode("utf-16-be"))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "alpha.png", "palette.png", "gray.png", "cmyk.tif", "moving.webp"])
def test_colours_are_those_of_the_profile(name: str, swapping: bytes, picture: Image.Image, tmp_path: Path) -> None:
    mode = {"alpha.png": "RGBA", "palette.png": "P", "gray.png": "L", "cmyk.tif": "CMYK"}.get(name, "RGB")
    stored = picture.convert(mode)
    moving = {"save_all": True, "append_images": [stored.rotate(180)]} if name == "moving.webp" else {}
    for folder, profile in {"with": {"icc_profile": swapping}, "without": {}}.items():
        (tmp_path / folder).mkdir()
        stored.save(tmp_path / folder / name, lossless=True, **moving, **profile)
    expected = pixels(read_image(tmp_path / "without" / name))[..., [1, 0, 2]]
    assert np.abs(pixels(read_image(tmp_path / "with" / name)) - expected).max() <= 2
    assert np.abs(pixels(read_frames(tmp_path / "with" / name)[0][0]) - expected).max() <= 2


def test_profiles_of_srgb_and_damaged_ones_change_nothing(picture: Image.Image, tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, srgb[:200], b"none"):
        picture.save(tmp_path / "a.png", icc_profile=profile)
        np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.png")), pixels(picture))


def test_long_texts_and_profiles_of_a_png(picture: Image.Image, tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("workflow", "node " * 500_000, zip=True)
    picture.save(tmp_path / "a.png", pnginfo=texts, icc_profile=bytes(2_000_000))
    np.testing.assert_array_equal(pixels(read_image(tmp_path / "a.png")), pixels(picture))
    texts.add_text("endless", "a" * 20_000_000, zip=True)
    picture.save(tmp_path / "b.png", pnginfo=texts)
    with pytest.raises(MediaError, match=r"^b\.png: .*too large"):
        read_image(tmp_path / "b.png")


def test_an_animation_has_frames_with_times(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), (12 * number, 0, 0)) for number in range(20)]
    path = tmp_path / "moving.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=500, lossless=True)
    read, spans = read_frames(path)
    assert len(read) == len(spans) == MOST_FRAMES
    assert pixels(read[0]).max() == 0
    assert pixels(read[-1])[0, 0, 0] == 12 * 19
    assert spans[0][0] == 0
    assert spans[-1] == pytest.approx((9.5, 10.0))
    assert all(first[1] == second[0] for first, second in pairwise(spans))


def test_a_still_picture_has_one_frame_and_no_times(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "still.gif")
    frames, spans = read_frames(tmp_path / "still.gif")
    assert (len(frames), spans) == (1, [])


def test_large_jpegs_are_decoded_at_a_fraction(tmp_path: Path, image_encoder: encoders.ImageEncoder) -> None:
    large = draw(3, (4000, 3000))
    large.save(tmp_path / "large.jpg", quality=92)
    read = read_image(tmp_path / "large.jpg")
    assert 1024 <= min(read.size) < 3000
    assert cosines(*image_encoder.encode([read, large])) > 0.99


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 12_000, 9_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(MediaError, match=r"bomb\.png: 12000 x 9000 pixels are over the limit"):
        read_image(tmp_path / "bomb.png")
    huge = bomb.replace(header, struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    (tmp_path / "huge.png").write_bytes(huge)
    with pytest.raises(MediaError, match=r"huge\.png"):
        read_image(tmp_path / "huge.png")


def test_reasons_are_true_and_one_line(picture: Image.Image, tmp_path: Path) -> None:
    picture.save(tmp_path / "whole.jpg")
    picture.save(tmp_path / "whole.png")
    jpeg, png = (tmp_path / "whole.jpg").read_bytes(), (tmp_path / "whole.png").read_bytes()
    cases = {
        "cut.jpg": (jpeg[: len(jpeg) // 2], "damaged or cut short"),
        "cut.png": (png[: len(png) // 2], "damaged or cut short"),
        "header.png": (png[:20], "damaged"),
        "doubles.tif": (tiff((1, 1), bytes(8), {258: 64, 339: 3}), "or of a kind that cannot be read here"),
        "header.webp": (b"RIFF\0\0\0\0WEBPnone", "header cannot be read: the picture is damaged"),
        "sound.webp": (b"RIFF\0\0\0\0WAVEfmt ", "not a picture"),
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"just words, no picture", "not a picture"),
        "vector.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        "program.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "EPS"),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40, "HEIC"),
    }
    for name, (content, reason) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MediaError, match=reason) as raised:
            read_image(tmp_path / name)
        assert str(raised.value).startswith(name + ": ")
        assert "\n" not in str(raised.value)
    with pytest.raises(MediaError, match="no such file"):
        read_image(tmp_path / "missing.jpg")
    with pytest.raises(MediaError, match="not a regular file"):
        read_image(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(MediaError, match="not a regular file"):
        read_image(tmp_path / "pipe.jpg")


def test_warnings_stay_quiet_in_many_threads(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([0, 0, 0, 9, 9, 9])
    image.save(tmp_path / "p.png", transparency=b"\0\x80")  # Pillow warns when it converts one of these
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(50):
                read_image(tmp_path / "p.png")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_no_decoder_is_kept(suffix: str, picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{suffix}"
    picture.save(path)
    assert not hasattr(read_image(path), "_decoder")


def test_a_page_with_a_drawing_in_it_is_no_drawing(tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_text("<!doctype html><html><body><svg></svg>403 Forbidden</body></html>")
    (tmp_path / "drawing.jpg").write_text('<svg xmlns="http://www.w3.org/2000/svg"></svg>')
    with pytest.raises(MediaError, match="not a picture"):
        read_image(tmp_path / "page.jpg")
    with pytest.raises(MediaError, match="SVG"):
        read_image(tmp_path / "drawing.jpg")


def test_a_jpeg_too_narrow_to_be_decoded_at_a_fraction_has_the_common_limit(tmp_path: Path) -> None:
    Image.new("L", (1024, 60_000)).save(tmp_path / "narrow.jpg")
    with pytest.raises(MediaError, match="1024 x 60000 pixels are over the limit of 50 million"):
        read_image(tmp_path / "narrow.jpg")


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_animations_come_upright(suffix: str, tmp_path: Path) -> None:
    frames = [draw(seed, (60, 40)) for seed in range(2)]
    exif = Image.Exif()
    exif[0x0112] = 6
    first, second = (frame.transpose(Image.Transpose.ROTATE_90) for frame in frames)
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second], exif=exif, lossless=True)
    read, _ = read_frames(tmp_path / f"a.{suffix}")
    assert len(read) == 2
    for frame, expected in zip(read, frames, strict=True):
        np.testing.assert_array_equal(np.asarray(frame), np.asarray(expected))


def test_the_still_of_an_animated_png_is_no_frame_of_it(tmp_path: Path) -> None:
    still, *frames = (draw(seed, (60, 40)) for seed in range(3))
    still.save(tmp_path / "a.png", save_all=True, append_images=frames, default_image=True, duration=500)
    read, spans = read_frames(tmp_path / "a.png")
    assert spans == [(0.0, 0.5), (0.5, 1.0)]
    for frame, expected in zip(read, frames, strict=True):
        np.testing.assert_array_equal(np.asarray(frame), np.asarray(expected))
