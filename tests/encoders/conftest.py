"""Encoders and media that several tests share; nothing here needs a network."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import encoders

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep exports out of the user's cache, everybody off the network, and half precision out of comparisons."""
    with pytest.MonkeyPatch.context() as patch:
        if "MULTIMODAL_REC_CACHE" not in os.environ:
            patch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("CUDA_VISIBLE_DEVICES", "")  # test_cuda.py has its own
        yield


@pytest.fixture(scope="session")
def text_encoder(_own_cache: None) -> encoders.TextEncoder:
    return encoders.load_text_encoder()


@pytest.fixture(scope="session")
def image_encoder(_own_cache: None) -> encoders.ImageEncoder:
    return encoders.load_image_encoder()


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """A picture without symmetry: smooth colours, shapes, and a little grain."""
    return draw(7)


def draw(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Return a deterministic RGB picture of coloured boxes on a gradient."""
    rng = np.random.default_rng(seed)
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    low, right, down = rng.integers(0, 256, (3, 3))
    pixels = low + x[..., None] * (right - low) + y[..., None] * (down - low) / 2
    for _ in range(6):
        left, top = rng.integers(0, width * 3 // 4), rng.integers(0, height * 3 // 4)
        pixels[top : top + rng.integers(10, height // 2), left : left + rng.integers(10, width // 2)] = rng.integers(
            0, 256, 3
        )
    pixels += rng.normal(0, 3, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the cosine of each pair of rows."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return (first * second).sum(axis=-1) / lengths


def shared(name: str) -> Path:
    """Return a shared data set's folder, or skip the test."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"the shared data set {name} is not here")
    return folder


def tiff(size: tuple[int, int], pixels: bytes, tags: dict[int, int]) -> bytes:
    """Return a gray TIFF in one uncompressed strip, of 8 bits and black at 0 where the tags do not say otherwise."""
    tags = {256: size[0], 257: size[1], 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 279: len(pixels)} | tags
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + pixels
