"""Concerts: light, haze, musicians and the crowd."""

from __future__ import annotations

import math

import numpy as np
from canvas import Array, Canvas, fbm, mix, rgb, step
from scenery import MIDDLE, WHITE, Look, person

STAGE_LIGHTS = (("#ff2f7a", "#3f6bff"), ("#ff9a2e", "#d62fff"), ("#2fe0c8", "#5a3fff"), ("#ffd23f", "#ff3f3f"))


def stage(c: Canvas, look: Look) -> None:
    """Paint a concert: beams of light, a band, a singer, a pianist, a microphone, and the crowd."""
    rng = look.rng()
    one, two = (rgb(code) for code in STAGE_LIGHTS[look.seed % len(STAGE_LIGHTS)])
    c.rgb[:] = mix(rgb("#07060d"), mix(one, two, 0.5) * 0.35, np.exp(-(((c.y - 0.5) / 0.4) ** 2)))
    beams(c, look, one, two)
    floor = 0.74
    c.fill((c.y > floor).astype(np.float32), mix(two * 0.3, rgb("#06060a"), step(floor, 1.0, c.y)))
    c.fill(np.exp(-(((c.y - floor) / 0.05) ** 2)) * 0.5 * (c.y > floor), mix(one, WHITE, 0.2))
    ink = rgb("#050408")
    if look.has("mic"):
        c.blur(0.02)
        microphone(c, MIDDLE + rng.uniform(-0.2, 0.1), one, two)
    elif look.has("piano"):
        c.glow(MIDDLE, 0.6, 0.4, mix(one, WHITE, 0.5), 0.45)
        piano(c, MIDDLE, floor + 0.08, ink, mix(one, WHITE, 0.4))
    elif look.has("singer"):
        c.glow(MIDDLE, 0.5, 0.3, mix(one, WHITE, 0.6), 0.6)
        person(c, MIDDLE, floor + 0.04, 0.46, ink, arms=(1.1 + 0.2 * math.sin(2 * look.t), -0.2), stride=0.13)
        c.stroke([(MIDDLE + 0.19, floor + 0.05), (MIDDLE + 0.1, floor - 0.35)], 0.009, ink)
    else:
        band(c, look, floor, ink)
    if not look.has("mic"):
        crowd(c, look, ink, mix(one, two, 0.5))
    if look.has("confetti"):
        for x, y, k in look.rng(40).random((120, 3)):
            fall = (y + 0.12 * look.t * (0.5 + k)) % 1
            tint = rgb(("#ffd84a", "#ff5a8a", "#5ad8ff", "#ffffff")[int(k * 40) % 4])
            turn = 6.3 * k + 4 * look.t
            a, b = 0.012 * math.cos(turn), 0.012 * math.sin(turn)
            c.polygon(
                [
                    (x * 1.8 - a, fall - b),
                    (x * 1.8 + b * 0.5, fall - a * 0.5),
                    (x * 1.8 + a, fall + b),
                    (x * 1.8 - b * 0.5, fall + a * 0.5),
                ],
                tint,
            )


def beams(c: Canvas, look: Look, one: Array, two: Array) -> None:
    """Swing beams down from the rig through the haze."""
    haze = 0.45 + 0.9 * fbm(c.x * 2 + look.t * 0.1, c.y * 2.4, look.seed, 4)
    c.box(-0.2, 0.02, 2.0, 0.035, rgb("#16151c"))
    c.box(-0.2, 0.065, 2.0, 0.075, rgb("#16151c"))
    for k in range(9):
        x = 0.1 + 0.2 * k
        lean = 0.55 * math.sin(look.seed + k * 1.3 + look.t * 0.9)
        colour = (one, two)[k % 2]
        soft, where = c.mask(
            [(x - 0.008, 0.07), (x + 0.008, 0.07), (x + lean + 0.13, 0.95), (x + lean - 0.13, 0.95)], 0.012
        )
        c.add(soft * haze[where] * np.clip(1.05 - c.y[where] * 0.85, 0, 1) * 0.75, colour, where)
        c.glow(x, 0.075, 0.03, mix(colour, WHITE, 0.5), 1.0)


def band(c: Canvas, look: Look, floor: float, ink: Array) -> None:
    """Line up a guitarist, a singer, a drummer and a bass player."""
    c.box(MIDDLE - 0.24, floor - 0.08, MIDDLE + 0.24, floor + 0.01, ink)
    drummer = floor - 0.1
    person(
        c, MIDDLE, drummer + 0.03, 0.28, ink, arms=(0.5 + 0.4 * math.sin(8 * look.t), 0.5 - 0.4 * math.sin(8 * look.t))
    )
    for dx, dy, r in ((0, -0.02, 0.09), (-0.13, -0.06, 0.05), (0.13, -0.06, 0.05)):
        c.disc(MIDDLE + dx, drummer + dy, r, ink + 0.05)
        c.disc(MIDDLE + dx, drummer + dy, r * 0.86, ink + 0.11)
    for way in (-1, 1):
        c.stroke([(MIDDLE + way * 0.2, drummer), (MIDDLE + way * 0.19, drummer - 0.19)], 0.005, ink)
        c.disc(MIDDLE + way * 0.19, drummer - 0.19, 0.07, rgb("#a8873a"), ry=0.012)
        x = MIDDLE + way * 0.45
        person(c, x, floor + 0.03, 0.36, ink, stride=0.16, arms=(-0.9, -0.5) if way > 0 else (-0.5, -0.9))
        c.disc(x - way * 0.01, floor - 0.14, 0.05, ink + 0.06, ry=0.042)
        c.stroke([(x, floor - 0.15), (x + way * 0.2, floor - 0.24)], 0.014, ink + 0.06)
        c.box(x + way * 0.2 - 0.07, floor - 0.16, x + way * 0.2 + 0.07, floor + 0.01, ink + 0.02)


def crowd(c: Canvas, look: Look, ink: Array, rim: Array) -> None:
    """Fill the front with heads and raised hands, lit from behind."""
    rng = look.rng(33)
    for row in range(3):
        foot, size = 0.93 + 0.07 * row, 0.032 + 0.014 * row
        for x in np.arange(-0.1, 1.9, size * 2.3):
            px = x + rng.uniform(-0.02, 0.02)
            py = foot + rng.uniform(-0.02, 0.02) + 0.008 * math.sin(5 * look.t + 9 * x)
            c.disc(px, py - size * 0.12, size * 1.04, rim * 0.6)
            c.disc(px, py, size, ink)
            c.disc(px, py + size * 2.4, size * 2.0, ink, ry=size * 1.7)
            if rng.random() < 0.3:
                wave = 0.02 * math.sin(4 * look.t + 7 * x)
                for way in (-1, 1):
                    c.stroke(
                        [(px + way * size, py + size), (px + way * size * 1.5 + wave, py - size * 2.6)], size * 0.5, ink
                    )


def microphone(c: Canvas, x: float, one: Array, two: Array) -> None:
    """Hold a big microphone into the light."""
    y, r = 0.42, 0.17
    c.polygon(
        [(x - 0.02, y + 0.12), (x + 0.1, y + 0.05), (x + 0.42, 1.05), (x + 0.22, 1.05)],
        mix(rgb("#0c0c10"), two * 0.6, step(-0.05, 0.12, c.x - x - (c.y - y) * 0.42)),
    )
    mesh = 0.5 + 0.5 * np.clip(np.sin((c.x + c.y) * 190) * np.sin((c.x - c.y) * 190) * 2, -1, 1)
    shine = np.clip(1.0 - np.hypot(c.x - x + 0.06, c.y - y + 0.07) / 0.26, 0, 1)
    c.disc(x, y, r, mix(rgb("#15151a"), mix(one, WHITE, 0.55), (0.25 + 0.75 * mesh) * (0.15 + shine)), ry=r * 1.05)
    c.add(np.exp(-(((np.hypot(c.x - x, c.y - y) - r) / 0.012) ** 2)) * 0.6 * (c.x > x), two)
    c.polygon(
        [(x - 0.13, y + 0.1), (x + 0.15, y - 0.02), (x + 0.165, y + 0.03), (x - 0.11, y + 0.15)],
        mix(rgb("#5a5a62"), WHITE, shine),
    )


def piano(c: Canvas, x: float, foot: float, ink: Array, rim: Array) -> None:
    """Put a grand piano and its player into the light."""
    lid = [(x - 0.18, foot - 0.26), (x + 0.48, foot - 0.56), (x + 0.52, foot - 0.5), (x + 0.4, foot - 0.26)]
    c.polygon([(px, py - 0.008) for px, py in lid], rim * 0.8)
    c.polygon(lid, ink + 0.04)
    c.polygon([(x - 0.22, foot - 0.26), (x + 0.42, foot - 0.26), (x + 0.4, foot - 0.15), (x - 0.22, foot - 0.15)], ink)
    c.box(x - 0.22, foot - 0.265, x + 0.42, foot - 0.258, rim)
    c.box(x - 0.3, foot - 0.2, x - 0.2, foot - 0.18, rim * 0.9)
    for dx in (-0.18, 0.1, 0.37):
        c.box(x + dx - 0.012, foot - 0.16, x + dx + 0.012, foot, ink)
    person(c, x - 0.36, foot - 0.02, 0.36, ink, arms=(-1.4, -0.45), stride=0.1)
    c.box(x - 0.44, foot - 0.13, x - 0.3, foot - 0.11, ink)
