"""Every odd, damaged and hostile file of the shared sets: encoded or refused, quickly and in little memory."""

from __future__ import annotations

import json
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
