"""An opened picture to RGB frames: upright, over white, and where it is animated with their times."""

from __future__ import annotations

from contextlib import suppress
from math import ceil, sqrt
from typing import TYPE_CHECKING

from encoders.image_modes import to_rgb
from encoders.image_opening import ANIMATED, DRAFT_SIDE

if TYPE_CHECKING:
    from PIL import Image

Span = tuple[float, float]

MOST_FRAMES = 8  # of an animated picture
MOST_FRAME_PIXELS = 100_000_000  # decoded in all to reach an animation's frames
LEAST_SIDE = 384  # pixels that the short side of a picture keeps where it is reduced, unless it is long and thin
MOST_TIMES = 4  # as many pixels as it should have a picture may keep, so that its short side does
ORIENTATION = 0x0112  # the EXIF tag


def decode(
    image: Image.Image, *, all_frames: bool, most_pixels: int | None = None
) -> tuple[list[Image.Image], list[Span]]:
    """Return an opened picture's frames as RGB, and the seconds at which each starts and ends.

    A still picture has one frame and no times, an animated one at most `MOST_FRAMES`, evenly spread, of which each
    stands for the time until the next; without `all_frames` the first alone. Frames behind a damaged one are left out,
    and those of a large animation behind its first `MOST_FRAME_PIXELS`. Frames of more than `most_pixels` are reduced.
    """
    if all_frames and image.format in ANIMATED and getattr(image, "is_animated", False):
        frames, spans = _animation(image, most_pixels)
        return (frames, spans) if len(frames) > 1 else (frames, [])
    image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))  # a JPEG at a fraction of its size
    image.load()
    return [_upright(_frame(image, most_pixels), image)], []


def _frame(image: Image.Image, most_pixels: int | None) -> Image.Image:
    """Return the current frame as RGB that shares nothing with it."""
    pixels = image.width * image.height
    if most_pixels and pixels > most_pixels:
        wanted, needed = (ceil(sqrt(pixels / most)) for most in (most_pixels, MOST_TIMES * most_pixels))
        return to_rgb(image, max(needed, min(wanted, min(image.size) // LEAST_SIDE)))
    frame = to_rgb(image)
    # Seeking changes an animation itself; and these keep their decoder, with the whole file in it, while they live.
    return frame.copy() if frame is image and image.format in ANIMATED else frame


def _upright(frame: Image.Image, source: Image.Image) -> Image.Image:
    """Return a frame turned as its source's EXIF orientation says."""
    from PIL import ImageOps

    with suppress(Exception):  # of a damaged EXIF block the orientation counts where it can be read
        if (orientation := source.getexif().get(ORIENTATION, 1)) != 1:
            plain = frame.copy() if frame is source else frame
            plain.info = {}
            plain.getexif()[ORIENTATION] = orientation
            return ImageOps.exif_transpose(plain)
    return frame


def _animation(image: Image.Image, most_pixels: int | None) -> tuple[list[Image.Image], list[Span]]:
    """Return evenly spread frames of an animated picture, and their times in seconds."""
    first = 1 if getattr(image, "default_image", False) else 0  # a PNG's still, for those who cannot show more
    budget = max(1, MOST_FRAME_PIXELS // (image.width * image.height))
    count = min(getattr(image, "n_frames", 1) - first, budget)
    wanted = {
        first + round(place * (count - 1) / max(1, min(count, MOST_FRAMES) - 1))
        for place in range(min(count, MOST_FRAMES))
    }
    frames: list[Image.Image] = []
    starts: list[float] = []
    now = 0.0
    for number in range(first, first + count):
        try:
            image.seek(number)
            if image.format in {"WEBP", "AVIF"}:
                image.load()  # only then is the frame's duration known
            if number in wanted:
                frames.append(_upright(_frame(image, most_pixels), image))
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
