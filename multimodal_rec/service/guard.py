"""The first to see a request: gives it an id, keeps strangers and excess out, takes the time, writes the log line."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multimodal_rec.service.problems import problem
from multimodal_rec.service.settings import Settings
from multimodal_rec.service.telemetry import Telemetry

logger = logging.getLogger("multimodal_rec.service.requests")

REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
BURST = 10.0
"""Seconds' worth of requests that may come at once."""
MOST_CLIENTS = 10_000
"""Clients whose rates are remembered."""
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "testserver"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'none'",
    ),
]


@dataclass
class RateLimit:
    """A token bucket for each client."""

    per_second: float
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def allows(self, client: str, now: float) -> bool:
        """Whether a request of this client may pass at this time, in seconds."""
        most = self.per_second * BURST
        tokens, before = self._buckets.pop(client, (most, now))
        tokens = min(most, tokens + (now - before) * self.per_second)
        self._buckets[client] = (tokens - 1 if tokens >= 1 else tokens, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return tokens >= 1


class Guard:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, settings: Settings, telemetry: Telemetry) -> None:
        self._app = app
        self._settings = settings
        self._telemetry = telemetry
        self._rate = RateLimit(settings.requests_per_second) if settings.requests_per_second else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        request_id = asked if REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 500

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *(header for header in SECURITY_HEADERS if header[0] not in own),
                ]
            await send(message)

        try:
            refusal = self._refusal(scope, headers)
            if refusal:
                await problem(*refusal, request_id)(scope, receive, noting_send)
            else:
                await self._answer(scope, headers, receive, noting_send)
        except Exception:
            logger.exception("failed", extra={"fields": {"request_id": request_id}})
            if status == 500:
                detail = "an error inside the service: see its log under this request id"
                await problem(500, detail, request_id)(scope, receive, noting_send)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", None) or "other"
            self._telemetry.answered(scope["method"], route, status, seconds)
            fields = {
                "request_id": request_id,
                "method": scope["method"],
                "route": route,
                "status": status,
                "ms": round(1000 * seconds, 2),
                "client": (scope.get("client") or ("",))[0],
            }
            logger.info("request", extra={"fields": fields})

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        begun = False

        async def beginning_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        most = self._settings.most_body_bytes
        if headers.get("content-type", "").startswith("multipart/"):
            most = self._settings.most_upload_bytes
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                await self._app(scope, _limited(receive, most, headers), beginning_send)
        except TimeoutError:
            if not begun:
                request_id = scope["state"]["request_id"]
                detail = "the answer took too long: send less at once, or a smaller file"
                await problem(503, detail, request_id)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        settings = self._settings
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        # A page elsewhere may have its own name lead to this address, and would then be asked as if it were ours.
        named = settings.allowed_hosts or (settings.local and not settings.keys)
        if named and host not in LOCAL_NAMES | {settings.host, *settings.allowed_hosts}:
            return 421, f"this service is not known as {host[:80]!r}: name it with --allowed-host"
        if scope["method"] not in SAFE_METHODS and headers.get("sec-fetch-site", "none") in ("cross-site", "same-site"):
            return 403, "requests from pages of other sites are refused"
        if self._rate and not self._rate.allows(_client(scope, headers), time.monotonic()):
            return 429, f"more than {settings.requests_per_second:g} requests a second: wait, or ask in batches"
        return None


def _client(scope: Scope, headers: Headers) -> str:
    key = headers.get("authorization", "")
    if key:
        return hashlib.sha256(key.encode()).hexdigest()
    return str((scope.get("client") or ("",))[0])


def _limited(receive: Receive, most: int, headers: Headers) -> Receive:
    """Receive a body of at most so many bytes, whatever its header says."""
    left = most
    declared = headers.get("content-length", "0")
    too_large = declared.isdigit() and int(declared) > most

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0 or (too_large and message["type"] == "http.request"):
            raise HTTPException(413, f"the request is over the limit of {most >> 20} MB: send less at once")
        return message

    return limited
