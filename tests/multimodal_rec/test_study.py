"""A search that is interrupted tries what one that is not would have tried, and its best is its best."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.tuned import Range

pytest.importorskip("optuna")

from multimodal_rec.study import Study, Trial

ROOT = Path(__file__).parents[2]
SPACE = {"rate": Range(1e-3, 1e-1, log=True), "size": Range(32, 128, step=32), "times": Range(5, 40, step=1, log=True)}
DEFAULTS = {"rate": 1e-2, "size": 64, "times": 15}


def worth(settings: Mapping[str, int | float]) -> float | None:
    """Best at a rate of .02 and the smallest size; more than 35 times cannot be trained."""
    if settings["times"] > 35:
        return None
    return 1 - 10 * abs(settings["rate"] - 0.02) - settings["size"] / 1000


def search(path: Path, trials: int, *, seed: int = 0, name: str = "one") -> list[Trial]:
    with Study(path, name, SPACE, DEFAULTS, seed) as study:
        study.run(worth, trials=trials, seconds=float("inf"), note=lambda _: None)
        return study.trials


def outcomes(trials: list[Trial]) -> list[tuple[dict[str, int | float], float | None]]:
    return [(trial.settings, trial.value) for trial in trials]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    return search(tmp_path_factory.mktemp("whole") / "tuning.db", 16)


def test_the_defaults_come_first_and_all_values_are_those_of_the_objective(whole: list[Trial]) -> None:
    assert whole[0].settings == DEFAULTS
    for number, trial in enumerate(whole):
        assert trial.number == number
        assert trial.value == worth(trial.settings)
        assert all(SPACE[name].holds(value) for name, value in trial.settings.items())
    assert len({trial.settings["rate"] for trial in whole}) == len(whole)


def test_the_best_is_never_below_the_defaults(tmp_path: Path, whole: list[Trial]) -> None:
    with Study(tmp_path / "tuning.db", "one", SPACE, DEFAULTS, 0) as study:
        assert study.best is None
        study.run(worth, trials=16, seconds=float("inf"), note=lambda _: None)
        assert study.best == max(study.trials, key=lambda trial: trial.value or 0.0)
        assert study.best.value > worth(DEFAULTS)
    with Study(tmp_path / "tuning.db", "flat", SPACE, DEFAULTS, 0) as study:
        study.run(lambda _: 0.5, trials=3, seconds=float("inf"), note=lambda _: None)
        assert study.best == study.trials[0]  # of equals the defaults


def test_a_search_in_parts_is_the_search_as_a_whole(tmp_path: Path, whole: list[Trial]) -> None:
    path = tmp_path / "a folder? #1" / "tuning.db"
    path.parent.mkdir()
    for more in (1, 5, 10):
        parts = search(path, more)
    assert outcomes(parts) == outcomes(whole)


def test_another_seed_and_another_name_are_other_searches(tmp_path: Path, whole: list[Trial]) -> None:
    other = search(tmp_path / "tuning.db", 4, seed=1)
    assert other[0].settings == DEFAULTS
    assert other[1].settings != whole[1].settings
    assert outcomes(search(tmp_path / "tuning.db", 4, name="two")) == outcomes(whole[:4])
    assert outcomes(search(tmp_path / "tuning.db", 0, seed=1)) == outcomes(other)


def test_settings_that_cannot_be_trained_are_finished_without_a_value(tmp_path: Path) -> None:
    with Study(tmp_path / "tuning.db", "one", SPACE, DEFAULTS, 0) as study:
        study.run(lambda s: None if s == DEFAULTS else -1.0, trials=3, seconds=float("inf"), note=lambda _: None)
        assert [trial.value for trial in study.trials] == [None, -1.0, -1.0]
        assert study.best == study.trials[1]


def test_time_bounds_a_search_and_each_run_tries_one_at_least(tmp_path: Path) -> None:
    def slow(settings: Mapping[str, int | float]) -> float | None:
        time.sleep(0.2)
        return worth(settings)

    noted: list[Trial] = []
    with Study(tmp_path / "tuning.db", "one", SPACE, DEFAULTS, 0) as study:
        study.run(slow, trials=None, seconds=0.0, note=noted.append)
        assert [trial.settings for trial in noted] == [DEFAULTS]
        started = time.monotonic()
        study.run(slow, trials=None, seconds=2.0, note=noted.append)
        assert time.monotonic() - started < 2.0 + 1.0  # one that would not have ended in time was not begun
        assert 2 <= len(noted) == len(study.trials) <= 10


KILLED = """
import sys, time
from pathlib import Path
from multimodal_rec.study import Study
from tests.multimodal_rec.test_study import DEFAULTS, SPACE, worth
def objective(settings):
    if len(study.trials) == int(sys.argv[2]):
        print("in the middle", flush=True)
        time.sleep(600)
    return worth(settings)
with Study(Path(sys.argv[1]), "one", SPACE, DEFAULTS, 0) as study:
    study.run(objective, trials=None, seconds=600, note=lambda _: None)
"""


@pytest.mark.parametrize("finished", [0, 4])
def test_killed_in_a_trial_the_next_run_tries_it_again(tmp_path: Path, whole: list[Trial], finished: int) -> None:
    path = tmp_path / "tuning.db"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(finished)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "in the middle\n"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert outcomes(search(path, 0)) == outcomes(whole[:finished])
    assert outcomes(search(path, 6 - finished)) == outcomes(whole[:6])


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tuning.db"
    path.write_text("no table of trials\n" * 100)
    with pytest.raises(WorkspaceError, match=r"tuning\.db cannot be used .*: check the disk, or delete it"):
        search(path, 1)
    path.unlink()
    path.mkdir()
    with pytest.raises(WorkspaceError, match=r"tuning\.db cannot be used"):
        search(path, 1)
