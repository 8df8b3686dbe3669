"""Learn again from the catalogue and all events of a workspace, and publish only what validates no worse."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from multimodal_rec.alignment import Alignment
from multimodal_rec.embed import recorded_encoders
from multimodal_rec.progress import Progress, silent
from multimodal_rec.releases import ALIGNMENT_FILE, read_manifest
from multimodal_rec.work import Work
from multimodal_rec.workspace import Workspace

VALIDATION = "validation_ndcg@20"
"""The metric of a release that decides."""
PUBLISH_SECONDS = 600.0
"""How long a finished model waits for another process that is changing the workspace."""


@dataclass(frozen=True)
class Retrained:
    """What came of it. `before` and `after` are validation figures, None where nothing was learned."""

    published: bool
    reason: str
    release: int
    before: float | None
    after: float | None
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The result as JSON-ready fields."""
        return asdict(self)


def retrain(workspace: Path, *, threads: int | None = None, progress: Progress = silent) -> Retrained:
    """Train on all events of the workspace, and publish the model unless it validates worse than the current one.

    Only publishing holds the workspace: items can be changed during the training, and are part of the new release.

    Raises:
        WorkspaceError: the workspace is missing, damaged, or busy for too long.
        encoders.EncoderError: an encoder cannot be had any more.
    """
    started = time.monotonic()
    place = Workspace(workspace)
    folder = place.releases.current()
    manifest = read_manifest(folder)
    encoders = recorded_encoders(manifest, threads)
    before = manifest.metrics.get(VALIDATION)

    def result(published: bool, reason: str, release: int, after: float | None) -> Retrained:
        return Retrained(published, reason, release, before, after, round(time.monotonic() - started, 3))

    with Work(place, progress) as work:
        with work.as_released(folder):
            words = work.word_weights()
            alignment = Alignment.load(folder / ALIGNMENT_FILE)
            learned = work.learn(encoders, alignment, words, manifest.seed, threads)
        if learned.preferences is None:
            return result(False, "there are too few events to learn from", manifest.number, None)
        if learned.training_key == manifest.training_key:
            return result(False, "nothing has changed since the current release was trained", manifest.number, before)
        after = learned.metrics[VALIDATION]
        if before is not None and after < before:
            return result(False, "the new model validates worse", manifest.number, after)
        with place.writing(wait=PUBLISH_SECONDS):
            folder = place.releases.current()
            work.start_from(folder, read_manifest(folder))
            alignment = Alignment.load(folder / ALIGNMENT_FILE)
            work.publish(work.pages(encoders, learned.words), alignment, learned, encoders)
        return result(True, "the new model validates no worse", work.summary.release, after)
