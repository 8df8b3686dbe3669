"""Cuts that were planted are found, and what merely moves, shakes or flashes is none."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.shots import find_cuts, find_scenes


def scene(seed: int) -> np.ndarray:
    """Return a large smooth random picture (54, 96, 3) that a camera can look at a part of."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (9, 16, 3)).astype(np.float32)
    return coarse.repeat(6, axis=0).repeat(6, axis=1)


def view(picture: np.ndarray, x: float = 0, y: float = 0) -> np.ndarray:
    left, top = round(x), round(y)
    return picture[top : top + 36 : 2, left : left + 64 : 2]


def test_planted_cuts_are_found() -> None:
    rng = np.random.default_rng(0)
    frames, cuts = [], []
    for number in range(12):
        if frames:
            cuts.append(len(frames))
        picture, pan = scene(number), rng.uniform(0, 0.4)
        frames += [view(picture, pan * step) + rng.normal(0, 2, (18, 32, 3)) for step in range(rng.integers(8, 40))]
    assert find_cuts([np.asarray(frame, np.float32) for frame in frames]) == cuts


def test_a_dark_scene_has_cuts_too() -> None:
    frames = [view(scene(1)) / 10] * 12 + [view(scene(2)) / 10] * 12
    assert find_cuts(frames) == [12]


@pytest.mark.parametrize("kind", ["pan", "shake", "hand", "brightness", "still"])
def test_what_is_no_cut(kind: str) -> None:
    picture = scene(4)
    rng = np.random.default_rng(1)
    frames = []
    for step in range(32):
        frame = view(picture).copy()
        if kind == "pan":
            frame = view(picture, step)
        elif kind == "shake":
            frame = view(picture, *(rng.integers(0, 5, 2) if step % 8 == 0 else (2, 2)))
        elif kind == "hand" and step > 15:
            frame[:, 22:] = 20
        elif kind == "brightness" and step > 15:
            frame = frame * 0.95
        frames.append(np.asarray(frame, np.float32))
    assert find_cuts(frames) == []


def test_short_sequences() -> None:
    for count in range(5):
        assert find_cuts([view(scene(0))] * count) == []


def test_samples_far_apart_are_told_apart_by_themselves() -> None:
    frames = [view(scene(seed)) for seed in (1, 1, 2, 2, 2, 3)]
    assert find_scenes(frames) == [2, 5]
