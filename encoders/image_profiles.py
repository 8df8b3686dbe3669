"""Pictures in other colours than sRGB, as an ICC profile describes them, to sRGB."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageCms

MOST_PROFILE_BYTES = 4 << 20  # those of printers have 2 MB
SRGB_BY_OTHER_NAMES = frozenset({"c2", "c2ci", "uRGB"})  # that large sites write into every picture


def to_srgb(image: Image.Image) -> Image.Image:
    """Return a picture as RGB or RGBA in sRGB where its profile describes its mode's colours, otherwise itself."""
    profile = image.info.get("icc_profile")
    if image.mode not in {"RGB", "RGBA", "L", "CMYK"} or not profile or len(profile) > MOST_PROFILE_BYTES:
        return image
    transform = _transform(profile, image.mode)
    return transform.apply(image) if transform else image


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what converts a mode's colours to sRGB, None where they are that already or the profile is of no use."""
    from PIL import ImageCms

    with suppress(Exception):  # damaged, or of another mode
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip()
        if "srgb" not in name.lower() and name not in SRGB_BY_OTHER_NAMES:
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.buildTransform(source, srgb, mode, "RGBA" if mode == "RGBA" else "RGB")
    return None
