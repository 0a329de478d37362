// What a file that was taken away answers from within itself: the same questions as `wire.js` asks a server.
import { InferenceSession, Tensor, env } from "./vendor/ort.mjs";
import { Density } from "./density.js";
import { Graph, journey } from "./journey.js";
import { tilesOf } from "./wire.js";

// Bytes stand in the file as letters of windows-1252, four of them, which HTML would not keep, behind a "=".
const HIGH = new Map(Array.from({ length: 32 }, (_, k) => [new TextDecoder("windows-1252").decode(Uint8Array.of(128 + k)).charCodeAt(0), 128 + k]));

async function block(name) {
  const element = document.getElementById(`data-${name}`);
  if (!element) return null;
  const text = element.textContent, bytes = new Uint8Array(text.length);
  element.remove();
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.charCodeAt(at);
    const escaped = code === 61;
    if (escaped) code = text.charCodeAt(++at);
    const byte = code < 128 || (code > 159 && code < 256) ? code : HIGH.get(code) ?? code;
    bytes[end++] = escaped ? (byte + 192) & 255 : byte;
  }
  const packed = new Blob([bytes.subarray(0, end)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(packed).arrayBuffer();
}

const json = async (name) => JSON.parse(new TextDecoder().decode(await block(name)));

export class Disk {
  addressed = true;

  async studio() {
    this.facts = await json("facts");
    this.around = Boolean(this.facts.graph);
    return { runs: [{ name: this.facts.about.name, title: this.facts.about.title, kind: this.facts.about.kind }], training: false };
  }

  async about() {
    const model = await block("decoder");
    if (model) {
      env.wasm.wasmBinary = await block("wasm");
      env.wasm.numThreads = 1;
      this.session = InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
    } else {
      this.baked = { ...(await json("baked")), codes: new Float32Array(await block("baked-codes")) };
      const values = await block("baked-values");
      if (values) this.baked.values = new Float32Array(values);
    }
    return { ...this.facts.about, held: true };
  }

  async codes() { return new Float32Array(await block("codes")); }
  async numbers() { return new Uint32Array(await block("numbers")); }
  async scales() { return null; }
  async names() { return this.facts.names || []; }
  async column(run, at) {
    const found = this.facts.about.columns[at], raw = await block(`column-${at}`);
    if (found.packed !== "bytes") return new Float32Array(raw);
    return Float32Array.from(new Uint8Array(raw), (value) => (value === 255 ? -1 : value));
  }

  async decode(run, codes, { condition } = {}) {
    const { about } = this.facts, count = codes.length / about.dim;
    if (this.baked) return this.nearest(codes, count, about.dim);
    const feeds = { codes: new Tensor("float32", Float32Array.from(codes), [count, about.dim]) };
    if (about.conditions.length) {
      const given = new Float32Array(count * about.conditions.length), at = Math.max(0, about.conditions.indexOf(condition));
      for (let row = 0; row < count; row++) given[row * about.conditions.length + at] = 1;
      feeds.given = new Tensor("float32", given, [count, about.conditions.length]);
    }
    const answer = await (await this.session).run(feeds);
    return { values: Float32Array.from(answer.x.data) };
  }

  // Where there is no decoder that runs here: what the nearest of some codes decodes to, which was done before.
  nearest(codes, count, dim) {
    const { baked } = this, rows = Array.from({ length: count }, (_, k) => {
      let best = Infinity, found = 0;
      for (let row = 0; row < baked.codes.length / dim; row++) {
        let away = 0;
        for (let d = 0; d < dim; d++) away += (baked.codes[row * dim + d] - codes[k * dim + d]) ** 2;
        if (away < best) { best = away; found = row; }
      }
      return found;
    });
    if (baked.texts) return { texts: rows.map((row) => baked.texts[row]) };
    if (baked.rolls) return { rolls: rows.map((row) => baked.rolls[row]), sounds: [] };
    const values = new Float32Array(count * baked.size);
    rows.forEach((row, k) => values.set(baked.values.subarray(row * baked.size, (row + 1) * baked.size), k * baked.size));
    return { values };
  }

  // The film of that number, or the one beside it that goes along: as a server gives it, from frames that are bytes.
  async reel(run, which) {
    this.reels ||= Promise.all([json("films"), block("films-frames"), block("films-codes")]);
    const [told, bytes, floats] = await this.reels, { low, high, dim, shape } = this.facts.about, size = shape.reduce((a, b) => a * b, 1);
    let at = 0, start = 0;
    told.forEach((one, k) => { if (Math.abs(one.film - which) < Math.abs(told[at].film - which)) at = k; });
    for (let k = 0; k < at; k++) start += told[k].count;
    const end = start + told[at].count, levels = new Uint8Array(bytes).subarray(start * size, end * size);
    return { ...told[at], frames: Float32Array.from(levels, (level) => low + (level * (high - low)) / 255), codes: new Float32Array(floats).slice(start * dim, end * dim) };
  }

  sheetOf() { return (this.sheet ||= json("tiles").then(async (found) => (found.png ? { rows: found.rows, ...(await tilesOf(found)) } : found))); }

  async tiles(run, rows) {
    const sheet = await this.sheetOf(), where = (this.where ||= new Map(sheet.rows.map((row, at) => [row, at])));
    if (sheet.texts) return { texts: rows.map((row) => sheet.texts[where.get(row)] ?? "") };
    return { ...sheet, places: rows.map((row) => where.get(row) ?? -1) };
  }

  // Of the texts that go along.
  async holding(run, words) {
    const { texts = [], rows = [] } = await this.sheetOf();
    return rows.filter((_, at) => texts[at]?.toLowerCase().includes(words));
  }

  async walk(run, { codes, path, steps }) {
    const { about } = this.facts;
    this.density ||= about.holes && new Density(about.holes, about.dim);
    if (path === "density" && !this.around) throw new Error("This file has no graph of codes to walk around holes on.");
    if (path === "density") this.graph ||= this.graphed();
    return journey(codes.map((z) => Float64Array.from(z)), steps, path, this.density, await this.graph);
  }

  async graphed() {
    const { about, graph } = this.facts, [nodes, pairs, costs] = await Promise.all(["nodes", "pairs", "costs"].map(block));
    const found = { nodes: new Float32Array(nodes), pairs: new Uint16Array(pairs), costs: new Float32Array(costs), unit: graph.unit };
    return new Graph(found, about.dim, this.density, async (z) => (await this.decode(about.name, z)).values);
  }

  async direction(run, { having, lacking }) {
    const codes = this.held, { dim } = this.facts.about, mean = (rows, d) => rows.reduce((sum, row) => sum + codes[row * dim + d], 0) / rows.length;
    return {
      direction: Array.from({ length: dim }, (_, d) => mean(having, d) - mean(lacking, d)),
      reading: `the examples given: ${having.length.toLocaleString("en")} with it, ${lacking.length.toLocaleString("en")} without; the difference of their means.`,
    };
  }
}
