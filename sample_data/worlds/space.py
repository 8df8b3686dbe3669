"""Planets, nebulae and a few people far from home."""

from __future__ import annotations

import numpy as np
from canvas import Canvas, fbm, mix, noise, rgb, step
from scenery import BLACK, MIDDLE, WHITE, Look, person, stars, terrain


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
        comet(c, MIDDLE - side * (0.4 - 0.05 * look.t), 0.45 + 0.02 * look.t, -side)
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
