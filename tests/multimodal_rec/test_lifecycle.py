"""Releases through time: listed, gone back to, pruned, held by readers, refused when damaged, published by two at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from multimodal_rec import Recommender
from multimodal_rec.changes import remove, update
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.holds import Hold
from multimodal_rec.lifecycle import list_releases, prune, rollback
from multimodal_rec.releases import read_manifest
from multimodal_rec.verification import VERIFIED_FILE, FileRecord
from multimodal_rec.workspace import Workspace

ROOT = Path(__file__).parents[2]
UPDATER = """
import json, sys, time
from pathlib import Path
from multimodal_rec.changes import update
from multimodal_rec.errors import WorkspaceError
name, folder, workspace = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
for number in range(6):
    catalogue = folder / f"{name}.jsonl"
    catalogue.write_text(json.dumps({"id": f"{name}{number}", "title": f"a {name} of number {number}"}) + "\\n")
    while True:
        try:
            update(catalogue, workspace)
            break
        except WorkspaceError as error:
            assert "being changed by another process" in str(error), error
            time.sleep(0.02)
"""


def write(path: Path, titles: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps({"id": name, "title": title}) + "\n" for name, title in titles.items()))
    return path


@pytest.fixture(scope="module")
def three_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1: bread, 2: bread and lava, 3: lava alone."""
    folder = tmp_path_factory.mktemp("life")
    Recommender.build(write(folder / "a.jsonl", {"bread": "Baking bread"}), workspace=folder / "ws").close()
    update(write(folder / "b.jsonl", {"lava": "A volcano erupts"}), folder / "ws")
    remove(["bread"], folder / "ws")
    return folder / "ws"


@pytest.fixture
def workspace(three_releases: Path, tmp_path: Path) -> Path:
    shutil.copytree(three_releases, tmp_path / "ws")
    return tmp_path / "ws"


def titles(workspace: Path) -> dict[str, str | None]:
    """What an opened workspace finds, each item being asked for by its own title too."""
    with Recommender.open(workspace) as recommender:
        found = {hit.item_id: hit.title for hit in recommender.search("anything", k=1000)}
        assert len(found) == len(recommender)
        for item_id, title in found.items():
            assert recommender.item(item_id).title == title
        return found


def cli(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "multimodal_rec.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == code, done.stderr
    return done


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_releases_are_listed_with_the_current_one(workspace: Path) -> None:
    entries = list_releases(workspace)
    assert [(e.number, e.current, e.counts["items"], e.damage) for e in entries] == [
        (1, False, 1, None),
        (2, False, 2, None),
        (3, True, 1, None),
    ]
    shown = json.loads(cli("releases", "-w", workspace, "--json").stdout)["releases"]
    assert [(entry["number"], entry["current"]) for entry in shown] == [(1, False), (2, False), (3, True)]


def test_rollback_goes_to_the_release_before_or_to_a_number(workspace: Path) -> None:
    assert set(titles(workspace)) == {"lava"}
    assert json.loads(cli("rollback", "-w", workspace, "--json").stdout)["release"] == 2
    assert set(titles(workspace)) == {"bread", "lava"}
    rollback(workspace)
    assert set(titles(workspace)) == {"bread"}
    with pytest.raises(WorkspaceError, match="has no whole release before 1: run `multimodal-rec build` again"):
        rollback(workspace)
    rollback(workspace, 3)
    assert set(titles(workspace)) == {"lava"}
    done = cli("rollback", "-w", workspace, "--to", 7, code=2)
    assert done.stderr == f"error: {workspace} has no release 7, only 1, 2, 3: see `multimodal-rec releases`\n"


def test_changes_start_from_the_release_that_was_gone_back_to(workspace: Path, tmp_path: Path) -> None:
    rollback(workspace, 1)
    update(write(tmp_path / "c.jsonl", {"sea": "Deep sea diving"}), workspace)
    assert set(titles(workspace)) == {"bread", "sea"}
    assert [e.number for e in list_releases(workspace)] == [1, 4]  # those that were backed out are gone
    remove(["sea"], workspace)
    assert set(titles(workspace)) == {"bread"}
    assert rollback(workspace).number == 4
    assert rollback(workspace).number == 1


def test_the_recommender_goes_back_too(workspace: Path) -> None:
    with Recommender.open(workspace) as recommender:
        recommender.rollback()
        assert {hit.item_id for hit in recommender.search("bread")} == {"bread", "lava"}
        assert [entry.number for entry in recommender.releases() if entry.current] == [2]
        assert recommender.prune().removed == [1]
        assert [entry.number for entry in recommender.releases()] == [2, 3]


def test_prune_keeps_the_newest_and_the_current(workspace: Path) -> None:
    rollback(workspace, 1)
    assert json.loads(cli("prune", "-w", workspace, "--keep", 1, "--json").stdout) == {
        "removed": [2],
        "kept": [1, 3],
        "in_use": [],
    }
    assert set(titles(workspace)) == {"bread"}
    assert sorted(path.name for path in (workspace / "releases").iterdir()) == ["000001", "000003", "current"]
    with pytest.raises(WorkspaceError, match="keep at least 1"):
        prune(workspace, 0)


@pytest.mark.parametrize("left_over", [".removing-000001", ".building-000001"])
def test_what_a_killed_change_left_is_swept_up(workspace: Path, left_over: str) -> None:
    (workspace / "releases/000001").rename(workspace / "releases" / left_over)
    assert [entry.number for entry in list_releases(workspace)] == [2, 3]
    prune(workspace, 3)
    assert not (workspace / "releases" / left_over).exists()


def test_a_reader_keeps_its_release_until_it_reopens(workspace: Path, tmp_path: Path) -> None:
    with Recommender.open(workspace) as other:
        expected = other.search("volcano")
    reader = Recommender.open(workspace)  # nothing is read through it yet
    for number in range(5):
        update(write(tmp_path / "new.jsonl", {f"new{number}": f"Penguin {number}"}), workspace)
    pruned = prune(workspace)
    assert (pruned.kept, pruned.in_use) == ([3, 8], [3])
    assert reader.search("volcano") == expected
    assert reader.manifest.number == 3
    reader.close()
    assert prune(workspace).removed == [3]
    assert len(titles(workspace)) == 6


def test_a_release_that_goes_while_it_is_being_opened_gives_way_to_the_new_one(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = Workspace(workspace).releases
    old = releases.folder(2)
    answers = iter([old, releases.folder(3)])
    shutil.rmtree(old)
    monkeypatch.setattr(releases, "current", lambda: next(answers, releases.folder(3)))
    folder, hold = releases.hold_current()
    assert folder == releases.folder(3)
    assert hold.holds


def test_a_hold_alone_is_refused_while_another_is_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with Hold(path) as first, Hold(path) as second:
        assert first.holds
        assert second.holds
        with Hold(path, alone=True) as alone:
            assert alone.refused
    with Hold(path, alone=True) as alone:
        assert not alone.refused
        assert alone.holds
    with Hold(tmp_path / "missing") as missing:
        assert not missing.holds
        assert not missing.refused


@pytest.mark.parametrize("name", ["items.db", "index/vectors.npy", "index/ids.txt", "alignment.safetensors"])
@pytest.mark.parametrize("opened_before", [False, True])
def test_a_flipped_byte_is_refused_with_the_way_back(workspace: Path, name: str, opened_before: bool) -> None:
    path = workspace / "releases/000003" / name
    if opened_before:
        time.sleep(0.05)
        Recommender.open(workspace).close()
        assert name in json.loads((path.parents[name.count("/")] / VERIFIED_FILE).read_text())
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # a program may set this time back
    with pytest.raises(WorkspaceError) as caught:
        Recommender.open(workspace)
    assert str(caught.value) == (
        f"{path}: not as it was published, go back with `multimodal-rec rollback --workspace {workspace}`"
    )


def test_the_way_back_that_the_line_names_works(workspace: Path) -> None:
    flip(workspace / "releases/000003/index/vectors.npy")
    flip(workspace / "releases/000002/items.db", 5000)
    done = cli("search", "-w", workspace, "--text", "bread", code=2)
    assert done.stderr.count("\n") == 1
    command = done.stderr.split("`")[1].split()
    assert command[0] == "multimodal-rec"
    assert "release 1 of" in cli(*command[1:]).stdout
    assert set(titles(workspace)) == {"bread"}
    shown = json.loads(cli("releases", "-w", workspace, "--json", code=1).stdout)["releases"]
    assert [entry["damage"] is None for entry in shown] == [True, False, False]
    done = cli("rollback", "-w", workspace, "--to", 2, code=2)
    assert "release 2 is damaged" in done.stderr
    assert "items.db: not as it was published" in done.stderr


def test_files_are_read_once_until_they_change(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = workspace / "releases/000003"
    time.sleep(0.05)
    manifest = read_manifest(folder)
    read: list[Path] = []
    original = FileRecord.of
    monkeypatch.setattr(FileRecord, "of", lambda path: (read.append(path), original(path))[1])
    assert read_manifest(folder) == manifest
    assert read == []
    (folder / "items.db").touch()
    read_manifest(folder)
    assert read == [folder / "items.db"]
    read.clear()
    read_manifest(folder, read_all=True)
    assert sorted(read) == sorted(folder / name for name in manifest.files)
    read.clear()
    (folder / VERIFIED_FILE).write_text("[damaged")
    read_manifest(folder)
    assert len(read) == len(manifest.files)


def test_decay_without_a_trace_in_the_times_is_found_by_reading_all(workspace: Path) -> None:
    folder = workspace / "releases/000003"
    time.sleep(0.05)
    read_manifest(folder)
    path = folder / "index/vectors.npy"
    flip(path)
    noted = json.loads((folder / VERIFIED_FILE).read_text())
    found = path.stat()
    noted["index/vectors.npy"][1] = [
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_dev,
        found.st_ino,
    ]
    (folder / VERIFIED_FILE).write_text(json.dumps(noted))  # as if the disk had changed the byte by itself
    assert list_releases(workspace)[-1].damage is None
    assert "vectors.npy: not as it was published" in str(list_releases(workspace, read_all=True)[-1].damage)
    cli("releases", "-w", workspace, "--verify", code=1)


def test_an_update_that_ended_half_way_leaves_no_trace_in_the_next_release(workspace: Path, tmp_path: Path) -> None:
    place = Workspace(workspace)
    with place.items() as items:  # as an update does that is killed before it publishes
        items.put(item for item in [items.get(["lava"])["lava"]])
        items.remove(["lava"])
    update(write(tmp_path / "c.jsonl", {"sea": "Deep sea diving"}), workspace)
    assert set(titles(workspace)) == {"lava", "sea"}


def test_two_processes_that_change_one_workspace_lose_nothing(workspace: Path, tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", UPDATER, name, str(tmp_path), str(workspace)], cwd=ROOT)
        for name in ("cat", "dog")
    ]
    seen: list[int] = []
    while any(process.poll() is None for process in processes):
        seen.append(len(titles(workspace)))
    assert [process.returncode for process in processes] == [0, 0]
    assert seen == sorted(seen)
    expected = {f"{name}{number}" for name in ("cat", "dog") for number in range(6)}
    assert set(titles(workspace)) == expected | {"lava"}
