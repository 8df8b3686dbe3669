"""Picture files to RGB pictures: upright, alpha over white, any depth and mode, with limits for hostile files."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from encoders.image_apart import decode_apart
from encoders.image_costs import LARGE_PIXELS, is_costly, is_costly_to_open
from encoders.image_frames import Span, decode
from encoders.image_opening import open_picture

if TYPE_CHECKING:
    from PIL import Image

# Part of each image encoder's fingerprint; raise it when this code gives other pixels for the same files.
PIXELS_VERSION = 2

_one_large = threading.Lock()  # so that those of several threads do not add up in memory


def read_image(path: Path) -> Image.Image:
    """Return a picture file as RGB, upright as its EXIF orientation says; the first frame of an animated one.

    JPEGs whose short side is `DRAFT_SIDE` twice or more are decoded at a fraction of their size, and pictures that are
    costly to decode come reduced. Raises MediaError with the reason when the file is missing, damaged, no
    picture, or beyond the limits.
    """
    return _read(path, all_frames=False)[0][0]


def read_frames(path: Path) -> tuple[list[Image.Image], list[Span]]:
    """Return a picture's frames as RGB and the seconds at which each starts and ends.

    A still picture has one frame and no times. Of an animated one at most `MOST_FRAMES` are returned, evenly spread;
    each stands for the time until the next. Raises MediaError as `read_image` does; frames behind a damaged one are
    left out.
    """
    return _read(path, all_frames=True)


def _read(path: Path, *, all_frames: bool) -> tuple[list[Image.Image], list[Span]]:
    if not is_costly_to_open(path):
        with open_picture(path) as image:
            if not is_costly(path, image):
                with _one_large if image.width * image.height > LARGE_PIXELS else nullcontext():
                    return decode(image, all_frames=all_frames)
    with _one_large:
        return decode_apart(path, all_frames=all_frames)
