// How the service is.

import { ask, attempt, definitions, element, post, readable, say } from "/static/common.js";

const get = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");

function figures(status) {
  const counts = Object.entries(status.counts).map(([name, count]) => [readable(name), count]);
  get("figures").replaceChildren(...[["release", status.release], ...counts].map(([name, count]) =>
    element("li", {}, element("strong", {}, number.format(count)), element("span", {}, name))));
}

function training({ state, result, error, started }) {
  const words = {
    idle: "",
    training: `Learning since ${started ? new Date(started * 1000).toLocaleTimeString() : "now"}…`,
    done: result && `${result.reason}: release ${result.release} after ${Math.round(result.seconds)} s. Validation ${result.before} before, ${result.after} now.`,
    failed: `It failed: ${error}`,
  };
  get("training").textContent = words[state] || "";
  get("retrain").disabled = state === "training";
}

async function show() {
  const status = await attempt(() => ask("/admin/status"));
  if (!status) return;
  figures(status);
  training(status.training);
  definitions(get("release"), [
    ["published", new Date(status.created).toLocaleString()],
    ["text encoder", status.encoders.text],
    ["image encoder", status.encoders.image],
    ["running for", `${number.format(Math.round(status.uptime_seconds / 60))} min`],
    ["versions", Object.entries(status.versions).map(([name, version]) => `${name} ${version}`).join(", ")],
  ]);
  const metrics = Object.entries(status.metrics);
  definitions(get("report"), metrics.length ? metrics.map(([name, value]) => [readable(name), String(value)]) : [["validation", "nothing was learned: there are too few interactions"]]);
  get("full-report").hidden = !status.report;
  get("latency").replaceChildren(...status.latencies.map((row) => element("tr", {},
    element("th", { scope: "row" }, row.route), ...[number.format(row.requests), `${row.p50_ms} ms`, `${row.p99_ms} ms`].map((text) => element("td", {}, text)))));
}

get("retrain").addEventListener("click", () => attempt(async () => {
  await post("/admin/retrain", {});
  say("Learning has begun; answers go on meanwhile.");
  show();
}));
show();
setInterval(show, 5000);
