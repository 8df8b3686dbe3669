"""What is put into the vector store comes back, and what is damaged does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoders import Encoding
from multimodal_rec.content import PictureRows
from multimodal_rec.vector_store import DamagedStoreError, StoredRows, VectorStore


def encoding(seed: int, dim: int = 5, parts: int = 0) -> Encoding:
    random = np.random.default_rng(seed)
    return Encoding(
        random.normal(size=dim).astype(np.float32),
        random.normal(size=(parts, dim)).astype(np.float32),
        tuple((0.5 * place, 0.5 * place + 0.25) for place in range(parts)),
    )


def assert_equal(found: Encoding, expected: Encoding) -> None:
    np.testing.assert_array_equal(found.vector, expected.vector)
    np.testing.assert_array_equal(found.parts, expected.parts)
    assert found.parts.shape == expected.parts.shape
    assert found.vector.dtype == found.parts.dtype == np.float32
    assert found.spans == expected.spans


def flip_byte(path: Path, key: bytes, column: str) -> None:
    """Flip the last bit of a stored value, as a failing disk would."""
    with closing(sqlite3.connect(path)) as db, db:
        (value,) = db.execute(f"SELECT CAST({column} AS BLOB) FROM vectors WHERE key = ?", (key,)).fetchone()  # noqa: S608
        flipped = value[:-1] + bytes([value[-1] ^ 1])
        stored: object = flipped.decode() if column == "spans" else flipped
        db.execute(f"UPDATE vectors SET {column} = ? WHERE key = ?", (stored, key))  # noqa: S608


@pytest.mark.parametrize("parts", [0, 1, 4])
def test_encodings_come_back(tmp_path: Path, parts: int) -> None:
    stored = {b"a": encoding(1, parts=parts), b"\0\xff": encoding(2, parts=parts)}
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("space", stored.items())
    with VectorStore(tmp_path / "vectors.db") as store:
        found = store.get("space", [b"\0\xff", b"unknown", b"a"])
        assert store.present("space", [b"a", b"unknown"]) == {b"a"}
    assert found.keys() == stored.keys()
    for key, value in stored.items():
        assert_equal(found[key], value)


def test_putting_again_replaces(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("space", [(b"a", encoding(1, parts=3))])
        store.put("space", [(b"a", encoding(2))])
        assert_equal(store.get("space", [b"a"])[b"a"], encoding(2))


def test_notes_come_and_go_with_their_encodings(tmp_path: Path) -> None:
    noted = replace(encoding(1), note="only half of it")
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("space", [(b"a", noted), (b"b", encoding(2)), (b"c", noted), (b"c", noted)])
        store.put("space", [(b"a", encoding(3))])
        assert store.notes("space", [b"c", b"a", b"b", b"unknown"]) == {b"c": "only half of it"}
        assert store.notes("other", [b"c"]) == store.notes("space", []) == {}
    with closing(sqlite3.connect(tmp_path / "vectors.db")) as db, db:
        db.execute("UPDATE notes SET note = CAST(x'ff41' AS TEXT)")
    with VectorStore(tmp_path / "vectors.db") as store:
        assert store.notes("space", [b"c"]) == {b"c": "\ufffdA"}
        assert store.present("space", [b"a", b"b", b"c"]) == {b"a", b"b", b"c"}
    with closing(sqlite3.connect(tmp_path / "vectors.db")) as db, db:
        db.execute("DROP TABLE notes")  # as versions before had none
    with VectorStore(tmp_path / "vectors.db") as store:
        assert store.notes("space", [b"c"]) == {}


def test_spaces_never_mix(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("one", [(b"a", encoding(1)), (b"b", encoding(2))])
        store.put("two", [(b"a", encoding(3, dim=7))])
        assert store.present("two", [b"a", b"b"]) == {b"a"}
        assert store.present("on", [b"a", b"b"]) == set()
        assert_equal(store.get("one", [b"a"])[b"a"], encoding(1))
        assert_equal(store.get("two", [b"a"])[b"a"], encoding(3, dim=7))


def test_matrix_has_zero_rows_where_there_is_no_key(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("space", [(b"a", encoding(1)), (b"b", encoding(2))])
        rows = store.matrix("space", [None, b"b", b"a", b"b", None], 5)
        empty = store.matrix("space", [], 5)
    zero = np.zeros(5, np.float32)
    b = encoding(2).vector
    np.testing.assert_array_equal(rows, [zero, b, encoding(1).vector, b, zero])
    assert rows.dtype == np.float32
    assert empty.shape == (0, 5)


def test_stored_rows_are_read_by_their_numbers(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("space", [(b"a", encoding(1)), (b"b", encoding(2))])
        images = StoredRows(store, "space", [b"a", None, b"b", None], 5)
        clips = StoredRows(store, "space", [b"b", b"b", None, None], 5)
        np.testing.assert_array_equal(images[np.array([2, 1, 0])], store.matrix("space", [b"b", None, b"a"], 5))
        assert images[np.array([], np.int64)].shape == (0, 5)
        pictures = PictureRows(images, clips)
        assert pictures.shape == images.shape == (4, 5)
        a, b = encoding(1).vector, encoding(2).vector
        expected = [np.zeros(5, np.float32), b, b, (a + b) / 2]
        np.testing.assert_allclose(pictures[np.array([3, 2, 1, 0])], expected, rtol=1e-6)


def test_matrix_of_more_keys_than_one_statement_takes(tmp_path: Path) -> None:
    keys = [number.to_bytes(2, "big") for number in range(1300)]
    with VectorStore(tmp_path / "vectors.db") as store:
        store.put("space", ((key, Encoding.whole(np.float32([number]))) for number, key in enumerate(keys)))
        wanted = [keys[1299], None, *keys]
        rows = store.matrix("space", wanted, 1)
    np.testing.assert_array_equal(rows[:, 0], [1299, 0, *range(1300)])


@pytest.mark.parametrize("column", ["vector", "parts", "spans"])
def test_flipped_bit_makes_just_that_key_absent(tmp_path: Path, column: str) -> None:
    path = tmp_path / "vectors.db"
    with VectorStore(path) as store:
        store.put("space", [(name, encoding(seed, parts=2)) for seed, name in enumerate([b"a", b"b", b"c"])])
    flip_byte(path, b"b", column)
    with VectorStore(path) as store:
        assert store.present("space", [b"a", b"b", b"c"]) == {b"a", b"c"}
        with pytest.raises(DamagedStoreError):
            store.matrix("space", [b"b"], 5)
        store.put("space", [(b"b", encoding(1, parts=2))])
        assert_equal(store.get("space", [b"b"])[b"b"], encoding(1, parts=2))


@pytest.mark.parametrize("garbage", [b"no database", b"\0" * 5000, bytes(range(256)) * 40])
def test_garbage_is_set_aside_and_an_empty_store_starts(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "vectors.db"
    path.write_bytes(garbage)
    with VectorStore(path) as store:
        assert store.present("space", [b"a"]) == set()
        store.put("space", [(b"a", encoding(1))])
    assert (tmp_path / "vectors.damaged").read_bytes() == garbage
    with VectorStore(path) as store:
        assert_equal(store.get("space", [b"a"])[b"a"], encoding(1))


def test_damage_deep_in_the_file_is_told_and_leaves_an_empty_store(tmp_path: Path) -> None:
    keys = [number.to_bytes(4, "big") for number in range(2048)]
    path = tmp_path / "vectors.db"
    with VectorStore(path) as store:
        store.put("space", ((key, Encoding.whole(np.ones(384, np.float32))) for key in keys))
    content = bytearray(path.read_bytes())
    start = int(len(content) * 0.9) // 4096 * 4096
    content[start : start + 40960] = bytes(40960)
    path.write_bytes(content)
    with VectorStore(path) as store:
        assert len(store.present("space", keys[:1024])) == 1024
        with pytest.raises(DamagedStoreError):
            store.present("space", keys[1024:])
        assert store.present("space", keys[:1024]) == set()


def test_file_cut_short_is_set_aside_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "vectors.db"
    keys = [number.to_bytes(2, "big") for number in range(200)]
    with VectorStore(path) as store:
        store.put("space", ((key, encoding(1, dim=300)) for key in keys))
    cut = path.read_bytes()[: path.stat().st_size // 2]
    path.write_bytes(cut)
    with VectorStore(path) as store:
        store.get("space", keys)
        assert store.present("space", keys) == set()
    assert (tmp_path / "vectors.damaged").read_bytes() == cut


@pytest.mark.parametrize(
    "use",
    [
        lambda store, places: store.file_keys(places),
        lambda store, places: store.note_file_keys((place, b"state", b"key") for place in places),
    ],
)
def test_a_damaged_table_of_files_is_set_aside(tmp_path: Path, use: Callable[[VectorStore, list[str]], object]) -> None:
    path = tmp_path / "vectors.db"
    places = [f"{number:04} {'x' * 200}" for number in range(1000)]
    with VectorStore(path) as store:
        store.note_file_keys((place, b"state", b"key") for place in places)
        assert store.file_keys([places[7], "unknown"]) == {places[7]: (b"state", b"key")}
    content = path.read_bytes()
    path.write_bytes(content[: 4096 * 4] + bytes(len(content) - 4096 * 4))
    with VectorStore(path) as store:
        with pytest.raises(DamagedStoreError):
            use(store, places)
        assert store.file_keys(places) == {}


def test_what_cannot_be_opened_is_not_set_aside(tmp_path: Path) -> None:
    (tmp_path / "vectors.db").mkdir()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        VectorStore(tmp_path / "vectors.db")
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.db"]
