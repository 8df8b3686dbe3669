"""Well-known recommenders, fitted to the same events: what a model has to beat.

    popularity   how many users an item has
    ItemKNN      items liked by the same users, by cosine (Sarwar et al. 2001)
    EASE         the full item-item matrix in closed form (Steck 2019)
    ALS          implicit matrix factorisation (Hu et al. 2008), by the library `implicit` where that is installed
    content kNN  the mean content of a history, by cosine
    ALS + ridge  for items that nobody knows: their ALS factor, as ridge regression expects it from their content
    random       for items that nobody knows

A user is what their history says, for all of them, so users who were never seen are answered too. Settings are chosen on
each user's newest training events, then the peer is fitted to all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from multimodal_rec.alignment import unit
from multimodal_rec.arrays import FloatArray, IntArray
from multimodal_rec.histories import Histories, held_out
from multimodal_rec.metrics import ndcg_at
from multimodal_rec.ridge import ridge
from multimodal_rec.threads import one_thread

logger = logging.getLogger(__name__)

Items = IntArray

MOST_ITEMS = 8_000
"""Items that take part in a dense item-item matrix, those with most events first."""
VALIDATION_SHARE = 0.125
MOST_VALIDATED = 2_000
"""Users whose lists are ranked to choose settings."""
BATCH = 256
EASE_SETTINGS: tuple[dict[str, float], ...] = tuple({"penalty": p} for p in (100.0, 250.0, 500.0, 1000.0, 2000.0))
KNN_SETTINGS: tuple[dict[str, float], ...] = tuple(
    {"neighbours": neighbours, "shrinkage": shrinkage} for neighbours in (20, 50, 100, 200) for shrinkage in (0.0, 20.0)
)
ALS_SETTINGS = tuple(
    {"factors": factors, "regularization": penalty, "alpha": alpha}
    for factors in (32, 64, 128)
    for penalty in (1.0, 10.0)
    for alpha in (1.0, 5.0)
)


class Peer(Protocol):
    """A fitted recommender."""

    def scores(self, histories: Sequence[Items]) -> FloatArray:
        """(u, n) scores of all items for users with these (L,) positions of items in their histories."""
        ...


@dataclass(frozen=True)
class Popularity:
    """The same list for everybody."""

    counts: FloatArray  # (n,)

    def scores(self, histories: Sequence[Items]) -> FloatArray:
        """As `Peer`."""
        return np.tile(self.counts, (len(histories), 1))


@dataclass(frozen=True)
class ItemToItem:
    """A user is the sum of the rows of their items."""

    weights: FloatArray  # (c, c)
    chosen: Items  # (c,) positions of the items that take part
    count: int

    def scores(self, histories: Sequence[Items]) -> FloatArray:
        """As `Peer`; 0 for items that take no part."""
        result = np.zeros((len(histories), self.count), np.float32)
        result[:, self.chosen] = _indicators(histories, self.chosen, self.count) @ self.weights
        return result


@dataclass(frozen=True)
class ByContent:
    """A user is the mean of the contents of their items."""

    content: FloatArray  # (n, c) unit rows or zero

    def scores(self, histories: Sequence[Items]) -> FloatArray:
        """As `Peer`."""
        zero = np.zeros(self.content.shape[1], np.float32)
        return np.stack([self.content[own].mean(0) if len(own) else zero for own in histories]) @ self.content.T


@dataclass(frozen=True)
class Random:
    """Every list is drawn."""

    count: int
    seed: int

    def scores(self, histories: Sequence[Items]) -> FloatArray:
        """As `Peer`."""
        return np.random.default_rng(self.seed).random((len(histories), self.count), np.float32)


@dataclass(frozen=True)
class Factorised:
    """ALS: a user's factor is solved for from their history."""

    model: Any
    items: FloatArray  # (n, r) item factors

    def scores(self, histories: Sequence[Items]) -> FloatArray:
        """As `Peer`."""
        users = self.model.recalculate_user(np.arange(len(histories)), _sparse(histories, len(self.items)))
        return np.asarray(users, np.float32) @ self.items.T


@dataclass(frozen=True)
class FittedPeer:
    """A peer under its name, with the settings that validation chose."""

    name: str
    peer: Peer
    settings: dict[str, float]


def fit_peers(
    histories: Histories, count: int, content: FloatArray, seed: int, *, cold: bool = False
) -> Iterator[FittedPeer]:
    """Yield each peer, fitted.

    Args:
        histories: of the training's users.
        count: n, the number of items.
        content: (n, c) of all items.
        seed: of all that is random.
        cold: whether items are ranked that nobody knows; only peers that can do that take part.
    """
    content = unit(content)
    with_als = find_spec("implicit") is not None
    if cold:
        yield FittedPeer("random", Random(count, seed), {})
        yield FittedPeer("content kNN", ByContent(content), {})
        if with_als:
            peer, settings = _als(histories, count, seed)
            known = np.unique(histories.items)
            rows = content @ ridge(content[known], peer.items[known])
            yield FittedPeer("ALS + ridge", Factorised(peer.model, rows), settings)
        return
    yield FittedPeer("popularity", Popularity(_audience(histories, count)), {})
    yield FittedPeer("content kNN", ByContent(content), {})
    yield _item_to_item("ItemKNN", KNN_SETTINGS, item_knn, histories, count, seed)
    yield _item_to_item("EASE", EASE_SETTINGS, ease, histories, count, seed)
    if with_als:
        peer, settings = _als(histories, count, seed)
        yield FittedPeer("ALS", peer, settings)


def _item_to_item(
    name: str,
    settings: Sequence[dict[str, float]],
    fit: Callable[..., FloatArray],
    histories: Histories,
    count: int,
    seed: int,
) -> FittedPeer:
    shown, hidden = _validation(histories, seed)
    chosen, gram = co_occurrences(shown, count)
    best = _best(settings, lambda setting: ItemToItem(fit(gram, **setting), chosen, count), shown, hidden, seed)
    everything, all_gram = co_occurrences(histories, count)
    return FittedPeer(name, ItemToItem(fit(all_gram, **best), everything, count), best)


def co_occurrences(histories: Histories, count: int) -> tuple[Items, FloatArray]:
    """The (c,) items that take part, and (c, c) how many users have both of two items."""
    audience = _audience(histories, count)
    chosen = np.sort(np.argsort(-audience, kind="stable")[:MOST_ITEMS])
    chosen = chosen[audience[chosen] > 0]
    gram = np.zeros((len(chosen), len(chosen)), np.float32)
    for start in range(0, len(histories), BATCH):
        own = [histories.items[histories.of(u)] for u in range(start, min(start + BATCH, len(histories)))]
        rows = _indicators(own, chosen, count)
        gram += rows.T @ rows
    return chosen, gram


def ease(gram: FloatArray, penalty: float) -> FloatArray:
    """(c, c) weights of EASE: equation 8 of Steck 2019, from how many users have both of two items."""
    inverse = np.linalg.inv(gram.astype(np.float64) + penalty * np.eye(len(gram)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights.astype(np.float32)


def item_knn(gram: FloatArray, neighbours: int, shrinkage: float) -> FloatArray:
    """(c, c) cosines of each item's nearest neighbours, those with few users shrunk; 0 for all others."""
    norms = np.sqrt(np.diag(gram))
    similarities = gram / (np.outer(norms, norms) + shrinkage)
    np.fill_diagonal(similarities, 0.0)
    if neighbours < len(gram):
        least = np.partition(similarities, -neighbours, axis=0)[-neighbours]
        similarities[similarities < least[None]] = 0.0
    return np.asarray(similarities, np.float32)


def best_lists(scores: FloatArray, k: int, left_out: Sequence[Items], allowed: Items | None) -> list[Items]:
    """For each of the (u, n) scores the positions of the k best items, best first, without those left out."""
    scores = scores.copy()
    if allowed is not None:
        mask = np.ones(scores.shape[1], dtype=bool)
        mask[allowed] = False
        scores[:, mask] = -np.inf
    for row, own in enumerate(left_out):
        scores[row, own] = -np.inf
    k = min(k, scores.shape[1])
    top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, 1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, 1)
    return [own[np.isfinite(scores[row, own])] for row, own in enumerate(top)]


def _als(histories: Histories, count: int, seed: int) -> tuple[Factorised, dict[str, float]]:
    shown, hidden = _validation(histories, seed)
    settings = _best(ALS_SETTINGS, lambda s: _fit_als(shown, count, seed, s), shown, hidden, seed)
    return _fit_als(histories, count, seed, settings), settings


def _fit_als(histories: Histories, count: int, seed: int, settings: dict[str, float]) -> Factorised:
    from implicit.cpu.als import AlternatingLeastSquares

    with one_thread:  # implicit has threads of its own
        model = AlternatingLeastSquares(**settings, iterations=15, random_state=seed, num_threads=1)
        own = [histories.items[histories.of(user)] for user in range(len(histories))]
        model.fit(_sparse(own, count), show_progress=False)
    return Factorised(model, np.asarray(model.item_factors, np.float32))


def _best(
    settings: Sequence[dict[str, Any]],
    fit: Callable[[dict[str, Any]], Peer],
    shown: Histories,
    hidden: dict[int, Items],
    seed: int,
) -> dict[str, Any]:
    """The settings whose lists find the hidden events best."""
    users = np.sort(np.random.default_rng(seed).permutation(list(hidden))[:MOST_VALIDATED])
    values = []
    for setting in settings:
        peer = fit(setting)
        total = 0.0
        for start in range(0, len(users), BATCH):
            own = [shown.items[shown.of(int(user))] for user in users[start : start + BATCH]]
            scores = peer.scores(own)
            for row, (seen, user) in enumerate(zip(own, users[start : start + BATCH], strict=True)):
                scores[row, seen] = -np.inf
                total += ndcg_at(20, scores[row], hidden[int(user)])
        values.append(total / max(1, len(users)))
        logger.info("%s: validation ndcg@20 %.4f", setting, values[-1])
    return settings[int(np.argmax(values))]


def _validation(histories: Histories, seed: int) -> tuple[Histories, dict[int, Items]]:
    """The histories without their newest events, and the items of those, for each user who has some."""
    mask = held_out(histories, VALIDATION_SHARE, seed)
    hidden = {}
    for user in range(len(histories)):
        own = histories.of(user)
        items = np.setdiff1d(histories.items[own][mask[own]], histories.items[own][~mask[own]])
        if len(items):
            hidden[user] = items
    return histories.select(~mask), hidden


def _audience(histories: Histories, count: int) -> FloatArray:
    """(n,) number of users of each item."""
    pairs = np.unique(np.stack([histories.owners, histories.items]), axis=1)
    return np.bincount(pairs[1], minlength=count).astype(np.float32)


def _indicators(histories: Sequence[Items], chosen: Items, count: int) -> FloatArray:
    """(u, c) who has which of the chosen items."""
    places = np.full(count, -1, np.int64)
    places[chosen] = np.arange(len(chosen))
    rows = np.zeros((len(histories), len(chosen)), np.float32)
    for row, own in enumerate(histories):
        among = places[own]
        rows[row, among[among >= 0]] = 1.0
    return rows


def _sparse(histories: Sequence[Items], count: int) -> Any:
    from scipy.sparse import csr_matrix

    items = [np.unique(own) for own in histories]
    bounds = np.cumsum([0, *(len(own) for own in items)])
    index = np.concatenate([*items, np.zeros(0, np.int64)])
    return csr_matrix((np.ones(len(index), np.float32), index, bounds), shape=(len(histories), count))
