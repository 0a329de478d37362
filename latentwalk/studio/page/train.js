// Training from the page: what to learn from, how, and what comes of it while it forms.
import { html, signal, useEffect, useRef } from "./lib.js";
import { classColour, palette } from "./colours.js";
import { attempt, openRuns, place, source, studio, trouble } from "./state.js";
import { bitmapOf } from "./wire.js";

const queue = signal(null);                   // { jobs, choices }
const wanted = signal({ data: "mnist-5k", recipe: "vae", latent: "", epochs: "" });
const EVERY = 1500;                           // milliseconds between two looks

const refresh = () => attempt(async () => { queue.value = await source.value.json("training"); });

const STATES = { queued: "waits", learning: "learns", judging: "is being judged", done: "done", failed: "failed" };

function Form() {
  const { choices } = queue.value, now = wanted.value, file = useRef();
  const set = (name) => (event) => { wanted.value = { ...now, [name]: event.target.value }; };
  const begin = (event) => {
    event.preventDefault();
    attempt(async () => {
      const number = (text) => (text === "" ? null : Number(text));
      await source.value.json("training", { data: now.data, recipe: now.recipe, latent: number(now.latent), epochs: number(now.epochs) });
      await refresh();
    });
  };
  const upload = () => attempt(async () => {
    const [chosen] = file.current.files;
    if (!chosen) return;
    const answer = await source.value.ask(`training/given?name=${encodeURIComponent(chosen.name)}`, { body: await chosen.arrayBuffer(), kind: "application/octet-stream" });
    const { data } = await answer.json();
    await refresh();
    wanted.value = { ...wanted.value, data };
  });
  return html`<form class="form" onSubmit=${begin}><h2>Train a model</h2>
    <label>data <select value=${now.data} onChange=${set("data")}>${Object.keys(choices.data).map((name) => html`<option value=${name}>${name.replace(/^given\//, "")}</option>`)}</select></label>
    <p class="quiet">${choices.data[now.data]}</p>
    <label class="button">Upload data…<input ref=${file} class="away" type="file" accept=".csv,.npy,.npz,.txt,.zip,.parquet" onChange=${upload} /></label>
    <label>recipe <select value=${now.recipe} onChange=${set("recipe")}>${choices.recipes.map((name) => html`<option>${name}</option>`)}</select></label>
    <label>dimensions <input type="number" min="1" max="4096" placeholder="the recipe’s own" value=${now.latent} onInput=${set("latent")} /></label>
    <label>epochs, at most <input type="number" min="1" placeholder="by the number of examples" value=${now.epochs} onInput=${set("epochs")} /></label>
    <button class="primary">Begin</button>
    <p class="quiet">One model learns at a time; others wait for their turn. It goes on when this page is closed.</p></form>`;
}

// Losses over epochs: of rows learnt from a line, of others a dashed one.
function Losses({ epochs }) {
  const canvas = useRef();
  useEffect(() => {
    const element = canvas.current, box = element.getBoundingClientRect(), ratio = window.devicePixelRatio || 1, colours = palette.value;
    element.width = box.width * ratio; element.height = box.height * ratio;
    const context = element.getContext("2d"), wide = box.width, high = box.height;
    context.scale(ratio, ratio);
    const all = epochs.flatMap((one) => [one.loss, one.validation_loss]).filter(Number.isFinite).sort((a, b) => a - b);
    if (!all.length) return;
    const low = all[0], top = all[Math.min(all.length - 1, Math.ceil(0.98 * all.length))], span = top - low || 1, left = 46, bottom = 20;
    const x = (k) => left + ((wide - left - 8) * k) / Math.max(1, epochs.length - 1), y = (value) => 8 + (high - bottom - 12) * (1 - Math.min(1.05, (value - low) / span));
    context.font = "11px system-ui, sans-serif"; context.fillStyle = colours.muted; context.textAlign = "right"; context.textBaseline = "middle";
    for (let k = 0; k < 4; k++) {
      const value = low + (span * k) / 3;
      context.fillText(Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4), left - 6, y(value));
      context.strokeStyle = colours.line; context.lineWidth = 1;
      context.beginPath(); context.moveTo(left, y(value)); context.lineTo(wide - 8, y(value)); context.stroke();
    }
    context.textAlign = "center"; context.fillText("1", x(0), high - 8);
    if (epochs.length > 1) context.fillText(String(epochs.length), x(epochs.length - 1), high - 8);
    context.fillText("epochs", (left + wide) / 2, high - 8);
    for (const [name, dash] of [["loss", []], ["validation_loss", [5, 3]]]) {
      context.setLineDash(dash); context.lineWidth = 1.8; context.strokeStyle = name === "loss" ? colours.on : colours.off;
      context.beginPath();
      epochs.forEach((one, k) => { if (Number.isFinite(one[name])) context.lineTo(x(k), y(one[name])); });
      context.stroke();
    }
    const best = epochs.findLastIndex((one) => one.best), kept = epochs[best]?.validation_loss ?? epochs[best]?.loss;
    context.setLineDash([]);
    if (best >= 0) { context.strokeStyle = colours.ink; context.beginPath(); context.arc(x(best), y(kept), 4, 0, 6.3); context.stroke(); }
  }, [epochs, palette.value]);
  return html`<canvas class="curve" ref=${canvas} role="img" aria-label="Losses over ${epochs.length} epochs: a line for rows learnt from, dashed for others; a ring marks the weights that are kept"></canvas>
    <p class="quiet">loss, in nats an example: rows learnt from (line), others (dashed); the ring marks the weights that are kept</p>`;
}

function Forming({ found }) {
  const map = useRef(), made = useRef();
  useEffect(() => {
    const element = map.current, side = 440, context = element.getContext("2d"), places = found.places;
    element.width = element.height = side;
    const ends = [0, 1].map((axis) => places.map((one) => one[axis]).sort((a, b) => a - b)).map((list) => [list[Math.floor(0.005 * list.length)], list[Math.floor(0.995 * (list.length - 1))]]);
    const half = 0.55 * Math.max(...ends.map(([low, top]) => top - low)) || 1, [u, v] = ends.map(([low, top]) => (low + top) / 2);
    places.forEach(([across, down], row) => {
      context.fillStyle = found.labels.length ? classColour(found.labels[row], palette.value) : palette.value.on;
      context.beginPath(); context.arc(side * (0.5 + (across - u) / half / 2), side * (0.5 - (down - v) / half / 2), 3.2, 0, 6.3); context.fill();
    });
    if (found.png) bitmapOf(found.png).then((bitmap) => {
      if (!made.current) return;
      made.current.width = bitmap.width; made.current.height = bitmap.height;
      made.current.getContext("2d").drawImage(bitmap, 0, 0);
    });
  }, [found]);
  return html`<div><canvas class="curve" style=${{ height: "auto" }} ref=${map} role="img" aria-label="The map after ${found.epochs} epochs"></canvas>
    ${found.png && html`<canvas class="made" ref=${made} role="img" aria-label="Examples, and what the model makes of them"></canvas>`}
    ${found.texts && html`<ul class="list">${found.texts.slice(0, 4).map((text) => html`<li>${text}</li>`)}</ul>`}
    <p class="quiet">after ${found.epochs} epochs: the map${found.png || found.texts ? ", and examples above what the model makes of them" : ""}</p></div>`;
}

const epochs = signal({}), formed = signal({});

async function watch(job) {
  const known = epochs.peek()[job.name]?.length || 0, answer = await source.value.json(`training/${job.name}/losses`);
  if (answer.epochs.length !== known) epochs.value = { ...epochs.peek(), [job.name]: answer.epochs };
  if (job.state === "queued" || !answer.epochs.length) return;
  const before = formed.peek()[job.name];
  if (before && (job.state !== "learning" || before.epochs >= answer.epochs.length)) return;
  const found = await source.value.json(`training/${job.name}/forming`).catch(() => null);
  if (found?.epochs && found.epochs !== before?.epochs) formed.value = { ...formed.peek(), [job.name]: found };
}

function JobView({ job }) {
  const losses = epochs.value[job.name] || [], found = formed.value[job.name], live = job.state === "learning";
  useEffect(() => { watch(job).catch(() => {}); }, [job]);
  const stop = () => attempt(async () => { await source.value.json(`training/${job.name}/stop`, {}); await refresh(); });
  const open = () => attempt(async () => {
    studio.value = await source.value.studio();
    await openRuns([job.name]);
    place.value = "explore";
  });
  const last = losses.at(-1);
  return html`<li><div class="line wrap"><h3>${job.name}</h3><span class="badge">${STATES[job.state]}${job.stopping ? ", and is stopping" : ""}</span>
      ${last && html`<span class="quiet">epoch ${last.number}, ${last.seconds.toFixed(1)} s each</span>`}<span class="grow"></span>
      ${live && html`<button disabled=${job.stopping} onClick=${stop}>Stop and keep</button>`}${job.state === "queued" && html`<button onClick=${stop}>Take out of the queue</button>`}
      ${["judging", "done"].includes(job.state) && html`<button class="primary" onClick=${open}>Open its map</button>`}</div>
    ${job.said && html`<p class="trouble">${job.said}</p>`}
    ${job.verdicts.length > 0 && html`<dl class="verdicts">${job.verdicts.map(([title, reading]) => html`<div><dt class="away">${title}</dt><dd>${reading}</dd></div>`)}</dl>`}
    ${losses.length > 0 && html`<div class="job-body"><div><${Losses} epochs=${losses} /></div>${found && html`<${Forming} found=${found} />`}</div>`}</li>`;
}

export function Train() {
  useEffect(() => {
    refresh();
    const timer = setInterval(() => { if (!trouble.value) refresh(); }, EVERY);
    return () => clearInterval(timer);
  }, []);
  if (!queue.value) return html`<main class="train"><p class="opening">Opening…</p></main>`;
  const jobs = [...queue.value.jobs].reverse();
  return html`<main class="train"><div class="inside"><${Form} /><section aria-label="Trainings"><h2>Trainings</h2>
    ${jobs.length ? html`<ol class="jobs">${jobs.map((job) => html`<${JobView} key=${job.name} job=${job} />`)}</ol>` : html`<p class="quiet">None yet. Choose data and a recipe, and begin: you see it learn here, and its map when it has.</p>`}</section></div></main>`;
}
