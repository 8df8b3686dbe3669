"""A workspace has one writer at a time, and says so to the second."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from index import FlatIndex
from multimodal_rec.catalogue import Problem
from multimodal_rec.errors import WorkspaceError
from multimodal_rec.interactions import Event
from multimodal_rec.items import Item
from multimodal_rec.work import Gathered
from multimodal_rec.workspace import Workspace

HOLD = """
import sys
from pathlib import Path
from multimodal_rec.workspace import Workspace
with Workspace(Path(sys.argv[1])).writing(create=True):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the workspace until it is told to end, or is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_second_writer_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    with another_writer(workspace.path) as process:
        with pytest.raises(WorkspaceError) as caught, workspace.writing(create=True):
            pass
        assert str(caught.value) == f"{workspace.path} is being changed by another process: wait until it has ended"
        process.communicate("end\n", timeout=60)
        assert process.returncode == 0
        with workspace.writing(create=True):
            pass


def test_a_writer_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    with another_writer(tmp_path / "ws") as process:
        process.kill()
        process.wait(timeout=60)
        with Workspace(tmp_path / "ws").writing(create=True):
            pass


def test_readers_are_not_disturbed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    with another_writer(workspace.path), workspace.events() as events, workspace.items() as items:
        assert events.users() == []
        assert items.ids() == []


def test_a_writer_that_fails_lets_go(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(ValueError, match="broke"), workspace.writing(create=True):
        raise ValueError("broke")
    with workspace.writing(create=True):
        pass


def test_a_path_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="must be text in UTF-8"):
        Workspace(tmp_path / os.fsdecode(b"caf\xe9"))


def test_missing_workspace_is_not_made(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    says = "ws holds no index: make one with `multimodal-rec build`"
    with pytest.raises(WorkspaceError, match=says), workspace.writing():
        pass
    assert not workspace.path.exists()
    with workspace.writing(create=True):
        assert workspace.path.is_dir()


def test_folder_without_an_index_names_build(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="multimodal-rec build"), Workspace(tmp_path).writing():
        pass


def test_a_part_that_must_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught, Workspace(tmp_path).writing(create=True):
        raise PermissionError(errno.EACCES, "Permission denied", "ws/releases/.current")
    assert str(caught.value) == "ws/releases/.current cannot be used (Permission denied): mend its permissions"


@pytest.mark.parametrize("below", ["", "ws"])
def test_workspace_that_cannot_be_made_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / below
    with pytest.raises(WorkspaceError) as caught, Workspace(path).writing(create=True):
        pass
    assert str(caught.value).startswith(f"{path} cannot be written (")
    assert str(caught.value).endswith("): name another folder")


def test_tables_keep_what_was_written(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "ws")
    item, event = Item(id="1", title="t"), Event("u", "1", 2.0)
    with workspace.writing(create=True), workspace.items() as items, workspace.events() as events:
        items.put([item])
        events.put([event])
    with workspace.items() as items, workspace.events() as events:
        assert items.get(["1"]) == {"1": item}
        assert events.history("u") == [event]


def test_rejected_rows_are_written_anew_one_a_line(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_rejected([Problem("old", None, "gone after the next")])
    (tmp_path / ".rejected.jsonl").write_text("left over from a crash\n")
    workspace.write_rejected(
        [Problem("a.csv line 2", "é\n", "no title", kept=True), Problem("a.csv line 3", None, "no id")]
    )
    lines = (tmp_path / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"place": "a.csv line 2", "id": "é\n", "reason": "no title", "kept": True},
        {"place": "a.csv line 3", "id": None, "reason": "no id", "kept": False},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["rejected.jsonl"]


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """No file can be made longer than so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    index = FlatIndex(64)
    index.add([f"i{number}" for number in range(1000)], np.ones((1000, 64), np.float32))
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(WorkspaceError, match="make room"), workspace.writing(create=True), files_end_at(100_000):
        index.save(tmp_path)
    with (
        pytest.raises(WorkspaceError, match="File too large"),
        workspace.writing(create=True),
        files_end_at(100_000),
        Gathered(64, tmp_path) as gathered,
    ):
        gathered.extend(index.ids, index.vectors(index.ids))
    with pytest.raises(IsADirectoryError), workspace.writing(create=True):
        tmp_path.read_bytes()


def filled(path: Path) -> Workspace:
    """A workspace whose tables have inner pages."""
    workspace = Workspace(path)
    with workspace.writing(create=True), workspace.items() as items, workspace.events() as events:
        items.put([Item(id=f"i{number}", title="t" * 50) for number in range(500)])
        events.put([Event(f"u{number}", "i1", 2.0) for number in range(500)])
    return workspace


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * page)
        file.write(b"\xff" * 64)


def change(workspace: Workspace) -> None:
    """Change and read all that the tables hold."""
    with workspace.writing(create=True), workspace.items() as items, workspace.events() as events:
        items.put([Item(id=f"i{number}", title="u") for number in range(500)])
        assert len(list(events.histories())) == 500
        assert len(list(events.rows())) == 500


@pytest.mark.parametrize("page", [0, 1, 2])
def test_a_damaged_table_of_items_is_named_and_set_aside(
    tmp_path: Path, page: int, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = filled(tmp_path)
    damage(tmp_path / "items.db", page)
    with pytest.raises(WorkspaceError) as caught:
        change(workspace)
    assert str(caught.value).startswith(f"{tmp_path}/items.db is damaged (")
    assert str(caught.value).endswith("): run `multimodal-rec build` again")
    workspace.set_damaged_aside()
    assert "kept as items.damaged" in caplog.text
    with workspace.items() as items, workspace.events() as events:
        assert len(items) == 0
        assert len(events) == 500


@pytest.mark.parametrize("page", [0, 1, 2])
def test_damaged_events_are_named_and_stay(tmp_path: Path, page: int) -> None:
    workspace = filled(tmp_path)
    damage(tmp_path / "events.db", page)
    with pytest.raises(WorkspaceError, match=r"events.db is damaged .*move it away, with the live events in it"):
        change(workspace)
    with (
        pytest.raises(WorkspaceError, match=r"events.db is damaged"),
        workspace.writing(create=True),
        workspace.events() as events,
    ):
        events.put([Event(f"u{number}", "i2", 3.0) for number in range(500)], replace_all=True)
    workspace.set_damaged_aside()
    assert (tmp_path / "events.db").exists()


def test_whole_tables_and_none_are_not_set_aside(tmp_path: Path) -> None:
    Workspace(tmp_path).set_damaged_aside()
    assert list(tmp_path.iterdir()) == []
    filled(tmp_path).set_damaged_aside()
    assert sorted(path.name for path in tmp_path.glob("*.d*")) == ["events.db", "items.db"]


def test_a_table_that_cannot_grow_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    says = r"cannot be written \(.*\): make room, check its permissions, and run the same command again"
    with (
        pytest.raises(WorkspaceError, match=says),
        workspace.writing(create=True),
        workspace.items() as items,
        files_end_at(50_000),
    ):
        items.put([Item(id=f"i{number}", title="t" * 500) for number in range(500)])
