// One run on one map: its codes, the plane they are seen on, the place of the probe, and what that decodes to.
import { batch, computed, effect, signal } from "./lib.js";
import { Density } from "./density.js";
import { Grid, nearestCodes } from "./grid.js";
import { axesPlane, homeOf, lifted, placed, placesOf, principalPlane } from "./plane.js";

const FIRST = (about) => (about.principal ? "principal" : about.dim > 1 ? "0,1" : "0,0");
const SOME = 1 << 19;                         // numbers of codes asked for at once

// Which rows are shown, a bit for each, in base64; null for all.
function bitsOf(shown) {
  if (!shown) return null;
  const bits = new Uint8Array(Math.ceil(shown.length / 8));
  for (let row = 0; row < shown.length; row++) if (shown[row]) bits[row >> 3] |= 1 << (row & 7);
  let text = "";
  for (let at = 0; at < bits.length; at += 8192) text += String.fromCharCode(...bits.subarray(at, at + 8192));
  return btoa(text);
}

// codes: (n * D), all of them; or null, where they are too many, and `places` says where they fall on the first plane.
export class Scene {
  constructor(source, about, codes, numbers, places = null) {
    Object.assign(this, { source, about, codes, numbers });
    this.name = about.name;
    this.dim = about.dim;
    this.n = about.shown;
    this.density = about.holes ? new Density(about.holes, this.dim) : null;
    this.columns = new Map();
    this.asked = new Map();             // columns that are on their way, or here
    this.scales = signal(null);
    this.names = null;
    this.axes = signal(FIRST(about));
    this.fallen = signal({ axes: FIRST(about), places });    // what the server said last of where codes fall
    this.known = new Map();             // codes of rows, where the page does not hold all
    this.arrived = signal(0);
    this.plane = computed(() => {
      const axes = codes ? this.axes.value : this.fallen.value.axes;
      if (axes === "principal" && about.principal) return principalPlane(about);
      const [i, j] = axes.split(",").map(Number);
      return axesPlane(this.dim, i, j);
    });
    this.places = computed(() => (codes ? placesOf(this.plane.value, codes, this.dim) : this.fallen.value.places));
    this.shown = signal(null);          // Uint8Array (n,) of rows that pass the filter; null: all
    this.grid = computed(() => new Grid(this.places.value, this.shown.value));
    this.home = computed(() => homeOf(this.places.value, this.plane.value, about.prior));
    this.view = signal(null);           // { x, y, half }; null: home
    this.z = signal(Float32Array.from(about.mean));
    this.condition = signal(about.conditions[0] || null);
    this.decoded = signal(null);        // { z, shown, ms }
    this.failure = signal("");
    this.hover = signal(-1);            // the row under the pointer
    this.depth = computed(() => (this.density ? this.density.depth(this.z.value) : null));
    this.near = signal([]);             // the nearest that the server found last
    this.nearest = computed(() => (codes ? nearestCodes(codes, this.dim, this.z.value, about.deviation, NEAR, this.shown.value) : this.near.value));
    this.tiles = new Tiles(this);
    this.timings = [];
    const ends = [effect(() => { this.z.value; this.condition.value; this.ask(); })];
    if (!codes) ends.push(effect(() => { this.z.value; this.shown.value; this.seek(); }), effect(() => { this.map(this.axes.value); }));
    this.stop = () => ends.forEach((end) => end());
  }

  static async open(source, name) {
    const about = await source.about(name);
    const where = about.held ? source.codes(name) : source.places(name, FIRST(about));
    const [found, numbers] = await Promise.all([where, source.numbers(name)]);
    if (!about.held) return new Scene(source, about, null, numbers, found);
    source.held = found;
    return new Scene(source, about, found, numbers);
  }

  // The code of a row; undefined where it is not known here: see `need`.
  code(row) { return this.codes ? this.codes.slice(row * this.dim, (row + 1) * this.dim) : this.known.get(row)?.slice(); }

  // Once this is done, the codes of these rows are known.
  async need(rows) {
    const wanted = this.codes ? [] : rows.filter((row) => !this.known.has(row));
    const many = Math.min(4096, Math.max(1, Math.floor(SOME / this.dim)));
    for (let at = 0; at < wanted.length; at += many) {
      const some = wanted.slice(at, at + many), found = await this.source.codesOf(this.name, some);
      some.forEach((row, k) => this.known.set(row, found.slice(k * this.dim, (k + 1) * this.dim)));
    }
    if (wanted.length) this.arrived.value++;
  }

  // The `count` rows nearest to the probe, as it stands now: [[row, distance], …].
  nearestNow(count = NEAR) {
    if (!this.codes) return this.source.nearest(this.name, { code: Array.from(this.z.peek()), count, shown: bitsOf(this.shown.peek()) });
    return count === NEAR ? this.nearest.peek() : nearestCodes(this.codes, this.dim, this.z.peek(), this.about.deviation, count, this.shown.peek());
  }

  // Newest wins, as of what is decoded; what was found last stays until more is known.
  async seek() {
    this.sought = true;
    if (this.seeking) return;
    this.seeking = true;
    await null;                                 // out of the effect that asks
    while (this.sought) {
      this.sought = false;
      try { this.near.value = await this.nearestNow(); } catch { break; }
    }
    this.seeking = false;
  }

  async map(axes) {
    await null;
    if (axes === this.fallen.peek().axes) return;
    try {
      const places = await this.source.places(this.name, axes);
      if (axes === this.axes.peek()) this.fallen.value = { axes, places };
    } catch (error) { this.failure.value = error.message; }
  }
  place() { return placed(this.plane.value, this.z.value); }
  seen() { return this.view.value || this.home.value; }

  // The probe goes to a place of the map, and stays what it is in all other directions.
  moveTo(u, v) { this.z.value = lifted(this.plane.value, this.z.value, u, v); }
  moveToRow(row) {
    const z = this.code(row);
    this.going = z ? -1 : row;
    if (z) this.z.value = z;
    else this.need([row]).then(() => { if (this.going === row) this.moveToRow(row); }, (error) => { this.failure.value = error.message; });
  }

  set(dimension, value) {
    const z = this.z.value.slice();
    z[dimension] = value;
    this.z.value = z;
  }

  // Steps along the two axes of the map, in deviations of the codes along them.
  step(across, down) {
    const { across: a, down: b } = this.plane.value, d = this.about.deviation;
    const wide = Math.hypot(...d.map((s, i) => s * a[i])), high = Math.hypot(...d.map((s, i) => s * b[i]));
    const [u, v] = this.place();
    this.moveTo(u + across * wide, v + down * high);
  }

  // Newest request wins: one is under way, and when it ends the latest place is asked for.
  ask() {
    this.wanted = performance.now();
    if (this.busy) return;
    this.busy = true;
    queueMicrotask(() => this.answer());
  }

  async answer() {
    while (this.wanted) {
      const asked = this.wanted, z = this.z.value, condition = this.condition.value;
      this.wanted = 0;
      try {
        const shown = await this.source.decode(this.name, z, { condition });
        batch(() => {
          this.decoded.value = { z, shown, asked };
          this.failure.value = "";
        });
        if (this.timings.push(performance.now() - asked) > 2000) this.timings.shift();
      } catch (error) {
        this.failure.value = error.message;
        if (!this.wanted) break;
      }
    }
    this.busy = false;
  }

  // Asked for once, whoever asks: a file gives each column only once.
  column(at) {
    if (!this.asked.has(at)) {
      const found = this.source.column(this.name, at).then((values) => { this.columns.set(at, values); return values; });
      this.asked.set(at, found);
      found.catch(() => this.asked.delete(at));
    }
    return this.asked.get(at);
  }

  async needScales() { if (!this.scales.value && this.about.posterior) this.scales.value = await this.source.scales(this.name); }

  async needNames() {
    if (!this.names) this.names = this.about.names ? await this.source.names(this.name) : [];
    return this.names;
  }

  called(row) { return this.names && this.names.length ? this.names[row] : `row ${this.numbers[row]}`; }

  // Whether a code lies in a hole, in words.
  said(depth) {
    if (depth === null) return "too few examples to tell holes";
    if (depth > 0) return `in a hole, ${depth < 10 ? depth.toFixed(1) : Math.round(depth)} nats beyond the edge of the data`;
    return "where data lies";
  }
}

const NEAR = 8;                               // examples that are told to be nearest
const MOST = 192, KEPT = 6000;                // tiles asked for at once, and kept

// Small pictures of rows, fetched a few at a time and kept.
class Tiles {
  constructor(scene) {
    this.scene = scene;
    this.kept = new Map();
    this.arrived = signal(0);
  }

  get(row) { return this.kept.get(row); }

  async need(rows) {
    if (!this.scene.about.tiled) return;
    this.wanted = [...new Set([...rows, ...(this.wanted || [])])].filter((row) => !this.kept.has(row)).slice(0, 1000);
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted.length) {
        const some = this.wanted.slice(0, MOST), found = await this.scene.source.tiles(this.scene.name, some);
        if (this.kept.size > KEPT) this.kept.clear();
        some.forEach((row, at) => this.kept.set(row, found.texts ? { text: found.texts[at] } : { sheet: found, at: found.places ? found.places[at] : at }));
        this.wanted = this.wanted.filter((row) => !this.kept.has(row));
        this.arrived.value++;
      }
    } catch { this.wanted = []; /* dots stay dots */ } finally {
      this.busy = false;
    }
  }
}

export function drawTile(context, tile, x, y, wide, high) {
  const { sheet, at } = tile;
  if (at < 0) return;
  const sx = (at % sheet.columns) * sheet.wide, sy = Math.floor(at / sheet.columns) * sheet.high;
  context.drawImage(sheet.bitmap, sx, sy, sheet.wide, sheet.high, x, y, wide, high);
}
