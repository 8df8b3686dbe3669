"""Small charts as SVG text: bars with intervals, and lines. They need no script, and stand in a page or as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

STYLE = "font: 12px system-ui, sans-serif; color: #1c1b1a; background: transparent"
COLOURS = ("#2a6f97", "#c8553d", "#588157", "#8e6bbf", "#b08900")


@dataclass(frozen=True)
class Bar:
    """A value with its interval; the first of a chart is set off from the others where `ours` holds."""

    label: str
    value: float
    low: float
    high: float
    ours: bool = False


def bar_chart(title: str, bars: Sequence[Bar], width: int = 640) -> str:
    """Horizontal bars from 0 with whiskers; values that are not finite are left out."""
    drawn = [bar for bar in bars if np.isfinite([bar.value, bar.low, bar.high]).all()]
    label, step = 170, 24
    high = max([bar.high for bar in drawn] + [1e-9])
    low = min([bar.low for bar in drawn] + [0.0])
    scale = (width - label - 70) / (high - low)
    zero = label - low * scale
    parts = []
    for row, bar in enumerate(drawn):
        y = 30 + row * step
        end = zero + bar.value * scale
        colour = COLOURS[0] if bar.ours else "#9aa5ad"
        parts += [
            f'<text x="{label - 8}" y="{y + 12}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect x="{min(zero, end):.1f}" y="{y}" width="{abs(end - zero):.1f}" height="16" fill="{colour}"/>',
            f'<path d="M{zero + bar.low * scale:.1f} {y + 8}H{zero + bar.high * scale:.1f}" stroke="currentColor"/>',
            f'<text x="{zero + bar.high * scale + 6:.1f}" y="{y + 12}">{_short(bar.value)}</text>',
        ]
    return _svg(title, width, 40 + len(drawn) * step, parts)


def line_chart(title: str, lines: Mapping[str, Sequence[float]], x_label: str, width: int = 640) -> str:
    """One line a series over 1, 2, 3, …; values that are not finite are left out."""
    series = {name: np.asarray(values, dtype=float) for name, values in lines.items()}
    everything = np.concatenate([*series.values(), np.zeros(0)])
    finite = everything[np.isfinite(everything)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    longest = max([len(values) for values in series.values()] + [2])
    left, right, top, bottom = 60, width - 140, 30, 250
    tall = max(high - low, 1e-9)

    def x(place: float) -> float:
        return left + (right - left) * (place - 1) / (longest - 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / tall

    parts = [f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="currentColor" opacity=".4"/>']
    parts += [
        f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{_short(value)}</text>'
        for value in np.linspace(low, high, 5).tolist()
    ]
    parts += [
        f'<text x="{x(place):.1f}" y="{bottom + 18}" text-anchor="middle">{place}</text>'
        for place in sorted({1, (longest + 1) // 2, longest})
    ]
    parts.append(f'<text x="{(left + right) / 2}" y="{bottom + 36}" text-anchor="middle">{escape(x_label)}</text>')
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [(x(place), y(value)) for place, value in enumerate(values, start=1) if np.isfinite(value)]
        joined = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts += [
            f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{right + 12}" y="{top + 14 + 20 * number}" fill="{colour}">{escape(name)}</text>',
        ]
    return _svg(title, width, bottom + 50, parts)


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="{STYLE}" fill="currentColor" role="img"><title>{escape(title)}</title>'
    )
    return "\n".join([head, f'<text x="0" y="16" font-weight="600">{escape(title)}</text>', *parts, "</svg>"]) + "\n"


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
