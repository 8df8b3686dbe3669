"""What training costs by size: planted tastes over many items, learned in a process of its own each.

    python benchmarks/scale.py [--items 25000 100000] [--events-per-item 20]

Items belong to groups that their features show with noise; each user likes three groups, and among those items the
popular ones more. Printed are the seconds and the peak memory of training, and how much of users' next 20 is of their
groups (chance: three groups' share of the catalogue), for all and for items that nobody has touched.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

GROUPS = 200
LIKED = 3
EVENTS_PER_USER = 50
UNTOUCHED = 0.05
"""Share of the items without any event."""
FEATURES = 384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[25_000, 100_000])
    parser.add_argument("--events-per-item", type=int, default=20)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.one * arguments.events_per_item)))
        return
    print(f"{'items':>9}{'events':>11}{'seconds':>9}{'peak MB':>9}{'own groups':>12}{'untouched':>11}{'chance':>9}")
    for items in arguments.items:
        command = [sys.executable, __file__, "--one", str(items), "--events-per-item", str(arguments.events_per_item)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{items:9}{items * arguments.events_per_item:11}{row['seconds']:9.0f}{row['megabytes']:9.0f}"
            f"{row['own']:12.1%}{row['untouched']:11.1%}{LIKED / GROUPS:9.1%}",
            flush=True,
        )


def measure(items: int, events: int) -> dict[str, float]:
    """Train on planted tastes and ask for some users."""
    from multimodal_rec.histories import Histories
    from multimodal_rec.training import train

    random = np.random.default_rng(0)
    groups = random.integers(GROUPS, size=items)
    features = random.normal(size=(GROUPS, FEATURES))[groups] + random.normal(size=(items, FEATURES))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    touched = random.random(items) >= UNTOUCHED
    members = [np.flatnonzero((groups == group) & touched) for group in range(GROUPS)]
    users = events // EVENTS_PER_USER
    likes = np.stack([random.choice(GROUPS, LIKED, replace=False) for _ in range(users)])
    rows = []
    for own in likes:
        pool = np.concatenate([members[group] for group in own])
        places = (len(pool) * random.random(EVENTS_PER_USER) ** 2).astype(int)  # the first ones more often
        rows.append(pool[places])
    histories = Histories(
        tuple(f"user {number}" for number in range(users)),
        np.arange(users + 1) * EVENTS_PER_USER,
        np.concatenate(rows),
        np.full(users * EVENTS_PER_USER, np.nan, np.float32),
        np.tile(np.arange(EVENTS_PER_USER, dtype=np.float64), users),
    )
    ids = [f"item {number}" for number in range(items)]
    started = time.monotonic()
    trained = train(histories, {"text": features}, features, ids=ids)
    seconds = time.monotonic() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    preferences = trained.preferences
    blocks = preferences.item_block(ids, {"text": features})
    event_rows = preferences.event_block(ids, {"text": features})
    asked = random.choice(users, 200, replace=False)
    vectors = preferences.user_blocks(
        (event_rows[histories.items[histories.of(int(user))]], [None] * EVENTS_PER_USER) for user in asked
    )
    own, untouched = [], []
    for user, vector in zip(asked, vectors, strict=True):
        scores = blocks @ vector
        right = np.isin(groups, likes[user])
        own.append(right[np.argsort(-scores)[:20]].mean())
        untouched.append(right[~touched][np.argsort(-scores[~touched])[:20]].mean())
    return {
        "seconds": seconds,
        "megabytes": megabytes,
        "own": float(np.mean(own)),
        "untouched": float(np.mean(untouched)),
    }


if __name__ == "__main__":
    main()
