"""The settings of training that `tune` searches, and those that it chose for a workspace.

What training chooses by itself, on events that it hides from itself, is not among them: the weights of the models, the
penalties and recencies of the linear ones, and what content is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from multimodal_rec.errors import WorkspaceError

if TYPE_CHECKING:
    from multimodal_rec.training import TrainingConfig

TUNED_FILE = "tuned.json"


@dataclass(frozen=True)
class Range:
    """The values that a setting may take: whole numbers, `step` apart, where a step is given."""

    low: float
    high: float
    step: int | None = None
    log: bool = False
    """Whether equal factors, not equal differences, count alike."""

    def holds(self, value: float) -> bool:
        """Whether it may be this."""
        fits = self.step is None or (isinstance(value, int) and (value - self.low) % self.step == 0)
        return fits and self.low <= value <= self.high


SPACE: Mapping[str, Range] = {
    "fusion.learning_rate": Range(1e-3, 3e-2, log=True),
    "fusion.epochs": Range(5, 40, step=1, log=True),
    "fusion.ahead": Range(1, 10, step=1),
    "fusion.unknown": Range(0.0, 0.6),
    "shape.dim": Range(32, 128, step=32),
    "shape.history": Range(25, 100, step=25),
    "shape.layers": Range(1, 2, step=1),
    "shape.dropout": Range(0.0, 0.5),
    "rank": Range(64, 256, step=64),
    "next_recency": Range(2.0, 20.0, log=True),
}
"""The settings under their names in `TrainingConfig`."""


class Tuned(BaseModel):
    """What a search found for a workspace: its builds and retrainings learn with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    format: Literal[1]
    """Counted up when a setting gets another meaning."""
    settings: dict[str, int | float]
    """Names of `SPACE` to the values that ranked held-out events best; empty where the defaults did."""
    measure: str
    value: float
    """What they reached, on the events that they were chosen by: somewhat more than can be expected of others."""
    default: float | None
    """What the defaults reached on the same events; None where they could not be trained with."""
    trials: int
    """Trainings that were compared."""
    study: str
    """Name of the search in the workspace's table of trials."""

    @field_validator("settings")
    @classmethod
    def _in_their_ranges(cls, settings: dict[str, int | float]) -> dict[str, int | float]:
        for name, value in settings.items():
            if name not in SPACE or not SPACE[name].holds(value):
                raise ValueError(f"{name} may not be {value}")
        return settings

    @classmethod
    def load(cls, workspace: Path) -> Self | None:
        """Read what `save` wrote; None where a workspace was never tuned.

        Raises:
            WorkspaceError: it cannot be read, or is damaged or of another version.
        """
        path = workspace / TUNED_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
            raise WorkspaceError(
                f"{path} is damaged or of another version ({reason}): delete it, or run `multimodal-rec tune` again"
            ) from error

    def save(self, workspace: Path) -> None:
        """Write it, whole or not at all."""
        draft = workspace / f".{TUNED_FILE}"
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(workspace / TUNED_FILE)


def tuned_settings(workspace: Path) -> dict[str, int | float]:
    """The settings that `tune` chose for a workspace where they are not the defaults; raises as `Tuned.load`."""
    tuned = Tuned.load(workspace)
    return tuned.settings if tuned else {}


def configured(settings: Mapping[str, int | float]) -> TrainingConfig:
    """The defaults of training with these settings, under their names in `SPACE`, in their place."""
    from multimodal_rec.training import TrainingConfig

    fields: dict[str, dict[str, int | float]] = {}
    for name, value in settings.items():
        group, _, field = name.rpartition(".")
        fields.setdefault(group, {})[field] = value
    plain = fields.pop("", {})
    return TrainingConfig.model_validate({**plain, **fields})


def settings_of(config: TrainingConfig) -> dict[str, int | float]:
    """The values that a configuration has for all settings of `SPACE`."""
    return {name: attrgetter(name)(config) for name in SPACE}


def changed(config: TrainingConfig) -> dict[str, int | float]:
    """The settings of `SPACE` in which a configuration differs from the defaults."""
    defaults = settings_of(configured({}))
    return {name: value for name, value in settings_of(config).items() if value != defaults[name]}
