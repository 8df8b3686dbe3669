"""Changes that are killed at any moment: the next opening gives a whole release, and nothing that was acknowledged is lost.

A helper process imports everything once and makes a child for each change, so that a hundred kills take minutes.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders import load_text_encoder
from encoders.base import FloatArray
from multimodal_rec import Recommender
from multimodal_rec.alignment import Alignment, unit
from multimodal_rec.releases import ALIGNMENT_FILE, Releases, load_indexes
from multimodal_rec.space import content_blocks

ROOT = Path(__file__).parents[2]
KILLS = 100
COUNT, VERSIONS = 24, 4

# Each line orders a change: a child makes it, says so and ends, unless it is killed before.
CHANGER = """
import json, os, signal, sys, time
from pathlib import Path
import multimodal_rec.preferences
from multimodal_rec.build import build
from multimodal_rec.changes import remove, update
from multimodal_rec.lifecycle import prune, rollback
workspace = Path(sys.argv[1])
def change(order):
    if order["kind"] in ("build", "update"):
        catalogue = workspace.parent / f"{os.getpid()}.jsonl"
        catalogue.write_text("".join(json.dumps(row) + "\\n" for row in order["rows"]))
        (build if order["kind"] == "build" else update)(catalogue, workspace)
    elif order["kind"] == "remove":
        remove(order["ids"], workspace)
    elif order["kind"] == "prune":
        prune(workspace, order["keep"])
    else:
        rollback(workspace)
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if not child:
        change(order)
        os.write(1, b"done\\n")
        os._exit(0)
    if order["kill_after"] is not None:
        time.sleep(order["kill_after"])
        os.kill(child, signal.SIGKILL)  # it may have ended, but keeps its number until it is waited for
    status = os.waitpid(child, 0)[1]
    print(f"ended {status}", flush=True)
"""

State = dict[str, str]


def title(number: int, version: int) -> str:
    return f"Film {number} in its cut {version}"


def rows(state: State) -> list[dict[str, str]]:
    return [{"id": name, "title": text} for name, text in state.items()]


class Changer:
    """Orders changes, and kills some of them."""

    def __init__(self, workspace: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHANGER, str(workspace)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def change(self, order: dict[str, Any], kill_after: float | None = None) -> bool:
        """Whether the change was acknowledged."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order | {"kill_after": kill_after}) + "\n")
        self._process.stdin.flush()
        lines = [self._process.stdout.readline()]
        while not lines[-1].startswith("ended"):
            assert lines[-1], "the helper died"
            lines.append(self._process.stdout.readline())
        status = int(lines[-1].split()[1])
        assert kill_after is not None or status == 0
        return lines[0] == "done\n"

    def end(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """All titles have been encoded here once, so that no change has to load an encoder."""
    everything = {f"{n}-{v}": title(n, v) for n in range(COUNT) for v in range(VERSIONS)}
    first = {f"i{n}": title(n, 0) for n in range(COUNT)}
    for name, state in (("all", everything), ("first", first)):
        catalogue = tmp_path / f"{name}.jsonl"
        catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows(state)))
        Recommender.build(catalogue, workspace=tmp_path / "ws").close()
    return tmp_path / "ws"


@pytest.fixture
def changer(workspace: Path) -> Iterator[Changer]:
    changer = Changer(workspace)
    yield changer
    changer.end()


def found(workspace: Path, texts: dict[str, FloatArray]) -> State:
    """What the opened release holds: its index, its items and its vectors must tell the same."""
    with Recommender.open(workspace) as recommender:
        folder = Releases(workspace / "releases").current()
        index, parts = load_indexes(folder)
        items = recommender.items(index.ids)
        assert len(recommender.select([])) == len(items) == len(recommender)
        assert len(parts) == 0
        pictures = np.zeros((len(texts), recommender.manifest.image_encoder.dim), np.float32)
        described = np.ones(len(texts), np.bool_)
        alignment = Alignment.load(folder / ALIGNMENT_FILE)
        blocks, _ = content_blocks(alignment, np.stack(list(texts.values())), pictures, described)
        likeness = index.vectors(list(items))[:, : blocks.shape[1]] @ unit(blocks).T  # (items, texts)
        names = list(texts)
        assert [names[best] for best in likeness.argmax(axis=1)] == [item.title for item in items.values()]
        return {name: str(item.title) for name, item in items.items()}


def next_order(chance: random.Random, state: State) -> tuple[dict[str, Any], State]:
    """A change, and what it leads to."""
    kind = chance.choice(["build", "update", "update", "remove", "prune"])
    if kind == "remove" and len(state) > COUNT // 2:
        gone = chance.sample(sorted(state), 2)
        return {"kind": kind, "ids": gone}, {name: text for name, text in state.items() if name not in gone}
    if kind == "prune":
        return {"kind": kind, "keep": chance.choice([1, 2])}, state
    numbers = chance.sample(range(COUNT), COUNT // 2 if kind == "build" else 3)
    new = {f"i{n}": title(n, chance.randrange(VERSIONS)) for n in numbers}
    if kind == "build":
        return {"kind": kind, "rows": rows(new)}, new
    return {"kind": "update", "rows": rows(new)}, state | new


@pytest.mark.slow
def test_killed_at_a_hundred_random_moments(workspace: Path, changer: Changer) -> None:
    titles = [title(n, v) for n in range(COUNT) for v in range(VERSIONS)]
    texts = dict(zip(titles, load_text_encoder("auto").encode(titles), strict=True))
    chance = random.Random(4)
    state = found(workspace, texts)
    seconds: dict[str, float] = {}
    kills = {"old": 0, "new": 0}
    while sum(kills.values()) < KILLS:
        order, after = next_order(chance, state)
        kind = order["kind"]
        kill_after = chance.uniform(0, seconds[kind]) if kind in seconds else None
        started = time.monotonic()
        acknowledged = changer.change(order, kill_after)
        now = found(workspace, texts)
        assert now == after if acknowledged else now in (state, after)
        if acknowledged:
            seconds[kind] = min(time.monotonic() - started, 0.9 * seconds.get(kind, 60.0))
        else:
            kills["new" if now != state else "old"] += 1
            seconds[kind] *= 1.05  # so that the whole change is covered as it gets longer and shorter
        state = now
    other = next(title(0, v) for v in range(VERSIONS) if state.get("i0") != title(0, v))
    order, after = {"kind": "update", "rows": rows({"i0": other})}, state | {"i0": other}
    assert changer.change(order)
    assert found(workspace, texts) == after
    assert changer.change({"kind": "prune", "keep": 1})
    assert len(Releases(workspace / "releases").numbers()) == 1
    assert {path.name[0] for path in (workspace / "releases").iterdir()} == {"0", "c"}
