"""Frames of a video file through OpenCV: upright, each with its own time, read in order or sought."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import EncoderError, MediaError
from encoders.video_reasons import why_no_frames, why_not_a_video

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".3gp",
    ".ts", ".mts", ".m2ts", ".mjpeg",
})
# fmt: on

MOST_PIXELS = 36_000_000  # of a frame: 8K and a little more
MOST_PACKETS = 300_000  # 3 hours; some 3 s
MOST_PACKET_BYTES = 4 << 30  # of a file that is read from end to end for its packets
TIMEOUT = 8000  # milliseconds that opening or one read may take
PROBE_SECONDS = 30
ATTEMPTS = 64  # to get at another frame behind as many as the header states: there may be thousands of packets of sound
ATTEMPTS_BEFORE = 4000  # where fewer came: damaged ones lie between
PATIENCE = 2.0  # seconds that a file's failed attempts may take in all
USUAL_RATE = 65.0  # frames a second; a header that states more may mean ticks of its clock
MEASURED_FRAMES = 32  # whose times tell the rate
SLOWNESS = {"mjpg": 2, "jpeg": 2, "png ": 6, "mpng": 6, "mjp2": 150, "mj2c": 150}  # of decoding, to the usual codecs

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One frame: its place in the file, its time in seconds, and its pixels uint8 (h, w, 3) in OpenCV's BGR order."""

    number: int
    seconds: float
    pixels: Pixels


@dataclass(frozen=True)
class Packets:
    """What a file's packets say without being decoded: how many frames there are, and the places of the key frames."""

    count: int
    keys: list[int]


class Video:
    """An open video file, positioned before its first frame.

    What the header says (`stated_frames`, `stated_seconds`, `fps`, `width`, `height`) is a hint: files lie, or do not know.
    """

    def __init__(self, path: Path, capture: Any, rate: float = 0.0) -> None:
        """Wrap an opened `cv2.VideoCapture`; a rate takes the place of the one in the header."""
        import cv2

        self._path = path
        self._capture = capture
        self._milliseconds = cv2.CAP_PROP_POS_MSEC
        self._place = cv2.CAP_PROP_POS_FRAMES
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        stated_rate = float(capture.get(cv2.CAP_PROP_FPS))
        fps = rate or stated_rate
        self.fps = fps if 0.1 <= fps <= 1000 else 25.0
        stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.stated_frames = int(stated) if 0 < stated < 1 << 40 else 0
        self.stated_seconds = self.stated_frames / stated_rate if stated_rate > 0 else 0.0
        self._patience = PATIENCE
        code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        self.codec = code.to_bytes(4, "little").decode("latin-1")

    @property
    def cost(self) -> int:
        """What a frame costs: its pixels, several times for codecs that are slow to decode."""
        return self.width * self.height * SLOWNESS.get(self.codec.lower(), 1)

    def measured_rate(self) -> float:
        """Return the frames a second by the times of the next ones, 0 where these do not tell."""
        times = [
            float(self._capture.get(self._milliseconds)) for number in range(MEASURED_FRAMES) if self._grab(number)
        ]
        took = times[-1] - times[0] if times else 0.0
        return 1000 * (len(times) - 1) / took if took > 0 else 0.0

    def frames(self, stride: int = 1) -> Iterator[Frame]:
        """Yield every `stride`-th frame from here on, to the real end of the stream; the others are only decoded."""
        number, last = 0, -1.0
        while self._grab(number):
            seconds = self._time(number, last)
            last = seconds
            if number % stride == 0:
                ok, pixels = self._capture.retrieve()
                if ok and pixels is not None:
                    self._check_size(pixels.shape[1], pixels.shape[0])
                    yield Frame(number, seconds, pixels)
            number += 1

    def _grab(self, number: int) -> bool:
        """Go on to the next frame that can be decoded, the one of this number if none was left out; False at the end."""
        if self._capture.grab():
            return True
        attempts = ATTEMPTS if 0 < self.stated_frames <= number else ATTEMPTS_BEFORE
        started = time.monotonic()
        found = any(self._capture.grab() for _ in range(attempts) if time.monotonic() - started < self._patience)
        self._patience -= time.monotonic() - started
        return found

    def check(self) -> None:
        """Raise MediaError where frames of the stated size are none, or beyond the limit."""
        if self.width <= 0 or self.height <= 0:
            raise MediaError(f"{self._path.name}: {why_no_frames(self._path)}")
        self._check_size(self.width, self.height)

    def _check_size(self, width: int, height: int) -> None:
        if width * height > MOST_PIXELS:
            limit = f"the limit of {MOST_PIXELS // 1_000_000} million"
            raise MediaError(f"{self._path.name}: frames of {width} x {height} pixels are over {limit}")

    def frame_near(self, number: int) -> Frame | None:
        """Return a frame at about a place in the file, or None when there is none; with its own time."""
        if not self._capture.set(self._place, number):
            return None
        ok, pixels = self._capture.read()
        if not ok or pixels is None:
            return None
        self._check_size(pixels.shape[1], pixels.shape[0])
        return Frame(number, self._time(number, -1.0), pixels)

    def packets(self) -> Packets:
        """Go through the file from here on without decoding; it shows no frames afterwards.

        Of a file of more than `MOST_PACKETS` nothing is told.
        """
        import cv2

        count, keys = 0, []
        if self._capture.set(cv2.CAP_PROP_FORMAT, -1):
            while count < MOST_PACKETS and self._grab(count):
                if self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
                    keys.append(count)
                count += 1
        return Packets(count, keys) if count < MOST_PACKETS else Packets(0, [])

    def _time(self, number: int, last: float) -> float:
        """Return the current frame's time stamp; where stamps are missing or run backwards, the rate tells."""
        seconds = float(self._capture.get(self._milliseconds)) / 1000
        if np.isfinite(seconds) and seconds > last and (seconds > 0 or number == 0):
            return seconds
        return max(last + 1 / self.fps, 0.0) if last >= 0 else number / self.fps


def read_packets(path: Path) -> Packets:
    """Return how many frames a file holds and which are key frames; 0 and none where it takes too long to look.

    Raises as `open_video` does.
    """
    if path.stat().st_size > MOST_PACKET_BYTES:
        return Packets(0, [])
    with open_video(path) as video:
        return video.packets()


@contextmanager
def open_video(path: Path) -> Iterator[Video]:
    """Open a video file for reading.

    Raises MediaError when it is missing, no video, damaged or beyond the limits, and EncoderError when OpenCV cannot be
    imported.
    """
    cv2 = import_cv2()
    if not path.exists():
        raise MediaError(f"{path.name}: no such file")
    if not path.is_file():
        raise MediaError(f"{path.name}: not a regular file")
    if reason := why_not_a_video(path):
        raise MediaError(f"{path.name}: {reason}")
    place = str(path.resolve())  # absolute, so that no file name is taken for a protocol
    try:
        place.encode()
    except UnicodeEncodeError as error:  # which crashes OpenCV
        raise MediaError(f"{path.name!a}: OpenCV opens no path that is not in UTF-8; rename it") from error
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT]
    with _silent(cv2):
        capture = cv2.VideoCapture(place, cv2.CAP_FFMPEG, limits)  # FFmpeg alone, so that "%d" is no sequence
        try:
            if not capture.isOpened():
                raise MediaError(f"{path.name}: {why_no_frames(path)}")
            video = Video(path, capture)
            video.check()
            if video.fps > USUAL_RATE:
                rate = video.measured_rate()
                capture.open(place, cv2.CAP_FFMPEG, limits)
                video = Video(path, capture, rate)
            yield video
        except cv2.error as error:
            raise MediaError(f"{path.name}: cannot be decoded ({' '.join(str(error).split())[:160]})") from error
        finally:
            capture.release()


def is_converted(path: Path) -> bool:
    """Say whether OpenCV shows what it decodes of a clip.

    Its versions from 4.13 to 5.0 at least cannot convert interlaced frames: they show memory that nobody wrote to, and only
    FFmpeg's messages tell, in a process of their own.
    """
    shown = "import cv2, sys; cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG).read()"
    command = [sys.executable, "-P", "-c", shown, str(path.resolve())]  # nothing is imported from the present folder
    environment = os.environ | {"OPENCV_FFMPEG_LOGLEVEL": "16"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return True  # it cannot be told
    return b"Cannot convert interlaced" not in done.stdout + done.stderr


def import_cv2() -> Any:
    """Return the OpenCV module.

    Raises EncoderError with the remedy when it, or a system library that it needs, is missing.
    """
    # FFmpeg's own messages about damaged files go to standard error past every logger, unless it is told before.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError as error:
        if "libGL" in str(error) or "libgthread" in str(error) or "libglib" in str(error):
            remedy = "install the system library (Debian, Ubuntu: apt-get install libgl1 libglib2.0-0)"
            raise EncoderError(f"videos need OpenCV, which cannot load here ({error}); {remedy}") from error
        raise EncoderError(f"videos need OpenCV ({error}); pip install opencv-python") from error
    return cv2


@contextmanager
def _silent(cv2: Any) -> Iterator[None]:
    """Keep OpenCV's own log messages off standard error inside the block."""
    logging = getattr(cv2.utils, "logging", cv2)  # OpenCV 5 moved it
    level = logging.getLogLevel()
    logging.setLogLevel(0)
    try:
        yield
    finally:
        logging.setLogLevel(level)
