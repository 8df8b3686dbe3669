"""What a second build encodes: what changed, and nothing else, however many items share it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from encoders import (
    EncoderError,
    Encoding,
    ImageEncoder,
    MediaError,
    TextEncoder,
    load_image_encoder,
    load_text_encoder,
)
from encoders.base import FloatArray
from multimodal_rec import Recommender
from multimodal_rec.build import build
from multimodal_rec.catalogue import Problem
from multimodal_rec.changes import update
from multimodal_rec.embed import EmbedCounts, Encoders, StoredTexts, embed_catalogue
from multimodal_rec.errors import QueryError
from multimodal_rec.item_table import ItemTable
from multimodal_rec.items import Item
from multimodal_rec.progress import Progress, silent
from multimodal_rec.query import Query
from multimodal_rec.sources import TICK
from multimodal_rec.vector_store import VectorStore
from tests.encoders.small_models import save_bert


class CountingTexts:
    """A text encoder that tells lengths, and notes what it was asked."""

    reference = "counting"
    fingerprint = "counting"
    dim = 2

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.opened = 0

    def encode(self, texts: Sequence[str]) -> FloatArray:
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(-1, 2)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self.encode(texts)

    def encode_long(self, texts: Sequence[str]) -> list[Encoding]:
        self.asked += texts
        notes = ["strange words" if "xyzzy" in text else "" for text in texts]
        return [replace(Encoding.whole(row), note=note) for row, note in zip(self.encode(texts), notes, strict=True)]

    def open(self) -> None:
        self.opened += 1
        raise EncoderError("only a use tells what is wrong")

    def release(self) -> None:
        """Nothing is held."""


class NoPictures:
    """An image encoder that is never run."""

    reference = "none"
    fingerprint = "none"
    dim = 3


@pytest.fixture
def encoders() -> Encoders:
    return Encoders(CountingTexts(), NoPictures())  # type: ignore[arg-type]


def embed(folder: Path, items: list[Item], encoders: Encoders) -> tuple[EmbedCounts, list[Problem]]:
    problems: list[Problem] = []
    with ItemTable(folder / "items.db") as table, VectorStore(folder / "vectors.db") as store:
        table.put(items, replace_all=True)
        counts = embed_catalogue(table, store, encoders, on_problem=problems.append, progress=silent)
        keys = [key for key in table.keys("text") if key]
        assert store.present("counting", keys) == set(keys)
    return counts, problems


def test_only_what_is_new_is_encoded_and_once(tmp_path: Path, encoders: Encoders) -> None:
    asked = encoders.text.asked  # type: ignore[attr-defined]
    items = [Item(str(number), title=f"title {number % 1500}") for number in range(2000)]
    counts, _ = embed(tmp_path, items, encoders)
    assert (counts.encoded["text"], counts.reused["text"]) == (2000, 0)
    assert asked == [f"title {number}" for number in range(1500)]
    assert encoders.text.opened == 1  # type: ignore[attr-defined]
    asked.clear()
    counts, _ = embed(tmp_path, items, encoders)
    assert (counts.encoded["text"], counts.reused["text"]) == (0, 2000)
    assert encoders.text.opened == 1  # type: ignore[attr-defined]
    items[3], items[1999] = Item("3", title="new"), Item("1999", title="new")
    counts, _ = embed(tmp_path, items, encoders)
    assert (counts.encoded["text"], counts.reused["text"]) == (2, 1998)
    assert asked == ["new"]


def test_a_file_that_went_away_leaves_its_text_and_an_item_of_nothing_else_goes(
    tmp_path: Path, encoders: Encoders
) -> None:
    gone = tmp_path / "gone.jpg"
    counts, problems = embed(tmp_path, [Item("a", title="text", image=gone), Item("b", image=gone)], encoders)
    assert counts.encoded == {"text": 1, "image": 0, "video": 0}
    assert [(problem.id, problem.kept) for problem in problems] == [("a", True), ("b", True), ("b", False)]


def test_what_an_encoder_left_out_is_told_by_every_build_of_an_item_that_has_it(
    tmp_path: Path, encoders: Encoders
) -> None:
    items = [Item("a", title="xyzzy"), Item("b", title="plain"), Item("c", title="xyzzy")]
    told = [("a", "text: strange words", True), ("c", "text: strange words", True)]
    for _ in range(2):
        counts, problems = embed(tmp_path, items, encoders)
        assert [(problem.id, problem.reason, problem.kept) for problem in problems] == told
        assert counts.left_out == 0
    _, problems = embed(tmp_path, [Item("a", title="xyzzy told"), Item("d", title="plain")], encoders)
    assert [problem.id for problem in problems] == ["a"]


def test_networks_are_opened_beside_and_pictures_encoded_first(tmp_path: Path) -> None:
    loaded = Encoders(load_text_encoder(), load_image_encoder())
    loaded.release()
    told: list[tuple[str, str]] = []

    def noting(encoder: TextEncoder | ImageEncoder, method: str) -> Callable[..., Any]:
        plain = getattr(encoder, method)

        def noted(*arguments: Any) -> Any:
            told.append((f"{'text' if encoder is loaded.text else 'image'} {method}", threading.current_thread().name))
            return plain(*arguments)

        return noted

    for encoder, method in ((loaded.text, "encode_long"), (loaded.image, "encode_prepared")):
        for name in ("open", method):
            object.__setattr__(encoder, name, noting(encoder, name))  # one of them is frozen
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    items = [Item("a", title="a text"), Item("b", image=tmp_path / "red.png")]
    with ItemTable(tmp_path / "items.db") as table, VectorStore(tmp_path / "vectors.db") as store:
        table.put(items, replace_all=True)
        embed_catalogue(table, store, loaded, on_problem=lambda _: None, progress=silent)
    done = [what for what, _ in told]
    assert {"text open", "image open"} <= set(done)
    assert all(thread.startswith("aside") for what, thread in told if what.endswith("open"))
    assert done.index("image encode_prepared") < done.index("text encode_long")


def test_a_file_that_changes_while_it_is_encoded_is_left_out(tmp_path: Path) -> None:
    """Its vector would be stored for what the file was, and be that of every item that still has this."""
    encoders = Encoders(load_text_encoder(), load_image_encoder())
    for name, color in (("a", "red"), ("same", "green"), ("b", "green")):
        Image.new("RGB", (64, 64), color).save(tmp_path / f"{name}.png")
    items = [Item(name, title=name, image=tmp_path / f"{name}.png") for name in ("a", "same", "b")]

    def replace_b(stage: str, _: int, __: int) -> None:
        if stage == "encoding image":
            Image.new("RGB", (64, 64), "blue").save(tmp_path / "b.png")

    def embedded(progress: Progress) -> tuple[EmbedCounts, list[Problem], FloatArray]:
        problems: list[Problem] = []
        with ItemTable(tmp_path / "items.db") as table, VectorStore(tmp_path / "vectors.db") as store:
            table.put(items, replace_all=True)
            counts = embed_catalogue(table, store, encoders, on_problem=problems.append, progress=progress)
            return counts, problems, store.matrix(encoders.space("image"), table.keys("image"), encoders.image.dim)

    counts, problems, rows = embedded(replace_b)
    assert counts.encoded["image"] == 1
    assert {problem.id for problem in problems} == {"b", "same"}
    assert all("b.png, which was read for it, changed meanwhile" in problem.reason for problem in problems)
    assert not rows[1:].any()
    counts, problems, rows = embedded(silent)
    assert (counts.encoded["image"], problems) == (2, [])
    expected = encoders.image.encode([Image.new("RGB", (64, 64), color) for color in ("red", "green", "blue")])
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_left_out(tmp_path: Path, encoders: Encoders, value: float) -> None:
    """Stored, it would make the mean of all vectors none."""

    def encode(texts: Sequence[str]) -> FloatArray:
        return np.array([[1, value if text == "bad" else 2] for text in texts], np.float32).reshape(-1, 2)

    encoders.text.encode = encode  # type: ignore[method-assign]
    with ItemTable(tmp_path / "items.db") as table, VectorStore(tmp_path / "vectors.db") as store:
        table.put([Item("a", title="good"), Item("b", title="bad")], replace_all=True)
        problems: list[Problem] = []
        counts = embed_catalogue(table, store, encoders, on_problem=problems.append, progress=silent)
        assert table.ids() == ["a"]
        np.testing.assert_array_equal(store.matrix("counting", table.keys("text"), 2), [[1, 2]])
    assert (counts.encoded["text"], counts.left_out, counts.unusable) == (1, 1, ["b"])
    assert problems[0].reason.startswith("text left out: its vector is not finite; ")


def test_stored_texts_ask_the_encoder_once(tmp_path: Path) -> None:
    plain = CountingTexts()
    with VectorStore(tmp_path / "vectors.db") as store:
        stored = StoredTexts(plain, store)
        np.testing.assert_array_equal(stored.encode(["a", "bc", "a"]), [[1, 1], [2, 1], [1, 1]])
        np.testing.assert_array_equal(stored.encode(["bc", "def"]), [[2, 1], [3, 1]])
        assert stored.encode([]).shape == (0, 2)
    assert plain.asked == ["a", "bc", "def"]


def test_a_model_without_finite_vectors_for_some_words_serves_the_others(tmp_path: Path) -> None:
    model = tmp_path / "model"
    save_bert(model)
    weights = load_file(model / "model.safetensors")
    word = Tokenizer.from_file(str(model / "tokenizer.json")).token_to_id("red")
    weights["embeddings.word_embeddings.weight"][word] = np.nan
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    draw = np.random.default_rng(0)
    titles = ["red shoe", "quiet house", "shoe of the house", "red"]
    rows = []
    for number, title in enumerate(titles):
        Image.fromarray(draw.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        rows.append({"id": str(number), "title": title, "image": f"{number}.png"})
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert build(tmp_path / "items.jsonl", tmp_path / "ws", text_encoder=str(model)).warnings == 2
    with Recommender.open(tmp_path / "ws") as rec:
        assert rec.search(text="quiet house", k=1)[0].item_id == "1"
        with pytest.raises(QueryError, match="no finite vector for 'red shoe'"):
            rec.search(text="red shoe")
        assert [hit.item_id for hit in rec._search_hits(Query(text="x"), {}, {}, {"1": 0.5}, 1)] == ["1"]


def test_a_copy_of_a_workspace_is_looked_at_itself(tmp_path: Path) -> None:
    catalogue = tmp_path / "items.jsonl"
    catalogue.write_text("".join(json.dumps({"id": str(n), "title": f"Thing {n}"}) + "\n" for n in range(3)))
    build(catalogue, tmp_path / "ws")
    shutil.copytree(tmp_path / "ws", tmp_path / "copy")
    (tmp_path / "copy" / "vectors.db").unlink()
    assert build(catalogue, tmp_path / "copy").encoded["text"] == 3
    assert build(catalogue, tmp_path / "ws").encoded["text"] == 0


def test_pictures_and_clips_are_encoded_in_as_many_threads_as_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int | None] = []

    def encode(_: ImageEncoder, paths: Iterable[Path], *, threads: int | None = None) -> Iterator[Any]:
        told.append(threads)
        return ((path, MediaError(f"{path.name}: not now")) for path in paths)

    for name in ("encode_images", "encode_videos"):
        monkeypatch.setattr(f"multimodal_rec.embed.{name}", encode)
    for name in ("red.png", "clip.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "items.jsonl").write_text('{"id": "a", "title": "A", "image": "red.png", "video": "clip.mp4"}\n')
    build(tmp_path / "items.jsonl", tmp_path / "ws", threads=1)
    assert told == [1, 1]
    update(tmp_path / "items.jsonl", tmp_path / "ws", threads=2)
    assert told == [1, 1, 2, 2]


def test_a_folder_called_auto_is_no_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "auto").mkdir()
    (tmp_path / "items.jsonl").write_text('{"id": "a", "title": "A"}\n')
    monkeypatch.chdir(tmp_path)
    assert build(Path("items.jsonl"), Path("ws")).encoded["text"] == 1
    with pytest.raises(EncoderError, match="an empty encoder reference"):
        build(Path("items.jsonl"), Path("ws"), text_encoder="")


@pytest.mark.parametrize(
    "name", ["1.png", "1.png/", "1.png/.", "none/../1.png", "items.jsonl/../1.png", "link.png", "l/1.png"]
)
def test_a_build_of_the_same_files_sees_each_that_changes(tmp_path: Path, name: str) -> None:
    """However the catalogue spells its name."""
    Image.new("RGB", (40, 40), (20, 80, 200)).save(tmp_path / "1.png")
    (tmp_path / "link.png").symlink_to("1.png")
    (tmp_path / "l").symlink_to(".")
    catalogue = tmp_path / "items.jsonl"
    catalogue.write_text(json.dumps({"id": "1", "title": "A cat", "image": name}) + "\n")
    wait_until_settled()
    build(catalogue, tmp_path / "ws")
    assert set(build(catalogue, tmp_path / "ws").seconds) == {"total"}, "there is nothing to do"
    Image.new("RGB", (40, 40), (200, 80, 20)).save(tmp_path / "1.png")
    wait_until_settled()
    assert build(catalogue, tmp_path / "ws").encoded["image"] == 1
    (tmp_path / "1.png").unlink()
    assert build(catalogue, tmp_path / "ws").warnings == 1


@pytest.mark.parametrize("where", ["catalogue", "media"])
def test_a_link_that_leads_to_another_snapshot_is_a_change(tmp_path: Path, where: str) -> None:
    for number in (1, 2):
        (tmp_path / f"v{number}").mkdir()
        Image.new("RGB", (40, 40), (200, 80 * number, 20)).save(tmp_path / f"v{number}/1.png")
    (tmp_path / "v1/items.jsonl").write_text('{"id": "1", "image": "1.png"}\n')
    os.link(tmp_path / "v1/items.jsonl", tmp_path / "v2/items.jsonl")
    current = tmp_path / "current"
    current.symlink_to("v1")
    wait_until_settled()
    root = current if where == "media" else None
    catalogue = (tmp_path / "v1" if root else current) / "items.jsonl"
    build(catalogue, tmp_path / "ws", media_root=root)
    assert set(build(catalogue, tmp_path / "ws", media_root=root).seconds) == {"total"}
    current.unlink()
    current.symlink_to("v2")
    assert build(catalogue, tmp_path / "ws", media_root=root).encoded["image"] == 1


def wait_until_settled() -> None:
    """Until what was just written is old enough to be trusted."""
    time.sleep(2 * TICK / 1e9)
