"""Pictures and clips that a request brings: kept in a temporary folder for as long as the request lasts."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from encoders import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from multimodal_rec.errors import QueryError

Body = TypeVar("Body", bound=BaseModel)

MOST_FIELDS = 20
LIST_FIELDS = ("where", "exclude", "items", "less_like")
"""Fields of a form that may come more than once."""
MEDIA_FIELDS = {"image": IMAGE_SUFFIXES, "video": VIDEO_SUFFIXES}


@dataclass(frozen=True)
class Form:
    """A request's fields, and the files that it brought."""

    fields: dict[str, Any]
    image: Path | None = None
    video: Path | None = None

    def parsed(self, model: type[Body]) -> Body:
        """The fields as a body; raises QueryError where they are none."""
        try:
            return model.model_validate(self.fields)
        except ValidationError as error:
            first = error.errors()[0]
            raise QueryError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Form]:
    """Give a request's form, whether it came as JSON or as multipart/form-data with files `image` and `video`.

    Raises:
        HTTPException: it is neither.
        QueryError: the JSON is no object.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield Form(_json_object(await request.body()))
        return
    if kind != "multipart/form-data":
        raise HTTPException(415, "send application/json, or multipart/form-data with files image and video")
    async with request.form(max_files=len(MEDIA_FIELDS), max_fields=MOST_FIELDS) as form:
        fields: dict[str, Any] = {}
        with TemporaryDirectory(prefix="multimodal-rec-") as folder:
            files: dict[str, Path] = {}
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    if name not in MEDIA_FIELDS:
                        raise QueryError(f"{name[:80]!r} is no file that is asked for: name it image or video")
                    files[name] = await run_in_threadpool(_keep, value, name, Path(folder))
                elif name in LIST_FIELDS:
                    fields.setdefault(name, []).append(value)
                elif value:
                    fields[name] = value
            yield Form(fields, **files)


def _keep(upload: UploadFile, name: str, folder: Path) -> Path:
    """Write a file under a name of our own: of its old one only a known suffix stays."""
    suffix = Path(upload.filename or "").suffix.lower()
    path = folder / f"{name}{suffix if suffix in MEDIA_FIELDS[name] else ''}"
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
    return path


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise QueryError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise QueryError("the body is not a JSON object")
    return value


def upload_schema(json_model: type[BaseModel], **fields: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI description of a body that `received` takes."""
    binary = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": fields | {"image": binary, "video": binary}}
    content = {
        "application/json": {"schema": json_model.model_json_schema()},
        "multipart/form-data": {"schema": form},
    }
    return {"requestBody": {"required": True, "content": content}}
