"""Pixels of any mode to 8-bit RGB over white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image


def to_rgb(image: Image.Image) -> Image.Image:
    """Return a picture as 8-bit RGB, itself where it is so; what is transparent shows white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        return _deep_gray(image)
    if image.mode == "LAB":
        return _lab(image)
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        return _over_white(image)
    return image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    layered = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(layered, mask=layered.getchannel("A"))
    return canvas


def _deep_gray(image: Image.Image) -> Image.Image:
    """Return a grayscale picture of more than 8 bits as RGB.

    16-bit values keep their upper byte. Floats and 32-bit integers follow no common scale: 0–1, 0–255 and 0–65535 are
    recognised, everything else is stretched from its least to its greatest value.
    """
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high <= 65535):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 1 and image.mode == "F":
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    gray = (values - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(gray.round().clip(0, 255).astype(np.uint8)).convert("RGB")


def _lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return image.convert("L").convert("RGB") if converted is None else converted
