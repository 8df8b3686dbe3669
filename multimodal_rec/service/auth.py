"""Who may do what: an API key in the Authorization header, or in the cookie that the page's sign-in sets."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException

from multimodal_rec.service.settings import Scope, hashed

COOKIE = "multimodal_rec_key"


def scope_of(key: str, keys: Mapping[str, Scope]) -> Scope | None:
    """What a key may do; None for one that is not known."""
    found = None
    presented = hashed(key)
    for known, scope in keys.items():
        if hmac.compare_digest(known, presented):
            found = scope
    return found


def require(scope: Scope) -> Callable[..., Awaitable[None]]:
    """A dependency that lets a request pass only with a key of this scope, where the service has keys at all."""

    async def check(request: Request) -> None:
        keys: Mapping[str, Scope] = request.app.state.service.settings.keys
        if not keys:
            return
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            key = request.cookies.get(COOKIE, "")
        held = scope_of(key.strip(), keys)
        if held is None:
            raise HTTPException(
                401, "an API key is needed: send Authorization: Bearer KEY", {"www-authenticate": "Bearer"}
            )
        if held < scope:
            raise HTTPException(403, f"this needs a key of scope {scope.name.lower()}, not {held.name.lower()}")

    return check


def describe_keys(app: FastAPI) -> None:
    """Tell of the keys in the app's OpenAPI description."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer", "description": "An API key, where the service has keys."}
        schema["security"] = [{"key": []}, {}]
        return schema

    app.openapi = described  # type: ignore[method-assign]
