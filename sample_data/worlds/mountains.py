"""High peaks under snow."""

from __future__ import annotations

import numpy as np
from canvas import Array, Canvas, fbm, mix, noise, rgb, ridged, step
from scenery import (
    MIDDLE,
    WHITE,
    Hour,
    Look,
    clouds,
    falling,
    mist,
    person,
    pine,
    sky,
    smoke,
    stars,
    sun,
    terrain,
    water,
)


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


def cold(hour: Hour, colour: Array) -> Array:
    """Light snow, which keeps its blue under a red sky."""
    return mix(hour.lit(colour), colour * hour.brightness * 1.15, 0.65)


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
    snow = mix(cold(hour, mix(rgb("#7f9cc8"), hour.top, 0.2)), cold(hour, mix(WHITE, hour.sun, 0.4)) * 1.05, light)
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
        terrain(c, crest, mix(cold(hour, rgb("#8ea9d0")), cold(hour, mix(WHITE, hour.sun, 0.3)) * 1.04, drift))


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
