"""Picture files to RGB pictures: upright, alpha over white, any depth and mode, with limits for hostile files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from encoders.base import MediaError
from encoders.image_modes import to_rgb
from encoders.quiet import quiet

if TYPE_CHECKING:
    from PIL import Image

# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib",
    ".tif", ".tiff", ".ico", ".icns", ".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k",
    ".jpx", ".avif", ".heic", ".heif", ".mpo", ".tga", ".psd", ".pcd", ".pcx", ".qoi",
})
# fmt: on

# Formats that Pillow decodes by itself. EPS, which would start a program, and stubs for other libraries are left out.
# fmt: off
FORMATS = (
    "JPEG", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "ICO", "ICNS", "PPM", "JPEG2000", "AVIF",
    "HEIF", "TGA", "PSD", "PCD", "PCX", "QOI", "SGI", "SUN", "XBM", "XPM", "MSP", "DDS",
)
# fmt: on

MOST_BYTES = 512 << 20
MOST_PIXELS = 50_000_000  # decoded: 200 MB at 4 bytes a pixel
MOST_SLOW_PIXELS = 20_000_000  # JPEG 2000 and AVIF take some 0.3 s a megapixel
MOST_DRAFT_PIXELS = 170_000_000  # baseline JPEGs are decoded at a fraction of their size
LARGE_PIXELS = 12_000_000  # decoded one at a time, whatever the number of threads
DRAFT_SIDE = 1024  # a JPEG's decoded sides stay at least this long
MOST_FRAMES = 8  # of an animated picture
MOST_FRAME_PIXELS = 100_000_000  # decoded in all to reach an animation's frames

_large = threading.Lock()


def read_image(path: Path) -> Image.Image:
    """Return a picture file as RGB, upright as its EXIF orientation says; the first frame of an animated one.

    JPEGs of more than twice `DRAFT_SIDE` are decoded at a fraction of their size. Raises MediaError with the reason
    when the file is missing, damaged, no picture, or beyond the limits.
    """
    with _open(path) as image, _room_for(image):
        return _upright(image)


def read_frames(path: Path) -> tuple[list[Image.Image], list[tuple[float, float]]]:
    """Return a picture's frames as RGB and the seconds at which each starts and ends.

    A still picture has one frame and no times. Of an animated one at most `MOST_FRAMES` are returned, evenly spread;
    each stands for the time until the next. Raises MediaError as `read_image` does; frames behind a damaged one are
    left out.
    """
    with _open(path) as image, _room_for(image):
        if image.format in {"GIF", "WEBP", "PNG", "AVIF"} and getattr(image, "is_animated", False):
            frames, spans = _animation(image)
            return (frames, spans) if len(frames) > 1 else (frames, [])
        return [_upright(image)], []


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """Open a picture within the limits; every failure inside the block becomes a MediaError that tells the reason."""
    from PIL import Image, UnidentifiedImageError

    try:
        if not path.exists():
            raise MediaError(f"{path.name}: no such file")
        if not path.is_file():
            raise MediaError(f"{path.name}: not a regular file")
        size = path.stat().st_size
        if size == 0:
            raise MediaError(f"{path.name}: the file is empty")
        if size > MOST_BYTES:
            raise MediaError(f"{path.name}: {size >> 20} MB is over the limit of {MOST_BYTES >> 20} MB")
        with quiet(), Image.open(path, formats=_formats()) as image:
            _check_size(path, image)
            yield image
    except MediaError:
        raise
    except UnidentifiedImageError as error:
        raise MediaError(f"{path.name}: {_unidentified(path)}") from error
    except Image.DecompressionBombError as error:
        raise MediaError(f"{path.name}: too many pixels ({error})") from error
    except MemoryError as error:
        raise MediaError(f"{path.name}: decoding it takes more memory than there is") from error
    except Exception as error:  # decoders raise anything from OSError to struct.error on damaged data
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"{path.name}: the picture is damaged or cut short ({reason[:160]})") from error


@cache
def _formats() -> list[str]:
    """Return those of `FORMATS` that the installed Pillow and its plug-ins read."""
    from PIL import Image

    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(path: Path, image: Image.Image) -> None:
    """Refuse pictures beyond the limits, and have a large JPEG decoded at a fraction of its size."""
    pixels = image.width * image.height
    most = MOST_SLOW_PIXELS if image.format in {"JPEG2000", "AVIF", "HEIF"} else MOST_PIXELS
    drafted = image.format in {"JPEG", "MPO"} and min(image.size) >= 2 * DRAFT_SIDE
    # A progressive one keeps all its coefficients in memory, however small it is decoded.
    if drafted and not image.info.get("progressive"):
        most = MOST_DRAFT_PIXELS
    if pixels > most:
        raise MediaError(
            f"{path.name}: {image.width} x {image.height} pixels are over the limit of {most // 1_000_000} million"
        )
    if drafted:
        image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))


def _room_for(image: Image.Image) -> threading.Lock | nullcontext[None]:
    """Return what to hold while a picture is decoded, so that large ones do not add up in memory."""
    return _large if image.width * image.height > LARGE_PIXELS else nullcontext()


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    image.load()
    with suppress(Exception):  # of a damaged EXIF block the orientation counts where it can be read
        ImageOps.exif_transpose(image, in_place=True)
    upright = to_rgb(image)
    # These keep their decoder, with the whole file in it, for as long as they live.
    return upright.copy() if upright is image and image.format in {"WEBP", "AVIF"} else upright


def _animation(image: Image.Image) -> tuple[list[Image.Image], list[tuple[float, float]]]:
    """Return evenly spread frames of an animated picture, and their times in seconds."""
    budget = max(1, MOST_FRAME_PIXELS // (image.width * image.height))
    count = min(getattr(image, "n_frames", 1), budget)
    wanted = {
        round(place * (count - 1) / max(1, min(count, MOST_FRAMES) - 1)) for place in range(min(count, MOST_FRAMES))
    }
    frames: list[Image.Image] = []
    starts: list[float] = []
    now = 0.0
    for number in range(count):
        try:
            image.seek(number)
            if image.format in {"WEBP", "AVIF"}:
                image.load()  # only then is the frame's duration known
            if number in wanted:
                frame = to_rgb(image)
                frames.append(frame.copy() if frame is image else frame)  # seeking changes the image itself
                starts.append(now)
        except Exception:
            if not frames:
                raise
            break
        now += _duration(image)
    return frames, list(zip(starts, [*starts[1:], now], strict=True))


def _duration(image: Image.Image) -> float:
    """Return the seconds for which an animation's current frame is shown; browsers give tiny delays 0.1 s."""
    try:
        seconds = float(image.info.get("duration") or 0) / 1000
    except (TypeError, ValueError):
        seconds = 0.0
    return seconds if 0.011 <= seconds <= 60 else 0.1


def _unidentified(path: Path) -> str:
    """Say what a file that Pillow does not know seems to be."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}:
        return "HEIC pictures cannot be read here; convert it to JPEG or PNG"
    if head.startswith(b"%!PS") or head.startswith(b"\xc5\xd0\xd3\xc6"):
        return "EPS is a program rather than a picture and is not run"
    if b"<svg" in head.lower() and b"<html" not in head.lower():
        return "SVG drawings cannot be read here; convert it to PNG"
    known = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51")
    if head.startswith(known):
        return "the picture is damaged: its header cannot be read"
    return "not a picture in a format that can be read"
