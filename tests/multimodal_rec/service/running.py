"""A service in a process of its own, as it is run in earnest."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Running:
    """Started on entering, ready to answer; ended on leaving."""

    def __init__(self, workspace: Path, *options: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "multimodal_rec.cli", "serve", "-w", str(workspace)]
        self._command += ["--port", str(self.port), "--quiet", *options]

    def __enter__(self) -> Running:
        self.started = time.monotonic()
        self.process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.base}/readyz", timeout=2).status_code == 200:
                    self.seconds_to_ready = time.monotonic() - self.started
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        self.__exit__()
        raise RuntimeError("the service did not come up")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it with kill -9."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
