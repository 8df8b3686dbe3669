"""Predicted ratings through the command line and `Recommender`, on a catalogue of a few words."""

from __future__ import annotations

import csv
import json
import random
import shutil
from pathlib import Path

import pytest

from multimodal_rec import Event, Recommender
from multimodal_rec.errors import QueryError, UnknownItem, UnknownUser
from tests.multimodal_rec.test_end_to_end import run, table

CREATURES = ("cat", "dog", "owl", "fox", "hen", "cow", "pig", "bee", "ant", "elk", "ram", "eel")


def write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace `ws` where all rate the first six items 4 or 5, the others 1 or 2; kind users are a point above."""
    path = tmp_path_factory.mktemp("rated")
    rows = [{"id": name, "title": f"A {name}"} for name in CREATURES]
    (path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    draw = random.Random(0)
    log: list[tuple[object, ...]] = []
    for user in range(24):
        for time, name in enumerate(draw.sample(CREATURES, 8)):
            high = CREATURES.index(name) < 6
            log.append((f"u{user}", name, time, (4 if high else 1) + user % 2))
    write(path / "log.csv", ("user_id", "item_id", "timestamp", "rating"), log)
    done = run("build", path / "items.jsonl", "--interactions", path / "log.csv", "-w", path / "ws", "--json")
    metrics = json.loads(done.stdout)["metrics"]
    assert 0 < metrics["validation_rmse"] < 0.8
    assert metrics["validation_rmse"] <= metrics["validation_rmse_biases"]
    return path


def test_a_user_and_items(folder: Path) -> None:
    done = run("predict", "-w", folder / "ws", "--user", "u1", "--item", "cat", "--item", "elk", "--json")
    answer = json.loads(done.stdout)
    assert answer["user_id"] == "u1"
    assert [(row["item_id"], row["title"]) for row in answer["results"]] == [("cat", "A cat"), ("elk", "A elk")]
    cat, elk = (row["rating"] for row in answer["results"])
    assert cat == pytest.approx(5, abs=0.5)
    assert elk == pytest.approx(2, abs=0.5)
    lines = run("predict", "-w", folder / "ws", "--user", "u1", "--item", "cat", "--quiet").stdout.splitlines()
    assert lines == [f"{cat:6.2f}  A cat  [cat]"]


def test_a_table_of_pairs(folder: Path) -> None:
    pairs = [("u1", "cat"), ("u0", "elk"), ("nobody", "cat"), ("u1", "unicorn"), ("u0", "cat")]
    asked = write(folder / "pairs.csv", ("user_id", "item_id"), list(pairs))
    done = run("predict", "-w", folder / "ws", "--pairs", asked, "--output", folder / "out.csv", "--json")
    summary = json.loads(done.stdout)
    assert summary["pairs"] == 3
    assert [skipped["id"] for skipped in summary["skipped"]] == ["u1,unicorn", "nobody,cat"]
    written = table(folder / "out.csv")
    assert [(row["user_id"], row["item_id"]) for row in written] == [("u1", "cat"), ("u0", "elk"), ("u0", "cat")]
    with Recommender.open(folder / "ws") as recommender:
        for row in written:
            expected = recommender.predict(row["user_id"], [row["item_id"]])[row["item_id"]]
            assert float(row["rating"]) == pytest.approx(expected, abs=1e-4)


def test_users_of_a_history_file(folder: Path) -> None:
    rows = [("kind", "dog", 1, 5), ("kind", "pig", 2, 2), ("strict", "dog", 1, 4), ("strict", "pig", 2, 1)]
    fields = ("user_id", "item_id", "timestamp", "rating")
    both = write(folder / "new.csv", fields, list(rows))
    one = write(folder / "one.csv", fields, list(rows[:2]))

    def rating(*arguments: object) -> float:
        answer = json.loads(run("predict", "-w", folder / "ws", "--item", "cat", "--json", *arguments).stdout)
        assert answer["user_id"] in ("kind", "strict")
        return float(answer["results"][0]["rating"])

    with Recommender.open(folder / "ws") as recommender:
        events = [Event("", "dog", rating=5.0), Event("", "pig", rating=2.0)]
        expected = recommender.predict(history=events, items=["cat"])["cat"]
    assert rating("--history", both, "--user", "kind") == pytest.approx(expected, abs=1e-4)
    assert rating("--history", one) == pytest.approx(expected, abs=1e-4)
    assert rating("--history", both, "--user", "strict") < expected - 0.3
    for arguments, says in ((("--item", "cat"), "holds 2 users"), (("--item", "cat", "--user", "u1"), "'u1'")):
        assert says in run("predict", "-w", folder / "ws", "--history", both, *arguments, code=2).stderr

    pairs = write(folder / "new_pairs.csv", ("user_id", "item_id"), [("kind", "cat"), ("u1", "cat"), ("strict", "cat")])
    output = folder / "new_out.csv"
    arguments = ("--history", both, "--pairs", pairs, "--output", output, "--json")
    summary = json.loads(run("predict", "-w", folder / "ws", *arguments).stdout)
    assert [skipped["id"] for skipped in summary["skipped"]] == ["u1,cat"]
    written = {row["user_id"]: float(row["rating"]) for row in table(output)}
    assert written == {
        "kind": pytest.approx(expected, abs=1e-4),
        "strict": pytest.approx(rating("--history", both, "--user", "strict"), abs=1e-4),
    }


def test_someone_new_by_history(folder: Path) -> None:
    def history(rating: float) -> list[Event]:
        return [Event("", "dog", rating=rating), Event("", "pig", rating=rating - 3)]

    with Recommender.open(folder / "ws") as recommender:
        kind, strict = (recommender.predict(history=history(each), items=["cat"])["cat"] for each in (5.0, 4.0))
        unrated = recommender.predict(history=["dog"], items=["cat"])["cat"]
    assert strict < unrated < kind


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--user", "nobody", "--item", "cat"), "nobody"),
        (("--user", "u1", "--item", "unicorn"), "unicorn"),
        (("--user", "u1"), "--user and --item go together"),
        ((), "--pairs"),
        (("--user", "u1", "--item", "cat", "--pairs", "pairs.csv", "--output", "out.csv"), "--pairs"),
        (("--pairs", "pairs.csv"), "--output"),
        (("--pairs", "absent.csv", "--output", "out.csv"), "absent.csv"),
    ],
)
def test_bad_questions_get_one_line(folder: Path, arguments: tuple[str, ...], says: str) -> None:
    error = run("predict", "-w", folder / "ws", *arguments, code=2).stderr
    assert len(error.splitlines()) == 1
    assert says in error


def test_errors_from_python(folder: Path) -> None:
    with Recommender.open(folder / "ws") as recommender:
        with pytest.raises(UnknownUser):
            recommender.predict("nobody", ["cat"])
        with pytest.raises(UnknownItem):
            recommender.predict("u1", ["unicorn"])
        with pytest.raises(QueryError, match="either a user or a history"):
            recommender.predict(items=["cat"])


def test_a_new_item_is_predicted_and_known_ones_stay(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "ws", tmp_path / "ws")
    (tmp_path / "more.jsonl").write_text(json.dumps({"id": "lynx", "title": "A lynx"}) + "\n")
    with Recommender.open(tmp_path / "ws") as recommender:
        before = recommender.predict("u1", ["cat", "elk"])
        recommender.update(tmp_path / "more.jsonl")
        after = recommender.predict("u1", ["cat", "elk", "lynx"])
        assert {name: after[name] for name in before} == pytest.approx(before)
        assert before["elk"] < after["lynx"] < before["cat"]
        recommender.remove(["elk"])
        with pytest.raises(UnknownItem):
            recommender.predict("u1", ["elk"])
        assert recommender.predict("u1", ["cat"])["cat"] == pytest.approx(before["cat"])


def test_without_ratings_one_line_says_so(folder: Path, tmp_path: Path) -> None:
    rows = [tuple(row.values())[:3] for row in table(folder / "log.csv")]
    log = write(tmp_path / "log.csv", ("user_id", "item_id", "timestamp"), list(rows))
    done = run("build", folder / "items.jsonl", "--interactions", log, "-w", tmp_path / "ws", "--json")
    assert "validation_rmse" not in json.loads(done.stdout)["metrics"]
    error = run("predict", "-w", tmp_path / "ws", "--user", "u1", "--item", "cat", code=2).stderr
    assert len(error.splitlines()) == 1
    assert "learned no ratings" in error


def test_the_service_predicts_what_the_recommender_does(folder: Path) -> None:
    pytest.importorskip("fastapi", reason="pip install 'multimodal-rec[serve]'")
    from fastapi.testclient import TestClient

    from multimodal_rec.service.app import create_app
    from multimodal_rec.service.settings import Settings

    rated = [{"item_id": "dog", "kind": "rating", "rating": 5}, {"item_id": "pig", "kind": "rating", "rating": 2}]
    with Recommender.open(folder / "ws") as recommender:
        known = recommender.predict("u1", ["elk", "cat"])
        events = [Event("", row["item_id"], rating=row["rating"]) for row in rated]
        visitor = recommender.predict(history=events, items=["cat"])
    with TestClient(create_app(Settings(workspace=folder / "ws"))) as client:
        answer = client.get("/users/u1/ratings", params={"item": ["elk", "cat"]}).json()
        assert [row["item_id"] for row in answer["ratings"]] == ["elk", "cat"]
        assert {row["item_id"]: row["rating"] for row in answer["ratings"]} == pytest.approx(known)
        assert client.post("/ratings", json={"user_id": "u1", "items": ["elk", "cat"]}).json() == answer
        answer = client.post("/ratings", json={"events": rated, "items": ["cat"]}).json()
        assert answer["ratings"] == [{"item_id": "cat", "rating": pytest.approx(visitor["cat"])}]
        refused = [
            (client.get("/users/nobody/ratings?item=cat"), 404, "nobody"),
            (client.get("/users/u1/ratings?item=unicorn"), 404, "unicorn"),
            (client.get("/users/u1/ratings"), 422, "item"),
            (client.post("/ratings", json={"items": ["cat"]}), 422, "either a user or a history"),
        ]
        for problem, status, says in refused:
            assert problem.status_code == status
            assert says in problem.json()["detail"]
