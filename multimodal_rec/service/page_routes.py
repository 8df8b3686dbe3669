"""The page: a shell for each view, filled by its script from the same routes that programs use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from multimodal_rec.service.auth import COOKIE, scope_of
from multimodal_rec.service.service import Service

FOLDER = Path(__file__).parent
VIEWS = {"": "discover", "item": "item", "admin": "admin"}

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(FOLDER / "templates")


def static_files() -> StaticFiles:
    """Styles and scripts, all of them our own."""
    return StaticFiles(directory=FOLDER / "static")


@router.get("/")
async def home() -> Response:
    """Lead to the page."""
    return RedirectResponse("/ui")


@router.get("/ui")
@router.get("/ui/{view}")
async def view(request: Request, view: str = "") -> Response:
    """One view of the page; what it shows is in its address, so that it can be shared."""
    service: Service = request.app.state.service
    keys = service.settings.keys
    if keys and scope_of(request.cookies.get(COOKIE, ""), keys) is None:
        return RedirectResponse("/sign-in")
    if view not in VIEWS:
        return templates.TemplateResponse(request, "missing.html", status_code=404)
    with service.recommender() as recommender:
        context = {"view": VIEWS[view], "items": len(recommender), "signed_in": bool(keys)}
    return templates.TemplateResponse(request, f"{VIEWS[view]}.html", context)


@router.get("/sign-in")
async def sign_in(request: Request) -> Response:
    """Ask for the API key."""
    return templates.TemplateResponse(request, "sign_in.html", {"wrong": False})


@router.post("/sign-in")
async def signed_in(request: Request, key: Annotated[str, Form(max_length=500)]) -> Response:
    """Keep a known API key in a cookie that scripts cannot read and other sites cannot use."""
    service: Service = request.app.state.service
    if scope_of(key, service.settings.keys) is None:
        return templates.TemplateResponse(request, "sign_in.html", {"wrong": True}, status_code=401)
    answer = RedirectResponse("/ui", status_code=303)
    answer.set_cookie(COOKIE, key, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer


@router.post("/sign-out")
async def sign_out() -> Response:
    """Forget the key."""
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer
