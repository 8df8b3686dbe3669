"""Frames of a video file: upright, each with its own time, read in order or sought."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from encoders.base import MediaError, Pixels
from encoders.video_opencv import opencv
from encoders.video_reasons import MOST_PIXELS, why_no_frames, why_not_a_video

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".3gp",
    ".ts", ".mts", ".m2ts", ".mjpeg",
})
# fmt: on

MOST_PACKETS = 300_000  # 3 hours; some 3 s
MOST_PACKET_BYTES = 4 << 30  # of a file that is read from end to end for its packets
FIRST_PACKETS = 20_000  # that are looked at of a larger one
ATTEMPTS = 64  # to get at another frame behind as many as the header states: there may be thousands of packets of sound
ATTEMPTS_BEFORE = 4000  # where fewer came: damaged ones lie between
PATIENCE = 2.0  # seconds that a file's failed attempts may take in all
USUAL_RATE = 65.0  # frames a second; a header that states more may mean ticks of its clock
MEASURED_FRAMES = 32  # whose times tell the rate
# fmt: off
SLOWNESS = {  # of decoding, to the usual codecs; by OpenCV's names and by PyAV's
    "mjpg": 2, "jpeg": 2, "mjpeg": 2, "png ": 6, "mpng": 6, "png": 6, "mjp2": 150, "mj2c": 150, "jpeg2000": 150,
}
# fmt: on


@dataclass(frozen=True)
class Frame:
    """One frame: its place in the file, its time in seconds, and its pixels uint8 (h, w, 3) in OpenCV's BGR order."""

    number: int
    seconds: float
    pixels: Pixels


@dataclass(frozen=True)
class Packets:
    """What a file's packets say without being decoded: how many there are, and the places of the key frames.

    Where the file is not `whole`, these are its first ones.
    """

    count: int
    keys: list[int]
    whole: bool = True


class NoFramesError(MediaError):
    """Nothing of a clip can be decoded; `reason` is the likeliest why."""

    def __init__(self, path: Path) -> None:
        self.reason = why_no_frames(path)
        super().__init__(f"{path.name}: {self.reason}")


class Decoder(Protocol):
    """An open clip: what its header says, which may be wrong or zero, and its frames one after the other."""

    width: int
    height: int
    rate: float  # frames a second
    count: float  # of frames
    codec: str

    def rewind(self) -> None:
        """Stand before the first frame again."""

    def grab(self) -> bool:
        """Go on to the next frame; False where there is none, or it is damaged."""

    def pixels(self) -> Pixels | None:
        """Return the frame, BGR (h, w, 3) and upright; None where that fails."""

    def seconds(self) -> float:
        """Return the frame's time stamp, not a number where it has none."""

    def seek(self, number: int) -> bool:
        """Have the frame of about this number be the next one; False where that is not to be had."""

    def stop_decoding(self) -> bool:
        """From now on go from packet to packet; no frame can be shown any more."""

    def is_key(self) -> bool:
        """Say whether the packet holds a frame that needs no others."""


Open = Callable[[Path], AbstractContextManager[Decoder]]
"""Opens a clip for decoding; raises MediaError where it cannot."""


class Video:
    """An open video file, positioned before its first frame.

    What the header says (`stated_frames`, `stated_seconds`, `fps`, `width`, `height`) is a hint: files lie, or do not know.
    """

    def __init__(self, path: Path, decoder: Decoder, rate: float = 0.0) -> None:
        """Wrap a decoder; a rate takes the place of the one in the header."""
        self._path = path
        self._decoder = decoder
        self.width = decoder.width
        self.height = decoder.height
        fps = rate or decoder.rate
        self.fps = fps if 0.1 <= fps <= 1000 else 25.0
        self.stated_frames = int(decoder.count) if 0 < decoder.count < 1 << 40 else 0
        self.stated_seconds = self.stated_frames / decoder.rate if decoder.rate > 0 else 0.0
        self._patience = PATIENCE

    @property
    def cost(self) -> int:
        """What a frame costs: its pixels, several times for codecs that are slow to decode."""
        return self.width * self.height * SLOWNESS.get(self._decoder.codec.lower(), 1)

    def measured_rate(self) -> float:
        """Return the frames a second by the times of the next ones, 0 where these do not tell."""
        times = [self._decoder.seconds() for number in range(MEASURED_FRAMES) if self._grab(number)]
        took = times[-1] - times[0] if times else 0.0
        return (len(times) - 1) / took if took > 0 else 0.0

    def frames(self, stride: int = 1) -> Iterator[Frame]:
        """Yield every `stride`-th frame from here on, to the real end of the stream; the others are only decoded."""
        number, last = 0, -1.0
        while self._grab(number):
            seconds = self._time(number, last)
            last = seconds
            if number % stride == 0:
                pixels = self._decoder.pixels()
                if pixels is not None:
                    self._check_size(pixels.shape[1], pixels.shape[0])
                    yield Frame(number, seconds, pixels)
            number += 1

    def _grab(self, number: int) -> bool:
        """Go on to the next frame that can be decoded, the one of this number if none was left out; False at the end."""
        if self._decoder.grab():
            return True
        attempts = ATTEMPTS if 0 < self.stated_frames <= number else ATTEMPTS_BEFORE
        started = time.monotonic()
        found = any(self._decoder.grab() for _ in range(attempts) if time.monotonic() - started < self._patience)
        self._patience -= time.monotonic() - started
        return found

    def check(self) -> None:
        """Raise MediaError where frames of the stated size are none, or beyond the limit."""
        if self.width <= 0 or self.height <= 0:
            raise NoFramesError(self._path)
        self._check_size(self.width, self.height)

    def _check_size(self, width: int, height: int) -> None:
        if width * height > MOST_PIXELS:
            limit = f"the limit of {MOST_PIXELS // 1_000_000} million"
            raise MediaError(f"{self._path.name}: frames of {width} x {height} pixels are over {limit}")

    def frame_near(self, number: int) -> Frame | None:
        """Return a frame at about a place in the file, or None when there is none; with its own time."""
        if not self._decoder.seek(number) or not self._decoder.grab():
            return None
        pixels = self._decoder.pixels()
        if pixels is None:
            return None
        self._check_size(pixels.shape[1], pixels.shape[0])
        return Frame(number, self._time(number, -1.0), pixels)

    def packets(self, most: int = MOST_PACKETS) -> Packets:
        """Go through the file's packets from here on without decoding; it shows no frames afterwards."""
        count, keys = 0, []
        if self._decoder.stop_decoding():
            while count < most and self._grab(count):
                if self._decoder.is_key():
                    keys.append(count)
                count += 1
        return Packets(count, keys, whole=count < most)

    def _time(self, number: int, last: float) -> float:
        """Return the current frame's time stamp; where stamps are missing or run backwards, the rate tells."""
        seconds = self._decoder.seconds()
        if np.isfinite(seconds) and seconds > last and (seconds > 0 or number == 0):
            return seconds
        return max(last + 1 / self.fps, 0.0) if last >= 0 else number / self.fps


def read_packets(path: Path, decoded: Open = opencv) -> Packets:
    """Return how many frames a file holds and which are key frames; of a large file so much of its beginning.

    Raises as `open_video` does.
    """
    with open_video(path, decoded) as video:
        return video.packets(FIRST_PACKETS if path.stat().st_size > MOST_PACKET_BYTES else MOST_PACKETS)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise MediaError where the system cannot read the file."""
    try:
        yield
    except OSError as error:
        raise MediaError(f"{path.name}: cannot be read ({error.strerror or error})") from error


@contextmanager
def open_video(path: Path, decoded: Open = opencv) -> Iterator[Video]:
    """Open a video file for reading.

    Raises MediaError when it is missing, no video, damaged or beyond the limits, and EncoderError when OpenCV cannot be
    imported.
    """
    with reading(path):
        if not path.exists():
            raise MediaError(f"{path.name}: no such file")
        if not path.is_file():
            raise MediaError(f"{path.name}: not a regular file")
        if "%" in path.name and path.suffix.lower() not in VIDEO_SUFFIXES:  # FFmpeg reads pictures so called one by one
            raise MediaError(f"{path.name}: with this ending and a % the name stands for other files, too; rename it")
        if reason := why_not_a_video(path):
            raise MediaError(f"{path.name}: {reason}")
        with decoded(path) as decoder:
            video = Video(path, decoder)
            video.check()
            if video.fps > USUAL_RATE:
                rate = video.measured_rate()
                decoder.rewind()
                video = Video(path, decoder, rate)
            yield video
