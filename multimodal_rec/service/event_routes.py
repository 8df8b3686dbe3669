"""What users do, and who they are."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from multimodal_rec.errors import UnknownUser
from multimodal_rec.feedback import weight_of
from multimodal_rec.interactions import Event
from multimodal_rec.service.auth import require
from multimodal_rec.service.event_log import Identified
from multimodal_rec.service.problems import RESPONSES, as_json
from multimodal_rec.service.schemas import Accepted, Count, Deleted, EventBody, Events, History, Users, item_fields
from multimodal_rec.service.service import Service
from multimodal_rec.service.settings import Scope

read_routes = APIRouter(tags=["Users"], responses=RESPONSES, dependencies=[Depends(require(Scope.READ))])
write_routes = APIRouter(tags=["Users"], responses=RESPONSES, dependencies=[Depends(require(Scope.WRITE))])
admin_routes = APIRouter(tags=["Users"], responses=RESPONSES, dependencies=[Depends(require(Scope.ADMIN))])

IdempotencyKey = Annotated[
    str | None,
    Header(max_length=200, description="Of the request: events that were sent before under this key count once."),
]
DeepOffset = Annotated[int, Query(ge=0, le=1 << 40)]


@write_routes.post("/events", response_model=Accepted)
async def add_events(request: Request, body: Events, idempotency_key: IdempotencyKey = None) -> Response:
    """Take in what users did. When this is answered it is on the disk, and the next lists know of it."""
    service: Service = request.app.state.service
    now = time.time()
    events = [_identified(each, now, idempotency_key, place) for place, each in enumerate(body.events)]
    new = await asyncio.wrap_future(service.log.append(events))
    service.telemetry.events.labels("new").inc(new)
    service.telemetry.events.labels("known").inc(len(events) - new)
    return Response(as_json({"new": new, "known": len(events) - new}), media_type="application/json")


@read_routes.get("/users", response_model=Users)
def list_users(
    request: Request,
    prefix: Annotated[str, Query(max_length=512)] = "",
    k: Annotated[Count, Query()] = 50,
    offset: DeepOffset = 0,
) -> Response:
    """Users, in alphabetical order, whose id starts with a prefix."""
    service: Service = request.app.state.service
    users = service.log.users(prefix, k + 1, offset)
    fields = {"users": users[:k], "next_offset": offset + k if len(users) > k else None}
    return Response(as_json(fields), media_type="application/json")


@read_routes.get("/users/{user_id:path}/history", response_model=History)
def history(request: Request, user_id: str, k: Annotated[Count, Query()] = 50, offset: DeepOffset = 0) -> Response:
    """What a user did, newest first."""
    service: Service = request.app.state.service
    events = service.log.history(user_id)[::-1]
    if not events:
        raise UnknownUser(user_id)
    shown = events[offset : offset + k]
    with service.recommender() as recommender:
        items = recommender.items([event.item_id for event in shown if event.item_id in recommender])
    rows: list[dict[str, Any]] = []
    for event in shown:
        item = items.get(event.item_id)
        fields = {"kind": event.kind, "rating": event.rating, "timestamp": event.timestamp}
        rows.append({"item_id": event.item_id, **fields, "item": item_fields(item) if item else None})
    more = offset + k if offset + k < len(events) else None
    answer = {"events": rows, "total": len(events), "next_offset": more}
    return Response(as_json(answer), media_type="application/json")


@admin_routes.delete("/users/{user_id:path}", response_model=Deleted)
def forget_user(request: Request, user_id: str) -> dict[str, int]:
    """Delete all that is kept of a user: their events. Models hold nothing of single users."""
    service: Service = request.app.state.service
    deleted = service.log.forget(user_id)
    if not deleted:
        raise UnknownUser(user_id)
    return {"deleted": deleted}


def _identified(body: EventBody, now: float, key: str | None, place: int) -> Identified:
    event_id = f"event {body.id}" if body.id is not None else f"request {key} {place}" if key is not None else None
    time_of = now if body.timestamp is None else body.timestamp
    return event_id, Event(body.user_id, body.item_id, time_of, body.rating, weight_of(body.kind), body.kind)
