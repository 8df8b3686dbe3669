"""What the name of a media file says, if it says anything."""

from __future__ import annotations

import re

from encoders import clean_text

# What cameras, phones and programs call their files.
_WORDS = """
img image images dsc dscn dscf dcim pxl mvi mov mvimg gopr gopro vid video videos movie clip clips film photo photos
pic pics pict picture pictures foto fotos bild imagen scan scanned screenshot screen shot capture recording whatsapp
signal telegram facebook untitled unnamed file frame frames page slide copy final edited edit version new old cam
camera pano burst thumb thumbnail jpg jpeg png gif webp tiff mkv webm dji item product asset media upload download
output
"""
_CALLED = frozenset(_WORDS.split())
_LEAST_DIGITS = 6  # of a number in base 16, as digests and identifiers are


def title_of(stem: str) -> str | None:
    """Return a file's name without its ending as a title, or None where it holds no word: "IMG_4000", "cc0", a digest."""
    title = clean_text(stem.replace("_", " ").replace("-", " "))
    joined = title.replace(" ", "")
    return title if not _is_hexadecimal(joined) and any(map(_tells, title.split())) else None


def _tells(token: str) -> bool:
    """Say whether something between blanks holds a word, and is no mere identifier."""
    if not token.isascii():
        return any(map(str.isalpha, token))
    if _is_hexadecimal(token) or re.search(r"[A-Za-z][0-9]+[A-Za-z]", token):
        return False
    words = re.findall(r"[a-z]{3,}", token.lower())
    return any(word not in _CALLED and re.search("[aeiouy]", word) for word in words)


def _is_hexadecimal(text: str) -> bool:
    return len(text) >= _LEAST_DIGITS and re.fullmatch(r"(?=.*[0-9])[0-9a-fA-F]+", text) is not None
