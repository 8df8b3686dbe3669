"""From the best candidates to the list that is shown: varied, with room for what is new, nothing twice.

Scores are compared in standard deviations over the candidates, so that strengths mean the same for every user.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from multimodal_rec.alignment import present, unit
from multimodal_rec.arrays import BoolArray, FloatArray
from multimodal_rec.errors import QueryError

SAME_WORDS = 0.98
"""Cosine of the words of two items that are nearly one, where one of them has no picture."""
SAME_LOOKS = 0.75
"""Cosine of the pictures of two items that are nearly one: a picture that is saved anew at another size has more; of
different posters of a thousand films the nearest has .41 at most in 99 of 100."""
WORDS_OF_SAME_LOOKS = 0.6
"""Cosine of their words, so that items which share a picture of something else stay apart."""
FEWEST_CANDIDATES = 200
FULL_STRENGTH = 20
"""The place from which on the whole diversity counts: the first ones belong to what fits best."""
AGAINST = 3.0
"""What full likeness to an unwanted item takes away, in deviations."""


@dataclass(frozen=True, slots=True)
class Boost:
    """Moves items whose `field` is or holds `value` up by `amount` deviations, or down where it is negative."""

    field: str
    value: Any
    amount: float


@dataclass(frozen=True, slots=True)
class Slate:
    """How a list is to be put together; the default is the candidates in order of score."""

    diversity: float = 0.0
    """0 to 1: how much unlikeness to the items above counts beside the score."""
    new_share: float = 0.0
    """0 to 1: share of the places that go to items without any event."""
    unique: bool = False
    """Whether of nearly identical items only the best is shown."""
    per_category: int | None = None
    """Places at the most for items of one category."""
    boosts: tuple[Boost, ...] = ()
    """What the business wants seen more, or less."""

    def __post_init__(self) -> None:
        for name in ("diversity", "new_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise QueryError(f"{name} is {getattr(self, name)}: give a number from 0 to 1")
        if self.per_category is not None and self.per_category < 1:
            raise QueryError(f"per_category is {self.per_category}: allow at least 1 item of a category")

    @property
    def plain(self) -> bool:
        """Whether nothing but the score decides."""
        return self == PLAIN

    def pool(self, k: int, dislikes: bool = False) -> int:
        """How many candidates a list of k is chosen from."""
        return k if self.plain and not dislikes else max(5 * k, FEWEST_CANDIDATES)


PLAIN = Slate()
"""The candidates in order of score."""


@dataclass(frozen=True)
class Candidates:
    """n items to choose from, best first."""

    scores: FloatArray  # (n,)
    contents: FloatArray  # (n, d) unit length, what words say before what pictures show
    words: int
    """How many columns of the contents are of words."""
    tastes: FloatArray  # (n, p) what the models of taste see in each; p = 0 without interactions
    new: BoolArray  # (n,) whether an item has no event
    categories: Sequence[Sequence[str]]
    fields: Sequence[Mapping[str, Any]]
    """Attributes of each, for boosts."""


def choose(candidates: Candidates, slate: Slate, k: int) -> list[int]:
    """Places, among the candidates, of the k to show, in order; fewer where the limits leave fewer.

    With a diversity of d, an item's value is (1 - d) its score less d its mean likeness to the items above it, both in
    deviations: marginal relevance (Carbonell and Goldstein 1998) with the mean for the maximum, as what a list is
    judged by is a mean too. The likeness counts in full from place `FULL_STRENGTH` on, and above in proportion.
    """
    relevance = standardised(candidates.scores) + boosted(candidates, slate.boosts)
    likeness = likenesses(candidates)
    open_places = np.ones(len(relevance), dtype=bool)
    if slate.unique:
        open_places[repeats(relevance, nearly_one(candidates.contents, candidates.words))] = False
    likeness_above = np.zeros(len(relevance), np.float32)
    shown: Counter[str] = Counter()
    chosen: list[int] = []
    while len(chosen) < k and open_places.any():
        value = relevance
        if slate.diversity and chosen:
            strength = slate.diversity * min(1.0, (len(chosen) + 1) / FULL_STRENGTH)
            value = (1 - slate.diversity) * relevance - strength * likeness_above / len(chosen)
        allowed = open_places
        due = round_down(slate.new_share * (len(chosen) + 1)) - int(candidates.new[chosen].sum())
        if due > 0 and (open_places & candidates.new).any():
            allowed = open_places & candidates.new
        place = int(np.argmax(np.where(allowed, value, -np.inf)))
        open_places[place] = False
        names = candidates.categories[place]
        if slate.per_category and any(shown[name] >= slate.per_category for name in names):
            continue
        chosen.append(place)
        shown.update(names)
        likeness_above += likeness[place]
    return chosen


def likenesses(candidates: Candidates) -> FloatArray:
    """(n, n) likeness in deviations: of the tastes (less what all have in common), contents and categories, alike."""
    names = sorted({name for own in candidates.categories for name in own})
    categories = np.array([[name in own for name in names] for own in candidates.categories], np.float32)
    tastes = candidates.tastes - candidates.tastes.mean(axis=0)
    views = [unit(rows) for rows in (tastes, candidates.contents, categories) if rows.shape[1]]
    return _among_pairs(np.sum([_among_pairs(rows @ rows.T) for rows in views], axis=0))


def _among_pairs(likeness: FloatArray) -> FloatArray:
    """(n, n) less the mean over all pairs of two, in their deviations."""
    pairs = likeness[~np.eye(len(likeness), dtype=bool)]
    mean = pairs.mean() if pairs.size else 0.0
    return np.asarray((likeness - mean) / _deviation(pairs), dtype=np.float32)


def standardised(scores: FloatArray) -> FloatArray:
    """Scores less their mean, in deviations; zeros where all are the same."""
    return np.asarray((scores - scores.mean()) / _deviation(scores), dtype=np.float32)


def boosted(candidates: Candidates, boosts: Sequence[Boost]) -> FloatArray:
    """(n,) the sum of the boosts that fit each candidate, in deviations; the field "categories" holds categories."""
    result = np.zeros(len(candidates.scores), np.float32)
    for boost in boosts:
        for row, (fields, categories) in enumerate(zip(candidates.fields, candidates.categories, strict=True)):
            found = categories if boost.field == "categories" else fields.get(boost.field)
            held = found if isinstance(found, list | tuple) else (found,)
            if boost.value in held:
                result[row] += boost.amount
    return result


def nearly_one(contents: FloatArray, words: int) -> BoolArray:
    """(n, n) which items are nearly one: the same film in two releases, the same shoe photographed once.

    Args:
        contents: (n, d), the first columns of words, the others of pictures.
        words: how many are of words.
    """
    said, shown = unit(contents[:, :words]), unit(contents[:, words:])
    silent, blind = ~present(said), ~present(shown)
    alike = said @ said.T
    alike[np.ix_(silent, silent)] = 1.0
    by_looks = (shown @ shown.T >= SAME_LOOKS) & (alike >= WORDS_OF_SAME_LOOKS)
    by_words = (alike >= SAME_WORDS) & ~np.logical_and.outer(silent, silent)
    return np.where(np.logical_or.outer(blind, blind), by_words, by_looks)


def repeats(relevance: FloatArray, same: BoolArray) -> list[int]:
    """Places of the candidates that are nearly one with another of greater relevance that is no repeat itself."""
    kept: list[int] = []
    found: list[int] = []
    for place in map(int, np.argsort(-relevance, kind="stable")):
        (found if same[place, kept].any() else kept).append(place)
    return found


def against(scores: FloatArray, contents: FloatArray, unwanted: FloatArray) -> FloatArray:
    """(n,) scores less `AGAINST` deviations times the likeness of (n, d) contents to the nearest (m, d) unwanted one."""
    if not len(unwanted):
        return scores
    likeness = np.maximum(contents @ unwanted.T, 0).max(axis=1)
    return np.asarray(scores - AGAINST * _deviation(scores) * likeness, dtype=np.float32)


def round_down(number: float) -> int:
    """The whole number below, forgiving the last bits: .3 of 10 places are 3."""
    return int(number + 1e-9)


def _deviation(numbers: FloatArray) -> float:
    return float(numbers.std()) or 1.0 if numbers.size else 1.0
