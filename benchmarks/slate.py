"""What diversity costs: ndcg@20 and how unlike the items of a list are, for each strength.

    .venv/bin/python benchmarks/slate.py WORKSPACE [HELD_OUT.csv]

Lists are made from the workspace's histories and judged by the held-out events; without a file, by each user's newest
eighth, which is then left out of the history. Unlikeness is the mean over all pairs of a list: 1 - cosine of the
learned item vectors, 1 - cosine of the contents, and 1 - Jaccard of the categories.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from multimodal_rec import Recommender
from multimodal_rec.alignment import unit
from multimodal_rec.interactions import Event, read_interactions
from multimodal_rec.slate import Slate

K = 20


def ndcg(found: Sequence[str], relevant: set[str]) -> float:
    gains = 1 / np.log2(np.arange(K) + 2)
    return float(
        sum(g for g, item in zip(gains, found, strict=False) if item in relevant) / gains[: len(relevant)].sum()
    )


def unlikeness(rec: Recommender, ids: list[str]) -> tuple[float, float, float]:
    items = rec.items(ids)
    vectors = rec._index.vectors(ids)
    tastes, contents = unit(vectors[:, : rec._space.preference - 1]), unit(vectors[:, rec._space.preference :])
    pairs = [(i, j) for i in range(len(ids)) for j in range(i)]
    names = [set(items[item_id].categories) for item_id in ids]
    jaccard = [len(names[i] & names[j]) / max(1, len(names[i] | names[j])) for i, j in pairs]
    cosines = [1 - float(np.mean([rows[i] @ rows[j] for i, j in pairs])) for rows in (tastes, contents)]
    return cosines[0], cosines[1], 1 - float(np.mean(jaccard))


def main() -> None:
    rec = Recommender.open(sys.argv[1])
    users = rec.users()
    if len(sys.argv) > 2:
        relevant: dict[str, set[str]] = {}
        for row in read_interactions(Path(sys.argv[2])):
            if isinstance(row, Event):
                relevant.setdefault(row.user_id, set()).add(row.item_id)
        histories = {user: rec.history(user) for user in users if user in relevant}
    else:
        full = {user: rec.history(user) for user in users}
        cut = {user: len(events) - max(1, len(events) // 8) for user, events in full.items() if len(events) > 1}
        histories = {user: full[user][:n] for user, n in cut.items()}
        relevant = {user: {event.item_id for event in full[user][n:]} for user, n in cut.items()}
    print(f"{len(histories)} users, lists of {K}\n")
    print("diversity  ndcg@20            taste              content            categories")
    first: list[float] = []
    for strength in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        rows = []
        for user, hits in rec.recommend_all(histories.items(), k=K, slate=Slate(diversity=strength)):
            ids = [hit.item_id for hit in hits]
            rows.append((ndcg(ids, relevant[user]), *unlikeness(rec, ids)))
        means = np.mean(rows, axis=0)
        first = first or means.tolist()
        cells = [f"{value:.4f} ({100 * (value / base - 1):+.1f} %)" for value, base in zip(means, first, strict=True)]
        print(f"{strength:9.1f}  " + "   ".join(f"{cell:16}" for cell in cells))


if __name__ == "__main__":
    main()
