// How one example looks: pictures and lines on a canvas, tables as rows, texts as text, music as a roll that is heard.
import { effect, html, signal, useEffect, useRef, useState } from "./lib.js";
import { palette, still } from "./colours.js";
import { attempt } from "./state.js";
import { bitmapOf, bytesOf } from "./wire.js";

const LINES = ["#2a6fbb", "#d6781e", "#2e8c60", "#a050aa"];
const FPS = 8;
const SLOWEST = 8000;                         // samples a second that all browsers play

const sizeOf = (about) => about.shape.reduce((product, side) => product * side, 1);

const isLine = (about) => about.kind === "signal" || about.kind === "sound";
export const isPicture = (about) => about.kind === "image" || isLine(about) || about.kind === "film";

// An image (H, W[, C]), channels where the spec says, in units of the data, on a canvas of its own size.
function paintImage(canvas, about, values, from, shape, channel) {
  const places = shape.length === 2 ? [0, 1, null] : channel === 0 ? [1, 2, 0] : [0, 1, 2];
  const [high, wide] = [shape[places[0]], shape[places[1]]], channels = places[2] === null ? 1 : shape[places[2]];
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const context = canvas.getContext("2d"), image = context.createImageData(wide, high), data = image.data;
  const span = about.high - about.low || 1, plane = wide * high;
  const level = (at) => { const x = values[from + at]; return Number.isNaN(x) ? 255 : Math.round(((x - about.low) / span) * 255); };
  for (let pixel = 0; pixel < plane; pixel++) {
    const out = 4 * pixel;
    for (let c = 0; c < 3; c++) {
      const source = channels < 3 ? 0 : c;
      data[out + c] = level(channel === 0 && channels > 1 ? source * plane + pixel : pixel * channels + source);
    }
    data[out + 3] = channels === 4 ? level(channel === 0 ? 3 * plane + pixel : pixel * 4 + 3) : 255;
  }
  context.putImageData(image, 0, 0);
}

function paintSignal(canvas, about, values, from, colours) {
  const wide = 480, high = 240, [length, channels] = [about.shape[0], about.shape[1] || 1];
  if (canvas.width !== wide) { canvas.width = wide; canvas.height = high; }
  const context = canvas.getContext("2d"), [low, top] = about.lines, span = top - low || 1;
  context.clearRect(0, 0, wide, high);
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, high / 2); context.lineTo(wide, high / 2);
  context.stroke();
  context.lineWidth = 2.5;
  for (let c = 0; c < Math.min(channels, LINES.length); c++) {
    context.strokeStyle = LINES[c];
    context.beginPath();
    let pen = false;
    for (let t = 0; t < length; t++) {
      const value = values[from + t * channels + c];
      if (Number.isNaN(value)) { pen = false; continue; }
      const x = 6 + ((wide - 12) * t) / Math.max(1, length - 1);
      const y = 8 + (high - 16) * (1 - Math.min(1.1, Math.max(-0.1, (value - low) / span)));
      if (pen) context.lineTo(x, y); else context.moveTo(x, y);
      pen = true;
    }
    context.stroke();
  }
}

// One of several examples, `at`, on a canvas. frame: of a film.
export function paint(canvas, about, shown, at = 0, frame = 0) {
  const size = sizeOf(about);
  if (about.kind === "image") paintImage(canvas, about, shown.values, at * size, about.shape, about.channel);
  else if (isLine(about)) paintSignal(canvas, about, shown.values, at * size, palette.value);
  else if (about.kind === "film") {
    const shape = about.shape.slice(1), one = size / about.shape[0];
    paintImage(canvas, about, shown.values, at * size + frame * one, shape, shape.length - 1);
  }
}

// A value of a table as it is written.
export function written(column, value) {
  if (Number.isNaN(value)) return "–";
  if (column.kind === "category") return column.categories[Math.round(value)] ?? "other";
  if (column.kind === "date") return new Date(value / 1000).toISOString().slice(0, 10);
  if (column.kind === "count" || column.whole) return Math.round(value).toLocaleString("en");
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

// One clock for all films in sight, so that they move in step and stop together.
const rolling = signal(!still.matches), instant = signal(0);
let watching = 0;
effect(() => {
  if (!rolling.value) return undefined;
  const timer = setInterval(() => { if (watching) instant.value++; }, 1000 / FPS);
  return () => clearInterval(timer);
});

// The frame at which films stand now; 0 of what is none.
export function useFrame(about) {
  const moves = about.kind === "film";
  useEffect(() => {
    if (!moves) return undefined;
    watching++;
    return () => { watching--; };
  }, [moves]);
  return moves ? instant.value % about.shape[0] : 0;
}

function Film({ about, shown, at, label }) {
  const canvas = useRef(), frame = useFrame(about), small = Math.max(...about.shape.slice(1)) < 100 ? " pixels" : "";
  useEffect(() => paint(canvas.current, about, shown, at, frame), [shown, at, frame]);
  return html`<div class="film"><canvas ref=${canvas} class="picture${small}" role="img" aria-label=${label}></canvas>
    <button class="small" onClick=${() => { rolling.value = !rolling.value; }}>${rolling.value ? "Pause" : "Play"}</button></div>`;
}

let speaker = null;

// A button that plays what `made` gives, an AudioBuffer, and how much of it has been heard. of: what it belongs to; another one,
// and it is silent.
function Player({ made, of }) {
  const playing = useRef(null), [heard, setHeard] = useState(null);
  const stop = () => { const source = playing.current; playing.current = null; source?.stop(); setHeard(null); };
  useEffect(() => stop, [of]);
  const play = () => attempt(async () => {
    if (playing.current) { stop(); return; }
    speaker ||= new AudioContext();
    const source = speaker.createBufferSource();
    playing.current = source;
    await speaker.resume();
    source.buffer = await made();
    if (playing.current !== source) return;      // another example has come meanwhile
    source.connect(speaker.destination);
    source.onended = () => { if (playing.current === source) stop(); };
    source.start();
    const begun = speaker.currentTime, seconds = source.buffer.duration;
    const tick = () => {
      if (playing.current !== source) return;
      setHeard({ at: Math.min(seconds, speaker.currentTime - begun), seconds });
      requestAnimationFrame(tick);
    };
    tick();
  });
  return html`<div class="line player"><button class="small" aria-pressed=${heard !== null} onClick=${play}>${heard ? "Stop" : "Play"}</button>
    ${heard && html`<progress max=${heard.seconds} value=${heard.at} aria-label="Heard"></progress><span class="quiet">${heard.at.toFixed(1)} of ${heard.seconds.toFixed(1)} s</span>`}</div>`;
}

// A sound's samples as they are heard, no louder than full scale; between those of a slow one lie others, on straight lines.
function waveOf(about, shown, at) {
  const [length, channels] = [about.shape[0], about.shape[1] || 1], from = at * sizeOf(about), top = Math.max(Math.abs(about.low), Math.abs(about.high)) || 1;
  const times = Math.max(1, Math.ceil(SLOWEST / about.rate)), buffer = speaker.createBuffer(channels, length * times, about.rate * times);
  for (let c = 0; c < channels; c++) {
    const samples = buffer.getChannelData(c), sample = (t) => Math.max(-1, Math.min(1, (shown.values[from + Math.min(t, length - 1) * channels + c] || 0) / top));
    for (let t = 0; t < length; t++) for (let k = 0; k < times; k++) samples[t * times + k] = sample(t) + (k / times) * (sample(t + 1) - sample(t));
  }
  return buffer;
}

function Music({ roll, sound, label }) {
  const canvas = useRef();
  useEffect(() => {
    let gone = false;
    bitmapOf(roll).then((bitmap) => {
      if (gone || !canvas.current) return;
      canvas.current.width = bitmap.width;
      canvas.current.height = bitmap.height;
      canvas.current.getContext("2d").drawImage(bitmap, 0, 0);
    });
    return () => { gone = true; };
  }, [roll]);
  return html`<div class="music"><canvas ref=${canvas} class="roll" role="img" aria-label=${label}></canvas>
    ${sound && html`<${Player} made=${() => speaker.decodeAudioData(bytesOf(sound).buffer)} of=${sound} />`}</div>`;
}

// One example, whatever it is. before: another one, whose differing values are marked in a table.
export function Shown({ about, shown, at = 0, label = "", before = null }) {
  const canvas = useRef();
  const drawn = about.kind === "image" || isLine(about);
  useEffect(() => { if (drawn && shown) paint(canvas.current, about, shown, at); }, [shown, at, palette.value]);
  if (drawn) {
    const small = about.kind === "image" && Math.max(...about.shape) < 100 ? " pixels" : "";
    const seen = html`<canvas ref=${canvas} class="picture ${about.kind}${small}" role="img" aria-label=${label}></canvas>`;
    return about.rate ? html`<div class="music">${seen}${shown && html`<${Player} made=${() => waveOf(about, shown, at)} of=${shown} />`}</div>` : seen;
  }
  if (!shown) return html`<p class="quiet">…</p>`;
  if (shown.texts) return html`<p class="text">${shown.texts[at]}</p>`;
  if (shown.rolls) return html`<${Music} roll=${shown.rolls[at]} sound=${shown.sounds?.[at]} label=${label} />`;
  if (about.kind === "film") return html`<${Film} about=${about} shown=${shown} at=${at} label=${label} />`;
  const size = sizeOf(about);
  return html`<table class="values"><tbody>${about.table.slice(0, 60).map((column, c) => {
    const value = written(column, shown.values[at * size + c]);
    const changed = before && written(column, before.values[c]) !== value;
    return html`<tr class=${changed ? "changed" : ""}><th scope="row">${column.name}</th><td>${value}${changed ? html` <i aria-label="changed">•</i>` : ""}</td></tr>`;
  })}</tbody></table>`;
}

// Several examples in a row on one canvas, with what lies in holes underlined: a strip to look at or to save. frame: of films.
export function strip(about, shown, count, marked, side = 64, frame = 0) {
  const one = document.createElement("canvas");
  paint(one, about, shown, 0, frame);
  const scale = side / one.height, wide = Math.round(one.width * scale), canvas = document.createElement("canvas");
  canvas.width = count * (wide + 4) - 4;
  canvas.height = side + 6;
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = one.height > side;
  for (let at = 0; at < count; at++) {
    paint(one, about, shown, at, frame);
    context.drawImage(one, at * (wide + 4), 0, wide, side);
    if (marked?.[at]) { context.fillStyle = "#d1431f"; context.fillRect(at * (wide + 4), side + 2, wide, 4); }
  }
  return canvas;
}
