"""One pass over a clip of any length: small pictures that tell shots apart, and frames worth keeping, at a bounded cost.

A short clip is read in order. Of a long one some frames are looked at: where they are sought at the least cost is
decided by its key frames, from which alone a frame can be decoded. A clip that can only be read from its start is
stepped through, as far as the budget goes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from encoders.base import MediaError
from encoders.shots import APART, Thumbnail, difference, find_cuts, find_dissolves, find_scenes
from encoders.telling import Candidate, candidate, thumbnail
from encoders.video_frames import Frame, NoFramesError, Open, Packets, Video, open_video, read_packets, reading
from encoders.video_opencv import is_converted, opencv
from encoders.video_pyav import REMEDY, is_installed, is_interlaced, pyav
from encoders.video_reasons import NO_FRAME, is_whole_matroska

MOST_FRAMES = 6_000  # read in order; of longer clips samples are looked at
MOST_PIXELS = 2_500_000_000  # read in order: 40 s of full HD
MOST_STEPS = 60_000  # frames decoded to step through a clip
SAMPLES = 64  # of a clip that is sampled
FEWEST_SAMPLES = 8  # of one whose frames are large, or slow to decode
UNKNOWN = 4  # times the budget for a clip so large that not all its key frames are known
MOST_SECONDS = 60  # to seek all places: far more than they take, unless key frames are not as they were told
SEEK_FRAMES = 8  # what it costs to seek one, as decoders work ahead
STUCK = 1.0  # seconds without any change: a picture that stands, or one that cannot be shown
MOST_ALIKE = 32  # frames that are the same are enough to wonder
MOST_CANDIDATES = 192  # kept in memory at a time
WHOLE = 0.9  # the share of a clip that is told where no more of it can be decoded


@dataclass
class Scan:
    """What one pass over a clip collects.

    A thumbnail and a time per frame looked at, frames worth keeping, places that open a shot, the start and the end in
    seconds, and a note of what was left out. Of a clip that was read from its start, also how many frames were decoded,
    up to which second, and up to which the header promises some.
    """

    thumbnails: list[Thumbnail] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    start: float = 0.0
    end: float = 0.0
    note: str = ""
    decoded: int = 0
    reached: float = 0.0
    promised: float = 0.0

    def borders(self) -> list[float]:
        """Return the seconds at which shots begin, but for the first one.

        That is half way between two frames. Where these lie apart it is the second one, as a slide stands until the
        next, and of a clip that is sampled nobody knows what lies between.
        """
        pairs = [(self.times[place - 1], self.times[place]) for place in self.cuts]
        return [after if after - before > APART else (before + after) / 2 for before, after in pairs]

    def stuck_at(self) -> float | None:
        """Return a second by which the picture has not changed in the least for a while."""
        since = 0
        for place in range(1, len(self.times)):
            if not np.array_equal(self.thumbnails[place], self.thumbnails[place - 1]):
                since = place
            elif self.times[place] - self.times[since] >= STUCK:
                return self.times[place]
        return None


def read_at_most(video: Video) -> int:
    """How many frames of a clip may be decoded in order."""
    return max(1, min(MOST_FRAMES, MOST_PIXELS // video.cost))


def scan_clip(path: Path, side: int) -> Scan:
    """Look through a clip, keeping frames whose short side is at most `side` pixels.

    OpenCV decodes; what it cannot show, PyAV does where it is installed. Raises MediaError when no frame can be decoded.
    """
    with reading(path):
        return _scan_by_either(path, side)


def _scan_by_either(path: Path, side: int) -> Scan:
    unread = MediaError(f"{path.name}: it is interlaced, which this version of OpenCV cannot show")
    try:
        if _is_shown(path):
            scan = _scan(path, side, opencv)
            stuck = scan.stuck_at()
            if stuck is None or not is_installed() or not is_interlaced(path, stuck):
                return scan
    except NoFramesError as error:
        if error.reason != NO_FRAME:  # it is known why, and no other decoder could
            raise
        unread = error
    if not is_installed():
        raise MediaError(f"{unread}; try {REMEDY}") from None
    try:
        return _scan(path, side, pyav)
    except MediaError:
        raise MediaError(f"{unread}; PyAV does not read it either") from None


def _scan(path: Path, side: int, decoded: Open) -> Scan:
    with open_video(path, decoded) as video:
        most = read_at_most(video)
        # What the header says is not believed when there is more.
        scan = _read(video, side, most) if 0 < video.stated_frames <= most else None
    if scan is None:
        scan = _scan_long(path, side, most, decoded)
    if not scan.times:
        raise NoFramesError(path)
    if scan.reached < WHOLE * scan.promised and not (
        # The length of a Matroska file may be that of its sound.
        is_whole_matroska(path) and scan.decoded >= WHOLE * read_packets(path, decoded).count
    ):
        reached, promised = f"{scan.reached:.1f}", f"{scan.promised:.1f}"
        scan.note = f"frames could be decoded up to second {reached} of the {promised} that its header states"
    return scan


def _is_shown(path: Path) -> bool:
    """Say whether OpenCV shows what it decodes: of interlaced clips all frames may look the same."""
    with open_video(path, opencv) as video:
        frames = islice(video.frames(), MOST_ALIKE)
        first = next(frames, None)
        if first is None or any(not np.array_equal(first.pixels, each.pixels) for each in frames):
            return True
    return is_converted(path)


def _scan_long(path: Path, side: int, most: int, decoded: Open) -> Scan:
    """Look through a clip that is long, or of unknown length."""
    packets = read_packets(path, decoded)
    with open_video(path, decoded) as video:
        count = packets.count if packets.whole and packets.count else video.stated_frames
        if count <= most and (scan := _read(video, side, most)):
            return scan
        places = _places(count, packets, most, count / video.fps)
    if places:
        with open_video(path, decoded) as video:
            scan = _sample(video, side, places, count)
        if len(scan.times) > len(places) // 2:
            return scan
    with open_video(path, decoded) as video:  # seeking costs too much, or does not work here
        return _step_through(video, side, count)


def _places(count: int, packets: Packets, most: int, seconds: float) -> list[int]:
    """Return places spread evenly over a clip of `count` frames that can be sought at a cost of `most` frames, or none.

    A frame costs as many as lie between it and the key frame before it; where that is too much, key frames do, if there
    are many, or one every other second of the clip. Key frames that are not known are taken to be as far apart as others.
    """
    samples = min(SAMPLES, max(FEWEST_SAMPLES, most // SEEK_FRAMES))
    places = [round(count * (number + 0.5) / samples) for number in range(samples)]
    keys = packets.keys
    if not keys:
        return []
    if not packets.whole:
        usual = int(np.diff([*keys, packets.count]).max()) // 2 + 1  # what it costs to seek one, if all is like this
        samples = min(SAMPLES, UNKNOWN * most // usual)
        return [round(count * (n + 0.5) / samples) for n in range(samples)] if samples >= FEWEST_SAMPLES else []
    before = np.searchsorted(keys, places, side="right") - 1
    if sum(place - keys[max(0, key)] + 1 for place, key in zip(places, before.tolist(), strict=True)) <= most:
        return places
    nearest = sorted({min(keys, key=lambda key: abs(key - place)) for place in places})
    return nearest if len(nearest) > samples // 4 or len(nearest) >= max(FEWEST_SAMPLES, seconds / 2) else []


def _read(video: Video, side: int, most: int) -> Scan | None:
    """Look at frames in order, 25 to 40 a second; return None when there are more than `most`."""
    stride = max(1, round(video.fps / 25))
    scan = Scan()
    interval, after_jump = 0.4, -1
    for frame in video.frames(stride):
        if frame.number > most:
            return None
        scan.decoded = frame.number + 1
        small = thumbnail(frame.pixels)
        jumped = bool(scan.thumbnails) and difference(scan.thumbnails[-1], small) > 8.0
        scan.thumbnails.append(small)
        scan.times.append(frame.seconds)
        place = len(scan.times) - 1
        # A new shot must have a candidate however short it is, but not its first frame, which may be half a dissolve.
        after_jump = place + 2 if jumped else after_jump
        due = not scan.candidates or frame.seconds - scan.candidates[-1].seconds >= interval
        if due or place == after_jump:
            scan.candidates.append(candidate(frame, side))
        if len(scan.candidates) > MOST_CANDIDATES:
            scan.candidates = scan.candidates[::2]
            interval *= 2
    cuts = find_cuts(scan.thumbnails, scan.times)
    scan.cuts = sorted([*cuts, *find_dissolves(scan.thumbnails, cuts)])
    scan.start = scan.times[0] if scan.times else 0.0
    scan.end = _end(scan.times, stride / video.fps)
    scan.reached, scan.promised = scan.end, video.stated_seconds
    return scan


def _sample(video: Video, side: int, places: Sequence[int], count: int) -> Scan:
    """Look at the frames at these places of a clip of `count` frames."""
    scan, lost, started = Scan(), 0, time.monotonic()
    for place in places:
        frame = video.frame_near(place) if time.monotonic() - started < MOST_SECONDS else None
        if frame is None:
            lost += 1
        elif not scan.times or frame.seconds > scan.times[-1]:
            _look_at(frame, scan, side)
    if lost > (1 - WHOLE) * len(places):
        scan.note = f"at {lost} of {len(places)} places where it was looked at no frame could be decoded"
    return _sampled(scan, count / video.fps)


def _step_through(video: Video, side: int, count: int) -> Scan:
    """Decode all frames of a clip, as many as the budget allows, and look at some."""
    most = max(1, min(MOST_STEPS, MOST_PIXELS // video.cost))
    reached = min(count, most) or most
    scan = Scan()
    for frame in video.frames(max(1, reached // SAMPLES)):
        if frame.number >= reached:
            break
        scan.decoded = frame.number + 1
        _look_at(frame, scan, side)
    if count > reached:
        first, whole = (f"{int(frames / video.fps)} s" for frames in (reached, count))
        scan.note = f"only the first {first} of {whole} were looked at, as it can only be read from its start"
    if scan.times:
        scan.reached, scan.promised = scan.times[-1] + reached / SAMPLES / video.fps, reached / video.fps
    return _sampled(scan, reached / video.fps)


def _look_at(frame: Frame, scan: Scan, side: int) -> None:
    scan.thumbnails.append(thumbnail(frame.pixels))
    scan.times.append(frame.seconds)
    scan.candidates.append(candidate(frame, side))


def _sampled(scan: Scan, seconds: float) -> Scan:
    scan.cuts = find_scenes(scan.thumbnails)
    scan.end = max(scan.times[-1], seconds) if scan.times and seconds else _end(scan.times, 0.0)
    return scan


def _end(times: list[float], step: float) -> float:
    return times[-1] + (times[-1] - times[-2] if len(times) > 1 else step) if times else 0.0
