"""Telling which pictures cost too much to be opened or decoded in this process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING

from encoders.image_opening import ANIMATED, is_drafted

if TYPE_CHECKING:
    from PIL import Image

QUICK = frozenset({"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF"})  # some 0.02 s a megapixel
LARGE_PIXELS = 12_000_000

# What a picture of a slow format, an animated one, and a progressive JPEG may have and still be decoded here.
FEW_PIXELS, FEW_BYTES = 1_000_000, 256 << 10
FEW_FRAME_PIXELS, FEW_FRAME_BYTES = 4_000_000, 2 << 20
FEW_SCANNED_PIXELS, FEW_SCANNED_BYTES = 100_000_000, 32 << 20  # pixels times scans


def is_costly_to_open(path: Path) -> bool:
    """Say whether even opening a file may take hundreds of megabytes, as it does where icons hold large pictures."""
    try:
        if not path.is_file() or path.stat().st_size <= FEW_BYTES:  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(4) in {b"\0\0\1\0", b"icns"}
    except OSError:
        return False  # opening it tells why


def is_costly(path: Path, image: Image.Image) -> bool:
    """Say whether decoding an opened picture may take seconds or hundreds of megabytes.

    Its size alone does not tell: a few hundred kilobytes may be a progressive JPEG of 3,000 scans, or 100,000 frames.
    """
    pixels, size = image.width * image.height, path.stat().st_size
    if image.format == "HEIF":  # read by a plug-in that only this process has
        return False
    if image.format not in QUICK:
        return pixels > FEW_PIXELS or size > FEW_BYTES
    if image.format in {"JPEG", "MPO"}:
        # Such a JPEG's coefficients are all kept, however small it is decoded, and decoded as often as it has scans.
        if image.info.get("progressive"):
            few = pixels <= LARGE_PIXELS and size <= FEW_SCANNED_BYTES
            return not few or pixels * _count_scans(path) > FEW_SCANNED_PIXELS
        return pixels > LARGE_PIXELS and (not is_drafted(image) or _is_split(path, image))
    if pixels > LARGE_PIXELS:
        return True
    large = pixels > FEW_FRAME_PIXELS or size > FEW_FRAME_BYTES
    return large and image.format in ANIMATED and bool(getattr(image, "is_animated", False))


def _count_scans(path: Path) -> int:
    """Return how many scans a JPEG has, or a few more: a preview inside it has its own."""
    return sum(1 for _ in re.finditer(rb"\xff\xda", path.read_bytes()))


def _is_split(path: Path, image: Image.Image) -> bool:
    """Say whether a baseline JPEG has its components in scans of their own."""
    with path.open("rb") as file:
        return _first_scan(file) < len(image.getbands())


def _first_scan(file: IO[bytes]) -> int:
    """Return the number of components in a JPEG's first scan, 0 where none is found."""
    file.seek(2)
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        if head[1] == 0xFF:  # a fill byte
            file.seek(-3, 1)
        elif head[1] == 0xDA:
            return int.from_bytes(file.read(1))
        else:
            file.seek(int.from_bytes(head[2:]) - 2, 1)
    return 0
