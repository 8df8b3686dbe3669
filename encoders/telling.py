"""Which frames of a shot tell most: sharp ones with something in them, spread over its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from encoders.base import Pixels
from encoders.video_frames import Frame
from encoders.video_opencv import import_cv2

LEAST_DETAIL = 0.4  # of what is usual in a shot
MOST_OBLONG = 4  # times the short side squared are the pixels of a frame that is kept
BLANK_DEVIATION = 5.0  # gray levels; black, white and single-coloured frames have less


@dataclass(frozen=True)
class Candidate:
    """A frame that may stand for its shot: time in seconds, BGR pixels scaled down, and how much it shows.

    `detail` is the deviation of its gray levels (0–127); `sharpness` the deviation of their Laplacian.
    """

    seconds: float
    pixels: Pixels
    detail: float
    sharpness: float

    @property
    def is_blank(self) -> bool:
        """Whether there is next to nothing to see."""
        return self.detail < BLANK_DEVIATION


def candidate(frame: Frame, short_side: int) -> Candidate:
    """Return a frame scaled down to a short side in pixels, a long and thin one further, never up; and measured."""
    cv2 = import_cv2()
    height, width = frame.pixels.shape[:2]
    scale = min(short_side / min(height, width), (MOST_OBLONG * short_side**2 / (height * width)) ** 0.5)
    pixels = frame.pixels
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(cv2.resize(pixels, (160, 120), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return Candidate(frame.seconds, pixels, float(gray.std()), float(cv2.Laplacian(gray, cv2.CV_32F).std()))


def choose(candidates: Sequence[Candidate], span: tuple[float, float], count: int) -> list[Candidate]:
    """Return up to `count` candidates of one shot, in order: the sharpest near the middle of each equal share of it.

    Blank frames are chosen only where there are no others, and so are dim ones, such as those of a fade.
    """
    usable = [each for each in candidates if not each.is_blank] or list(candidates)
    if not usable:
        return []
    usual = median(each.detail for each in usable)
    usable = [each for each in usable if each.detail >= LEAST_DETAIL * usual]
    start, end = span
    chosen: dict[float, Candidate] = {}
    sharpest = max(each.sharpness for each in usable) or 1.0
    for share in range(count):
        middle = start + (end - start) * (share + 0.5) / count
        width = max((end - start) / count, 1e-6)

        def merit(each: Candidate, middle: float = middle, width: float = width) -> float:
            # A frame at the edge of its share, or in the next one, must be much sharper to be taken.
            return each.sharpness / sharpest - 2.0 * abs(each.seconds - middle) / width

        best = max(usable, key=merit)
        chosen[best.seconds] = best
    return [chosen[seconds] for seconds in sorted(chosen)]


def thumbnail(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Return a frame as float32 (18, 32, 3), the size at which shots are told apart."""
    cv2 = import_cv2()
    small = cv2.resize(pixels, (32, 18), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb), np.float32)
