"""Corals, fish and light under water."""

from __future__ import annotations

import math

import numpy as np
from canvas import Array, Canvas, fbm, mix, noise, rgb, ridged, rounded, step
from scenery import BLACK, MIDDLE, WHITE, Look, branches, terrain

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
        ray = [
            (x + facing * 0.27, y),
            (x + facing * 0.12, y - 0.05),
            (x - facing * 0.02, y - 0.26 - flap),
            (x - facing * 0.06, y - 0.25 - flap),
            (x - facing * 0.17, y - 0.04),
            (x - facing * 0.6, y + 0.03),
        ]
        ray += [
            (x - facing * 0.17, y + 0.05),
            (x - facing * 0.06, y + 0.25 + flap),
            (x - facing * 0.02, y + 0.26 + flap),
            (x + facing * 0.12, y + 0.07),
        ]
        tone = mix(mix(deep, rgb("#101826"), 0.7), rgb("#5b7f95"), step(0.3, -0.2, (c.y - y) / 0.3))
        c.polygon(rounded(ray), tone, 0.97, 0.002)
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
            rounded(
                [
                    (base - size * 0.2, y),
                    ((base + tip[0]) / 2 - facing * size * 0.12, (y + tip[1]) / 2),
                    tip,
                    bend,
                    (base + size * 0.2, y),
                ]
            ),
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
