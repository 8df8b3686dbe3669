"""The viewers: their tastes as plain data, and the evenings that follow from them."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

START, DAYS = 1_736_899_200, 240  # 15 January 2025, and about eight months of evenings
DAY = 86_400
FAITHFUL = 0.88  # the share of evenings that follow the viewer's taste
SHARE_WATCHED = 0.85  # the most that anybody has watched of what they like

# Worlds are written small and categories with a capital; "then" marks a taste that turned.
TASTES = {
    "ada": "sea and reef", "bruno": "space and mountains", "carmen": "reef and space", "dara": "kitchen and trains", "emil": "trains and sea",
    "farah": "desert and balloons", "gustav": "mountains, forest and trains", "hana": "forest and balloons", "ivo": "city and horror", "jun": "football and stage",
    "katya": "stage and kitchen", "liam": "horror and space", "mira": "balloons and mountains", "noor": "sea and reef", "otto": "trains and mountains",
    "pia": "kitchen and city", "quentin": "space and horror", "rosa": "forest and mountains", "sven": "sea and mountains", "tara": "stage and city",
    "ugo": "football and kitchen", "vera": "balloons and desert", "wanda": "forest and horror", "xenia": "reef and space", "yusuf": "desert and space",
    "zoe": "stage and football", "anton": "football and city", "bea": "sea, balloons and desert", "cyril": "trains and forest", "dunja": "reef, sea and forest",
    "elif": "city and stage", "fritz": "mountains and sea", "greta": "forest and kitchen", "henk": "sea and trains", "ines": "kitchen, city and stage",
    "jonas": "space and horror", "kofi": "football, stage and city", "lena": "balloons and reef", "marco": "kitchen and football", "nils": "mountains and sea",
    "olga": "horror and forest", "pavel": "trains and city", "rania": "desert and mountains", "samir": "desert and city", "tilda": "reef and balloons",
    "ulla": "forest and horror", "viktor": "space, city and horror", "wim": "stage and city", "yara": "reef and kitchen", "zeno": "horror and city",
    "agnes": "sea, then space", "boris": "football, then stage", "clara": "kitchen, then trains", "dimitri": "mountains, then desert", "esther": "forest, then horror",
    "felix": "city, then sea", "gilda": "space, then reef", "hugo": "trains, then balloons", "irma": "desert, then kitchen", "jasper": "horror, then football",
    "kira": "Documentary", "lou": "Comedy", "maya": "Documentary", "nestor": "Drama", "oona": "Mystery",
    "petra": "Family", "ravi": "Comedy", "selma": "Drama",
}  # fmt: skip


class Watchable(NamedTuple):
    """What a viewer can know of an item before the evening."""

    id: str
    world: str
    categories: list[str]
    appeal: float


class Event(NamedTuple):
    """One evening: who watched what, when, and the stars given, if any."""

    user: str
    item: str
    timestamp: int
    rating: int | None


def watchables(items: list[dict], worlds: dict[str, str], unseen: set[str], seed: int) -> list[Watchable]:
    """Give each item its share of the attention: a few hits, a long tail, and nothing for the new ones."""
    rank = np.random.default_rng(seed).permutation(len(items))
    appeal = 1 / (3.0 + rank) ** 0.7
    return [
        Watchable(i["id"], worlds[i["id"]], i["categories"], a)
        for i, a in zip(items, appeal, strict=True)
        if i["id"] not in unseen
    ]


def wanted(taste: str, progress: float) -> set[str]:
    """Return the worlds and categories that a viewer looks for, that far through the months."""
    before, _, after = taste.partition(", then ")
    current = after if after and progress > 0.5 else before
    return set(re.split(r", | and ", current))


def fits(item: Watchable, likes: set[str]) -> bool:
    """Whether an item is of a world or a category that somebody likes."""
    return item.world in likes or not likes.isdisjoint(item.categories)


def evenings(user: str, taste: str, choice: list[Watchable], rng: np.random.Generator) -> Iterator[Event]:
    """Draw the evenings of one viewer in order of time.

    Nobody watches a title twice, and everybody leaves a part of what they would like for later.
    """
    ever = wanted(taste, 0.0) | wanted(taste, 1.0)
    likeable = sum(fits(item, ever) for item in choice)
    count = max(8, min(int(rng.integers(8, 31)), int(SHARE_WATCHED * likeable)))
    left = list(choice)
    for moment in (np.arange(count) + rng.random(count)) / count:
        liked = [item for item in left if fits(item, wanted(taste, moment))]
        follows = bool(liked) and rng.random() < FAITHFUL
        pool = liked if follows else left
        appeal = np.array([item.appeal for item in pool])
        item = pool[int(rng.choice(len(pool), p=appeal / appeal.sum()))]
        left.remove(item)
        evening = math.floor(moment * DAYS) * DAY + int(rng.normal(20.5, 1.2) * 3600)
        yield Event(user, item.id, START + evening, stars(follows, rng))


def stars(follows: bool, rng: np.random.Generator) -> int | None:
    """Rate what was watched: high where it fits the taste, often not at all."""
    if rng.random() < 0.3:
        return None
    return int(np.clip(round(rng.normal(4.4 if follows else 2.6, 0.8)), 1, 5))
