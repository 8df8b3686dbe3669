"""The settings that `tune` left: they reach the training as they are, and what is damaged is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.training import TrainingConfig
from multimodal_rec.tuned import SPACE, TUNED_FILE, Tuned, changed, configured, settings_of, tuned_settings
from tests.multimodal_rec.test_end_to_end import run

GOOD = {
    "format": 1,
    "settings": {"fusion.epochs": 30, "shape.dim": 96, "rank": 64, "next_recency": 3.5},
    "measure": "ndcg@20",
    "value": 0.31,
    "default": 0.3,
    "trials": 7,
    "study": "abc",
}


def test_settings_reach_the_configuration_and_leave_the_rest() -> None:
    config = configured(GOOD["settings"])
    assert (config.fusion.epochs, config.shape.dim, config.rank, config.next_recency) == (30, 96, 64, 3.5)
    assert changed(config) == GOOD["settings"]
    assert changed(TrainingConfig()) == {}
    back = config.model_copy(update={"rank": TrainingConfig().rank, "next_recency": 5.0})
    assert changed(back) == {"fusion.epochs": 30, "shape.dim": 96}
    assert configured(settings_of(config)) == config


def test_the_defaults_are_in_the_searched_ranges() -> None:
    assert all(SPACE[name].holds(value) for name, value in settings_of(TrainingConfig()).items())


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert Tuned.load(tmp_path) is None
    assert tuned_settings(tmp_path) == {}
    tuned = Tuned(**GOOD)
    tuned.save(tmp_path)
    assert Tuned.load(tmp_path) == tuned
    assert tuned_settings(tmp_path) == GOOD["settings"]
    assert [path.name for path in tmp_path.iterdir()] == [TUNED_FILE]


DAMAGED = {
    "half of it": json.dumps(GOOD)[:60],
    "another version": json.dumps(GOOD | {"format": 2}),
    "a field too many": json.dumps(GOOD | {"more": 1}),
    "an unknown setting": json.dumps(GOOD | {"settings": {"shape.heads": 3}}),
    "out of its range": json.dumps(GOOD | {"settings": {"shape.dim": 1_000_000}}),
    "no such number": json.dumps(GOOD | {"settings": {"shape.dim": 50}}),
    "not whole": json.dumps(GOOD | {"settings": {"rank": 64.5}}),
    "no number": json.dumps(GOOD | {"settings": {"next_recency": "5"}}),
    "true": json.dumps(GOOD | {"settings": {"shape.layers": True}}),
    "not finite": json.dumps(GOOD | {"settings": {"next_recency": float("nan")}}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / TUNED_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"tuned\.json is damaged or of another version \(.*: delete it, or run"):
        tuned_settings(tmp_path)


def test_a_build_into_a_file_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("mine")
    done = run("build", tmp_path / "items.jsonl", "-w", path, code=2)
    assert done.stderr == f"error: {path} cannot be written (it is a file): name another folder\n"
    assert path.read_text() == "mine"


def test_a_build_refuses_them_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "items.jsonl").write_text('{"id": "1", "title": "A cat"}\n', encoding="utf-8")
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / TUNED_FILE).write_text(DAMAGED["another version"], encoding="utf-8")
    done = run("build", tmp_path / "items.jsonl", "-w", tmp_path / "ws", code=2)
    assert len(done.stderr.splitlines()) == 1
    assert "delete it" in done.stderr
    (tmp_path / "ws" / TUNED_FILE).unlink()
    run("build", tmp_path / "items.jsonl", "-w", tmp_path / "ws")
