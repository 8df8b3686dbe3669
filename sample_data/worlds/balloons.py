"""Hot-air balloons and what they float over."""

from __future__ import annotations

import math

import numpy as np
from canvas import Canvas, fbm, mix, rgb, step
from scenery import MIDDLE, WHITE, Look, clouds, hills, sky, stars, sun, terrain, water


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
