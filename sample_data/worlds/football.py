"""Grounds, goals and the ball."""

from __future__ import annotations

import math

import numpy as np
from canvas import Array, Canvas, fbm, mix, noise, rgb, step
from scenery import BLACK, MIDDLE, WHITE, Look, clouds, falling, lottery, person, sky


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
