"""Laid tables, seen from above."""

from __future__ import annotations

import math

import numpy as np
from canvas import Array, Canvas, fbm, mix, rgb, ridged, step
from scenery import BLACK, MIDDLE, WHITE, Look, lottery

TABLES = {
    "oak": ("#a8713f", "#6b3f1f"),
    "walnut": ("#5f3c26", "#2f1b10"),
    "marble": ("#ece8e2", "#b9b2aa"),
    "linen": ("#d9cfbe", "#b3a68f"),
    "slate": ("#4a5057", "#2a2e33"),
}


def kitchen(c: Canvas, look: Look) -> None:
    """Paint a laid table from above: soup, pizza, noodles, bread, a tart, sushi, eggs or citrus."""
    rng = look.rng()
    table(c, look)
    x, y = MIDDLE + rng.uniform(-0.12, 0.12), 0.52 + rng.uniform(-0.04, 0.04)
    if look.has("board"):
        cutting_board(c, x, y)
    for corner in ((0.12, 0.1), (1.66, 0.92), (1.62, 0.08), (0.14, 0.94)):
        side_dish(c, corner[0] + rng.uniform(-0.05, 0.05), corner[1], rng.uniform(0.13, 0.19), rng)
    dish = next((DISHES[word] for word in DISHES if look.has(word)), soup)
    dish(c, look, x, y, rng)
    if dish in (soup, pizza, noodles, tart):
        cutlery(c, x + 0.52, y)
    for puff in range(14 if look.has("steam") else 0):
        rise = (puff / 14 + look.t * 0.14) % 1
        c.disc(
            x + 0.2 * math.sin(puff * 2.4) + 0.05 * math.sin(6 * rise + look.t),
            y + 0.12 - 0.5 * rise,
            0.07 + 0.12 * rise,
            WHITE,
            alpha=0.16 * math.sin(math.pi * rise),
            soft=1.0,
        )
    c.add(np.exp(-((c.x - 0.3) ** 2 + c.y**2) * 1.1) * 0.22, rgb("#fff0d0"))


def table(c: Canvas, look: Look) -> None:
    """Cover the frame with wood, marble, linen or slate."""
    kind = next((t for t in TABLES if look.has(t)), "oak")
    light, dark = (rgb(code) for code in TABLES[kind])
    if kind in ("oak", "walnut"):
        plank = np.floor(c.y * 5)
        grain = fbm(c.x * 1.6 + plank * 7, c.y * 34 + 2 * fbm(c.x * 3, c.y * 6, look.seed, 3), look.seed + 1, 5)
        c.rgb[:] = mix(dark, light, 0.2 + 0.9 * grain) * (0.88 + 0.2 * lottery(plank, plank * 0, look.seed))[..., None]
        c.rgb *= (1 - 0.55 * step(0.03, 0.0, np.abs(c.y * 5 % 1 - 0.5) - 0.47))[..., None]
    elif kind == "marble":
        veins = ridged(c.x * 1.6 + fbm(c.x * 3, c.y * 3, look.seed, 4), c.y * 2.2, look.seed + 2, 5)
        c.rgb[:] = mix(light, dark, step(0.66, 0.95, veins))
    else:
        weave = (
            0.5 + 0.25 * np.sin(c.x * 700) + 0.25 * np.sin(c.y * 700)
            if kind == "linen"
            else fbm(c.x * 12, c.y * 12, look.seed, 6)
        )
        c.rgb[:] = mix(dark, light, 0.3 + 0.5 * weave * fbm(c.x * 2, c.y * 2, look.seed + 4, 4) * 1.6)


def shadow(c: Canvas, x: float, y: float, r: float, strength: float = 0.5) -> None:
    """Drop a soft shadow to the lower right."""
    c.disc(x + r * 0.12, y + r * 0.16, r * 1.18, BLACK, alpha=strength, soft=0.35)


def plate(c: Canvas, x: float, y: float, r: float, colour: Array) -> None:
    """Set a glazed plate down."""
    shadow(c, x, y, r)
    shine = 0.86 + 0.22 * step(0.6, -0.9, (c.x - x + c.y - y) / r)
    c.disc(x, y, r, colour * shine[..., None])
    c.disc(x, y, r * 0.97, colour * 0.96)
    c.disc(x, y, r * 0.76, colour * 0.8, soft=0.06)
    c.disc(x + 0.01 * r, y + 0.015 * r, r * 0.74, colour * np.clip(shine + 0.06, 0, 1.05)[..., None], soft=0.05)


def leaf(c: Canvas, x: float, y: float, size: float, angle: float, colour: Array) -> None:
    """Lay one herb leaf."""
    axis, across = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    shape = [
        (x + size * (u * axis[0] + v * across[0]), y + size * (u * axis[1] + v * across[1]))
        for u, v in ((-1, 0), (-0.4, 0.42), (0.4, 0.36), (1, 0), (0.4, -0.36), (-0.4, -0.42))
    ]
    c.polygon([(px + size * 0.12, py + size * 0.2) for px, py in shape], BLACK, 0.35, size * 0.08)
    c.polygon(shape, colour)
    c.stroke(
        [(x - size * axis[0], y - size * axis[1]), (x + size * axis[0], y + size * axis[1])], size * 0.07, colour * 1.35
    )


def scatter(rng: np.random.Generator, x: float, y: float, r: float, count: int) -> list[tuple[float, float, float]]:
    """Return places and angles spread evenly over a disc."""
    angles, reach = rng.uniform(0, 2 * math.pi, count), r * np.sqrt(rng.random(count))
    return [(x + d * math.cos(a), y + d * math.sin(a), a) for a, d in zip(angles, reach, strict=True)]


def soup(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Serve a bright soup with a swirl of cream, seeds and herbs."""
    plate(c, x, y, 0.46, rgb("#d8d2c6"))
    bowl = rgb(("#2f4858", "#e8e2d6", "#7c3b2e")[int(rng.integers(3))])
    plate(c, x, y, 0.36, bowl)
    warm = rgb(("#e8852a", "#c9402a", "#8fa83a")[int(rng.integers(3))])
    c.disc(x, y, 0.295, warm * (0.8 + 0.35 * fbm(c.x * 9, c.y * 9, look.seed, 4))[..., None], soft=0.03)
    around, reach = np.arctan2(c.y - y, c.x - x), np.hypot(c.x - x, c.y - y)
    c.fill(
        step(0.55, 0.95, np.sin(around * 1.0 + reach * 42 + 1.2 * fbm(c.x * 6, c.y * 6, look.seed + 1, 3)))
        * step(0.2, 0.12, reach)
        * 0.9,
        rgb("#fff6e2"),
    )
    for px, py, a in scatter(rng, x, y, 0.2, 26):
        c.disc(px, py, 0.009, rgb("#3d4a26"), ry=0.006)
        if a < 2.2:
            leaf(c, px, py, 0.034, a * 5, rgb("#3f8a35"))


def pizza(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Bake a pizza with blistered crust, tomato, mozzarella and basil."""
    shadow(c, x, y, 0.44)
    reach = np.hypot(c.x - x, c.y - y) + 0.02 * fbm(c.x * 6, c.y * 6, look.seed, 3)
    char = step(0.55, 0.72, fbm(c.x * 16, c.y * 16, look.seed + 2, 4))
    c.fill(
        step(0.45, 0.44, reach),
        mix(rgb("#dba45c"), rgb("#6b3a17"), char) * (1.15 - 4 * np.abs(reach - 0.41))[..., None],
    )
    c.fill(step(0.375, 0.36, reach), mix(rgb("#b52a15"), rgb("#e0572a"), fbm(c.x * 12, c.y * 12, look.seed + 3, 4)))
    melted = fbm(c.x * 8, c.y * 8, look.seed + 4, 4)
    c.fill(
        step(0.5, 0.58, melted) * step(0.37, 0.34, reach),
        mix(rgb("#f6dd9a"), rgb("#fff4d8"), fbm(c.x * 30, c.y * 30, look.seed + 5, 3)),
    )
    for px, py, _ in scatter(rng, x, y, 0.3, 13):
        c.disc(px + 0.006, py + 0.008, 0.056, BLACK, alpha=0.35, soft=0.5)
        c.disc(px, py, 0.052, mix(rgb("#8f1c12"), rgb("#cf4a30"), fbm(c.x * 50, c.y * 50, look.seed, 3)))
    for px, py, a in scatter(rng, x, y, 0.3, 11):
        leaf(c, px, py, 0.05, a * 3, rgb("#2f7a2c"))


def noodles(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Fill a bowl of ramen: noodles, an egg, greens and slices of pork."""
    plate(c, x, y, 0.45, rgb(("#1d2733", "#9c2f23")[int(rng.integers(2))]))
    c.disc(x, y, 0.36, mix(rgb("#8a4a1c"), rgb("#c98638"), fbm(c.x * 7, c.y * 7, look.seed, 4)), soft=0.04)
    for _ in range(80):
        cx, cy = x + rng.normal(0, 0.11), y + rng.normal(0, 0.11)
        bend, start, wide = rng.uniform(0.05, 0.16), rng.uniform(0, 6.3), rng.uniform(1.2, 2.6)
        line = [(cx + bend * math.cos(start + s), cy + bend * math.sin(start + s)) for s in np.linspace(0, wide, 12)]
        c.stroke([(px + 0.004, py + 0.006) for px, py in line], 0.015, rgb("#7a4a18"), 0.5)
        c.stroke(line, 0.013, rgb("#f2d48a") * rng.uniform(0.85, 1.05))
    for dx, dy in ((-0.16, -0.12), (-0.04, -0.2)):
        c.disc(x + dx, y + dy, 0.09, rgb("#fff9ee"), ry=0.075)
        c.disc(x + dx, y + dy, 0.05, rgb("#f29a1f"), ry=0.045, soft=0.15)
    for dx, dy in ((0.17, -0.08), (0.2, 0.06)):
        c.disc(x + dx, y + dy, 0.095, mix(rgb("#c58a66"), rgb("#f0cfae"), ridged(c.x * 14, c.y * 14, 3, 2)), ry=0.08)
    for px, py, a in scatter(rng, x - 0.1, y + 0.18, 0.09, 22):
        c.disc(px, py, 0.018, rgb("#5faf3a"))
        c.disc(px, py, 0.009, rgb("#cdeaa0"), alpha=0.9 if a > 1 else 0.4)


def bread(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Lay out loaves with scored, floured crusts."""
    for k, (dx, dy, angle) in enumerate(((-0.24, -0.1, 0.5), (0.14, 0.06, -0.35), (-0.12, 0.26, 0.1))):
        cx, cy = x + dx, y + dy
        u = ((c.x - cx) * math.cos(angle) + (c.y - cy) * math.sin(angle)) / 0.3
        v = ((c.y - cy) * math.cos(angle) - (c.x - cx) * math.sin(angle)) / 0.13
        c.fill(step(1.35, 0.75, np.hypot(u - 0.06, v - 0.2)) * 0.55, BLACK)
        r = np.hypot(u, v)
        crust = mix(
            rgb("#5f2f10"),
            rgb("#d9964a"),
            np.clip(1.1 - r**2 + 0.5 * (fbm(c.x * 14, c.y * 14, look.seed + k, 4) - 0.5) - 0.2 * v, 0, 1),
        )
        cuts = np.abs((u * 2.6 + v * 0.5) % 1 - 0.5)
        crust = mix(crust, rgb("#f6e2b8"), step(0.16, 0.08, cuts) * step(0.85, 0.6, r))
        crust = mix(crust, rgb("#fff8ea"), step(0.52, 0.75, fbm(c.x * 22, c.y * 22, look.seed + 9, 4)) * 0.7)
        c.fill(step(1.0, 0.96, r), crust)
    for px, py, a in scatter(rng, x, y, 0.5, 60):
        c.disc(px, py, 0.004 + 0.004 * (a % 1), rgb("#f0dcb4"), alpha=0.8)


def tart(c: Canvas, _look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Pack a tart with glazed berries."""
    plate(c, x, y, 0.47, rgb("#efeae2"))
    shadow(c, x, y, 0.36, 0.4)
    around = np.arctan2(c.y - y, c.x - x)
    reach = np.hypot(c.x - x, c.y - y) - 0.012 * np.abs(np.sin(around * 14))
    c.fill(step(0.375, 0.368, reach), rgb("#c98b45") * (1.1 - 5 * np.abs(reach - 0.35))[..., None])
    c.fill(step(0.33, 0.32, reach), rgb("#f4dfae"))
    berries = (("#b3162a", "#ff8a8a"), ("#27304f", "#8fa0d8"), ("#d8344f", "#ffb0a8"), ("#4b1638", "#b070a0"))
    for px, py, a in sorted(scatter(rng, x, y, 0.3, 170), key=lambda p: p[1]):
        dark, bright = (rgb(code) for code in berries[int(a * 10) % 4])
        c.disc(px + 0.004, py + 0.007, 0.036, BLACK, alpha=0.35, soft=0.4)
        c.disc(px, py, 0.033, dark)
        c.disc(px - 0.009, py - 0.011, 0.014, bright, alpha=0.75, soft=0.8)
    for px, py, a in scatter(rng, x, y, 0.24, 7):
        leaf(c, px, py, 0.04, a * 4, rgb("#57a04a"))


def sushi(c: Canvas, _look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Line up nigiri and rolls on a dark tray."""
    c.polygon(
        [(x - 0.53, y - 0.28), (x + 0.57, y - 0.28), (x + 0.57, y + 0.38), (x - 0.53, y + 0.38)], BLACK, 0.5, 0.02
    )
    c.box(x - 0.55, y - 0.32, x + 0.55, y + 0.34, rgb("#23262b"))
    tops = ("#f0713c", "#d8343a", "#f4a98c", "#f6e6c0")
    for k in range(5):
        cx, cy, top = x - 0.4 + 0.2 * k, y - 0.14, rgb(tops[k % 4])
        c.disc(cx + 0.01, cy + 0.02, 0.08, BLACK, ry=0.14, alpha=0.6, soft=0.3)
        c.disc(cx, cy + 0.02, 0.07, rgb("#fbf7ee") * (0.85 + 0.2 * fbm(c.x * 60, c.y * 60, 4, 2))[..., None], ry=0.135)
        stripes = step(0.3, 0.8, np.sin((c.y - c.x * 0.6) * 110))
        c.disc(cx, cy - 0.005, 0.065, mix(top, mix(top, WHITE, 0.55), stripes * 0.7), ry=0.13)
    for k in range(6):
        cx, cy = x - 0.43 + 0.17 * k, y + 0.18
        c.disc(cx + 0.01, cy + 0.015, 0.077, BLACK, alpha=0.5, soft=0.3)
        c.disc(cx, cy, 0.072, rgb("#12201a"))
        c.disc(cx, cy, 0.06, rgb("#f8f4ea") * (0.85 + 0.2 * fbm(c.x * 70, c.y * 70, 5, 2))[..., None])
        c.disc(cx, cy, 0.03, rgb(("#f0713c", "#5fa83a", "#f2c53d")[k % 3]), soft=0.15)
    for px, py, a in scatter(rng, x + 0.44, y - 0.18, 0.05, 9):
        c.disc(px, py, 0.028, rgb("#8fbf4a") * (0.8 + 0.03 * a), soft=0.3)


def eggs(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Fry eggs in an iron pan with tomatoes."""
    shadow(c, x, y, 0.44)
    c.polygon([(x + 0.35, y - 0.05), (x + 1.1, y - 0.22), (x + 1.1, y - 0.1), (x + 0.37, y + 0.06)], rgb("#1d1c1d"))
    c.disc(x, y, 0.44, rgb("#2b2a2b"))
    c.disc(x, y, 0.39, rgb("#171617") * (0.8 + 0.9 * fbm(c.x * 10, c.y * 10, look.seed, 4))[..., None], soft=0.05)
    for dx, dy in ((-0.15, -0.08), (0.14, -0.12), (0.02, 0.16)):
        cx, cy = x + dx, y + dy
        reach = np.hypot(c.x - cx, c.y - cy) + 0.07 * fbm(c.x * 8, c.y * 8, look.seed + 3, 3)
        c.fill(step(0.195, 0.18, reach), mix(rgb("#fffdf6"), rgb("#d9a458"), step(0.165, 0.19, reach)))
        c.disc(cx, cy, 0.068, mix(rgb("#f08a12"), rgb("#ffc53a"), step(0.06, -0.06, c.x - cx + c.y - cy)))
        c.disc(cx - 0.02, cy - 0.022, 0.014, WHITE, alpha=0.85, soft=0.6)
    for px, py, a in scatter(rng, x, y, 0.34, 9):
        c.disc(px, py, 0.036, mix(rgb("#c9201a"), rgb("#ff6a4a"), step(0.02, -0.03, c.y - py)))
        leaf(c, px + 0.05, py, 0.026, a, rgb("#3f8f3a"))


def citrus(c: Canvas, look: Look, x: float, y: float, rng: np.random.Generator) -> None:
    """Cut oranges, lemons and grapefruit open on a board."""
    kinds = (("#f28a1c", "#ffb648"), ("#f0cf2a", "#fff08a"), ("#e0502f", "#ff9478"), ("#8fbf2f", "#d8ee8a"))
    for k, (dx, dy, r) in enumerate(
        (
            (-0.3, -0.16, 0.17),
            (0.06, -0.2, 0.14),
            (0.36, -0.04, 0.18),
            (-0.06, 0.16, 0.2),
            (-0.42, 0.22, 0.13),
            (0.3, 0.3, 0.12),
        )
    ):
        cx, cy = x + dx, y + dy
        rind, flesh = (rgb(code) for code in kinds[(k + look.seed) % 4])
        shadow(c, cx, cy, r)
        c.disc(cx, cy, r, rind)
        c.disc(cx, cy, r * 0.92, rgb("#fff6df"))
        around, reach = np.arctan2(c.y - cy, c.x - cx) + k, np.hypot(c.x - cx, c.y - cy) / r
        wedge = np.abs((around * 9 / (2 * math.pi)) % 1 - 0.5)
        pulp = mix(rind, flesh, fbm(around * 9, reach * 4, look.seed + k, 3))
        c.fill(step(0.84, 0.8, reach) * step(0.07, 0.12, reach) * step(0.47, 0.42, wedge), pulp)
    for px, py, a in scatter(rng, x, y, 0.5, 8):
        leaf(c, px, py, 0.055, a * 2, rgb("#3f7a34"))


DISHES = {
    "soup": soup,
    "pizza": pizza,
    "noodles": noodles,
    "bread": bread,
    "tart": tart,
    "sushi": sushi,
    "eggs": eggs,
    "citrus": citrus,
}


def cutting_board(c: Canvas, x: float, y: float) -> None:
    """Lay a round-grained board under the dish."""
    grain = fbm(c.x * 2, c.y * 28, 8, 4)
    c.polygon([(x - 0.6, y - 0.38), (x + 0.66, y - 0.38), (x + 0.66, y + 0.5), (x - 0.6, y + 0.5)], BLACK, 0.5, 0.025)
    c.polygon(
        [(x - 0.63, y - 0.43), (x + 0.63, y - 0.43), (x + 0.63, y + 0.45), (x - 0.63, y + 0.45)],
        mix(rgb("#a9743f"), rgb("#dcae74"), grain),
    )


def side_dish(c: Canvas, x: float, y: float, r: float, rng: np.random.Generator) -> None:
    """Put a small bowl of something, or a glass, at the edge."""
    plate(c, x, y, r, rgb(("#e9e3d8", "#35506a", "#b9532f", "#3a3a3c")[int(rng.integers(4))]))
    tone = rgb(("#7fae3a", "#c8352a", "#f0c24a", "#5b3218", "#e8e0cc")[int(rng.integers(5))])
    for px, py, _ in scatter(rng, x, y, r * 0.58, 42):
        c.disc(px, py, r * 0.13, tone * rng.uniform(0.7, 1.2), soft=0.35)


def cutlery(c: Canvas, x: float, y: float) -> None:
    """Lay a fork and a knife beside the plate."""
    steel = mix(rgb("#8d9298"), rgb("#f2f4f6"), step(-0.3, 0.3, np.sin(c.x * 160)))
    for dx in (0.0, 0.09):
        c.polygon(
            [
                (x + dx - 0.006, y - 0.3),
                (x + dx + 0.034, y - 0.3),
                (x + dx + 0.034, y + 0.36),
                (x + dx - 0.006, y + 0.36),
            ],
            BLACK,
            0.35,
            0.01,
        )
        c.polygon(
            [
                (x + dx - 0.008, y - 0.05),
                (x + dx + 0.008, y - 0.05),
                (x + dx + 0.013, y + 0.34),
                (x + dx - 0.013, y + 0.34),
            ],
            steel,
        )
    c.polygon([(x + 0.076, y - 0.3), (x + 0.1, y - 0.32), (x + 0.112, y - 0.05), (x + 0.08, y - 0.04)], steel)
    for tine in (-0.018, -0.006, 0.006, 0.018):
        c.stroke([(x + tine, y - 0.3), (x + tine, y - 0.14)], 0.005, rgb("#d5d9dd"))
    c.polygon([(x - 0.022, y - 0.16), (x + 0.022, y - 0.16), (x + 0.008, y - 0.05), (x - 0.008, y - 0.05)], steel)
