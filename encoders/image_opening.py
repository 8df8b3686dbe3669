"""Opening picture files, with limits for hostile ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from encoders.base import MediaError
from encoders.quiet import quiet

if TYPE_CHECKING:
    from PIL import Image

# fmt: off
IMAGE_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib",
    ".tif", ".tiff", ".ico", ".icns", ".pbm", ".pgm", ".ppm", ".pnm", ".jp2", ".j2k",
    ".jpx", ".avif", ".heic", ".heif", ".mpo", ".tga", ".psd", ".pcd", ".pcx", ".qoi",
})

# Formats that Pillow decodes by itself. EPS, which would start a program, and stubs for other libraries are left out.
FORMATS = (
    "JPEG", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "ICO", "ICNS", "PPM", "JPEG2000", "AVIF",
    "HEIF", "TGA", "PSD", "PCD", "PCX", "QOI", "SGI", "SUN", "XBM", "XPM", "MSP", "DDS",
)
# fmt: on
ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})

MOST_BYTES = 512 << 20
MOST_PIXELS = 50_000_000  # decoded: 200 MB at 4 bytes a pixel
MOST_SLOW_PIXELS = 20_000_000  # JPEG 2000 and AVIF take some 0.3 s a megapixel
MOST_DRAFT_PIXELS = 170_000_000  # baseline JPEGs are decoded at a fraction of their size
DRAFT_SIDE = 1024  # a JPEG's decoded sides stay at least this long
MOST_TEXT_BYTES = 8 << 20  # of one text or profile in a PNG
TILE_WIDTH, TILE_LENGTH = 322, 323  # TIFF tags

OUT_OF_MEMORY = "decoding it takes more memory than it may have; save it smaller"


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
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
        raise MediaError(f"{path.name}: {OUT_OF_MEMORY}") from error
    except Exception as error:  # decoders raise anything from OSError to struct.error on damaged data
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(f"{path.name}: the picture is damaged or cut short ({reason[:160]})") from error


@cache
def _formats() -> list[str]:
    """Return those of `FORMATS` that the installed Pillow and its plug-ins read, made ready."""
    from PIL import Image, PngImagePlugin

    Image.init()
    # Of a PNG with a larger text or profile Pillow reads nothing; all its texts together may have 64 MB.
    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, MOST_TEXT_BYTES)
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(path: Path, image: Image.Image) -> None:
    """Refuse pictures beyond the limits."""
    pixels = pixels_in_memory(image)
    most = MOST_SLOW_PIXELS if image.format in {"JPEG2000", "AVIF", "HEIF"} else MOST_PIXELS
    # A progressive JPEG keeps all its coefficients in memory, however small it is decoded.
    if is_drafted(image) and not image.info.get("progressive"):
        most = MOST_DRAFT_PIXELS
    if pixels > most:
        counted = f"{image.width} x {image.height}" if pixels == image.width * image.height else f"tiles of {pixels}"
        raise MediaError(f"{path.name}: {counted} pixels are over the limit of {most // 1_000_000} million")


def pixels_in_memory(image: Image.Image) -> int:
    """Return the number of a picture's pixels, or of one of its tiles' where a TIFF has larger ones than itself."""
    pixels = image.width * image.height
    if image.format != "TIFF":
        return pixels
    tags = image.tag_v2  # type: ignore[attr-defined]
    width, length = tags.get(TILE_WIDTH, 1), tags.get(TILE_LENGTH, 1)
    if not isinstance(width, int) or not isinstance(length, int):
        raise ValueError("invalid dimensions of tiles")
    return max(pixels, width * length)


def is_drafted(image: Image.Image) -> bool:
    """Say whether a picture is decoded at a fraction of its size."""
    return image.format in {"JPEG", "MPO"} and min(image.size) >= 2 * DRAFT_SIDE


def _unidentified(path: Path) -> str:
    """Say what a file that Pillow does not know seems to be."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "HEIC pictures cannot be read here; convert it to JPEG or PNG"
    if head.startswith(b"%!PS") or head.startswith(b"\xc5\xd0\xd3\xc6"):
        return "EPS is a program rather than a picture and is not run"
    if b"<svg" in head.lower() and b"<html" not in head.lower():
        return "SVG drawings cannot be read here; convert it to PNG"
    known = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51")
    if head.startswith(known) or (head[:4], head[8:12]) == (b"RIFF", b"WEBP"):
        return "its header cannot be read: the picture is damaged, or of a kind that cannot be read here"
    return "not a picture in a format that can be read"
