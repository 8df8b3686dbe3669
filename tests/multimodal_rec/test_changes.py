"""A release after changes is what assembling all anew from the stored vectors gives, whatever the changes were."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from multimodal_rec import Event, Recommender, changes, work
from multimodal_rec.build import build
from multimodal_rec.changes import change, remove, update
from multimodal_rec.embed import Encoders, recorded_encoders
from multimodal_rec.errors import CatalogueError, UnknownItem, WorkspaceError
from multimodal_rec.releases import read_manifest
from multimodal_rec.workspace import Workspace
from tests.multimodal_rec.test_predict import write

CREATURES = [f"{kind} {name}" for kind in ("red", "grey", "old") for name in ("cat", "owl", "fox", "hen", "cow", "bee")]
PASSAGE = " ".join(["It lives by the sea and sleeps in the long grass of the dunes until the tide is out."] * 20)


def row(number: int, version: int = 0) -> dict[str, Any]:
    name = CREATURES[number % len(CREATURES)]
    return {
        "id": f"i{number}",
        "title": f"A {name}" + f" of year {version}" * bool(version),
        "description": f"{PASSAGE} Then the {name} wakes. {PASSAGE}" if number % 3 == 0 else None,
        "categories": [name.split()[0]],
        "habitat": "dunes" if version else "woods",
    }


def table(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """18 items, a third of them with passages, and the ratings of 24 users."""
    folder = tmp_path_factory.mktemp("changes")
    draw = random.Random(0)
    log: list[tuple[object, ...]] = []
    for user in range(24):
        for time, number in enumerate(draw.sample(range(18), 8)):
            log.append((f"u{user}", f"i{number}", time, (4 if number % 2 else 1) + user % 2))
    items = table(folder / "items.jsonl", [row(number) for number in range(18)])
    build(
        items, folder / "ws", interactions=write(folder / "log.csv", ("user_id", "item_id", "timestamp", "rating"), log)
    )
    return folder / "ws"


@pytest.fixture(scope="module")
def encoders(built: Path) -> Encoders:
    return recorded_encoders(read_manifest(Workspace(built).releases.current()), 1)


@pytest.fixture
def workspace(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "ws"))


def told(workspace: Path) -> dict[str, Any]:
    """All that a release tells of its items, under their ids."""
    with Recommender.open(workspace) as rec:
        ids = sorted(rec._index.ids)
        parts = sorted(rec._parts.ids)
        assert rec._history_events is not None
        return {
            "ids": ids,
            "parts": parts,
            "items": rec.items(ids),
            "order": [item.id for item in rec.page(0, 100)],
            "words": {
                (word, item_id): score
                for word in ("year", "woods", "dunes", "owl", "grey bee")
                for item_id, score in rec._items.find_words(word).items()
            },
            "vectors": rec._index.vectors(ids),
            "part vectors": rec._parts.vectors(parts),
            "events": rec._history_events.of(ids),
            "ratings": np.array(list(rec.predict(history=[Event("", ids[0], rating=5.0)], items=ids).values())),
            "lists": [hit.item_id for hit in rec.recommend("u2", k=10)],
        }


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)
        else:
            assert found[name] == pytest.approx(value) if name == "words" else found[name] == value, name


def test_changes_give_what_assembling_anew_does(
    workspace: Path, encoders: Encoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = Path(shutil.copytree(workspace, tmp_path / "anew"))
    draw = random.Random(1)
    for step in range(6):
        with Recommender.open(workspace) as rec:
            gone = draw.sample(sorted(rec._index.ids), 1) if step % 2 else []
        numbers = [number for number in draw.sample(range(24), 2) if f"i{number}" not in gone]
        catalogue = table(tmp_path / "changed.jsonl", [row(number, version=step + 1) for number in numbers])
        before = told(workspace)
        for path, share, page in ((workspace, 1.0, 2048), (anew, -1.0, 5 - step % 2)):
            monkeypatch.setattr(changes, "LARGE_SHARE", share)
            monkeypatch.setattr(work, "PAGE", page)
            change(path, catalogue, removed=gone, encoders=encoders)
        after = told(workspace)
        assert_same(after, told(anew))
        untouched = [
            item_id for item_id in before["ids"] if item_id in after["ids"] and int(item_id[1:]) not in numbers
        ]
        for item_id in untouched:
            old, new = (state["vectors"][state["ids"].index(item_id)] for state in (before, after))
            np.testing.assert_array_equal(old, new)


def test_a_catalogue_too_large_to_be_read_at_once_is_aligned_just_so(
    workspace: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = Path(shutil.copytree(workspace, tmp_path / "large"))
    for path, held in ((workspace, 8192), (large, 5)):
        monkeypatch.setattr(work, "READ_AT_ONCE", held)
        build(built.parent / "items.jsonl", path, interactions=built.parent / "log.csv", seed=1)
    files = ("alignment.safetensors", "index/vectors.npy")
    first, second = (Workspace(path).releases.current() for path in (workspace, large))
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)


def test_files_that_tell_nothing_of_items_are_copies(workspace: Path) -> None:
    releases = Workspace(workspace).releases
    before = releases.current()
    remove(["i3"], workspace)
    after = releases.current()
    same = [
        name for name, record in read_manifest(before).files.items() if read_manifest(after).files.get(name) == record
    ]
    assert {"alignment.safetensors", "words.safetensors", "preferences/config.json"} <= set(same)
    assert not any((before / name).samefile(after / name) for name in same), "damage must not be shared"
    assert read_manifest(after, read_all=True).counts["items"] == 17


@pytest.mark.parametrize("share", [0.25, 0.0])
def test_users_and_events_are_counted_as_a_build_counts_them(
    workspace: Path, built: Path, tmp_path: Path, encoders: Encoders, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(changes, "LARGE_SHARE", share)
    catalogue = table(tmp_path / "some.jsonl", [row(number) for number in range(3, 19)])
    change(workspace, catalogue, removed=["i0", "i1", "i2"], encoders=encoders)
    fresh = build(catalogue, tmp_path / "fresh", interactions=built.parent / "log.csv")
    counts = read_manifest(Workspace(workspace).releases.current()).counts
    assert counts == read_manifest(Workspace(tmp_path / "fresh").releases.current()).counts
    assert counts["users"] == fresh.users


@pytest.mark.parametrize("share", [0.25, 0.0])
def test_an_update_changes_no_item_that_it_does_not_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(changes, "LARGE_SHARE", share)
    rows = [{"id": str(number), "title": f"A {name}", "image": f"{number}.png"} for number, name in enumerate("abcde")]
    for number in range(5):
        Image.new("RGB", (40, 40), (50 * number, 80, 200)).save(tmp_path / f"{number}.png")
    ws = tmp_path / "ws"
    build(table(tmp_path / "items.jsonl", rows), ws)
    with Recommender.open(ws) as rec:
        before = rec._index.vectors(["1", "2"])
    (tmp_path / "1.png").unlink()
    shutil.copyfile(tmp_path / "4.png", tmp_path / "2.png")
    assert update(table(tmp_path / "one.jsonl", [rows[0] | {"title": "Another"}]), ws).warnings == 0
    with Recommender.open(ws) as rec:
        np.testing.assert_allclose(rec._index.vectors(["1", "2"]), before, atol=1e-6)
        assert rec.items(["1"])["1"].image


def test_what_a_damaged_store_held_is_encoded_again_where_all_is_assembled_anew(
    workspace: Path, tmp_path: Path, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("vectors.db", "vectors.db-wal", "vectors.db-shm"):
        (workspace / name).unlink(missing_ok=True)
    monkeypatch.setattr(changes, "LARGE_SHARE", 0.0)
    before = told(workspace)
    change(workspace, table(tmp_path / "one.jsonl", [row(3, version=1)]), encoders=encoders)
    after = told(workspace)
    others = [place for place, item_id in enumerate(before["ids"]) if item_id != "i3"]
    np.testing.assert_allclose(after["vectors"][others], before["vectors"][others], atol=1e-5)


@pytest.mark.parametrize("share", [0.25, 0.0])
def test_a_build_after_an_update_learns_anew(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """What an update published was not learned from its catalogue, even where a build would read just that."""
    monkeypatch.setattr(changes, "LARGE_SHARE", share)
    log, ws = built.parent / "log.csv", tmp_path / "ws"
    catalogue = table(tmp_path / "all.jsonl", [row(number) for number in range(18)])
    build(catalogue, ws, interactions=log)
    expected = told(ws)
    build(table(tmp_path / "few.jsonl", [row(number) for number in range(4)]), ws, interactions=log)
    update(catalogue, ws)
    build(catalogue, ws, interactions=log)
    assert_same(told(ws), expected)


def test_a_build_after_a_change_goes_back_to_its_catalogue(workspace: Path, built: Path) -> None:
    before = told(workspace)
    remove(["i3"], workspace)
    build(built.parent / "items.jsonl", workspace, interactions=built.parent / "log.csv")
    assert_same(told(workspace), before)


def test_half_of_a_refused_change_is_not_done(workspace: Path, tmp_path: Path, encoders: Encoders) -> None:
    before = told(workspace)
    with pytest.raises(UnknownItem):
        remove(["i3", "unicorn"], workspace)
    with pytest.raises(WorkspaceError, match="would leave no index"):
        remove([f"i{number}" for number in range(18)], workspace)
    assert_same(told(workspace), before)
    summary = update(table(tmp_path / "bad.jsonl", [{"id": "i4"}, row(20)]), workspace)
    assert (summary.items, summary.rejected) == (19, 1)
    assert {name: told(workspace)[name] for name in ("ids",)} == {"ids": sorted([*before["ids"], "i20"])}


def test_what_was_encoded_is_told_where_much_changes(workspace: Path, tmp_path: Path, encoders: Encoders) -> None:
    rows = [row(number, 1) for number in range(16)]
    summary = change(workspace, table(tmp_path / "many.jsonl", rows), encoders=encoders)
    assert (summary.encoded["text"], summary.reused["text"]) == (16, 0)


def test_of_a_whole_catalogue_only_what_changed_is_changed(
    workspace: Path, tmp_path: Path, encoders: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("all was assembled anew")

    monkeypatch.setattr(changes, "_publish_anew", refused)
    before = told(workspace)
    rows = [row(number, version=int(number == 7)) for number in range(19)]  # one is other, one new with a known text
    summary = change(workspace, table(tmp_path / "all.jsonl", rows), encoders=encoders)
    assert (summary.items, summary.encoded["text"], summary.reused["text"]) == (19, 1, 18)
    after = told(workspace)
    assert set(after["ids"]) - set(before["ids"]) == {"i18"}
    for item_id in set(before["ids"]) - {"i7"}:
        old, new = (state["vectors"][state["ids"].index(item_id)] for state in (before, after))
        np.testing.assert_array_equal(old, new)


def test_items_that_the_catalogue_does_not_name_are_removed(
    workspace: Path, built: Path, tmp_path: Path, encoders: Encoders
) -> None:
    """Few or many: what is left is what the catalogue names, as after removing the others one by one."""
    rows = [row(number, version=int(number == 7)) for number in range(1, 19)]
    by_hand = Path(shutil.copytree(workspace, tmp_path / "by hand"))
    for first in (1, 8):
        catalogue = table(tmp_path / "all.jsonl", rows[first - 1 :])
        summary = update(catalogue, workspace, remove_missing=True)
        gone = sorted(set(told(by_hand)["ids"]) - {each["id"] for each in rows[first - 1 :]})
        assert (summary.items, summary.removed) == (19 - first, len(gone))
        change(by_hand, catalogue, removed=gone, encoders=encoders)
        assert_same(told(workspace), told(by_hand))
    current = Workspace(workspace).releases.current()
    assert update(catalogue, workspace, remove_missing=True).removed == 0
    assert Workspace(workspace).releases.current() == current


def test_no_item_counts_as_missing_that_a_row_may_name(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    useless = [{"id": "i0"}, {"id": "i1", "image": "broken.jpg"}]
    catalogue = table(tmp_path / "all.jsonl", [*useless, *(row(number) for number in range(2, 17))])
    whole = catalogue.read_text()
    catalogue.write_text(whole + json.dumps(row(17))[:20])  # cut off
    summary = update(catalogue, workspace, remove_missing=True)
    assert (summary.items, summary.removed, summary.rejected) == (18, 0, 3)
    problems = (workspace / "rejected.jsonl").read_text()
    assert "items that it does not name are kept (1): rows of it name none (1), and may be theirs" in problems
    catalogue.write_text(whole)
    assert update(catalogue, workspace, remove_missing=True).removed == 1
    assert told(workspace)["ids"] == sorted(f"i{number}" for number in range(17))
    for rows, says in (
        ([], "no rows"),
        ([row(number) for number in range(8)], "does not name 9 of 17 items: is it whole"),
    ):
        with pytest.raises(CatalogueError, match=says):
            update(table(catalogue, rows), workspace, remove_missing=True)
        assert len(told(workspace)["ids"]) == 17


@pytest.mark.parametrize("cut", ["", "i17,A new", "i17,A new title\ni", "i16,", "i16,A shorter", "i16,A shorter title"])
def test_a_csv_that_is_still_being_written_removes_nothing(workspace: Path, tmp_path: Path, cut: str) -> None:
    written = "".join(f"i{number},A {name}\n" for number, name in enumerate(CREATURES[:16]))
    (tmp_path / "all.csv").write_text(f"id,title\n{written}{cut}")
    summary = update(tmp_path / "all.csv", workspace, remove_missing=True)
    assert summary.removed == (0 if cut else 2)
    assert ("may be cut off" in (workspace / "rejected.jsonl").read_text()) == bool(cut)


@pytest.mark.parametrize("item_id", [17.0, "i17\n", "i17" * 200, True, None])
def test_a_row_whose_id_cannot_be_read_may_name_any_item(workspace: Path, tmp_path: Path, item_id: object) -> None:
    rows = [*(row(number) for number in range(17)), row(17) | {"id": item_id}]
    assert update(table(tmp_path / "all.jsonl", rows), workspace, remove_missing=True).removed == 0


def test_a_folder_that_cannot_be_listed_is_told_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: Any = ".") -> Any:
        if Path(path).name == "b":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scan(path)

    hide = lambda _: monkeypatch.setattr(os, "scandir", refuse)  # noqa: E731
    follow_without(tmp_path, hide, "this folder cannot be listed (Permission denied)")


def test_a_folder_that_is_a_link_now_is_told_and_loses_nothing(tmp_path: Path) -> None:
    def link(folder: Path) -> None:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")

    follow_without(tmp_path, link, "a link to a folder, which is not followed")


def follow_without(tmp_path: Path, hide: Callable[[Path], object], reason: str) -> None:
    """Do something to a sub-folder of a catalogue, have the index follow it, and look for what is told of it."""
    media, ws = tmp_path / "media", tmp_path / "ws"
    for number, name in enumerate(("a/1.png", "a/2.png", "b/1.png", "b/c/2.png", "b/c/3.png")):
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (50 * number, 80, 200)).save(media / name)
    build(media, ws)
    hide(media / "b")
    (media / "a/2.png").unlink()
    summary = update(media, ws, remove_missing=True)
    assert (summary.items, summary.removed) == (4, 1)
    told_of = [json.loads(line) for line in (ws / "rejected.jsonl").read_text().splitlines()]
    assert [(problem["id"], problem["reason"]) for problem in told_of] == [("b", reason)]


def test_a_change_of_nothing_publishes_nothing(workspace: Path, tmp_path: Path, encoders: Encoders) -> None:
    current = Workspace(workspace).releases.current()
    for rows in ([row(3)], [row(number) for number in range(18)]):
        summary = change(workspace, table(tmp_path / "same.jsonl", rows), encoders=encoders)
        assert (summary.items, summary.encoded["text"]) == (18, 0)
        assert Workspace(workspace).releases.current() == current
        assert summary.release == read_manifest(current).number
    update(table(tmp_path / "other.jsonl", [row(3, version=1)]), workspace)
    assert Workspace(workspace).releases.current() != current


def test_rows_that_cannot_be_used_change_nothing(workspace: Path, tmp_path: Path, encoders: Encoders) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    before, current = told(workspace), Workspace(workspace).releases.current()
    unusable = [{"id": item_id, "image": "broken.jpg"} for item_id in ("new", "i4")]
    for extra in ([], [row(number) for number in range(18) if number != 4]):
        catalogue = table(tmp_path / "bad.jsonl", [*unusable, *extra])
        summary = change(workspace, catalogue, encoders=encoders)
        assert (summary.items, summary.rejected) == (18, 2)
        assert "broken.jpg" in (workspace / "rejected.jsonl").read_text()
        assert Workspace(workspace).releases.current() == current
    assert_same(told(workspace), before)
    change(workspace, catalogue, removed=["i4"], encoders=encoders)
    assert told(workspace)["ids"] == [item_id for item_id in before["ids"] if item_id != "i4"]
    remove(["i3"], workspace)
    assert "broken.jpg" in (workspace / "rejected.jsonl").read_text(), "of the last catalogue that was read"


def test_an_update_without_a_usable_row_is_refused_as_a_build_is(
    workspace: Path, tmp_path: Path, encoders: Encoders
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    before = told(workspace)
    for rows, says in [
        ([], "the catalogue holds no rows: give one with at least one item"),
        ([{"sku": "i4"}, {"sku": "i5"}], r"usable \(bad.jsonl line 1: no id\): .*/rejected.jsonl says why"),
        ([{"id": "i4", "image": "broken.jpg"}], "rejected.jsonl says why"),
    ]:
        with pytest.raises(CatalogueError, match=says):
            update(table(tmp_path / "bad.jsonl", rows), workspace)
        assert_same(told(workspace), before)
    assert "broken.jpg" in (workspace / "rejected.jsonl").read_text()
    assert update(table(tmp_path / "good.jsonl", [row(3, version=1)]), workspace).items == 18
