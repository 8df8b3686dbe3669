"""A route that is asked very often: FastAPI describes it like any other, but has little part in answering it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, get_args, get_origin, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

Check = Callable[[Request], Awaitable[None]]


def lean_route(check: Check) -> type[APIRoute]:
    """The class of routes that let a request pass by this check, whatever dependencies their router describes.

    Their endpoint takes the request, a string of the path and a model of the query, and makes the response itself.
    """

    class LeanRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            endpoint = self.endpoint
            (place,) = self.param_convertors
            hints = get_type_hints(endpoint)
            (model,) = (kind for kind in hints.values() if isinstance(kind, type) and issubclass(kind, BaseModel))
            lists = {name for name, field in model.model_fields.items() if _takes_many(field.annotation)}

            async def handle(request: Request) -> Response:
                await check(request)
                query = request.query_params
                fields = {name: query.getlist(name) if name in lists else query[name] for name in query}
                try:
                    asked = model.model_validate(fields)
                except ValidationError as error:
                    found = [{**each, "loc": ("query", *each["loc"])} for each in error.errors()]
                    raise RequestValidationError(found) from error
                return await run_in_threadpool(endpoint, request, request.path_params[place], asked)

            return handle

    return LeanRoute


def _takes_many(annotation: Any) -> bool:
    return get_origin(annotation) in (list, tuple, set) or any(map(_takes_many, get_args(annotation)))
