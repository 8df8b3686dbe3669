"""Errors as problem JSON (RFC 9457): what was wrong with the request, and nothing of the inside."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from encoders import EncoderError, MediaError
from multimodal_rec.errors import CatalogueError, QueryError, UnknownItem, UnknownUser, WorkspaceError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Why a request was not answered."""

    type: str = "about:blank"
    title: str
    """Name of the status."""
    status: int
    detail: str
    """What was wrong, and what to do."""
    request_id: str = ""
    """To find the request in the log."""
    errors: list[dict[str, Any]] = []
    """What was wrong with which field."""


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": what, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, what in {"4XX": "The request is at fault.", "5XX": "The service is at fault."}.items()
}
"""Of every operation, for the OpenAPI description."""


def problem(status: int, detail: str, request_id: str, **more: Any) -> Response:
    """Answer with a problem."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, request_id=request_id, **more)
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    return Response(body.model_dump_json(exclude_defaults=True), status, headers, MEDIA_TYPE)


def status_of(error: Exception) -> int:
    """The status that tells of an error of the package."""
    if isinstance(error, UnknownItem | UnknownUser):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, QueryError | MediaError | CatalogueError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def add_problem_handlers(app: FastAPI) -> None:
    """Have all errors of an app answered as problems."""

    async def ours(request: Request, error: Exception) -> Response:
        status = status_of(error)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            logger.error("unavailable: %s", error)
            return problem(status, "the catalogue is being changed or cannot be read: try again", _id(request))
        return problem(status, str(error), _id(request))

    async def invalid(request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        fields = [{"field": ".".join(map(str, each["loc"])), "message": each["msg"]} for each in found]
        words = "; ".join(f"{each['field']}: {each['message']}" for each in fields[:3])
        return problem(422, f"the request is not valid: {words}", _id(request), errors=fields[:50])

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        answer = problem(error.status_code, str(error.detail), _id(request))
        answer.headers.update(error.headers or {})
        return answer

    for kind in (QueryError, MediaError, CatalogueError, WorkspaceError, EncoderError):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def as_json(value: object) -> str:
    """JSON for an answer; what JSON lacks (NaN, infinity) is refused rather than sent."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)


def _id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
