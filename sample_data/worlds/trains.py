"""Railways and their landscapes."""

from __future__ import annotations

import math

import numpy as np
from canvas import Array, Canvas, Point, fbm, mix, noise, rgb, step
from scenery import (
    BLACK,
    MIDDLE,
    WHITE,
    Hour,
    Look,
    clouds,
    falling,
    hills,
    lottery,
    person,
    sky,
    smoke,
    stars,
    sun,
    terrain,
)


def trains(c: Canvas, look: Look) -> None:
    """Paint a train in its landscape: on a viaduct, beside the water, head-on along the rails, or at a station."""
    hour = look.hour
    sky(c, hour, 0.72)
    if look.dark:
        stars(c, look, 100, 0.55)
    clouds(c, look, 0.72, 0.4)
    if not look.has("grey"):
        sun(c, hour, MIDDLE + look.rng().choice((-1, 1)) * 0.55, 0.32, 0.04)
    tones = {"snow": ("#b8c8dc", "#d5e0ec", "#eef3f8"), "autumn": ("#8a7a70", "#b5793a", "#8f4f22")}
    hills(
        c, look, 0.62, next((tones[word] for word in tones if look.has(word)), ("#7089a0", "#5f8558", "#4b7038")), 0.26
    )
    head = MIDDLE + 0.5 + 0.16 * look.t - (0.55 if look.t else 0.0) + look.rng(1).uniform(-0.12, 0.12)
    if look.has("headon"):
        head_on(c, look)
    elif look.has("station"):
        station_hall(c, look)
    elif look.has("viaduct"):
        train(c, look, head, 0.5, 0.09)
        viaduct(c, look, 0.5)
    else:
        railway_bank(c, look, 0.78)
        train(c, look, head, 0.78, 0.16)
    if look.has("snow"):
        falling(c, look, 150, WHITE, slant=0.2, speed=0.25, length=0)


LIVERIES = {
    "green": ("#1f5a3a", "#e8d6a0"),
    "red": ("#a52a22", "#f2e3c2"),
    "blue": ("#1f3f7a", "#e6e8ee"),
    "silver": ("#b9bfc6", "#d23a2a"),
}


def train(c: Canvas, look: Look, head: float, rail: float, size: float) -> None:
    """Couple carriages behind a steam or an electric engine that runs to the right."""
    hour = look.hour
    livery = next((LIVERIES[word] for word in LIVERIES if look.has(word)), LIVERIES["green"])
    body, trim = (hour.lit(rgb(code), 0.04) for code in livery)
    pane = rgb("#ffdc8c") if hour.brightness < 0.85 else hour.lit(rgb("#33414c"))
    length = size * 3.0
    for k in range(1, 9):
        carriage(c, head - length * (k + 0.05), head - length * k + length * 0.9, rail, size, body, trim, pane, hour)
    if look.has("steam"):
        steam_engine(c, look, head, rail, size, body)
        return
    nose = [
        (head - size * 2.75, rail - size * 0.25),
        (head - size * 2.75, rail - size * 1.15),
        (head - size * 0.7, rail - size * 1.15),
        (head, rail - size * 0.55),
        (head + size * 0.12, rail - size * 0.2),
    ]
    c.polygon(nose, body * (1.15 - 0.5 * step(-1.2, 0.0, (c.y - rail) / size))[..., None])
    c.polygon(
        [
            (head - size * 0.95, rail - size * 1.03),
            (head - size * 0.66, rail - size * 1.03),
            (head - size * 0.15, rail - size * 0.62),
            (head - size * 0.85, rail - size * 0.62),
        ],
        rgb("#16202b"),
    )
    c.box(head - size * 2.75, rail - size * 0.5, head - size * 0.02, rail - size * 0.4, trim)
    wheels(c, head - size * 2.5, head - size * 0.4, 4, rail, size * 0.13, hour)
    c.glow(head + size * 0.05, rail - size * 0.35, size * 0.3, rgb("#fff4d0"), 0.9)


def carriage(
    c: Canvas, x0: float, x1: float, rail: float, size: float, body: Array, trim: Array, pane: Array, hour: Hour
) -> None:
    """Draw one carriage with a row of windows."""
    shade = (1.15 - 0.5 * step(-1.2, 0.0, (c.y - rail) / size))[..., None]
    c.box(x0 - size * 0.3, rail - size * 0.35, x1 + size * 0.3, rail - size * 0.28, hour.lit(rgb("#181818")))
    c.box(x0, rail - size * 1.12, x1, rail - size * 0.24, body * shade)
    c.polygon(
        [
            (x0, rail - size * 1.1),
            (x0 + size * 0.15, rail - size * 1.24),
            (x1 - size * 0.15, rail - size * 1.24),
            (x1, rail - size * 1.1),
        ],
        hour.lit(rgb("#8a8d90")),
    )
    c.box(x0, rail - size * 0.52, x1, rail - size * 0.46, trim)
    count = 6
    for k in range(count):
        at = x0 + (x1 - x0) * (k + 0.5) / count
        c.box(at - size * 0.15, rail - size * 0.98, at + size * 0.15, rail - size * 0.62, pane)
    wheels(c, x0 + size * 0.3, x1 - size * 0.3, 4, rail, size * 0.13, hour)


def wheels(c: Canvas, x0: float, x1: float, count: int, rail: float, r: float, hour: Hour) -> None:
    """Put wheels on the rail."""
    for x in np.linspace(x0, x1, count):
        c.disc(x, rail - r, r, hour.lit(rgb("#1c1c1e")))
        c.disc(x, rail - r, r * 0.45, hour.lit(rgb("#8d8d90")))


def steam_engine(c: Canvas, look: Look, head: float, rail: float, size: float, body: Array) -> None:
    """Put a steam engine at the head, with its plume over the train."""
    hour = look.hour
    iron = hour.lit(rgb("#20242a"))
    barrel = iron + (0.25 * np.exp(-(((c.y - rail + size * 0.95) / (size * 0.12)) ** 2)))[..., None] * hour.brightness
    c.box(head - size * 2.8, rail - size * 1.3, head - size * 2.0, rail - size * 0.3, body)
    c.box(head - size * 2.9, rail - size * 1.38, head - size * 1.9, rail - size * 1.28, iron)
    c.box(
        head - size * 2.6,
        rail - size * 1.15,
        head - size * 2.2,
        rail - size * 0.8,
        rgb("#ffbf66") if hour.brightness < 0.85 else iron * 0.6,
    )
    c.box(head - size * 2.0, rail - size * 1.12, head - size * 0.15, rail - size * 0.5, barrel)
    c.disc(head - size * 0.15, rail - size * 0.81, size * 0.31, iron, ry=size * 0.31)
    c.box(head - size * 0.6, rail - size * 1.5, head - size * 0.38, rail - size * 1.1, iron)
    c.box(head - size * 0.66, rail - size * 1.56, head - size * 0.32, rail - size * 1.48, iron)
    c.disc(head - size * 1.25, rail - size * 1.12, size * 0.16, hour.lit(rgb("#c9963a")))
    c.polygon(
        [
            (head - size * 2.8, rail - size * 0.5),
            (head, rail - size * 0.5),
            (head + size * 0.3, rail - size * 0.08),
            (head - size * 2.8, rail - size * 0.2),
        ],
        iron,
    )
    for x in (-1.75, -1.2, -0.65):
        c.disc(head + size * x, rail - size * 0.27, size * 0.27, hour.lit(rgb("#8f2a20")))
        c.disc(head + size * x, rail - size * 0.27, size * 0.21, iron)
        c.disc(head + size * x, rail - size * 0.27, size * 0.07, hour.lit(rgb("#8f2a20")))
    c.stroke(
        [(head - size * 1.75, rail - size * 0.2), (head - size * 0.65, rail - size * 0.2)],
        size * 0.07,
        hour.lit(rgb("#b0b4b8")),
    )
    c.glow(head + size * 0.1, rail - size * 0.95, size * 0.22, rgb("#fff0c0"), 0.9)
    rng = look.rng(15)
    for puff in range(46):
        back = puff / 46
        x = head - size * (0.5 + 9.5 * back) + rng.normal(0, size * 0.1)
        y = rail - size * (1.6 + 2.0 * back**0.6 + rng.normal(0, 0.12) + 0.1 * math.sin(3 * look.t + puff))
        tone = mix(hour.lit(rgb("#8d8f96")), mix(hour.low, WHITE, 0.6) * max(hour.brightness, 0.6), rng.uniform(0.2, 1))
        c.disc(x, y, size * (0.22 + 0.9 * back), tone, alpha=0.55 * (1 - back) ** 0.7, soft=0.9)


def viaduct(c: Canvas, look: Look, deck: float) -> None:
    """Carry the line on tall stone arches."""
    pitch, half = 0.29, 0.105
    local = (c.x + 0.1) % pitch - pitch / 2
    arch = deck + 0.17 - np.sqrt(np.clip(half**2 - local**2, 0, None)) * 1.15
    opening = (np.abs(local) < half) & (c.y > arch)
    courses = (
        0.75
        + 0.3 * lottery(np.floor(c.x * 34 + np.floor(c.y * 48) % 2 * 0.5), np.floor(c.y * 48), look.seed)
        + 0.2 * (fbm(c.x * 8, c.y * 8, look.seed, 4) - 0.5)
    )
    rim = step(0.022, 0.012, np.abs(arch - c.y)) * (np.abs(local) < half)
    stone = (
        look.hour.lit(rgb("#b39a7c"), 0.08) * (courses + 0.2 * rim - 0.3 * np.clip(local / pitch, -0.5, 0.5))[..., None]
    )
    valley = 0.9 + 0.07 * np.cos((c.x - MIDDLE) * 2.2) + 0.03 * fbm(c.x * 6, 0.0, look.seed, 4)
    c.fill((c.y > deck) * (~opening) * (c.y < valley), stone)
    c.box(-0.3, deck - 0.012, 2.1, deck + 0.02, look.hour.lit(rgb("#8f7a60")))
    ground = (
        look.hour.lit(rgb("#46682f" if not look.has("snow") else "#e6edf4"))
        * (0.6 + 0.7 * fbm(c.x * 14, c.y * 30, look.seed + 4, 4))[..., None]
    )
    terrain(c, valley, ground)


def railway_bank(c: Canvas, look: Look, rail: float) -> None:
    """Lay ballast, sleepers and grass before a line that runs across."""
    hour = look.hour
    grass = (
        hour.lit(rgb("#55752f" if not look.has("snow") else "#e9eff5"))
        * (0.6 + 0.8 * fbm(c.x * 22, c.y * 9, look.seed + 1, 5))[..., None]
    )
    terrain(c, np.full_like(c.x, rail - 0.05), grass)
    terrain(
        c,
        rail + 0.012 * noise(c.x * 20, 0.0, 4),
        hour.lit(rgb("#7d746a")) * (0.5 + fbm(c.x * 60, c.y * 60, 5, 3))[..., None],
    )
    terrain(c, rail + 0.075 + 0.05 * fbm(c.x * 9, 1.0, look.seed, 5), grass * 0.75)
    c.box(-0.3, rail, 2.1, rail + 0.012, hour.lit(rgb("#6a5a50")))
    for x in np.arange(-0.2, 2.0, 0.42):
        c.stroke([(x, rail), (x, rail - 0.42), (x + 0.12, rail - 0.4)], 0.007, hour.lit(rgb("#3c4046")))
    c.stroke([(-0.2, rail - 0.37), (2.0, rail - 0.37)], 0.003, hour.lit(rgb("#202428")), 0.8)


def head_on(c: Canvas, look: Look) -> None:
    """Look along the rails at an engine that comes closer."""
    hour, vanish = look.hour, (MIDDLE, 0.56)
    near = np.clip((c.y - vanish[1]) / (1 - vanish[1]), 0.004, 1)
    ballast = hour.lit(rgb("#857a6e")) * (0.5 + fbm((c.x - MIDDLE) / near * 8, 9 / near, look.seed, 4))[..., None]
    c.fill((np.abs(c.x - MIDDLE) < 0.75 * near + 0.02) * (c.y > vanish[1]), ballast)
    sleepers = (
        step(0.25, 0.1, np.abs((2.2 / near + look.t * 1.4) % 1 - 0.5) - 0.12)
        * (np.abs(c.x - MIDDLE) < 0.5 * near)
        * (c.y > vanish[1])
    )
    c.fill(sleepers * step(0.03, 0.12, near), hour.lit(rgb("#4a382b")))
    for side in (-1, 1):
        c.polygon(
            [(MIDDLE + side * 0.003, vanish[1]), (MIDDLE + side * 0.33, 1.02), (MIDDLE + side * 0.385, 1.02)],
            hour.lit(rgb("#c9ced4")),
        )
    r = 0.15 + 0.014 * look.t
    x, rail = MIDDLE, vanish[1] + 0.24 + 0.02 * look.t
    body = hour.lit(rgb(next((LIVERIES[word] for word in LIVERIES if look.has(word)), LIVERIES["green"])[0]))
    smoke(c, look, x, rail - 3.0 * r, r * 0.5, 0.45, mix(hour.low, WHITE, 0.5) * max(hour.brightness, 0.55), 0.9)
    c.disc(x, rail + 0.01, r * 1.6, BLACK, ry=r * 0.2, alpha=0.6, soft=0.6)
    c.box(x - r * 1.3, rail - r * 2.5, x + r * 1.3, rail - r * 0.3, body * 0.75)
    c.box(x - r * 1.4, rail - r * 2.62, x + r * 1.4, rail - r * 2.4, hour.lit(rgb("#1b1d20")))
    for side in (-1, 1):
        c.box(
            x + side * r * 1.12 - r * 0.13,
            rail - r * 2.2,
            x + side * r * 1.12 + r * 0.13,
            rail - r * 1.7,
            rgb("#ffcf7a"),
        )
    c.box(x - r * 0.25, rail - r * 3.1, x + r * 0.25, rail - r * 2.2, hour.lit(rgb("#1b1d20")))
    c.disc(x, rail - r * 1.45, r, hour.lit(rgb("#25292e")))
    c.disc(
        x,
        rail - r * 1.45,
        r * 0.84,
        hour.lit(rgb("#3f454c")) * (1.2 - 0.5 * step(-1, 1, (c.y - rail + r * 1.45) / r))[..., None],
    )
    c.box(x - r * 1.45, rail - r * 0.62, x + r * 1.45, rail - r * 0.32, hour.lit(rgb("#a5251c")))
    c.polygon(
        [(x - r * 1.1, rail - r * 0.32), (x + r * 1.1, rail - r * 0.32), (x + r * 0.75, rail), (x - r * 0.75, rail)],
        hour.lit(rgb("#2a2c30")),
    )
    for dx, dy in ((0, -2.3), (-1.05, -0.75), (1.05, -0.75)):
        c.disc(x + dx * r, rail + dy * r, r * 0.17, rgb("#fffbe8"))
        c.glow(x + dx * r, rail + dy * r, r * 0.5, rgb("#ffe9b0"), 0.85)


def station_hall(c: Canvas, look: Look) -> None:
    """Stand under the iron roof of a terminus, a train waiting at the platform."""
    hour, vanish = look.hour, (MIDDLE - 0.1, 0.58)
    c.rgb[:] = mix(c.rgb, mix(hour.low, WHITE, 0.2), 0.5)
    for k in range(7):
        depth = 1 + 4.5 * (1 - k / 6) ** 1.3
        arc = [
            (vanish[0] + 1.25 / depth * math.cos(a), vanish[1] - 0.12 / depth - 0.75 / depth * math.sin(a))
            for a in np.linspace(0, math.pi, 30)
        ]
        iron = mix(rgb("#23282e"), hour.low, 0.12 * depth)
        c.stroke(arc, 0.03 / depth, iron)
        for side in (-1, 1):
            c.stroke(
                [
                    (vanish[0] + side * 1.25 / depth, vanish[1] - 0.12 / depth),
                    (vanish[0] + side * 1.25 / depth, vanish[1] + 0.42 / depth),
                ],
                0.035 / depth,
                iron,
            )
    for a in np.linspace(0.15, math.pi - 0.15, 11):
        c.stroke(
            [
                (vanish[0] + 1.25 * math.cos(a), vanish[1] - 0.12 - 0.75 * math.sin(a)),
                (vanish[0] + 0.2 * math.cos(a), vanish[1] - 0.14 * math.sin(a)),
            ],
            0.007,
            rgb("#2a3036"),
            0.7,
        )
    near = np.clip((c.y - vanish[1]) / (1 - vanish[1]), 0.003, 1)
    floor = (
        hour.lit(rgb("#a89a88")) * (0.7 + 0.35 * noise((c.x - vanish[0]) / near * 5, 5 / near, look.seed))[..., None]
    )
    c.fill((c.y > vanish[1] + 0.04).astype(np.float32), floor)
    livery = next((LIVERIES[word] for word in LIVERIES if look.has(word)), LIVERIES["red"])
    body, trim = (hour.lit(rgb(code)) for code in livery)
    roof, foot = (1.0, 0.0), (1.0, 1.02)

    def wall(level: float, depth: float) -> Point:
        x = vanish[0] + (0.08 + 0.92 * depth) * 1.0
        return x, vanish[1] + (level - vanish[1]) * (0.08 + 0.92 * depth)

    c.polygon([wall(roof[1] + 0.12, 0), wall(roof[1] + 0.12, 1), wall(foot[1], 1), wall(foot[1], 0)], body)
    c.polygon([wall(0.72, 0), wall(0.72, 1), wall(0.77, 1), wall(0.77, 0)], trim)
    for k in range(9):
        d0, d1 = (k / 9) ** 1.5, ((k + 0.72) / 9) ** 1.5
        c.polygon(
            [wall(0.28, d0), wall(0.28, d1), wall(0.62, d1), wall(0.62, d0)], mix(rgb("#ffdf9a"), rgb("#5b6f80"), 0.15)
        )
    c.polygon(
        [
            (vanish[0] + 0.08, vanish[1] + 0.035),
            (vanish[0] + 0.55, 1.02),
            (vanish[0] + 0.72, 1.02),
            (vanish[0] + 0.085, vanish[1] + 0.035),
        ],
        rgb("#1d1b1a"),
        0.85,
    )
    c.polygon(
        [
            (vanish[0] + 0.07, vanish[1] + 0.035),
            (vanish[0] + 0.47, 1.02),
            (vanish[0] + 0.53, 1.02),
            (vanish[0] + 0.075, vanish[1] + 0.035),
        ],
        rgb("#f0c83a"),
    )
    for x, depth in ((-0.55, 0.9), (-0.25, 0.6), (-0.35, 0.42), (0.06, 0.5), (-0.12, 0.3)):
        person(
            c,
            vanish[0] + x + 0.01 * look.t,
            vanish[1] + 0.42 * depth,
            0.42 * depth,
            rgb("#22242a"),
            shirt=rgb("#3a3f52"),
            stride=0.1,
        )
