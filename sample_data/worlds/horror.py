"""An old house on a hill, and the weather it deserves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from canvas import Array, Canvas, Point, fbm, mix, rgb, ridged, step
from scenery import BLACK, MIDDLE, WHITE, Hour, Look, branches, falling, mist, sun, terrain


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
