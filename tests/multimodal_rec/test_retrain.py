"""Learning again publishes only what validates no worse."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from multimodal_rec.build import build
from multimodal_rec.interactions import Event
from multimodal_rec.releases import MANIFEST_FILE, read_manifest
from multimodal_rec.retrain import VALIDATION, retrain
from multimodal_rec.workspace import Workspace
from tests.multimodal_rec.planted import tribes

ITEMS, USERS = 16, 8


def note_validation(folder: Path, value: float) -> None:
    """Have a release say that it validated so well."""
    manifest = read_manifest(folder).model_copy(update={"metrics": {VALIDATION: value}})
    (folder / MANIFEST_FILE).write_text(manifest.sealed().model_dump_json(indent=2) + "\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_model_is_published_unless_it_validates_worse(tmp_path: Path) -> None:
    subjects = ["a ship in a storm", "bread in an oven"]
    rows = [{"id": str(n), "title": f"Number {n}, {subjects[n % 2]}"} for n in range(ITEMS)]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    liked = tribes(2 * USERS, ITEMS, 2, seed=1, events=6)
    with (tmp_path / "events.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["user_id", "item_id", "timestamp"])
        table.writerows([f"u{u}", item, t] for u, own in enumerate(liked[:USERS]) for t, item in enumerate(own))
    place = Workspace(tmp_path / "ws")
    build(tmp_path / "items.jsonl", place.path, interactions=tmp_path / "events.csv")

    first = place.releases.current()
    same = retrain(place.path)
    assert (same.published, same.release, same.after) == (False, 1, same.before)
    assert same.reason.startswith("nothing has changed")

    with place.events() as events:
        fresh = [
            Event(f"new{u}", str(i), float(t), kind="like")
            for u, own in enumerate(liked[USERS:])
            for t, i in enumerate(own)
        ]
        events.add_live((None, event) for event in fresh)
    note_validation(first, 1.0)
    worse = retrain(place.path)
    assert worse.after < 1
    assert (worse.published, worse.before, worse.release) == (False, 1.0, 1)
    assert place.releases.current() == first

    note_validation(first, 0.0)
    better = retrain(place.path)
    assert (better.published, better.before, better.release) == (True, 0.0, 2)
    assert better.after == worse.after  # the same events, the same model
    published = read_manifest(place.releases.current())
    assert published.metrics[VALIDATION] == better.after
    assert published.counts["users"] == 2 * USERS
