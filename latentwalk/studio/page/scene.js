// One run on one map: its codes, the plane they are seen on, the place of the probe, and what that decodes to.
import { batch, computed, effect, signal } from "./lib.js";
import { Density } from "./density.js";
import { Grid, nearestCodes } from "./grid.js";
import { axesPlane, homeOf, lifted, placed, placesOf, principalPlane } from "./plane.js";

export class Scene {
  constructor(source, about, codes, numbers) {
    Object.assign(this, { source, about, codes, numbers });
    this.name = about.name;
    this.dim = about.dim;
    this.n = about.shown;
    this.density = about.holes ? new Density(about.holes, this.dim) : null;
    this.columns = new Map();
    this.scales = signal(null);
    this.names = null;
    this.axes = signal(about.principal ? "principal" : this.dim > 1 ? "0,1" : "0,0");
    this.plane = computed(() => {
      if (this.axes.value === "principal" && about.principal) return principalPlane(about);
      const [i, j] = this.axes.value.split(",").map(Number);
      return axesPlane(this.dim, i, j);
    });
    this.places = computed(() => placesOf(this.plane.value, codes, this.dim));
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
    this.nearest = computed(() => nearestCodes(codes, this.dim, this.z.value, about.deviation, 8, this.shown.value));
    this.tiles = new Tiles(this);
    this.timings = [];
    this.stop = effect(() => { this.z.value; this.condition.value; this.ask(); });
  }

  static async open(source, name) {
    const about = await source.about(name);
    const [codes, numbers] = await Promise.all([source.codes(name), source.numbers(name)]);
    source.held = codes;
    return new Scene(source, about, codes, numbers);
  }

  code(row) { return this.codes.slice(row * this.dim, (row + 1) * this.dim); }
  place() { return placed(this.plane.value, this.z.value); }
  seen() { return this.view.value || this.home.value; }

  // The probe goes to a place of the map, and stays what it is in all other directions.
  moveTo(u, v) { this.z.value = lifted(this.plane.value, this.z.value, u, v); }
  moveToRow(row) { this.z.value = this.code(row); }
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

  async column(at) {
    if (!this.columns.has(at)) this.columns.set(at, await this.source.column(this.name, at));
    return this.columns.get(at);
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
