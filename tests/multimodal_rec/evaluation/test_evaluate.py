"""The whole evaluation on a small planted catalogue: figures, files, report, and that nothing published is touched."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from multimodal_rec import Recommender
from multimodal_rec.evaluation.evaluate import OURS, Evaluation, evaluate
from multimodal_rec.evaluation.report import write_report
from multimodal_rec.evaluation.table import lines_of
from tests.multimodal_rec.planted import tribes

TOPICS = (
    "deep sea fish and coral",
    "steam trains and railways",
    "desert camels and dunes",
    "football and penalty goals",
)
ITEMS = 48


def write_data(folder: Path) -> tuple[Path, Path]:
    """Items of four topics, told by their texts alone; each user likes one topic."""
    items = [{"id": f"i{n}", "title": f"{TOPICS[n % 4]}, part {n // 4}"} for n in range(ITEMS)]
    catalogue, log = folder / "items.jsonl", folder / "log.csv"
    catalogue.write_text("\n".join(map(json.dumps, items)) + "\n", encoding="utf-8")
    rows = [
        (f"u{user}", f"i{item}", 1000 + place, 5)
        for user, own in enumerate(tribes(40, ITEMS, 4, seed=0, events=8))
        for place, item in enumerate(own)
    ]
    write_rows(log, ["user_id", "item_id", "timestamp", "rating"], [*rows, ("u0", "gone", 1, 5)])
    return catalogue, log


def write_rows(path: Path, header: list[str], rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def evaluation(data: tuple[Path, Path], output: Path) -> Evaluation:
    return evaluate(*data, splits=["temporal", "cold-item"], ks=[3, 5], ablation=True, output=output)


def ndcg_of(lists: list[dict[str, str]], test: list[dict[str, str]], k: int) -> float:
    """Mean ndcg@k, written anew from its definition."""
    relevant: dict[str, set[str]] = {}
    for row in test:
        relevant.setdefault(row["user_id"], set()).add(row["item_id"])
    total = 0.0
    for user, wanted in relevant.items():
        own = {int(row["rank"]): row["item_id"] for row in lists if row["user_id"] == user}
        gain = sum(1 / math.log2(rank + 1) for rank, item in own.items() if rank <= k and item in wanted)
        total += gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
    return total / len(relevant)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["temporal", "cold-item"])
def test_figures_are_those_of_the_written_lists(evaluation: Evaluation, output: Path, split: str) -> None:
    folder = output / split / "seed-0"
    test = read_rows(folder / "test.csv")
    for name, model in evaluation.splits[split].models.items():
        lists = read_rows(folder / f"{name.replace(' ', '-')}.csv")
        assert model.measures["ndcg@5"].mean == pytest.approx(ndcg_of(lists, test, 5), abs=1e-9)
        interval = model.measures["ndcg@5"]
        assert interval.low <= interval.mean <= interval.high
        if split == "cold-item":
            assert {row["item_id"] for row in lists} <= set((folder / "candidates.txt").read_text().split())


@pytest.mark.slow
def test_a_build_of_the_same_rows_gives_the_same_lists(
    evaluation: Evaluation, data: tuple[Path, Path], output: Path, tmp_path: Path
) -> None:
    folder = output / "temporal" / "seed-0"
    with Recommender.build(data[0], interactions=folder / "train.csv", workspace=tmp_path / "ws") as built:
        expected: dict[str, list[str]] = {}
        for row in read_rows(folder / f"{OURS}.csv"):
            expected.setdefault(row["user_id"], []).append(row["item_id"])
        for user, items in expected.items():
            assert [hit.item_id for hit in built.recommend(user, k=5)] == items


@pytest.mark.slow
def test_the_planted_taste_is_found_and_popularity_is_beaten(evaluation: Evaluation) -> None:
    models = evaluation.splits["temporal"].models
    assert evaluation.unknown == 1
    assert next(iter(models)) == OURS
    assert models[OURS].measures["recall@5"].mean > 0.5
    lead = models["popularity"].leads["ndcg@5"]
    assert lead.mean > 0.2
    assert lead.p < 0.01
    cold = evaluation.splits["cold-item"].models
    assert cold[OURS].measures["ndcg@5"].mean > cold["random"].measures["ndcg@5"].mean + 0.2


@pytest.mark.slow
def test_the_ablation_tells_that_the_text_carries_the_taste_of_new_items(evaluation: Evaluation) -> None:
    cold = evaluation.splits["cold-item"]
    shuffled = cold.ablation["text shuffled"]
    assert shuffled.measures["ndcg@5"].mean < cold.models[OURS].measures["ndcg@5"].mean - 0.2
    assert shuffled.leads["ndcg@5"].p < 0.05
    assert any(name.endswith(" off") for name in cold.ablation)


@pytest.mark.slow
def test_ratings_of_test_rows_are_foretold_where_there_are_any(evaluation: Evaluation, tmp_path: Path) -> None:
    assert evaluation.splits["temporal"].rating_rmse is None  # all ratings alike teach none
    items = [{"id": f"i{n}", "title": f"{TOPICS[n % 4]}, part {n // 4}"} for n in range(24)]
    catalogue, log, report = tmp_path / "items.jsonl", tmp_path / "log.csv", tmp_path / "report.html"
    catalogue.write_text("\n".join(map(json.dumps, items)) + "\n", encoding="utf-8")
    rows = [(f"u{user}", f"i{n}", 1000 + n, 2 + n % 3) for user in range(30) for n in range(user % 3, 24, 2)]
    write_rows(log, ["user_id", "item_id", "timestamp", "rating"], rows)
    result = evaluate(catalogue, log, splits=["random"], ks=[3], peers=False, output=tmp_path / "rows")
    test = [float(row["rating"]) for row in read_rows(tmp_path / "rows" / "random" / "seed-0" / "test.csv")]
    train = [float(row["rating"]) for row in read_rows(tmp_path / "rows" / "random" / "seed-0" / "train.csv")]
    split = result.splits["random"]
    assert split.rating_rmse_of_mean == pytest.approx(np.sqrt(np.mean((np.array(test) - np.mean(train)) ** 2)))
    assert split.rating_rmse is not None
    assert split.rating_rmse < 0.3 * split.rating_rmse_of_mean
    write_report(report, result, "Planted")
    assert f"root mean squared error of {split.rating_rmse:.4f}" in report.read_text(encoding="utf-8")
    assert any(f"RMSE of the ratings of test rows {split.rating_rmse:.4f}" in line for line in lines_of(result))


def test_the_report_stands_alone(evaluation: Evaluation, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(page, evaluation, "A <heading> & more")
    text = page.read_text(encoding="utf-8")
    assert "A &lt;heading&gt; &amp; more" in text
    assert "<script" not in text
    assert not [word for word in ("src=", "href=", "@import", "url(") if word in text]
    charts = text.split("<svg")[1:]
    assert len(charts) == 6
    for chart in charts:
        ElementTree.fromstring("<svg" + chart[: chart.index("</svg>") + 6])  # noqa: S314 - our own text
    assert f"{evaluation.splits['temporal'].models[OURS].measures['ndcg@5'].mean:.4f}" in text


@pytest.mark.slow
def test_the_command_leaves_the_workspace_as_it_was(data: tuple[Path, Path], tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    Recommender.build(data[0], workspace=workspace).close()

    def state() -> dict[str, str]:
        files = (path for path in sorted(workspace.rglob("*")) if path.is_file() and path.suffix not in (".db-shm",))
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.stat().st_size}

    before = state()
    command = [sys.executable, "-m", "multimodal_rec.cli", "evaluate", data[0], "--interactions", data[1]]
    options = ["-w", workspace, "-k", 5, "--no-peers", "--report", tmp_path / "r.html", "--json"]
    done = subprocess.run([*map(str, command + options)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert state() == before
    result = json.loads(done.stdout)
    assert list(result["splits"]["temporal"]["models"]) == [OURS]
    assert np.isfinite(result["splits"]["temporal"]["models"][OURS]["measures"]["ndcg@5"]["mean"])
    assert (tmp_path / "r.html").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--split", "weekly"], "weekly"),
        (["--history", "h.csv"], "--test"),
        (["--test", "t.csv", "--split", "random"], "--split"),
    ],
)
def test_a_wrong_option_says_so_in_one_line(data: tuple[Path, Path], options: list[str], words: str) -> None:
    command = [sys.executable, "-m", "multimodal_rec.cli", "evaluate", str(data[0]), "--interactions", str(data[1])]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
