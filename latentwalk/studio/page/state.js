// The state of the page, and the same as the fragment of its address: a link opened afresh shows the same pixels.
import { batch, computed, effect, signal } from "./lib.js";
import { Scene } from "./scene.js";

export const source = signal(null);          // a Wire, a Kernel or a Disk
export const page = { root: null, maps: new Map() };    // where it stands; its maps, for who looks on: tests, benchmarks
export const studio = signal(null);          // { runs: [{ name, title, … }], training }
export const scenes = signal([]);            // one to three; the first is the main one
export const main = computed(() => scenes.value[0] || null);
export const tab = signal("probe");
export const place = signal("explore");      // or "train"
export const tool = signal("look");          // or "lasso"
export const pinned = signal(false);         // the probe stays where it is
export const colour = signal("label");       // the name of a column, or "none"
export const hiddenClasses = signal([]);     // of the colour's classes
export const bounds = signal(null);          // [low, high] of the colour's numbers
export const layers = signal(["holes", "prior"]);
export const dense = signal(false);
export const groups = signal({ A: [], B: [] });
export const active = signal("A");
export const stops = signal([]);             // of walks and blends: [{ row } | { z, name, thumb }]
export const path = signal("spherical");
export const steps = signal(11);
export const step = signal(0);
export const having = signal("");            // what is transplanted: "name=value", or "A"
export const strength = signal(1);
export const guided = signal(false);         // whether each example is given as much as it takes, in place of a strength
export const film = signal(0);               // the number of the film that is shown, and the frame it stands at
export const moment = signal(0);
export const message = signal("");           // announced, and shown for a while
export const trouble = signal("");

export const columnOf = (scene) => scene.about.columns.findIndex((one) => one.name === colour.value);

let said;
export function announce(text) {
  message.value = text;
  clearTimeout(said);
  said = setTimeout(() => { message.value = ""; }, 6000);
}

export function labelOf(scene, row) {
  const at = columnOf(scene), column = scene.about.columns[at], values = scene.columns.get(at);
  if (row < 0 || !column || !values) return "";
  return `, ${column.name} ${column.kind === "category" ? (column.classes[values[row]] ?? "none") : Number(values[row].toPrecision(4))}`;
}

export async function attempt(work) {
  try {
    trouble.value = "";
    return await work();
  } catch (error) {
    trouble.value = error.message;
    return undefined;
  }
}

// ---------------------------------------------------------------------- which runs

export async function openRuns(names) {
  const kept = scenes.value, next = [];
  for (const name of names) next.push(kept.find((scene) => scene.name === name) || (await Scene.open(source.value, name)));
  for (const scene of kept) if (!next.includes(scene)) scene.stop();
  batch(() => {
    const changed = kept[0] !== next[0];
    scenes.value = next;
    if (changed && kept.length) { stops.value = []; groups.value = { A: [], B: [] }; hiddenClasses.value = []; bounds.value = null; }
    const known = next[0]?.about.columns.map((one) => one.name) || [];
    if (!known.includes(colour.value)) colour.value = known[0] || "none";
  });
  if (next.some((scene) => !kept.includes(scene)) && next.length > 1) {
    const [row, away] = (await next[0].nearestNow())[0] || [-1, 1];
    if (away < 1e-5) probeRow(next[0], row); else probe(next[0], ...next[0].place());
  }
}

// The pointer at (u, v) of one map is at the same part of every other one, as seen from its home.
export function probe(scene, u, v) {
  const home = scene.home.value, x = (u - home.x) / home.half, y = (v - home.y) / home.half;
  batch(() => {
    for (const other of scenes.value) {
      const there = other.home.value;
      if (other === scene) other.moveTo(u, v);
      else other.moveTo(there.x + x * there.half, there.y + y * there.half);
    }
  });
}

// The probe is at the very code of a row; on other maps of the same examples at theirs.
export function probeRow(scene, row) {
  const number = scene.numbers[row];
  batch(() => {
    for (const other of scenes.value) {
      const there = other === scene ? row : other.about.total === scene.about.total ? other.numbers.indexOf(number) : -1;
      if (there >= 0) other.moveToRow(there);
    }
  });
}

export function look(scene, view) {
  const home = scene.home.value;
  batch(() => {
    for (const other of scenes.value) {
      const there = other.home.value, ratio = there.half / home.half;
      other.view.value = view && (other === scene ? view : {
        x: there.x + (view.x - home.x) * ratio, y: there.y + (view.y - home.y) * ratio, half: view.half * ratio,
      });
    }
  });
}

// The code of an end of a walk; undefined for a row whose code is not known yet.
export const codeOf = (scene, stop) => (stop.row === undefined ? stop.z : scene.code(stop.row));

// ---------------------------------------------------------------------- the filter

// Which rows are shown: those of classes that are not hidden, within the bounds of a number.
effect(() => {
  const [hidden, range, name] = [hiddenClasses.value, bounds.value, colour.value];
  for (const scene of scenes.value) {
    const at = scene.about.columns.findIndex((one) => one.name === name);
    if (at < 0 || (!hidden.length && !range)) { scene.shown.value = null; continue; }
    scene.column(at).then((values) => {
      if (hiddenClasses.value !== hidden || bounds.value !== range) return;
      const out = new Set(hidden), shown = new Uint8Array(scene.n);
      for (let row = 0; row < scene.n; row++) {
        const value = values[row];
        shown[row] = range ? value >= range[0] && value <= range[1] : !out.has(value);
      }
      scene.shown.value = shown;
    });
  }
});

// ---------------------------------------------------------------------- the address

const packed = (floats) => btoa(String.fromCharCode(...new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const unpacked = (text) => {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  return bytes.length % 4 ? new Float32Array(0) : new Float32Array(bytes.buffer);
};
const decoded = (text) => { try { return decodeURIComponent(text); } catch { return ""; } };
const rowsSaid = (rows) => {                  // 3-7.12: runs of rows
  const out = [];
  for (let at = 0; at < rows.length; at++) {
    let end = at;
    while (rows[end + 1] === rows[end] + 1) end++;
    out.push(end > at ? `${rows[at]}-${rows[end]}` : `${rows[at]}`);
    at = end;
  }
  return out.join(".");
};
const rowsRead = (text, n) => {
  const rows = [];
  for (const part of text.split(".").filter(Boolean)) {
    const [from, to = from] = part.split("-").map(Number);
    for (let row = from; row <= to && row < n && rows.length < n; row++) if (Number.isInteger(row) && row >= 0) rows.push(row);
  }
  return rows;
};

function fragment() {
  const scene = main.value, said = new URLSearchParams();
  if (place.value === "train") { said.set("at", "train"); return said.toString(); }
  if (!scene) return "";
  said.set("run", scenes.value.map((one) => encodeURIComponent(one.name)).join(","));
  said.set("axes", scene.axes.value);
  said.set("z", scenes.value.map((one) => packed(one.z.value)).join(","));
  if (scene.view.value) said.set("view", packed(new Float32Array([scene.view.value.x, scene.view.value.y, scene.view.value.half])));
  if (scene.condition.value) said.set("under", scene.condition.value);
  said.set("colour", colour.value);
  if (hiddenClasses.value.length) said.set("hide", hiddenClasses.value.join("."));
  if (bounds.value) said.set("within", bounds.value.join("_"));
  said.set("layers", layers.value.join("."));
  if (dense.value) said.set("dense", "1");
  if (pinned.value) said.set("pinned", "1");
  said.set("tab", tab.value);
  if (stops.value.length) said.set("stops", stops.value.map((one) => (one.row === undefined ? `~${packed(one.z)}` : one.row)).join(","));
  if (tab.value === "walk") { said.set("path", path.value); said.set("steps", steps.value); said.set("step", step.value); }
  if (tab.value === "films") { said.set("film", film.value); said.set("moment", moment.value); }
  if (having.value) { said.set("having", having.value); said.set("strength", guided.value ? "guided" : strength.value); }
  for (const name of ["A", "B"]) if (groups.value[name].length && groups.value[name].length <= 4000) said.set(name, rowsSaid(groups.value[name]));
  return said.toString();
}

export async function restore(text) {
  const said = new URLSearchParams(text), known = studio.value.runs.map((one) => one.name);
  if (said.get("at") === "train" && studio.value.training) place.value = "train";
  const wanted = (said.get("run") || "").split(",").map(decoded).filter((name) => known.includes(name)).slice(0, 3);
  await openRuns(wanted.length ? wanted : known.slice(0, 1));
  const scene = main.value, rows = (said.get("stops") || "").split(",").map(Number).filter((row) => Number.isInteger(row) && row >= 0 && row < scene?.n);
  if (scene && said.has("stops")) await scene.need(rows);
  if (!scene) { if (studio.value.training) place.value = "train"; return; }
  batch(() => {
    const axes = said.get("axes");
    if (axes === "principal" || /^\d+,\d+$/.test(axes || "")) {
      const inside = axes === "principal" ? scene.about.principal : axes.split(",").every((one) => Number(one) < scene.dim);
      if (inside) for (const one of scenes.value) one.axes.value = axes;
    }
    const codes = (said.get("z") || "").split(",");
    scenes.value.forEach((one, at) => {
      const z = unpacked(codes[at] || "");
      if (z.length === one.dim && z.every(Number.isFinite)) one.z.value = z;
    });
    const view = unpacked(said.get("view") || "");
    if (view.length === 3 && view.every(Number.isFinite) && view[2] > 0) look(scene, { x: view[0], y: view[1], half: view[2] });
    if (scene.about.conditions.includes(said.get("under"))) scene.condition.value = said.get("under");
    const name = said.get("colour");
    if (name === "none" || scene.about.columns.some((one) => one.name === name)) colour.value = name;
    if (said.has("hide")) hiddenClasses.value = said.get("hide").split(".").map(Number).filter(Number.isInteger);
    const within = (said.get("within") || "").split("_").map(Number);
    if (within.length === 2 && within.every(Number.isFinite)) bounds.value = within;
    if (said.has("layers")) layers.value = said.get("layers").split(".").filter(Boolean);
    dense.value = said.get("dense") === "1";
    pinned.value = said.get("pinned") === "1";
    if (said.get("tab")) tab.value = said.get("tab");
    if (said.has("stops"))
      stops.value = said.get("stops").split(",").map((one) => (one.startsWith("~") ? { z: unpacked(one.slice(1)) } : { row: Number(one) }))
        .filter((one) => (one.z ? one.z.length === scene.dim : Number.isInteger(one.row) && one.row >= 0 && one.row < scene.n));
    if (["linear", "spherical", ...(source.value.around ? ["density"] : [])].includes(said.get("path"))) path.value = said.get("path");
    if (Number(said.get("steps")) >= 2) steps.value = Math.min(41, Math.round(Number(said.get("steps"))));
    if (Number(said.get("step")) >= 0) step.value = Number(said.get("step"));
    if (scene.about.films && Number(said.get("film")) >= 0) film.value = Math.min(scene.about.films.count - 1, Math.round(Number(said.get("film"))));
    if (Number(said.get("moment")) >= 0) moment.value = Math.round(Number(said.get("moment")));
    if (said.get("having")) having.value = said.get("having");
    guided.value = said.get("strength") === "guided" && Boolean(source.value.guided);
    if (Number.isFinite(parseFloat(said.get("strength")))) strength.value = Number(said.get("strength"));
    groups.value = { A: rowsRead(said.get("A") || "", scene.n), B: rowsRead(said.get("B") || "", scene.n) };
  });
}

// The address follows the state, a moment after it.
export function keepAddress() {
  let timer;
  effect(() => {
    const next = fragment();
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", `#${next}`), 250);
  });
}
