// One item: its picture or clip, its shots, what is like it.

import { ask, attempt, card, chooseUsers, definitions, element, frame, nameOf, opinionButtons, readable, say, user } from "/static/common.js";

const get = (id) => document.getElementById(id);
const id = new URLSearchParams(location.search).get("id") || "";
const path = `/items/${encodeURIComponent(id)}`;

function media(item) {
  if (item.clip) {
    const player = element("video", { src: item.clip, controls: true, playsInline: true, preload: "metadata", poster: item.picture ? `${item.picture}&large=true` : "" });
    player.setAttribute("aria-label", `Clip of ${nameOf(item)}`);
    return player;
  }
  if (item.picture) return element("img", { src: `${item.picture}&large=true`, alt: `Picture of ${nameOf(item)}` });
  return frame(item).firstChild;
}

function shots(item) {
  get("shots-part").hidden = item.shots.length < 2;
  const player = document.querySelector("#media video");
  get("shots").replaceChildren(...item.shots.map((shot) => {
    const until = (shot.end - shot.start).toFixed(1);
    const button = element("button", { type: "button", "aria-label": `Play from ${shot.at}` },
      frame(item, `${item.picture}&start=${shot.start}&end=${shot.end}`), element("span", { class: "name" }, shot.at), element("small", {}, `${until} s`));
    button.addEventListener("click", () => {
      player.currentTime = shot.start;
      player.play().catch(() => {});
      player.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
    return element("li", {}, button);
  }));
}

const value = (thing) => (thing === true ? "yes" : thing === false ? "no" : typeof thing === "object" ? JSON.stringify(thing) : String(thing));

async function told(kind, item) {
  say(kind === "like" ? `${user()} likes ${nameOf(item)}.` : `${nameOf(item)} is not for ${user()}.`);
}

async function start() {
  const item = await attempt(() => ask(path));
  get("item").setAttribute("aria-busy", "false");
  if (!item) {
    get("title").textContent = "There is no such item";
    return;
  }
  document.title = `${nameOf(item)} · multimodal-rec`;
  get("title").textContent = nameOf(item);
  get("description").textContent = item.description || "";
  get("tags").replaceChildren(...item.categories.map((name) => element("li", {}, name)));
  get("media").replaceChildren(media(item));
  get("opinions").replaceChildren(...opinionButtons(item, told, true));
  definitions(get("attributes"), Object.entries(item.attributes).map(([name, each]) => [readable(name), value(each)]));
  shots(item);
  const page = await attempt(() => ask(`${path}/similar?k=12`));
  get("grid").replaceChildren(...(page?.results || []).map((hit) => card(hit, { told })));
  get("grid").setAttribute("aria-busy", "false");
}

chooseUsers(() => {});
start();
