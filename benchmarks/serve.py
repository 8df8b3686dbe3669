"""How many requests a second the service answers, beside the same questions asked of the Python face.

    .venv/bin/python benchmarks/serve.py WORKSPACE [SECONDS]

Starts one worker on a copy of the workspace and a free port of this machine, and asks it from as many connections as
stated, each waiting for its answer before it asks again. Recommendations are measured while 50 events a second are
written, all of which have to be there afterwards. Figures hold for the machine and its load: the client takes its
share of the same processors.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from multimodal_rec import Recommender
from multimodal_rec.slate import Slate

K = 20
EVENTS_PER_SECOND = 50
WORDS = ["a quiet film about the sea", "war and friendship", "space travel", "first love", "a heist that goes wrong"]


class Connection:
    """One kept connection that speaks just enough HTTP."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        """Send a request; the status and the body of its answer."""
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n"
        if body:
            head += f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
        return int(lines[0].split()[1]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()


Request = tuple[str, str, bytes, str]
Question = Callable[[int], Request]


async def measure(port: int, question: Question, connections: int, seconds: float) -> tuple[list[float], float]:
    """Latencies in seconds, and the time that it all took."""
    latencies: list[float] = []
    count = 0
    started = time.perf_counter()

    async def client() -> None:
        nonlocal count
        connection = Connection(port)
        await connection.open()
        while time.perf_counter() - started < seconds:
            count += 1
            before = time.perf_counter()
            status, body = await connection.ask(*question(count))
            latencies.append(time.perf_counter() - before)
            assert status == 200, body
        connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return latencies, time.perf_counter() - started


async def write_events(port: int, items: list[str], seconds: float) -> int:
    """Send events at a steady rate; how many were acknowledged."""
    connection = Connection(port)
    await connection.open()
    started, count = time.perf_counter(), 0
    while (now := time.perf_counter() - started) < seconds:
        if now < count / EVENTS_PER_SECOND:
            await asyncio.sleep(count / EVENTS_PER_SECOND - now)
        event = {"user_id": f"load-{count % 100}", "item_id": items[count % len(items)], "kind": "view"}
        status, body = await connection.ask("POST", "/events", json.dumps({"events": [event]}).encode())
        assert status == 200, body
        count += 1
    connection.close()
    return count


def direct(work: Callable[[int], object], seconds: float) -> float:
    """Calls a second of the Python face, from one thread."""
    work(0)
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        work(count)
        count += 1
    return count / (time.perf_counter() - started)


def upload(path: Path) -> tuple[bytes, str]:
    boundary = "b0undary"
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="image"; filename="{path.name}"\r\n\r\n'
    return (
        head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode(),
        f"multipart/form-data; boundary={boundary}",
    )


def row(name: str, latencies: list[float], seconds: float, alone: float) -> None:
    rate = len(latencies) / seconds
    p50, p99 = np.quantile(latencies, [0.5, 0.99]) * 1000
    print(f"{name:34}  {rate:8.0f}  {p50:8.1f}  {p99:8.1f}  {alone:8.0f}  {rate / alone:6.2f}", flush=True)


async def run(port: int, rec: Recommender, seconds: float) -> None:
    users = rec.users()[:1000]
    items = [item.id for item in rec.page(0, 1000)]
    pictures = [item.image for item in rec.page(0, 200) if item.image][:50]
    print(f"{'':34}  {'req/s':>8}  {'p50 ms':>8}  {'p99 ms':>8}  {'direct/s':>8}  {'ratio':>6}")

    def recommend(n: int) -> Request:
        return "GET", f"/users/{users[n % len(users)]}/recommendations?k={K}", b"", ""

    def varied(n: int) -> Request:
        return "GET", f"/users/{users[n % len(users)]}/recommendations?k={K}&diversity=0.5", b"", ""

    def search(n: int) -> Request:
        return "POST", "/search", json.dumps({"text": words[n % len(words)], "k": K}).encode(), "application/json"

    def looked(n: int) -> Request:
        return "POST", "/search", *bodies[n % len(bodies)]

    words = [f"{text} {n}" for n in range(200) for text in WORDS]
    bodies = [upload(path) for path in pictures]
    for connections in (1, 4, 8):
        (latencies, took), written = await asyncio.gather(
            measure(port, recommend, connections, seconds), write_events(port, items, seconds)
        )
        alone = direct(lambda n: rec.recommend(users[n % len(users)], k=K), seconds / 3)
        row(f"recommendations, {connections} connections", latencies, took, alone)
        print(f"{'':34}  with {written} events written meanwhile")
    latencies, took = await measure(port, varied, 4, seconds)
    alone = direct(lambda n: rec.recommend(users[n % len(users)], k=K, slate=Slate(diversity=0.5)), seconds / 3)
    row("  with diversity, 4 connections", latencies, took, alone)
    latencies, took = await measure(port, search, 4, seconds)
    row("text search, 4 connections", latencies, took, direct(lambda n: rec.search(words[-n], k=K), seconds / 3))
    if pictures:
        latencies, took = await measure(port, looked, 4, seconds)
        alone = direct(lambda n: rec.search(image=pictures[n % len(pictures)], k=K), seconds / 3)
        row("image search, 4 connections", latencies, took, alone)


def main() -> None:
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(shutil.copytree(sys.argv[1], Path(folder) / "ws"))
        command = [sys.executable, "-m", "multimodal_rec.cli", "serve", "-w", str(workspace), "--port", "0"]
        port = int(os.environ.get("PORT", "8765"))
        command[-1] = str(port)
        started = time.perf_counter()
        process = subprocess.Popen([*command, "--quiet"])
        try:
            asyncio.run(until_ready(port))
            print(f"ready after {time.perf_counter() - started:.1f} s\n")
            with Recommender.open(workspace, threads=1) as rec:
                before = sum(len(rec.history(f"load-{n}")) for n in range(100))
                asyncio.run(run(port, rec, seconds))
                print(f"\nevents on the disk: {sum(len(rec.history(f'load-{n}')) for n in range(100)) - before}")
        finally:
            process.terminate()
            process.wait()


async def until_ready(port: int) -> None:
    for _ in range(600):
        try:
            connection = Connection(port)
            await connection.open()
            if (await connection.ask("GET", "/readyz"))[0] == 200:
                return
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("the service did not come up")


if __name__ == "__main__":
    main()
