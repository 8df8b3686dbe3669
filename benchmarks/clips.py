"""Clips: are hard cuts found, does a frame find its clip and its shot, and does an altered clip find the original?

    python -m benchmarks.clips FOLDER [--tolerance 2]

FOLDER holds items.jsonl with clips, and items_extra.jsonl with `hard_cuts_frames` and `fps_reported` of each. Cuts are
compared within some frames. Then the clips are built into a workspace, which is searched by the middle frame of each
true shot (shots shorter than half a second left out), and by each clip re-encoded at half its size, without its last
third, and mirrored.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from encoders import find_shots
from multimodal_rec import Recommender
from multimodal_rec.query import Query
from multimodal_rec.recommender import Hit

Pixels = npt.NDArray[np.uint8]

LEAST_SHOT = 0.5
"""Seconds; of a shorter shot no frame is asked for."""


@dataclass(frozen=True)
class Clip:
    """A clip and what is known of it: frame numbers at which a new shot starts, and frames a second."""

    item_id: str
    path: Path
    cuts: list[int]
    fps: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tolerance", type=int, default=2)
    arguments = parser.parse_args()
    clips = list(read_clips(arguments.folder.resolve()))
    report_cuts(clips, arguments.tolerance)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "multimodal_rec.cli", "build", str(arguments.folder / "items.jsonl")]
        subprocess.run([*command, "--workspace", str(folder / "ws")], check=True, stdout=sys.stderr)
        with Recommender.open(folder / "ws") as recommender:
            report_frames(clips, recommender, folder)
            report_altered(clips, recommender, folder)


def read_clips(folder: Path) -> Iterator[Clip]:
    """Yield the clips of a catalogue of which the cuts are known."""
    known = {row["id"]: row for row in read_jsonl(folder / "items_extra.jsonl")}
    for row in read_jsonl(folder / "items.jsonl"):
        if row.get("video") and row["id"] in known:
            extra = known[row["id"]]
            yield Clip(row["id"], folder / row["video"], extra["hard_cuts_frames"], extra["fps_reported"])


def report_cuts(clips: list[Clip], tolerance: int) -> None:
    """Print recall and precision of the shot borders, each matched with at most one true cut.

    Only clips with listed cuts count, since lists of none are not claimed complete; borders in the others are told.
    """
    right = found_total = others = 0
    for clip in clips:
        times = frame_times(clip.path)
        middles = [(before + after) / 2 for before, after in pairwise(times)]
        found = [int(np.searchsorted(middles, shot.start - 1e-6)) + 1 for shot in find_shots(clip.path)[1:]]
        left = list(found)
        for cut in clip.cuts:
            near = [place for place in left if abs(place - cut) <= tolerance]
            if near:
                left.remove(min(near, key=lambda place: abs(place - cut)))
        if clip.cuts:
            right += len(found) - len(left)
            found_total += len(found)
        others += 0 if clip.cuts else len(found)
        if left or len(found) < len(clip.cuts):
            print(f"  {clip.item_id}: cuts listed {clip.cuts}, found {found}", file=sys.stderr)
    true = sum(len(clip.cuts) for clip in clips)
    print(f"hard cuts: {true} listed, {found_total} found, within {tolerance} frames {right}: ", end="")
    print(f"recall {right / max(1, true):.3f}, precision {right / max(1, found_total):.3f}", end="")
    print(f"; {others} more in the {sum(not clip.cuts for clip in clips)} clips that list none")


def report_frames(clips: list[Clip], recommender: Recommender, folder: Path) -> None:
    """Print how often the middle frame of a true shot finds its clip first, and a time inside that shot."""
    queries, wanted = [], []
    for clip in clips:
        times = frame_times(clip.path)
        for first, last in pairwise([0, *clip.cuts, len(times)]):
            if last > first and times[last - 1] - times[first] >= LEAST_SHOT:
                path = folder / f"{len(queries)}.png"
                cv2.imwrite(str(path), frame_at(clip.path, (first + last) // 2))
                queries.append(Query(image=path))
                wanted.append((clip.item_id, times[first], times[last - 1], 1 / clip.fps))
    answers = recommender.search_all(queries, k=1)
    right = inside = 0
    for (item_id, start, end, frame), (hit, *_) in zip(wanted, answers, strict=True):
        same = hit.item_id == item_id
        right += same
        inside += same and is_inside(hit, start, end, 2 * frame)
        if not same or not is_inside(hit, start, end, 2 * frame):
            print(f"  {item_id} {start:.2f} to {end:.2f}: {hit.item_id} {hit.matched}", file=sys.stderr)
    print(f"middle frames of {len(wanted)} shots: clip first {right / len(wanted):.1%}, ", end="")
    print(f"and the matched time inside that shot {inside / len(wanted):.1%}")


def is_inside(hit: Hit, start: float, end: float, slack: float) -> bool:
    """Whether the middle of what matched lies in the shot."""
    part = hit.matched
    return part is not None and start - slack <= (part.start + part.end) / 2 <= end + slack


def report_altered(clips: list[Clip], recommender: Recommender, folder: Path) -> None:
    """Print how often each kind of altered clip finds the original first."""
    kinds: dict[str, tuple[Callable[[Pixels], Pixels], float]] = {
        "half the size": (lambda frame: cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 1.0),
        "last third cut off": (lambda frame: frame, 2 / 3),
        "mirrored": (lambda frame: frame[:, ::-1], 1.0),
    }
    for label, (alter, share) in kinds.items():
        found = 0
        for clip in clips:
            path = folder / "altered.mp4"
            rewrite(clip, path, alter, share)
            (hit, *_) = recommender.search(video=path, k=1)
            found += hit.item_id == clip.item_id
            if hit.item_id != clip.item_id:
                print(f"  {clip.item_id} {label}: {hit.item_id}", file=sys.stderr)
        print(f"{label}: {len(clips)} clips, itself first {found / len(clips):.1%}")


def frame_times(path: Path) -> list[float]:
    """The time of each frame in seconds, as OpenCV tells it."""
    capture, times = cv2.VideoCapture(str(path)), []
    while capture.grab():
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    capture.release()
    return times


def frame_at(path: Path, number: int) -> Pixels:
    """A frame by its number, read in order: seeking is inexact."""
    capture = cv2.VideoCapture(str(path))
    for _ in range(number + 1):
        capture.grab()
    _, pixels = capture.retrieve()
    capture.release()
    return np.asarray(pixels, np.uint8)


def rewrite(clip: Clip, path: Path, alter: Callable[[Pixels], Pixels], share: float) -> None:
    """Write the first share of a clip's frames, altered, as MPEG-4."""
    capture, writer = cv2.VideoCapture(str(clip.path)), None
    for _ in range(max(1, round(len(frame_times(clip.path)) * share))):
        ok, pixels = capture.read()
        if not ok:
            break
        frame = np.ascontiguousarray(alter(pixels))
        if writer is None:
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), clip.fps, size)
        writer.write(frame)
    capture.release()
    if writer is not None:
        writer.release()


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    main()
