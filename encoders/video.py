"""Clips to vectors: a clip's shots, a few telling frames of each, one vector per shot and one for the whole."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders.base import Encoding, ImageEncoder, MediaError
from encoders.fingerprint import settings_digest
from encoders.pooling import mean_direction
from encoders.streams import in_order
from encoders.telling import Candidate, candidate, choose
from encoders.threads import default_threads
from encoders.video_frames import NoFramesError, open_video
from encoders.video_opencv import import_cv2
from encoders.video_scan import Scan, read_at_most, scan_clip

if TYPE_CHECKING:
    from PIL import Image

VIDEO_VERSION = 7  # raise it when this code gives other vectors for the same clips

MOST_SHOTS = 64
FRAME_SECONDS = 0.5  # of a shot for which one frame stands; one alone would be another once the clip is trimmed
MOST_SHOT_FRAMES = 4
SHOWN_AT = (0.5, 0.3)  # shares of a shot, or of a clip, that may be shown for it
SHOWN_SIDE = 480  # pixels of such a frame's short side, at the most


@dataclass(frozen=True)
class Shot:
    """A stretch of a clip without a cut: start and end in seconds, and its telling frames."""

    start: float
    end: float
    frames: tuple[Candidate, ...]


def encode_videos(
    encoder: ImageEncoder, paths: Iterable[Path], *, threads: int | None = None
) -> Iterator[tuple[Path, Encoding | MediaError]]:
    """Yield each clip's encoding, or the reason why it has none, in the order of `paths`.

    The parts are the shots, at least one, with their start and end in seconds. The cost of a clip is bounded whatever its
    length. Raises EncoderError when OpenCV cannot be loaded.
    """
    import_cv2()
    side = frame_side(encoder)

    def encode(batch: list[Path]) -> list[Encoding | MediaError]:
        return [_encode_or_error(encoder, path, side) for path in batch]

    return in_order(encode, paths, 1, threads or default_threads())


def video_fingerprint(encoder: ImageEncoder) -> str:
    """Return the hex digest that changes whenever the vectors of clips could."""
    return settings_digest({"video": VIDEO_VERSION, "image": encoder.fingerprint})


def sample_frame(path: Path, between: tuple[float, float] | None = None) -> Image.Image:
    """Return one telling frame of a clip as an RGB picture, at most 480 pixels on its short side.

    With `between`, start and end in seconds, it is one of the shot that lies there. Raises MediaError when the clip
    cannot be decoded.
    """
    try:
        frames = _sought(path, between)
    except NoFramesError:  # not by OpenCV
        frames = []
    if not frames:
        shots = find_shots(path, SHOWN_SIDE)
        if between is not None:
            shots = [min(shots, key=lambda shot: abs(shot.start - between[0]) + abs(shot.end - between[1]))]
        frames = [frame for shot in shots for frame in shot.frames]
    return _picture(max(frames, key=lambda frame: (not frame.is_blank, frame.detail * frame.sharpness)))


def _sought(path: Path, between: tuple[float, float] | None) -> list[Candidate]:
    """A few frames of a clip, or of one of its shots, that take little to seek; none where it must be read to tell."""
    with open_video(path) as video:
        if not 0 < video.stated_frames <= read_at_most(video) or not video.stated_seconds:
            return []
        start, end = between or (0.0, video.stated_seconds)
        places = [(start + share * (end - start)) * video.stated_frames / video.stated_seconds for share in SHOWN_AT]
        frames = [frame for place in places if (frame := video.frame_near(round(place)))]
    found = [candidate(frame, SHOWN_SIDE) for frame in frames if start <= frame.seconds < end]
    found = [frame for frame in found if not frame.is_blank]
    # Frames that are all the same may be of an interlaced clip, which cannot be shown.
    return [] if all(np.array_equal(frame.pixels, found[0].pixels) for frame in found) else found


def frame_side(encoder: ImageEncoder) -> int:
    """Return the short side in pixels at which frames are kept for an encoder: a little more than it looks at."""
    from PIL import Image

    shape = encoder.prepare(Image.new("RGB", (64, 64))).shape
    return max(256, round(int(min(shape[-2:])) * 1.15))


def _encode_or_error(encoder: ImageEncoder, path: Path, side: int) -> Encoding | MediaError:
    try:
        scan = scan_clip(path, side)
        return replace(encode_shots(encoder, _assemble(scan)), note=scan.note)
    except MediaError as error:
        return error


def encode_shots(encoder: ImageEncoder, shots: list[Shot]) -> Encoding:
    """Return a clip's encoding from its shots: a shot is the mean of its frames, the clip that of all frames."""
    frames = [encoder.prepare(_picture(frame)) for shot in shots for frame in shot.frames]
    features = encoder.encode_prepared(np.stack(frames))
    ends = np.cumsum([0, *(len(shot.frames) for shot in shots)])
    parts = np.stack([mean_direction(features[start:end]) for start, end in pairwise(ends)])
    return Encoding(mean_direction(features), parts, tuple((shot.start, shot.end) for shot in shots))


def find_shots(path: Path, side: int = 256) -> list[Shot]:
    """Return a clip's shots with telling frames whose short side is at most `side` pixels.

    Raises MediaError when no frame can be decoded.
    """
    return _assemble(scan_clip(path, side))


def _assemble(scan: Scan) -> list[Shot]:
    """Cut a scan into shots and choose the frames of each."""
    bounds = [scan.start, *scan.borders(), scan.end]
    by_shot: list[list[Candidate]] = [[] for _ in range(len(bounds) - 1)]
    for each in scan.candidates:
        by_shot[min(bisect_right(bounds, each.seconds), len(by_shot)) - 1].append(each)
    shots = []
    for (start, end), own in zip(pairwise(bounds), by_shot, strict=True):
        count = int(min(max(1, (end - start) // FRAME_SECONDS + 1), MOST_SHOT_FRAMES))
        if own:
            shots.append(Shot(start, end, tuple(choose(own, (start, end), count))))
    telling = [shot for shot in shots if not all(frame.is_blank for frame in shot.frames)] or shots
    if len(telling) > MOST_SHOTS:  # the longest say most
        telling = sorted(
            sorted(telling, key=lambda shot: shot.start - shot.end)[:MOST_SHOTS], key=lambda shot: shot.start
        )
    return telling


def _picture(frame: Candidate) -> Image.Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(frame.pixels[:, :, ::-1]))
