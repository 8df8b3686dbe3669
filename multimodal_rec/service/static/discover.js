// The first view: the catalogue, what was searched for, or what a user would like.

import { ask, attempt, card, chooseUsers, element, frame, itemAddress, nameOf, post, readable, say, small, user } from "/static/common.js";

const PAGE = 24;
const get = (id) => document.getElementById(id);
const grid = get("grid"), words = get("words"), file = get("file"), box = get("box"), example = get("example");
const diversity = get("diversity"), taste = get("taste"), more = get("more");

let dropped = null; // the picture or clip that is asked by
let next = null; // where the next page begins
let asked = 0; // answers to earlier questions are thrown away

const searching = () => words.value.trim() !== "" || dropped !== null;

function levels() {
  const variety = Number(diversity.value), lean = Number(taste.value);
  get("diversity-says").textContent = variety === 0 ? "none" : variety < 0.4 ? "a little" : variety < 0.75 ? "much" : "above all";
  get("taste-says").textContent = !user() ? "choose a user" : lean === 0 ? "the query alone" : lean < 0.4 ? "mostly the query" : lean < 0.7 ? "both" : "mostly their taste";
  taste.disabled = !user();
}

async function question(offset) {
  if (searching()) {
    const form = new FormData();
    if (words.value.trim()) form.set("text", words.value.trim());
    if (dropped) form.set(dropped.type.startsWith("video/") ? "video" : "image", dropped);
    if (user() && Number(taste.value) > 0) {
      form.set("user_id", user());
      form.set("taste", taste.value);
    }
    form.set("diversity", diversity.value);
    form.set("k", PAGE);
    form.set("offset", offset);
    const page = await ask("/search", { method: "POST", body: form });
    const by = [words.value.trim() && `“${words.value.trim()}”`, dropped && `like ${dropped.name || "the example"}`].filter(Boolean).join(" and ");
    return { title: `Found for ${by}`, note: user() && Number(taste.value) > 0 ? `leaning to the taste of ${user()}` : "", ...page };
  }
  if (user()) {
    const query = new URLSearchParams({ k: PAGE, offset, diversity: diversity.value });
    const page = await ask(`/users/${encodeURIComponent(user())}/recommendations?${query}`);
    return { title: `For ${user()}`, note: "liked and seen items are left out", why: true, ...page };
  }
  const page = await ask(`/items?k=${PAGE}&offset=${offset}`);
  return { title: "The catalogue", note: `${page.total} items`, results: page.items, next_offset: page.next_offset };
}

async function show({ append = false, compare = null } = {}) {
  const turn = ++asked;
  levels();
  grid.setAttribute("aria-busy", "true");
  const answer = await attempt(() => question(append ? next : 0));
  if (turn !== asked) return null;
  grid.setAttribute("aria-busy", "false");
  if (!answer) {
    if (!append) grid.replaceChildren();
    get("nothing").textContent = user() && !searching() ? `Nothing is known of ${user()} yet. Search, and like something.` : "There is no answer to this.";
    get("nothing").hidden = append;
    more.hidden = true;
    get("list-title").textContent = user() && !searching() ? `For ${user()}` : "No answer";
    get("list-note").textContent = "";
    return null;
  }
  get("list-title").textContent = answer.title;
  get("list-note").textContent = answer.note;
  get("nothing").hidden = append || answer.results.length > 0;
  get("nothing").textContent = "Nothing was found.";
  const cards = answer.results.map((item) => card(item, { told, badges: compare ? compare(item) : [], why: answer.why ? why : null }));
  if (append) grid.append(...cards);
  else {
    delete grid.dataset.shape;
    grid.replaceChildren(...cards);
  }
  if (compare) for (const node of cards) if (node.querySelector(".moved")) node.classList.add("fresh");
  next = answer.next_offset;
  more.hidden = next === null || answer.results.length === 0;
  return answer.results;
}

// An opinion changes the list: what moved is marked, and told.
async function told(kind, item) {
  const before = [...grid.children].map((node) => node.dataset.item);
  const own = grid.querySelector(`[data-item="${CSS.escape(item.item_id)}"]`);
  if (searching() || !before.length) {
    say(kind === "like" ? `${user()} likes ${nameOf(item)}.` : `${nameOf(item)} is not for ${user()}.`);
    return past();
  }
  own?.classList.add("gone");
  await new Promise((done) => setTimeout(done, 220));
  const remaining = before.filter((id) => id !== item.item_id);
  const results = await show({
    compare: (hit) => {
      const was = remaining.indexOf(hit.item_id), is = hit.rank - 1;
      if (was < 0) return [["new here", "moved"]];
      return was > is ? [[`up ${was - is}`, "moved"]] : [];
    },
  });
  await past();
  if (!results) return;
  const changed = results.filter((hit, place) => remaining[place] !== hit.item_id).length;
  say(`${kind === "like" ? "Liked" : "Disliked"} ${nameOf(item)}: ${changed} of ${results.length} places changed.`);
}

async function past() {
  const part = get("past");
  if (!user()) {
    part.hidden = true;
    return;
  }
  const answer = await fetch(`/users/${encodeURIComponent(user())}/history?k=40`);
  part.hidden = !answer.ok;
  if (!answer.ok) return;
  const { events, total } = await answer.json();
  get("past-title").textContent = `What ${user()} did (${total})`;
  get("history").replaceChildren(...events.filter((event) => event.item).map((event) => {
    const said = event.kind === "dislike" ? "disliked" : event.rating !== null ? `rated ${event.rating}` : event.kind ? `${event.kind}d`.replace("viewd", "viewed") : "liked";
    return small(event.item, element("small", { class: event.kind === "dislike" ? "dislike-mark" : "" }, said));
  }));
}

const COLOURS = ["c0", "c1", "c2", "c3", "c4"];

async function why(item) {
  const reason = await ask(`/users/${encodeURIComponent(user())}/reasons?item=${encodeURIComponent(item.item_id)}`);
  const parts = reason.shares.filter((share) => share.share > 0);
  const bar = element("div", { class: "shares", "aria-hidden": "true" });
  parts.forEach((share, place) => {
    const piece = element("i", { class: COLOURS[place % 5] });
    piece.style.width = `${100 * share.share}%`;
    bar.append(piece);
  });
  const legend = element("ul", {}, ...parts.map((share, place) =>
    element("li", {}, element("span", { class: `key ${COLOURS[place % 5]}` }), `${readable(share.name)} ${Math.round(100 * share.share)} %`)));
  const near = element("ul", {}, ...reason.nearest.map(({ item: known }) => {
    const picture = known.picture ? element("img", { src: known.picture, alt: "" }) : null;
    return element("li", {}, element("a", { href: itemAddress(known.item_id) }, picture, nameOf(known)));
  }));
  return [element("span", {}, "What speaks for it:"), bar, legend, ...(reason.nearest.length ? [element("p", {}, "Because of"), near] : [])];
}

// Asking by an example

function take(given) {
  if (given && !/^(image|video)\//.test(given.type)) return say("Only pictures and clips can be asked by.");
  dropped = given || null;
  example.hidden = !dropped;
  example.replaceChildren();
  if (dropped) {
    const address = URL.createObjectURL(dropped);
    const clip = dropped.type.startsWith("video/");
    const preview = clip ? element("video", { src: address, muted: true, preload: "metadata" }) : element("img", { src: address, alt: "" });
    const remove = element("button", { type: "button", "aria-label": `Remove ${dropped.name || "the example"}` }, "×");
    remove.addEventListener("click", () => { take(null); words.focus(); });
    example.append(preview, element("span", {}, dropped.name || "example"), remove);
  }
  file.value = "";
  return show();
}

get("pick").addEventListener("click", () => file.click());
file.addEventListener("change", () => file.files[0] && take(file.files[0]));
for (const kind of ["dragenter", "dragover"])
  document.addEventListener(kind, (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    box.classList.add("over");
  });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) box.classList.remove("over"); });
document.addEventListener("drop", (event) => {
  box.classList.remove("over");
  const given = event.dataTransfer.files[0];
  if (!given) return;
  event.preventDefault();
  take(given);
});
addEventListener("paste", (event) => {
  const given = [...(event.clipboardData?.files || [])][0];
  if (given) take(given);
});

// The address holds what is shown

function remember() {
  const address = new URL(location.href);
  if (words.value.trim()) address.searchParams.set("q", words.value.trim());
  else address.searchParams.delete("q");
  if (address.href !== location.href) history.pushState(null, "", address);
}

get("search").addEventListener("submit", (event) => {
  event.preventDefault();
  remember();
  show();
});
words.addEventListener("input", () => { if (!words.value) { remember(); show(); } });
let turning;
for (const knob of [diversity, taste])
  knob.addEventListener("input", () => {
    levels();
    clearTimeout(turning);
    turning = setTimeout(() => (searching() || user()) && show(), 200);
  });
more.addEventListener("click", () => show({ append: true }));

const start = () => {
  words.value = new URLSearchParams(location.search).get("q") || "";
  show();
  past();
};
chooseUsers(start);
start();
