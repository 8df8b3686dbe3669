"""Recommendations, searches and likes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from multimodal_rec.errors import QueryError, RecommenderError
from multimodal_rec.feedback import weight_of
from multimodal_rec.interactions import Event
from multimodal_rec.recommender import Hit, Recommender
from multimodal_rec.service.auth import require
from multimodal_rec.service.lean_route import lean_route
from multimodal_rec.service.problems import RESPONSES, as_json
from multimodal_rec.service.schemas import (
    MOST_RESULTS,
    Id,
    Listing,
    Page,
    Pages,
    RatingRequest,
    Ratings,
    ReasonsAnswer,
    RecommendationBatch,
    SearchBatch,
    SearchBody,
    SessionEvent,
    SessionRequest,
    SimilarQuery,
    UserRequest,
    hit_fields,
    item_fields,
)
from multimodal_rec.service.service import Service
from multimodal_rec.service.settings import Scope
from multimodal_rec.service.uploads import received, upload_schema
from multimodal_rec.slate import Slate

_reads = require(Scope.READ)
router = APIRouter(tags=["Ask"], responses=RESPONSES, dependencies=[Depends(_reads)])


def page(hits: Sequence[Hit], listing: Listing | SearchBody | SimilarQuery, release: int) -> dict[str, Any]:
    """A `Page` as plain fields, of hits that begin with the first."""
    end = listing.offset + listing.k
    more = end if len(hits) >= end else None
    return {
        "results": [hit_fields(hit) for hit in hits[listing.offset : end]],
        "next_offset": more,
        "release": release,
    }


def _json(value: object) -> Response:
    """An answer without a second look: its fields were made for its schema, which the tests compare."""
    return Response(as_json(value), media_type="application/json")


def _recommend(recommender: Recommender, listing: Listing, user: str | None, events: list[Event] | None) -> list[Hit]:
    return recommender.recommend(
        user,
        history=events,
        k=listing.offset + listing.k,
        include_seen=listing.include_seen,
        where=listing.conditions(recommender),
        exclude=listing.exclude,
        slate=listing.slate(),
    )


def _search(
    recommender: Recommender, body: SearchBody, image: Path | None = None, video: Path | None = None
) -> list[Hit]:
    slate = Slate(diversity=body.diversity, unique=body.unique)
    k = body.offset + body.k
    hits = recommender.search(
        body.text,
        image=image,
        video=video,
        user=body.user_id,
        taste=body.taste,
        k=slate.pool(k),
        where=body.conditions(recommender),
        exclude=body.exclude,
        item=body.items,
        less_like=body.less_like,
    )
    return hits if slate.plain else recommender.arrange(hits, slate, k)


def _session(events: Sequence[SessionEvent]) -> list[Event]:
    return [Event("", e.item_id, e.timestamp, e.rating, weight_of(e.kind), e.kind) for e in events]


def recommend_to_user(request: Request, user_id: str, listing: Annotated[Listing, Query()]) -> Response:
    """What a user would like best, from all that they did until now."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        hits = _recommend(recommender, listing, user_id, None)
        return _json(page(hits, listing, recommender.manifest.number))


router.add_api_route(
    "/users/{user_id:path}/recommendations",
    recommend_to_user,
    response_model=Page,
    route_class_override=lean_route(_reads),
)


@router.get("/users/{user_id:path}/reasons", response_model=ReasonsAnswer)
def reasons(request: Request, user_id: str, item: str) -> Response:
    """Why an item is recommended to a user: where its score comes from, and what of their history it is like."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        found = recommender.reasons(item, user_id)
        items = recommender.items([item_id for item_id, _ in found.nearest])
    total = sum(max(score, 0) for score in found.contributions.values()) or 1.0
    shares = [
        {"name": name, "score": score, "share": max(score, 0) / total} for name, score in found.contributions.items()
    ]
    near = [{"likeness": likeness, "item": item_fields(items[item_id])} for item_id, likeness in found.nearest]
    return _json({"shares": shares, "nearest": near})


@router.get("/users/{user_id:path}/ratings", response_model=Ratings)
def ratings_of_user(
    request: Request, user_id: str, item: Annotated[list[Id], Query(min_length=1, max_length=MOST_RESULTS)]
) -> Response:
    """The ratings that a user would give items, on the scale of the log; repeat `item` for several."""
    return _ratings(request.app.state.service, RatingRequest(items=item), user_id, None)


@router.post("/ratings", response_model=Ratings)
def ratings(request: Request, body: RatingRequest) -> Response:
    """The ratings that a user would give items, or someone who gave the ratings of these events. Nothing is kept."""
    events = None if body.events is None else _session(body.events)
    return _ratings(request.app.state.service, body, body.user_id, events)


def _ratings(service: Service, asked: RatingRequest, user: str | None, events: list[Event] | None) -> Response:
    with service.recommender() as recommender:
        found = recommender.predict(user, asked.items, history=events)
        rows = [{"item_id": item_id, "rating": float(found[item_id])} for item_id in asked.items]
        return _json({"ratings": rows, "release": recommender.manifest.number})


@router.post("/recommendations", response_model=Page)
def recommend_to_visitor(request: Request, body: SessionRequest) -> Response:
    """What someone would like who has no account, from the events of their visit. Nothing of them is kept."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        hits = _recommend(recommender, body, None, _session(body.events))
        return _json(page(hits, body, recommender.manifest.number))


@router.post("/recommendations/batch", response_model=Pages)
def recommend_to_many(request: Request, body: RecommendationBatch) -> Response:
    """Lists for many users or visitors; one that cannot be made does not cost the others."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:

        def answer(each: UserRequest) -> dict[str, Any]:
            if (each.user_id is None) == (each.events is None):
                raise QueryError("give either user_id or events")
            events = None if each.events is None else _session(each.events)
            hits = _recommend(recommender, each, each.user_id, events)
            return page(hits, each, recommender.manifest.number)

        return _json({"answers": [_or_error(answer, each) for each in body.requests]})


@router.post(
    "/search",
    response_model=Page,
    openapi_extra=upload_schema(
        SearchBody,
        text={"type": "string"},
        user_id={"type": "string"},
        k={"type": "integer", "minimum": 1, "maximum": 200},
        offset={"type": "integer", "minimum": 0, "maximum": 2000},
        diversity={"type": "number", "minimum": 0, "maximum": 1},
        taste={"type": "number", "minimum": 0, "maximum": 1},
        items={"type": "array", "items": {"type": "string"}},
        less_like={"type": "array", "items": {"type": "string"}},
    ),
)
async def search(request: Request) -> Response:
    """Items like a text, an uploaded picture or clip, or any mix, leaning to a user's taste if one is named."""
    service: Service = request.app.state.service
    async with received(request) as form:
        body = form.parsed(SearchBody)

        def answer() -> Response:
            with service.recommender() as recommender:
                hits = _search(recommender, body, form.image, form.video)
                return _json(page(hits, body, recommender.manifest.number))

        return await run_in_threadpool(answer)


@router.post("/search/batch", response_model=Pages)
def search_many(request: Request, body: SearchBatch) -> Response:
    """Many searches by words; one that cannot be answered does not cost the others."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:

        def answer(each: SearchBody) -> dict[str, Any]:
            hits = _search(recommender, each)
            return page(hits, each, recommender.manifest.number)

        return _json({"answers": [_or_error(answer, each) for each in body.queries]})


@router.get("/items/{item_id:path}/similar", response_model=Page)
def similar_items(request: Request, item_id: str, listing: Annotated[SimilarQuery, Query()]) -> Response:
    """The items whose content is most like an item's."""
    service: Service = request.app.state.service
    with service.recommender() as recommender:
        hits = recommender.similar(
            item_id, k=listing.offset + listing.k, where=listing.conditions(recommender), exclude=listing.exclude
        )
        return _json(page(hits, listing, recommender.manifest.number))


def _or_error(answer: Any, each: object) -> dict[str, Any]:
    try:
        return {"page": answer(each), "error": None}
    except RecommenderError as error:
        return {"page": None, "error": str(error)}
