"""Every odd, damaged and hostile file of the shared sets: encoded or refused, quickly and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import encoders
from encoders import Encoding, MediaError, encode_images, encode_videos
from tests.encoders.conftest import shared

ROOT = Path(__file__).parents[2]


class PeakMemory:
    """The most memory that this process held inside the block, in bytes above its start."""

    def __enter__(self) -> PeakMemory:
        self._process = psutil.Process()
        self._start = self._process.memory_info().rss
        self.bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.bytes = max(self.bytes, self._process.memory_info().rss - self._start)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def encode_each(
    encode: Callable[..., Any], encoder: encoders.ImageEncoder, folder: Path
) -> dict[str, tuple[dict[str, Any], Encoding | MediaError]]:
    """Encode each file of a manifest alone, within 10 seconds and 500 MB."""
    results = {}
    for row in map(json.loads, (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()):
        start = time.perf_counter()
        with PeakMemory() as memory:
            ((path, result),) = encode(encoder, [folder / row["file"]])
        assert time.perf_counter() - start < 10, path
        assert memory.bytes < 500 << 20, path
        if isinstance(result, Encoding):
            assert np.isfinite(result.vector).all()
            assert np.isfinite(result.parts).all()
        else:
            assert str(result).startswith(path.name + ": ")
            assert "\n" not in str(result)
        results[path.name] = (row, result)
    return results


def test_bad_images(image_encoder: encoders.ImageEncoder) -> None:
    for name, (row, result) in encode_each(encode_images, image_encoder, shared("bad_images")).items():
        assert isinstance(result, Encoding) == (row["pillow"] == "loads"), (name, result)


def test_bad_videos(image_encoder: encoders.ImageEncoder) -> None:
    for name, (row, result) in encode_each(encode_videos, image_encoder, shared("bad_videos")).items():
        assert isinstance(result, Encoding) == (row["frames_decoded_cv2"] > 0), (name, result)


@pytest.mark.parametrize("name", ["decord_video_90.mov", "testmedia_video_rotation_90.mp4"])
def test_rotated_clips_stand_upright(name: str) -> None:
    path = shared("bad_videos") / "files" / name
    width, height = encoders.sample_frame(path).size
    assert height > width


ALONE = """
import json, re, resource, sys, time
from pathlib import Path
from PIL import Image
from encoders import MediaError, encode_images, encode_videos, load_image_encoder
from encoders.video_opencv import import_cv2

encoder = load_image_encoder()
encoder.encode([Image.new("RGB", (64, 64))])
import_cv2()

def megabytes(name):  # VmRSS: memory now, VmHWM: the most of it so far
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

idle = megabytes("VmRSS")
started = time.perf_counter()
encode = encode_videos if sys.argv[1] == "bad_videos" else encode_images
((_, result),) = encode(encoder, [Path(sys.argv[2])])
seconds = time.perf_counter() - started
apart = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # where it was decoded in a process of its own
print(json.dumps([seconds, megabytes("VmHWM") - idle + apart, str(result) if isinstance(result, MediaError) else None]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("kind", ["bad_images", "bad_videos"])
def test_each_file_in_a_process_of_its_own(kind: str, image_encoder: encoders.ImageEncoder) -> None:
    """Where no earlier file has made room: within 10 seconds and 500 MB above the idle process."""
    folder, costs = shared(kind), {}
    for row in map(json.loads, (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()):
        command = [sys.executable, "-c", ALONE, kind, str(folder / row["file"])]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, (row["file"], done.stderr)
        costs[row["file"]] = seconds, megabytes, reason = json.loads(done.stdout)
        encodable = row["frames_decoded_cv2"] > 0 if kind == "bad_videos" else row["pillow"] == "loads"
        assert (reason is None) == encodable, (row["file"], reason)
        assert seconds < 10, row["file"]
        assert megabytes < 500, row["file"]
    for place, unit in enumerate(("s", "MB")):
        name = max(costs, key=lambda file: costs[file][place])
        print(f"{kind}: the most is {costs[name][place]:.1f} {unit}, {name}")  # noqa: T201 - shown by pytest -s
