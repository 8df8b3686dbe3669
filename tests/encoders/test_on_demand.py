"""Models that were used here before cost next to nothing until they are run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import encoders
from encoders.base import FloatArray
from encoders.cache import atomic_file, atomic_folder
from encoders.digests import LARGE, PIECE, PIECES, remembered, sampled
from encoders.network import Inputs
from encoders.on_demand import NetworkOnDemand, remembered_output

EXAMPLE = {"rows": np.ones((2, 3), np.float32)}


class Doubling:
    def batch_size(self, on_cpu: int, on_cuda: int) -> int:
        return on_cpu + on_cuda

    def run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        return [2 * batch["rows"] for batch in batches]


def test_a_network_is_opened_once_and_only_when_it_runs() -> None:
    opened: list[Doubling] = []

    def opening() -> Doubling:
        opened.append(Doubling())
        return opened[-1]

    network = NetworkOnDemand("model", opening)
    assert not opened
    np.testing.assert_array_equal(network.run([EXAMPLE])[0], np.full((2, 3), 2))
    assert network.batch_size(4, 64) == 68
    assert len(opened) == 1


def test_what_was_opened_and_released_gives_its_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[str] = []
    monkeypatch.setattr("encoders.on_demand.return_freed_memory", lambda: given_back.append("once"))
    network = NetworkOnDemand("model", Doubling)
    network.release()
    assert not given_back
    assert network.open() is network.open()
    network.release()
    network.release()
    assert given_back == ["once"]


def test_what_an_opening_raises_is_told_as_an_encoders_error() -> None:
    def opening() -> Doubling:
        raise MemoryError("out of it")

    network = NetworkOnDemand("model", opening)
    for use in (network.open, lambda: network.run([EXAMPLE]), lambda: network.batch_size(4, 64)):
        with pytest.raises(
            encoders.EncoderError, match=r'^model: cannot be run here \(MemoryError: out of it\); .*"auto"'
        ):
            use()


def test_what_a_run_raises_is_told_as_an_encoders_error() -> None:
    network = NetworkOnDemand("model", Doubling)
    with pytest.raises(encoders.EncoderError, match=r"^model: cannot be run here \(KeyError: 'rows'\); .*\"auto\""):
        network.run([{}])


RELEASING = """
import threading
from pathlib import Path
import onnxruntime, tokenizers
from encoders import load_text_encoder

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

encoder = load_text_encoder()
opened, released = [], []
for _ in range(5):  # what a thread frees is kept for it, where nobody asks for it
    opener = threading.Thread(target=encoder.open)
    opener.start()
    opener.join()
    encoder.encode(["a text"])
    opened.append(resident())
    encoder.release()
    released.append(resident())
before = released.pop(0)  # with the libraries and the tokenizer, which stay
print(min(opened[1:]) - before, min(released) - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give memory back when they like")
def test_what_is_given_back_is_most_of_what_a_network_took(text_encoder: encoders.TextEncoder) -> None:
    text_encoder.encode(["so that an export of it is cached"])
    told = subprocess.run([sys.executable, "-c", RELEASING], capture_output=True, text=True, check=True).stdout
    taken, kept = map(int, told.split())
    assert kept < taken / 2


@pytest.mark.parametrize(
    "damage",
    [
        None,
        "",
        "three",
        "3",
        "[3, true]",
        '{"dim": 3}',
        *(f'{{"dim": {dim}, "bears_padding": true}}' for dim in (0, -3, 3.0, "true")),
    ],
)
def test_the_length_of_vectors_is_remembered(tmp_path: Path, damage: str | None) -> None:
    note = tmp_path / "cache" / "model.output.json"
    assert remembered_output("model", NetworkOnDemand("model", Doubling), EXAMPLE, note) == (3, True)

    def unwanted() -> Doubling:
        pytest.fail("the network was opened")

    if damage is None:
        assert remembered_output("model", NetworkOnDemand("model", unwanted), EXAMPLE, note) == (3, True)
    else:
        whole = note.read_text()
        note.write_text(damage)
        assert remembered_output("model", NetworkOnDemand("model", Doubling), EXAMPLE, note) == (3, True)
        assert note.read_text() == whole


class Summing:
    """Returns the sum of each row, of its real tokens only or of the padding too."""

    def __init__(self, masked: bool) -> None:
        self.masked = masked

    def batch_size(self, on_cpu: int, on_cuda: int) -> int:
        return on_cpu + on_cuda

    def run(self, batches: Sequence[Inputs]) -> list[FloatArray]:
        sums = [(each["ids"] * (each["mask"] if self.masked else 1)).sum(1, keepdims=True) for each in batches]
        return [np.float32(rows) for rows in sums]


@pytest.mark.parametrize("masked", [True, False])
def test_whether_padding_is_seen_is_remembered(tmp_path: Path, masked: bool) -> None:
    rows = {"ids": np.array([[3, 4, 5], [6, 7, 1]]), "mask": np.array([[1, 1, 1], [1, 1, 0]])}
    for _ in range(2):
        assert remembered_output("model", Summing(masked), rows, tmp_path / "model.output.json") == (1, masked)


def test_an_encoder_that_was_used_before_opens_nothing_to_tell_its_fingerprint(
    text_encoder: encoders.TextEncoder, image_encoder: encoders.ImageEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encoders.on_demand.open_network", lambda *_: pytest.fail("the network was opened"))
    monkeypatch.setattr("encoders.tokenizer_files.load_tokenizer", lambda *_: pytest.fail("the tokenizer was loaded"))
    again = encoders.load_text_encoder(), encoders.load_image_encoder()
    for fresh, known in zip(again, (text_encoder, image_encoder), strict=True):
        assert (fresh.fingerprint, fresh.dim) == (known.fingerprint, known.dim)


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path / "cache"))
    path, asked = tmp_path / "weights", []

    def digest(file: Path) -> str:
        asked.append(file)
        return f"digest {len(asked)}"

    path.write_bytes(bytes(LARGE))
    assert [remembered(path, digest) for _ in range(2)] == ["digest 1", "digest 2"]  # it changed moments ago
    monkeypatch.setattr("encoders.digests.SETTLED", -1.0)
    assert [remembered(path, digest) for _ in range(2)] == ["digest 3", "digest 3"]
    status = path.stat()
    time.sleep(0.02)
    path.write_bytes(bytes(LARGE - 1) + b"1")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time of change as far as that tells
    assert [remembered(path, digest) for _ in range(2)] == ["digest 4", "digest 4"]
    (tmp_path / "cache" / "digests.json").write_text("[]")
    assert remembered(path, digest) == "digest 5"


def test_small_files_are_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_REC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "small").write_bytes(b"small")
    assert remembered(tmp_path / "small", lambda _: "its own") == "its own"
    assert not (tmp_path / "cache").exists()


def test_a_sample_tells_when_a_part_of_a_file_was_lost(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3 * PIECE * PIECES + 1)
    small, large = tmp_path / "small", tmp_path / "large"
    lost = 4 * PIECE
    for path, sound in ((small, content[:lost]), (large, content)):
        found = set()
        for start in range(0, len(sound), 100 * PIECE + 1):
            path.write_bytes(sound[:start] + bytes(len(sound[start : start + lost])) + sound[start + lost :])
            found.add(sampled([path]))
        path.write_bytes(sound)
        assert sampled([path]) == sampled([path]) not in found
        assert sampled([path]) != sampled([path, path])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs to know which files are open")
def test_what_is_kept_is_on_the_disk_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").resolve().name))
    with atomic_folder(tmp_path / "folder") as part:
        (part / "weights").write_text("weights")
    assert synced == ["weights", "folder", tmp_path.name]
    with atomic_file(tmp_path / "file") as part:
        part.write_text("text")
    assert synced[3:] == ["file", tmp_path.name]
