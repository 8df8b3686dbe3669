"""The evaluation as one HTML page that needs nothing else: tables, charts, and what the words mean."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from multimodal_rec.errors import CatalogueError
from multimodal_rec.evaluation import measures
from multimodal_rec.evaluation.evaluate import OURS, Evaluation, ModelFigures, SplitFigures
from multimodal_rec.svg import Bar, bar_chart

CHARTS = ("ndcg", "recall")


def write_report(path: Path, evaluation: Evaluation, heading: str) -> None:
    """Write the page.

    Raises:
        CatalogueError: the file cannot be written.
    """
    environment = Environment(loader=PackageLoader("multimodal_rec.evaluation", "."), autoescape=True, trim_blocks=True)
    longest = evaluation.ks[-1]
    page = environment.get_template("report.html.j2").render(
        heading=heading,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        ours=OURS,
        evaluation=evaluation,
        ndcg=f"ndcg@{longest}",
        charts={name: _charts(figures, longest) for name, figures in evaluation.splits.items()},
        meaning=(measures.__doc__ or "").strip(),
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be written ({error.strerror}): name another file") from error


def _charts(figures: SplitFigures, longest: int) -> list[Markup]:
    """The charts of one split; their text is escaped where they are drawn."""
    charts = [bar_chart(f"{name}@{longest}", _bars(figures.models, f"{name}@{longest}")) for name in CHARTS]
    if figures.ablation:
        whole = {OURS: figures.models[OURS]}
        charts.append(bar_chart(f"ablation: ndcg@{longest}", _bars(whole | figures.ablation, f"ndcg@{longest}")))
    return [Markup(chart) for chart in charts]  # noqa: S704


def _bars(models: dict[str, ModelFigures], measure: str) -> list[Bar]:
    found = {name: figures.measures[measure] for name, figures in models.items() if measure in figures.measures}
    return [Bar(name, x.mean, x.low, x.high, name == OURS) for name, x in found.items()]
