"""The bodies of requests and answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from multimodal_rec.feedback import Kind
from multimodal_rec.filters import AVAILABLE_NOW
from multimodal_rec.items import Item, check_id
from multimodal_rec.parts import Part
from multimodal_rec.query import TASTE
from multimodal_rec.recommender import Hit, Recommender
from multimodal_rec.slate import Boost, Slate

MOST_EVENTS = 1000
MOST_ITEMS = 1000
MOST_QUERIES = 100
MOST_EXAMPLES = 20
MOST_RESULTS = 200
DEEPEST = 2000
"""Offsets of pages."""


def _checked_id(value: str) -> str:
    return check_id(value, "id")


Id = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_checked_id)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=MOST_RESULTS)]
Offset = Annotated[int, Field(ge=0, le=DEEPEST)]
Share = Annotated[float, Field(ge=0, le=1)]
Where = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=20)]
"""Conditions such as "price<=20", "language=en,fr" or "genre!=Horror"; all have to be met."""
Exclude = Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=1000)]
"""Ids of items to leave out."""


class Strict(BaseModel):
    """A body whose misspelt fields are refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class BoostBody(Strict):
    """Moves items whose `field` is or holds `value` up by `amount`, in deviations of the scores."""

    field: Annotated[str, Field(min_length=1, max_length=100)]
    value: str | bool | int | Number
    amount: Annotated[float, Field(ge=-10, le=10)]


class Choice(Strict):
    """Which items are to choose from."""

    where: Where = []
    exclude: Exclude = []
    include_unavailable: bool = False
    """Also what is withdrawn, expired or not yet published."""

    def conditions(self, recommender: Recommender) -> list[str]:
        """All conditions, that of being available included where items tell."""
        told = recommender.tells_availability and not self.include_unavailable
        return [*self.where, AVAILABLE_NOW] if told else self.where


class Listing(Choice):
    """How a list is put together, and which part of it is asked for."""

    k: Count = 10
    """How many items."""
    offset: Offset = 0
    """How many are skipped: pass the answer's `next_offset` for the next page."""
    diversity: Share = 0.0
    """How much unlikeness to the items above counts beside the score."""
    new_share: Share = 0.0
    """Share of places for items without any event."""
    unique: bool = False
    """Show only the best of nearly identical items."""
    per_category: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Places at the most for one category."""
    include_seen: bool = False
    """Also what is in the history."""

    def slate(self) -> Slate:
        """The same as the recommender takes it."""
        return Slate(self.diversity, self.new_share, self.unique, self.per_category)


class BoostedListing(Listing):
    """A list with boosts, which fit no query of an address."""

    boosts: Annotated[list[BoostBody], Field(max_length=20)] = []
    """What is to be seen more, or less."""

    def slate(self) -> Slate:
        """The same as the recommender takes it."""
        boosts = tuple(Boost(boost.field, boost.value, boost.amount) for boost in self.boosts)
        return replace(super().slate(), boosts=boosts)


class SessionEvent(Strict):
    """Something that a visitor without an account did."""

    item_id: Id
    kind: Kind = "view"
    rating: Number | None = None
    timestamp: Annotated[float, Field(ge=0, le=1e11)] | None = None
    """Seconds since 1970; events without a time count as the oldest, in their order."""


class EventBody(SessionEvent):
    """Something that a user did."""

    user_id: Id
    id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Of the event: one that was sent before is not counted again."""


class Events(Strict):
    """One event or many."""

    events: Annotated[list[EventBody], Field(min_length=1, max_length=MOST_EVENTS)]


class Accepted(BaseModel):
    """What became of events; all of them are on the disk."""

    new: int
    known: int
    """Events that had been sent before."""


class SessionRequest(BoostedListing):
    """A list for someone who need not be known."""

    events: Annotated[list[SessionEvent], Field(min_length=1, max_length=MOST_EVENTS)]


class UserRequest(BoostedListing):
    """A list for a user, or for the events of a visitor."""

    user_id: Id | None = None
    events: Annotated[list[SessionEvent], Field(max_length=MOST_EVENTS)] | None = None


class RatingRequest(Strict):
    """Items whose ratings are asked for: those that a user would give, or a visitor with these events."""

    items: Annotated[list[Id], Field(min_length=1, max_length=MOST_ITEMS)]
    user_id: Id | None = None
    events: Annotated[list[SessionEvent], Field(max_length=MOST_EVENTS)] | None = None
    """Those with a rating count."""


class RecommendationBatch(Strict):
    """Many lists at once."""

    requests: Annotated[list[UserRequest], Field(min_length=1, max_length=MOST_QUERIES)]


class SearchBody(Choice):
    """What to look for; at least one of text, items and user."""

    text: Annotated[str, Field(max_length=10_000)] | None = None
    items: Annotated[list[Id], Field(max_length=MOST_EXAMPLES)] = []
    """Ids of items to find the like of; they are no answers themselves."""
    less_like: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=10_000)]], Field(max_length=MOST_EXAMPLES)
    ] = []
    """What to keep away from: ids of items, or words."""
    user_id: Id | None = None
    taste: Share = TASTE
    """From 0, only what is asked for counts, to 1, only the user's taste does; at .5 both tell items apart alike."""
    k: Count = 10
    offset: Offset = 0
    diversity: Share = 0.0
    """How much unlikeness to the items above counts beside the score."""
    unique: bool = False
    """Show only the best of nearly identical items."""


class SearchBatch(Strict):
    """Many searches at once."""

    queries: Annotated[list[SearchBody], Field(min_length=1, max_length=MOST_QUERIES)]


class SimilarQuery(Choice):
    """Which part of the list of similar items is asked for."""

    k: Count = 10
    offset: Offset = 0


class ItemBody(BaseModel):
    """An item without its media; further fields are its attributes. Media of an item that is replaced stay."""

    model_config = ConfigDict(extra="allow")

    title: Annotated[str, Field(max_length=2000)] | None = None
    description: Annotated[str, Field(max_length=100_000)] | None = None
    categories: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)] = []


class NewItem(ItemBody):
    """An item with its id."""

    id: Id


class NewItems(Strict):
    """Items to add or replace."""

    items: Annotated[list[NewItem], Field(min_length=1, max_length=MOST_ITEMS)]


class PartAnswer(BaseModel):
    """Where in an item: seconds of a clip, characters of a text."""

    modality: Literal["text", "image", "video"]
    start: float
    end: float
    at: str | None = None
    """The start in a clip as minutes and seconds."""


class ItemAnswer(BaseModel):
    """An item."""

    item_id: str
    title: str | None
    description: str | None
    categories: list[str]
    attributes: dict[str, Any]
    picture: str | None
    """Address of a small picture."""
    clip: str | None
    """Address of the clip."""
    shots: list[PartAnswer] = []


class HitAnswer(BaseModel):
    """One place of a list. Scores are comparable within a list, not between lists."""

    rank: int
    item_id: str
    score: float
    title: str | None
    categories: list[str]
    attributes: dict[str, Any]
    picture: str | None
    clip: str | None
    matched: PartAnswer | None
    """The shot or passage that matched best, where one did better than the whole."""
    passage: str | None
    """The words of that passage."""
    contributions: dict[str, float] | None
    """How much of the score of a search each part of the query gave; null for other lists."""


class Page(BaseModel):
    """A part of a list."""

    results: list[HitAnswer]
    next_offset: int | None
    """Where the next page begins; null on the last."""
    release: int


class PageOrProblem(BaseModel):
    """The answer to one request of a batch: either a page, or why there is none."""

    page: Page | None = None
    error: str | None = None


class Pages(BaseModel):
    """The answers to a batch, in its order."""

    answers: list[PageOrProblem]


class Items(BaseModel):
    """A part of the catalogue."""

    items: list[ItemAnswer]
    total: int
    next_offset: int | None


class HistoryEntry(BaseModel):
    """An event of a user, with the item if it is still there."""

    item_id: str
    kind: str | None
    rating: float | None
    timestamp: float | None
    item: ItemAnswer | None


class History(BaseModel):
    """A user's events, newest first."""

    events: list[HistoryEntry]
    total: int
    next_offset: int | None


class Contribution(BaseModel):
    """A part of a score."""

    name: Literal["taste", "popularity", "subject", "looks"]
    """Learned from users, how popular it is, what it is about, how it looks."""
    score: float
    share: float
    """Of all that speaks for the item; 0 for what speaks against it."""


class Near(BaseModel):
    """An item of the history that is like the recommended one."""

    likeness: float
    item: ItemAnswer


class ReasonsAnswer(BaseModel):
    """Why an item is recommended to a user."""

    shares: list[Contribution]
    nearest: list[Near]


class RatingAnswer(BaseModel):
    """What an item would be rated."""

    item_id: str
    rating: float
    """On the scale of the log."""


class Ratings(BaseModel):
    """What items would be rated, in the order in which they were asked for."""

    ratings: list[RatingAnswer]
    release: int


class Users(BaseModel):
    """Ids of users, in alphabetical order."""

    users: list[str]
    next_offset: int | None


class Deleted(BaseModel):
    """How many rows are gone."""

    deleted: int


class Changed(BaseModel):
    """Which release has the change."""

    release: int
    items: int
    """Items that can be found now."""


class State(BaseModel):
    """Whether the service is well."""

    status: str
    release: int | None = None


def picture_address(item_id: str, image: Path | None, video: Path | None, shot: Part | None = None) -> str | None:
    """Where the page finds an item's picture; None where it has neither picture nor clip."""
    if image is None and video is None:
        return None
    address = f"/media/picture?item={quote(item_id, safe='')}"
    return f"{address}&start={shot.start:.3f}&end={shot.end:.3f}" if shot else address


def clip_address(item_id: str, video: Path | None) -> str | None:
    """Where the page finds an item's clip."""
    return f"/media/clip?item={quote(item_id, safe='')}" if video else None


def item_fields(item: Item) -> dict[str, Any]:
    """An `ItemAnswer` as plain fields."""
    return {
        "item_id": item.id,
        "title": item.title,
        "description": item.description,
        "categories": list(item.categories),
        "attributes": dict(item.attributes),
        "picture": picture_address(item.id, item.image, item.video),
        "clip": clip_address(item.id, item.video),
        "shots": [],
    }


def hit_fields(hit: Hit) -> dict[str, Any]:
    """A `HitAnswer` as plain fields."""
    shot = hit.matched if hit.matched and hit.matched.modality == "video" and hit.video else None
    return {
        "rank": hit.rank,
        "item_id": hit.item_id,
        "score": float(hit.score),
        "title": hit.title,
        "categories": list(hit.categories),
        "attributes": dict(hit.attributes),
        "picture": picture_address(hit.item_id, hit.image, hit.video, shot),
        "clip": clip_address(hit.item_id, hit.video),
        "matched": hit.matched.as_json() if hit.matched else None,
        "passage": hit.passage,
        "contributions": {name: float(given) for name, given in hit.contributions.items()}
        if hit.contributions
        else None,
    }
