"""Search the settings that learn best from a workspace's events, and leave them to its builds and retrainings.

Each trial trains on the older four fifths of every user's events, as `build` would on all of them, and is worth the
ndcg@20 with which its lists find the newest fifth. Rows that are to judge the result afterwards must not be in the
workspace: it was then built from the other rows alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from multimodal_rec.alignment import Alignment
from multimodal_rec.content import Content
from multimodal_rec.embed import recorded_encoders
from multimodal_rec.errors import QueryError, WorkspaceError
from multimodal_rec.evaluation.objective import MEASURE, Objective
from multimodal_rec.progress import Progress, silent
from multimodal_rec.releases import ALIGNMENT_FILE, read_manifest
from multimodal_rec.tuned import SPACE, TUNED_FILE, Tuned, changed, configured, settings_of
from multimodal_rec.work import Work
from multimodal_rec.workspace import Workspace

STUDY_FILE = "tuning.db"
TRIALS = 20
"""Trials where neither their number nor a time is given."""


@dataclass(frozen=True)
class Progressed:
    """One more trial of a search."""

    number: int
    """Place among all trials of the search, from 1 on: that of the defaults."""
    value: float | None
    """None where these settings cannot be trained with."""
    best: float | None
    seconds: float


@dataclass(frozen=True)
class Tuning:
    """What came of a search."""

    measure: str
    default: float | None
    """What the defaults are worth."""
    best: float
    """What the best settings are worth, on the events that they were chosen by."""
    settings: dict[str, int | float]
    """The best settings, where they are not the defaults."""
    trials: int
    """Finished trials of the search, those of earlier runs too."""
    new: int
    """Those of this run."""
    users: int
    """Whose lists were judged."""
    seconds: float
    file: str
    """Where builds and retrainings find the settings."""

    def as_json(self) -> dict[str, Any]:
        """The result as JSON-ready fields."""
        return asdict(self)


def tune(
    workspace: Path,
    *,
    trials: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    note: Callable[[Progressed], None] = lambda _: None,
    progress: Progress = silent,
) -> Tuning:
    """Search on from where an earlier search of the same events, seed and version ended; keep the best settings.

    They are kept after every trial, so that a search may be interrupted. Nothing published changes: the next `build`
    or `retrain` learns with them.

    Args:
        workspace: with a release.
        trials: how many more, `TRIALS` where no time is given either.
        minutes: how long; a trial that has begun is ended, and none is begun that would take longer than is left.
        seed: of the events that are held out, the trainings and the proposals.
        threads: CPU threads at the most.
        note: called after each trial.
        progress: called with the stage, the steps done and the steps in all.

    Raises:
        QueryError: Optuna is not installed, or a bound is not above 0.
        CatalogueError: there are too few events.
        WorkspaceError: the workspace is missing or damaged, or is being tuned by another process.
        encoders.EncoderError: an encoder cannot be had any more.
    """
    started = time.monotonic()
    if (trials is not None and trials < 1) or (minutes is not None and not minutes > 0):
        raise QueryError("a search needs at least 1 trial and more than 0 minutes")
    try:
        from multimodal_rec.study import Study, Trial
    except ModuleNotFoundError as error:
        raise QueryError(f"{error.name} is not installed: pip install 'multimodal-rec[tune]'") from error
    if threads:
        import torch

        torch.set_num_threads(threads)
    place = Workspace(workspace)
    with place.tuning():
        objective = _objective(place, seed, threads, progress)
        path = workspace / STUDY_FILE
        with Study(path, objective.key, SPACE, settings_of(configured({})), seed) as study:
            before = len(study.trials)
            most = TRIALS if trials is None and minutes is None else trials

            def keep(trial: Trial) -> None:
                best = study.best
                if best is not None:
                    Tuned(
                        format=1,
                        settings=changed(configured(best.settings)),
                        measure=MEASURE,
                        value=best.value or 0.0,
                        default=study.trials[0].value,
                        trials=trial.number + 1,
                        study=objective.key,
                    ).save(workspace)
                note(Progressed(trial.number + 1, trial.value, best.value if best else None, trial.seconds))
                progress("tuning", trial.number + 1 - before, most or 0)

            limit = float("inf") if minutes is None else 60 * minutes - (time.monotonic() - started)
            study.run(objective, trials=most, seconds=limit, note=keep)
            best, done = study.best, study.trials
        if best is None:
            raise WorkspaceError("no settings could be trained with: look at the events, or run `build` to see why")
        return Tuning(
            MEASURE,
            done[0].value,
            best.value or 0.0,
            changed(configured(best.settings)),
            len(done),
            len(done) - before,
            len(objective.users),
            round(time.monotonic() - started, 3),
            str(workspace / TUNED_FILE),
        )


def _objective(place: Workspace, seed: int, threads: int | None, progress: Progress) -> Objective:
    """What settings are worth for the items of the current release and all events of the workspace."""
    folder = place.releases.current()
    encoders = recorded_encoders(read_manifest(folder), threads)
    with Work(place, progress) as work:
        with work.as_released(folder):
            vectors = work.vectors(encoders, work.word_weights())
        content = Content.of(vectors, Alignment.load(folder / ALIGNMENT_FILE))
        known = set(content.ids)
        events = [event for _, events in work.events.histories() for event in events if event.item_id in known]
    return Objective.of(content, events, seed, progress)
