"""A search that leans to a user's taste: how much it leans is what was asked for, whatever the models' scale."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from multimodal_rec import Query, Recommender

SUBJECTS = ("a storm on the sea", "trains through the mountains", "bread from the oven", "comets and stars")
ASKED = "a night at the sea"


@pytest.fixture(scope="module")
def rec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    folder = tmp_path_factory.mktemp("taste")
    items = [{"id": f"{n % 4}-{n}", "title": f"{SUBJECTS[n % 4]}, part {n}"} for n in range(48)]
    (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    events = "".join(f"baker,{item['id']},{n}\n" for n, item in enumerate(items) if item["id"].startswith("2-"))
    (folder / "events.csv").write_text(f"user_id,item_id,timestamp\n{events}")
    built = Recommender.build(folder / "items.jsonl", interactions=folder / "events.csv", workspace=folder / "ws")
    with built:
        yield built


def found(rec: Recommender, taste: float) -> list[str]:
    return [hit.item_id for hit in rec.search(ASKED, user="baker", taste=taste, k=12)]


def test_at_one_half_both_tell_items_apart_alike(rec: Recommender) -> None:
    parts = rec.query_parts([Query(ASKED, user="baker", taste=0.5)])
    vectors = rec._index.vectors(list(rec._index.ids))
    spreads = {name: float((vectors @ rows[0]).std()) for name, rows in parts.items()}
    assert spreads["taste"] == pytest.approx(spreads["text"], rel=1e-3)


def test_what_is_asked_for_and_what_is_liked_share_the_list(rec: Recommender) -> None:
    assert {item_id[0] for item_id in found(rec, 0.1)} == {"0"}
    assert {item_id[0] for item_id in found(rec, 1.0)} == {"2"}
    assert {"0", "2"} <= {item_id[0] for item_id in found(rec, 0.5)}


@pytest.mark.parametrize("taste", [0.2, 0.5, 0.8])
def test_the_scale_of_a_users_vector_does_not_matter(
    rec: Recommender, taste: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, own = found(rec, taste), rec._user_vectors
    monkeypatch.setattr(rec, "_user_vectors", lambda histories: np.float32(100) * own(histories))
    assert found(rec, taste) == plain


def test_a_user_alone_is_asked_for_as_they_are(rec: Recommender) -> None:
    hits = rec.search(user="baker", taste=1.0, k=5)
    assert [hit.item_id for hit in hits] == [hit.item_id for hit in rec.recommend("baker", k=5, include_seen=True)]
