// What the views share: asking the service, the chosen user, cards, and telling what happened.

export class Refused extends Error {}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refused("The service cannot be reached.");
  }
  if (answer.status === 401) location.assign("/sign-in");
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(body.detail || `The service answered ${answer.status}.`);
  return body;
}

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

let silence;
export function say(words) {
  const toast = document.getElementById("said");
  toast.textContent = words;
  toast.classList.add("shown");
  clearTimeout(silence);
  silence = setTimeout(() => toast.classList.remove("shown"), 4500);
}

// Runs something that asks the service; what is refused is told, and returns undefined.
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(error.message);
    return undefined;
  }
}

export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") node.className = value;
    else if (key in node && !key.startsWith("aria")) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// Who is asking

const params = new URLSearchParams(location.search);
export const user = () => new URLSearchParams(location.search).get("user") || "";
export const itemAddress = (id) => `/ui/item?${new URLSearchParams({ id, ...(user() && { user: user() }) })}`;

export function keepUserInLinks() {
  for (const link of document.querySelectorAll(".bar a[href^='/ui']")) {
    const address = new URL(link.href);
    if (user()) address.searchParams.set("user", user());
    else address.searchParams.delete("user");
    link.href = address.pathname + address.search;
  }
}

export function chooseUsers(changed) {
  const form = document.getElementById("who");
  const input = document.getElementById("user");
  const list = document.getElementById("users");
  input.value = params.get("user") || "";
  let waiting;
  const suggest = () => attempt(async () => {
    const { users } = await ask(`/users?k=30&prefix=${encodeURIComponent(input.value)}`);
    list.replaceChildren(...users.map((name) => element("option", { value: name })));
    if (users.includes(input.value) && input.value !== user()) choose();
  });
  const choose = () => {
    const address = new URL(location.href);
    if (input.value.trim()) address.searchParams.set("user", input.value.trim());
    else address.searchParams.delete("user");
    if (address.href === location.href) return;
    history.pushState(null, "", address);
    keepUserInLinks();
    changed();
  };
  input.addEventListener("focus", suggest, { once: true });
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(suggest, 180);
  });
  input.addEventListener("change", choose);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    choose();
  });
  addEventListener("popstate", () => {
    input.value = user();
    keepUserInLinks();
    changed();
  });
  keepUserInLinks();
}

// Cards

const hue = (text) => [...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
export const nameOf = (item) => item.title || item.item_id;

export function frame(item, address = item.picture) {
  const box = element("div", { class: "frame" });
  const plain = () => {
    const tile = element("div", { class: "plain" }, nameOf(item));
    tile.setAttribute("aria-hidden", "true");
    tile.style.setProperty("--hue", hue(item.item_id));
    box.replaceChildren(tile);
  };
  if (!address) {
    plain();
    return box;
  }
  const picture = element("img", { src: address, alt: "", loading: "lazy", decoding: "async" });
  picture.addEventListener("error", plain);
  picture.addEventListener("load", () => shapeOf(box, picture));
  box.append(picture);
  return box;
}

// A grid takes the shape of its first pictures: posters stand, photos lie.
function shapeOf(box, picture) {
  const grid = box.closest(".grid");
  if (!grid || grid.dataset.shape) return;
  const ratio = picture.naturalWidth / picture.naturalHeight;
  grid.dataset.shape = ratio < 0.85 ? "tall" : ratio > 1.6 ? "wide" : "even";
}

const HEART = "M12 20s-7.5-4.6-7.5-10A4.2 4.2 0 0 1 12 7.6 4.2 4.2 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10z";
const CROSS = "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z M6.5 6.5l11 11";

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", "22");
  svg.setAttribute("height", "22");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(svg.namespaceURI, "path");
  for (const [key, value] of Object.entries({ d: path, fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linejoin": "round" }))
    line.setAttribute(key, value);
  svg.append(line);
  return svg;
}

export function opinionButtons(item, told, withWords = false) {
  return [["like", HEART, "Like"], ["dislike", CROSS, "Not for me"]].map(([kind, path, words]) => {
    const button = element("button", { type: "button", class: kind, "aria-label": `${words}: ${nameOf(item)}`, "aria-pressed": "false", title: words }, icon(path));
    if (withWords) button.append(` ${words}`);
    button.addEventListener("click", () => attempt(async () => {
      if (!user()) return say("Choose a user first: an opinion has to be someone's.");
      button.disabled = true;
      try {
        await post("/events", { events: [{ user_id: user(), item_id: item.item_id, kind, id: crypto.randomUUID() }] });
        button.setAttribute("aria-pressed", "true");
        await told(kind, item);
      } finally {
        button.disabled = false;
      }
    }));
    return button;
  });
}

export function card(item, { told, badges = [], why = null } = {}) {
  const title = element("h3", {}, element("a", { class: "open", href: itemAddress(item.item_id) }, nameOf(item)));
  const words = element("div", { class: "words" }, title, element("p", {}, item.categories.join(" · ")));
  const box = frame(item);
  const labels = [...badges];
  if (item.matched?.modality === "video") labels.push([`at ${item.matched.at}`, ""]);
  else if (item.clip) labels.push(["clip", ""]);
  if (labels.length) box.append(element("div", { class: "badge" }, ...labels.map(([text, kind]) => element("span", { class: kind }, text))));
  const node = element("li", { class: "card" }, box, words);
  node.dataset.item = item.item_id;
  const acts = element("div", { class: "acts" }, ...opinionButtons(item, told || (() => say("Noted."))));
  if (why) acts.append(whyButton(node, item, why));
  node.append(acts);
  return node;
}

function whyButton(node, item, why) {
  const button = element("button", { type: "button", class: "why", "aria-expanded": "false", "aria-label": `Why ${nameOf(item)}?` }, "Why?");
  button.addEventListener("click", () => attempt(async () => {
    const open = node.querySelector(".because");
    if (open) open.remove();
    else node.append(element("div", { class: "because" }, ...(await why(item))));
    button.setAttribute("aria-expanded", String(!open));
  }));
  return button;
}

export function small(item, note = null) {
  const link = element("a", { href: itemAddress(item.item_id), title: nameOf(item) }, frame(item), element("span", { class: "name" }, nameOf(item)));
  if (note) link.append(note);
  return element("li", {}, link);
}

export function definitions(list, entries) {
  list.replaceChildren(...entries.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

export const readable = (name) => name.replaceAll("_", " ");
