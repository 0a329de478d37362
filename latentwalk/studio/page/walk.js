// From point to point: the way, decoded; to be scrubbed, played and saved.
import { effect, html, signal, untracked, useEffect, useRef } from "./lib.js";
import { still } from "./colours.js";
import { Shown, isPicture, paint, strip, useFrame, written } from "./paint.js";
import { drawTile } from "./scene.js";
import { announce, attempt, codeOf, main, path, pinned, step, steps, stops, tab } from "./state.js";

export const course = signal(null);            // { codes, marked, shown, reading }
const busy = signal(false), playing = signal(false);

let asked = 0;
effect(() => {
  const scene = main.value, points = stops.value, wanted = { path: path.value, steps: Math.max(steps.value, points.length) };
  if (!scene || tab.value !== "walk" || points.length < 2) { course.value = null; return; }
  scene.condition.value;
  const mine = ++asked;
  untracked(() => attempt(async () => {
    busy.value = true;
    await scene.need(points.map((one) => one.row).filter((row) => row !== undefined));
    const codes = points.map((one) => Array.from(codeOf(scene, one)));
    const way = await scene.source.walk(scene.name, { codes, ...wanted });
    const flat = Float32Array.from(way.codes.flat());
    const shown = await scene.source.decode(scene.name, flat, { condition: scene.condition.value });
    if (mine === asked) course.value = { codes: way.codes.map((z) => Float32Array.from(z)), marked: way.marked, shown, reading: way.reading };
  })).finally(() => { if (mine === asked) busy.value = false; });
});

// The probe goes along.
export function go(at) {
  const way = course.peek(), scene = main.peek();
  if (!way) return;
  step.value = Math.max(0, Math.min(way.codes.length - 1, at));
  pinned.value = true;
  scene.z.value = way.codes[step.value];
}

export function Thumb({ scene, row, side = 36 }) {
  const canvas = useRef(), tile = scene.tiles.get(row);
  scene.tiles.arrived.value;
  useEffect(() => { if (!scene.tiles.get(row)) scene.tiles.need([row]); }, [row]);
  useEffect(() => {
    if (!tile?.sheet || !canvas.current) return;
    const { wide, high } = tile.sheet, k = Math.min((2 * side) / high, (4 * side) / wide);
    canvas.current.width = wide * k;
    canvas.current.height = high * k;
    canvas.current.style.aspectRatio = `${wide} / ${high}`;
    drawTile(canvas.current.getContext("2d"), tile, 0, 0, wide * k, high * k);
  }, [tile, row]);
  if (!scene.about.tiled) return null;
  if (scene.about.kind === "text") return html`<span class="text">${tile?.text ?? "…"}</span>`;
  return html`<canvas class="thumb" ref=${canvas} aria-hidden="true"></canvas>`;
}

function Code({ scene, z }) {                    // a small picture of what a code decodes to
  const canvas = useRef();
  useEffect(() => {
    let gone = false;
    scene.source.decode(scene.name, z, { condition: scene.condition.value }).then((shown) => { if (!gone && canvas.current) paint(canvas.current, scene.about, shown); }).catch(() => {});
    return () => { gone = true; };
  }, [z]);
  return isPicture(scene.about) ? html`<canvas class="thumb" ref=${canvas} aria-hidden="true"></canvas>` : html`<span class="quiet">a place of the map</span>`;
}

// The ends of walks and blends, with ways to add and take away.
export function Stops({ scene, least, most = 8 }) {
  const upload = useRef(), number = useRef();
  const add = (one) => { stops.value = [...stops.value, one].slice(-most); };
  const fromFile = () => attempt(async () => {
    for (const file of upload.current.files) add({ z: await scene.source.encode(scene.name, file), name: file.name });
    upload.current.value = "";
  });
  const fromRow = (event) => {
    event.preventDefault();
    const wanted = number.current.value.trim(), at = scene.numbers.indexOf(Number(wanted));
    if (wanted !== "" && at >= 0) { add({ row: at }); number.current.value = ""; } else announce(`There is no row ${wanted} on this map.`);
  };
  const drop = (k) => { stops.value = stops.value.filter((_, at) => at !== k); };
  return html`<ol class="stops">${stops.value.slice(0, most).map((one, k) => html`<li key=${one.row ?? one.z}>
      <b>${String.fromCharCode(97 + k)}</b>
      ${one.row === undefined ? html`<${Code} scene=${scene} z=${one.z} />` : html`<${Thumb} scene=${scene} row=${one.row} />`}
      ${scene.about.kind === "text" && one.row !== undefined ? html`<span class="grow"></span>` : html`<span class="grow">${one.name || (one.row === undefined ? (isPicture(scene.about) ? "place" : "") : scene.called(one.row))}</span>`}
      <button class="small bare" aria-label="Take point ${String.fromCharCode(97 + k)} away" onClick=${() => drop(k)}>×</button></li>`)}</ol>
    ${stops.value.length < least && html`<p class="quiet">Point at an example or a place of the map, click it, then add it. ${least} are needed.</p>`}
    <form class="line" onSubmit=${fromRow}>
      <button type="button" onClick=${() => addStop(scene)}>Add the probe</button>
      <input ref=${number} inputmode="numeric" size="6" placeholder="row" aria-label="Number of a row to add" /><button>Add row</button>
      ${scene.source.encode && html`<label class="button">Upload<input ref=${upload} type="file" class="away" multiple onChange=${fromFile} /></label>`}
    </form>`;
}

// What the probe stands at becomes an end of walks and blends.
export const addStop = (scene) => attempt(async () => {
  const z = scene.z.peek().slice(), [row, away] = (await scene.nearestNow())[0] || [-1, 1];
  const one = away < 1e-5 ? { row } : { z }, last = stops.peek().at(-1);
  if (row >= 0 && away < 1e-5) await scene.need([row]);
  if (last && codeOf(scene, last)?.every((value, d) => value === codeOf(scene, one)[d])) { announce("This point is the last one already."); return; }
  stops.value = [...stops.peek(), one].slice(-8);
  if (!["walk", "blend"].includes(tab.peek())) tab.value = "walk";
  announce(`Point ${String.fromCharCode(96 + stops.peek().length)} added.`);
});

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function Frames({ scene, way }) {
  const canvas = useRef(), frame = useFrame(scene.about);
  useEffect(() => {
    const made = strip(scene.about, way.shown, way.codes.length, way.marked, scene.about.lines ? 48 : 56, frame);
    if (canvas.current.width !== made.width || canvas.current.height !== made.height) { canvas.current.width = made.width; canvas.current.height = made.height; }
    canvas.current.getContext("2d").drawImage(made, 0, 0);
  }, [way, frame]);
  useEffect(() => {                             // the frame of the step is in sight, with a line above it
    const frame = canvas.current.parentElement.parentElement, wide = canvas.current.clientWidth / way.codes.length;
    frame.scrollLeft = (step.value + 0.5) * wide - frame.clientWidth / 2;
  }, [way, step.value]);
  return html`<div class="frames" tabindex="0" role="group" aria-label="The steps"><div class="reel"><canvas ref=${canvas} role="img" aria-label="The walk as a strip; a bar marks what lies in holes" onClick=${(event) => {
    const box = event.target.getBoundingClientRect();
    go(Math.floor(((event.clientX - box.left) / box.width) * way.codes.length));
  }}></canvas><i class="at" style=${{ left: `${(100 * step.value) / way.codes.length}%`, width: `${100 / way.codes.length}%` }}></i></div></div>`;
}

// The steps of a walk that are no pictures: texts, pieces with their players, rows of a table.
function Listed({ scene, way }) {
  const { table } = scene.about, size = table?.length || 0;
  if (table) return html`<div class="frames" tabindex="0" role="group" aria-label="The steps"><table class="values steps"><thead><tr><th scope="col">step</th>${table.map((column) => html`<th scope="col">${column.name}</th>`)}</tr></thead>
    <tbody>${way.codes.map((_, k) => html`<tr aria-current=${k === step.value} class=${way.marked[k] ? "hole" : ""}><th scope="row"><button class="link" onClick=${() => go(k)}>${k + 1}${way.marked[k] ? ", in a hole" : ""}</button></th>${table.map((column, c) => html`<td>${written(column, way.shown.values[k * size + c])}</td>`)}</tr>`)}</tbody></table></div>`;
  return html`<ol class="list">${way.codes.map((_, k) => html`<li class=${way.marked[k] ? "hole" : ""} aria-current=${k === step.value}>
    ${way.shown.texts ? html`<button class="plain" onClick=${() => go(k)}>${way.shown.texts[k]}</button>` : html`<${Shown} about=${scene.about} shown=${way.shown} at=${k} label="Step ${k + 1}" />`}${way.marked[k] ? html` <em>in a hole</em>` : ""}</li>`)}</ol>`;
}

export function Walk({ scene }) {
  const way = course.value, picture = isPicture(scene.about), live = Boolean(scene.source.film);
  useEffect(() => {
    if (!playing.value || !way) return undefined;
    const timer = setInterval(() => go((step.peek() + 1) % way.codes.length), still.matches ? 900 : 160);
    return () => clearInterval(timer);
  }, [playing.value, way]);
  const saveAs = (ending) => attempt(async () => {
    if (ending === "png" && picture && !live) {
      strip(scene.about, way.shown, way.codes.length, way.marked).toBlob((blob) => save(blob, "walk.png"));
      return;
    }
    const codes = way.codes.map((z) => Array.from(z));
    save(await scene.source.film(scene.name, { codes, marked: way.marked, ending: `.${ending}`, condition: scene.condition.value }), `walk.${ending}`);
  });
  const endings = scene.about.kind === "text" ? ["txt"] : ["music", "roll"].includes(scene.about.kind) ? ["mid", "wav", "png"] : scene.about.kind === "sound" ? ["wav", "png"] : picture ? ["gif", "png"] : ["png"];
  const ways = ["linear", "spherical", ...(scene.source.around ? ["density"] : [])];
  return html`<section aria-label="Walk">
    <${Stops} scene=${scene} least=${2} />
    <div class="line">
      <fieldset class="chips"><legend class="away">Way</legend>${ways.map((name) => html`<label><input type="radio" name="way" checked=${path.value === name} onChange=${() => { path.value = name; }} />${name}</label>`)}</fieldset>
      <label>steps <input type="number" min="2" max="41" value=${steps.value} onChange=${(event) => { steps.value = Math.max(2, Math.min(41, Number(event.target.value) || 11)); }} /></label>
    </div>
    ${busy.value && !way && html`<p class="quiet">Walking…</p>`}
    ${way && html`
      ${picture ? html`<${Frames} scene=${scene} way=${way} />` : html`<${Listed} scene=${scene} way=${way} />`}
      <div class="line">
        <button aria-pressed=${playing.value} onClick=${() => { playing.value = !playing.value; }}>${playing.value ? "Pause" : "Play"}</button>
        <input class="grow" type="range" min="0" max=${way.codes.length - 1} value=${step.value} aria-label="Step of the walk" onInput=${(event) => { playing.value = false; go(Number(event.target.value)); }} />
        <output>${step.value + 1} of ${way.codes.length}</output>
      </div>
      <p class="reading">${way.reading}</p>
      ${(live || picture) && html`<div class="line">${(live ? endings : ["png"]).map((ending) => html`<button onClick=${() => saveAs(ending)}>Save ${ending === "png" && picture ? "strip" : ending.toUpperCase()}</button>`)}</div>`}`}
  </section>`;
}
