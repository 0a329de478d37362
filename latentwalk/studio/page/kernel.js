// What the page asks of a notebook's kernel: the same questions as `wire.js` asks a server, as messages of a widget.
import { gathered, tilesOf, unrolled } from "./wire.js";

const PATIENCE = 10000;                       // ms, until a kernel that decodes nothing is said to be busy
const UPLOADED = ["image", "text", "music", "roll"];

export class Kernel {
  around = true;

  constructor(model) {
    this.model = model;
    this.waiting = new Map();
    this.mine = Math.random().toString(36).slice(2);     // a widget may be seen twice, and each view hears all answers
    this.last = 0;
    this.hear = (said, buffers) => this.heard(said, buffers);
    model.on("msg:custom", this.hear);
  }

  close() { this.model.off("msg:custom", this.hear); }

  heard(said, buffers) {
    if (said.go) { this.go?.(Float32Array.from(said.go)); return; }
    const asked = this.waiting.get(said.key);
    if (!asked) return;
    this.waiting.delete(said.key);
    clearTimeout(asked.timer);
    if (said.failure) asked.reject(new Error(said.failure));
    else asked.resolve({ said: said.said, bytes: buffers?.length ? copied(buffers[0]) : null });
  }

  tell(said) { this.model.send(said); }

  ask(what, given = {}, patience = 0) {
    const key = `${this.mine}-${++this.last}`;
    return new Promise((resolve, reject) => {
      const late = () => { this.waiting.delete(key); reject(new Error("The kernel does not answer: it is at work on another cell, or was started anew.")); };
      this.waiting.set(key, { resolve, reject, timer: patience ? setTimeout(late, patience) : 0 });
      this.tell({ key, what, ...given });
    });
  }

  async json(what, given) { return (await this.ask(what, given)).said; }
  async floats(what, given) { return new Float32Array((await this.ask(what, given)).bytes); }
  async blob(what, given) { return new Blob([(await this.ask(what, given)).bytes]); }

  async studio() {
    const about = await this.json("about");
    if (!UPLOADED.includes(about.kind)) this.encode = null;
    return { runs: [{ name: about.name, title: about.title, kind: about.kind }], training: false };
  }

  about() { return this.json("about"); }
  codes() { return this.floats("codes"); }
  scales() { return this.floats("scales"); }
  places(run, axes) { return this.floats("places", { axes }); }
  codesOf(run, rows) { return this.floats("codes_of", { rows }); }
  nearest(run, asked) { return this.json("nearest", asked); }
  column(run, at) { return this.floats("column", { at }); }
  async numbers() { return new Uint32Array((await this.ask("numbers")).bytes); }
  names() { return this.json("names"); }

  async decode(run, codes, { condition } = {}) {
    const { said, bytes } = await this.ask("decode", { codes: Array.from(codes), condition: condition || null }, PATIENCE);
    return bytes ? { values: new Float32Array(bytes) } : said;
  }

  async tiles(run, rows) { return tilesOf(await this.json("tiles", { rows })); }
  holding(run, words) { return this.json("holding", { words }); }
  walk(run, asked) { return this.json("walk", asked); }
  film(run, asked) { return this.blob("film", asked); }
  direction(run, asked) { return this.json("direction", asked); }
  guided(run, { key, ...asked }) { return this.json("guided", { key_of: key, ...asked }); }
  async graftOnto(run, key, strength, file) { return this.blob("graft", { key_of: key, strength, content: await letters(file) }); }
  async reel(run, film) { return unrolled(await this.json("reel", { film })); }
  async futures(run, { film, key }, asked) { return unrolled(await this.json("futures", { film, key_of: key || null, ...asked })); }
  async frames() { return new Uint32Array((await this.ask("frames")).bytes); }
  async brought(run, files) {
    const { called, name, body } = await gathered(files);
    return { ...unrolled(await this.json("brought", { name, content: await letters(body) })), name: called };
  }

  async encode(run, file) { return Float32Array.from(await this.json("encode", { content: await letters(file) })); }
}

// A buffer as notebooks hand it on, a view of something larger, as bytes of its own.
const copied = (view) => (view instanceof ArrayBuffer ? view : view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

// A file in base64: not all notebooks carry bytes to a kernel.
function letters(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}
