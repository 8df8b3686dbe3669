"""What stands beside a trained model for people: a card with its data, figures and limits, and the curve of its loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from multimodal_rec.errors import WorkspaceError
from multimodal_rec.svg import line_chart

if TYPE_CHECKING:
    from multimodal_rec.preferences import PreferenceConfig

CARD_FILE = "README.md"
LOSS_FILE = "loss.svg"
RECORD_FILE = "training.json"
LIMITS = """\
- It knows the tastes of the people in its data: whoever is rare there is served worse, and what was popular stays so.
- Items that nobody had liked yet are placed by their content and by what was liked of the like; those places are guesses.
- A user is their history. Someone without any gets what is popular.
- The figures above were measured inside the training data. `multimodal-rec evaluate` measures on data held out from it.
"""


class TrainingRecord(BaseModel):
    """What a model was trained on, and what was measured on the way."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    users: int
    items: int
    """Of the catalogue, whether anybody liked them or not."""
    events: int
    seed: int
    metrics: dict[str, float]
    """On events, and on items, that were held out of the training data."""
    settings: dict[str, int | float] = {}
    """Of training, where they are not the defaults."""
    losses: tuple[float, ...]
    """Of the fusion network on all events, one an epoch."""

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read what `write` wrote; None where there is none, as in models of earlier versions.

        Raises:
            WorkspaceError: it is damaged.
        """
        path = folder / RECORD_FILE
        if not path.is_file():
            return None
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError) as error:
            raise WorkspaceError(f"{path}: unreadable, run `multimodal-rec build` again") from error

    def write(self, folder: Path, config: PreferenceConfig) -> None:
        """Write the record, the card and the curve into an existing folder."""
        (folder / RECORD_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        chart = line_chart("Loss of the fusion network", {"training": self.losses}, "epoch")
        (folder / LOSS_FILE).write_text(chart, encoding="utf-8")
        (folder / CARD_FILE).write_text(self._card(config), encoding="utf-8")

    def _card(self, config: PreferenceConfig) -> str:
        figures = "".join(f"| {name} | {value:.4f} |\n" for name, value in self.metrics.items())
        weights = "".join(
            f"| {name} | {config.weights.get(name, 0.0):.3g} | {config.new_weights.get(name, 0.0):.3g} |\n"
            for name in dict.fromkeys([*config.weights, *config.new_weights])
        )
        settings = ", ".join(f"{name} {value:.4g}" for name, value in self.settings.items())
        media = ", ".join(sorted(config.fusion.features)) or "no content"
        return (
            "# Model of preferences\n\nIt ranks the items of one catalogue for people by what they liked before: several"
            " models of taste, summed in one inner product.\n\n"
            f"## Data\n\n{self.events} events of {self.users} users; {self.items} items in the catalogue. The fusion"
            f" network reads {media}. Seed {self.seed}. Settings: {settings or 'the defaults'}.\n\n"
            f"## Figures\n\nOn events and items held out of the training data:\n\n| measure | value |\n|---|---|\n{figures}"
            f"\n![loss]({LOSS_FILE})\n\n"
            f"## Weights\n\nChosen on the same held-out events.\n\n| model | known items | new items |\n|---|---|---|\n{weights}"
            f"\n## Limits\n\n{LIMITS}\n"
            "## Use\n\n```python\nfrom multimodal_rec.preferences import Preferences\n\n"
            'preferences = Preferences.from_pretrained("this-folder")\n```\n'
        )
