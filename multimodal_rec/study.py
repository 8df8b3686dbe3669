"""A search for the best settings, written down trial by trial: it goes on where an earlier one ended or was killed.

Settings are proposed by Optuna's TPE (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"). Each
proposal depends on the seed and on the finished trials alone, so that an interrupted search tries the same settings as
one that was not. The first trial is that of the defaults.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.tuned import Range

Settings = Mapping[str, int | float]
Objective = Callable[[Settings], float | None]
"""What settings are worth: the more the better; None where they cannot be trained with."""

DAMAGED = (SQLAlchemyError, sqlite3.Error, optuna.exceptions.OptunaError, RuntimeError, KeyError)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
BUSY_SECONDS = 60.0


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and what they are worth: None where they could not be trained with."""

    number: int
    """Place among the finished trials, from 0 on: that of the defaults."""
    settings: dict[str, int | float]
    value: float | None
    seconds: float


class Study:
    """The trials of one search. One process at a time may have it open."""

    def __init__(self, path: Path, name: str, space: Mapping[str, Range], defaults: Settings, seed: int) -> None:
        """Open a search in an SQLite file, both made where they do not exist.

        Args:
            path: the file.
            name: of the search; another name is another search.
            space: the settings and their ranges.
            defaults: the settings of the first trial.
            seed: of the proposals.

        Raises:
            WorkspaceError: the file is damaged, or cannot be written.
        """
        self._path = path
        self._seed = seed
        self._space = {setting: _distribution(values) for setting, values in space.items()}
        optuna.logging.disable_default_handler()
        connect = {"creator": lambda: _connect(path)}  # an address would not take every path
        with self._undamaged():
            self._storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs=connect)
            self._study = optuna.create_study(
                storage=self._storage, study_name=name, direction="maximize", load_if_exists=True
            )
            for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                self._study.tell(trial.number, state=TrialState.FAIL)  # its process was killed
            if not self._study.get_trials(deepcopy=False, states=(*FINISHED, TrialState.WAITING)):
                self._study.enqueue_trial(dict(defaults))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    @property
    def trials(self) -> list[Trial]:
        """The finished trials, in their order."""
        with self._undamaged():
            found = self._study.get_trials(deepcopy=False, states=FINISHED)
        return [_trial(number, trial) for number, trial in enumerate(found)]

    @property
    def best(self) -> Trial | None:
        """The trial that is worth most, the earliest of equals; None where none could be trained."""
        worth = [trial for trial in self.trials if trial.value is not None]
        return max(worth, key=lambda trial: trial.value or 0.0, default=None)

    def run(self, objective: Objective, *, trials: int | None, seconds: float, note: Callable[[Trial], None]) -> None:
        """Try settings until so many more trials are finished, or the next would not end in time.

        How long a trial takes is judged by those of this run: the first is tried in any case.

        Args:
            objective: what settings are worth.
            trials: how many, None for as many as there is time for.
            seconds: how long.
            note: called with each trial when it is finished.

        Raises:
            WorkspaceError: the file is damaged, or cannot be written.
        """
        started = time.monotonic()
        count = 0
        while trials is None or count < trials:
            elapsed = time.monotonic() - started
            if count and elapsed * (count + 1) / count > seconds:
                break
            self._try(objective)
            count += 1
            note(self.trials[-1])

    def _try(self, objective: Objective) -> None:
        finished = len(self.trials)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=int(np.random.SeedSequence([self._seed, finished]).generate_state(1)[0])
        )
        with self._undamaged():
            trial = self._study.ask(self._space)
        value = objective(trial.params)
        with self._undamaged():
            if value is None:
                self._study.tell(trial, state=TrialState.PRUNED)
            else:
                self._study.tell(trial, value)

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        try:
            yield
        except DAMAGED as error:
            reason = str(error).split("\n", maxsplit=1)[0]
            raise WorkspaceError(
                f"{self._path} cannot be used ({reason}): check the disk, or delete it to begin the search anew"
            ) from error


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing, a dead machine the last trial
    return database


def _distribution(values: Range) -> BaseDistribution:
    if values.step is None:
        return FloatDistribution(values.low, values.high, log=values.log)
    return IntDistribution(int(values.low), int(values.high), step=values.step, log=values.log)


def _trial(number: int, trial: FrozenTrial) -> Trial:
    seconds = trial.duration.total_seconds() if trial.duration else 0.0
    return Trial(number, dict(trial.params), trial.value, round(seconds, 1))
