"""Lit windows, wet streets, bridges and roofs."""

from __future__ import annotations

import math

import cv2
import numpy as np
from canvas import Array, Canvas, mix, rgb, step
from scenery import HOURS, MIDDLE, WHITE, Look, clouds, falling, lottery, person, sky, stars, sun, water


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
