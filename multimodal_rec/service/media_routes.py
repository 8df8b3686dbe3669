"""Pictures and clips of items, for the page: small pictures are made here, never passed on as they came."""

from __future__ import annotations

import io
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from PIL import Image
from starlette.exceptions import HTTPException

from encoders import EncoderError, MediaError, read_image, sample_frame
from multimodal_rec.service.auth import require
from multimodal_rec.service.problems import RESPONSES
from multimodal_rec.service.service import Service
from multimodal_rec.service.settings import Scope

router = APIRouter(
    tags=["Media"], responses=RESPONSES, dependencies=[Depends(require(Scope.READ))], include_in_schema=False
)

SIDE = 480
"""Pixels of the longer side of a small picture."""
LARGE_SIDE = 1200
CACHE_CONTROL = {"cache-control": "private, max-age=300"}


@router.get("/media/picture")
def picture(
    request: Request,
    item: str,
    start: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    end: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
    large: bool = False,
) -> Response:
    """An item's picture, or a frame of its clip, of one shot where its start and end (seconds) are given."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        found = recommender.item(item)
    shot = (start, end) if start is not None and end is not None and start < end else None
    path = found.video if shot else found.image or found.video
    if path is None:
        raise HTTPException(404, "the item has no picture")
    try:
        changed = path.stat().st_mtime_ns
        jpeg = small_jpeg(path, changed, path == found.video, shot, LARGE_SIDE if large else SIDE)
    except (MediaError, EncoderError, OSError) as error:
        raise HTTPException(404, "the picture cannot be read any more") from error
    return Response(jpeg, media_type="image/jpeg", headers=CACHE_CONTROL)


@router.get("/media/clip")
def clip(request: Request, item: str) -> Response:
    """An item's clip, in parts where a range is asked for."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        path = recommender.item(item).video
    if path is None or not path.is_file():
        raise HTTPException(404, "the item has no clip")
    kind = mimetypes.guess_type(path.name)[0] or ""
    return FileResponse(path, media_type=kind if kind.startswith("video/") else "video/mp4", headers=CACHE_CONTROL)


@lru_cache(maxsize=2048)
def small_jpeg(path: Path, _changed: int, clip: bool, shot: tuple[float, float] | None, side: int) -> bytes:
    """A JPEG of a picture or of a frame of a clip; `_changed`, the time of its last change, keeps the cache true."""
    image: Image.Image = sample_frame(path, shot) if clip else read_image(path)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=82, progressive=True)
    return buffer.getvalue()
