"""How the service is, for machines and for those who run it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from multimodal_rec.service.auth import require
from multimodal_rec.service.problems import RESPONSES, problem
from multimodal_rec.service.schemas import State
from multimodal_rec.service.service import Service
from multimodal_rec.service.settings import Scope

REPORT_FILE = "evaluation.html"
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

open_routes = APIRouter(tags=["Health"])
read_routes = APIRouter(tags=["Health"], responses=RESPONSES, dependencies=[Depends(require(Scope.READ))])
admin_routes = APIRouter(tags=["Admin"], responses=RESPONSES, dependencies=[Depends(require(Scope.ADMIN))])


@open_routes.get("/healthz", response_model=State)
async def healthz() -> dict[str, Any]:
    """Whether the process answers."""
    return {"status": "ok"}


@open_routes.get("/readyz", response_model=State, responses={503: RESPONSES["5XX"]})
async def readyz(request: Request) -> Response | dict[str, Any]:
    """Whether it can answer queries: models loaded, release open."""
    if not request.app.state.ready:
        return problem(503, "still loading", request.state.request_id)
    service: Service = request.app.state.service
    return {"status": "ready", "release": service.live.release}


@read_routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Metrics in Prometheus's text format."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        service.telemetry.items.set(len(recommender))
    service.telemetry.release.set(service.live.release)
    return Response(service.telemetry.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


@admin_routes.get("/admin/status")
def status(request: Request) -> dict[str, Any]:
    """The release, what it counts, what was measured in its training, and recent latencies."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        manifest = recommender.manifest
        items = len(recommender)
    return {
        "release": manifest.number,
        "created": manifest.created,
        "counts": manifest.counts | {"items": items, "live_events": service.log.live_count()},
        "metrics": manifest.metrics,
        "encoders": {"text": manifest.text_encoder.reference, "image": manifest.image_encoder.reference},
        "versions": manifest.versions,
        "uptime_seconds": round(time.time() - service.telemetry.started),
        "report": _report(service).is_file(),
        "training": service.training.state,
        "latencies": service.telemetry.latencies(),
    }


@admin_routes.post("/admin/retrain", status_code=202)
async def retrain(request: Request) -> dict[str, Any]:
    """Learn again from all events, in the background; the model is published unless it validates worse."""
    service: Service = request.app.state.service
    if not service.training.start():
        raise HTTPException(409, "a training is under way: GET /admin/retrain says how it goes")
    return service.training.state


@admin_routes.get("/admin/retrain")
async def retraining(request: Request) -> dict[str, Any]:
    """How the last training went, or how far it is."""
    service: Service = request.app.state.service
    return service.training.state


@admin_routes.get("/admin/evaluation", include_in_schema=False)
def evaluation(request: Request) -> Response:
    """The report that `evaluate --report WORKSPACE/evaluation.html` wrote."""
    path = _report(request.app.state.service)
    if not path.is_file():
        raise HTTPException(
            404, f"there is no report: write one with `multimodal-rec evaluate … --report …/{path.name}`"
        )
    return FileResponse(path, media_type="text/html; charset=utf-8", headers={"content-security-policy": REPORT_POLICY})


def _report(service: Service) -> Path:
    return service.settings.workspace / REPORT_FILE
