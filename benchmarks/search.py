"""Recall, speed, build time, memory and file size of the indexes beside hnswlib and usearch, all in one run.

    python benchmarks/search.py ITEMS.jsonl [MORE.jsonl …] [--sizes 20000 200000 1000000] [--noise 0.5]

The vectors are those of the items' texts, by the packaged text model, reduced to 128 principal components and
repeated with noise of the given length (the vectors' own is 1) up to each size; the queries are made the same way and
are not among them. Queries are asked one at a time on one thread, and every index answers with string ids and scores.
Times on one thread are processor time, so that other work on the machine changes little; the best of some rounds
counts. The recall is that of the 10 best.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np
import psutil

import encoders
from index import FlatIndex, HnswIndex, IvfIndex, Match, PqIndex, Selection, load_index
from index.approximate import ApproximateIndex
from index.base import FloatArray
from index.local import LocalIndex

DIM, K = 128, 10
RECALLS = (0.95, 0.98, 0.99, 0.995)
EFS = (10, 14, 20, 30, 40, 60, 80, 120, 160, 240, 320)
ROUNDS = 5
GRAPHS_UP_TO = 50_000  # HnswIndex takes as long to build as the peers
SHARES = (0.5, 0.1, 0.01, 0.001)

Search = Callable[[FloatArray], list[list[Match]]]


class Point(NamedTuple):
    """What one setting reaches: recall and microseconds of a query."""

    recall: float
    microseconds: float


class Setting(NamedTuple):
    """One way to search: what to do before, and the search."""

    prepare: Callable[[], object]
    search: Search


class Contender(NamedTuple):
    """One index of the table: seconds, bytes, bytes, and its settings in the order of their recall."""

    name: str
    build: float
    memory: float
    size: float
    settings: list[Setting]


class Task(NamedTuple):
    """The vectors, the queries and their true answers; `tuning` are other queries of the same kind."""

    ids: list[str]
    vectors: FloatArray
    queries: FloatArray
    tuning: FloatArray
    exact: FlatIndex
    truth: list[list[Match]]


def main() -> None:
    """Print a table and the ratios for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", type=Path, nargs="+", help="catalogues whose texts are the vectors")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 200_000, 1_000_000])
    parser.add_argument("--noise", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=1, help="threads of the builds")
    parser.add_argument("--peers-up-to", type=int, default=1_000_000, help="leave the peers out above this size")
    parser.add_argument("--vectors", type=Path, help="a .npy file to keep the texts' vectors in, or take them from")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    texts = text_vectors(arguments.items, arguments.vectors)
    print(f"{len(texts):,} texts, noise {arguments.noise}, builds on {arguments.threads} thread(s)")
    for size in arguments.sizes:
        task = prepared(texts, size, arguments.noise)
        with tempfile.TemporaryDirectory() as folder:
            exact = Contender("exact", 0, 0, 0, [Setting(nothing, partial(task.exact.search, k=K))])
            makes = [IvfIndex, partial(IvfIndex, bits=8), PqIndex] + [HnswIndex] * (size <= GRAPHS_UP_TO)
            ours = [our_index(task, make(DIM), arguments.threads, Path(folder)) for make in makes]
            peers = peer_indexes(task, arguments.threads) if size <= arguments.peers_up_to else []
            contenders = [exact, *ours, *peers]
            points = measured_points(contenders, task)
        table(task, contenders, points)
        ratios(points[0][0], ours[0], points[1], peers, points[1 + len(ours) :])


def text_vectors(paths: Sequence[Path], cache: Path | None) -> FloatArray:
    """Return the unit-length (n, 128) principal components of the vectors of all different texts."""
    if cache is None or not cache.exists():
        items = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
        parts = [". ".join(filter(None, (item.get("title"), item.get("description")))) for item in items]
        encoder = encoders.load_text_encoder()
        vectors = encoder.encode([text for text in dict.fromkeys(parts) if text.strip()])
        if cache is not None:
            np.save(cache, vectors)
    else:
        vectors = np.load(cache)
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, -DIM:]
    return unit(centred @ axes)


def prepared(texts: FloatArray, size: int, noise: float) -> Task:
    """Repeat the texts' vectors with noise, ask for the truth."""
    random = np.random.default_rng(0)

    def some(count: int) -> FloatArray:
        chosen = texts[random.integers(len(texts), size=count)]
        return unit(chosen + random.standard_normal(chosen.shape, dtype=np.float32) * np.float32(noise / DIM**0.5))

    ids, vectors, queries, tuning = [f"item {row}" for row in range(size)], some(size), some(1_000), some(300)
    exact = FlatIndex(DIM)
    exact.add(ids, vectors)
    return Task(ids, vectors, queries, tuning, exact, exact.search(queries, K))


def our_index(task: Task, index: ApproximateIndex, threads: int, folder: Path) -> Contender:
    """Build, save, open and filter one of our indexes."""
    name = f"IvfIndex, {index.bits} bits" if isinstance(index, IvfIndex) else type(index).__name__
    build, memory = measured(partial(index.add, task.ids, task.vectors), threads)
    found = recall(index.search(task.queries, K), task.truth)
    print(f"\n{len(task.ids):,} vectors, {name}: recall {found:.4f} as built, without tuning")
    folder /= name
    folder.mkdir()
    index.save(folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    opening = min(clocked(partial(load_index, folder), time.perf_counter) for _ in range(3))
    print(f"  built in {build:.1f} s, {size / task.vectors.nbytes:.3f} of the float32 size, opened in {opening:.3f} s")
    filters(index, task)
    settings = []
    for wish in RECALLS:
        opened = type(index).load(folder)
        opened.tune(task.tuning, wish)
        settings.append(Setting(nothing, partial(opened.search, k=K)))
    return Contender(name, build, memory, size, settings)


def filters(index: LocalIndex, task: Task) -> None:
    """Print recall and time of queries that a selection limits to a share of the vectors."""
    random = np.random.default_rng(1)
    for share in SHARES:
        allowed = Selection([item_id for item_id in task.ids if random.random() < share])
        found = index.search(task.queries, K, allowed=allowed)
        assert all(len(row) == min(K, len(allowed)) for row in found)
        reached = recall(found, task.exact.search(task.queries, K, allowed=allowed))
        took, unfiltered = math.inf, math.inf
        for _ in range(ROUNDS):
            took = min(took, timed(partial(index.search, k=K, allowed=allowed), task.queries))
            unfiltered = min(unfiltered, timed(partial(index.search, k=K), task.queries))
        print(f"  filter of {share:6.1%}: recall {reached:.4f}, {took / unfiltered:.2f} x the unfiltered time")


def peer_indexes(task: Task, threads: int) -> list[Contender]:
    """Build what is installed of the peers."""
    peers = []
    for make in (hnswlib_index, usearch_index):
        try:
            peers.append(make(task, threads))
        except ImportError as error:
            print(f"not compared: {error}")
    return peers


def hnswlib_index(task: Task, threads: int) -> Contender:
    """Build hnswlib, M 16 and efConstruction 200."""
    import hnswlib

    index = hnswlib.Index("ip", DIM)
    index.init_index(len(task.ids), M=16, ef_construction=200)
    build, memory = measured(lambda: index.add_items(task.vectors, num_threads=threads), threads)
    index.set_num_threads(1)

    def search(queries: FloatArray) -> list[list[Match]]:
        labels, distances = index.knn_query(queries, K)
        return named(task.ids, labels, 1 - distances)

    settings = [Setting(partial(index.set_ef, ef), search) for ef in EFS]
    return Contender("hnswlib, M 16", build, memory, saved(index.save_index), settings)


def usearch_index(task: Task, threads: int) -> Contender:
    """Build usearch, connectivity 16."""
    from usearch.index import Index

    index = Index(ndim=DIM, metric="ip", dtype="f32", connectivity=16)
    keys = np.arange(len(task.ids), dtype=np.uint64)
    build, memory = measured(lambda: index.add(keys, task.vectors, threads=threads), threads)

    def search(queries: FloatArray) -> list[list[Match]]:
        found = index.search(queries[0] if len(queries) == 1 else queries, K, threads=1)
        return named(task.ids, np.atleast_2d(found.keys), 1 - np.atleast_2d(found.distances))

    settings = [Setting(partial(setattr, index, "expansion_search", ef), search) for ef in EFS]
    return Contender("usearch, 16", build, memory, saved(index.save), settings)


def named(ids: list[str], labels: Any, scores: Any) -> list[list[Match]]:
    """Return a peer's answers as ours are."""
    return [
        [Match(ids[label], score) for label, score in zip(of_query, of_scores, strict=True)]
        for of_query, of_scores in zip(labels.tolist(), scores.tolist(), strict=True)
    ]


def measured_points(contenders: list[Contender], task: Task) -> list[list[Point]]:
    """Measure the settings of all, up to nearly full recall, in rounds that each of them takes part in."""
    kept: list[list[tuple[Setting, float]]] = []
    for contender in contenders:
        kept.append([])
        for setting in contender.settings:
            setting.prepare()
            kept[-1].append((setting, recall(setting.search(task.queries), task.truth)))
            if kept[-1][-1][1] > RECALLS[-1]:
                break
    times = [[math.inf] * len(settings) for settings in kept]
    for _ in range(ROUNDS):
        for which, settings in enumerate(kept):
            queries = task.queries if which else task.queries[:20]  # the exact one is slow
            for place, (setting, _) in enumerate(settings):
                setting.prepare()
                times[which][place] = min(times[which][place], timed(setting.search, queries))
    return [
        [Point(reached, time) for (_, reached), time in zip(settings, of_settings, strict=True)]
        for settings, of_settings in zip(kept, times, strict=True)
    ]


def recall(found: list[list[Match]], truth: list[list[Match]]) -> float:
    """Return the share of the true ids that were found."""
    pairs = zip(found, truth, strict=True)
    hits = sum(len({match.id for match in row} & {match.id for match in true}) for row, true in pairs)
    return hits / sum(map(len, truth))


def timed(search: Search, queries: FloatArray) -> float:
    """Return the processor's microseconds of a single query."""
    faiss.omp_set_num_threads(1)

    def one_by_one() -> None:
        for row in range(len(queries)):
            search(queries[row : row + 1])

    return clocked(one_by_one, time.process_time) / len(queries) * 1e6


def measured(build: Callable[[], object], threads: int) -> tuple[float, float]:
    """Return the seconds that a build takes and the bytes by which the process grows."""
    faiss.omp_set_num_threads(threads)
    gc.collect()
    before = psutil.Process().memory_info().rss
    seconds = clocked(build, time.process_time if threads == 1 else time.perf_counter)
    gc.collect()
    return seconds, psutil.Process().memory_info().rss - before


def clocked(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds that something takes."""
    start = clock()
    run()
    return clock() - start


def saved(save: Callable[[str], object]) -> float:
    """Return the size of the file that a peer writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        save(str(path))
        return path.stat().st_size


def table(task: Task, contenders: list[Contender], points: list[list[Point]]) -> None:
    """Print all; memory and file as shares of the vectors' float32 size."""
    print(f"\n{len(task.ids):>9,} x {DIM}     build s  memory    file   queries/s at recall@{K}")
    size = task.vectors.nbytes
    for each, of_each in zip(contenders, points, strict=True):
        reached = "  ".join(f"{1e6 / point.microseconds:,.0f} at {point.recall:.4f}" for point in of_each)
        print(f"{each.name:20} {each.build:8.1f} {each.memory / size:7.2f} {each.size / size:7.2f}   {reached}")


def ratios(
    exact: Point, ours: Contender, our_points: list[Point], peers: list[Contender], peer_points: list[list[Point]]
) -> None:
    """Print how many times as fast our first is as the better peer at the same recall, and as exact search."""
    for reached, microseconds in our_points:
        line = f"  {ours.name} at {reached:.4f}: {exact.microseconds / microseconds:.0f} x exact search"
        times = [time for points in peer_points if (time := time_at(points, reached)) < math.inf]
        print(line + (f", {min(times) / microseconds:.2f} x the better peer" if times else ""))
    for peer in peers:
        print(f"  built {peer.build / ours.build:.1f} x as fast as {peer.name}")


def nothing() -> None:
    """Prepare nothing."""


def time_at(points: list[Point], reached: float) -> float:
    """Return a peer's microseconds at a recall, between its points in proportion to the logarithm of its misses."""
    misses = [-math.log(max(1 - each.recall, 1e-6)) for each in points]
    wanted = -math.log(max(1 - reached, 1e-6))
    if wanted > max(misses):
        return math.inf
    return float(np.interp(wanted, misses, [each.microseconds for each in points]))


def unit(vectors: FloatArray) -> FloatArray:
    """Return the vectors with length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
