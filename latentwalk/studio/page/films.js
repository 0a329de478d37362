// Films: a film of frames plays and is a way on the map; what may come after its first frames is drawn beside it.
import { effect, html, signal, untracked, useEffect, useRef } from "./lib.js";
import { palette, still } from "./colours.js";
import { paint } from "./paint.js";
import { announce, attempt, film, main, moment, pinned, source, tab } from "./state.js";

const FPS = 8, SLOW = 1;                      // frames a second; where motion is to be reduced
const WIDE = 320, HIGH = 84;                  // of the chart of surprise

export const reel = signal(null);             // { run, film, name, count, frames, codes, surprise, ranks, reading }
export const futures = signal(null);          // { seen, steps, draws, frames, codes, reading }
const own = signal(null);                     // a film that was brought, like a reel, in place of the one that is numbered
const seen = signal(5), ahead = signal(10), draws = signal(3), busy = signal("");
const playing = signal(!still.matches);

// 0 for the frame that could be foreseen best, 1 for the one that could be least.
function ranksOf(surprise) {
  const order = surprise.map((value, t) => [value ?? -Infinity, t]).sort((a, b) => a[0] - b[0]), out = [];
  order.forEach(([, t], k) => { out[t] = order.length > 1 ? k / (order.length - 1) : 0; });
  return out;
}

function shows(found) {
  futures.value = null;
  reel.value = found;
  seen.value = Math.min(seen.peek(), Math.max(1, found.count - 1));
  if (moment.peek() >= found.count) moment.value = 0;
}

let asked = 0;
effect(() => {
  const scene = main.value, which = film.value, brought = own.value;
  if (!scene?.about.films || !source.value.reel || tab.value !== "films") return;
  const mine = ++asked;
  if (brought?.run === scene.name) { if (reel.peek() !== brought) untracked(() => shows(brought)); return; }
  if (reel.peek()?.run === scene.name && reel.peek().film === which) return;
  untracked(() => attempt(async () => {
    busy.value = "Reading the film, and how far its frames could be foreseen…";
    const found = await scene.source.reel(scene.name, which);
    if (mine === asked) shows({ ...found, run: scene.name, ranks: ranksOf(found.surprise) });
  })).finally(() => { if (mine === asked) busy.value = ""; });
});

async function bring(scene, files) {
  if (!files.length) return;
  busy.value = "Reading your film, and how far its frames could be foreseen…";
  await attempt(async () => {
    const found = await scene.source.brought(scene.name, files);
    own.value = { ...found, run: scene.name, ranks: ranksOf(found.surprise) };
    announce(`${found.name}: ${found.reading}`);
  });
  busy.value = "";
}

const lengthOf = () => Math.max(reel.value?.count || 1, futures.value ? futures.value.seen + futures.value.steps : 0);

async function draw(scene, seed) {
  const shown = reel.peek();
  busy.value = "Drawing what may come…";
  await attempt(async () => {
    const found = await scene.source.futures(scene.name, shown, { seen: seen.peek(), steps: ahead.peek(), draws: draws.peek(), seed });
    if (reel.peek() !== shown) return;
    futures.value = { ...found, seed };
    moment.value = 0;
    announce(found.reading);
  });
  busy.value = "";
}

// One film at its moment; nothing where it is over.
function Screen({ about, shown, at, drawn, title }) {
  const canvas = useRef();
  useEffect(() => { if (at >= 0) paint(canvas.current, about, { values: shown.frames }, at); }, [shown, at]);
  return html`<figure class=${drawn ? "drawn" : ""}><canvas ref=${canvas} class="picture ${Math.max(...about.shape) < 100 ? "pixels" : ""} ${at < 0 ? "over" : ""}" role="img" aria-label="${title}${at < 0 ? ", which is over" : ""}"></canvas>
    <figcaption>${title}${drawn ? html` <em>drawn</em>` : ""}</figcaption></figure>`;
}

function Screens({ scene }) {
  const { about } = scene, shown = reel.value, then = futures.value, t = moment.value;
  const future = (k) => (t < then.seen ? { shown, at: t, drawn: false } : { shown: then, at: t < then.seen + then.steps ? k * then.steps + t - then.seen : -1, drawn: true });
  return html`<div class="screens n${then ? then.draws + 1 : 1}">
    <${Screen} about=${about} shown=${shown} at=${t < shown.count ? t : -1} title=${then ? "what came" : shown.name} />
    ${then && Array.from({ length: then.draws }, (_, k) => html`<${Screen} key=${k} about=${about} ...${future(k)} title="future ${k + 1}" />`)}</div>`;
}

// How little each frame could be foreseen, in nats, over the frames; where the film stands.
function Surprise() {
  const { surprise, count } = reel.value, known = surprise.filter((value) => value !== null);
  if (!known.length) return null;
  const low = Math.min(...known), high = Math.max(...known), span = high - low || 1, most = surprise.indexOf(high);
  const x = (t) => 6 + ((WIDE - 12) * t) / Math.max(1, count - 1), y = (value) => 8 + (HIGH - 22) * (1 - (value - low) / span);
  const points = surprise.map((value, t) => (value === null ? null : [x(t), y(value)])), line = points.filter(Boolean).map((one) => one.join(",")).join(" ");
  return html`<figure class="surprise"><svg viewBox="0 0 ${WIDE} ${HIGH}" role="img" aria-label="Surprise of each frame, in nats: from ${low.toFixed(0)} to ${high.toFixed(0)}, the most in frame ${most + 1}">
      ${moment.value < count && html`<line class="now" x1=${x(moment.value)} x2=${x(moment.value)} y1="0" y2=${HIGH - 10} />`}
      <polyline points=${line} />${points.map((one, t) => one && html`<circle cx=${one[0]} cy=${one[1]} r=${t === most ? 4.5 : 2.5} class=${t === most ? "most" : ""} />`)}
      ${futures.value && html`<line class="seen" x1=${x(futures.value.seen - 0.5)} x2=${x(futures.value.seen - 0.5)} y1="0" y2=${HIGH - 10} />`}</svg>
    <figcaption>surprise, ${low.toFixed(0)} to ${high.toFixed(0)} nats a frame; the most in frame ${most + 1}</figcaption></figure>`;
}

// What goes with the moment stands in parts of its own: a number that is being typed elsewhere is left alone while a film plays.
function Transport({ shown, then, length }) {
  const t = moment.value, nats = shown.surprise[t], drawn = then && t >= then.seen;
  const where = `frame ${t + 1} of ${length}${drawn ? ", drawn" : ""}`;
  return html`<div class="line"><button aria-pressed=${playing.value} onClick=${() => { playing.value = !playing.value; }}>${playing.value ? "Pause" : "Play"}</button>
    <input class="grow" type="range" min="0" max=${length - 1} value=${t} aria-label="Frame of the film" aria-valuetext="${where}${nats ? `, surprise ${nats.toFixed(0)} nats` : ""}" onInput=${(event) => { playing.value = false; moment.value = Number(event.target.value); }} />
    <output>${where}</output></div>`;
}

function ProbeHere({ scene, shown, then }) {
  const t = moment.value, of = then && t >= then.seen ? then : shown, at = of === shown ? t : t - then.seen;
  if (at >= of.codes.length / scene.dim) return null;
  return html`<button onClick=${() => { pinned.value = true; scene.z.value = of.codes.slice(at * scene.dim, (at + 1) * scene.dim); }}>Move the probe to this frame</button>`;
}

// A file that moves, or the images of a film.
const MOVING = ".gif,.webp,.apng,.png,.jpg,.jpeg,.bmp,.tif,.tiff,.zip,.mp4,.m4v,.mov,.avi,.mkv,.webm,.mpg,.mpeg,.ts,.m2ts";

function Bring({ scene }) {
  const upload = useRef();
  const put = () => { const files = [...upload.current.files]; upload.current.value = ""; return bring(scene, files); };
  return html`<div class="line"><label class="button">Your own film…<input ref=${upload} type="file" multiple class="away" accept=${MOVING} onChange=${put} /></label>
    <span class="quiet">GIF, WebP, MP4 and others, or its numbered frames</span></div>`;
}

const clamped = (text, low, high, usual) => Math.max(low, Math.min(high, Math.round(Number(text)) || usual));

export function Films({ scene }) {
  const { films } = scene.about, shown = reel.value?.run === scene.name ? reel.value : null, then = shown && futures.value, length = lengthOf();
  useEffect(() => {
    if (!playing.value || !shown) return undefined;
    const timer = setInterval(() => { moment.value = (moment.peek() + 1) % length; }, 1000 / (still.matches ? SLOW : FPS));
    return () => clearInterval(timer);
  }, [playing.value, shown, length]);
  const { numbers } = films, last = numbers ? numbers.at(-1) : films.count - 1;      // in a file, some of all
  const nearest = (number) => numbers.reduce((best, one) => (Math.abs(one - number) < Math.abs(best - number) ? one : best));
  const choose = (number) => { own.value = null; film.value = numbers ? nearest(number) : Math.max(0, Math.min(last, number)); };
  const beside = (by) => choose(numbers ? (numbers[numbers.indexOf(nearest(film.value)) + by] ?? film.value) : film.value + by);
  const ofNearest = () => attempt(async () => {
    const [row] = (await scene.nearestNow())[0] || [-1], frames = (scene.frames ||= await scene.source.frames(scene.name));
    if (row < 0) return;
    playing.value = false;
    choose(Math.floor(frames[row] / films.length));
    moment.value = frames[row] % films.length;
  });
  return html`<section aria-label="Films">
    <div class="line"><button aria-label="The film before" disabled=${film.value <= 0} onClick=${() => beside(-1)}>‹</button>
      <label>film <input type="number" min="0" max=${last} value=${film.value} onChange=${(event) => { choose(clamped(event.target.value, 0, last, 0)); event.target.value = film.value; }} /></label>
      <button aria-label="The next film" disabled=${film.value >= last} onClick=${() => beside(1)}>›</button>
      <span class="grow"></span>${scene.source.frames && html`<button onClick=${ofNearest}>That of the nearest frame</button>`}</div>
    ${scene.source.brought && html`<${Bring} scene=${scene} />`}
    ${shown && html`<p class="quiet">${shown.key ? html`<b>${shown.name}</b>, your own; a link leads to film ${film.value} instead` : `${shown.name} of ${films.count.toLocaleString("en")}; ${shown.film < films.learnt ? "learnt from" : "held out while learning"}${numbers ? `; ${numbers.length} of them are in this file` : ""}`}</p>
    <${Screens} scene=${scene} />
    <${Transport} shown=${shown} then=${then} length=${length} />
    <${Surprise} />
    <p class="reading">${shown.reading}</p>
    ${scene.source.futures && html`<div class="line wrap"><label>after <input type="number" min="1" max=${shown.count} value=${seen.value} onChange=${(event) => { seen.value = clamped(event.target.value, 1, shown.count, 1); }} /></label>
      <label>frames, draw <input type="number" min="1" max=${films.ahead} value=${ahead.value} onChange=${(event) => { ahead.value = clamped(event.target.value, 1, films.ahead, 10); }} /></label>
      <label>more, <input type="number" min="1" max=${films.futures} value=${draws.value} onChange=${(event) => { draws.value = clamped(event.target.value, 1, films.futures, 3); }} /> times</label></div>`}
    <div class="line wrap">${scene.source.futures && html`<button class="primary" disabled=${Boolean(busy.value)} onClick=${() => draw(scene, then ? then.seed + 1 : 0)}>${then ? "Draw others" : "Draw futures"}</button>`}
      ${then && html`<button onClick=${() => { futures.value = null; if (moment.peek() >= shown.count) moment.value = 0; }}>Only the film</button>`}
      <${ProbeHere} scene=${scene} shown=${shown} then=${then} /></div>
    ${then && html`<p class="reading">${then.reading}</p>`}`}
    ${busy.value && html`<p class="quiet" role="status">${busy.value}</p>`}
  </section>`;
}
