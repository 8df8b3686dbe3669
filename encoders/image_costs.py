"""Telling which pictures cost too much to be opened or decoded in this process."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import IO, TYPE_CHECKING

from encoders.image_opening import ANIMATED, is_drafted, pixels_in_memory

if TYPE_CHECKING:
    from PIL import Image

QUICK = frozenset({"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF"})  # some 0.02 s a megapixel
LARGE_PIXELS = 12_000_000

# What a picture of a slow format, an animated one, and a progressive JPEG may have and still be decoded here.
FEW_PIXELS, FEW_BYTES = 1_000_000, 256 << 10
FEW_FRAME_PIXELS, FEW_FRAME_BYTES = 4_000_000, 2 << 20
FEW_SCANNED_PIXELS, FEW_SCANNED_BYTES = 100_000_000, 32 << 20  # pixels times scans
FEW_FRAMES = 2000  # of a GIF: the tiniest take 0.1 ms each

MOST_OPENED_BYTES = 8 << 20  # opened here, as a header can be all of a file, and some take seconds a megabyte
FEW_SEGMENTS = 1000  # of a JPEG before its first scan; cameras write some 20
GIF_EXTENSION, GIF_APPLICATION, GIF_FRAME, GIF_END = 0x21, 0xFF, 0x2C, 0x3B


def is_costly_to_open(path: Path) -> bool:
    """Say whether even opening a file may take seconds or hundreds of megabytes.

    So it is where icons hold large pictures, as small ones may, and where a header goes on for megabytes. A JPEG's is
    looked at, since ordinary ones are large.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            head, size = file.read(12), path.stat().st_size
            if head.startswith(b"\xff\xd8"):
                return size > FEW_BYTES and _first_scan(file) == 0
    except OSError:
        return False  # opening it tells why
    if head.startswith((b"\0\0\1\0", b"icns")):
        return True
    if size <= FEW_BYTES or head[4:8] == b"ftyp":  # AVIF, and HEIF
        return False
    return size > (FEW_FRAME_BYTES if head.startswith((b"GIF8", b"II", b"MM")) else MOST_OPENED_BYTES)


def is_costly(path: Path, image: Image.Image) -> bool:
    """Say whether decoding an opened picture may take seconds or hundreds of megabytes.

    Its size alone does not tell: a few hundred kilobytes may be a progressive JPEG of 3,000 scans, or 100,000 frames.
    """
    pixels, size = pixels_in_memory(image), path.stat().st_size
    if image.format not in QUICK:  # HEIF is read by a plug-in that only this process has
        return image.format != "HEIF" and (pixels > FEW_PIXELS or size > FEW_BYTES)
    if image.format in {"JPEG", "MPO"}:
        # Such a JPEG's coefficients are all kept, however small it is decoded, and decoded as often as it has scans.
        if image.info.get("progressive"):
            few = pixels <= LARGE_PIXELS and size <= FEW_SCANNED_BYTES
            return not few or pixels * _count_scans(path) > FEW_SCANNED_PIXELS
        return pixels > LARGE_PIXELS and (not is_drafted(image) or _is_split(path, image))
    in_runs = image.info.get("compression") in {1, 2}  # of a BMP, which Pillow decodes in Python
    if pixels > LARGE_PIXELS or (in_runs and size > FEW_BYTES):
        return True
    if image.format not in ANIMATED or not getattr(image, "is_animated", False):
        return False
    large = pixels > FEW_FRAME_PIXELS or size > FEW_FRAME_BYTES
    return large or (image.format == "GIF" and not _has_few_frames(path, image))


def _count_scans(path: Path) -> int:
    """Return how many scans a JPEG has, or a few more: a preview inside it has its own."""
    return sum(1 for _ in re.finditer(rb"\xff\xda", path.read_bytes()))


def _is_split(path: Path, image: Image.Image) -> bool:
    """Say whether a baseline JPEG has its components in scans of their own."""
    with path.open("rb") as file:
        return _first_scan(file) < len(image.getbands())


def _first_scan(file: IO[bytes]) -> int:
    """Return the number of components in a JPEG's first scan, 0 where none is found soon."""
    file.seek(2)
    for _ in range(FEW_SEGMENTS):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF:
            break
        if head[1] == 0xFF:  # a fill byte
            file.seek(-3, 1)
        elif head[1] == 0xDA:
            return int.from_bytes(file.read(1))
        else:
            file.seek(int.from_bytes(head[2:]) - 2, 1)
    return 0


def _has_few_frames(path: Path, image: Image.Image) -> bool:
    """Say whether a GIF has few frames, and none that lies beyond its screen, which Pillow would enlarge.

    Whatever is not as it should be is taken for many frames, so that Pillow cannot find others than are found here.
    """
    data, frames = path.read_bytes(), 0
    try:
        place = 13 + _palette_bytes(data[10])
        while data[place] != GIF_END:
            if data[place] == GIF_FRAME:
                left, top, width, height, flags = struct.unpack_from("<4HB", data, place + 1)
                frames += 1
                if left + width > image.width or top + height > image.height or frames > FEW_FRAMES:
                    return False
                place, least = place + 11 + _palette_bytes(flags), 0
            elif data[place] == GIF_EXTENSION:
                place, least = place + 2, 2 if data[place + 1] == GIF_APPLICATION else 1
            else:
                return False
            blocks = 0
            while size := data[place]:
                place, blocks = place + 1 + size, blocks + 1
            place += 1
            if blocks < least:  # then Pillow would read on behind the end of these
                return False
    except (IndexError, struct.error):  # it is cut short
        return False
    return True


def _palette_bytes(flags: int) -> int:
    """Return how many bytes of palette a GIF has behind such flags."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0
