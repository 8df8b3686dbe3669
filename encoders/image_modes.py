"""Pixels of any mode to 8-bit sRGB over white."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from encoders.image_profiles import to_srgb

if TYPE_CHECKING:
    from PIL import Image

STRIP_PIXELS = 1 << 20
"""How much of a picture is converted at a time where it is reduced, as its copies would not fit in memory."""

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
WHITE_IS_ZERO = 0


class _Scale(NamedTuple):
    """The values that are black and white in a grayscale picture, and whether they are unsigned ones of 32 bits."""

    black: float
    white: float
    unsigned: bool


def to_rgb(image: Image.Image, factor: int = 1) -> Image.Image:
    """Return a picture as 8-bit RGB, its sides divided by a factor; what is transparent shows white.

    Without a factor a picture that is RGB already, and in sRGB, is returned itself.
    """
    gray = _gray_scale(image) if _is_deep(image) else None
    if factor == 1:
        return _convert(image, gray)
    from PIL import Image

    reduced = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top, strip in _strips(image, factor):
        reduced.paste(_convert(strip, gray).reduce(factor), (0, top // factor))
    return reduced


def _strips(image: Image.Image, multiple: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Yield a picture in strips from the top and where each starts, a multiple of some number of rows."""
    rows = max(1, STRIP_PIXELS // (image.width * multiple)) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(image.height, top + rows)))


def _convert(image: Image.Image, gray: _Scale | None) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return to_srgb(image)
    if gray:
        return _deep_gray(image, gray)
    if image.mode == "LAB":
        return _lab(image)
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        return _over_white(image)
    in_own_mode = to_srgb(image)
    return in_own_mode if in_own_mode.mode == "RGB" else to_srgb(image.convert("RGB"))


def _over_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    layered = to_srgb(image.convert("RGBA"))
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(layered, mask=layered.getchannel("A"))
    return canvas


def _is_deep(image: Image.Image) -> bool:
    return image.mode in {"I", "F"} or image.mode.startswith("I;")


def _gray_scale(image: Image.Image) -> _Scale:
    """Return what the values of a grayscale picture of more than 8 bits mean."""
    tags = getattr(image, "tag_v2", {})
    unsigned = image.format == "TIFF" and image.mode == "I" and max(tags.get(SAMPLE_FORMAT, (1,))) == 1
    low, high = _gray_range(image, unsigned)
    if image.mode.startswith("I;16") and 8 < max(tags.get(BITS_PER_SAMPLE, (16,))) < 16:
        high = 2.0 ** max(tags[BITS_PER_SAMPLE]) - 1
    return _Scale(high, low, unsigned) if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else _Scale(low, high, unsigned)


def _gray_range(image: Image.Image, unsigned: bool) -> tuple[float, float]:
    """Return the ends of a picture's scale.

    16-bit values keep their upper byte. Floats and 32-bit integers follow no common scale: 0–1, 0–255 and 0–65535 are
    recognised, everything else is stretched from its least to its greatest value.
    """
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    strips = (_values(strip, unsigned) for _, strip in _strips(image))
    ranges = [(float(values.min()), float(values.max())) for values in strips]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if image.mode == "I" and low >= 0 and 255 < high <= 65535:
        return 0.0, 65535.0
    if low >= 0 and high <= 1 and image.mode == "F":
        return 0.0, 1.0
    if low >= 0 and high <= 255:
        return 0.0, 255.0
    return low, high


def _deep_gray(image: Image.Image, scale: _Scale) -> Image.Image:
    from PIL import Image

    values = _values(image, scale.unsigned)
    gray = (values - scale.black) * (255 / ((scale.white - scale.black) or 1e-12))
    if "transparency" in image.info:
        gray[values == image.info["transparency"]] = 255
    return Image.fromarray(gray.round().clip(0, 255).astype(np.uint8)).convert("RGB")


def _values(image: Image.Image, unsigned: bool) -> np.ndarray:
    """Return float32 (h, w), with 0 for what is no number; Pillow reads unsigned values of 32 bits as signed ones."""
    values = np.asarray(image).astype(np.uint32) if unsigned else np.asarray(image)
    return np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)


def _lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return image.convert("L").convert("RGB") if converted is None else converted
