"""Trunks, leaves and light."""

from __future__ import annotations

import math

import numpy as np
from canvas import Array, Canvas, fbm, mix, noise, rgb, ridged, rounded, step
from scenery import MIDDLE, WHITE, Look, terrain

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
    c.polygon(rounded([(x + dx * size, foot - dy * size) for dx, dy in outline]), colour)
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
