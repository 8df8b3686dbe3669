"""Costly pictures are decoded in a process of their own, to the same pixels, and with limits that hold."""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from encoders import MediaError, image_apart, image_costs, read_image
from encoders.image_costs import _count_scans, _first_scan, is_costly, is_costly_to_open
from encoders.image_files import read_frames
from encoders.image_opening import open_picture
from tests.encoders.conftest import draw, tiff


def costly(path: Path) -> bool:
    with open_picture(path) as image:
        return is_costly(path, image)


@pytest.fixture(scope="module")
def large() -> Image.Image:
    return draw(3, (500, 375)).resize((4200, 3150))  # 13 megapixels


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "CMYK", "I;16", "F", "1"])
def test_large_pictures_are_reduced(mode: str, large: Image.Image, tmp_path: Path) -> None:
    gray = np.asarray(large.convert("L"), np.float32)
    image = {
        "RGBA": lambda: large.convert("RGBA"),
        "LA": lambda: large.convert("LA"),
        "I;16": lambda: Image.fromarray((gray * 257).astype(np.uint16)),
        "F": lambda: Image.fromarray(gray * 3 - 7),
    }.get(mode, lambda: large.convert(mode))()
    if mode in {"RGBA", "LA"}:
        image.putalpha(255)
        image.paste((0,) * len(image.getbands()), (0, 0, 2100, 3150))  # the left half is transparent
    path = tmp_path / f"large.{'tif' if mode in {'CMYK', 'F'} else 'png'}"
    image.save(path, **({} if path.suffix == ".tif" else {"compress_level": 1}))
    assert costly(path)
    read = read_image(path)
    assert read.mode == "RGB"
    assert (read.width * 3150, max(read.size)) == (read.height * 4200, 1400)
    expected = np.asarray(
        (large if mode in {"RGB", "RGBA", "P", "CMYK"} else large.convert("L")).convert("RGB"), np.int32
    )
    if mode == "F":  # stretched from its least to its greatest value
        expected = (expected - expected.min()) * 255 // int(np.ptp(expected))
    small = np.asarray(read.resize((42, 31), Image.Resampling.BOX), np.int16)
    wanted = np.asarray(
        Image.fromarray(expected.astype(np.uint8)).resize((42, 31), Image.Resampling.BOX), np.int16
    ).copy()
    if mode in {"RGBA", "LA"}:
        wanted[:, :21] = 255
    assert np.abs(small - wanted).mean() < (12 if mode in {"P", "1"} else 2)


def test_large_pictures_come_in_the_colours_of_their_profile(large: Image.Image, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")  # red for green
    profile = profile.replace("sRGB".encode("utf-16-be"), "sGRB".encode("utf-16-be"))
    large.save(tmp_path / "large.png", icc_profile=profile, compress_level=1)
    read = np.asarray(read_image(tmp_path / "large.png"), np.int16)
    assert np.abs(read - np.asarray(large.reduce(3), np.int16)[..., [1, 0, 2]]).mean() < 2


def test_upright_however_large(large: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    large.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif, compress_level=1)
    read = read_image(tmp_path / "turned.png")
    assert read.width > read.height
    difference = np.asarray(read.resize((42, 31)), np.int16) - np.asarray(large.resize((42, 31)), np.int16)
    assert np.abs(difference).mean() < 3


def test_long_thin_pictures_are_reduced_too(tmp_path: Path) -> None:
    for size, reduced in {(767, 65_000): (256, 21_667), (800, 16_000): (400, 8000), (65_000, 20): (65_000, 20)}.items():
        Image.new("RGB", size, "red").save(tmp_path / "thin.png", compress_level=1)
        (frame,), _ = image_apart.decode_apart(tmp_path / "thin.png", all_frames=False)
        assert frame.size == reduced
        assert frame.getpixel((reduced[0] - 1, reduced[1] - 1)) == (255, 0, 0)


def test_frames_come_with_their_times(tmp_path: Path) -> None:
    frames = [draw(seed, (2300, 1800)) for seed in range(3)]
    path = tmp_path / "moving.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=[100, 200, 300], quality=30, method=0)
    assert costly(path)
    read, spans = read_frames(path)
    assert [frame.size for frame in read] == [(1150, 900)] * 3
    np.testing.assert_allclose(spans, [(0, 0.1), (0.1, 0.3), (0.3, 0.6)], atol=1e-6)
    for frame, source in zip(read, frames, strict=True):
        assert np.abs(np.asarray(frame, np.int16) - np.asarray(source.reduce(2), np.int16)).mean() < 8


def test_the_time_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_apart, "CPU_SECONDS", 1)
    path = tmp_path / "plain.ppm"  # numbers in plain text: some 2 s a megapixel
    path.write_bytes(b"P3 2000 2000 255\n" + b"17 42 250\n" * 4_000_000)
    assert costly(path)
    with pytest.raises(
        MediaError, match=r"^plain\.ppm: decoding it takes longer than 1 s; save it smaller, or as JPEG or PNG$"
    ):
        read_image(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited on Linux alone")
def test_the_memory_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_apart, "MEMORY", 40 << 20)
    Image.new("RGBA", (4200, 3150)).save(tmp_path / "empty.png")
    with pytest.raises(
        MediaError, match=r"^empty\.png: decoding it takes more memory than it may have; save it smaller$"
    ):
        read_image(tmp_path / "empty.png")


def test_reasons_come_back(large: Image.Image, tmp_path: Path) -> None:
    large.save(tmp_path / "whole.png", compress_level=1)
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MediaError, match=r"^half\.png: the picture is damaged or cut short \(.*truncated.*\)$"):
        read_image(tmp_path / "half.png")


def test_a_decoder_that_crashes_takes_nothing_with_it(
    large: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large.save(tmp_path / "large.png", compress_level=1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MediaError, match=r"^large\.png: its decoder crashed; "):
        read_image(tmp_path / "large.png")
    killed = tmp_path / "killed"  # as a system does that is short of memory
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(MediaError, match=r"^large\.png: decoding it takes more memory than it may have"):
        read_image(tmp_path / "large.png")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(MediaError, match=r"^large\.png: no process can be started to decode it \(No such file"):
        read_image(tmp_path / "large.png")


def test_icons_that_hold_large_pictures_are_not_opened_here(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    for name, pixels in {"noise": noise, "plain": np.full_like(noise, 7)}.items():  # a megabyte, and a few kilobytes
        picture = io.BytesIO()
        Image.fromarray(pixels).save(picture, "PNG")
        entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, picture.tell(), 22)
        path = tmp_path / f"{name}.ico"
        path.write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + picture.getvalue())
        assert is_costly_to_open(path)
        np.testing.assert_array_equal(np.asarray(read_image(path)), pixels)


def test_what_a_jpeg_costs_depends_on_its_scans(large: Image.Image, tmp_path: Path) -> None:
    large.save(tmp_path / "plain.jpg")
    large.save(tmp_path / "progressive.jpg", progressive=True)
    draw(1).save(tmp_path / "small.jpg", progressive=True)
    assert [costly(tmp_path / f"{name}.jpg") for name in ("plain", "progressive", "small")] == [False, True, False]
    assert _count_scans(tmp_path / "plain.jpg") == 1
    assert _count_scans(tmp_path / "small.jpg") > 5
    with (tmp_path / "plain.jpg").open("rb") as file:
        assert _first_scan(file) == 3
    app = b"\xff\xe1\0\x06\xff\xda\0\x08"  # a preview's scan inside a segment
    assert _first_scan(io.BytesIO(b"\xff\xd8" + app + b"\xff\xff\xda\0\x08\x01\x01\0")) == 1
    assert _first_scan(io.BytesIO(b"\xff\xd8\xff")) == 0
    small = (tmp_path / "small.jpg").read_bytes()
    (tmp_path / "many.jpg").write_bytes(small[:-2] + b"\xff\xda" * 2000 + small[-2:])
    assert costly(tmp_path / "many.jpg")


def gif(*frames: tuple[int, int], between: bytes = b"") -> bytes:
    """Return a GIF with a screen of 10 x 10 and red frames of some sizes."""
    written = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes([255, 0, 0, 0, 0, 255])
    for width, height in frames:
        bits = [0, 0, 1, 0, 0, 0] * (width * height) + [1, 0, 1]  # each pixel behind a code that clears
        data = np.packbits(bits, bitorder="little").tobytes()
        blocks = (data[start : start + 255] for start in range(0, len(data), 255))
        written += between + struct.pack("<BHHHHBB", 0x2C, 0, 0, width, height, 0, 2)
        written += b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return written + b";"


def test_what_a_gif_costs_depends_on_its_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comment, loop = b"!\xfe\x02hi\0", b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    cases = {
        "plain": (gif((10, 10), (4, 4), between=comment + loop), False),
        "beyond": (gif((10, 10), (30, 20)), True),
        "hidden": (gif((10, 10), (4, 4), between=b"!\xf9\0\x02xx\0"), True),
        "cut": (gif((10, 10), (4, 4))[:-3], True),
        "many": (gif(*[(1, 1)] * 9), True),
    }
    monkeypatch.setattr(image_costs, "FEW_FRAMES", 8)
    for name, (content, expected) in cases.items():
        (tmp_path / f"{name}.gif").write_bytes(content)
        assert costly(tmp_path / f"{name}.gif") == expected, name
    assert [frame.size for frame in read_frames(tmp_path / "beyond.gif")[0]] == [(10, 10), (30, 20)]


def test_the_tiles_of_a_tiff_count(tmp_path: Path) -> None:
    (tmp_path / "large.tif").write_bytes(tiff((16, 16), bytes(256), {322: 4000, 323: 4000}))
    assert costly(tmp_path / "large.tif")
    (tmp_path / "huge.tif").write_bytes(tiff((16, 16), bytes(256), {322: 20_000, 323: 20_000}))
    with pytest.raises(MediaError, match=r"^huge\.tif: tiles of 400000000 pixels are over the limit of 50 million$"):
        read_image(tmp_path / "huge.tif")


def test_runs_of_a_bmp_are_costly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = b"\x04\x01\0\0" * 4 + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 1, len(runs), 0, 0, 2, 0) + bytes([0, 0, 0, 0, 0, 0, 255, 0])
    start = 14 + len(header)
    (tmp_path / "runs.bmp").write_bytes(b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + runs)
    assert not costly(tmp_path / "runs.bmp")
    monkeypatch.setattr(image_costs, "FEW_BYTES", 50)
    assert costly(tmp_path / "runs.bmp")
    assert (np.asarray(read_image(tmp_path / "runs.bmp")) == (255, 0, 0)).all()


def test_files_with_long_headers_are_not_opened_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8))
    for suffix in ("jpg", "png", "gif", "tif", "avif"):
        noise.save(tmp_path / f"noise.{suffix}", quality=95)
        assert not is_costly_to_open(tmp_path / f"noise.{suffix}")
    jpeg = (tmp_path / "noise.jpg").read_bytes()
    for name, header in {"segments": b"\xff\xe9\0\2" * 1000, "fill": b"\xff" * 1000}.items():
        (tmp_path / f"{name}.jpg").write_bytes(jpeg[:2] + header + jpeg[2:])
        assert is_costly_to_open(tmp_path / f"{name}.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "fill.jpg"), read_image(tmp_path / "noise.jpg"))
    for limit in ("MOST_OPENED_BYTES", "FEW_FRAME_BYTES"):
        monkeypatch.setattr(image_costs, limit, 300_000)
    costs = {suffix: is_costly_to_open(tmp_path / f"noise.{suffix}") for suffix in ("jpg", "png", "gif", "tif", "avif")}
    assert costs == {"jpg": False, "png": True, "gif": True, "tif": True, "avif": False}


def test_warnings_may_be_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    frames, _ = image_apart.decode_apart(tmp_path / "red.png", all_frames=False)
    assert frames[0].getpixel((0, 0)) == (255, 0, 0)


def test_nothing_is_imported_from_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may be one of untrusted media."""
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    for name in ("numpy", "PIL", "encoders", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    frames, _ = image_apart.decode_apart(tmp_path / "red.png", all_frames=False)
    assert frames[0].getpixel((0, 0)) == (255, 0, 0)
