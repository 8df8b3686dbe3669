"""Cuts that were planted are found, and what merely moves, shakes or flashes is none."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.shots import find_cuts, find_dissolves, find_scenes


def scene(seed: int) -> np.ndarray:
    """Return a large smooth random picture (54, 96, 3) that a camera can look at a part of."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (9, 16, 3)).astype(np.float32)
    return coarse.repeat(6, axis=0).repeat(6, axis=1)


def view(picture: np.ndarray, x: float = 0, y: float = 0) -> np.ndarray:
    left, top = round(x), round(y)
    return picture[top : top + 36 : 2, left : left + 64 : 2]


def cuts_of(frames: list[np.ndarray]) -> list[int]:
    return find_cuts(frames, [number / 25 for number in range(len(frames))])


def test_planted_cuts_are_found() -> None:
    rng = np.random.default_rng(0)
    frames, cuts = [], []
    for number in range(12):
        if frames:
            cuts.append(len(frames))
        picture, pan = scene(number), rng.uniform(0, 0.4)
        frames += [view(picture, pan * step) + rng.normal(0, 2, (18, 32, 3)) for step in range(rng.integers(8, 40))]
    assert cuts_of([np.asarray(frame, np.float32) for frame in frames]) == cuts


def test_a_dark_scene_has_cuts_too() -> None:
    frames = [view(scene(1)) / 10] * 12 + [view(scene(2)) / 10] * 12
    assert cuts_of(frames) == [12]


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
    assert cuts_of(frames) == []


def test_short_sequences() -> None:
    for count in range(5):
        assert cuts_of([view(scene(0))] * count) == []


def test_samples_far_apart_are_told_apart_by_themselves() -> None:
    frames = [view(scene(seed)) for seed in (1, 1, 2, 2, 2, 3)]
    assert find_scenes(frames) == [2, 5]


@pytest.mark.parametrize("length", [14, 25, 50])
def test_dissolves_and_fades(length: int) -> None:
    rng = np.random.default_rng(2)
    first, second, black = view(scene(1)), view(scene(2)), np.zeros((18, 32, 3), np.float32)

    def mixed(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        return [a + (b - a) * (step + 1) / (length + 1) for step in range(length)]

    def noisy(frames: list[np.ndarray]) -> list[np.ndarray]:
        return [np.asarray(frame + rng.normal(0, 1, frame.shape), np.float32) for frame in frames]

    dissolve = noisy([first] * 40 + mixed(first, second) + [second] * 40)
    (place,) = find_dissolves(dissolve, [])
    assert abs(place - (40 + length / 2)) <= 3
    assert find_dissolves(dissolve, [40 + length // 2]) == []
    faded = [first] * 40 + mixed(first, black) + [black] * 10 + mixed(black, second) + [second] * 40
    out, back = find_dissolves(noisy(faded), [])
    assert abs(out - (40 + length)) <= 8
    assert abs(back - (50 + length)) <= 8
    assert find_dissolves(noisy(mixed(black, first) + [first] * 20), []) == []


@pytest.mark.parametrize("kind", ["pan", "brightness", "cut"])
def test_what_is_no_dissolve(kind: str) -> None:
    picture, rng = scene(5), np.random.default_rng(3)
    frames = {
        "pan": lambda: [view(picture, step / 2) for step in range(60)],
        "brightness": lambda: [view(picture) * (0.5 + step / 120) for step in range(60)],
        "cut": lambda: [view(picture)] * 30 + [view(scene(6))] * 30,
    }[kind]()
    assert find_dissolves([np.asarray(frame + rng.normal(0, 1, frame.shape), np.float32) for frame in frames], []) == []


def test_slides_that_stand_for_seconds() -> None:
    slides = [view(scene(seed)) for seed in (1, 2, 2, 3)]
    assert find_cuts(slides, [0, 5, 10, 15]) == [1, 3]


@pytest.mark.parametrize("length", [1, 2])
def test_a_flash_is_no_cut(length: int) -> None:
    picture = view(scene(1))
    for flash in (picture * 0.25 + 190, np.clip(picture + 90, 0, 255), np.full_like(picture, 255), picture * 0.5 + 120):
        assert cuts_of([picture] * 30 + [flash] * length + [picture] * 30) == []
    assert cuts_of([picture] * 30 + [np.full_like(picture, 255)] * length + [view(scene(2))] * 30) != []


def test_a_slide_after_film_and_before_it() -> None:
    """What changes over seconds is not usual for what changes from frame to frame."""
    film, other, slides = view(scene(1)), view(scene(2)), [view(scene(number)) for number in range(3, 8)]
    frames = [film] * 40 + slides + [other] * 40
    times = [0.04 * n for n in range(40)] + [1.6 + 3 * n for n in range(5)] + [16.6 + 0.04 * n for n in range(40)]
    assert find_cuts(frames, times) == [40, 41, 42, 43, 44, 45]
    times = [0.04 * n for n in range(41)] + [4.6 + 0.04 * n for n in range(40)]
    assert find_cuts([film] * 40 + slides[:1] + [film] * 40, times) == [40, 41]  # the film goes on
