"""A small catalogue with pictures, clips and two users, built once; each test serves a copy of its own."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from multimodal_rec import Recommender
from multimodal_rec.build import build

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

if find_spec("fastapi") is None:  # pip install 'multimodal-rec[serve]'
    collect_ignore_glob = ["test_*.py"]

SAMPLE = Path(__file__).parents[3] / "sample_data"
CLIPS, STILLS = 3, 33


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 36 items; too few events to train on, so that it is quick and tastes come from contents."""
    folder = tmp_path_factory.mktemp("served")
    rows = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    clips = [row for row in rows if row["video"]][:CLIPS]
    stills = [row | {"video": None} for row in rows if not row["video"] and row["image"] and row["title"]]
    catalogue = folder / "items.jsonl"
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in [*clips, *stills[:STILLS]]), encoding="utf-8")
    by_sea = [row["id"] for row in stills[:STILLS] if "Sea" in row["categories"]]
    others = [row["id"] for row in stills[:STILLS] if "Sea" not in row["categories"]]
    with (folder / "events.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["user_id", "item_id", "timestamp", "rating"])
        table.writerows(["ada", item, 1000 + n, 5] for n, item in enumerate(by_sea[:3]))
        table.writerows(["bo", item, 1000 + n, ""] for n, item in enumerate(others[:2]))
    build(catalogue, folder / "ws", interactions=folder / "events.csv", media_root=SAMPLE)
    return folder / "ws"


@pytest.fixture
def workspace(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "ws"))


@pytest.fixture(scope="session")
def encoders(built: Path) -> tuple[object, object]:
    """The text and the image encoder, loaded once for all services of the tests."""
    with Recommender.open(built) as rec:
        rec.search("words", image=Image.new("RGB", (64, 64)), k=1)
        return rec._text_encoder, rec._image_encoder


@pytest.fixture(autouse=True)
def share_encoders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the loaded encoders to every release of the same ones, as `successor` does."""
    if "workspace" not in request.fixturenames:
        return
    text, image = request.getfixturevalue("encoders")
    opened = Recommender.__init__

    def opening(self: Recommender, *arguments: Any, **options: Any) -> None:
        opened(self, *arguments, **options)
        self.__dict__ |= {"_text_encoder": text, "_image_encoder": image}

    monkeypatch.setattr(Recommender, "__init__", opening)


@pytest.fixture
def client(workspace: Path) -> Iterator[TestClient]:
    from fastapi.testclient import TestClient

    from multimodal_rec.service.app import create_app
    from multimodal_rec.service.settings import Settings

    with TestClient(create_app(Settings(workspace=workspace))) as client:
        yield client
