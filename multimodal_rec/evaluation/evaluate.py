"""Measure our model and its peers on splits of a log, seed by seed, and say how sure the figures are."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from multimodal_rec.batch import read_histories, read_ids
from multimodal_rec.catalogue import Problem
from multimodal_rec.errors import CatalogueError
from multimodal_rec.evaluation.ablation import ALL, Variant, variants
from multimodal_rec.evaluation.bench import Answer, Bench, open_bench, tuned_apart
from multimodal_rec.evaluation.measures import Measured, Measures
from multimodal_rec.evaluation.peers import BATCH, FittedPeer, best_lists, fit_peers
from multimodal_rec.evaluation.significance import Interval, Lead, bootstrap, compare, holm
from multimodal_rec.evaluation.splits import Split, by_user, given_split, make_split
from multimodal_rec.histories import collect
from multimodal_rec.interactions import Event, read_interactions
from multimodal_rec.progress import Progress, silent

OURS = "multimodal-rec"


@dataclass(frozen=True)
class Given:
    """Files of the caller's own split beside the training rows."""

    test: Path
    history: Path | None = None
    candidates: Path | None = None


@dataclass
class ModelFigures:
    """One model on one split, over all seeds."""

    measures: dict[str, Interval]
    """Measure to its mean over users and seeds; an interval of no width for measures of all lists together."""
    seconds: float
    """Of training and answering, mean over seeds."""
    settings: dict[str, float] = field(default_factory=dict)
    """What validation chose, at the last seed."""
    leads: dict[str, Lead] = field(default_factory=dict)
    """Measure to our model's lead over this one; p adjusted for the number of models (Holm)."""


@dataclass
class SplitFigures:
    """All models on one split."""

    users: int
    """Users with something to be found, at the first seed."""
    train: int
    """Events to learn from, at the first seed."""
    test: int
    """Events to be found, at the first seed."""
    models: dict[str, ModelFigures] = field(default_factory=dict)
    """Ours first."""
    ablation: dict[str, ModelFigures] = field(default_factory=dict)
    """Our model with one thing changed; `leads` are those of the whole model."""
    rating_rmse: float | None = None
    """Of the ratings of test rows, foretold by our model; the mean over seeds, None where there are none."""
    rating_rmse_of_mean: float | None = None
    """The same, had each been taken for the mean rating."""


@dataclass
class Evaluation:
    """All that was measured."""

    items: int
    """Items of the catalogue."""
    interactions: int
    """Events of known items."""
    unknown: int
    """Events of items that the catalogue does not hold: left out."""
    seeds: int
    ks: tuple[int, ...]
    """Lengths of lists."""
    splits: dict[str, SplitFigures] = field(default_factory=dict)
    seconds: float = 0.0
    settings: dict[str, float] = field(default_factory=dict)
    """Settings of training that `tune` chose; empty where they are the defaults."""

    def as_json(self) -> dict[str, Any]:
        """All figures as JSON-ready fields; NaN, where a measure says nothing, is null."""
        return _plain(asdict(self))


def evaluate(
    catalogue: Path,
    interactions: Path,
    *,
    workspace: Path | None = None,
    splits: Sequence[str] = ("temporal",),
    given: Given | None = None,
    ks: Sequence[int] = (10, 20),
    seeds: int = 1,
    peers: bool = True,
    ablation: bool = False,
    output: Path | None = None,
    text_encoder: str | None = None,
    image_encoder: str | None = None,
    media_root: Path | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Measure our model, its peers and its ablations; nothing that is published is read for it or changed by it.

    Args:
        catalogue: as for a build.
        interactions: table of user_id, item_id, timestamp, rating; the training rows where a split is given.
        workspace: whose vectors are reused; with a split that is given, the settings that `tune` chose for it too, unless
            it holds test rows.
        splits: names of `splits.SPLITS`; ignored where a split is given.
        given: the caller's own test files.
        ks: lengths of lists.
        seeds: how many times each split is drawn and trained on, from seed 0 on.
        peers: whether to fit the well-known recommenders too.
        ablation: whether to train without each modality, with shuffled media, and to switch off each block.
        output: folder for the rows and the lists of every split and seed, as CSV.
        text_encoder: as for a build; the workspace's, or "auto", by default.
        image_encoder: the same.
        media_root: as for a build.
        threads: CPU threads at the most.
        progress: called with the stage, the steps done and the steps in all.

    Raises:
        CatalogueError: a file cannot be read, or leaves nothing to learn or to find.
        WorkspaceError: the workspace cannot be read.
        encoders.EncoderError: an encoder cannot be had.
    """
    started = time.monotonic()
    if not ks or min(ks) < 1 or seeds < 1:
        raise CatalogueError("lists need at least one item and splits at least one seed: check -k and --seeds")
    events = _events(interactions)
    tuned = tuned_apart(workspace, _events(given.test)) if workspace and given else None
    with open_bench(
        catalogue,
        workspace=workspace,
        text_encoder=text_encoder,
        image_encoder=image_encoder,
        media_root=media_root,
        threads=threads,
        progress=progress,
        tuned=tuned,
    ) as bench:
        known = set(bench.ids)
        usable = [event for event in events if event.item_id in known]
        if given:
            split = _given(usable, given)
            drawn: dict[str, Callable[[int], Split]] = {"given": lambda _: split}
        else:
            drawn = {name: _drawn(name, usable) for name in splits}
        result = Evaluation(len(bench.ids), len(usable), len(events) - len(usable), seeds, tuple(sorted(set(ks))))
        result.settings = dict(tuned.settings) if tuned else {}
        for name, draw in drawn.items():
            trial = _Trial(bench, draw, result.ks, output and output / name, progress)
            result.splits[name] = trial.run(seeds, peers=peers, ablation=ablation)
    result.seconds = round(time.monotonic() - started, 1)
    return result


@dataclass
class _Trial:
    """One split at all seeds."""

    bench: Bench
    draw: Callable[[int], Split]
    ks: tuple[int, ...]
    output: Path | None
    progress: Progress
    measured: dict[str, list[Measured]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    settings: dict[str, dict[str, float]] = field(default_factory=dict)

    def run(self, seeds: int, *, peers: bool, ablation: bool) -> SplitFigures:
        changed: list[Variant] = []
        errors: list[tuple[float, float]] = []
        for seed in range(seeds):
            split = self.draw(seed)
            measures = Measures(split, self.bench.ids, self.bench.plain_content, self.ks)
            if seed == 0:
                figures = SplitFigures(len(split.relevant), len(split.train), len(split.test))
            if self.output:
                write_split(self.output / f"seed-{seed}", split)
            answer = self._ours(split, seed, measures, ALL)
            errors += [answer.rating_errors] if answer.rating_errors else []
            if ablation:
                changed = changed or variants(self.bench.vectors, answer.learned)
                for number, variant in enumerate(changed, start=1):
                    self._ours(split, seed, measures, variant)
                    self.progress(f"ablation, seed {seed}", number, len(changed))
            if peers:
                self._peers(split, seed, measures)
        if errors:
            figures.rating_rmse, figures.rating_rmse_of_mean = np.mean(errors, axis=0).tolist()
        names = [variant.name for variant in changed]
        figures.models = {name: self._figures(name) for name in self.measured if name not in names}
        figures.ablation = {name: self._figures(name) for name in names}
        for group in (figures.models, figures.ablation):
            self._adjust(group)
        return figures

    def _ours(self, split: Split, seed: int, measures: Measures, variant: Variant) -> Answer:
        name = OURS if variant == ALL else variant.name
        answer = self.bench.answer(split, seed, self.ks[-1], variant)
        self._note(name, seed, measures.of(answer.lists), answer.lists, answer.seconds)
        if answer.learned.preferences:
            config = answer.learned.preferences.config
            self.settings[name] = config.new_weights if split.candidates is not None else config.weights
        return answer

    def _peers(self, split: Split, seed: int, measures: Measures) -> None:
        positions = {item_id: place for place, item_id in enumerate(self.bench.ids)}
        histories = collect(by_user(split.train), positions)
        cold = split.candidates is not None
        fitting = fit_peers(histories, len(positions), self.bench.plain_content, seed, cold=cold)
        started = time.monotonic()
        for fitted in fitting:
            lists = self._peer_lists(fitted, split, positions)
            seconds = time.monotonic() - started
            self._note(fitted.name, seed, measures.of(lists), lists, seconds)
            self.settings[fitted.name] = fitted.settings
            self.progress(f"peer {fitted.name}, seed {seed}", 1, 1)
            started = time.monotonic()

    def _peer_lists(self, fitted: FittedPeer, split: Split, positions: Mapping[str, int]) -> dict[str, list[str]]:
        allowed = None
        if split.candidates is not None:
            allowed = np.array(sorted(positions[i] for i in split.candidates if i in positions), np.int64)
        users = list(split.histories)
        lists: dict[str, list[str]] = {}
        for start in range(0, len(users), BATCH):
            batch = users[start : start + BATCH]
            own = [
                np.array([positions[e.item_id] for e in split.histories[user] if e.item_id in positions], np.int64)
                for user in batch
            ]
            best = best_lists(fitted.peer.scores(own), self.ks[-1], own, allowed)
            lists |= {user: [self.bench.ids[i] for i in items] for user, items in zip(batch, best, strict=True)}
        return lists

    def _note(
        self, name: str, seed: int, measured: Measured, lists: Mapping[str, Sequence[str]], seconds: float
    ) -> None:
        self.measured.setdefault(name, []).append(measured)
        self.seconds.setdefault(name, []).append(seconds)
        if self.output:
            write_recommendations(self.output / f"seed-{seed}" / f"{name.replace(' ', '-')}.csv", lists)

    def _figures(self, name: str) -> ModelFigures:
        runs = self.measured[name]
        users = [user for run in runs for user in run.users]
        values = {m: np.concatenate([run.of_users[m] for run in runs]) for m in runs[0].of_users}
        intervals = {measure: bootstrap(users, value) for measure, value in values.items()}
        for measure in runs[0].of_all:
            mean = float(np.mean([run.of_all[measure] for run in runs]))
            intervals[measure] = Interval(mean, mean, mean)
        leads = {}
        if name != OURS:
            ours = self.measured[OURS]
            for measure, value in values.items():
                if measure.split("@")[0] in ("recall", "ndcg", "mrr", "hit"):
                    leads[measure] = compare(users, np.concatenate([run.of_users[measure] for run in ours]), value)
        return ModelFigures(intervals, round(float(np.mean(self.seconds[name])), 2), self.settings.get(name, {}), leads)

    @staticmethod
    def _adjust(models: Mapping[str, ModelFigures]) -> None:
        """Adjust the p of each measure for the number of models that it is tested on."""
        compared = [figures for figures in models.values() if figures.leads]
        for measure in compared[0].leads if compared else ():
            adjusted = holm([figures.leads[measure].p for figures in compared])
            for figures, p in zip(compared, adjusted, strict=True):
                lead = figures.leads[measure]
                figures.leads[measure] = Lead(lead.mean, lead.low, lead.high, p)


def write_split(folder: Path, split: Split) -> None:
    """Write train.csv, history.csv, test.csv and, where not all items are ranked, candidates.txt."""
    history = [event for events in split.histories.values() for event in events]
    with _writing(folder):
        for name, events in (("train", split.train), ("history", history), ("test", split.test)):
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["user_id", "item_id", "timestamp", "rating", "weight"])
                writer.writerows(
                    (e.user_id, e.item_id, _cell(e.timestamp), _cell(e.rating), _cell(e.weight)) for e in events
                )
        if split.candidates is not None:
            (folder / "candidates.txt").write_text("\n".join(sorted(split.candidates)) + "\n", encoding="utf-8")


def write_recommendations(path: Path, lists: Mapping[str, Sequence[str]]) -> None:
    """Write user_id, item_id, rank."""
    with _writing(path.parent), path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "rank"])
        writer.writerows((user, item, rank) for user, items in lists.items() for rank, item in enumerate(items, 1))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise CatalogueError(f"{folder} cannot be written ({error.strerror}): name another folder") from error


def _cell(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _drawn(name: str, events: Sequence[Event]) -> Callable[[int], Split]:
    return lambda seed: make_split(name, events, seed)


def _given(train: Sequence[Event], given: Given) -> Split:
    histories = None if given.history is None else read_histories(given.history)[0]
    candidates = None if given.candidates is None else read_ids(given.candidates)
    return given_split(train, _events(given.test), histories, candidates)


def _events(path: Path) -> list[Event]:
    if not path.is_file():
        raise CatalogueError(f"{path}: no such interactions file")
    return [row for row in read_interactions(path) if not isinstance(row, Problem)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
