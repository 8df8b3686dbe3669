"""A small painting kit: a resolution-independent canvas, fractal noise and soft shapes.

One unit is the height of the frame, so a 16:9 picture spans x in 0..1.78 and y in 0..1, y pointing down.
Colours are RGB floats in 0..1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Point = tuple[float, float]
Region = tuple[slice, slice]

SUBPIXEL_BITS = 4


def rgb(code: str) -> Array:
    """Turn "#rrggbb" into a float colour."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def mix(a: Array | float, b: Array | float, amount: Array | float) -> Array:
    """Blend from a to b; a two-dimensional amount blends colours pixel by pixel."""
    if isinstance(amount, np.ndarray) and amount.ndim == 2:
        amount = amount[..., None]
    return np.asarray(a + (b - a) * amount, np.float32)


def step(low: float, high: float, value: Array) -> Array:
    """Smoothly go from 0 at low to 1 at high."""
    s = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(s * s * (3 - 2 * s), np.float32)


@lru_cache(maxsize=256)
def _lattice(seed: int) -> Array:
    return np.random.default_rng(seed).random((256, 256), np.float32)


def noise(x: Array, y: Array | float, seed: int) -> Array:
    """Smooth value noise in 0..1."""
    table = _lattice(seed)
    x, y = np.broadcast_arrays(x, np.asarray(y, np.float32))
    left, top = np.floor(x), np.floor(y)
    fx, fy = x - left, y - top
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    i, j = left.astype(np.int32) & 255, top.astype(np.int32) & 255
    i2, j2 = (i + 1) & 255, (j + 1) & 255
    upper = table[j, i] * (1 - fx) + table[j, i2] * fx
    lower = table[j2, i] * (1 - fx) + table[j2, i2] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


def fbm(x: Array, y: Array | float, seed: int, octaves: int = 5) -> Array:
    """Fractal noise in about 0..1: clouds, ground, smoke."""
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)), np.float32)
    weight, size = 0.5, 1.0
    for octave in range(octaves):
        total += weight * noise(x * size, np.asarray(y) * size, seed + 101 * octave)
        weight, size = weight / 2, size * 2.03
    return total / (1 - 0.5**octaves)


def ridged(x: Array, y: Array | float, seed: int, octaves: int = 5) -> Array:
    """Fractal noise with sharp crests: mountain chains, rock, caustics."""
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)), np.float32)
    weight, size = 0.5, 1.0
    for octave in range(octaves):
        total += weight * (1 - np.abs(2 * noise(x * size, np.asarray(y) * size, seed + 101 * octave) - 1))
        weight, size = weight / 2, size * 2.03
    return total / (1 - 0.5**octaves)


def rounded(outline: Sequence[Point], times: int = 2) -> list[Point]:
    """Round the corners of a polygon by cutting them off."""
    points = np.array(outline, np.float32)
    for _ in range(times):
        after = np.roll(points, -1, 0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], 1).reshape(-1, 2)
    return [(float(x), float(y)) for x, y in points]


def _fixed(points: Array, where: Region) -> NDArray[np.int32]:
    local = points - (where[1].start, where[0].start)
    return np.round(local * (1 << SUBPIXEL_BITS)).astype(np.int32)


class Canvas:
    """A float picture with the coordinates of each pixel; the camera may be moved and zoomed."""

    def __init__(self, width: int, height: int, camera: Point = (0.0, 0.0), zoom: float = 1.0) -> None:
        """Make a black canvas; the camera shift is in units, the zoom is about the centre."""
        self.scale = height * zoom
        self.left = camera[0] + 0.5 * width / height * (1 - 1 / zoom)
        self.top = camera[1] + 0.5 * (1 - 1 / zoom)
        xs = self.left + (np.arange(width, dtype=np.float32) + 0.5) / self.scale
        ys = self.top + (np.arange(height, dtype=np.float32) + 0.5) / self.scale
        self.x, self.y = np.meshgrid(xs, ys)
        self.rgb = np.zeros((height, width, 3), np.float32)

    @property
    def pixel(self) -> float:
        """Size of one pixel in units."""
        return 1 / self.scale

    def pixels(self, points: Iterable[Point]) -> Array:
        """Convert points in units to pixel positions."""
        return (np.array(list(points), np.float32) - (self.left, self.top)) * self.scale - 0.5

    def region(self, cx: float, cy: float, rx: float, ry: float) -> Region:
        """Return the part of the frame around a centre, as slices."""
        height, width = self.y.shape
        x, y = (cx - self.left) * self.scale, (cy - self.top) * self.scale
        dx, dy = rx * self.scale + 2, ry * self.scale + 2
        rows = slice(int(np.clip(y - dy, 0, height)), int(np.clip(y + dy, 0, height)))
        return rows, slice(int(np.clip(x - dx, 0, width)), int(np.clip(x + dx, 0, width)))

    def fill(self, mask: Array, colour: Array, where: Region = (slice(None), slice(None))) -> None:
        """Lay a colour over the picture where the mask says so."""
        part = self.rgb[where]
        part += (colour - part) * mask[..., None]

    def add(self, light: Array, colour: Array, where: Region = (slice(None), slice(None))) -> None:
        """Add light without burning out (a screen blend)."""
        part = self.rgb[where]
        part += (1 - part) * np.clip(light[..., None] * colour, 0, 1)

    def _window(self, points: Array, margin: float) -> Region:
        height, width = self.y.shape
        (x0, y0), (x1, y1) = points.min(0) - margin, points.max(0) + margin + 1
        rows = slice(int(np.clip(y0, 0, height)), int(np.clip(y1, 0, height)))
        return rows, slice(int(np.clip(x0, 0, width)), int(np.clip(x1, 0, width)))

    def mask(self, outline: Sequence[Point], blur: float = 0.0) -> tuple[Array, Region]:
        """Return the anti-aliased inside of a polygon and the region that it covers."""
        points = self.pixels(outline)
        where = self._window(points, 3 * blur * self.scale + 2)
        area = np.zeros(self.y[where].shape, np.uint8)
        if area.size == 0:
            return area.astype(np.float32), where
        cv2.fillPoly(area, [_fixed(points, where)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        soft = area.astype(np.float32) / 255
        if blur > 0:
            soft = cv2.GaussianBlur(soft, (0, 0), max(blur * self.scale, 0.3))
        return soft, where

    def polygon(self, outline: Sequence[Point], colour: Array, alpha: float = 1.0, blur: float = 0.0) -> None:
        """Paint a polygon; the colour may also be a whole picture that shows through."""
        soft, where = self.mask(outline, blur)
        self.fill(soft * alpha, colour[where] if colour.ndim == 3 else colour, where)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Array, alpha: float = 1.0) -> None:
        """Paint an upright rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, alpha)

    def stroke(self, line: Sequence[Point], width: float, colour: Array, alpha: float = 1.0) -> None:
        """Paint a line of even width with round ends."""
        points, thickness = self.pixels(line), width * self.scale
        where = self._window(points, thickness + 2)
        area = np.zeros(self.y[where].shape, np.uint8)
        if area.size == 0:
            return
        cv2.polylines(area, [_fixed(points, where)], False, 255, max(1, round(thickness)), cv2.LINE_AA, SUBPIXEL_BITS)
        self.fill(area.astype(np.float32) * (alpha * min(1.0, thickness) / 255), colour, where)

    def disc(
        self,
        cx: float,
        cy: float,
        rx: float,
        colour: Array,
        *,
        ry: float | None = None,
        alpha: float = 1.0,
        soft: float = 0.0,
    ) -> None:
        """Paint an ellipse; soft is the share of the radius over which it fades."""
        ry = rx if ry is None else ry
        where = self.region(cx, cy, rx, ry)
        distance = np.hypot((self.x[where] - cx) / rx, (self.y[where] - cy) / ry)
        edge = max(soft, 1.2 * self.pixel / min(rx, ry))
        self.fill(step(0, 1, (1 - distance) / edge) * alpha, colour[where] if colour.ndim == 3 else colour, where)

    def glow(self, cx: float, cy: float, radius: float, colour: Array, strength: float = 1.0) -> None:
        """Add a soft round light."""
        where = self.region(cx, cy, 3 * radius, 3 * radius)
        squared = ((self.x[where] - cx) ** 2 + (self.y[where] - cy) ** 2) / radius**2
        self.add(np.exp(-squared) * strength, colour, where)

    def blur(self, radius: float) -> None:
        """Throw what is painted so far out of focus."""
        self.rgb = cv2.GaussianBlur(self.rgb, (0, 0), max(radius * self.scale, 0.3))


def finish(picture: Array, size: tuple[int, int]) -> Array:
    """Scale down to the final size, with gentle contrast."""
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return mix(small, step(0, 1, small), 0.25)


def age(picture: Array, seed: int, grain: float = 0.008) -> Array:
    """Darken the corners and add film grain."""
    height, width = picture.shape[:2]
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corners = (1 - 0.16 * (xs**2 + ys**2))[..., None]
    specks = np.random.default_rng(seed).normal(0, grain, (height, width, 1))
    return np.asarray(picture * corners + specks, np.float32)


def quantise(picture: Array) -> NDArray[np.uint8]:
    """Turn floats into bytes."""
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
