"""Cuts and dissolves in a sequence of thumbnails: where one shot ends and the next begins.

A cut is a change that is sudden, all over the picture, and no mere movement of the camera. Each test alone has its
impostors: a wild pan changes as much as a cut, but goes on before and after; a shaken camera jumps for one frame, but
shows the same picture a little to the side; a hand across the lens changes a part. A dissolve, or a fade from or to one
colour, is a sequence of mixtures of its first and its last picture; nothing that moves looks like that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Thumbnail = npt.NDArray[np.float32]  # (h, w, 3): luma first, then chroma

REACH = 6  # thumbnails on either side that say what is usual
AFTER = 3  # thumbnails that a shot must last to be one
APART = 0.3  # seconds between two frames beyond which nothing is usual: slides, and what a camera sees now and then
SHIFT = (2, 3)  # cells, down and across, that a shaken camera may move

LEAST_CHANGE = 5.0  # gray levels left after the best shift, for a change of the scene's layout
LEAST_RATIO = 2.5  # times the usual change
MOST_ALIKE = 0.6  # correlation of luma before and after
STRONG_CHANGE = 12.0  # enough by itself, where it is also
STRONG_RATIO = 4.0
DISSOLVES = (6, 9, 13, 19, 28)  # thumbnails in half a dissolve
MOST_LEFT = 0.1  # of the change from its first picture to its last that mixtures of both leave unexplained
ONE_COLOUR = 4.0  # gray levels; the deviation of a picture that shows nothing is less
LEAST_SPREAD = 0.2  # median over mean of the cells' changes; one moving thing leaves most cells as they were


def find_cuts(thumbnails: Sequence[Thumbnail], times: Sequence[float]) -> list[int]:
    """Return the places of the thumbnails that open a new shot; `times` are their seconds."""
    change = changes(thumbnails)
    apart = np.diff(times, prepend=times[:1]) > APART
    cuts: list[int] = []
    for place in np.flatnonzero(change >= LEAST_CHANGE).tolist():
        if apart[place]:
            if _is_other_scene(thumbnails[place - 1], thumbnails[place]):
                cuts.append(place)
            continue
        near = np.r_[max(1, place - REACH) : place, place + 1 : min(place + 1 + REACH, len(change))]
        near = near[~apart[near]]
        usual = float(change[near].mean()) if len(near) else 0.0
        too_close = bool(cuts) and place - cuts[-1] < AFTER
        if place + AFTER > len(change) or too_close or change[place] < LEAST_RATIO * usual:
            continue
        if not _is_cut(thumbnails[place - 1], thumbnails[place], usual):
            continue
        steps = range(max(1, place - AFTER + 1), min(place + AFTER, len(change)))
        start = max((step for step in steps if apart[step] and step < place), default=max(0, place - AFTER))
        end = min((step for step in steps if apart[step] and step > place), default=place + AFTER)
        if not _is_back(thumbnails[start:place], thumbnails[place:end]):
            cuts.append(place)
    return cuts


def find_dissolves(thumbnails: Sequence[Thumbnail], cuts: Sequence[int]) -> list[int]:
    """Return the places where a picture slowly turns into another one, and `cuts` lie not near.

    That is the middle of a dissolve, and of a fade the end that has but one colour, so that the pictures of a shot are
    not parted from it.
    """
    if len(thumbnails) <= 2 * min(DISSOLVES):
        return []
    # A quarter of the cells is enough to tell mixtures, at a quarter of the memory.
    small = np.stack([each.reshape(9, 2, 16, 2, 3).mean((1, 3)).ravel() for each in thumbnails])
    found: list[tuple[int, float, int]] = []  # half its length, what is left, its middle
    for half in DISSOLVES:
        middles = np.arange(half, len(small) - half)
        change = np.abs(small[middles + half] - small[middles - half]).mean(axis=1)
        middles, change = middles[change >= STRONG_CHANGE], change[change >= STRONG_CHANGE]
        first, last = small[middles - half], small[middles + half]
        left = [
            np.abs(small[middles + round(half * (2 * share - 1))] - (1 - share) * first - share * last).mean(axis=1)
            for share in (0.25, 0.5, 0.75)
        ]
        worst = np.max(left, axis=0) / change
        found += [(half, float(worst[n]), int(middles[n])) for n in np.flatnonzero(worst <= MOST_LEFT)]
    places: list[int] = []
    taken: list[tuple[int, int]] = [(cut, cut) for cut in cuts]
    for half, _, middle in sorted(found, key=lambda each: (-each[0], *each[1:])):  # a part of a dissolve is one too
        before, after = thumbnails[middle - half], thumbnails[middle + half]
        if any(middle - half <= end and start <= middle + half for start, end in taken):
            continue
        if _likeness(before, after) > MOST_ALIKE:
            continue
        taken.append((middle - half, middle + half))
        plain = [each[..., 0].std() < ONE_COLOUR for each in (before, after)]
        places.append(middle + half * (int(plain[1]) - int(plain[0])))
    return sorted(place for place in places if place > 0)  # a film that fades in has but one shot there


def find_scenes(thumbnails: Sequence[Thumbnail]) -> list[int]:
    """Return the places of thumbnails that show another scene than the one before, where many seconds lie between.

    Nothing is usual at such distances, so only the two pictures count.
    """
    return [
        place for place, (before, after) in enumerate(pairwise(thumbnails), start=1) if _is_other_scene(before, after)
    ]


def changes(thumbnails: Sequence[Thumbnail]) -> npt.NDArray[np.float32]:
    """Return float32 (n,): how much each thumbnail differs from the one before it; 0 for the first."""
    steps = [difference(before, after) for before, after in pairwise(thumbnails)]
    return np.array([0.0, *steps], np.float32)[: len(thumbnails)]


def difference(before: Thumbnail, after: Thumbnail) -> float:
    """Return the mean absolute difference of two thumbnails in gray levels."""
    return float(np.abs(before - after).mean())


def _is_other_scene(before: Thumbnail, after: Thumbnail) -> bool:
    return _likeness(before, after) <= MOST_ALIKE and shifted_difference(before, after) >= LEAST_CHANGE


def _is_cut(before: Thumbnail, after: Thumbnail, usual: float) -> bool:
    left = shifted_difference(before, after)
    if left < LEAST_CHANGE or _spread(before, after) < LEAST_SPREAD:
        return False
    sudden = left >= LEAST_RATIO * usual and _likeness(before, after) <= MOST_ALIKE
    return sudden or (left >= STRONG_CHANGE and left >= STRONG_RATIO * usual)


def shifted_difference(before: Thumbnail, after: Thumbnail) -> float:
    """Return the least mean absolute difference of two thumbnails over small shifts of one against the other."""
    height, width = before.shape[:2]
    down, across = SHIFT
    least = np.inf
    for y in range(-down, down + 1):
        for x in range(-across, across + 1):
            first = before[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)]
            second = after[max(0, -y) : height + min(0, -y), max(0, -x) : width + min(0, -x)]
            least = min(least, difference(first, second))
    return least


def _likeness(before: Thumbnail, after: Thumbnail) -> float:
    """Return the correlation of two thumbnails' luma, which a change of light leaves as it is."""
    first = before[..., 0] - before[..., 0].mean()
    second = after[..., 0] - after[..., 0].mean()
    return float((first * second).sum() / max(np.sqrt((first**2).sum() * (second**2).sum()), 1e-6))


def _is_back(before: Sequence[Thumbnail], after: Sequence[Thumbnail]) -> bool:
    """Say whether something was shown for a moment only, as by a flash: a picture from before is there again, or was."""
    return any(shifted_difference(one, other) < LEAST_CHANGE for one in before for other in after)


def _spread(before: Thumbnail, after: Thumbnail) -> float:
    cells = np.abs(before - after).mean(axis=2)
    return float(np.median(cells) / max(cells.mean(), 1e-6))
