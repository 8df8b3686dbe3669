"""Open water: lighthouses, sails, ships, cliffs, surf and piers."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, fbm, mix, noise, rgb, step
from scenery import MIDDLE, WHITE, Look, clouds, sky, stars, sun, water


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
