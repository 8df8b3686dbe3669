"""Dunes and who crosses them."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, fbm, mix, noise, rgb, step
from scenery import MIDDLE, Look, clouds, lottery, person, sky, stars, sun, terrain


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
    flank = step(-0.02, 0.02, edge) * step(0.0, 0.12, wave) * step(1.0, 0.88, wave)
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
