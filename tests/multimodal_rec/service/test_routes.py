"""The routes answer what the recommender answers, and every change is seen by the next answer."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from multimodal_rec import Recommender
from multimodal_rec.slate import Slate
from tests.multimodal_rec.service.conftest import SAMPLE


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [hit["item_id"] for hit in answer.json()["results"]]


def test_recommendations_are_those_of_the_recommender(client: TestClient, workspace: Path) -> None:
    with Recommender.open(workspace) as rec:
        expected = rec.recommend("ada", k=12)
        varied = rec.recommend("ada", k=5, slate=Slate(diversity=0.8, per_category=2))
    answer = client.get("/users/ada/recommendations", params={"k": 12})
    assert ids(answer) == [hit.item_id for hit in expected]
    scores = [hit["score"] for hit in answer.json()["results"]]
    assert scores == pytest.approx([hit.score for hit in expected], abs=1e-5)
    assert ids(client.get("/users/ada/recommendations?k=5&diversity=0.8&per_category=2")) == [
        hit.item_id for hit in varied
    ]


def test_pages_put_together_are_the_whole_list(client: TestClient) -> None:
    whole = ids(client.get("/users/ada/recommendations?k=30"))
    found: list[str] = []
    offset = 0
    while offset is not None:
        answer = client.get("/users/ada/recommendations", params={"k": 7, "offset": offset})
        found += ids(answer)
        offset = answer.json()["next_offset"]
        if len(found) >= 28:
            break
    assert found[:28] == whole[:28]


def test_an_event_changes_the_next_list_and_counts_once(client: TestClient) -> None:
    before = ids(client.get("/users/ada/recommendations?k=5"))
    event = {"user_id": "ada", "item_id": before[0], "kind": "like", "id": "e1"}
    assert client.post("/events", json={"events": [event]}).json() == {"new": 1, "known": 0}
    after = ids(client.get("/users/ada/recommendations?k=5"))
    assert before[0] not in after
    assert client.post("/events", json={"events": [event]}).json() == {"new": 0, "known": 1}
    history = client.get("/users/ada/history").json()
    assert history["total"] == 4
    assert history["events"][0]["item_id"] == before[0]
    assert history["events"][0]["kind"] == "like"


def test_a_request_sent_twice_under_one_key_counts_once(client: TestClient) -> None:
    body = {"events": [{"user_id": "new", "item_id": "fog-signal"}, {"user_id": "new", "item_id": "fog-signal"}]}
    headers = {"Idempotency-Key": "k1"}
    assert client.post("/events", json=body, headers=headers).json() == {"new": 2, "known": 0}
    assert client.post("/events", json=body, headers=headers).json() == {"new": 0, "known": 2}
    assert client.post("/events", json=body, headers={"Idempotency-Key": "k2"}).json() == {"new": 2, "known": 0}


def test_a_dislike_takes_an_item_and_its_like_down(client: TestClient) -> None:
    whole = ids(client.get("/users/ada/recommendations?k=30"))
    disliked = whole[0]
    event = {"user_id": "ada", "item_id": disliked, "kind": "dislike"}
    client.post("/events", json={"events": [event]})
    after = ids(client.get("/users/ada/recommendations?k=30"))
    assert disliked not in after
    kept = [item for item in whole if item in after]
    passed = [(a, b) for a, b in combinations(kept, 2) if after.index(a) > after.index(b)]
    likest = ids(client.get(f"/items/{disliked}/similar?k=100"))
    assert passed, "nothing has moved"
    assert np.mean([likest.index(a) < likest.index(b) for a, b in passed]) > 0.9


def test_a_visitor_is_answered_as_a_user_of_the_same_history(client: TestClient) -> None:
    events = client.get("/users/ada/history").json()["events"][::-1]
    body = {"events": [{"item_id": e["item_id"], "rating": e["rating"]} for e in events], "k": 8}
    expected = ids(client.get("/users/ada/recommendations?k=8"))
    assert ids(client.post("/recommendations", json=body)) == expected
    batch = {"requests": [{"user_id": "ada", "k": 8}, {"user_id": "nobody"}, {"events": body["events"], "k": 8}, {}]}
    answers = client.post("/recommendations/batch", json=batch).json()["answers"]
    assert [hit["item_id"] for hit in answers[0]["page"]["results"]] == expected
    assert "nobody" in answers[1]["error"]
    assert answers[2]["page"]["results"] == answers[0]["page"]["results"]
    assert answers[3]["page"] is None


def test_words_pictures_and_clips_find_what_they_show(client: TestClient) -> None:
    rows = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    by_id = {row["id"]: row for row in rows}
    listed = client.get("/items?k=200").json()["items"]
    still = next(item["item_id"] for item in listed if item["clip"] is None)
    moving = next(item["item_id"] for item in listed if item["clip"])
    picture = (SAMPLE / by_id[still]["image"]).read_bytes()
    assert ids(client.post("/search", files={"image": ("p.jpg", picture)}, data={"k": 1})) == [still]
    clip = (SAMPLE / by_id[moving]["video"]).read_bytes()
    assert ids(client.post("/search", files={"video": ("../../c.webm", clip)}, data={"k": "3"}))[0] == moving
    title = by_id[still]["title"]
    assert ids(client.post("/search", json={"text": title, "k": 3}))[0] == still
    batch = client.post("/search/batch", json={"queries": [{"text": title, "k": 1}, {"text": " "}]}).json()["answers"]
    assert [hit["item_id"] for hit in batch[0]["page"]["results"]] == [still]
    assert "empty" in batch[1]["error"]


def test_a_search_by_items_and_away_from_words_says_what_each_gave(client: TestClient) -> None:
    example = client.get("/items?k=1").json()["items"][0]["item_id"]
    similar = ids(client.get(f"/items/{example}/similar?k=3"))
    hits = client.post("/search", json={"items": [example], "k": 3}).json()["results"]
    assert [hit["item_id"] for hit in hits] == similar
    body = {"items": [example], "text": "snow", "less_like": ["night"], "k": 5}
    for hit in client.post("/search", json=body).json()["results"]:
        assert {"item", "text", "less_like"} <= hit["contributions"].keys()
        assert sum(hit["contributions"].values()) == pytest.approx(hit["score"], abs=1e-4)
    picture = (SAMPLE / "queries/snow.jpg").read_bytes()
    form = {"items": [example, similar[0]], "less_like": [similar[1]], "k": "4"}
    found = ids(client.post("/search", files={"image": ("p.jpg", picture)}, data=form))
    assert not {example, similar[0]} & set(found)
    assert client.post("/search", json={"items": ["no such item"]}).status_code == 404
    assert client.post("/search", json={"text": "snow", "less_like": ["/etc/passwd"], "k": 1}).status_code == 200
    listed = client.get("/users/ada/recommendations?k=1").json()["results"]
    assert listed[0]["contributions"] is None


def test_uploads_leave_nothing_behind(client: TestClient, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = workspace.parent / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    picture = (SAMPLE / "queries/snow.jpg").read_bytes()
    before = sorted(path for path in workspace.rglob("*") if path.is_file() and path.parent != workspace)
    assert client.post("/search", files={"image": ("a.jpg", picture)}).status_code == 200
    assert client.post("/search", files={"image": ("a.jpg", b"no picture")}).status_code == 422
    assert list(place.iterdir()) == []
    assert before == sorted(path for path in workspace.rglob("*") if path.is_file() and path.parent != workspace)


def test_an_item_can_be_found_when_its_request_returns(client: TestClient) -> None:
    total = client.get("/items").json()["total"]
    row = {"id": "w/1", "title": "Whale song at noon", "description": "Humpbacks sing off the shelf.", "price": 3.5}
    assert client.post("/items", json={"items": [row]}).json()["items"] == total + 1
    assert ids(client.post("/search", json={"text": "Whale song at noon", "k": 1})) == ["w/1"]
    assert client.get("/items/w/1").json()["attributes"] == {"price": 3.5}
    picture = (SAMPLE / "queries/snow.jpg").read_bytes()
    put = client.put("/items/w/1", files={"image": ("s.jpg", picture)}, data={"title": "Snow", "categories": "A|B"})
    assert put.status_code == 200, put.text
    item = client.get("/items/w/1").json()
    assert (item["title"], item["categories"], item["attributes"]) == ("Snow", ["A", "B"], {})
    assert ids(client.post("/search", files={"image": ("q.jpg", picture)}, data={"k": 1})) == ["w/1"]
    assert client.get(item["picture"]).headers["content-type"] == "image/jpeg"
    assert client.put("/items/w/1", json={"title": "Snow again"}).status_code == 200
    assert client.get("/items/w/1").json()["picture"] == item["picture"]
    assert client.delete("/items/w/1").json()["items"] == total
    assert client.get("/items/w/1").status_code == 404
    assert client.delete("/items/w/1").status_code == 404


def test_items_that_are_nothing_are_refused(client: TestClient) -> None:
    assert client.put("/items/x", json={}).status_code == 422
    assert client.put("/items/x", json={"image": "/etc/passwd", "title": "t"}).status_code == 422
    broken = client.put("/items/x", files={"image": ("s.jpg", b"nonsense")}, data={"title": "Snow"})
    assert broken.status_code == 422
    assert client.get("/items/x").status_code == 404


def test_a_forgotten_user_is_unknown(client: TestClient) -> None:
    assert client.delete("/users/ada").json() == {"deleted": 3}
    assert client.get("/users/ada/recommendations").status_code == 404
    assert client.delete("/users/ada").status_code == 404
    assert client.get("/users").json()["users"] == ["bo"]


def test_shots_and_clips_are_shown(client: TestClient) -> None:
    moving = [item for item in client.get("/items?k=200").json()["items"] if item["clip"]]
    shots = {item["item_id"]: client.get(f"/items/{item['item_id']}").json()["shots"] for item in moving}
    assert any(len(found) > 1 for found in shots.values())
    for found in shots.values():
        assert [shot["start"] for shot in found] == sorted(shot["start"] for shot in found)
    part = client.get(moving[0]["clip"], headers={"range": "bytes=0-99"})
    assert part.status_code == 206
    assert len(part.content) == 100


def test_the_catalogue_is_paged_in_its_order(client: TestClient) -> None:
    whole = [item["item_id"] for item in client.get("/items?k=200").json()["items"]]
    pages = [client.get(f"/items?k=10&offset={offset}").json() for offset in (0, 10, 20, 30)]
    assert [item["item_id"] for page in pages for item in page["items"]] == whole
    assert [page["next_offset"] for page in pages] == [10, 20, 30, None]


def test_unavailable_and_excluded_items_are_left_out(client: TestClient) -> None:
    whole = ids(client.get("/users/ada/recommendations?k=30"))
    item = client.get(f"/items/{whole[0]}").json()
    row = {name: item[name] for name in ("title", "description", "categories")}
    put = client.put(f"/items/{whole[0]}", json=row | item["attributes"] | {"available": False})
    assert put.status_code == 200, put.text
    assert whole[0] not in ids(client.get("/users/ada/recommendations?k=30"))
    assert whole[0] not in ids(client.post("/search", json={"text": item["title"], "k": 30}))
    assert whole[0] in ids(client.get("/users/ada/recommendations?k=30&include_unavailable=true"))
    assert whole[1] not in ids(client.get("/users/ada/recommendations", params={"k": 30, "exclude": whole[1]}))
    recent = client.get("/users/ada/recommendations", params={"k": 30, "where": ["year>=2020", "year<2023"]}).json()
    assert recent["results"]
    assert {hit["attributes"]["year"] for hit in recent["results"]} <= {2020, 2021, 2022}
    assert client.get("/users/ada/recommendations", params={"where": "no such thing"}).status_code == 422


def test_reasons_sum_to_the_score_and_name_what_is_near(client: TestClient, workspace: Path) -> None:
    first = client.get("/users/ada/recommendations?k=1").json()["results"][0]
    answer = client.get("/users/ada/reasons", params={"item": first["item_id"]}).json()
    assert sum(share["score"] for share in answer["shares"]) == pytest.approx(first["score"], abs=1e-4)
    assert sum(share["share"] for share in answer["shares"]) == pytest.approx(1)
    history = [event["item_id"] for event in client.get("/users/ada/history").json()["events"]]
    likeness = [near["likeness"] for near in answer["nearest"]]
    assert likeness == sorted(likeness, reverse=True)
    with Recommender.open(workspace) as rec:  # nothing was learned here: contents alone tell
        rows = rec._index.vectors([first["item_id"], *history])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = sorted(zip(history, rows[1:] @ rows[0], strict=True), key=lambda pair: -pair[1])
    assert [near["item"]["item_id"] for near in answer["nearest"]] == [item for item, _ in expected][:3]
    assert client.get("/users/ada/reasons?item=none").status_code == 404
    assert client.get("/users/none/reasons", params={"item": first["item_id"]}).status_code == 404


def test_taste_turns_a_search_into_a_recommendation(client: TestClient) -> None:
    def found(taste: float) -> list[str]:
        body = {"text": "mountains and snow", "user_id": "ada", "taste": taste, "k": 12}
        return ids(client.post("/search", json=body))

    assert found(0.0) == ids(client.post("/search", json={"text": "mountains and snow", "k": 12}))
    assert found(1.0) == ids(client.get("/users/ada/recommendations?k=12&include_seen=true"))
    assert found(0.5) not in (found(0.0), found(1.0))
    assert client.post("/search", json={"text": "x", "taste": 1.1}).status_code == 422


def test_the_report_of_an_evaluation_is_shown_but_runs_nothing(client: TestClient, workspace: Path) -> None:
    assert client.get("/admin/evaluation").status_code == 404
    assert client.get("/admin/status").json()["report"] is False
    (workspace / "evaluation.html").write_text("<style>p {color: red}</style><p>ndcg</p>")
    assert client.get("/admin/status").json()["report"] is True
    answer = client.get("/admin/evaluation")
    assert "<p>ndcg</p>" in answer.text
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'")
