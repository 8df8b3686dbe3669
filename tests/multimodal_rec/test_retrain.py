"""Learning again publishes only what validates no worse."""

from __future__ import annotations

from pathlib import Path

import pytest

from multimodal_rec import Recommender
from multimodal_rec.interactions import Event
from multimodal_rec.releases import read_manifest
from multimodal_rec.retrain import VALIDATION, retrain
from multimodal_rec.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.mark.slow
def test_a_model_is_published_unless_it_validates_worse(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "ws")
    Recommender.build(SAMPLE / "items.jsonl", interactions=SAMPLE / "interactions.csv", workspace=place.path).close()
    before = read_manifest(place.releases.current())
    same = retrain(place.path)
    assert (same.published, same.release, same.after) == (False, before.number, same.before)

    with place.events() as events:
        histories = dict(events.histories())
        events.add_live(
            (None, Event("new-" + user, e.item_id, e.timestamp, e.rating, kind="like"))
            for user, history in histories.items()
            for e in history
        )
    result = retrain(place.path)
    after = read_manifest(place.releases.current())
    assert result.before == before.metrics[VALIDATION]
    assert result.published == (result.after >= result.before)
    assert after.number == before.number + result.published
    if result.published:
        assert after.metrics[VALIDATION] == result.after
        assert after.counts["users"] == 2 * before.counts["users"]

    random_tastes = [
        (None, Event(f"noise{n % 300}", f"{list(histories.values())[n % 60][n % 5].item_id}", float(n), kind="view"))
        for n in range(3000)
    ]
    with place.events() as events:
        events.add_live(random_tastes)
    worse = retrain(place.path)
    assert worse.published == (worse.after >= worse.before)
    assert read_manifest(place.releases.current()).number == after.number + worse.published
