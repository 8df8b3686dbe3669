"""Why a file yields no frames, as far as its first bytes and its MP4 boxes can tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from encoders.base import MediaError

MOST_BYTES = 64 << 30
MOST_PIXELS = 36_000_000  # of a frame: 8K and a little more
NO_FRAME = "no frame can be decoded: the video is damaged, or of a codec that OpenCV does not read here, such as AV1"
HEADER_BYTES = 4 << 20  # of an MP4's movie header that are looked into

# Playlists would have FFmpeg open other files or addresses.
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"v=0\r\n", b"v=0\n", b"[playlist]")

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG")


def why_not_a_video(path: Path) -> str | None:
    """Return why a file must not even be opened as a video, or None."""
    size = path.stat().st_size
    if size == 0:
        return "the file is empty"
    if size > MOST_BYTES:
        return f"{size >> 30} GB are over the limit of {MOST_BYTES >> 30} GB"
    with path.open("rb") as file:
        head = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(_PLAYLISTS):
        return "a playlist that points to other files, not a video"
    if head.startswith(_PICTURES) and path.suffix.lower() != ".mjpeg":
        return "a picture, not a video"
    return None


def why_no_frames(path: Path) -> str:
    """Return the likeliest reason why a file gave no frame."""
    with path.open("rb") as file:
        head = file.read(16)
    if len(head) < 16:
        return f"{path.stat().st_size} bytes are no video"
    if head[4:8] not in {b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"}:
        known = (b"\x1aE\xdf\xa3", b"RIFF", b"FLV", b"OggS", b"\0\0\1\xba", b"0&\xb2u", b"G")
        return NO_FRAME if head.startswith(known) else "not a video file"
    boxes = dict(_boxes(path))
    if b"moov" not in boxes:
        return "the video is cut short: its index (the moov box) is missing"
    start, length = boxes[b"moov"]
    with path.open("rb") as file:
        file.seek(start)
        movie = file.read(min(length, HEADER_BYTES))
    signs = {
        "the file holds no video track": b"vide" not in movie,
        "the video is encrypted": b"encv" in movie,
        "the video is cut short: its header is there but no frames": b"mdat" not in boxes,
    }
    return next((reason for reason, holds in signs.items() if holds), NO_FRAME)


def undecodable(path: Path, error: Exception) -> MediaError:
    """What to raise where a decoder gives up with an error of its own."""
    return MediaError(f"{path.name}: cannot be decoded ({' '.join(str(error).split())[:160]})")


def is_whole_matroska(path: Path) -> bool:
    """Say whether a file is Matroska or WebM, and as long as it says that it is.

    RFC 9559: the EBML header, then one segment; a number's leading zero bits tell its length, all ones that it is unknown.
    """
    with path.open("rb") as file:
        if file.read(4) != b"\x1aE\xdf\xa3":
            return False
        file.seek(_number(file), os.SEEK_CUR)
        if file.read(4) != b"\x18S\x80g":
            return False
        length = _number(file)
        return length < 1 << 56 and path.stat().st_size >= file.tell() + length


def _number(file: BinaryIO) -> int:
    """Read one of EBML's numbers of 1 to 8 bytes; the unknown one, and none, is 2 to the power of 56."""
    first = file.read(1)
    size = 9 - first[0].bit_length() if first else 9
    rest = file.read(size - 1)
    if len(rest) < size - 1 or size > 8:
        return 1 << 56
    number = int.from_bytes(first + rest, "big") & ((1 << 7 * size) - 1)
    return 1 << 56 if number == (1 << 7 * size) - 1 else number


def _boxes(path: Path) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield the kind, and the place and length, of an MP4 file's outermost boxes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        place = 0
        for _ in range(1000):
            file.seek(place)
            head = file.read(16)
            if len(head) < 8:
                return
            length = int.from_bytes(head[:4], "big")
            if length == 1 and len(head) == 16:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - place
            if length < 8:
                return
            yield head[4:8], (place, length)
            place += length
