"""The app: routes over one `Service`, behind one `Guard`; and the command that runs it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version

import torch
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from multimodal_rec.service import (
    admin_routes,
    event_routes,
    item_routes,
    media_routes,
    page_routes,
    query_routes,
)
from multimodal_rec.service.auth import describe_keys
from multimodal_rec.service.guard import Guard
from multimodal_rec.service.problems import add_problem_handlers
from multimodal_rec.service.service import Service
from multimodal_rec.service.settings import Settings
from multimodal_rec.service.telemetry import log_to_stderr

WORKERS = 8
"""Threads that answer: enough that a slow upload holds up nobody, few enough that they do not contend."""
SHUTDOWN_SECONDS = 10
SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter to itself: short, so that a new request does not wait behind an answer."""

ROUTERS = (
    query_routes.router,
    admin_routes.open_routes,
    admin_routes.read_routes,
    admin_routes.admin_routes,
    event_routes.read_routes,
    event_routes.write_routes,
    event_routes.admin_routes,
    item_routes.read_routes,
    item_routes.write_routes,
    media_routes.router,
    page_routes.router,
)


def create_app(settings: Settings) -> FastAPI:
    """Make the app; its workspace is opened when it starts.

    Raises:
        WorkspaceError: the workspace has no release, or is damaged.
    """
    service = Service(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = WORKERS
        threads = settings.threads or 1  # requests run beside each other instead
        torch.set_num_threads(threads)
        threadpool_limits(threads, user_api="blas")
        await asyncio.to_thread(service.warm_up)
        service.live.start()
        app.state.ready = True
        schedule = settings.retrain_hours and asyncio.create_task(service.training.every(settings.retrain_hours))
        yield
        app.state.ready = False
        if schedule:
            schedule.cancel()
        await service.training.stop()
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="multimodal-rec",
        version=version("multimodal-rec"),
        description="Recommendations and search over one catalogue of texts, pictures and clips.",
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    app.state.ready = False
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", page_routes.static_files(), name="static")
    add_problem_handlers(app)
    describe_keys(app)
    app.add_middleware(Guard, settings=settings, telemetry=service.telemetry)
    return app


def serve(settings: Settings, *, quiet: bool = False) -> None:
    """Run the service until it is told to stop.

    Raises:
        WorkspaceError: the workspace has no release, or is damaged.
    """
    log_to_stderr(quiet=quiet)
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(2)
