"""The page in a real browser: find by words and by dropped files, like, and see the list change."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.multimodal_rec.service.conftest import SAMPLE
from tests.multimodal_rec.service.running import Running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium: apt-get install chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")

from playwright.sync_api import Browser, Page, expect  # noqa: E402

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    workspace = Path(shutil.copytree(built, tmp_path_factory.mktemp("page") / "ws"))
    with Running(workspace) as running:
        yield running


@pytest.fixture(params=list(SIZES))
def page(request: pytest.FixtureRequest, browser: Browser, running: Running) -> Iterator[Page]:
    """A page that fails the test on any error of a script, and on any request to elsewhere."""
    width, height = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=running.base, reduced_motion="reduce"
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda sent: None if sent.url.startswith((running.base, "data:", "blob:")) else wrong.append(sent.url),
    )
    yield page
    context.close()
    assert wrong == []


def cards(page: Page) -> list[str]:
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")
    return [str(node.get_attribute("data-item")) for node in page.locator("#grid > .card").all()]


def until(page: Page, expression: str) -> None:
    """Wait for something to be true; the page's own policy forbids Playwright's way."""
    deadline = time.monotonic() + 15
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def drop(page: Page, path: Path, kind: str) -> None:
    """Drop a file on the search box, as from a file manager."""
    data = base64.b64encode(path.read_bytes()).decode()
    transfer = page.evaluate_handle(
        """([data, name, type]) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [data, path.name, kind],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("#box", event, {"dataTransfer": transfer})


def test_the_catalogue_is_shown_and_more_of_it(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#grid > .card")).to_have_count(24)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#grid > .card")).to_have_count(36)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    first = page.locator("#grid img").first
    first.scroll_into_view_if_needed()
    until(page, "document.querySelector('#grid img').naturalWidth > 0")
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0


def test_words_are_searched_for(page: Page, running: Running) -> None:
    page.goto("/ui")
    page.get_by_role("searchbox", name="Words to look for").fill("fog signal horn at sea")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Found for")).to_be_visible()
    asked = httpx.post(f"{running.base}/search", json={"text": "fog signal horn at sea", "k": 24}).json()
    assert cards(page) == [hit["item_id"] for hit in asked["results"]]
    page.reload()
    expect(page.get_by_role("heading", name="Found for")).to_be_visible()


def test_a_dropped_picture_and_a_dropped_clip_are_found(page: Page, running: Running) -> None:
    page.goto("/ui")
    items = httpx.get(f"{running.base}/items?k=200").json()["items"]
    still = next(item["item_id"] for item in items if not item["clip"])
    moving = next(item["item_id"] for item in items if item["clip"])
    drop(page, SAMPLE / f"images/{still}.jpg", "image/jpeg")
    expect(page.get_by_role("heading", name="Found for like")).to_be_visible()
    expect(page.locator("#grid > .card").first).to_have_attribute("data-item", still)
    drop(page, SAMPLE / f"videos/{moving}.webm", "video/webm")
    expect(page.locator("#grid > .card").first).to_have_attribute("data-item", moving)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="The catalogue", exact=True)).to_be_visible()


def test_a_like_changes_the_list_before_the_eyes(page: Page, running: Running) -> None:
    page.goto("/ui")
    page.get_by_role("combobox", name="As").fill("ada")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("heading", name="For ada")).to_be_visible()
    expect(page.get_by_role("heading", name="What ada did")).to_be_visible()
    before = cards(page)
    done = int(page.locator("#past-title").inner_text().split("(")[1].rstrip(")"))
    liked = before[4]
    page.locator(f".card[data-item='{liked}']").get_by_role("button", name="Like:").click()
    expect(page.get_by_role("status").filter(has_text="places changed")).to_be_visible()
    after = cards(page)
    assert liked not in after
    assert after != [item for item in before if item != liked]
    expect(page.locator("#past-title")).to_have_text(f"What ada did ({done + 1})")
    asked = httpx.get(f"{running.base}/users/ada/recommendations?k=24").json()
    assert after == [hit["item_id"] for hit in asked["results"]]
    unwanted = after[0]
    page.locator(f".card[data-item='{unwanted}']").get_by_role("button", name="Not for me").click()
    expect(page.get_by_role("status").filter(has_text="Disliked")).to_be_visible()
    assert unwanted not in cards(page)


def test_why_is_told_on_request(page: Page, running: Running) -> None:
    page.goto("/ui?user=bo")
    expect(page.get_by_role("heading", name="For bo")).to_be_visible()
    first = cards(page)[0]
    own = page.locator(f".card[data-item='{first}']")
    own.get_by_role("button", name="Why").click()
    asked = httpx.get(f"{running.base}/users/bo/reasons", params={"item": first}).json()
    for near in asked["nearest"]:
        expect(own.locator(".because").get_by_role("link", name=near["item"]["title"])).to_be_visible()
    for share in asked["shares"]:
        if share["share"] > 0:
            expect(own.locator(".because")).to_contain_text(f"{share['name']} {round(100 * share['share'])} %")
    own.get_by_role("button", name="Why").click()
    expect(own.locator(".because")).to_have_count(0)


def test_the_taste_slider_leans_a_search(page: Page, running: Running) -> None:
    page.goto("/ui?user=ada&q=mountains+and+snow")
    expect(page.get_by_role("heading", name="Found for")).to_be_visible()
    plain = cards(page)
    with page.expect_response(lambda answer: answer.url.endswith("/search")):
        page.get_by_role("slider", name="Taste").fill("0.7")
    body = {"text": "mountains and snow", "user_id": "ada", "taste": 0.7, "k": 24}
    expected = [hit["item_id"] for hit in httpx.post(f"{running.base}/search", json=body).json()["results"]]
    assert expected != plain
    expect(page.locator("#grid > .card").first).to_have_attribute("data-item", expected[0])
    assert cards(page) == expected


def test_the_variety_slider_changes_the_list(page: Page, running: Running) -> None:
    page.goto("/ui?user=bo")
    expect(page.get_by_role("heading", name="For bo")).to_be_visible()
    before = cards(page)
    with page.expect_response(lambda answer: "diversity=0.8" in answer.url):
        page.get_by_label("Variety").fill("0.8")
    asked = httpx.get(f"{running.base}/users/bo/recommendations?k=24&diversity=0.8").json()
    expected = [hit["item_id"] for hit in asked["results"]]
    expect(page.locator("#grid > .card").nth(1)).to_have_attribute("data-item", expected[1])
    assert cards(page) == expected != before


def test_an_item_shows_its_shots_and_its_like(page: Page, running: Running) -> None:
    items = httpx.get(f"{running.base}/items?k=200").json()["items"]
    shots: list[dict] = []
    for item in items:
        if item["clip"] and not shots:
            found = httpx.get(f"{running.base}/items/{item['item_id']}").json()
            if len(found["shots"]) > 1:
                shots, name = found["shots"], found
    page.goto(f"/ui/item?id={name['item_id']}")
    expect(page.get_by_role("heading", name=name["title"]).first).to_be_visible()
    expect(page.locator("#shots li")).to_have_count(len(shots))
    until(page, "document.querySelector('#media video').readyState >= 1")
    page.get_by_role("button", name=f"Play from {shots[1]['at']}").last.click()
    at = page.evaluate("document.querySelector('#media video').currentTime")
    assert at >= shots[1]["start"] - 0.05
    asked = httpx.get(f"{running.base}/items/{name['item_id']}/similar?k=12").json()
    assert cards(page) == [hit["item_id"] for hit in asked["results"]]
    for tag in name["categories"]:
        expect(page.locator("#tags").get_by_text(tag, exact=True)).to_be_visible()


def test_the_service_view_tells_release_and_latency(page: Page) -> None:
    page.goto("/ui/admin")
    expect(page.locator("#figures li").filter(has_text="items").locator("strong")).to_have_text("36")
    expect(page.locator("#latency tr").filter(has_text="GET /admin/status")).to_be_visible(timeout=15_000)


def test_everything_can_be_reached_by_keyboard_and_has_a_name(page: Page) -> None:
    page.goto("/ui?user=ada")
    cards(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input:not([type=file])")]
            .filter((node) => node.offsetParent !== null)
            .filter((node) => !(node.getAttribute("aria-label") || node.innerText?.trim() || node.labels?.length))
            .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#search') !== null")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Browser, running: Running, scheme: str) -> None:
    """WCAG 2.2: at least 4.5 to 1 for the colours that text is set in."""
    page = browser.new_page(base_url=running.base, color_scheme=scheme)
    page.goto("/ui")
    ratios = page.evaluate(
        """() => {
            const style = getComputedStyle(document.documentElement);
            const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            const light = (name) => {
                canvas.fillStyle = style.getPropertyValue(name);
                canvas.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
                    .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const pairs = [["--ink", "--paper"], ["--ink", "--card"], ["--soft", "--paper"], ["--soft", "--card"],
                ["--soft", "--tint"], ["--accent", "--card"], ["--on-accent", "--accent"], ["--card", "--good"],
                ["--bad", "--paper"]];
            return Object.fromEntries(pairs.map(([a, b]) => {
                const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
                return [a + " on " + b, (bright + 0.05) / (dark + 0.05)];
            }));
        }"""
    )
    page.close()
    assert len(ratios) == 9
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}
