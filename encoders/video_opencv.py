"""Clips decoded by OpenCV, and what its versions cannot show."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from encoders.base import EncoderError, MediaError, Pixels
from encoders.video_reasons import undecodable

TIMEOUT = 8000  # milliseconds that opening or one read may take
PROBE_SECONDS = 30


class OpenCVDecoder:
    """A clip that OpenCV opened, before its first frame."""

    def __init__(self, cv2: Any, place: str) -> None:
        self._cv2 = cv2
        self._place = place
        self._limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT]
        self._capture = cv2.VideoCapture()
        self.rewind()
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.count = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        self.codec = code.to_bytes(4, "little").decode("latin-1")

    def rewind(self) -> None:
        """Open the file anew."""
        self._capture.open(self._place, self._cv2.CAP_FFMPEG, self._limits)  # FFmpeg alone, whose limits are known

    def grab(self) -> bool:
        """Go on to the next frame; False where there is none, or it is damaged."""
        return bool(self._capture.grab())

    def pixels(self) -> Pixels | None:
        """Return the frame, BGR (h, w, 3) and upright."""
        return self._capture.retrieve()[1]

    def seconds(self) -> float:
        """Return the frame's time stamp."""
        return float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000

    def seek(self, number: int) -> bool:
        """Have the frame of about this number be the next one."""
        return bool(self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, number))

    def stop_decoding(self) -> bool:
        """From now on go from packet to packet; no frame can be shown any more."""
        return bool(self._capture.set(self._cv2.CAP_PROP_FORMAT, -1))

    def is_key(self) -> bool:
        """Say whether the packet holds a frame that needs no others."""
        return bool(self._capture.get(self._cv2.CAP_PROP_LRF_HAS_KEY_FRAME))

    def close(self) -> None:
        """Give back the file."""
        self._capture.release()


@contextmanager
def opencv(path: Path) -> Iterator[OpenCVDecoder]:
    """Open a clip with OpenCV.

    Raises MediaError when OpenCV gives up, and EncoderError when it cannot be imported.
    """
    cv2 = import_cv2()
    place = str(path.resolve())  # absolute, so that no file name is taken for a protocol
    try:
        place.encode()
    except UnicodeEncodeError as error:  # which crashes OpenCV
        raise MediaError(f"{path.name!a}: OpenCV opens no path that is not in UTF-8; rename it") from error
    with _silent(cv2):
        decoder = OpenCVDecoder(cv2, place)
        try:
            yield decoder
        except cv2.error as error:
            raise undecodable(path, error) from error
        finally:
            decoder.close()


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
