"""The worlds of the catalogue, drawn from noise and light.

A view is a few words such as "sea dusk lighthouse": the world, the hour, and what there is to see. The seed
varies the composition, and the time moves waves, clouds, trains and fish.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from canvas import Array, Canvas, Point, age, fbm, finish, mix, noise, quantise, rgb, ridged, step
from numpy.typing import NDArray

SIZE = (320, 180)
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


# What several worlds share: sky, water, weather, trees, people.


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


# The sea


def sea(c: Canvas, look: Look) -> None:
    """Paint open water, with a lighthouse, sails, a ship, cliffs, rocks or a pier."""
    rng, hour = look.rng(), look.hour
    horizon, side = rng.uniform(0.48, 0.6), rng.choice((-1, 1))
    sun_x = MIDDLE - side * rng.uniform(0.1, 0.55)
    sky(c, hour, horizon)
    if look.dark:
        stars(c, look, 110, horizon)
    clouds(c, look, horizon, 0.75 if look.has("grey") else rng.uniform(0.35, 0.6))
    lit = not look.has("grey")
    if lit:
        sun(c, hour, sun_x, horizon - rng.uniform(0.1, 0.3) * (1.6 if look.has("day") or look.dark else 0.8), 0.04)
    if look.has("cliffs"):
        cliffs(c, look, side, horizon)
    water(c, look, horizon, rgb("#0c4a66"), sun_x if lit else None, 1.6 if look.has("waves") else 1.0)
    c.fill(np.exp(-(((c.y - horizon) / 0.02) ** 2)) * 0.4, mix(hour.middle, hour.low, 0.5))
    if look.has("lighthouse"):
        lighthouse(c, look, MIDDLE + side * rng.uniform(0.3, 0.5), horizon, side)
    if look.has("sail"):
        for _ in range(3):
            sailboat(c, look, rng.uniform(0.3, 1.4), horizon + rng.uniform(0.03, 0.14), rng.uniform(0.12, 0.3))
    if look.has("ship"):
        trawler(c, look, MIDDLE + side * 0.1 + 0.03 * look.t, horizon + 0.07, 0.3)
    if look.has("pier"):
        pier(c, look, horizon)
    if look.has("waves"):
        breakers(c, look, horizon)


def cliffs(c: Canvas, look: Look, side: int, horizon: float) -> None:
    """Raise chalk cliffs that step back along one side."""
    for layer in range(3):
        reach = (c.x - MIDDLE) * side
        edge = 0.55 - 0.3 * layer + 0.05 * fbm(c.y * 7, 0.5, look.seed + layer, 4)
        top = horizon - (0.16 + 0.12 * layer) * step(0, 0.25, reach - edge + 0.25) * (
            0.8 + 0.4 * fbm(c.x * 4, 1.0, look.seed + 5 + layer, 4)
        )
        seams = fbm(c.x * 22, c.y * 9, look.seed + 60 + layer, 5)
        rock = look.hour.lit(rgb("#c9bfa8"), 0.6 - 0.25 * layer) * (0.55 + 0.75 * seams)[..., None]
        grass = look.hour.lit(rgb("#5f7d3c"), 0.4 - 0.15 * layer)
        rock = mix(rock, grass, step(0.03, 0.0, c.y - top - 0.02 * seams))
        c.fill(np.clip((c.y - top) / c.pixel, 0, 1) * (reach > edge - 0.3) * (c.y < horizon + 0.002), rock)


def lighthouse(c: Canvas, look: Look, x: float, horizon: float, side: int) -> None:
    """Build a banded lighthouse on a headland, its beam turning at dusk."""
    hour, foot, tall = look.hour, horizon - 0.07, look.rng(3).uniform(0.34, 0.44)
    lamp = (x, foot - tall - 0.025)
    away = (c.x - x) * side
    crest = (
        horizon
        + 0.06
        - 0.16 * np.exp(-((away / 0.2) ** 2))
        - 0.22 * step(0.0, 0.6, away)
        + 0.05 * fbm(c.x * 12, 0.0, look.seed, 5)
    )
    rock = hour.lit(mix(rgb("#4a4038"), rgb("#8f8474"), fbm(c.x * 16, c.y * 22, look.seed + 3, 5)))
    grass = hour.lit(rgb("#66823f"))
    shore = step(0.13, 0.1, c.y - horizon + 0.03 * noise(c.x * 14, look.t * 0.5, look.seed))
    c.fill(
        np.clip((c.y - crest) / c.pixel, 0, 1) * shore,
        mix(rock, grass, step(0.05, 0.01, c.y - crest - 0.03 * noise(c.x * 30, c.y * 30, 4))),
    )
    if hour.brightness < 0.95:
        turn = 0.25 * math.sin(look.t * 1.3 + look.seed)
        for way in (-1, 1):
            beam = [lamp, (x + way * 1.4, lamp[1] + turn * way - 0.1), (x + way * 1.4, lamp[1] + turn * way + 0.14)]
            soft, where = c.mask(beam, 0.012)
            c.add(soft * np.exp(-np.abs(c.x[where] - x) * 1.4) * 0.55, rgb("#fff3c4"), where)
    wide = tall * 0.13
    shade = (0.55 + 0.6 * step(-1.0, 0.6, (x - c.x) / wide * side))[..., None]
    for band in range(5):
        y0, y1 = foot - tall * (band + 1) / 5, foot - tall * band / 5
        w0, w1 = wide * (1 - 0.09 * (band + 1)), wide * (1 - 0.09 * band)
        paint = hour.lit(rgb("#f4efe6") if band % 2 else rgb("#c8362c"), 0.05) * shade
        c.polygon([(x - w0, y0), (x + w0, y0), (x + w1, y1), (x - w1, y1)], paint)
    top = foot - tall
    c.box(x - wide * 0.75, top - 0.008, x + wide * 0.75, top + 0.006, hour.lit(rgb("#2a2a2e")))
    c.box(
        x - wide * 0.36, top - 0.045, x + wide * 0.36, top - 0.008, mix(hour.lit(rgb("#98a8b0")), rgb("#fff2b8"), 0.7)
    )
    c.polygon([(x - wide * 0.5, top - 0.045), (x, top - 0.08), (x + wide * 0.5, top - 0.045)], hour.lit(rgb("#8e2520")))
    if hour.brightness < 0.95:
        c.glow(*lamp, 0.05, rgb("#fff0b0"), 0.9)


def sailboat(c: Canvas, look: Look, x: float, y: float, size: float) -> None:
    """Set a small yacht on the water, rocking."""
    hour, lean = look.hour, 0.05 * math.sin(1.6 * look.t + 20 * x)
    x += 0.02 * look.t * size * 3
    cloth = hour.lit(mix(WHITE, rgb(("#ffffff", "#d9533b", "#f2c14e")[int(x * 10) % 3]), 0.85), 0.1)
    tip = (x + lean * size * 2, y - size)
    c.polygon([(x + 0.01 * size, y - size * 0.1), tip, (x + size * 0.42, y - size * 0.12)], cloth)
    c.polygon([(x - 0.03 * size, y - size * 0.1), tip, (x - size * 0.32, y - size * 0.12)], cloth * 0.8)
    c.polygon(
        [
            (x - size * 0.4, y - size * 0.07),
            (x + size * 0.45, y - size * 0.07),
            (x + size * 0.3, y + size * 0.03),
            (x - size * 0.3, y + size * 0.03),
        ],
        hour.lit(rgb("#3a2a22")),
    )
    c.disc(x, y + size * 0.1, size * 0.38, cloth * 0.7, ry=size * 0.05, alpha=0.35, soft=0.9)


def trawler(c: Canvas, look: Look, x: float, y: float, size: float) -> None:
    """Send a fishing boat out, masts and all."""
    hour, y = look.hour, y + 0.006 * math.sin(2 * look.t)
    hull, cabin = hour.lit(rgb("#a53a2b")), hour.lit(rgb("#f1ede2"), 0.05)
    c.box(x - size * 0.25, y - size * 0.42, x + size * 0.06, y - size * 0.14, cabin)
    c.box(x - size * 0.28, y - size * 0.45, x + size * 0.1, y - size * 0.41, hour.lit(rgb("#2b3d4f")))
    for i in range(3):
        c.box(
            x + size * (-0.21 + 0.09 * i),
            y - size * 0.37,
            x + size * (-0.15 + 0.09 * i),
            y - size * 0.28,
            mix(hour.lit(rgb("#20303a")), rgb("#ffe39a"), 0.8 if hour.brightness < 0.8 else 0.0),
        )
    for mast, tall in ((-0.33, 0.7), (0.25, 0.62)):
        c.stroke(
            [(x + size * mast, y - size * 0.1), (x + size * mast, y - size * tall)], 0.008, hour.lit(rgb("#3c3028"))
        )
        c.stroke(
            [(x + size * mast, y - size * tall), (x + size * 0.55, y - size * 0.16)],
            0.003,
            hour.lit(rgb("#3c3028")),
            0.8,
        )
    c.polygon(
        [
            (x - size * 0.5, y - size * 0.16),
            (x + size * 0.62, y - size * 0.24),
            (x + size * 0.44, y + size * 0.06),
            (x - size * 0.42, y + size * 0.06),
        ],
        hull,
    )
    c.polygon(
        [
            (x - size * 0.5, y - size * 0.16),
            (x + size * 0.62, y - size * 0.24),
            (x + size * 0.6, y - size * 0.2),
            (x - size * 0.49, y - size * 0.12),
        ],
        cabin,
    )
    c.disc(x, y + size * 0.08, size * 0.6, mix(hour.low, WHITE, 0.5), ry=size * 0.05, alpha=0.6, soft=0.9)


def pier(c: Canvas, look: Look, horizon: float) -> None:
    """Run a wooden pier out towards the horizon."""
    hour = look.hour
    tip, wood = (MIDDLE + 0.1, horizon + 0.05), hour.lit(rgb("#6b4f38"))
    depth = np.clip((c.y - tip[1]) / (1 - tip[1]), 0.001, 1)
    planks = 0.65 + 0.4 * noise(1.4 / depth * 9, 0.5, look.seed)
    c.polygon(
        [(tip[0] - 0.02, tip[1]), (tip[0] + 0.02, tip[1]), (MIDDLE + 0.55, 1.02), (MIDDLE - 0.4, 1.02)],
        wood * planks[..., None],
    )
    for i in range(7):
        near = (i / 6) ** 2
        for edge in (-0.4 + 0.1 * (1 - near), 0.55 + 0.1 * (1 - near)):
            x = tip[0] + (edge - 0.1) * near + 0.02 * math.copysign(1, edge)
            y = tip[1] + (1 - tip[1]) * near
            c.box(
                x - 0.004 - 0.012 * near,
                y - 0.03 - 0.2 * near,
                x + 0.004 + 0.012 * near,
                y + 0.02 + 0.1 * near,
                wood * 0.55,
            )


def breakers(c: Canvas, look: Look, horizon: float) -> None:
    """Roll lines of surf towards the beholder."""
    for row in range(5):
        phase = (row / 5 + look.t * 0.06) % 1
        level = horizon + 0.05 + (1 - horizon) * phase**1.7
        crest = level - 0.09 * phase * fbm(c.x * 2.2 / (0.4 + phase), row * 3.1 + look.t * 0.15, look.seed + row, 4)
        below = (c.y - crest) / (0.03 + 0.13 * phase)
        foam = fbm(c.x * 13, c.y * 24 - look.t * 0.8, look.seed + 9 + row, 5)
        inside = (below > 0) * np.clip(1 - below, 0, 1)
        c.fill(inside * 0.75, look.hour.lit(mix(rgb("#0d5563"), rgb("#4fb2ae"), np.clip(1 - below, 0, 1))))
        c.fill(
            step(0.42, 0.62, foam + 0.45 * inside - 0.2) * inside * (0.4 + 0.6 * phase), mix(look.hour.low, WHITE, 0.7)
        )


# Snowy mountains


def mountains(c: Canvas, look: Look) -> None:
    """Paint high peaks under snow, with firs, a hut, a lake, climbers or a blizzard."""
    rng, hour = look.rng(), look.hour
    sky(c, hour, 0.7)
    if look.dark:
        stars(c, look, 130, 0.6)
    clouds(c, look, 0.75, 0.45 if look.has("snowfall") else 0.2)
    side = rng.choice((-1, 1))
    if not look.has("snowfall"):
        sun(c, hour, MIDDLE - side * 0.6, 0.14, 0.03)
    peak(c, look, 0, 0.52, 0.42, 1.5, 0.55, side)
    mist(c, look, 0.55, 0.08, 0.7, mix(hour.middle, hour.low, 0.7))
    peak(c, look, 1, 0.62, 0.62, 0.9, 0.18, side)
    if look.has("lake"):
        mist(c, look, 0.68, 0.05, 0.8, mix(hour.middle, hour.low, 0.8))
        water(c, look, 0.7, rgb("#2b5d6e"), None, 0.35)
    else:
        snowfield(c, look, side)
    if look.has("firs") or look.has("hut") or look.has("lake"):
        count = 34 if look.has("firs") else 16
        for x in np.sort(rng.uniform(-0.1, 1.9, count)):
            size = rng.uniform(0.1, 0.2) + 0.16 * abs(x - MIDDLE) * (1.3 if look.has("firs") else 0.8)
            foot = 0.8 + 0.18 * abs(x - MIDDLE) + rng.uniform(-0.02, 0.06)
            pine(c, x, foot, size, hour.lit(rgb("#1d3330"), 0.12), rng)
            c.polygon(
                [(x, foot - size), (x + side * -0.08 * size, foot - size * 0.55), (x + 0.01, foot - size * 0.6)],
                hour.lit(rgb("#e8f0f6")),
                0.7,
            )
    if look.has("hut"):
        hut(c, look, MIDDLE + side * 0.22, 0.84)
    if look.has("climbers"):
        for i in range(4):
            x = MIDDLE - 0.35 + 0.2 * i + 0.012 * look.t
            person(
                c,
                x,
                0.83 - 0.035 * i,
                0.13,
                hour.lit(rgb("#22262e")),
                shirt=hour.lit(rgb(("#d6442c", "#e8a52a", "#2b7fb8", "#c23a6e")[i])),
                stride=0.16,
            )
    if look.has("snowfall"):
        c.fill(np.full_like(c.y, 0.22), mix(hour.low, WHITE, 0.3))
        falling(c, look, 260, WHITE, slant=0.25, speed=0.22, length=0)


def peak(c: Canvas, look: Look, layer: int, base: float, tall: float, spread: float, haze: float, side: int) -> None:
    """Raise one range, with light modelled from its own relief: snow where it is gentle, rock where it is steep."""
    seed = look.seed + 17 * layer
    centre = MIDDLE + side * (0.25 if layer else -0.3)
    envelope = np.exp(-np.abs((c.x - centre) / spread) * 1.9)
    crest = (
        base
        - tall * (0.22 + 0.8 * envelope) * (0.35 + 0.85 * ridged(c.x * (2.4 - 0.5 * layer), 0.3, seed, 6) ** 2)
        + 0.06
    )
    drop = c.y - crest
    relief = ridged(c.x * 3.4 + drop * 1.1 * side, drop * 2.3 + 5, seed + 3, 6)
    slope = (np.roll(relief, -2, 1) - np.roll(relief, 2, 1)) * c.scale / 4 * side
    light = np.clip(0.55 + 0.09 * slope, 0, 1)
    hour = look.hour
    snow = mix(hour.lit(mix(rgb("#7f9cc8"), hour.top, 0.2)), hour.lit(mix(WHITE, hour.sun, 0.4)) * 1.05, light)
    rock = mix(hour.lit(rgb("#2c3340")), hour.lit(rgb("#756c66")), light)
    bare = step(0.3, 0.55, np.abs(slope) * 0.05 + drop * 0.9 + 0.5 * (fbm(c.x * 14, c.y * 14, seed + 8, 4) - 0.5))
    terrain(c, crest, mix(mix(snow, rock, bare * 0.85), mix(hour.middle, hour.low, 0.5), haze))


def snowfield(c: Canvas, look: Look, side: int) -> None:
    """Spread soft drifts in front of the peaks."""
    hour = look.hour
    for layer in range(2):
        crest = (
            0.74
            + 0.1 * layer
            + 0.1 * fbm(c.x * 1.5, layer + 0.5, look.seed + 50 + layer, 3)
            - 0.06 * (c.x - MIDDLE) * side
        )
        ripple = fbm(c.x * 5, (c.y - crest) * 20, look.seed + 70 + layer, 4)
        drift = np.clip(0.25 + 0.9 * ripple - (c.y - crest) * 0.4, 0, 1)
        terrain(c, crest, mix(hour.lit(rgb("#8ea9d0")), hour.lit(mix(WHITE, hour.sun, 0.3)) * 1.04, drift))


def hut(c: Canvas, look: Look, x: float, foot: float) -> None:
    """Put a timber hut with a lit window and a smoking chimney into the snow."""
    hour, w, h = look.hour, 0.16, 0.11
    smoke(c, look, x + 0.09, foot - h - 0.14, 0.02, 0.35, mix(hour.low, WHITE, 0.3))
    c.box(x + 0.075, foot - h - 0.14, x + 0.105, foot - h - 0.03, hour.lit(rgb("#54473f")))
    boards = 0.75 + 0.35 * noise(c.x * 4, c.y * 70, look.seed)
    c.box(x - w, foot - h, x + w, foot, hour.lit(rgb("#6d4a33")) * boards[..., None])
    for side in (-0.09, 0.08):
        c.box(x + side - 0.03, foot - h * 0.72, x + side + 0.03, foot - h * 0.3, rgb("#ffce73"))
        c.glow(x + side, foot - h * 0.5, 0.06, rgb("#ffb84d"), 0.55)
    c.polygon(
        [
            (x - w - 0.05, foot - h + 0.015),
            (x - w * 0.5, foot - h - 0.1),
            (x + w * 0.5, foot - h - 0.1),
            (x + w + 0.05, foot - h + 0.015),
        ],
        hour.lit(rgb("#eef4fa")),
    )


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


# Desert dunes


def desert(c: Canvas, look: Look) -> None:
    """Paint dunes with lit and shaded flanks, with camels, a walker, palms or tents."""
    rng, hour = look.rng(), look.hour
    side = rng.choice((-1, 1))
    sky(c, hour, 0.55)
    if look.dark:
        stars(c, look, 160, 0.5)
    else:
        clouds(c, look, 0.5, 0.1)
    sun(c, hour, MIDDLE + side * rng.uniform(0.2, 0.6), rng.uniform(0.14, 0.3), 0.05)
    for layer in range(5):
        dune(c, look, layer, side)
        if layer == 3 and look.has("camels"):
            for i in range(5):
                camel(c, look, MIDDLE - 0.5 + 0.22 * i - 0.012 * look.t, 0.7 + 0.012 * math.sin(i * 2), 0.13)
        if layer == 3 and look.has("palms"):
            for i in range(5):
                palm(c, look, MIDDLE - side * (0.15 + 0.13 * i), 0.74 + 0.02 * (i % 2), rng.uniform(0.24, 0.36), rng)
        if layer == 3 and look.has("tents"):
            for i in range(3):
                tent(c, look, MIDDLE - side * (0.1 + 0.27 * i), 0.75, 0.15 - 0.02 * i)
        if layer == 3 and look.has("walker"):
            person(
                c,
                MIDDLE - side * 0.2 + 0.015 * look.t,
                0.72,
                0.13,
                hour.lit(rgb("#2a1c18")),
                stride=0.15,
                shirt=hour.lit(rgb("#e8dfd0")),
            )


def dune(c: Canvas, look: Look, layer: int, side: int) -> None:
    """Shape one dune: a sharp crest, a bright flank, a dark flank, wind ripples."""
    hour, near = look.hour, layer / 4
    rng = look.rng(30 + layer)
    along = (
        c.x * rng.uniform(0.7, 1.0) / (0.45 + 0.55 * near)
        + rng.uniform(0, 9)
        + 0.9 * noise(c.x * 1.3, 0.5, look.seed + layer)
    )
    wave, tall = along % 1.0, 0.35 + 0.65 * lottery(np.floor(along), np.full_like(along, layer), look.seed)
    lean = 0.66
    profile = np.where(wave < lean, wave / lean, (1 - wave) / (1 - lean))
    profile = np.sin(profile * np.pi / 2) ** 1.4
    base = 0.56 + 0.13 * layer + (0.06 if layer == 4 else 0)
    crest = base - (0.08 + 0.17 * near) * profile * tall + 0.03 * fbm(c.x * 2, layer, look.seed, 3)
    drop = c.y - crest
    edge = ((wave - lean) * (0.8 + near) - drop * 0.9 + 0.35 * drop * np.sin(drop * 16 + layer)) * side
    flank = step(-0.02, 0.02, edge) if side > 0 else step(0.02, -0.02, -edge)
    ripple = np.sin((c.y * 150 + c.x * 26 + 9 * fbm(c.x * 3, c.y * 5, look.seed + layer, 4)) / (0.6 + near))
    sand = mix(rgb("#e5a45a"), rgb("#c97b3a"), fbm(c.x * 3, c.y * 6, look.seed + 20 + layer, 4))
    bright = hour.lit(sand, 0.45 * (1 - near)) * (1.08 + 0.06 * near * ripple)[..., None]
    dark = hour.lit(mix(sand, rgb("#5b2d2b"), 0.62), 0.4 * (1 - near)) * (0.95 + 0.03 * near * ripple)[..., None]
    terrain(c, crest, mix(bright, dark, flank * np.clip(1.1 - drop * 1.8, 0.25, 1)))


def camel(c: Canvas, look: Look, x: float, foot: float, size: float) -> None:
    """Draw a camel on its way, with a load on its back."""
    colour = look.hour.lit(rgb("#3a241a"))
    gait = 0.08 * math.sin(4 * look.t + 30 * x)
    for leg, swing in ((-0.34, gait), (-0.24, -gait), (0.2, -gait), (0.3, gait)):
        c.stroke([(x + leg * size, foot - size * 0.5), (x + (leg + swing) * size, foot)], size * 0.07, colour)
    c.disc(x, foot - size * 0.6, size * 0.44, colour, ry=size * 0.2)
    c.disc(x, foot - size * 0.8, size * 0.18, look.hour.lit(rgb("#a3372c")), ry=size * 0.16)
    c.stroke(
        [
            (x - size * 0.36, foot - size * 0.6),
            (x - size * 0.56, foot - size * 0.58),
            (x - size * 0.66, foot - size * 0.98),
        ],
        size * 0.11,
        colour,
    )
    c.disc(x - size * 0.74, foot - size * 1.0, size * 0.13, colour, ry=size * 0.075)


def palm(c: Canvas, look: Look, x: float, foot: float, height: float, rng: np.random.Generator) -> None:
    """Grow a date palm."""
    bend = rng.uniform(-0.08, 0.08)
    top = (x + bend, foot - height)
    trunk, leaf = look.hour.lit(rgb("#5a3c28")), look.hour.lit(rgb("#3f5a2c"))
    c.stroke([(x, foot), (x + bend * 0.35, foot - height * 0.5), top], height * 0.05, trunk)
    for k in range(11):
        angle = math.pi * (k / 10 * 1.3 - 0.15) + 0.04 * math.sin(2 * look.t + k)
        reach = height * rng.uniform(0.32, 0.42)
        tip = (top[0] + reach * math.cos(angle), top[1] - reach * 0.6 * math.sin(angle) + reach * 0.35)
        mid = (top[0] + reach * 0.55 * math.cos(angle), top[1] - reach * 0.6 * math.sin(angle) - reach * 0.08)
        c.polygon(
            [top, (mid[0], mid[1] - height * 0.03), tip, (mid[0], mid[1] + height * 0.03)],
            leaf * rng.uniform(0.75, 1.25),
        )


def tent(c: Canvas, look: Look, x: float, foot: float, size: float) -> None:
    """Pitch a nomad tent with a lamp inside."""
    cloth = look.hour.lit(rgb("#e9dcc2"))
    c.polygon(
        [
            (x - size, foot),
            (x - size * 0.55, foot - size * 0.55),
            (x, foot - size * 0.9),
            (x + size * 0.55, foot - size * 0.55),
            (x + size, foot),
        ],
        cloth,
    )
    c.polygon(
        [(x, foot - size * 0.9), (x + size * 0.55, foot - size * 0.55), (x + size, foot), (x + size * 0.2, foot)],
        cloth * 0.72,
    )
    c.polygon(
        [(x - size * 0.15, foot), (x, foot - size * 0.6), (x + size * 0.15, foot)],
        mix(cloth * 0.3, rgb("#ffb54a"), 0.8 if look.hour.brightness < 0.7 else 0.1),
    )
    if look.hour.brightness < 0.7:
        c.glow(x, foot - size * 0.2, size * 0.7, rgb("#ff9d3c"), 0.5)


# Deep forest


FOLIAGE = {
    "spring": ("#c9dba0", "#7da653", "#35592b", "#16240f"),
    "autumn": ("#f2d09a", "#cf7f2e", "#8a3d1c", "#2a150c"),
    "mist": ("#cdd8d2", "#8aa39a", "#41584f", "#131d1a"),
    "moon": ("#5b7fa8", "#2a4a70", "#12263f", "#050b16"),
}


def forest(c: Canvas, look: Look) -> None:
    """Paint trunks that recede into light, with a path, a stream, a deer, mushrooms or a cabin."""
    rng = look.rng()
    season = next((s for s in FOLIAGE if look.has(s)), "spring")
    far, leaf, mid, near = (rgb(code) for code in FOLIAGE[season])
    opening = MIDDLE + rng.uniform(-0.3, 0.3)
    bright = np.exp(-(((c.x - opening) / 0.6) ** 2) - ((c.y - 0.42) / 0.5) ** 2)
    c.rgb[:] = mix(leaf, far, bright)
    for layer in range(6):
        depth = layer / 5
        tone = mix(mix(far, mid, 0.45), near, depth)
        canopy(c, look, layer, mix(leaf, mid, 0.15 + 0.6 * depth), far)
        for x in rng.uniform(-0.2, 2.0, 13 - 2 * layer):
            if layer < 3 or abs(x - opening) > 0.12 + 0.14 * depth:
                trunk(c, look, x, 0.012 + 0.055 * depth**1.6, 0.62 + 0.3 * depth, tone, rng)
        forest_floor(c, look, layer, mix(mix(leaf, far, 0.35), mid * 0.7, depth))
        if layer < 5:
            c.fill(np.clip(bright * (0.42 - 0.08 * layer), 0, 1), far)
        if layer == 3:
            forest_subject(c, look, opening, season)
    shafts(c, look, opening, far)


def canopy(c: Canvas, look: Look, layer: int, colour: Array, light: Array) -> None:
    """Hang leaves from above, in clumps with light between them."""
    depth = layer / 5
    leaves = fbm(
        c.x * (7 - 2 * depth), c.y * (8 - 2 * depth) + 0.03 * math.sin(look.t * 1.2 + layer), look.seed + 90 + layer, 6
    )
    hang = step(0.5, 0.56, leaves + 0.55 - c.y * (1.55 + 0.5 * depth))
    sparkle = step(0.5, 0.75, noise(c.x * 60, c.y * 60, look.seed + layer))
    c.fill(hang * 0.9, mix(colour * (0.5 + 0.8 * leaves)[..., None], light, sparkle * 0.35 * (1 - depth)))


def trunk(c: Canvas, look: Look, x: float, width: float, foot: float, colour: Array, rng: np.random.Generator) -> None:
    """Stand one trunk up, its bark lit from one side."""
    lean, twist = rng.uniform(-0.04, 0.04), rng.uniform(-0.02, 0.02)
    left = [
        (x - width * 1.7, foot + 0.02),
        (x - width * 0.9, foot - 0.07),
        (x - width * 0.75 + twist, 0.3),
        (x - width * 0.6 + lean, -0.05),
    ]
    right = [
        (x + width * 0.6 + lean, -0.05),
        (x + width * 0.75 + twist, 0.3),
        (x + width * 0.9, foot - 0.07),
        (x + width * 1.7, foot + 0.02),
    ]
    inside, where = c.mask(left + right)
    bark = (
        0.7
        + 0.5 * fbm(c.x[where] * 60, c.y[where] * 6, look.seed + int(x * 97) % 50, 3)
        + 0.25 * np.clip((c.x[where] - x) / width, -1, 1)
    )
    c.fill(inside, colour * bark[..., None], where)


def forest_floor(c: Canvas, look: Look, layer: int, colour: Array) -> None:
    """Lay moss and ferns in front of the trunks of a layer."""
    depth = layer / 5
    crest = (
        0.6
        + 0.075 * layer
        + 0.05 * fbm(c.x * (3 + layer), layer, look.seed + 5, 3)
        - 0.03 * ridged(c.x * 16, layer, look.seed + 6, 3) * (0.4 + depth)
    )
    speckle = fbm(c.x * 26, (c.y - crest) * 40, look.seed + 120 + layer, 4)
    terrain(c, crest, colour * (0.45 + 1.0 * speckle)[..., None])


def shafts(c: Canvas, look: Look, opening: float, colour: Array) -> None:
    """Send rays of light down through the trees."""
    angle = np.arctan2(c.x - opening + 0.25, c.y + 0.35)
    rays = step(0.45, 0.85, fbm(angle * 9 + look.t * 0.05, 0.5, look.seed + 2, 3))
    c.add(rays * np.exp(-np.abs(c.x - opening) * 1.3) * np.clip(1.1 - c.y, 0, 1) * 0.45, colour)


def forest_subject(c: Canvas, look: Look, x: float, season: str) -> None:
    """Add what the forest view is about."""
    far, _, mid, near = (rgb(code) for code in FOLIAGE[season])
    if look.has("path") or look.has("stream"):
        wet = look.has("stream")
        bend = x + 0.12 * np.sin((c.y - 0.6) * 9) * (c.y - 0.55)
        wide = 0.02 + 0.55 * np.clip(c.y - 0.62, 0, 1)
        track = step(1.0, 0.75, np.abs(c.x - bend) / wide + 0.25 * noise(c.x * 30, c.y * 30, 3)) * (c.y > 0.62)
        rills = fbm(c.x * 7, c.y * 26 - look.t * 2.2, look.seed + 8, 4)
        c.fill(
            track * 0.9,
            mix(mid * 0.8, mix(far, WHITE, 0.3), np.clip(rills * 2.2 - 0.6, 0, 1) if wet else 0.55 + 0.45 * rills),
        )
    if look.has("deer"):
        deer(c, x + 0.03, 0.84, 0.3, near)
    if look.has("mushrooms"):
        for k, (dx, size) in enumerate(((-0.28, 0.08), (-0.1, 0.13), (0.1, 0.09), (0.3, 0.12))):
            toadstool(c, x + dx, 0.9 + 0.02 * (k % 2), size)
    if look.has("cabin"):
        c.box(x - 0.16, 0.6, x + 0.16, 0.78, near * 1.6 + 0.03)
        c.polygon([(x - 0.22, 0.61), (x, 0.44), (x + 0.22, 0.61)], near)
        for dx in (-0.08, 0.08):
            c.box(x + dx - 0.035, 0.64, x + dx + 0.035, 0.71, rgb("#ffc868"))
            c.glow(x + dx, 0.675, 0.09, rgb("#ffae42"), 0.6)


def deer(c: Canvas, x: float, foot: float, size: float, colour: Array) -> None:
    """Let a stag stand in the clearing."""
    outline = (
        (-0.36, 0.6), (-0.28, 0.66), (-0.05, 0.63), (0.12, 0.68), (0.24, 0.9), (0.3, 1.0), (0.36, 0.99), (0.5, 0.88), (0.49, 0.84), (0.38, 0.85),
        (0.33, 0.72), (0.27, 0.5), (0.25, 0.26), (0.26, 0.0), (0.22, 0.0), (0.2, 0.26), (0.18, 0.42), (0.14, 0.24), (0.13, 0.0), (0.09, 0.0),
        (0.09, 0.26), (0.1, 0.44), (-0.12, 0.42), (-0.2, 0.38), (-0.19, 0.24), (-0.23, 0.0), (-0.27, 0.0), (-0.24, 0.25), (-0.28, 0.36), (-0.3, 0.22),
        (-0.34, 0.0), (-0.38, 0.0), (-0.36, 0.24), (-0.37, 0.42), (-0.4, 0.52),
    )  # fmt: skip
    c.polygon([(x + dx * size, foot - dy * size) for dx, dy in outline], colour)
    c.polygon([(x + dx * size, foot - dy * size) for dx, dy in ((0.28, 0.97), (0.2, 1.05), (0.31, 1.01))], colour)
    for way in (-1, 1):
        stem = [
            (x + size * 0.33, foot - size * 0.96),
            (x + size * (0.33 + way * 0.12), foot - size * 1.12),
            (x + size * (0.33 + way * 0.12), foot - size * 1.32),
        ]
        c.stroke(stem, size * 0.028, colour)
        c.stroke([stem[1], (stem[1][0] + way * size * 0.12, stem[1][1] - size * 0.1)], size * 0.024, colour)


def toadstool(c: Canvas, x: float, foot: float, size: float) -> None:
    """Grow a red toadstool with white spots."""
    c.polygon(
        [
            (x - size * 0.14, foot - size * 0.8),
            (x + size * 0.14, foot - size * 0.8),
            (x + size * 0.2, foot),
            (x - size * 0.2, foot),
        ],
        rgb("#e8dfcb"),
    )
    top = foot - size * 0.75
    cap = [
        (x + size * 0.75 * math.cos(a), top - size * 0.62 * max(math.sin(a), -0.12))
        for a in np.linspace(-0.2, math.pi + 0.2, 24)
    ]
    c.polygon(cap, mix(rgb("#8a1610"), rgb("#e04a2c"), step(0.0, 1.0, (c.x - x) / size + (top - c.y) / size)))
    for dx, dy in ((-0.4, 0.2), (-0.08, 0.42), (0.3, 0.3), (0.05, 0.12), (0.5, 0.08), (-0.25, 0.05)):
        c.disc(x + dx * size, top - dy * size, size * 0.075, rgb("#fff4e0"), ry=size * 0.055)


# Space


def space(c: Canvas, look: Look) -> None:
    """Paint nebulae and planets, with rings, a moon surface, a station or a comet."""
    rng = look.rng()
    tint_a, tint_b = (rgb(code) for code in NEBULAE[int(rng.integers(len(NEBULAE)))])
    c.rgb[:] = rgb("#05060f")
    warp = fbm(c.x * 1.4, c.y * 1.4, look.seed, 4)
    cloud = fbm(c.x * 1.8 + warp * 1.6 + look.t * 0.01, c.y * 1.8 + warp, look.seed + 3, 6)
    c.add(step(0.4, 0.85, cloud) * 0.75, tint_a)
    c.add(step(0.45, 0.85, fbm(c.x * 1.5 - warp, c.y * 2 + 4, look.seed + 6, 6)) * 0.6, tint_b)
    c.rgb *= (0.45 + 0.55 * step(0.25, 0.55, fbm(c.x * 4, c.y * 4, look.seed + 12, 5)))[..., None]
    stars(c, look, 240)
    side = rng.choice((-1, 1))
    if look.has("comet"):
        comet(c, MIDDLE + 0.15 * side - 0.05 * look.t, 0.34 + 0.02 * look.t, side)
    if look.has("moon"):
        planet(c, look, MIDDLE + side * 0.25, 0.36, 0.17, "earth", side)
        moonscape(c, look, side)
    else:
        kind = next((k for k in PLANETS if look.has(k)), "gas")
        big = look.has("close")
        x, y, r = (
            (MIDDLE - side * 0.45, 1.12, 0.85)
            if big
            else (MIDDLE + side * rng.uniform(0.05, 0.3), rng.uniform(0.42, 0.56), rng.uniform(0.27, 0.34))
        )
        if look.has("rings"):
            rings(c, look, x, y, r, back=True)
        planet(c, look, x, y, r, kind, side)
        if look.has("rings"):
            rings(c, look, x, y, r, back=False)
        planet(c, look, x - side * 0.55, y - 0.22 if not big else 0.22, 0.055, "rock", side)
    if look.has("station"):
        station(c, MIDDLE - side * 0.3 + 0.02 * look.t, 0.34, 0.24)


NEBULAE = (("#7a2f8f", "#1f5fae"), ("#b0413a", "#3a2f8a"), ("#1c7f86", "#4b2a86"), ("#b5702a", "#6b1f5a"))
PLANETS = {
    "gas": ("#e8c79a", "#b0703f", "#f6ead2"),
    "ice": ("#cfe8f2", "#5d93bb", "#ffffff"),
    "red": ("#c9623a", "#6d2a1c", "#e9a878"),
    "earth": ("#2c6fb5", "#3f7d46", "#ffffff"),
    "rock": ("#9a948c", "#55504b", "#c9c4ba"),
}


def planet(c: Canvas, look: Look, x: float, y: float, r: float, kind: str, side: int) -> None:
    """Shade a sphere with its own weather and a thin atmosphere."""
    where = c.region(x, y, r * 1.12, r * 1.12)
    dx, dy = (c.x[where] - x) / r, (c.y[where] - y) / r
    distance = np.hypot(dx, dy)
    dz = np.sqrt(np.clip(1 - distance**2, 0, 1))
    base, second, bright = (rgb(code) for code in PLANETS[kind])
    u = np.arctan2(dx, dz + 1e-3) + look.t * 0.08
    tilted = dy + 0.25 * dx
    if kind == "gas":
        flow = fbm(u * 1.5, tilted * 5, look.seed + 2, 5)
        surface = mix(
            mix(base, second, step(0.35, 0.65, fbm(u * 0.3 + flow, tilted * 7 + flow * 0.8, look.seed, 4))),
            bright,
            step(0.6, 0.8, flow) * 0.6,
        )
    else:
        land = fbm(u * 2.2 + 3, tilted * 2.6, look.seed + 4, 6)
        surface = mix(base, second, step(0.48, 0.56, land))
        weather = fbm(u * 3 + land, tilted * 5, look.seed + 9, 5)
        surface = mix(surface, bright, step(0.52, 0.75, weather) * (0.9 if kind == "earth" else 0.4))
    light = np.clip(-side * dx * 0.75 - dy * 0.45 + dz * 0.5, 0, 1) ** 0.8
    air = mix(base, WHITE, 0.4)
    c.add(step(1.12, 0.98, distance) * np.clip(-side * dx * 0.7 - dy * 0.5 + 0.2, 0, 1) * 0.6, air, where)
    lit = surface * (0.03 + 1.1 * light)[..., None] + air * (((1 - dz) ** 3 * light) * 0.6)[..., None]
    c.fill(step(1.0, 1 - 2 * c.pixel / r, distance), np.clip(lit, 0, 1), where)


def rings(c: Canvas, look: Look, x: float, y: float, r: float, *, back: bool) -> None:
    """Draw the half of a ring system behind or before its planet."""
    dx, dy = c.x - x, c.y - y
    along, across = dx * 0.95 + dy * 0.31, dy * 0.95 - dx * 0.31
    radius = np.hypot(along, across / 0.24) / r
    grooves = 0.35 + 0.65 * noise(radius * 22, 0.5, look.seed)
    inside = step(1.3, 1.36, radius) * step(2.2, 2.1, radius) * (1 - 0.85 * step(0.04, 0.02, np.abs(radius - 1.85)))
    half = (across < 0) if back else (across >= 0)
    c.fill(inside * grooves * half * 0.85, mix(rgb("#8f7a62"), rgb("#f0dfc2"), grooves))


def comet(c: Canvas, x: float, y: float, side: int) -> None:
    """Let a comet fall, its tail streaming behind."""
    along = (c.x - x) * side * 0.9 - (c.y - y) * 0.45
    across = (c.y - y) * 0.9 + (c.x - x) * side * 0.45
    tail = (
        np.exp(-((across / (0.012 + 0.11 * np.clip(along, 0, 2))) ** 2))
        * np.exp(-np.clip(along, 0, 3) * 2.2)
        * (along > 0)
    )
    c.add(tail * 0.85, rgb("#a9d8ff"))
    c.glow(x, y, 0.035, WHITE, 1.0)


def moonscape(c: Canvas, look: Look, side: int) -> None:
    """Spread grey ground with craters under a black sky, and someone walking there."""
    crest = 0.72 + 0.07 * fbm(c.x * 1.8, 0.0, look.seed + 2, 5)
    depth = np.clip(c.y - crest, 0.004, 1)
    relief = fbm(c.x * 4 / (0.3 + depth), 3 / (depth + 0.08), look.seed + 5, 5)
    slope = (np.roll(relief, 3, 1) - relief) * 5 * side
    terrain(c, crest, np.clip(rgb("#98958f") * (0.55 + slope + 0.3 * relief)[..., None], 0, 1))
    for x, y, size in look.rng(4).random((14, 3)):
        level = 0.8 + 0.2 * y
        wide = (0.02 + 0.08 * size) * (level - 0.68) * 5
        c.disc(x * 1.9, level, wide, rgb("#3c3a38"), ry=wide * 0.26, alpha=0.8, soft=0.35)
        c.disc(
            x * 1.9 - side * wide * 0.2,
            level + wide * 0.09,
            wide * 0.85,
            rgb("#a9a6a0"),
            ry=wide * 0.2,
            alpha=0.55,
            soft=0.7,
        )
    x = MIDDLE - side * 0.35 + 0.02 * look.t
    c.disc(x + side * -0.1, 0.885, 0.14, BLACK, ry=0.012, alpha=0.6, soft=0.6)
    person(c, x, 0.88, 0.24, rgb("#dcdcd8"), stride=0.14, arms=(-0.9, -0.4), shirt=rgb("#f2f2ee"))
    c.disc(x, 0.88 - 0.225, 0.036, rgb("#f2f2ee"))
    c.disc(x + 0.006, 0.88 - 0.225, 0.024, rgb("#b5802a"), ry=0.02)


def station(c: Canvas, x: float, y: float, size: float) -> None:
    """Hang a space station with its solar wings before the stars."""
    metal, panel = rgb("#c8ccd2"), rgb("#23407f")
    c.stroke([(x - size, y + size * 0.1), (x + size, y - size * 0.1)], size * 0.035, metal * 0.8)
    for along in (-0.95, -0.66, 0.46, 0.75):
        for way in (-1, 1):
            px, py = x + size * along, y - size * along * 0.1
            wing = [
                (px, py + way * size * 0.05),
                (px + size * 0.22, py + way * size * 0.03),
                (px + size * 0.25, py + way * size * 0.5),
                (px + size * 0.03, py + way * size * 0.52),
            ]
            c.polygon(wing, mix(panel, rgb("#6f93d8"), (c.x - x) / size * 0.4 + 0.4))
            c.stroke([wing[0], wing[3]], 0.003, metal)
    c.polygon(
        [
            (x - size * 0.1, y - size * 0.3),
            (x + size * 0.06, y - size * 0.32),
            (x + size * 0.12, y + size * 0.3),
            (x - size * 0.04, y + size * 0.32),
        ],
        mix(metal * 0.5, metal, step(size * 0.12, -size * 0.08, c.x - x)),
    )
    c.disc(x + size * 0.01, y - size * 0.3, size * 0.1, metal)


# Coral reef


WATERS = {
    "blue": ("#8fe6f2", "#1a8fc4", "#06315f"),
    "green": ("#c8f5da", "#2aa39a", "#07404a"),
    "deep": ("#3f8fd0", "#123f86", "#030d2a"),
}
CORALS = ("#ff6f61", "#f2a33a", "#c94f9a", "#f7d05e", "#8e5bc4", "#ff9a8b", "#e84f3d")


def reef(c: Canvas, look: Look) -> None:
    """Paint a reef under water, with shoals, a turtle, a ray, clownfish or jellyfish."""
    rng = look.rng()
    light, middle, deep = (rgb(code) for code in WATERS[next((w for w in WATERS if look.has(w)), "blue")])
    opening = MIDDLE + rng.uniform(-0.4, 0.4)
    distance = np.hypot((c.x - opening) * 0.8, c.y + 0.1)
    c.rgb[:] = mix(mix(light, middle, step(0.05, 0.5, distance)), deep, step(0.4, 1.25, distance))
    angle = np.arctan2(c.x - opening, c.y + 0.3)
    rays = fbm(angle * 8 + look.t * 0.1, look.t * 0.15 + 0 * angle, look.seed, 3)
    c.add(step(0.45, 0.8, rays) * np.clip(0.9 - c.y, 0, 1) * 0.5, light)
    ripples = ridged(c.x * 5, c.y * 22 + look.t * 0.5, look.seed + 4, 3)
    c.add(step(0.72, 0.9, ripples) * step(0.16, 0.0, c.y) * 0.8, WHITE)
    for layer in range(3):
        if layer == 2:
            reef_animals(c, look, deep)
        reef_bank(c, look, layer, deep, middle)
    for x, y, size in look.rng(5).random((40, 3)):
        c.disc(x * 1.8, (y - look.t * 0.05) % 1, 0.002 + 0.005 * size, light, alpha=0.35, soft=0.6)


def reef_bank(c: Canvas, look: Look, layer: int, deep: Array, middle: Array) -> None:
    """Grow one bank of rock with corals, bluer the farther away."""
    rng, haze = look.rng(60 + layer), 0.72 - 0.34 * layer
    valley = 0.1 * np.exp(-(((c.x - MIDDLE) / 0.5) ** 2))
    crest = 0.6 + 0.14 * layer + valley - 0.14 * fbm(c.x * 1.9, layer, look.seed + 20 + layer, 5)
    rough = fbm(c.x * 13, c.y * 13, look.seed + 25 + layer, 5)
    caustic = step(0.7, 0.95, ridged(c.x * 6 + look.t * 0.3, c.y * 9 - look.t * 0.2, look.seed + 1, 3))
    rock = mix(rgb("#3a2f45"), rgb("#a98672"), rough) + 0.25 * caustic[..., None]
    terrain(c, crest, mix(rock, mix(middle, deep, 0.4), haze))
    for x in np.linspace(-0.1, 1.9, 15) + rng.uniform(-0.06, 0.06, 15):
        column = int(np.clip((x - c.left) * c.scale, 0, c.x.shape[1] - 1))
        foot = float(crest[0, column]) + 0.05
        colour = mix(rgb(CORALS[int(rng.integers(len(CORALS)))]), middle, haze * 0.9)
        size = rng.uniform(0.7, 1.3) * (0.07 + 0.035 * layer)
        kind = int(rng.integers(4))
        if kind == 0:
            for spread in (-0.45, 0.0, 0.45):
                branches(c, (x, foot), math.pi / 2 + spread, size * 0.75, size * 0.2, colour, rng)
        elif kind == 1:
            brain_coral(c, look, x, foot, size * 1.1, colour)
        elif kind == 2:
            for k in range(9):
                sway = 0.12 * math.sin(1.5 * look.t + k + 9 * x)
                tip = (x + size * ((k - 4) * 0.22 + sway), foot - size * rng.uniform(1.0, 1.6))
                c.stroke(
                    [(x + size * (k - 4) * 0.1, foot), ((x + tip[0]) / 2 + 0.005, foot - size * 0.6), tip],
                    size * 0.13,
                    colour * rng.uniform(0.75, 1.1),
                )
                c.disc(*tip, size * 0.1, mix(colour, WHITE, 0.4))
        else:
            fan_coral(c, x, foot, size * 1.5, colour, rng)


def brain_coral(c: Canvas, look: Look, x: float, y: float, r: float, colour: Array) -> None:
    """Round a brain coral, its furrows lit from above."""
    where = c.region(x, y, r, r)
    dx, dy = (c.x[where] - x) / r, (c.y[where] - y) / r
    folds = ridged(dx * 3 + x * 9, dy * 3, look.seed + 33, 2)
    light = np.clip(0.68 - dy * 0.6, 0.3, 1.2) * (0.55 + 0.6 * step(0.5, 0.8, folds))
    c.fill(step(1, 0.96, np.hypot(dx, dy / 0.8)), np.clip(colour * light[..., None], 0, 1), where)


def fan_coral(c: Canvas, x: float, foot: float, size: float, colour: Array, rng: np.random.Generator) -> None:
    """Open a sea fan."""
    for angle in np.linspace(0.5, math.pi - 0.5, 9):
        reach = size * rng.uniform(0.75, 1.0)
        tip = (x + reach * math.cos(angle), foot - reach * math.sin(angle))
        c.polygon(
            [
                (x, foot),
                (tip[0] - 0.18 * size * math.sin(angle), tip[1]),
                (tip[0] + 0.18 * size * math.sin(angle), tip[1] + 0.02),
            ],
            colour,
            0.55,
        )
        c.stroke([(x, foot), tip], size * 0.03, colour * 0.65)


def fish(
    c: Canvas,
    x: float,
    y: float,
    size: float,
    colours: tuple[str, str],
    facing: int,
    wag: float,
    haze: Array | None = None,
    amount: float = 0.0,
) -> None:
    """Draw one fish with a stripe, shaded from above."""
    body, stripe = (mix(rgb(code), rgb(code) if haze is None else haze, amount) for code in colours)
    shade = (1.12 - 0.5 * step(-0.4, 0.45, (c.y - y) / size))[..., None]
    tail_x = x - facing * size * 0.85
    c.polygon(
        [
            (tail_x, y),
            (tail_x - facing * size * 0.45, y - size * (0.36 + wag)),
            (tail_x - facing * size * 0.3, y),
            (tail_x - facing * size * 0.45, y + size * (0.36 - wag)),
        ],
        stripe * shade,
    )
    c.polygon(
        [
            (x - facing * size * 0.4, y - size * 0.3),
            (x - facing * size * 0.2, y - size * 0.68),
            (x + facing * size * 0.35, y - size * 0.35),
        ],
        stripe * shade,
    )
    c.disc(x, y, size, body * shade, ry=size * 0.48)
    for at, wide in ((0.38, 0.13), (-0.15, 0.16), (-0.62, 0.09)):
        tall = 0.44 * math.sqrt(1 - at**2)
        c.polygon(
            [
                (x + facing * size * (at + dx), y + dy * size * tall)
                for dx, dy in ((-wide, -1), (wide, -1), (wide * 0.7, 0), (wide, 1), (-wide, 1))
            ],
            stripe * shade,
        )
    if size > 0.03:
        c.disc(x + facing * size * 0.68, y - size * 0.08, size * 0.12, WHITE)
        c.disc(x + facing * size * 0.7, y - size * 0.08, size * 0.07, BLACK)


def reef_animals(c: Canvas, look: Look, deep: Array) -> None:
    """Let the animals of the view swim between the banks."""
    rng, facing = look.rng(9), int(look.rng(8).choice((-1, 1)))
    swim = facing * look.t * 0.07
    if look.has("shoal"):
        for k in range(46):
            x, y = MIDDLE + rng.normal(0, 0.36) + swim, 0.38 + rng.normal(0, 0.12)
            fish(
                c,
                x,
                y,
                rng.uniform(0.018, 0.034),
                ("#ffd84a", "#2f4fae"),
                facing,
                0.1 * math.sin(9 * look.t + k),
                deep,
                0.15,
            )
    if look.has("clownfish"):
        for k in range(4):
            fish(
                c,
                MIDDLE + rng.uniform(-0.5, 0.5) + swim,
                rng.uniform(0.25, 0.62),
                rng.uniform(0.07, 0.15),
                ("#ff7a1f", "#fff4ea"),
                facing,
                0.1 * math.sin(6 * look.t + k),
            )
    if look.has("turtle"):
        turtle(c, look, MIDDLE + swim, 0.4, 0.24, facing)
    if look.has("ray"):
        flap = 0.06 * math.sin(2.2 * look.t)
        x, y = MIDDLE + swim * 1.5, 0.36
        c.polygon(
            [
                (x + facing * 0.25, y),
                (x + 0.05, y - 0.24 - flap),
                (x - facing * 0.18, y - 0.02),
                (x - facing * 0.55, y + 0.03),
                (x - facing * 0.18, y + 0.03),
                (x + 0.02, y + 0.22 + flap),
            ],
            mix(deep, rgb("#101826"), 0.65),
            0.95,
            0.003,
        )
    if look.has("jellyfish"):
        for k in range(5):
            jellyfish(c, look, rng.uniform(0.25, 1.5), rng.uniform(0.18, 0.5), rng.uniform(0.06, 0.13), k)
    for k in range(7):
        pair = (("#5fd0ff", "#143a8a"), ("#ffe25e", "#3a2a18"), ("#ff8fa3", "#8f1f5a"))[k % 3]
        fish(
            c,
            rng.uniform(0, 1.8) + swim,
            rng.uniform(0.2, 0.7),
            rng.uniform(0.025, 0.05),
            pair,
            -facing,
            0.1 * math.sin(8 * look.t + k),
            deep,
            0.2,
        )


def turtle(c: Canvas, look: Look, x: float, y: float, size: float, facing: int) -> None:
    """Let a sea turtle glide."""
    skin, stroke = (
        mix(rgb("#7e8f4a"), rgb("#c9c07a"), step(0.4, 0.6, noise(c.x * 40, c.y * 40, 5))),
        0.2 * math.sin(1.8 * look.t),
    )
    for root, reach, drop in (
        (0.45, 0.15, 0.95 + stroke),
        (0.4, 0.1, -0.8 - stroke),
        (-0.5, -0.35, 0.5 - stroke),
        (-0.5, -0.4, -0.42),
    ):
        base = x + facing * size * root
        tip = (base + facing * size * (reach - 0.5), y + size * drop)
        bend = ((base + tip[0]) / 2 + facing * size * 0.16, (y + tip[1]) / 2)
        c.polygon(
            [
                (base - size * 0.2, y),
                ((base + tip[0]) / 2 - facing * size * 0.12, (y + tip[1]) / 2),
                tip,
                bend,
                (base + size * 0.2, y),
            ],
            skin,
        )
    c.disc(x + facing * size * 0.95, y - size * 0.06, size * 0.22, skin, ry=size * 0.16)
    plates = ridged((c.x - x) / size * 4.2 + 7, (c.y - y) / size * 5 + 3, 12, 1)
    shell = (
        mix(rgb("#3f2f17"), rgb("#a5803a"), step(0.95, 0.7, plates))
        * np.clip(1.0 - (c.y - y) / size, 0.4, 1.3)[..., None]
    )
    c.disc(x, y, size * 0.78, shell, ry=size * 0.48)
    c.disc(x + facing * size * 1.04, y - size * 0.1, size * 0.03, BLACK)


def jellyfish(c: Canvas, look: Look, x: float, y: float, size: float, k: int) -> None:
    """Float a glowing jellyfish with trailing threads."""
    colour = (rgb("#ffb0d8"), rgb("#c8b6ff"))[k % 2]
    y -= 0.02 * look.t
    c.glow(x, y, size * 1.1, colour, 0.35)
    for thread in range(9):
        line = [
            (x + size * ((thread - 4) * 0.18 + 0.12 * math.sin(4 * s + thread + 1.5 * look.t)), y + size * 2.6 * s)
            for s in np.linspace(0, 1, 9)
        ]
        c.stroke(line, size * 0.05, colour, 0.5)
    bell = [(x + size * math.cos(a), y - size * 0.8 * math.sin(a)) for a in np.linspace(-0.1, math.pi + 0.1, 26)]
    c.polygon(bell, mix(colour, WHITE, 0.3), 0.75)
    c.disc(x, y - size * 0.25, size * 0.5, WHITE, ry=size * 0.3, alpha=0.35, soft=0.8)


# Balloons


def balloons(c: Canvas, look: Look) -> None:
    """Paint hot-air balloons over hills, a valley of rock spires, a lake or a sea of clouds."""
    rng, hour = look.rng(), look.hour
    sky(c, hour, 0.8)
    if look.dark:
        stars(c, look, 100, 0.7)
    clouds(c, look, 0.85, 0.5 if look.has("clouds") else 0.28)
    sun(c, hour, MIDDLE + rng.choice((-1, 1)) * 0.6, 0.6 if hour.brightness < 0.97 else 0.2, 0.04)
    for _ in range(7):
        balloon(c, look, rng.uniform(0.05, 1.75), rng.uniform(0.3, 0.62), rng.uniform(0.025, 0.05), rng, 0.35)
    if look.has("clouds"):
        for level in (0.8, 0.9, 1.0):
            billow = level - 0.12 * fbm(c.x * 2.5 + look.t * 0.04, level * 9, look.seed + 70, 5)
            terrain(c, billow, mix(hour.low, mix(hour.middle, WHITE, 0.5), step(0.0, 0.14, c.y - billow)))
    else:
        hills(
            c,
            look,
            0.82,
            ("#7f9a8a", "#6c8a4a", "#4a6b35") if not look.has("spires") else ("#c99a78", "#c28a5c", "#a86f45"),
        )
    if look.has("spires"):
        for x in rng.uniform(0, 1.8, 16):
            tall, wide = rng.uniform(0.1, 0.24), rng.uniform(0.025, 0.05)
            rock = (
                hour.lit(rgb("#d8a878"), 0.15)
                * (0.7 + 0.4 * fbm(c.x * 10, c.y * 40, 3, 3) + 0.25 * np.clip((c.x - x) / wide, -1, 1))[..., None]
            )
            c.polygon(
                [
                    (x - wide, 1.0),
                    (x - wide * 0.55, 1.0 - tall * 0.7),
                    (x - wide * 0.2, 1.0 - tall),
                    (x + wide * 0.2, 1.0 - tall),
                    (x + wide * 0.6, 1.0 - tall * 0.65),
                    (x + wide, 1.0),
                ],
                rock,
            )
    if look.has("lake"):
        water(c, look, 0.8, rgb("#2c6478"), None, 0.4)
    spots = {"one": ((0.0, 0.4, 0.27),), "two": ((-0.38, 0.36, 0.21), (0.34, 0.5, 0.15))}
    many = ((-0.55, 0.3, 0.15), (0.05, 0.42, 0.19), (0.55, 0.27, 0.13), (-0.25, 0.62, 0.085), (0.38, 0.6, 0.07))
    for dx, y, r in next((spots[word] for word in spots if look.has(word)), many):
        balloon(c, look, MIDDLE + dx + rng.uniform(-0.06, 0.06), y + rng.uniform(-0.03, 0.03), r, rng, 0.0)


STRIPES = (
    ("#d8352a", "#f6c445"),
    ("#2459a8", "#f3efe4"),
    ("#e8742c", "#7a1f4e"),
    ("#1f8a70", "#f5e3a0"),
    ("#e04f80", "#5b3fa0"),
    ("#f2b632", "#c43a26"),
)


def balloon(c: Canvas, look: Look, x: float, y: float, r: float, rng: np.random.Generator, haze: float) -> None:
    """Fly one balloon: gores of cloth in two colours, ropes, a basket, and at night the burner's glow."""
    hour = look.hour
    y -= look.t * 0.012 * (1 + 4 * r) * (1 if rng.random() > 0.3 else -1)
    x += look.t * 0.02 * r * 4
    where = c.region(x, y + 0.2 * r, r * 1.1, r * 1.5)
    u, v = (c.x[where] - x) / r, (c.y[where] - y) / r
    below = np.clip((v - 0.25) / 1.1, 0, 1)
    profile = np.where(v < 0.25, np.sqrt(np.clip(1 - v**2, 0, 1)), 0.968 - 0.76 * below**1.15)
    inside = step(-0.02, 0.02, profile - np.abs(u)) * (v > -1) * (v < 1.32)
    around = np.arcsin(np.clip(u / np.maximum(profile, 0.05), -1, 1))
    one, two = (rgb(code) for code in STRIPES[int(rng.integers(len(STRIPES)))])
    gores = around * 12 / math.pi + 0.5
    cloth = mix(one, two, step(-0.12, 0.12, np.sin(gores * math.pi)))
    if rng.random() < 0.5:
        cloth = mix(cloth, two, step(0.16, 0.13, np.abs(v - 0.1)) * 0.95)
    seam = 0.88 + 0.12 * np.abs(np.sin(gores * math.pi * 2))
    light = np.clip(0.72 + 0.3 * np.sin(around + 0.5) - 0.22 * v, 0.3, 1.15) * seam
    colour = hour.lit(cloth, haze) * light[..., None]
    if hour.brightness < 0.7:
        colour = mix(colour, cloth * 1.05 + rgb("#402000"), np.clip(0.75 - 0.35 * np.abs(v - 0.9), 0, 1) * 0.85)
    c.fill(inside, np.clip(colour, 0, 1), where)
    rope, basket = hour.lit(rgb("#3a2a1c"), haze), hour.lit(rgb("#7c5230"), haze)
    for side in (-1, 1):
        c.stroke([(x + side * r * 0.19, y + r * 1.3), (x + side * r * 0.12, y + r * 1.6)], r * 0.02, rope)
    c.polygon(
        [
            (x - r * 0.15, y + r * 1.58),
            (x + r * 0.15, y + r * 1.58),
            (x + r * 0.12, y + r * 1.8),
            (x - r * 0.12, y + r * 1.8),
        ],
        basket,
    )
    if hour.brightness < 0.7:
        c.glow(x, y + r * 1.36, r * 0.16, rgb("#ffb347"), 0.9)


# City at night


def city(c: Canvas, look: Look) -> None:
    """Paint towers with lit windows over a river, a street in the rain, a bridge or rooftops."""
    rng, hour = look.rng(), look.hour
    horizon = 0.66 if look.has("river") or look.has("bridge") else 0.9
    sky(c, hour, horizon + 0.1)
    stars(c, look, 40, 0.4)
    clouds(c, look, horizon, 0.3)
    glow = rgb(("#c2602f", "#9a3f7a", "#3f6fae")[int(rng.integers(3))])
    c.add(np.exp(-np.clip(horizon - c.y, 0, 1) * 4.5) * 0.5, glow)
    if look.has("moon"):
        sun(c, HOURS["night"], MIDDLE + rng.uniform(-0.5, 0.5), 0.2, 0.05)
    if look.has("street"):
        street(c, look, glow)
    else:
        for layer in range(2 if look.has("bridge") else 4):
            skyline(c, look, layer, horizon, glow)
    if look.has("bridge"):
        bridge(c, look, horizon)
    if horizon < 0.7:
        smear(c, horizon)
        water(c, look, horizon, rgb("#0a1428"), None, 0.5)
    if look.has("rooftop"):
        rooftop(c, look)
    if look.has("rain"):
        falling(c, look, 130, rgb("#b9cdf0"), slant=0.12, speed=1.4, length=0.06)


def smear(c: Canvas, horizon: float) -> None:
    """Lay a copy of the skyline, drawn out downwards, under the horizon, for the river to mirror calmly."""
    edge = int((horizon - c.top) * c.scale)
    soft = cv2.GaussianBlur(c.rgb, (0, 0), sigmaX=0.004 * c.scale, sigmaY=0.03 * c.scale)
    above = step(horizon - 0.02, horizon - 0.05, c.y)[:edge]
    c.rgb[:edge] = mix(soft[:edge], c.rgb[:edge], above)


WINDOW_LIGHTS = ("#ffd98a", "#ffc15e", "#fff1cf", "#ffe7a8", "#a9d2ff")


def tower(
    c: Canvas, x0: float, x1: float, top: float, foot: float, wall: Array, share: float, cell: float, seed: int
) -> None:
    """Build one tower and switch on a share of its windows."""
    where = c.region((x0 + x1) / 2, (top + foot) / 2, (x1 - x0) / 2, (foot - top) / 2)
    x, y = c.x[where], c.y[where]
    inside = ((x > x0) & (x < x1) & (y > top) & (y < foot)).astype(np.float32)
    shade = 0.75 + 0.5 * (x - x0) / (x1 - x0)
    column, row = (x - x0) / cell, (y - top - cell * 0.6) / (cell * 1.25)
    draw = lottery(np.floor(column), np.floor(row), seed)
    pane = (
        (np.abs(column % 1 - 0.5) < 0.3)
        & (np.abs(row % 1 - 0.5) < 0.32)
        & (row > 0)
        & (np.floor(column + 1) * cell < x1 - x0)
    )
    on = pane & (draw < share)
    lights = np.array([rgb(code) for code in WINDOW_LIGHTS])[(draw * 997).astype(int) % len(WINDOW_LIGHTS)]
    colour = wall * shade[..., None]
    colour = np.where(pane[..., None], colour * 1.35 + 0.01, colour)
    colour = np.where(on[..., None], lights * (0.55 + 0.45 * ((draw * 613) % 1))[..., None], colour)
    c.fill(inside, colour.astype(np.float32), where)


def skyline(c: Canvas, look: Look, layer: int, horizon: float, glow: Array) -> None:
    """Raise one row of towers, the front row the tallest and darkest."""
    rng, near = look.rng(20 + layer), layer / 3
    x = -0.1 - rng.uniform(0, 0.1)
    while x < 1.9:
        wide = rng.uniform(0.07, 0.15) * (0.65 + 0.6 * near)
        hump = math.exp(-(((x - MIDDLE + 0.25 * math.sin(look.seed + layer)) / 0.55) ** 2))
        tall = (rng.uniform(0.12, 0.3) + 0.26 * hump * rng.uniform(0.5, 1)) * (1.15 - 0.35 * near)
        wall = mix(mix(rgb("#1a2138"), glow, 0.22), rgb("#090c18"), near)
        top = horizon - tall
        if rng.random() < 0.3:
            c.box(x + wide * 0.2, top - 0.04, x + wide * 0.8, top + 0.01, wall)
        if rng.random() < 0.25:
            c.stroke([(x + wide / 2, top), (x + wide / 2, top - 0.12)], 0.004, wall)
            c.glow(x + wide / 2, top - 0.12, 0.012, rgb("#ff4a3a"), 0.9)
        tower(
            c,
            x,
            x + wide,
            top,
            horizon + 0.2,
            wall,
            0.5 - 0.1 * near,
            0.011 + 0.007 * near,
            look.seed * 7 + layer * 31 + int(x * 50),
        )
        x += wide + rng.uniform(-0.005, 0.03)
    c.add(np.exp(-np.clip(horizon - c.y, 0, 1) * 9) * 0.13 * (1 - near), glow)


def bridge(c: Canvas, look: Look, horizon: float) -> None:
    """Hang a lit suspension bridge across the river."""
    steel, deck = rgb("#56617f"), horizon - 0.09
    masts = (0.4, 1.38)
    for mast in masts:
        c.box(mast - 0.018, deck - 0.42, mast + 0.018, horizon + 0.02, steel)
        for level in (0.4, 0.25, 0.12):
            c.box(mast - 0.022, deck - level, mast + 0.022, deck - level + 0.012, mix(steel, rgb("#ffbf6b"), 0.5))
    for x in np.linspace(-0.15, 1.95, 64):
        span = (x - MIDDLE) / 0.49
        drop = 0.4 * span**2 if abs(span) <= 1 else 0.4 - 0.4 * (abs(span) - 1) / 0.95
        c.stroke([(x, deck - drop), (x, deck)], 0.002, mix(steel, WHITE, 0.25), 0.7)
        c.glow(x, deck - drop, 0.008, rgb("#ffe0a0"), 0.95)
    c.box(-0.2, deck, 2.0, deck + 0.02, steel)
    for k in range(26):
        x = (k * 0.083 + look.t * 0.1 * (1 if k % 2 else -1)) % 2.1 - 0.15
        c.glow(x, deck - 0.006, 0.009, rgb("#fff2d0") if k % 2 else rgb("#ff5a45"), 0.9)


def street(c: Canvas, look: Look, glow: Array) -> None:
    """Look down a street between shop fronts, the wet road full of light."""
    rng, vanish = look.rng(2), (MIDDLE, 0.6)
    c.glow(*vanish, 0.3, glow, 0.8)
    for depth in (5.0, 3.4, 2.4, 1.7, 1.2):
        for side in (-1, 1):
            edge, back = MIDDLE + side * 0.62 / depth, MIDDLE + side * 1.6 / depth
            top, foot = 0.6 - rng.uniform(0.6, 1.0) / depth, 0.6 + 0.3 / depth
            wall = mix(rgb("#0d1122"), glow, 0.1 + 0.07 * depth)
            tower(c, min(edge, back), max(edge, back), top, foot, wall, 0.42, 0.06 / depth, look.seed + int(depth * 10))
            neon = rgb(("#ff3d7f", "#35e0ff", "#ffcf3d", "#7dff8a", "#c06bff")[int(rng.integers(5))])
            x, y = edge + side * 0.1 / depth, 0.6 - rng.uniform(0.0, 0.25) / depth
            c.glow(x, y, 0.11 / depth, neon, 0.6)
            c.box(x - 0.045 / depth, y - 0.16 / depth, x + 0.045 / depth, y + 0.16 / depth, mix(neon, WHITE, 0.35))
            c.box(
                min(edge, edge + side * 0.5 / depth),
                0.6 + 0.13 / depth,
                max(edge, edge + side * 0.5 / depth),
                0.6 + 0.28 / depth,
                mix(neon * 0.5, rgb("#ffdca0"), 0.6),
            )
    water(c, look, 0.74, rgb("#0b0d16"), None, 0.55)
    for k in range(7):
        depth = 1 + (k * 0.9 - look.t * 0.35) % 5
        for lane, tint in ((-0.2, "#ff3b2f"), (0.2, "#fff3d6")):
            for offset in (-0.06, 0.06):
                c.glow(MIDDLE + (lane + offset) / depth, 0.6 + 0.26 / depth, 0.03 / depth, rgb(tint), 1.0)
    for k in range(3):
        person(c, MIDDLE + rng.uniform(-0.6, 0.6), 0.99 - 0.04 * k, 0.3, rgb("#05060c"), stride=0.1)


def rooftop(c: Canvas, look: Look) -> None:
    """Put a dark roof with a water tank and someone who looks out in front."""
    ink, side = rgb("#04060d"), look.rng(6).choice((-1, 1))
    x = MIDDLE + side * 0.55
    c.box(-0.2, 0.88, 2.0, 1.1, ink)
    for leg in (-0.09, 0.0, 0.09):
        c.box(x + leg - 0.008, 0.66, x + leg + 0.008, 0.9, ink)
    c.box(x - 0.12, 0.46, x + 0.12, 0.7, ink)
    c.polygon([(x - 0.14, 0.47), (x, 0.36), (x + 0.14, 0.47)], ink)
    person(c, MIDDLE - side * 0.4, 0.89, 0.26, ink, stride=0.07)


# Kitchen and food


TABLES = {
    "oak": ("#a8713f", "#6b3f1f"),
    "walnut": ("#5f3c26", "#2f1b10"),
    "marble": ("#ece8e2", "#b9b2aa"),
    "linen": ("#d9cfbe", "#b3a68f"),
    "slate": ("#4a5057", "#2a2e33"),
}


def kitchen(c: Canvas, look: Look) -> None:
    """Paint a laid table from above: soup, pizza, noodles, bread, a tart, sushi, eggs or citrus."""
    rng = look.rng()
    table(c, look)
    x, y = MIDDLE + rng.uniform(-0.12, 0.12), 0.52 + rng.uniform(-0.04, 0.04)
    if look.has("board"):
        cutting_board(c, x, y)
    for corner in ((0.12, 0.1), (1.66, 0.92), (1.62, 0.08), (0.14, 0.94)):
        side_dish(c, look, corner[0] + rng.uniform(-0.05, 0.05), corner[1], rng.uniform(0.13, 0.19), rng)
    dish = next((DISHES[word] for word in DISHES if look.has(word)), soup)
    dish(c, look, x, y, rng)
    if dish in (soup, pizza, noodles, tart):
        cutlery(c, x + 0.52, y)
    for puff in range(14 if look.has("steam") else 0):
        rise = (puff / 14 + look.t * 0.14) % 1
        c.disc(
            x + 0.2 * math.sin(puff * 2.4) + 0.05 * math.sin(6 * rise + look.t),
            y + 0.12 - 0.5 * rise,
            0.07 + 0.12 * rise,
            WHITE,
            alpha=0.16 * math.sin(math.pi * rise),
            soft=1.0,
        )
    c.add(np.exp(-((c.x - 0.3) ** 2 + c.y**2) * 1.1) * 0.22, rgb("#fff0d0"))


def table(c: Canvas, look: Look) -> None:
    """Cover the frame with wood, marble, linen or slate."""
    kind = next((t for t in TABLES if look.has(t)), "oak")
    light, dark = (rgb(code) for code in TABLES[kind])
    if kind in ("oak", "walnut"):
        plank = np.floor(c.y * 5)
        grain = fbm(c.x * 1.6 + plank * 7, c.y * 34 + 2 * fbm(c.x * 3, c.y * 6, look.seed, 3), look.seed + 1, 5)
        c.rgb[:] = mix(dark, light, 0.2 + 0.9 * grain) * (0.88 + 0.2 * lottery(plank, plank * 0, look.seed))[..., None]
        c.rgb *= (1 - 0.55 * step(0.03, 0.0, np.abs(c.y * 5 % 1 - 0.5) - 0.47))[..., None]
    elif kind == "marble":
        veins = ridged(c.x * 1.6 + fbm(c.x * 3, c.y * 3, look.seed, 4), c.y * 2.2, look.seed + 2, 5)
        c.rgb[:] = mix(light, dark, step(0.66, 0.95, veins))
    else:
        weave = (
            0.5 + 0.25 * np.sin(c.x * 700) + 0.25 * np.sin(c.y * 700)
            if kind == "linen"
            else fbm(c.x * 12, c.y * 12, look.seed, 6)
        )
        c.rgb[:] = mix(dark, light, 0.3 + 0.5 * weave * fbm(c.x * 2, c.y * 2, look.seed + 4, 4) * 1.6)


def shadow(c: Canvas, x: float, y: float, r: float, strength: float = 0.5) -> None:
    """Drop a soft shadow to the lower right."""
    c.disc(x + r * 0.12, y + r * 0.16, r * 1.18, BLACK, alpha=strength, soft=0.35)


def plate(c: Canvas, x: float, y: float, r: float, colour: Array) -> None:
    """Set a glazed plate down."""
    shadow(c, x, y, r)
    shine = 0.86 + 0.22 * step(0.6, -0.9, (c.x - x + c.y - y) / r)
    c.disc(x, y, r, colour * shine[..., None])
    c.disc(x, y, r * 0.97, colour * 0.96)
    c.disc(x, y, r * 0.76, colour * 0.8, soft=0.06)
    c.disc(x + 0.01 * r, y + 0.015 * r, r * 0.74, colour * np.clip(shine + 0.06, 0, 1.05)[..., None], soft=0.05)


def leaf(c: Canvas, x: float, y: float, size: float, angle: float, colour: Array) -> None:
    """Lay one herb leaf."""
    axis, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    shape = [
        (x + size * (u * axis[0] + v * across[0]), y + size * (u * axis[1] + v * across[1]))
        for u, v in ((-1, 0), (-0.4, 0.42), (0.4, 0.36), (1, 0), (0.4, -0.36), (-0.4, -0.42))
    ]
    c.polygon([(px + size * 0.12, py + size * 0.2) for px, py in shape], BLACK, 0.35, size * 0.08)
    c.polygon(shape, colour)
    c.stroke(
        [(x - size * axis[0], y - size * axis[1]), (x + size * axis[0], y + size * axis[1])], size * 0.07, colour * 1.35
    )


def scatter(rng: np.random.Generator, x: float, y: float, r: float, count: int) -> list[tuple[float, float, float]]:
    """Return places and angles spread evenly over a disc."""
    angles, reach = rng.uniform(0, 2 * math.pi, count), r * np.sqrt(rng.random(count))
    return [(x + d * math.cos(a), y + d * math.sin(a), a) for a, d in zip(angles, reach, strict=True)]


def soup(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Serve a bright soup with a swirl of cream, seeds and herbs."""
    plate(c, x, y, 0.46, rgb("#d8d2c6"))
    bowl = rgb(("#2f4858", "#e8e2d6", "#7c3b2e")[int(rng.integers(3))])
    plate(c, x, y, 0.36, bowl)
    warm = rgb(("#e8852a", "#c9402a", "#8fa83a")[int(rng.integers(3))])
    c.disc(x, y, 0.295, warm * (0.8 + 0.35 * fbm(c.x * 9, c.y * 9, look.seed, 4))[..., None], soft=0.03)
    around, reach = np.arctan2(c.y - y, c.x - x), np.hypot(c.x - x, c.y - y)
    c.fill(
        step(0.55, 0.95, np.sin(around * 1.0 + reach * 42 + 1.2 * fbm(c.x * 6, c.y * 6, look.seed + 1, 3)))
        * step(0.2, 0.12, reach)
        * 0.9,
        rgb("#fff6e2"),
    )
    for px, py, a in scatter(rng, x, y, 0.2, 26):
        c.disc(px, py, 0.009, rgb("#3d4a26"), ry=0.006)
        if a < 2.2:
            leaf(c, px, py, 0.034, a * 5, rgb("#3f8a35"))


def pizza(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Bake a pizza with blistered crust, tomato, mozzarella and basil."""
    shadow(c, x, y, 0.44)
    reach = np.hypot(c.x - x, c.y - y) + 0.02 * fbm(c.x * 6, c.y * 6, look.seed, 3)
    char = step(0.55, 0.72, fbm(c.x * 16, c.y * 16, look.seed + 2, 4))
    c.fill(
        step(0.45, 0.44, reach),
        mix(rgb("#dba45c"), rgb("#6b3a17"), char) * (1.15 - 4 * np.abs(reach - 0.41))[..., None],
    )
    c.fill(step(0.375, 0.36, reach), mix(rgb("#b52a15"), rgb("#e0572a"), fbm(c.x * 12, c.y * 12, look.seed + 3, 4)))
    melted = fbm(c.x * 8, c.y * 8, look.seed + 4, 4)
    c.fill(
        step(0.5, 0.58, melted) * step(0.37, 0.34, reach),
        mix(rgb("#f6dd9a"), rgb("#fff4d8"), fbm(c.x * 30, c.y * 30, look.seed + 5, 3)),
    )
    for px, py, _ in scatter(rng, x, y, 0.3, 13):
        c.disc(px + 0.006, py + 0.008, 0.056, BLACK, alpha=0.35, soft=0.5)
        c.disc(px, py, 0.052, mix(rgb("#8f1c12"), rgb("#cf4a30"), fbm(c.x * 50, c.y * 50, look.seed, 3)))
    for px, py, a in scatter(rng, x, y, 0.3, 11):
        leaf(c, px, py, 0.05, a * 3, rgb("#2f7a2c"))


def noodles(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Fill a bowl of ramen: noodles, an egg, greens and slices of pork."""
    plate(c, x, y, 0.45, rgb(("#1d2733", "#9c2f23")[int(rng.integers(2))]))
    c.disc(x, y, 0.36, mix(rgb("#8a4a1c"), rgb("#c98638"), fbm(c.x * 7, c.y * 7, look.seed, 4)), soft=0.04)
    for _ in range(80):
        cx, cy = x + rng.normal(0, 0.11), y + rng.normal(0, 0.11)
        bend, start, wide = rng.uniform(0.05, 0.16), rng.uniform(0, 6.3), rng.uniform(1.2, 2.6)
        line = [(cx + bend * math.cos(start + s), cy + bend * math.sin(start + s)) for s in np.linspace(0, wide, 12)]
        c.stroke([(px + 0.004, py + 0.006) for px, py in line], 0.015, rgb("#7a4a18"), 0.5)
        c.stroke(line, 0.013, rgb("#f2d48a") * rng.uniform(0.85, 1.05))
    for dx, dy in ((-0.16, -0.12), (-0.04, -0.2)):
        c.disc(x + dx, y + dy, 0.09, rgb("#fff9ee"), ry=0.075)
        c.disc(x + dx, y + dy, 0.05, rgb("#f29a1f"), ry=0.045, soft=0.15)
    for dx, dy in ((0.17, -0.08), (0.2, 0.06)):
        c.disc(x + dx, y + dy, 0.095, mix(rgb("#c58a66"), rgb("#f0cfae"), ridged(c.x * 14, c.y * 14, 3, 2)), ry=0.08)
    for px, py, a in scatter(rng, x - 0.1, y + 0.18, 0.09, 22):
        c.disc(px, py, 0.018, rgb("#5faf3a"))
        c.disc(px, py, 0.009, rgb("#cdeaa0"), alpha=0.9 if a > 1 else 0.4)


def bread(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Lay out loaves with scored, floured crusts."""
    for k, (dx, dy, angle) in enumerate(((-0.24, -0.1, 0.5), (0.14, 0.06, -0.35), (-0.12, 0.26, 0.1))):
        cx, cy = x + dx, y + dy
        u = ((c.x - cx) * math.cos(angle) + (c.y - cy) * math.sin(angle)) / 0.3
        v = ((c.y - cy) * math.cos(angle) - (c.x - cx) * math.sin(angle)) / 0.13
        c.fill(step(1.35, 0.75, np.hypot(u - 0.06, v - 0.2)) * 0.55, BLACK)
        r = np.hypot(u, v)
        crust = mix(
            rgb("#5f2f10"),
            rgb("#d9964a"),
            np.clip(1.1 - r**2 + 0.5 * (fbm(c.x * 14, c.y * 14, look.seed + k, 4) - 0.5) - 0.2 * v, 0, 1),
        )
        cuts = np.abs((u * 2.6 + v * 0.5) % 1 - 0.5)
        crust = mix(crust, rgb("#f6e2b8"), step(0.16, 0.08, cuts) * step(0.85, 0.6, r))
        crust = mix(crust, rgb("#fff8ea"), step(0.52, 0.75, fbm(c.x * 22, c.y * 22, look.seed + 9, 4)) * 0.7)
        c.fill(step(1.0, 0.96, r), crust)
    for px, py, a in scatter(rng, x, y, 0.5, 60):
        c.disc(px, py, 0.004 + 0.004 * (a % 1), rgb("#f0dcb4"), alpha=0.8)


def tart(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Pack a tart with glazed berries."""
    plate(c, x, y, 0.47, rgb("#efeae2"))
    shadow(c, x, y, 0.36, 0.4)
    around = np.arctan2(c.y - y, c.x - x)
    reach = np.hypot(c.x - x, c.y - y) - 0.012 * np.abs(np.sin(around * 14))
    c.fill(step(0.375, 0.368, reach), rgb("#c98b45") * (1.1 - 5 * np.abs(reach - 0.35))[..., None])
    c.fill(step(0.33, 0.32, reach), rgb("#f4dfae"))
    berries = (("#b3162a", "#ff8a8a"), ("#27304f", "#8fa0d8"), ("#d8344f", "#ffb0a8"), ("#4b1638", "#b070a0"))
    for px, py, a in sorted(scatter(rng, x, y, 0.3, 170), key=lambda p: p[1]):
        dark, bright = (rgb(code) for code in berries[int(a * 10) % 4])
        c.disc(px + 0.004, py + 0.007, 0.036, BLACK, alpha=0.35, soft=0.4)
        c.disc(px, py, 0.033, dark)
        c.disc(px - 0.009, py - 0.011, 0.014, bright, alpha=0.75, soft=0.8)
    for px, py, a in scatter(rng, x, y, 0.24, 7):
        leaf(c, px, py, 0.04, a * 4, rgb("#57a04a"))


def sushi(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Line up nigiri and rolls on a dark tray."""
    c.polygon(
        [(x - 0.53, y - 0.28), (x + 0.57, y - 0.28), (x + 0.57, y + 0.38), (x - 0.53, y + 0.38)], BLACK, 0.5, 0.02
    )
    c.box(x - 0.55, y - 0.32, x + 0.55, y + 0.34, rgb("#23262b"))
    tops = ("#f0713c", "#d8343a", "#f4a98c", "#f6e6c0")
    for k in range(5):
        cx, cy, top = x - 0.4 + 0.2 * k, y - 0.14, rgb(tops[k % 4])
        c.disc(cx + 0.01, cy + 0.02, 0.08, BLACK, ry=0.14, alpha=0.6, soft=0.3)
        c.disc(cx, cy + 0.02, 0.07, rgb("#fbf7ee") * (0.85 + 0.2 * fbm(c.x * 60, c.y * 60, 4, 2))[..., None], ry=0.135)
        stripes = step(0.3, 0.8, np.sin((c.y - c.x * 0.6) * 110))
        c.disc(cx, cy - 0.005, 0.065, mix(top, mix(top, WHITE, 0.55), stripes * 0.7), ry=0.13)
    for k in range(6):
        cx, cy = x - 0.43 + 0.17 * k, y + 0.18
        c.disc(cx + 0.01, cy + 0.015, 0.077, BLACK, alpha=0.5, soft=0.3)
        c.disc(cx, cy, 0.072, rgb("#12201a"))
        c.disc(cx, cy, 0.06, rgb("#f8f4ea") * (0.85 + 0.2 * fbm(c.x * 70, c.y * 70, 5, 2))[..., None])
        c.disc(cx, cy, 0.03, rgb(("#f0713c", "#5fa83a", "#f2c53d")[k % 3]), soft=0.15)
    for px, py, a in scatter(rng, x + 0.44, y - 0.18, 0.05, 9):
        c.disc(px, py, 0.028, rgb("#8fbf4a") * (0.8 + 0.03 * a), soft=0.3)


def eggs(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Fry eggs in an iron pan with tomatoes."""
    shadow(c, x, y, 0.44)
    c.polygon([(x + 0.35, y - 0.05), (x + 1.1, y - 0.22), (x + 1.1, y - 0.1), (x + 0.37, y + 0.06)], rgb("#1d1c1d"))
    c.disc(x, y, 0.44, rgb("#2b2a2b"))
    c.disc(x, y, 0.39, rgb("#171617") * (0.8 + 0.9 * fbm(c.x * 10, c.y * 10, look.seed, 4))[..., None], soft=0.05)
    for dx, dy in ((-0.15, -0.08), (0.14, -0.12), (0.02, 0.16)):
        cx, cy = x + dx, y + dy
        reach = np.hypot(c.x - cx, c.y - cy) + 0.07 * fbm(c.x * 8, c.y * 8, look.seed + 3, 3)
        c.fill(step(0.195, 0.18, reach), mix(rgb("#fffdf6"), rgb("#d9a458"), step(0.165, 0.19, reach)))
        c.disc(cx, cy, 0.068, mix(rgb("#f08a12"), rgb("#ffc53a"), step(0.06, -0.06, c.x - cx + c.y - cy)))
        c.disc(cx - 0.02, cy - 0.022, 0.014, WHITE, alpha=0.85, soft=0.6)
    for px, py, a in scatter(rng, x, y, 0.34, 9):
        c.disc(px, py, 0.036, mix(rgb("#c9201a"), rgb("#ff6a4a"), step(0.02, -0.03, c.y - py)))
        leaf(c, px + 0.05, py, 0.026, a, rgb("#3f8f3a"))


def citrus(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Cut oranges, lemons and grapefruit open on a board."""
    kinds = (("#f28a1c", "#ffb648"), ("#f0cf2a", "#fff08a"), ("#e0502f", "#ff9478"), ("#8fbf2f", "#d8ee8a"))
    for k, (dx, dy, r) in enumerate(
        (
            (-0.3, -0.16, 0.17),
            (0.06, -0.2, 0.14),
            (0.36, -0.04, 0.18),
            (-0.06, 0.16, 0.2),
            (-0.42, 0.22, 0.13),
            (0.3, 0.3, 0.12),
        )
    ):
        cx, cy = x + dx, y + dy
        rind, flesh = (rgb(code) for code in kinds[(k + look.seed) % 4])
        shadow(c, cx, cy, r)
        c.disc(cx, cy, r, rind)
        c.disc(cx, cy, r * 0.92, rgb("#fff6df"))
        around, reach = np.arctan2(c.y - cy, c.x - cx) + k, np.hypot(c.x - cx, c.y - cy) / r
        wedge = np.abs((around * 9 / (2 * math.pi)) % 1 - 0.5)
        pulp = mix(rind, flesh, fbm(around * 9, reach * 4, look.seed + k, 3))
        c.fill(step(0.84, 0.8, reach) * step(0.07, 0.12, reach) * step(0.47, 0.42, wedge), pulp)
    for px, py, a in scatter(rng, x, y, 0.5, 8):
        leaf(c, px, py, 0.055, a * 2, rgb("#3f7a34"))


DISHES = {
    "soup": soup,
    "pizza": pizza,
    "noodles": noodles,
    "bread": bread,
    "tart": tart,
    "sushi": sushi,
    "eggs": eggs,
    "citrus": citrus,
}


def cutting_board(c: Canvas, x: float, y: float) -> None:
    """Lay a round-grained board under the dish."""
    grain = fbm(c.x * 2, c.y * 28, 8, 4)
    c.polygon([(x - 0.6, y - 0.38), (x + 0.66, y - 0.38), (x + 0.66, y + 0.5), (x - 0.6, y + 0.5)], BLACK, 0.5, 0.025)
    c.polygon(
        [(x - 0.63, y - 0.43), (x + 0.63, y - 0.43), (x + 0.63, y + 0.45), (x - 0.63, y + 0.45)],
        mix(rgb("#a9743f"), rgb("#dcae74"), grain),
    )


def side_dish(c: Canvas, look: Look, x: float, y: float, r: float, rng: np.random.Generator) -> None:
    """Put a small bowl of something, or a glass, at the edge."""
    plate(c, x, y, r, rgb(("#e9e3d8", "#35506a", "#b9532f", "#3a3a3c")[int(rng.integers(4))]))
    tone = rgb(("#7fae3a", "#c8352a", "#f0c24a", "#5b3218", "#e8e0cc")[int(rng.integers(5))])
    for px, py, _ in scatter(rng, x, y, r * 0.58, 42):
        c.disc(px, py, r * 0.13, tone * rng.uniform(0.7, 1.2), soft=0.35)


def cutlery(c: Canvas, x: float, y: float) -> None:
    """Lay a fork and a knife beside the plate."""
    steel = mix(rgb("#8d9298"), rgb("#f2f4f6"), step(-0.3, 0.3, np.sin(c.x * 160)))
    for dx in (0.0, 0.09):
        c.polygon(
            [
                (x + dx - 0.006, y - 0.3),
                (x + dx + 0.034, y - 0.3),
                (x + dx + 0.034, y + 0.36),
                (x + dx - 0.006, y + 0.36),
            ],
            BLACK,
            0.35,
            0.01,
        )
        c.polygon(
            [
                (x + dx - 0.008, y - 0.05),
                (x + dx + 0.008, y - 0.05),
                (x + dx + 0.013, y + 0.34),
                (x + dx - 0.013, y + 0.34),
            ],
            steel,
        )
    c.polygon([(x + 0.076, y - 0.3), (x + 0.1, y - 0.32), (x + 0.112, y - 0.05), (x + 0.08, y - 0.04)], steel)
    for tine in (-0.018, -0.006, 0.006, 0.018):
        c.stroke([(x + tine, y - 0.3), (x + tine, y - 0.14)], 0.005, rgb("#d5d9dd"))
    c.polygon([(x - 0.022, y - 0.16), (x + 0.022, y - 0.16), (x + 0.008, y - 0.05), (x - 0.008, y - 0.05)], steel)


# Trains


def trains(c: Canvas, look: Look) -> None:
    """Paint a train in its landscape: on a viaduct, beside the water, head-on along the rails, or at a station."""
    hour = look.hour
    sky(c, hour, 0.72)
    if look.dark:
        stars(c, look, 100, 0.55)
    clouds(c, look, 0.72, 0.4)
    if not look.has("grey"):
        sun(c, hour, MIDDLE + look.rng().choice((-1, 1)) * 0.55, 0.32, 0.04)
    tones = {"snow": ("#b8c8dc", "#d5e0ec", "#eef3f8"), "autumn": ("#8a7a70", "#b5793a", "#8f4f22")}
    hills(
        c, look, 0.62, next((tones[word] for word in tones if look.has(word)), ("#7089a0", "#5f8558", "#4b7038")), 0.26
    )
    head = MIDDLE + 0.5 + 0.16 * look.t - (0.55 if look.t else 0.0) + look.rng(1).uniform(-0.12, 0.12)
    if look.has("headon"):
        head_on(c, look)
    elif look.has("station"):
        station_hall(c, look)
    elif look.has("viaduct"):
        train(c, look, head, 0.5, 0.09)
        viaduct(c, look, 0.5)
    else:
        railway_bank(c, look, 0.78)
        train(c, look, head, 0.78, 0.16)
    if look.has("snow"):
        falling(c, look, 150, WHITE, slant=0.2, speed=0.25, length=0)


LIVERIES = {
    "green": ("#1f5a3a", "#e8d6a0"),
    "red": ("#a52a22", "#f2e3c2"),
    "blue": ("#1f3f7a", "#e6e8ee"),
    "silver": ("#b9bfc6", "#d23a2a"),
}


def train(c: Canvas, look: Look, head: float, rail: float, size: float) -> None:
    """Couple carriages behind a steam or an electric engine that runs to the right."""
    hour = look.hour
    livery = next((LIVERIES[word] for word in LIVERIES if look.has(word)), LIVERIES["green"])
    body, trim = (hour.lit(rgb(code), 0.04) for code in livery)
    pane = rgb("#ffdc8c") if hour.brightness < 0.85 else hour.lit(rgb("#33414c"))
    length = size * 3.0
    for k in range(1, 9):
        carriage(c, head - length * (k + 0.05), head - length * k + length * 0.9, rail, size, body, trim, pane, hour)
    if look.has("steam"):
        steam_engine(c, look, head, rail, size, body)
        return
    nose = [
        (head - size * 2.75, rail - size * 0.25),
        (head - size * 2.75, rail - size * 1.15),
        (head - size * 0.7, rail - size * 1.15),
        (head, rail - size * 0.55),
        (head + size * 0.12, rail - size * 0.2),
    ]
    c.polygon(nose, body * (1.15 - 0.5 * step(-1.2, 0.0, (c.y - rail) / size))[..., None])
    c.polygon(
        [
            (head - size * 0.95, rail - size * 1.03),
            (head - size * 0.66, rail - size * 1.03),
            (head - size * 0.15, rail - size * 0.62),
            (head - size * 0.85, rail - size * 0.62),
        ],
        rgb("#16202b"),
    )
    c.box(head - size * 2.75, rail - size * 0.5, head - size * 0.02, rail - size * 0.4, trim)
    wheels(c, head - size * 2.5, head - size * 0.4, 4, rail, size * 0.13, hour)
    c.glow(head + size * 0.05, rail - size * 0.35, size * 0.3, rgb("#fff4d0"), 0.9)


def carriage(
    c: Canvas, x0: float, x1: float, rail: float, size: float, body: Array, trim: Array, pane: Array, hour: Hour
) -> None:
    """Draw one carriage with a row of windows."""
    shade = (1.15 - 0.5 * step(-1.2, 0.0, (c.y - rail) / size))[..., None]
    c.box(x0 - size * 0.3, rail - size * 0.35, x1 + size * 0.3, rail - size * 0.28, hour.lit(rgb("#181818")))
    c.box(x0, rail - size * 1.12, x1, rail - size * 0.24, body * shade)
    c.polygon(
        [
            (x0, rail - size * 1.1),
            (x0 + size * 0.15, rail - size * 1.24),
            (x1 - size * 0.15, rail - size * 1.24),
            (x1, rail - size * 1.1),
        ],
        hour.lit(rgb("#8a8d90")),
    )
    c.box(x0, rail - size * 0.52, x1, rail - size * 0.46, trim)
    count = 6
    for k in range(count):
        at = x0 + (x1 - x0) * (k + 0.5) / count
        c.box(at - size * 0.15, rail - size * 0.98, at + size * 0.15, rail - size * 0.62, pane)
    wheels(c, x0 + size * 0.3, x1 - size * 0.3, 4, rail, size * 0.13, hour)


def wheels(c: Canvas, x0: float, x1: float, count: int, rail: float, r: float, hour: Hour) -> None:
    """Put wheels on the rail."""
    for x in np.linspace(x0, x1, count):
        c.disc(x, rail - r, r, hour.lit(rgb("#1c1c1e")))
        c.disc(x, rail - r, r * 0.45, hour.lit(rgb("#8d8d90")))


def steam_engine(c: Canvas, look: Look, head: float, rail: float, size: float, body: Array) -> None:
    """Put a steam engine at the head, with its plume over the train."""
    hour = look.hour
    iron = hour.lit(rgb("#20242a"))
    barrel = iron + (0.25 * np.exp(-(((c.y - rail + size * 0.95) / (size * 0.12)) ** 2)))[..., None] * hour.brightness
    c.box(head - size * 2.8, rail - size * 1.3, head - size * 2.0, rail - size * 0.3, body)
    c.box(head - size * 2.9, rail - size * 1.38, head - size * 1.9, rail - size * 1.28, iron)
    c.box(
        head - size * 2.6,
        rail - size * 1.15,
        head - size * 2.2,
        rail - size * 0.8,
        rgb("#ffbf66") if hour.brightness < 0.85 else iron * 0.6,
    )
    c.box(head - size * 2.0, rail - size * 1.12, head - size * 0.15, rail - size * 0.5, barrel)
    c.disc(head - size * 0.15, rail - size * 0.81, size * 0.31, iron, ry=size * 0.31)
    c.box(head - size * 0.6, rail - size * 1.5, head - size * 0.38, rail - size * 1.1, iron)
    c.box(head - size * 0.66, rail - size * 1.56, head - size * 0.32, rail - size * 1.48, iron)
    c.disc(head - size * 1.25, rail - size * 1.12, size * 0.16, hour.lit(rgb("#c9963a")))
    c.polygon(
        [
            (head - size * 2.8, rail - size * 0.5),
            (head, rail - size * 0.5),
            (head + size * 0.3, rail - size * 0.08),
            (head - size * 2.8, rail - size * 0.2),
        ],
        iron,
    )
    for x in (-1.75, -1.2, -0.65):
        c.disc(head + size * x, rail - size * 0.27, size * 0.27, hour.lit(rgb("#8f2a20")))
        c.disc(head + size * x, rail - size * 0.27, size * 0.21, iron)
        c.disc(head + size * x, rail - size * 0.27, size * 0.07, hour.lit(rgb("#8f2a20")))
    c.stroke(
        [(head - size * 1.75, rail - size * 0.2), (head - size * 0.65, rail - size * 0.2)],
        size * 0.07,
        hour.lit(rgb("#b0b4b8")),
    )
    c.glow(head + size * 0.1, rail - size * 0.95, size * 0.22, rgb("#fff0c0"), 0.9)
    rng = look.rng(15)
    for puff in range(46):
        back = puff / 46
        x = head - size * (0.5 + 9.5 * back) + rng.normal(0, size * 0.1)
        y = rail - size * (1.6 + 2.0 * back**0.6 + rng.normal(0, 0.12) + 0.1 * math.sin(3 * look.t + puff))
        tone = mix(hour.lit(rgb("#8d8f96")), mix(hour.low, WHITE, 0.6) * max(hour.brightness, 0.6), rng.uniform(0.2, 1))
        c.disc(x, y, size * (0.22 + 0.9 * back), tone, alpha=0.55 * (1 - back) ** 0.7, soft=0.9)


def viaduct(c: Canvas, look: Look, deck: float) -> None:
    """Carry the line on tall stone arches."""
    pitch, half = 0.29, 0.105
    local = (c.x + 0.1) % pitch - pitch / 2
    arch = deck + 0.17 - np.sqrt(np.clip(half**2 - local**2, 0, None)) * 1.15
    opening = (np.abs(local) < half) & (c.y > arch)
    courses = (
        0.75
        + 0.3 * lottery(np.floor(c.x * 34 + np.floor(c.y * 48) % 2 * 0.5), np.floor(c.y * 48), look.seed)
        + 0.2 * (fbm(c.x * 8, c.y * 8, look.seed, 4) - 0.5)
    )
    rim = step(0.022, 0.012, np.abs(arch - c.y)) * (np.abs(local) < half)
    stone = (
        look.hour.lit(rgb("#b39a7c"), 0.08) * (courses + 0.2 * rim - 0.3 * np.clip(local / pitch, -0.5, 0.5))[..., None]
    )
    valley = 0.9 + 0.07 * np.cos((c.x - MIDDLE) * 2.2) + 0.03 * fbm(c.x * 6, 0.0, look.seed, 4)
    c.fill((c.y > deck) * (~opening) * (c.y < valley), stone)
    c.box(-0.3, deck - 0.012, 2.1, deck + 0.02, look.hour.lit(rgb("#8f7a60")))
    ground = (
        look.hour.lit(rgb("#46682f" if not look.has("snow") else "#e6edf4"))
        * (0.6 + 0.7 * fbm(c.x * 14, c.y * 30, look.seed + 4, 4))[..., None]
    )
    terrain(c, valley, ground)


def railway_bank(c: Canvas, look: Look, rail: float) -> None:
    """Lay ballast, sleepers and grass before a line that runs across."""
    hour = look.hour
    grass = (
        hour.lit(rgb("#55752f" if not look.has("snow") else "#e9eff5"))
        * (0.6 + 0.8 * fbm(c.x * 22, c.y * 9, look.seed + 1, 5))[..., None]
    )
    terrain(c, np.full_like(c.x, rail - 0.05), grass)
    terrain(
        c,
        rail + 0.012 * noise(c.x * 20, 0.0, 4),
        hour.lit(rgb("#7d746a")) * (0.5 + fbm(c.x * 60, c.y * 60, 5, 3))[..., None],
    )
    terrain(c, rail + 0.075 + 0.05 * fbm(c.x * 9, 1.0, look.seed, 5), grass * 0.75)
    c.box(-0.3, rail, 2.1, rail + 0.012, hour.lit(rgb("#6a5a50")))
    for x in np.arange(-0.2, 2.0, 0.42):
        c.stroke([(x, rail), (x, rail - 0.42), (x + 0.12, rail - 0.4)], 0.007, hour.lit(rgb("#3c4046")))
    c.stroke([(-0.2, rail - 0.37), (2.0, rail - 0.37)], 0.003, hour.lit(rgb("#202428")), 0.8)


def head_on(c: Canvas, look: Look) -> None:
    """Look along the rails at an engine that comes closer."""
    hour, vanish = look.hour, (MIDDLE, 0.56)
    near = np.clip((c.y - vanish[1]) / (1 - vanish[1]), 0.004, 1)
    ballast = hour.lit(rgb("#857a6e")) * (0.5 + fbm((c.x - MIDDLE) / near * 8, 9 / near, look.seed, 4))[..., None]
    c.fill((np.abs(c.x - MIDDLE) < 0.75 * near + 0.02) * (c.y > vanish[1]), ballast)
    sleepers = (
        step(0.25, 0.1, np.abs((2.2 / near + look.t * 1.4) % 1 - 0.5) - 0.12)
        * (np.abs(c.x - MIDDLE) < 0.5 * near)
        * (c.y > vanish[1])
    )
    c.fill(sleepers * step(0.03, 0.12, near), hour.lit(rgb("#4a382b")))
    for side in (-1, 1):
        c.polygon(
            [(MIDDLE + side * 0.003, vanish[1]), (MIDDLE + side * 0.33, 1.02), (MIDDLE + side * 0.385, 1.02)],
            hour.lit(rgb("#c9ced4")),
        )
    r = 0.15 + 0.014 * look.t
    x, rail = MIDDLE, vanish[1] + 0.24 + 0.02 * look.t
    body = hour.lit(rgb(next((LIVERIES[word] for word in LIVERIES if look.has(word)), LIVERIES["green"])[0]))
    smoke(c, look, x, rail - 3.0 * r, r * 0.5, 0.45, mix(hour.low, WHITE, 0.5) * max(hour.brightness, 0.55), 0.9)
    c.disc(x, rail + 0.01, r * 1.6, BLACK, ry=r * 0.2, alpha=0.6, soft=0.6)
    c.box(x - r * 1.3, rail - r * 2.5, x + r * 1.3, rail - r * 0.3, body * 0.75)
    c.box(x - r * 1.4, rail - r * 2.62, x + r * 1.4, rail - r * 2.4, hour.lit(rgb("#1b1d20")))
    for side in (-1, 1):
        c.box(
            x + side * r * 1.12 - r * 0.13,
            rail - r * 2.2,
            x + side * r * 1.12 + r * 0.13,
            rail - r * 1.7,
            rgb("#ffcf7a"),
        )
    c.box(x - r * 0.25, rail - r * 3.1, x + r * 0.25, rail - r * 2.2, hour.lit(rgb("#1b1d20")))
    c.disc(x, rail - r * 1.45, r, hour.lit(rgb("#25292e")))
    c.disc(
        x,
        rail - r * 1.45,
        r * 0.84,
        hour.lit(rgb("#3f454c")) * (1.2 - 0.5 * step(-1, 1, (c.y - rail + r * 1.45) / r))[..., None],
    )
    c.box(x - r * 1.45, rail - r * 0.62, x + r * 1.45, rail - r * 0.32, hour.lit(rgb("#a5251c")))
    c.polygon(
        [(x - r * 1.1, rail - r * 0.32), (x + r * 1.1, rail - r * 0.32), (x + r * 0.75, rail), (x - r * 0.75, rail)],
        hour.lit(rgb("#2a2c30")),
    )
    for dx, dy in ((0, -2.3), (-1.05, -0.75), (1.05, -0.75)):
        c.disc(x + dx * r, rail + dy * r, r * 0.17, rgb("#fffbe8"))
        c.glow(x + dx * r, rail + dy * r, r * 0.5, rgb("#ffe9b0"), 0.85)


def station_hall(c: Canvas, look: Look) -> None:
    """Stand under the iron roof of a terminus, a train waiting at the platform."""
    hour, vanish = look.hour, (MIDDLE - 0.1, 0.58)
    c.rgb[:] = mix(c.rgb, mix(hour.low, WHITE, 0.2), 0.5)
    for k in range(7):
        depth = 1 + 4.5 * (1 - k / 6) ** 1.3
        arc = [
            (vanish[0] + 1.25 / depth * math.cos(a), vanish[1] - 0.12 / depth - 0.75 / depth * math.sin(a))
            for a in np.linspace(0, math.pi, 30)
        ]
        iron = mix(rgb("#23282e"), hour.low, 0.12 * depth)
        c.stroke(arc, 0.03 / depth, iron)
        for side in (-1, 1):
            c.stroke(
                [
                    (vanish[0] + side * 1.25 / depth, vanish[1] - 0.12 / depth),
                    (vanish[0] + side * 1.25 / depth, vanish[1] + 0.42 / depth),
                ],
                0.035 / depth,
                iron,
            )
    for a in np.linspace(0.15, math.pi - 0.15, 11):
        c.stroke(
            [
                (vanish[0] + 1.25 * math.cos(a), vanish[1] - 0.12 - 0.75 * math.sin(a)),
                (vanish[0] + 0.2 * math.cos(a), vanish[1] - 0.14 * math.sin(a)),
            ],
            0.007,
            rgb("#2a3036"),
            0.7,
        )
    near = np.clip((c.y - vanish[1]) / (1 - vanish[1]), 0.003, 1)
    floor = (
        hour.lit(rgb("#a89a88")) * (0.7 + 0.35 * noise((c.x - vanish[0]) / near * 5, 5 / near, look.seed))[..., None]
    )
    c.fill((c.y > vanish[1] + 0.04).astype(np.float32), floor)
    livery = next((LIVERIES[word] for word in LIVERIES if look.has(word)), LIVERIES["red"])
    body, trim = (hour.lit(rgb(code)) for code in livery)
    roof, foot = (1.0, 0.0), (1.0, 1.02)

    def wall(level: float, depth: float) -> Point:
        x = vanish[0] + (0.08 + 0.92 * depth) * 1.0
        return x, vanish[1] + (level - vanish[1]) * (0.08 + 0.92 * depth)

    c.polygon([wall(roof[1] + 0.12, 0), wall(roof[1] + 0.12, 1), wall(foot[1], 1), wall(foot[1], 0)], body)
    c.polygon([wall(0.72, 0), wall(0.72, 1), wall(0.77, 1), wall(0.77, 0)], trim)
    for k in range(9):
        d0, d1 = (k / 9) ** 1.5, ((k + 0.72) / 9) ** 1.5
        c.polygon(
            [wall(0.28, d0), wall(0.28, d1), wall(0.62, d1), wall(0.62, d0)], mix(rgb("#ffdf9a"), rgb("#5b6f80"), 0.15)
        )
    c.polygon(
        [
            (vanish[0] + 0.08, vanish[1] + 0.035),
            (vanish[0] + 0.55, 1.02),
            (vanish[0] + 0.72, 1.02),
            (vanish[0] + 0.085, vanish[1] + 0.035),
        ],
        rgb("#1d1b1a"),
        0.85,
    )
    c.polygon(
        [
            (vanish[0] + 0.07, vanish[1] + 0.035),
            (vanish[0] + 0.47, 1.02),
            (vanish[0] + 0.53, 1.02),
            (vanish[0] + 0.075, vanish[1] + 0.035),
        ],
        rgb("#f0c83a"),
    )
    for x, depth in ((-0.55, 0.9), (-0.25, 0.6), (-0.35, 0.42), (0.06, 0.5), (-0.12, 0.3)):
        person(
            c,
            vanish[0] + x + 0.01 * look.t,
            vanish[1] + 0.42 * depth,
            0.42 * depth,
            rgb("#22242a"),
            shirt=rgb("#3a3f52"),
            stride=0.1,
        )


# Haunted house


def horror(c: Canvas, look: Look) -> None:
    """Paint an old house on a hill under a storm, with lightning, a moon, graves or a dead tree."""
    rng = look.rng()
    eerie = rgb(("#3d5a4a", "#4a3a6a", "#5a2f3a", "#33506a")[int(rng.integers(4))])
    storm = fbm(c.x * 1.5 + look.t * 0.08, c.y * 3.4, look.seed, 6)
    edge = storm - fbm(c.x * 1.5 + look.t * 0.08, c.y * 3.4 + 0.2, look.seed, 5)
    c.rgb[:] = mix(rgb("#05060a"), eerie, np.clip(0.15 + 0.9 * storm * (0.5 + 0.6 * c.y) + 1.4 * edge, 0, 1))
    side = int(rng.choice((-1, 1)))
    x = MIDDLE + side * rng.uniform(0.1, 0.35)
    if look.has("moon"):
        sun(c, Hour(eerie, eerie, eerie, mix(WHITE, eerie, 0.25), 0.3), x - side * 0.12, 0.3, 0.17)
        c.fill(step(0.5, 0.75, storm) * 0.5, rgb("#0a0b10"))
    flash = 1.0 if look.t == 0 or look.t % 1.5 < 0.34 else 0.12
    if look.has("lightning"):
        for start in (MIDDLE - side * rng.uniform(0.25, 0.6), x + side * 0.3):
            lightning(c, start, flash, look.rng(int(start * 100)))
    hill = 0.76 - 0.12 * np.exp(-(((c.x - x) / 0.45) ** 2)) + 0.04 * fbm(c.x * 5, 0.0, look.seed + 4, 5)
    house(c, look, x, 0.67, rng.uniform(0.72, 0.8), side)
    grass = ridged(c.x * 40, c.y * 3, look.seed + 6, 2) * 0.02
    terrain(
        c,
        hill - grass,
        mix(
            eerie * 0.12,
            eerie * 0.38,
            fbm(c.x * 9, (c.y - hill) * 18, look.seed + 7, 5) * np.clip(1.2 - (c.y - hill) * 5, 0.2, 1),
        ),
    )
    path = np.abs(c.x - x + (c.y - 0.68) * side * 0.7 * np.sin(c.y * 7)) / (0.02 + 0.32 * np.clip(c.y - 0.68, 0, 1))
    c.fill(step(1.0, 0.6, path) * (c.y > hill) * 0.45, eerie * 0.75)
    mist(c, look, 0.83, 0.09, 0.5, mix(eerie, WHITE, 0.18))
    ink = rgb("#030405")
    branches(c, (MIDDLE - side * 0.6, 1.0), math.pi / 2 + side * 0.12, 0.2, 0.035, ink, look.rng(14))
    if look.has("graves"):
        for k in range(6):
            gravestone(c, MIDDLE - side * (0.75 - 0.23 * k), 0.93 + 0.03 * (k % 2), 0.13 - 0.012 * (k % 3), ink)
    else:
        for post in np.arange(-0.1, 1.9, 0.062):
            c.stroke([(post, 1.02), (post, 0.91)], 0.008, ink)
            c.polygon([(post - 0.012, 0.915), (post, 0.885), (post + 0.012, 0.915)], ink)
        c.box(-0.2, 0.945, 2.0, 0.955, ink)
    for k in range(9):
        bat(
            c,
            x + rng.normal(0, 0.35) + 0.06 * look.t,
            rng.uniform(0.08, 0.4),
            rng.uniform(0.02, 0.045),
            math.sin(11 * look.t + k),
        )
    if look.has("rain"):
        falling(c, look, 150, rgb("#9fb4c4"), slant=0.2, speed=1.5, length=0.06)


def lightning(c: Canvas, x: float, strength: float, rng: np.random.Generator) -> None:
    """Strike from the clouds, with forks."""
    bolt = [(x, -0.02)]
    while bolt[-1][1] < 0.72:
        bolt.append((bolt[-1][0] + rng.normal(0, 0.035), bolt[-1][1] + rng.uniform(0.03, 0.07)))
        if rng.random() < 0.3:
            fork = [bolt[-1]]
            for _ in range(4):
                fork.append((fork[-1][0] + rng.normal(0.03, 0.03), fork[-1][1] + rng.uniform(0.02, 0.05)))
            c.stroke(fork, 0.004, rgb("#dfe6ff"), 0.7 * strength)
    for px, py in bolt[::2]:
        c.glow(px, py, 0.11, rgb("#8f9cff"), 0.16 * strength)
    c.stroke(bolt, 0.009, rgb("#f6f8ff"), strength)


def house(c: Canvas, look: Look, x: float, foot: float, size: float, side: int) -> None:
    """Build the house: a gabled body, a tower with a witch's hat, crooked chimneys, a few lit windows."""
    ink, rim = rgb("#08080c"), rgb("#15161d")

    def at(dx: float, dy: float) -> Point:
        return x + side * dx * size, foot - dy * size

    def shape(points: Sequence[Point], colour: Array = ink) -> None:
        c.polygon([at(*p) for p in points], colour)

    shape([(-0.2, -0.1), (-0.2, 0.26), (0.24, 0.26), (0.24, -0.1)])
    shape([(-0.25, 0.25), (-0.1, 0.42), (0.16, 0.42), (0.29, 0.25)], rim)
    shape([(-0.02, 0.26), (0.08, 0.47), (0.18, 0.26)])
    shape([(0.2, -0.1), (0.2, 0.16), (0.4, 0.16), (0.4, -0.1)])
    shape([(0.18, 0.15), (0.3, 0.29), (0.43, 0.15)], rim)
    shape([(-0.3, -0.1), (-0.29, 0.46), (-0.13, 0.46), (-0.12, -0.1)])
    shape([(-0.33, 0.45), (-0.2, 0.76), (-0.1, 0.45)], rim)
    shape([(0.16, 0.38), (0.165, 0.52), (0.2, 0.53), (0.2, 0.36)])
    c.stroke([at(-0.2, 0.75), at(-0.2, 0.83)], 0.005, ink)
    flicker = 0.85 + 0.15 * math.sin(9 * look.t + look.seed)
    lit = look.rng(12).random(8)
    for k, (dx, dy) in enumerate(
        (
            (-0.21, 0.34),
            (-0.21, 0.14),
            (-0.04, 0.14),
            (0.07, 0.14),
            (0.08, 0.31),
            (0.17, 0.14),
            (0.3, 0.06),
            (-0.21, 0.0),
        )
    ):
        if lit[k] < 0.72:
            warm = mix(rgb("#ffb84a"), rgb("#e8572a"), float(lit[k])) * flicker
            shape(
                [
                    (dx - 0.022, dy - 0.03),
                    (dx - 0.022, dy + 0.035),
                    (dx, dy + 0.055),
                    (dx + 0.022, dy + 0.035),
                    (dx + 0.022, dy - 0.03),
                ],
                warm,
            )
            shape([(dx - 0.003, dy - 0.03), (dx - 0.003, dy + 0.05), (dx + 0.003, dy + 0.05), (dx + 0.003, dy - 0.03)])
            c.glow(*at(dx, dy), 0.07 * size, warm, 0.5)


def gravestone(c: Canvas, x: float, foot: float, size: float, ink: Array) -> None:
    """Stand a leaning stone in the grass."""
    lean = 0.2 * math.sin(40 * x)
    arc = [
        (x + size * (0.4 * math.cos(a) + lean), foot - size * (0.8 + 0.4 * math.sin(a)))
        for a in np.linspace(0, math.pi, 14)
    ]
    c.polygon([(x + size * 0.4, foot + 0.02), *arc, (x - size * 0.4, foot + 0.02)], ink + 0.03)


def bat(c: Canvas, x: float, y: float, size: float, beat: float) -> None:
    """Let a bat flutter."""
    tip = y - size * 0.5 * beat
    wing = [
        (x, y),
        (x - size * 0.5, tip - size * 0.35),
        (x - size * 1.3, tip),
        (x - size * 0.9, y + size * 0.1),
        (x - size * 0.5, y + size * 0.05),
        (x, y + size * 0.35),
    ]
    c.polygon([*wing, *[(2 * x - px, py) for px, py in reversed(wing)]], BLACK, 0.95)


# Football


def football(c: Canvas, look: Look) -> None:
    """Paint a ground: the whole stadium, the goal, the ball on its spot or the players."""
    hour, rng = look.hour, look.rng()
    horizon = 0.4 if not look.has("ball") else 0.3
    sky(c, hour, 0.45)
    if hour.brightness > 0.5:
        clouds(c, look, 0.5, 0.35)
    stands(c, look, horizon)
    pitch(c, look, horizon)
    if look.has("goal"):
        goal(c, MIDDLE, horizon + 0.26, 0.62, 0.34)
        person(
            c,
            MIDDLE + 0.2 * math.sin(1.2 * look.t + look.seed),
            horizon + 0.27,
            0.24,
            rgb("#1d1d20"),
            shirt=rgb("#f2c531"),
            arms=(0.4, 0.7),
            stride=0.16,
        )
    kits = (("#d62f2b", "#f5f5f5"), ("#2456b5", "#f2c531"), ("#f2f2f2", "#1f7a4a"))[int(rng.integers(3))]
    if not look.has("ball"):
        players(c, look, horizon, kits, 0.14 if look.has("wide") else 0.26)
    else:
        c.blur(0.006)
        ball(c, look, MIDDLE + rng.uniform(-0.25, 0.25) + 0.05 * look.t, 0.72, 0.2)
    if look.has("night") or look.has("dusk"):
        for x in (0.12, 0.62, 1.16, 1.66):
            floodlight(c, x, 0.07)
    if look.has("rain"):
        falling(c, look, 130, rgb("#e0ecf4"), slant=0.1, speed=1.3, length=0.06)


def stands(c: Canvas, look: Look, horizon: float) -> None:
    """Fill the stands with a crowd under a roof."""
    hour = look.hour
    top, bright = horizon - 0.24, max(hour.brightness, 0.55)
    rows = np.floor((c.y - top) * 70)
    seats = lottery(np.floor(c.x * 95 + rows * 0.5), rows + np.floor(look.t * 3) * 0, look.seed)
    clothes = np.array(
        [rgb(code) for code in ("#c9443a", "#e8e4dc", "#2c4f8f", "#3a3a40", "#e0b03a", "#8a8f98", "#b98a6a")]
    )
    crowd = (
        clothes[(seats * 700).astype(int) % 7] * (0.35 + 0.5 * noise(c.x * 90, c.y * 90, look.seed))[..., None] * bright
    )
    c.fill(((c.y > top) & (c.y < horizon + 0.01)).astype(np.float32), crowd.astype(np.float32))
    c.box(-0.2, top + 0.11, 2.0, top + 0.125, rgb("#2b2f36") * bright)
    c.polygon([(-0.2, top - 0.06), (2.0, top - 0.06), (2.0, top + 0.015), (-0.2, top + 0.015)], rgb("#6d7680") * bright)
    c.fill(np.exp(-np.clip(c.y - top - 0.015, 0, 1) * 16) * (c.y > top + 0.015) * (c.y < horizon) * 0.6, BLACK)
    boards = np.array([rgb(code) for code in ("#1f5fae", "#f2f2ee", "#d6322a", "#1f8a5a", "#f0c02f")])[
        (np.floor(c.x * 5).astype(int) + look.seed) % 5
    ]
    c.fill(((c.y > horizon - 0.022) & (c.y < horizon + 0.012)).astype(np.float32), (boards * bright).astype(np.float32))


def pitch(c: Canvas, look: Look, horizon: float) -> None:
    """Roll out striped turf with chalk lines, in perspective."""
    hour = look.hour
    far = 0.22 / np.clip(c.y - horizon + 0.1, 0.01, 2)
    x, z = (c.x - MIDDLE) * far * 4, far * 6
    stripes = step(-0.15, 0.15, np.sin(z * 3.2 if look.seed % 2 else x * 4.2))
    blades = fbm(x * 26, z * 30, look.seed, 3)
    turf = mix(rgb("#2f7d2c"), rgb("#56a83c"), stripes) * (0.72 + 0.55 * blades)[..., None]
    light = hour.lit(turf) if hour.brightness > 0.5 else turf * 0.82
    c.fill((c.y > horizon + 0.012).astype(np.float32), light)
    wide = 0.035 * far + 0.015

    def line(distance: Array) -> Array:
        return step(1.3, 0.7, np.abs(distance) / wide) * 0.85 * (c.y > horizon + 0.03)

    chalk = line(z - 9.5)
    if look.has("goal"):
        chalk = np.maximum(chalk, line(z - 2.45) * (np.abs(x) < 2.5))
        chalk = np.maximum(chalk, line(np.abs(x) - 2.5) * (z > 2.45))
    else:
        chalk = np.maximum(chalk, line(np.hypot(x, (z - 4.2) * 0.8) - 1.25))
        chalk = np.maximum(chalk, line(x))
    c.fill(chalk, rgb("#f4f8f0") * max(hour.brightness, 0.8))


def goal(c: Canvas, x: float, foot: float, half: float, tall: float) -> None:
    """Put up a goal with its net."""
    for k in range(29):
        at = x - half + 2 * half * k / 28
        c.stroke(
            [(at, foot - tall), (x + (at - x) * 0.92, foot - tall * 0.7), (x + (at - x) * 0.9, foot - 0.03)],
            0.0022,
            WHITE,
            0.6,
        )
    for k in range(13):
        level = foot - tall + (tall - 0.03) * k / 12
        c.stroke([(x - half * 0.95, level), (x + half * 0.95, level)], 0.0022, WHITE, 0.6)
    c.stroke(
        [(x - half, foot), (x - half, foot - tall), (x + half, foot - tall), (x + half, foot)], 0.018, rgb("#fbfbf8")
    )


def players(c: Canvas, look: Look, horizon: float, kits: tuple[str, str], size: float) -> None:
    """Set two teams on the pitch, with their shadows."""
    rng = look.rng(21)
    for k, level in enumerate(np.sort(rng.uniform(horizon + 0.12, 0.97, 9))):
        near = (level - horizon + 0.1) / 0.5
        x, tall = rng.uniform(0.1, 1.7) + 0.04 * look.t * (1 if k % 2 else -1), size * near
        c.disc(x + tall * 0.25, level, tall * 0.4, BLACK, ry=tall * 0.06, alpha=0.4, soft=0.6)
        person(
            c,
            x,
            level,
            tall,
            rgb("#2a211c"),
            shirt=rgb(kits[k % 2]),
            stride=0.12 + 0.1 * math.sin(5 * look.t + k),
            arms=(rng.uniform(-1.3, -0.5), rng.uniform(-1.3, -0.2)),
        )
    c.disc(MIDDLE + 0.12 + 0.05 * look.t, 0.8, size * 0.1, WHITE)


def ball(c: Canvas, look: Look, x: float, y: float, r: float) -> None:
    """Shade a ball of black and white panels that rolls."""
    c.disc(x + r * 0.3, y + r * 0.95, r * 1.2, BLACK, ry=r * 0.25, alpha=0.55, soft=0.6)
    where = c.region(x, y, r, r)
    dx, dy = (c.x[where] - x) / r, (c.y[where] - y) / r
    distance = np.hypot(dx, dy)
    normal = np.stack([dx, dy, np.sqrt(np.clip(1 - distance**2, 0, 1))], -1)
    roll = 0.6 * look.t + look.seed
    turn = np.array([[math.cos(roll), math.sin(roll), 0], [-math.sin(roll), math.cos(roll), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, 0.86, 0.5], [0, -0.5, 0.86]]
    )
    golden = (1 + math.sqrt(5)) / 2
    corners = np.array(
        [p for s in (-1, 1) for u in (-golden, golden) for p in ((0, s, u), (s, u, 0), (u, 0, s))]
    ) / math.hypot(1, golden)
    closeness = np.sort((normal @ turn) @ corners.T, -1)
    black = step(0.925, 0.94, closeness[..., -1].astype(np.float32))
    seam = step(0.02, 0.0, (closeness[..., -1] - closeness[..., -2]).astype(np.float32)) * 0.35
    light = np.clip(0.45 + 0.6 * (normal @ np.array([-0.45, -0.7, 0.55])), 0.15, 1.1)[..., None]
    c.fill(
        step(1, 1 - 2 * c.pixel / r, distance),
        np.clip(mix(mix(WHITE, rgb("#777777"), seam), rgb("#141414"), black) * light, 0, 1).astype(np.float32),
        where,
    )


def floodlight(c: Canvas, x: float, y: float) -> None:
    """Switch on one bank of floodlights."""
    c.stroke([(x, y), (x, 0.2)], 0.01, rgb("#30363e"))
    for dx in (-0.03, -0.01, 0.01, 0.03):
        for dy in (-0.015, 0.015):
            c.disc(x + dx, y + dy, 0.011, WHITE)
    c.glow(x, y, 0.13, rgb("#e8f2ff"), 0.75)
    c.glow(x, y, 0.3, rgb("#bcd4f0"), 0.25)


# Stage and music


STAGE_LIGHTS = (("#ff2f7a", "#3f6bff"), ("#ff9a2e", "#d62fff"), ("#2fe0c8", "#5a3fff"), ("#ffd23f", "#ff3f3f"))


def stage(c: Canvas, look: Look) -> None:
    """Paint a concert: beams of light, a band, a singer, a pianist, a microphone, and the crowd."""
    rng = look.rng()
    one, two = (rgb(code) for code in STAGE_LIGHTS[look.seed % len(STAGE_LIGHTS)])
    c.rgb[:] = mix(rgb("#07060d"), mix(one, two, 0.5) * 0.35, np.exp(-(((c.y - 0.5) / 0.4) ** 2)))
    beams(c, look, one, two)
    floor = 0.74
    c.fill((c.y > floor).astype(np.float32), mix(two * 0.3, rgb("#06060a"), step(floor, 1.0, c.y)))
    c.fill(np.exp(-(((c.y - floor) / 0.05) ** 2)) * 0.5 * (c.y > floor), mix(one, WHITE, 0.2))
    ink = rgb("#050408")
    if look.has("mic"):
        c.blur(0.02)
        microphone(c, MIDDLE + rng.uniform(-0.2, 0.1), one, two)
    elif look.has("piano"):
        c.glow(MIDDLE, 0.6, 0.4, mix(one, WHITE, 0.5), 0.45)
        piano(c, MIDDLE, floor + 0.08, ink, mix(one, WHITE, 0.4))
    elif look.has("singer"):
        c.glow(MIDDLE, 0.5, 0.3, mix(one, WHITE, 0.6), 0.6)
        person(c, MIDDLE, floor + 0.04, 0.46, ink, arms=(1.1 + 0.2 * math.sin(2 * look.t), -0.2), stride=0.13)
        c.stroke([(MIDDLE + 0.19, floor + 0.05), (MIDDLE + 0.1, floor - 0.35)], 0.009, ink)
    else:
        band(c, look, floor, ink)
    if not look.has("mic"):
        crowd(c, look, ink, mix(one, two, 0.5))
    if look.has("confetti"):
        for x, y, k in look.rng(40).random((120, 3)):
            fall = (y + 0.12 * look.t * (0.5 + k)) % 1
            tint = rgb(("#ffd84a", "#ff5a8a", "#5ad8ff", "#ffffff")[int(k * 40) % 4])
            turn = 6.3 * k + 4 * look.t
            a, b = 0.012 * math.cos(turn), 0.012 * math.sin(turn)
            c.polygon(
                [
                    (x * 1.8 - a, fall - b),
                    (x * 1.8 + b * 0.5, fall - a * 0.5),
                    (x * 1.8 + a, fall + b),
                    (x * 1.8 - b * 0.5, fall + a * 0.5),
                ],
                tint,
            )


def beams(c: Canvas, look: Look, one: Array, two: Array) -> None:
    """Swing beams down from the rig through the haze."""
    haze = 0.45 + 0.9 * fbm(c.x * 2 + look.t * 0.1, c.y * 2.4, look.seed, 4)
    c.box(-0.2, 0.02, 2.0, 0.035, rgb("#16151c"))
    c.box(-0.2, 0.065, 2.0, 0.075, rgb("#16151c"))
    for k in range(9):
        x = 0.1 + 0.2 * k
        lean = 0.55 * math.sin(look.seed + k * 1.3 + look.t * 0.9)
        colour = (one, two)[k % 2]
        soft, where = c.mask(
            [(x - 0.008, 0.07), (x + 0.008, 0.07), (x + lean + 0.13, 0.95), (x + lean - 0.13, 0.95)], 0.012
        )
        c.add(soft * haze[where] * np.clip(1.05 - c.y[where] * 0.85, 0, 1) * 0.75, colour, where)
        c.glow(x, 0.075, 0.03, mix(colour, WHITE, 0.5), 1.0)


def band(c: Canvas, look: Look, floor: float, ink: Array) -> None:
    """Line up a guitarist, a singer, a drummer and a bass player."""
    c.box(MIDDLE - 0.24, floor - 0.08, MIDDLE + 0.24, floor + 0.01, ink)
    drummer = floor - 0.1
    person(
        c, MIDDLE, drummer + 0.03, 0.28, ink, arms=(0.5 + 0.4 * math.sin(8 * look.t), 0.5 - 0.4 * math.sin(8 * look.t))
    )
    for dx, dy, r in ((0, -0.02, 0.09), (-0.13, -0.06, 0.05), (0.13, -0.06, 0.05)):
        c.disc(MIDDLE + dx, drummer + dy, r, ink + 0.05)
        c.disc(MIDDLE + dx, drummer + dy, r * 0.86, ink + 0.11)
    for way in (-1, 1):
        c.stroke([(MIDDLE + way * 0.2, drummer), (MIDDLE + way * 0.19, drummer - 0.19)], 0.005, ink)
        c.disc(MIDDLE + way * 0.19, drummer - 0.19, 0.07, rgb("#a8873a"), ry=0.012)
        x = MIDDLE + way * 0.45
        person(c, x, floor + 0.03, 0.36, ink, stride=0.16, arms=(-0.9, -0.5) if way > 0 else (-0.5, -0.9))
        c.disc(x - way * 0.01, floor - 0.14, 0.05, ink + 0.06, ry=0.042)
        c.stroke([(x, floor - 0.15), (x + way * 0.2, floor - 0.24)], 0.014, ink + 0.06)
        c.box(x + way * 0.2 - 0.07, floor - 0.16, x + way * 0.2 + 0.07, floor + 0.01, ink + 0.02)


def crowd(c: Canvas, look: Look, ink: Array, rim: Array) -> None:
    """Fill the front with heads and raised hands, lit from behind."""
    rng = look.rng(33)
    for row in range(3):
        foot, size = 0.93 + 0.07 * row, 0.032 + 0.014 * row
        for x in np.arange(-0.1, 1.9, size * 2.3):
            px = x + rng.uniform(-0.02, 0.02)
            py = foot + rng.uniform(-0.02, 0.02) + 0.008 * math.sin(5 * look.t + 9 * x)
            c.disc(px, py - size * 0.12, size * 1.04, rim * 0.6)
            c.disc(px, py, size, ink)
            c.disc(px, py + size * 2.4, size * 2.0, ink, ry=size * 1.7)
            if rng.random() < 0.3:
                wave = 0.02 * math.sin(4 * look.t + 7 * x)
                for way in (-1, 1):
                    c.stroke(
                        [(px + way * size, py + size), (px + way * size * 1.5 + wave, py - size * 2.6)], size * 0.5, ink
                    )


def microphone(c: Canvas, x: float, one: Array, two: Array) -> None:
    """Hold a big microphone into the light."""
    y, r = 0.42, 0.17
    c.polygon(
        [(x - 0.02, y + 0.12), (x + 0.1, y + 0.05), (x + 0.42, 1.05), (x + 0.22, 1.05)],
        mix(rgb("#0c0c10"), two * 0.6, step(-0.05, 0.12, c.x - x - (c.y - y) * 0.42)),
    )
    mesh = 0.5 + 0.5 * np.clip(np.sin((c.x + c.y) * 190) * np.sin((c.x - c.y) * 190) * 2, -1, 1)
    shine = np.clip(1.0 - np.hypot(c.x - x + 0.06, c.y - y + 0.07) / 0.26, 0, 1)
    c.disc(x, y, r, mix(rgb("#15151a"), mix(one, WHITE, 0.55), (0.25 + 0.75 * mesh) * (0.15 + shine)), ry=r * 1.05)
    c.add(np.exp(-(((np.hypot(c.x - x, c.y - y) - r) / 0.012) ** 2)) * 0.6 * (c.x > x), two)
    c.polygon(
        [(x - 0.13, y + 0.1), (x + 0.15, y - 0.02), (x + 0.165, y + 0.03), (x - 0.11, y + 0.15)],
        mix(rgb("#5a5a62"), WHITE, shine),
    )


def piano(c: Canvas, x: float, foot: float, ink: Array, rim: Array) -> None:
    """Put a grand piano and its player into the light."""
    lid = [(x - 0.18, foot - 0.26), (x + 0.48, foot - 0.56), (x + 0.52, foot - 0.5), (x + 0.4, foot - 0.26)]
    c.polygon([(px, py - 0.008) for px, py in lid], rim * 0.8)
    c.polygon(lid, ink + 0.04)
    c.polygon([(x - 0.22, foot - 0.26), (x + 0.42, foot - 0.26), (x + 0.4, foot - 0.15), (x - 0.22, foot - 0.15)], ink)
    c.box(x - 0.22, foot - 0.265, x + 0.42, foot - 0.258, rim)
    c.box(x - 0.3, foot - 0.2, x - 0.2, foot - 0.18, rim * 0.9)
    for dx in (-0.18, 0.1, 0.37):
        c.box(x + dx - 0.012, foot - 0.16, x + dx + 0.012, foot, ink)
    person(c, x - 0.36, foot - 0.02, 0.36, ink, arms=(-1.4, -0.45), stride=0.1)
    c.box(x - 0.44, foot - 0.13, x - 0.3, foot - 0.11, ink)


WORLDS: dict[str, Callable[[Canvas, Look], None]] = {
    "sea": sea,
    "mountains": mountains,
    "desert": desert,
    "forest": forest,
    "space": space,
    "reef": reef,
    "balloons": balloons,
    "city": city,
    "kitchen": kitchen,
    "trains": trains,
    "horror": horror,
    "football": football,
    "stage": stage,
}


def paint(canvas: Canvas, view: str, seed: int, t: float = 0.0) -> Array:
    """Paint a view on a canvas and scale it down."""
    words = view.split()
    WORLDS[words[0]](canvas, Look(frozenset(words), seed, t))
    return finish(canvas.rgb, SIZE)


def picture(view: str, seed: int) -> NDArray[np.uint8]:
    """Draw the still of a view, as RGB."""
    canvas = Canvas(SIZE[0] * 2, SIZE[1] * 2)
    return quantise(age(paint(canvas, view, seed), seed))


def frame(view: str, seed: int, t: float, pan: float) -> NDArray[np.uint8]:
    """Draw one frame of a shot, as RGB: its second, and how many pixels the camera has moved to the right.

    Clips have no grain and are a little softer than stills, which keeps the files small.
    """
    zoom = 1.1
    canvas = Canvas(SIZE[0] * 3 // 2, SIZE[1] * 3 // 2, (pan / SIZE[1] / zoom, 0.0), zoom)
    return quantise(cv2.GaussianBlur(paint(canvas, view, seed, t), (0, 0), 0.7))
