"""What the service tells of itself: a JSON line a request, Prometheus metrics, and recent latencies for the page."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import defaultdict, deque
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

RECENT = 2000
"""Requests of a route whose latencies are remembered."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and the fields that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr(*, quiet: bool) -> None:
    """Write the service's log to standard error; with `quiet`, only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("multimodal_rec", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING if quiet else logging.INFO)


class Telemetry:
    """Counts and times of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.started = time.time()
        labels = ("method", "route", "status")
        self.requests = Counter("multimodal_rec_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "multimodal_rec_request_seconds", "Time to answer.", ("route",), buckets=BUCKETS, registry=self.registry
        )
        self.events = Counter("multimodal_rec_events", "Events taken in.", ("outcome",), registry=self.registry)
        self.release = Gauge("multimodal_rec_release", "Number of the release that answers.", registry=self.registry)
        self.items = Gauge("multimodal_rec_items", "Items that can be found.", registry=self.registry)
        self._recent: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=RECENT))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        self._recent[f"{method} {route}"].append(seconds)

    def latencies(self) -> list[dict[str, Any]]:
        """For each route that was asked: how often of late, and the median and 99th percentile in milliseconds."""
        rows = []
        for route, recent in sorted(self._recent.items()):
            ordered = sorted(recent)
            rows.append(
                {
                    "route": route,
                    "requests": len(ordered),
                    "p50_ms": round(1000 * ordered[len(ordered) // 2], 2),
                    "p99_ms": round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
                }
            )
        return rows

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self.registry)
