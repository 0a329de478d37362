// What the page asks a server for. `disk.js` answers the same questions from within one file.
import { zipped } from "./zip.js";

const folder = (run) => `runs/${encodeURIComponent(run)}`;

class Refusal extends Error {}

export class Wire {
  here = new URL("./", import.meta.url).href;
  addressed = true;                           // the address holds the state,
  shared = true;                              // and leads others there
  around = true;                              // walks may go around holes

  async ask(path, { body, kind, accept } = {}) {
    const headers = {};
    if (kind) headers["Content-Type"] = kind;
    if (accept) headers.Accept = accept;
    let answer;
    try {
      answer = await fetch(this.here + path, { method: body === undefined ? "GET" : "POST", headers, body });
    } catch {
      throw new Refusal("The server does not answer. Is latentwalk studio still running?");
    }
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Refusal(said.detail || said.title || `The server answered ${answer.status}.`);
    }
    return answer;
  }

  async json(path, given) {
    const sent = given === undefined ? {} : { body: JSON.stringify(given), kind: "application/json" };
    return (await this.ask(path, sent)).json();
  }

  async floats(path) { return new Float32Array(await (await this.ask(path)).arrayBuffer()); }

  studio() { return this.json("about"); }
  about(run) { return this.json(`${folder(run)}/about`); }
  codes(run) { return this.floats(`${folder(run)}/codes`); }
  scales(run) { return this.floats(`${folder(run)}/scales`); }

  // Of codes that the page does not hold: where all fall on a plane, some of them, the rows that are nearest to one.
  places(run, axes) { return this.floats(`${folder(run)}/places?axes=${axes}`); }
  async codesOf(run, rows) {
    const sent = { body: JSON.stringify({ rows }), kind: "application/json" };
    return new Float32Array(await (await this.ask(`${folder(run)}/codes`, sent)).arrayBuffer());
  }

  async nearest(run, asked) { return (await this.json(`${folder(run)}/nearest`, asked)).rows; }

  column(run, at) { return this.floats(`${folder(run)}/columns/${at}`); }
  async numbers(run) { return new Uint32Array(await (await this.ask(`${folder(run)}/numbers`)).arrayBuffer()); }
  async names(run) { return (await this.json(`${folder(run)}/names`)).names; }

  // Codes (m * D) → what they decode to.
  decode(run, codes, { condition } = {}) {
    const under = condition ? `?condition=${encodeURIComponent(condition)}` : "";
    return this.shown(`${folder(run)}/decode${under}`, { body: codes, kind: "application/octet-stream" });
  }

  async shown(path, sent) {
    const answer = await this.ask(path, sent);
    if (answer.headers.get("Content-Type").startsWith("application/json")) return answer.json();
    return { values: new Float32Array(await answer.arrayBuffer()) };
  }

  async tiles(run, rows) { return tilesOf(await this.json(`${folder(run)}/tiles`, { rows })); }

  walk(run, asked) { return this.json(`${folder(run)}/walk`, asked); }
  direction(run, asked) { return this.json(`${folder(run)}/direction`, asked); }
  guided(run, asked) { return this.json(`${folder(run)}/guided`, asked); }

  // The code of an example in a file: a picture, a table's first row, a text, a piece of music.
  async encode(run, file) {
    const text = file.type === "text/plain" ? JSON.stringify({ texts: [(await file.text()).split("\n")[0]] }) : null;
    const kinds = { mid: "audio/midi", midi: "audio/midi", csv: "text/csv", npy: "application/x-npy" };
    const kind = text ? "application/json" : kinds[file.name.split(".").pop().toLowerCase()] || file.type;
    const answer = await this.ask(`../v1/${encodeURIComponent(run)}/encode`, { body: text ?? (await file.arrayBuffer()), kind, accept: "application/json" });
    return Float32Array.from((await answer.json()).codes[0]);
  }

  // A film by its number; what may come after its first frames; of each row which frame it is.
  async reel(run, film) { return unrolled(await this.json(`${folder(run)}/films/${film}`)); }
  async futures(run, { film, key }, asked) { return unrolled(await this.json(`${folder(run)}/films/${key ? `own/${key}` : film}/futures`, asked)); }

  // A film of one's own: a file that moves, or several images, whose names say their order.
  async brought(run, files) {
    const { called, name, body } = await gathered(files);
    const answer = await this.ask(`${folder(run)}/films/own?name=${encodeURIComponent(name)}`, { body, kind: "application/octet-stream" });
    return { ...unrolled(await answer.json()), name: called };
  }

  async frames(run) { return new Uint32Array(await (await this.ask(`${folder(run)}/frames`)).arrayBuffer()); }

  async holding(run, words) { return (await this.json(`${folder(run)}/holding?words=${encodeURIComponent(words.slice(0, 200))}`)).rows; }

  async export(run) { return (await this.ask(`${folder(run)}/export`)).blob(); }

  async film(run, given) {
    return (await this.ask(`${folder(run)}/film`, { body: JSON.stringify(given), kind: "application/json" })).blob();
  }

  async graftOnto(run, key, strength, file) {
    return (await this.ask(`${folder(run)}/graft?key=${key}&strength=${strength}`, { body: await file.arrayBuffer(), kind: file.type })).blob();
  }
}

// A sheet of tiles as a bitmap, with the place of each.
export async function tilesOf(found) {
  if (found.texts) return found;
  const bitmap = await bitmapOf(found.png);
  const wide = found.width / found.columns, high = found.height / Math.ceil(found.count / found.columns);
  return { bitmap, wide, high, columns: found.columns };
}

// Files as one: what they are called, by which name they are sent, and what.
export async function gathered(files) {
  const [{ name }] = files;
  if (files.length === 1) return { called: name.slice(-200), name: name.slice(-200), body: files[0] };
  const called = `${name.slice(-100)} and ${files.length - 1} more`;
  return { called, name: `${called}.zip`, body: await zipped(files) };
}

export const unrolled = (found) => ({ ...found, frames: new Float32Array(bytesOf(found.frames).buffer), codes: new Float32Array(bytesOf(found.codes).buffer) });

export function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

export const bitmapOf = (png) => createImageBitmap(new Blob([bytesOf(png)], { type: "image/png" }));
