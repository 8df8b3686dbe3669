"""The catalogue: read, add, replace, remove."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from encoders import MediaError, read_image, sample_frame
from multimodal_rec.errors import QueryError
from multimodal_rec.items import check_id
from multimodal_rec.recommender import Recommender
from multimodal_rec.service.auth import require
from multimodal_rec.service.problems import RESPONSES, as_json
from multimodal_rec.service.schemas import (
    Changed,
    Count,
    ItemAnswer,
    ItemBody,
    Items,
    NewItems,
    item_fields,
)
from multimodal_rec.service.service import Service
from multimodal_rec.service.settings import Scope
from multimodal_rec.service.uploads import Form, received, upload_schema

MEDIA_FOLDER = "media"
"""Below the workspace: pictures and clips that came with items."""

read_routes = APIRouter(tags=["Catalogue"], responses=RESPONSES, dependencies=[Depends(require(Scope.READ))])
write_routes = APIRouter(tags=["Catalogue"], responses=RESPONSES, dependencies=[Depends(require(Scope.WRITE))])


@read_routes.get("/items", response_model=Items)
def list_items(
    request: Request, k: Annotated[Count, Query()] = 24, offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0
) -> Response:
    """A page of the catalogue, in its order."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        items = recommender.page(offset, k)
        more = offset + k if offset + k < len(recommender) else None
        fields = {"items": [item_fields(item) for item in items], "total": len(recommender), "next_offset": more}
        return Response(as_json(fields), media_type="application/json")


@read_routes.get("/items/{item_id:path}", response_model=ItemAnswer)
def get_item(request: Request, item_id: str) -> Response:
    """An item, with the shots of its clip."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        fields = item_fields(recommender.item(item_id))
        fields["shots"] = [shot.as_json() for shot in recommender.shots(item_id)]
        return Response(as_json(fields), media_type="application/json")


@write_routes.post("/items", response_model=Changed)
def put_items(request: Request, body: NewItems) -> dict[str, int]:
    """Add or replace many items by their words; all can be found when this is answered."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        rows = [_row(recommender, item.id, item, Form({})) for item in body.items]
    return _changed(service, service.items.put(rows))


@write_routes.put(
    "/items/{item_id:path}",
    response_model=Changed,
    openapi_extra=upload_schema(
        ItemBody,
        title={"type": "string"},
        description={"type": "string"},
        categories={"type": "string", "description": "Separated by | signs."},
    ),
)
async def put_item(request: Request, item_id: str) -> dict[str, int]:
    """Add or replace an item, with its picture or clip as files; it can be found when this is answered."""
    service: Service = request.app.state.service
    try:
        check_id(item_id, "id")
    except ValueError as error:
        raise QueryError(str(error)) from error
    async with received(request) as form:
        if isinstance(form.fields.get("categories"), str):
            form.fields["categories"] = form.fields["categories"].split("|")
        body = form.parsed(ItemBody)

        def change() -> int:
            with service.recommender() as recommender:
                row = _row(recommender, item_id, body, form)
            for name, path in (("image", form.image), ("video", form.video)):
                if path:
                    row[name] = str(_kept(service.settings.workspace / MEDIA_FOLDER, name, path))
            return service.items.put([row])

        return _changed(service, await run_in_threadpool(change))


@write_routes.delete("/items/{item_id:path}", response_model=Changed)
def delete_item(request: Request, item_id: str) -> dict[str, int]:
    """Take an item out."""
    service: Service = request.app.state.service
    return _changed(service, service.items.remove([item_id]))


def _row(recommender: Recommender, item_id: str, body: ItemBody, form: Form) -> dict[str, Any]:
    """A catalogue row; media that are not replaced stay as they are.

    Raises:
        QueryError: it names media by path, or would be an item of nothing.
    """
    row = body.model_dump() | {"id": item_id}
    if {"image", "video"} & row.keys():
        raise QueryError("image and video are sent as files, with PUT /items/{item_id} as multipart/form-data")
    if item_id in recommender:
        known = recommender.item(item_id)
        row |= {"image": known.image and str(known.image), "video": known.video and str(known.video)}
    words = [body.title, body.description, *body.categories]
    if not (
        any(word and word.strip() for word in words) or row.get("image") or row.get("video") or form.image or form.video
    ):
        raise QueryError(f"item {item_id!r} has neither text nor picture nor clip: send one of them")
    return row


def _kept(folder: Path, name: str, path: Path) -> Path:
    """Move an upload to its place under the hash of its content, once it is known to be what it should be.

    Raises:
        QueryError: it cannot be decoded.
    """
    try:
        if name == "image":
            read_image(path)
        else:
            sample_frame(path)
    except MediaError as error:
        raise QueryError(str(error)) from error
    folder.mkdir(exist_ok=True)
    with path.open("rb") as file:
        kept = folder / f"{hashlib.file_digest(file, 'sha256').hexdigest()}{path.suffix}"
    draft = folder / f".{kept.name}"
    shutil.copyfile(path, draft)
    draft.replace(kept)
    return kept.resolve()


def _changed(service: Service, release: int) -> dict[str, int]:
    with service.recommender() as recommender:
        return {"release": release, "items": len(recommender)}
