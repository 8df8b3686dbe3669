"""What the worlds share: the hours of the day, sky, water, hills, weather, trees and people."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from canvas import Array, Canvas, Point, fbm, mix, rgb, step

MIDDLE = 0.89
BLACK, WHITE = rgb("#000000"), rgb("#ffffff")


@dataclass(frozen=True)
class Hour:
    """The light of a time of day."""

    top: Array
    middle: Array
    low: Array
    sun: Array
    brightness: float

    def lit(self, colour: Array, haze: float = 0.0) -> Array:
        """Return a colour as it looks in this light and through this much air."""
        tinted = colour * mix(WHITE, self.low, 0.45) * self.brightness
        return mix(tinted, mix(self.middle, self.low, 0.6), haze)


def _hour(top: str, middle: str, low: str, sun: str, brightness: float) -> Hour:
    return Hour(rgb(top), rgb(middle), rgb(low), rgb(sun), brightness)


HOURS = {
    "day": _hour("#2168bd", "#73b1e4", "#d8ebf2", "#fffdf0", 1.0),
    "dawn": _hour("#4f78ae", "#d9a9a8", "#ffdcae", "#fff2d0", 0.9),
    "gold": _hour("#6a7aa5", "#e2a566", "#ffdf98", "#fff4c8", 0.95),
    "dusk": _hour("#211f4d", "#a3426c", "#ff9f5c", "#ffdca6", 0.6),
    "night": _hour("#040818", "#0e1c42", "#274272", "#e6eeff", 0.38),
    "grey": _hour("#667482", "#9ba8b0", "#cdd3d3", "#f4f4ee", 0.8),
}


@dataclass(frozen=True)
class Look:
    """What to draw: the words of the view, the seed of its composition and the second of its clip."""

    words: frozenset[str]
    seed: int
    t: float = 0.0

    @property
    def hour(self) -> Hour:
        """The light that the words name; plain day without one."""
        return next((HOURS[word] for word in HOURS if word in self.words), HOURS["day"])

    @property
    def dark(self) -> bool:
        """Whether it is night."""
        return "night" in self.words

    def has(self, word: str) -> bool:
        """Whether the view asks for this."""
        return word in self.words

    def rng(self, salt: int = 0) -> np.random.Generator:
        """Return fresh random numbers, the same in every frame of a clip."""
        return np.random.default_rng((self.seed, salt))


def lottery(i: Array, j: Array, seed: int) -> Array:
    """Return a random number in 0..1 for each pair of whole numbers."""
    value = np.sin(i * 127.1 + j * 311.7 + seed * 74.7) * 43758.5453
    return np.asarray(value - np.floor(value), np.float32)


def sky(c: Canvas, hour: Hour, horizon: float) -> None:
    """Paint a three-colour sky down to the horizon and its haze below."""
    height = np.clip(c.y / horizon, 0, 1)
    upper = mix(hour.top, hour.middle, step(0.0, 0.75, height))
    c.rgb[:] = mix(upper, hour.low, step(0.45, 1.0, height))


def stars(c: Canvas, look: Look, count: int, bottom: float = 1.0) -> None:
    """Scatter stars of uneven brightness."""
    rng = look.rng(7)
    for x, y, size in rng.random((count, 3)):
        bright = size**6
        c.disc(x * 2.2 - 0.2, y * bottom, 0.003 + 0.0035 * bright, WHITE, alpha=0.35 + 0.65 * bright, soft=0.7)


def clouds(c: Canvas, look: Look, horizon: float, cover: float) -> None:
    """Lay a deck of clouds that shrinks towards the horizon."""
    hour = look.hour
    distance = 1 / np.clip(horizon - c.y + 0.22, 0.2, 2)
    x, y = (c.x - MIDDLE) * distance * 0.8 + look.t * 0.05, distance * 1.5
    body = fbm(x, y, look.seed + 11, 6)
    toward_light = fbm(x, y + 0.12, look.seed + 11, 4)
    thick = step(0.62 - cover * 0.4, 0.95 - cover * 0.4, body)
    light = np.clip(0.55 + 2.6 * (body - toward_light), 0, 1)
    bright = mix(hour.low, WHITE, 0.35 if not look.dark else 0.0)
    shade = mix(hour.top, hour.middle, 0.7) * 0.85
    c.fill(thick * 0.9 * (c.y < horizon), mix(shade, bright, light))


def sun(c: Canvas, hour: Hour, x: float, y: float, size: float = 0.045) -> None:
    """Set the sun, or at night the moon, with its halo."""
    c.glow(x, y, size * 7, hour.sun, 0.28)
    c.glow(x, y, size * 2.6, hour.sun, 0.5)
    c.disc(x, y, size * (1.0 if hour.brightness < 0.5 else 1.2), hour.sun, soft=0.1 if hour.brightness < 0.5 else 0.5)


def water(c: Canvas, look: Look, horizon: float, deep: Array, sun_x: float | None, rough: float = 1.0) -> None:
    """Turn all below the horizon into water that mirrors what is above it."""
    hour = look.hour
    depth = np.clip(c.y - horizon, c.pixel, None)
    far = 0.35 / (depth + 0.03)
    waves = fbm((c.x - MIDDLE) * far * 2.4 + look.t * 0.15, far * 9 + look.t * 0.9, look.seed + 23, 4)
    shift = (waves - 0.5) * np.clip(depth * 0.9, 0.004, 0.14) * rough
    rows = (np.clip(horizon - depth * 1.1 - shift, c.top, None) - c.top) * c.scale
    columns = (c.x - c.left + shift * 0.8) * c.scale
    mirror = cv2.remap(
        c.rgb, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    near = np.clip(depth / (1 - horizon), 0, 1)
    surface = mix(mirror, hour.lit(deep), 0.25 + 0.5 * near)
    surface = mix(surface, surface * 0.45, step(0.5, 0.25, waves) * 0.8 * rough)
    surface = mix(surface, mix(hour.low, WHITE, 0.3), step(0.6, 0.8, waves) * 0.3 * rough)
    if sun_x is not None:
        path = np.exp(-(((c.x - sun_x) / (0.035 + 0.32 * depth)) ** 2))
        surface = mix(surface, hour.sun, path * step(0.48, 0.62, waves) * 0.9)
    c.fill((c.y > horizon).astype(np.float32), surface)


def terrain(c: Canvas, crest: Array, colour: Array, alpha: float = 1.0) -> None:
    """Fill the ground below a crest line, given as its height at each pixel."""
    c.fill(np.clip((c.y - crest) / c.pixel + 0.5, 0, 1) * alpha, colour)


def hills(c: Canvas, look: Look, base: float, tones: tuple[str, ...], rough: float = 0.16) -> None:
    """Stack ranges of soft hills, the farthest first, each clearer than the last."""
    for layer, tone in enumerate(tones):
        nearness = (layer + 1) / len(tones)
        crest = base + 0.11 * layer - rough * fbm(c.x * (1.1 + 0.5 * layer), 3.0 * layer, look.seed + layer, 5)
        mottled = 0.82 + 0.36 * fbm(c.x * 9, (c.y - crest) * 26, look.seed + 40 + layer, 4)
        ground = look.hour.lit(rgb(tone), 0.75 * (1 - nearness))
        terrain(c, crest, ground * mottled[..., None])


def mist(c: Canvas, look: Look, level: float, thickness: float, amount: float, colour: Array) -> None:
    """Let a bank of fog drift at some height."""
    band = np.exp(-(((c.y - level) / thickness) ** 2))
    c.fill(band * amount * (0.4 + 0.9 * fbm(c.x * 1.6 + look.t * 0.06, c.y * 5, look.seed + 31, 4)).clip(0, 1), colour)


def falling(c: Canvas, look: Look, count: int, colour: Array, *, slant: float, speed: float, length: float) -> None:
    """Let rain or snow fall; length 0 makes flakes."""
    for x, y, near in look.rng(77).random((count, 3)):
        fall = (y + look.t * speed * (0.5 + near)) % 1.1 - 0.05
        across = (x * 2.1 + slant * fall + 0.03 * math.sin(9 * near + 3 * look.t)) % 2.0 - 0.1
        if length:
            c.stroke(
                [(across, fall), (across + slant * length, fall + length * (0.5 + near))],
                0.0025,
                colour,
                0.25 + 0.3 * near,
            )
        else:
            c.disc(across, fall, 0.003 + 0.007 * near**3, colour, alpha=0.85, soft=0.7)


def pine(c: Canvas, x: float, foot: float, height: float, colour: Array, rng: np.random.Generator) -> None:
    """Draw a fir with ragged tiers."""
    tiers = 9
    left, right = [], []
    for tier in range(1, tiers + 1):
        y = foot - height * (1 - tier / tiers) * 0.98 - height * 0.03
        reach = height * 0.24 * (tier / tiers) ** 0.85
        left += [(x - reach * rng.uniform(0.75, 1.1), y), (x - reach * 0.45, y - height * 0.02)]
        right += [(x + reach * rng.uniform(0.75, 1.1), y), (x + reach * 0.45, y - height * 0.02)]
    c.polygon([(x, foot - height), *right, (x, foot), *reversed(left)], colour)


def branches(
    c: Canvas,
    start: Point,
    angle: float,
    length: float,
    width: float,
    colour: Array,
    rng: np.random.Generator,
    droop: float = 0.0,
) -> None:
    """Grow a bare tree or a coral, branch by branch."""
    end = (start[0] + length * math.cos(angle), start[1] - length * math.sin(angle))
    c.stroke([start, end], width, colour)
    if length > 0.022:
        for turn in (rng.uniform(0.25, 0.7), -rng.uniform(0.25, 0.7)):
            branches(c, end, angle + turn - droop, length * rng.uniform(0.62, 0.82), width * 0.68, colour, rng, droop)


def person(
    c: Canvas,
    x: float,
    foot: float,
    height: float,
    colour: Array,
    *,
    stride: float = 0.1,
    arms: tuple[float, float] = (-1.25, -1.25),
    shirt: Array | None = None,
) -> None:
    """Draw a small figure; arms are the angles of the left and the right one: -1.5 hangs down, 1.5 is up."""
    cloth = colour if shirt is None else shirt
    hip, neck = foot - height * 0.47, foot - height * 0.83
    for side, angle in zip((-1, 1), arms, strict=True):
        knee = (x + side * stride * height * 0.75, foot - height * 0.24)
        c.stroke([(x + side * height * 0.035, hip), knee, (x + side * stride * height, foot)], height * 0.085, colour)
        shoulder = (x + side * height * 0.1, neck + height * 0.05)
        elbow = (
            shoulder[0] + side * height * 0.17 * math.cos(angle - 0.15),
            shoulder[1] - height * 0.17 * math.sin(angle - 0.15),
        )
        hand = (
            elbow[0] + side * height * 0.16 * math.cos(angle + 0.25),
            elbow[1] - height * 0.16 * math.sin(angle + 0.25),
        )
        c.stroke([shoulder, elbow, hand], height * 0.06, cloth)
    wide = height * 0.125
    c.polygon(
        [
            (x - wide * 0.5, neck - height * 0.02),
            (x + wide * 0.5, neck - height * 0.02),
            (x + wide, neck + height * 0.05),
            (x + wide * 0.7, hip + 0.06 * height),
            (x - wide * 0.7, hip + 0.06 * height),
            (x - wide, neck + height * 0.05),
        ],
        cloth,
    )
    c.disc(x, foot - height * 0.925, height * 0.068, colour, ry=height * 0.078)


def smoke(
    c: Canvas, look: Look, x: float, y: float, width: float, length: float, colour: Array, wind: float = 0.35
) -> None:
    """Let smoke or steam rise and thin out."""
    for puff in range(16):
        rise = (puff / 16 + look.t * 0.12) % 1
        sway = 0.02 * math.sin(7 * rise + puff)
        c.disc(
            x + wind * length * rise + sway,
            y - length * rise,
            width * (0.8 + 4 * rise),
            colour,
            alpha=0.34 * (1 - rise),
            soft=1.0,
        )
