"""The scenes of the catalogue, drawn from noise and light.

A view is a few words such as "sea dusk lighthouse": the world, the hour, and what there is to see. The seed
varies the composition, and the time moves waves, clouds, trains and fish.
"""

from __future__ import annotations

import cv2
import numpy as np
from canvas import Array, Canvas, age, finish, quantise
from numpy.typing import NDArray
from scenery import Look
from worlds import WORLDS

SIZE = (320, 180)


def paint(canvas: Canvas, view: str, seed: int, t: float = 0.0) -> Array:
    """Paint a view on a canvas and scale it down."""
    words = view.split()
    WORLDS[words[0]](canvas, Look(frozenset(words), seed, t))
    return finish(canvas.rgb, SIZE)


def picture(view: str, seed: int) -> NDArray[np.uint8]:
    """Draw the still of a view, as RGB."""
    canvas = Canvas(SIZE[0] * 2, SIZE[1] * 2)
    return quantise(age(paint(canvas, view, seed), seed))


def frame(view: str, seed: int, t: float, pan: float) -> NDArray[np.uint8]:
    """Draw one frame of a shot, as RGB: its second, and how many pixels the camera has moved to the right.

    Clips have no grain and are a little softer than stills, which keeps the files small.
    """
    zoom = 1.1
    canvas = Canvas(SIZE[0] * 3 // 2, SIZE[1] * 3 // 2, (pan / SIZE[1] / zoom, 0.0), zoom)
    return quantise(cv2.GaussianBlur(paint(canvas, view, seed, t), (0, 0), 1.0))
