"""Tuning a workspace of planted tastes: what it measures, that it goes on after a kill, and that builds learn with it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from encoders import load_text_encoder
from multimodal_rec import Recommender
from multimodal_rec.alignment import Alignment
from multimodal_rec.build import build
from multimodal_rec.content import CatalogueVectors, Content
from multimodal_rec.errors import CatalogueError, QueryError, WorkspaceError
from multimodal_rec.evaluation.bench import tuned_apart
from multimodal_rec.evaluation.evaluate import OURS, Given, evaluate
from multimodal_rec.evaluation.objective import Objective
from multimodal_rec.interactions import Event
from multimodal_rec.preferences import Preferences
from multimodal_rec.progress import silent
from multimodal_rec.tuned import TUNED_FILE, Tuned
from multimodal_rec.workspace import Workspace
from tests.multimodal_rec.evaluation.test_evaluate import read_rows, write_data, write_rows
from tests.multimodal_rec.planted import group_features, tribes
from tests.multimodal_rec.test_end_to_end import run

pytest.importorskip("optuna")

from multimodal_rec.tune import STUDY_FILE, Progressed, Tuning, tune

ITEMS, GROUPS, USERS, EVENTS = 40, 4, 32, 10
IDS = [f"i{number}" for number in range(ITEMS)]


def planted_events() -> list[Event]:
    return [
        Event(f"u{user:02}", IDS[item], float(time))
        for user, own in enumerate(tribes(USERS, ITEMS, GROUPS, seed=3, events=EVENTS))
        for time, item in enumerate(own)
    ]


def planted_content() -> Content:
    texts, none = group_features(ITEMS, GROUPS, seed=4), np.zeros((ITEMS, 1), np.float32)
    vectors = CatalogueVectors(IDS, texts, none, none, np.ones(len(IDS), np.bool_))
    return Content.of(vectors, Alignment.fit(texts, none, None, load_text_encoder()))


@pytest.fixture(scope="module")
def objective() -> Objective:
    return Objective.of(planted_content(), planted_events(), 0, silent)


def test_only_the_older_events_are_learned_from_and_only_the_newest_are_found(objective: Objective) -> None:
    events = planted_events()
    for user in range(USERS):
        own = [event.item_id for event in events if event.user_id == f"u{user:02}"]
        learned = [IDS[place] for place in objective.histories.items[objective.histories.of(user)]]
        assert learned == own[:8]
        assert objective.split.relevant[f"u{user:02}"] == set(own[8:])
    assert objective.users == [f"u{user:02}" for user in range(USERS)]


def test_another_event_is_another_search(objective: Objective) -> None:
    events = planted_events()
    assert Objective.of(objective.content, events, 0, silent).key == objective.key
    moved = [*events[:-1], Event(events[-1].user_id, IDS[0], events[-1].timestamp)]  # one that is to be found
    assert Objective.of(objective.content, moved, 0, silent).key != objective.key
    assert Objective.of(objective.content, events, 1, silent).key != objective.key


def test_planted_tastes_are_found_and_settings_matter(objective: Objective) -> None:
    value = objective({})
    # two of the user's ten are left, among two unseen ones of the group: the ideal list finds them first
    assert value is not None
    assert value > 0.8
    assert objective({}) == value  # the same seed, the same figure
    other = objective({"fusion.learning_rate": 0.001, "fusion.ahead": 1, "shape.dim": 32, "next_recency": 2.0})
    assert other is not None
    assert 0 < other <= 1


def test_too_few_events_are_refused() -> None:
    events = [Event("u", IDS[place], float(place)) for place in range(9)]
    with pytest.raises(CatalogueError, match="too few events to tune with"):
        Objective.of(planted_content(), events, 0, silent)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def workspace(data: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tuned") / "ws"
    build(data[0], path, interactions=data[1])
    return path


@pytest.fixture(scope="module")
def tuning(workspace: Path) -> tuple[Tuning, list[Progressed]]:
    noted: list[Progressed] = []
    return tune(workspace, trials=3, note=noted.append), noted


@pytest.mark.slow
def test_the_defaults_are_worth_what_evaluate_measures(
    tuning: tuple[Tuning, list[Progressed]], data: tuple[Path, Path]
) -> None:
    measured = evaluate(*data, ks=[20], peers=False).splits["temporal"]
    assert tuning[0].users == measured.users
    assert tuning[0].default == pytest.approx(measured.models[OURS].measures["ndcg@20"].mean, abs=1e-6)


@pytest.mark.slow
def test_the_best_of_all_trials_is_kept(tuning: tuple[Tuning, list[Progressed]], workspace: Path) -> None:
    result, noted = tuning
    assert [trial.number for trial in noted] == [1, 2, 3]
    assert result.default == noted[0].value
    assert result.best == max(trial.value for trial in noted if trial.value is not None) >= result.default
    assert (result.trials, result.new) == (3, 3)
    kept = Tuned.load(workspace)
    assert kept is not None
    assert (kept.settings, kept.value, kept.default, kept.trials) == (result.settings, result.best, result.default, 3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_and_resumed_then_built_with(
    tuning: tuple[Tuning, list[Progressed]], workspace: Path, data: tuple[Path, Path]
) -> None:
    first, _ = tuning
    command = [sys.executable, "-m", "multimodal_rec.cli", "tune", "-w", str(workspace), "--trials", "50", "--quiet"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    query = "SELECT count(*) FROM trials WHERE state = 'RUNNING'"
    while not count(workspace, query):
        assert child.poll() is None
        time.sleep(0.2)
    with pytest.raises(WorkspaceError, match="being tuned by another process"):
        tune(workspace, trials=1)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert count(workspace, query) == 1
    finished = count(workspace, "SELECT count(*) FROM trials WHERE state = 'COMPLETE'")

    done = run("tune", "-w", workspace, "--trials", 1, "--json")
    result = json.loads(done.stdout)
    assert (result["trials"], result["new"]) == (finished + 1, 1)
    assert result["default"] == first.default
    assert result["best"] >= first.best
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [f"trial {finished + 1}"]

    save_settings(workspace, {"shape.dim": 32})
    built = build(data[0], workspace, interactions=data[1])
    assert built.settings == {"shape.dim": 32}
    assert built.release == 2
    model = Preferences.from_pretrained(Workspace(workspace).releases.current() / "preferences")
    assert model.config.fusion.dim == 32
    assert model.record is not None
    assert model.record.settings == {"shape.dim": 32}
    assert "Settings: shape.dim 32." in (workspace / "releases/000002/preferences/README.md").read_text()
    again = build(data[0], workspace, interactions=data[1])
    assert (again.release, again.settings) == (2, {"shape.dim": 32})
    (workspace / TUNED_FILE).unlink()
    assert build(data[0], workspace, interactions=data[1]).release == 3


def save_settings(workspace: Path, settings: dict[str, int | float]) -> Tuned:
    tuned = Tuned(format=1, settings=settings, measure="ndcg@20", value=1, default=None, trials=1, study="")
    tuned.save(workspace)
    return tuned


def test_settings_are_not_tested_on_rows_that_they_were_chosen_by(tmp_path: Path) -> None:
    with Workspace(tmp_path).events() as table:
        table.put([Event("a", "1", 1.0), Event("a", "2", 2.0), Event("b", "3", 3.0)])
    apart = [Event("a", "3", 9.0), Event("b", "1", 9.0), Event("c", "2", 9.0)]
    assert tuned_apart(tmp_path, apart) is None
    tuned = save_settings(tmp_path, {"rank": 64})
    assert tuned_apart(tmp_path, apart) == tuned
    assert tuned_apart(tmp_path, [*apart, Event("b", "3", 3.0)]) is None


@pytest.mark.slow
def test_evaluate_takes_the_settings_to_rows_that_the_workspace_does_not_hold(
    data: tuple[Path, Path], tmp_path: Path
) -> None:
    log = read_rows(data[1])
    newest = {row["user_id"]: row for row in log if row["item_id"] != "gone"}  # each user's last row
    test = list(newest.values())
    fields = list(log[0])
    write_rows(tmp_path / "train.csv", fields, [tuple(row.values()) for row in log if row not in test])
    write_rows(tmp_path / "test.csv", fields, [tuple(row.values()) for row in test])
    workspace = tmp_path / "ws"
    workspace.mkdir()
    save_settings(workspace, {"shape.dim": 32, "rank": 64})
    build(data[0], workspace, interactions=tmp_path / "train.csv")
    given = Given(tmp_path / "test.csv")
    measured = evaluate(data[0], tmp_path / "train.csv", workspace=workspace, given=given, ks=[20], peers=False)
    assert measured.settings == {"shape.dim": 32, "rank": 64}
    with Recommender.open(workspace) as recommender:
        hits = [[hit.item_id for hit in recommender.recommend(user, k=20)] for user in newest]
    gains = [
        1 / np.log2(own.index(row["item_id"]) + 2) if row["item_id"] in own else 0.0
        for own, row in zip(hits, test, strict=True)
    ]
    assert measured.splits["given"].models[OURS].measures["ndcg@20"].mean == pytest.approx(np.mean(gains), abs=1e-6)


def test_a_bound_of_nothing_is_refused(tmp_path: Path) -> None:
    for bound in ({"trials": 0}, {"minutes": 0.0}, {"minutes": float("nan")}):
        with pytest.raises(QueryError, match="at least 1 trial and more than 0 minutes"):
            tune(tmp_path, **bound)
    with pytest.raises(WorkspaceError, match="holds no index"):
        tune(tmp_path, trials=1)
    assert not list(tmp_path.iterdir())


def count(workspace: Path, query: str) -> int:
    with closing(sqlite3.connect(workspace / STUDY_FILE)) as database:
        return int(database.execute(query).fetchone()[0])
