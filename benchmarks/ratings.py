"""Root mean square error of predicted ratings, beside biases alone and the SVD and SVD++ of Surprise.

    python benchmarks/ratings.py INTERACTIONS.csv [--seed 0] [--no-peers]

Hides a random tenth of the ratings, learns from the others without content, and predicts the hidden ones. Ours chooses
its settings among the training rows; the peers have their own defaults (`pip install scikit-surprise`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from multimodal_rec.histories import collect
from multimodal_rec.interactions import Event, in_time_order, read_interactions
from multimodal_rec.rating_training import fit_ratings

HIDDEN = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interactions", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    events = [e for e in read_interactions(arguments.interactions) if isinstance(e, Event) and e.rating is not None]
    mask = np.random.default_rng(arguments.seed).random(len(events)) < HIDDEN
    train = [event for event, hidden in zip(events, mask, strict=True) if not hidden]
    test = [event for event, hidden in zip(events, mask, strict=True) if hidden]
    print(f"{len(train)} ratings to learn from, {len(test)} to predict, seed {arguments.seed}")
    truth = np.array([event.rating for event in test])
    models: dict[str, Callable[[], np.ndarray]] = {
        "ours": lambda: ours(train, test),
        "biases": lambda: biases(train, test),
    }
    if not arguments.no_peers:
        models |= peers(train, test)
    print(f"{'model':18}{'RMSE':>8}{'seconds':>9}")
    for name, predict in models.items():
        started = time.perf_counter()
        error = np.sqrt(np.mean(np.square(predict() - truth)))
        print(f"{name:18}{error:8.4f}{time.perf_counter() - started:9.1f}", flush=True)


def ours(train: Sequence[Event], test: Sequence[Event]) -> np.ndarray:
    """(m,) ratings predicted by `fit_ratings`."""
    histories: dict[str, list[Event]] = {}
    for event in train:
        histories.setdefault(event.user_id, []).append(event)
    ids = list(dict.fromkeys(event.item_id for event in [*train, *test]))
    ordered = ((user, in_time_order(events)) for user, events in histories.items())
    model = fit_ratings(collect(ordered, {item_id: place for place, item_id in enumerate(ids)}), {}, ids=ids)
    if model is None:
        raise SystemExit("too few ratings, or all are the same")
    asked: dict[str, list[int]] = {}
    for place, event in enumerate(test):
        asked.setdefault(event.user_id, []).append(place)
    result = np.zeros(len(test))
    for user, places in asked.items():
        known = [(event.item_id, event.rating) for event in histories.get(user, [])]
        result[places] = model.predict(known, [test[place].item_id for place in places])
    return result


def biases(train: Sequence[Event], test: Sequence[Event], penalty: float = 5.0) -> np.ndarray:
    """(m,) mean + user bias + item bias, each shrunk by so many ratings, in ten rounds of least squares."""
    mean = float(np.mean([event.rating for event in train]))
    of_user: dict[str, float] = {}
    of_item: dict[str, float] = {}
    for _ in range(10):
        for own, other, key, far in (
            (of_item, of_user, "item_id", "user_id"),
            (of_user, of_item, "user_id", "item_id"),
        ):
            sums: dict[str, list[float]] = {}
            for event in train:
                rest = (event.rating or 0.0) - mean - other.get(getattr(event, far), 0.0)
                sums.setdefault(getattr(event, key), []).append(rest)
            own.update({name: sum(values) / (len(values) + penalty) for name, values in sums.items()})
    values = [mean + of_user.get(event.user_id, 0.0) + of_item.get(event.item_id, 0.0) for event in test]
    ratings = [event.rating or 0.0 for event in train]
    return np.clip(values, min(ratings), max(ratings))


def peers(train: Sequence[Event], test: Sequence[Event]) -> dict[str, Callable[[], np.ndarray]]:
    """The matrix factorisations of Surprise, none where it is not installed."""
    try:
        import pandas as pd
        from surprise import SVD, Dataset, Reader, SVDpp
    except ImportError as error:
        print(f"no peers: {error}")
        return {}
    table = pd.DataFrame([(event.user_id, event.item_id, event.rating) for event in train])
    reader = Reader(rating_scale=(table[2].min(), table[2].max()))
    data = Dataset.load_from_df(table, reader).build_full_trainset()

    def predicted(model: SVD | SVDpp) -> np.ndarray:
        model.fit(data)
        return np.array([model.predict(event.user_id, event.item_id).est for event in test])

    return {
        "Surprise SVD": lambda: predicted(SVD(random_state=0)),
        "Surprise SVD++": lambda: predicted(SVDpp(random_state=0)),
    }


if __name__ == "__main__":
    main()
