"""A build that is killed, or whose store is damaged, ends with the vectors of one that was left alone."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders import MediaError
from multimodal_rec.build import build as build_here
from multimodal_rec.releases import Releases, load_indexes
from multimodal_rec.vector_store import DamagedStoreError, VectorStore
from tests.encoders.conftest import draw

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
KILLS = 20


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 drawn pictures and the sample's clips, most with a text; some contents occur twice."""
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "images").mkdir()
    lines = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    rows: list[dict[str, Any]] = []
    for number in range(240):
        draw(number // 2 if number % 10 == 1 else number).save(folder / f"images/{number}.jpg")
        text = lines[number % len(lines)]["description"]
        title = f"Picture {number}" if number % 7 else None
        rows.append({"id": f"p{number}", "title": title, "description": text, "image": f"images/{number}.jpg"})
    for row in lines:
        if row["video"]:
            (folder / row["video"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE / row["video"], folder / row["video"])
            rows.append({"id": row["id"], "title": row["title"], "video": row["video"]})
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def undisturbed(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A workspace that was built at one go, and the seconds that it took."""
    workspace = tmp_path_factory.mktemp("undisturbed") / "ws"
    started = time.monotonic()
    build(catalogue, workspace)
    return workspace, time.monotonic() - started


def command(catalogue: Path, workspace: Path) -> list[str]:
    return [sys.executable, "-m", "multimodal_rec.cli", "build", str(catalogue), "-w", str(workspace), "--json"]


def build(catalogue: Path, workspace: Path) -> dict[str, Any]:
    done = subprocess.run(command(catalogue, workspace), capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def stored(workspace: Path) -> dict[tuple[str, bytes], tuple[np.ndarray, np.ndarray, str]]:
    with closing(sqlite3.connect(workspace / "vectors.db")) as db:
        rows = db.execute("SELECT space, key, vector, parts, spans FROM vectors").fetchall()
    return {
        (space, key): (np.frombuffer(vector, "<f4"), np.frombuffer(parts, "<f4"), bytes(spans).decode())
        for space, key, vector, parts, spans in rows
    }


def assert_same(workspace: Path, expected: Path) -> None:
    """Vectors equal but for the rounding of other batches, none missing; the same index rows under the same ids."""
    right = stored(expected)
    for key, (vector, parts, spans) in stored(workspace).items():
        np.testing.assert_allclose(vector, right[key][0], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(parts, right[key][1], rtol=1e-4, atol=1e-4)
        assert spans == right[key][2]
    releases = [Releases(path / "releases").current() for path in (workspace, expected)]
    for index, other in zip(*(load_indexes(folder) for folder in releases), strict=True):
        assert list(index.ids) == list(other.ids)
        np.testing.assert_allclose(index.vectors(list(index.ids)), other.vectors(list(index.ids)), atol=1e-4)


def assert_complete(catalogue: Path, workspace: Path) -> None:
    """Another build finds every vector in the store."""
    assert build(catalogue, workspace)["encoded"] == {"text": 0, "image": 0, "video": 0}


@pytest.mark.slow
def test_killed_at_twenty_random_moments(catalogue: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    expected, seconds = undisturbed
    chance = random.Random(0)
    workspace, kills, before = tmp_path / "ws", 0, 0
    while kills < KILLS:
        process = subprocess.Popen(
            command(catalogue, workspace), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        try:
            process.wait(chance.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            if (workspace / "vectors.db").exists():
                known = len(stored(workspace))
                assert known >= before, "a vector that was stored is lost"
                before = known
        else:  # it came to its end: compare, and start over
            assert process.returncode == 0
            assert_same(workspace, expected)
            shutil.rmtree(workspace)
            before = 0
    build(catalogue, workspace)
    assert_same(workspace, expected)
    assert_complete(catalogue, workspace)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["one vector", "pages", "cut short"])
def test_what_a_damaged_store_held_is_encoded_again(
    catalogue: Path, undisturbed: tuple[Path, float], tmp_path: Path, damage: str
) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(undisturbed[0], workspace)
    path = workspace / "vectors.db"
    content = bytearray(path.read_bytes())
    vector, _, _ = list(stored(workspace).values())[150]
    place = content.find(vector[:16].tobytes())
    assert place > 0
    if damage == "one vector":
        content[place + 5] ^= 16
    elif damage == "pages":
        start = place // 4096 * 4096
        content[start : start + 40960] = bytes(40960)
    else:
        content = content[: len(content) * 2 // 3]
    path.write_bytes(content)
    summary = build(catalogue, workspace)
    assert sum(summary["encoded"].values()) > 0
    if damage == "one vector":
        assert sum(summary["encoded"].values()) <= 2
    assert_same(workspace, undisturbed[0])
    assert_complete(catalogue, workspace)


def test_what_was_left_out_is_told_though_the_store_fails_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    (tmp_path / "items.jsonl").write_text('{"id": "a", "title": "A quiet film", "image": "a.jpg"}\n')
    failures = [DamagedStoreError()]
    note = VectorStore.note_file_keys

    def unreadable(path: Path) -> bytes:
        raise MediaError(f"{path.name}: cannot be read")

    def failing_once(store: VectorStore, files: list[tuple[str, bytes, bytes]]) -> None:
        if failures:
            raise failures.pop()
        note(store, files)

    monkeypatch.setattr("multimodal_rec.content_keys.file_key", unreadable)
    monkeypatch.setattr(VectorStore, "note_file_keys", failing_once)
    summary = build_here(tmp_path / "items.jsonl", tmp_path / "ws")
    assert not failures
    assert summary.warnings == 1
    assert "a.jpg: cannot be read" in (tmp_path / "ws" / "rejected.jsonl").read_text()
    assert not (tmp_path / "ws" / "receipt.json").exists()
