"""The parts of a running service in one place: the live recommender, the event log, the changes and the training."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

from multimodal_rec.recommender import Recommender
from multimodal_rec.service.event_log import EventLog
from multimodal_rec.service.item_changes import ItemChanges
from multimodal_rec.service.live import LiveRecommender
from multimodal_rec.service.settings import Settings
from multimodal_rec.service.telemetry import Telemetry

RETRAIN_NICENESS = 15


class Service:
    """What the routes share.

    Raises:
        WorkspaceError: the workspace has no release, or is damaged.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.telemetry = Telemetry()
        self.live = LiveRecommender(settings.workspace, threads=settings.threads)
        self.log = EventLog(settings.workspace)
        self.items = ItemChanges(settings.workspace, self.live)
        self.training = Training(self)

    @contextmanager
    def recommender(self) -> Iterator[Recommender]:
        """Give the recommender for one request."""
        with self.live.use() as recommender:
            yield recommender

    def warm_up(self) -> None:
        """Load what the first queries would wait for."""
        with self.recommender() as recommender:
            recommender.search("warm up", image=Image.new("RGB", (64, 64)), k=1)
            users = recommender.users()[:1]
            for user in users:
                with contextlib.suppress(Exception):  # a user none of whose items is left
                    recommender.recommend(user, k=1)

    def close(self) -> None:
        """Write what is waiting, and close all files."""
        self.log.close()
        self.live.stop()


class Training:
    """At most one training at a time, in a process of its own that leaves the processor to the answers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {"state": "idle", "started": None, "result": None, "error": None}

    def start(self) -> bool:
        """Begin to train, and return whether it did: not while a training is under way."""
        if self._task and not self._task.done():
            return False
        self.state = {"state": "training", "started": time.time(), "result": None, "error": None}
        self._task = asyncio.create_task(self._run())
        return True

    async def every(self, hours: float) -> None:
        """Train again and again, whenever there are new events."""
        seen = await asyncio.to_thread(self._service.log.live_count)
        while True:
            await asyncio.sleep(3600 * hours)
            count = await asyncio.to_thread(self._service.log.live_count)
            if count != seen and self.start():
                seen = count

    async def stop(self) -> None:
        """End a training that is under way."""
        if self._process and self._process.returncode is None:
            self._process.terminate()
        if self._task:
            await self._task

    async def _run(self) -> None:
        settings = self._service.settings
        command = [sys.executable, "-P", "-m", "multimodal_rec.cli", "retrain", "--json", "--quiet"]
        command += ["--workspace", str(settings.workspace)]
        if settings.threads:
            command += ["--threads", str(settings.threads)]
        self._process = process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, RETRAIN_NICENESS)
        output, errors = await process.communicate()
        if process.returncode == 0:
            result = json.loads(output)
            await asyncio.to_thread(self._service.live.refresh)
            self.state |= {"state": "done", "result": result}
        else:
            lines = errors.decode(errors="replace").strip().splitlines()
            self.state |= {"state": "failed", "error": lines[-1] if lines else "the training ended early"}
