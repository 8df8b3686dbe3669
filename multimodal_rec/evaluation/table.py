"""The evaluation as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from multimodal_rec.evaluation.evaluate import OURS, Evaluation, ModelFigures

SHOWN = ("recall", "ndcg", "mrr", "hit", "coverage", "novelty", "diversity", "popularity_lift")


def lines_of(evaluation: Evaluation) -> Iterator[str]:
    """Yield the table of each split, with the 95 % interval of ndcg and the lead over each peer in it."""
    k = evaluation.ks[-1]
    for name, split in evaluation.splits.items():
        yield f"split {name}: {split.users} users, {split.train} events to learn from, {split.test} to be found"
        yield from _table(split.models, k)
        if split.rating_rmse is not None:
            yield f"RMSE of the ratings of test rows {split.rating_rmse:.4f}, of the mean {split.rating_rmse_of_mean:.4f}"
        if split.ablation:
            yield "ablation"
            yield from _table({OURS: split.models[OURS]} | split.ablation, k)
        yield ""
    if evaluation.settings:
        yield "trained with the settings that tune chose for the workspace"


def _table(models: Mapping[str, ModelFigures], k: int) -> Iterator[str]:
    yield f"{'':24}" + "".join(f"{name + '@' + str(k):>20}" for name in SHOWN) + f"{'lead in ndcg':>24}"
    for name, model in models.items():
        cells = [f"{model.measures[f'{measure}@{k}'].mean:20.4f}" for measure in SHOWN]
        lead = model.leads.get(f"ndcg@{k}")
        yield f"{name:24}" + "".join(cells) + (f"{lead.mean:+14.4f} p {lead.p:.4f}" if lead else "")
