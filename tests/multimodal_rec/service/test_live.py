"""What the service promises while it runs: no request dropped, no acknowledged event lost, none counted twice."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from multimodal_rec.build import build
from multimodal_rec.changes import change, update
from multimodal_rec.errors import UnknownItem, WorkspaceError
from multimodal_rec.interactions import Event
from multimodal_rec.service import item_changes
from multimodal_rec.service.event_log import EventLog
from multimodal_rec.service.live import LiveRecommender
from multimodal_rec.work import Summary
from multimodal_rec.workspace import Workspace
from tests.multimodal_rec.service.running import Running


def in_threads(count: int, work: Callable[[int], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_releases_of_another_process_take_over_under_load_without_a_failed_request(
    workspace: Path, tmp_path: Path
) -> None:
    statuses: list[int] = []
    releases: list[list[int]] = [[], [], []]
    published = threading.Event()

    with Running(workspace) as running:

        def ask(number: int) -> None:
            with httpx.Client(base_url=running.base, timeout=30) as client:
                for _ in range(3000):
                    answer = client.get("/users/ada/recommendations?k=5")
                    statuses.append(answer.status_code)
                    if answer.status_code == 200:
                        releases[number].append(answer.json()["release"])
                    if published.is_set() and releases[number] and releases[number][-1] == 3:
                        return

        threads = in_threads(3, ask)
        try:
            for number in range(2):
                catalogue = tmp_path / f"{number}.jsonl"
                catalogue.write_text(json.dumps({"id": f"new-{number}", "title": f"A new thing, number {number}"}))
                command = [sys.executable, "-m", "multimodal_rec.cli", "update", "-w", str(workspace), str(catalogue)]
                subprocess.run(command, check=True, capture_output=True)
        finally:
            published.set()
            for thread in threads:
                thread.join()
        assert httpx.get(f"{running.base}/items/new-1").json()["title"] == "A new thing, number 1"
    assert set(statuses) == {200}
    for seen in releases:
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (1, 3)


def test_no_acknowledged_event_is_lost_by_kill_9_and_none_counts_twice(workspace: Path, built: Path) -> None:
    acknowledged: list[str] = []
    sent: list[str] = []
    enough = threading.Event()
    items = [event.item_id for event in Workspace(built).events().history("ada")]

    def event_body(name: str) -> dict:
        return {"user_id": "vera", "item_id": items[len(name) % len(items)], "kind": "view", "id": name}

    with Running(workspace) as running:

        def send(number: int) -> None:
            with httpx.Client(base_url=running.base, timeout=10) as client:
                for count in range(2000):
                    name = f"{number}-{count}"
                    sent.append(name)
                    try:
                        answer = client.post("/events", json={"events": [event_body(name)]})
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 200
                    acknowledged.append(name)
                    if len(acknowledged) >= 300:
                        enough.set()

        threads = in_threads(4, send)
        assert enough.wait(60)
        running.kill()
        for thread in threads:
            thread.join()
    assert len(sent) > len(acknowledged) >= 300, "it was killed at work"
    with Running(workspace) as running, httpx.Client(base_url=running.base, timeout=30) as client:
        total = client.get("/users/vera/history?k=1").json()["total"]
        assert len(acknowledged) <= total <= len(sent)
        again = [
            client.post("/events", json={"events": [event_body(name) for name in acknowledged[start:][:500]]}).json()
            for start in range(0, len(acknowledged), 500)
        ]
        assert sum(answer["known"] for answer in again) == len(acknowledged)
        assert sum(answer["new"] for answer in again) == 0
        assert client.get("/users/vera/history?k=1").json()["total"] == total


def test_a_replaced_release_is_closed_after_its_last_request(workspace: Path, tmp_path: Path) -> None:
    live = LiveRecommender(workspace)
    catalogue = tmp_path / "one.jsonl"
    catalogue.write_text(json.dumps({"id": "one", "title": "One more"}))
    with live.use() as before:
        update(catalogue, workspace)
        assert live.refresh()
        assert not live.refresh()
        with live.use() as after:
            assert "one" in after
        assert "one" not in before
        assert before.items([before.recommend("ada", k=1)[0].item_id])  # it still answers
    with pytest.raises(Exception, match="closed database"):
        before.item("fog-signal")
    assert live.release == 2
    live.stop()


def test_a_release_that_cannot_be_opened_leaves_the_one_before(workspace: Path) -> None:
    live = LiveRecommender(workspace)
    live.start()
    (workspace / "releases/000002").mkdir()
    (workspace / "releases/current").write_text("2\n")
    time.sleep(1)
    with live.use() as recommender:
        assert recommender.recommend("ada", k=1)
    assert live.release == 1
    (workspace / "releases/current").write_text("1\n")
    live.stop()


def test_many_requests_share_a_transaction_and_a_bad_one_tells_all_of_it(workspace: Path) -> None:
    log = EventLog(workspace)
    waiting = [log.append([(f"{n}", Event("u", "i", float(n), kind="view"))]) for n in range(500)]
    assert [done.result(30) for done in waiting] == [1] * 500
    assert len(log.history("u")) == 500
    bad = log.append([(None, Event("u", None, 1.0))])  # type: ignore[arg-type]
    with pytest.raises(Exception, match="NOT NULL"):
        bad.result(30)
    assert log.append([("again", Event("u", "i", 1.0))]).result(30) == 1
    log.close()


def test_a_build_keeps_what_was_taken_in_live(tmp_path: Path) -> None:
    catalogue, first, second = tmp_path / "items.jsonl", tmp_path / "1.csv", tmp_path / "2.csv"
    catalogue.write_text("".join(json.dumps({"id": str(n), "title": f"Thing {n}"}) + "\n" for n in range(3)))
    first.write_text("user_id,item_id,timestamp\nal,0,1\n")
    second.write_text("user_id,item_id,timestamp\nbo,1,2\n")
    build(catalogue, tmp_path / "ws", interactions=first)
    log = EventLog(tmp_path / "ws")
    log.append([("x", Event("al", "2", 3.0, kind="like"))]).result(10)
    build(catalogue, tmp_path / "ws", interactions=second)
    assert [event.item_id for event in log.history("al")] == ["2"]
    assert [event.item_id for event in log.history("bo")] == ["1"]
    log.close()


def test_learning_again_is_asked_for_and_told_of(client: TestClient) -> None:
    assert client.get("/admin/retrain").json()["state"] == "idle"
    assert client.post("/admin/retrain").status_code == 202
    assert client.post("/admin/retrain").status_code == 409
    deadline = time.monotonic() + 600  # at low priority, on what may be a busy machine
    while (state := client.get("/admin/retrain").json())["state"] == "training":
        assert time.monotonic() < deadline
        assert client.get("/users/ada/recommendations?k=1").status_code == 200
        time.sleep(0.2)
    assert state["state"] == "done", state
    assert state["result"]["reason"] == "there are too few events to learn from"
    assert client.get("/admin/status").json()["release"] == 1


def test_changes_that_wait_go_together_and_only_the_one_at_fault_fails(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten changes come while one is being made: they are one more release, but for the one that cannot be."""
    at_work, go_on = threading.Event(), threading.Event()

    def slow_change(*arguments: object, **options: object) -> Summary:
        at_work.set()
        assert go_on.wait(60)
        return change(*arguments, **options)

    monkeypatch.setattr(item_changes, "change", slow_change)
    live = LiveRecommender(workspace)
    changes = item_changes.ItemChanges(workspace, live)
    gone = next(iter(Workspace(workspace).events().history("ada"))).item_id
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(changes.put, [{"id": "new-0", "title": "The first of many"}])
        assert at_work.wait(60)
        waiting = [
            pool.submit(changes.put, [{"id": f"new-{number}", "title": f"Number {number}"}]) for number in range(1, 9)
        ]
        removed = pool.submit(changes.remove, [gone])
        wrong = pool.submit(changes.remove, ["no such item"])
        while len(changes._waiting) < 10:
            time.sleep(0.01)
        go_on.set()
        assert first.result() == 2
        with pytest.raises(UnknownItem, match="no such item"):
            wrong.result()
        assert {each.result() for each in [*waiting, removed]} == {3}
    with live.use() as recommender:
        assert all(f"new-{number}" in recommender for number in range(9))
        assert gone not in recommender
        assert recommender.item("new-8").title == "Number 8"
    live.stop()


def test_the_last_of_the_changes_of_an_item_counts(workspace: Path) -> None:
    live = LiveRecommender(workspace)
    changes = item_changes.ItemChanges(workspace, live)
    together = [
        item_changes._Waiting({"one": {"id": "one", "title": "At first"}}),
        item_changes._Waiting({"two": {"id": "two", "title": "Soon gone"}}),
        item_changes._Waiting({"two": None}),
        item_changes._Waiting({"one": {"id": "one", "title": "At last"}}),
    ]
    changes._publish(together)
    assert [each.told.result() for each in together] == [2, 2, 2, 2]
    with live.use() as recommender:
        assert recommender.item("one").title == "At last"
        assert "two" not in recommender
    live.stop()


def test_a_change_that_fails_leaves_the_others_of_its_turn_alone(workspace: Path) -> None:
    live = LiveRecommender(workspace)
    changes = item_changes.ItemChanges(workspace, live)
    with live.use() as recommender:
        ids = [item.id for item in recommender.page(0, 1000)]
    halves = [item_changes._Waiting(dict.fromkeys(ids[start::2])) for start in (0, 1)]
    changes._publish(halves)  # both would leave nothing
    assert halves[0].told.result() == 2
    with pytest.raises(WorkspaceError, match="would leave no index"):
        halves[1].told.result()
    with live.use() as recommender:
        assert [item.id for item in recommender.page(0, 1000)] == ids[1::2]
    live.stop()
