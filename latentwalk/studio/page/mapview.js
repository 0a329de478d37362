// A map one can point at: points, layers, the probe; by pointer, touch and keyboard.
import { effect, html, useEffect, useRef } from "./lib.js";
import { classColour, inks, palette, rgb, scaleColour } from "./colours.js";
import * as draw from "./map.js";
import { futures, reel } from "./films.js";
import { placed } from "./plane.js";
import {
  active, announce, attempt, codeOf, colour, dense, groups, labelOf, layers, look, moment, page, pinned, probe, probeRow, scenes, stops, tab, tool,
} from "./state.js";
import { addStop, course } from "./walk.js";

const HOLD = 28;                              // pixels from the probe from which a finger takes it along
const SPOT = 16;                              // pixels from the middle of a spot to its side
const NEAR = 11;                              // pixels from the pointer at which a point is meant

// The ink of each sorted place, by the column that is chosen.
async function inkOf(scene, name, colours) {
  const grid = scene.grid.value, at = scene.about.columns.findIndex((one) => one.name === name), out = new Uint32Array(grid.count);
  if (at < 0) return out.fill(inks([colours.on])[0]);
  const values = await scene.column(at), column = scene.about.columns[at], none = inks([colours.none])[0];
  if (column.kind === "category") {
    const table = column.classes.map((_, c) => inks([classColour(c, colours)])[0]);
    for (let k = 0; k < out.length; k++) { const value = values[grid.rows[k]]; out[k] = value >= 0 ? table[value] : none; }
    return out;
  }
  const table = inks(Array.from({ length: 256 }, (_, k) => scaleColour(k / 255))), { low, high } = column, span = high - low || 1;
  for (let k = 0; k < out.length; k++) {
    const value = values[grid.rows[k]];
    out[k] = Number.isNaN(value) ? none : table[Math.min(255, Math.max(0, Math.round((255 * (value - low)) / span)))];
  }
  return out;
}

class Canvas {
  constructor(scene, elements) {
    Object.assign(this, { scene, ...elements });
    this.points = new draw.Points(this.dots);
    this.under = this.below.getContext("2d");
    this.over = this.above.getContext("2d");
    this.ink = null;
    this.holes = null;
    this.lasso = null;
    this.wide = this.high = 0;
    this.visible = 0;
    this.frames = [];
    this.stops = [
      effect(() => { scene.grid.value; this.tint(scene, colour.value, palette.value); }),
      effect(() => {
        scene.view.value; scene.home.value; layers.value; dense.value; scene.scales.value; palette.value; scene.tiles.arrived.value;
        this.all = true; this.soon();
      }),
      effect(() => { stops.value; groups.value; tab.value; tool.value; course.value; reel.value; futures.value; moment.value; this.soon(); }),
      effect(() => { scene.z.value; scene.hover.value; pinned.value; this.spots(); }),
      effect(() => { scene.z.value; scene.view.value; scene.plane.value; layers.value; palette.value; this.later(); }),
      effect(() => { if (layers.value.includes("posteriors")) scene.needScales(); }),
    ];
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this.frame);
    this.resize();
  }

  close() { this.stops.forEach((stop) => stop()); this.sized.disconnect(); cancelAnimationFrame(this.asked); clearTimeout(this.timer); }

  resize() {
    const box = this.frame.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    if (!box.width || !box.height) return;
    this.wide = box.width; this.high = box.height; this.ratio = ratio;
    this.points.resize(box.width, box.height, ratio);
    for (const canvas of [this.below, this.above]) {
      canvas.width = Math.round(box.width * ratio);
      canvas.height = Math.round(box.height * ratio);
    }
    this.all = true;
    this.marked = null;
    this.soon();
    this.later();
  }

  // The probe and the point that is meant: small things of their own, which move while all else stays as it is drawn.
  spots() {
    if (!this.wide) return;
    const { scene } = this, rect = this.rect(), hover = scene.hover.peek(), places = scene.places.peek(), key = `${pinned.peek()} ${palette.peek().ink}`;
    if (this.marked !== key) {
      this.marked = key;
      this.small(this.probe, (context) => cross(context, SPOT, SPOT, pinned.peek(), palette.peek()));
      this.small(this.meant, (context) => ring(context, SPOT, SPOT, 7, palette.peek().ink, 1.5, palette.peek().paper));
    }
    const put = (spot, u, v) => { spot.style.transform = `translate(${(u - rect.left) * rect.scale - SPOT}px, ${(rect.top - v) * rect.scale - SPOT}px)`; };
    put(this.probe, ...scene.place());
    this.meant.hidden = hover < 0;
    if (hover >= 0) put(this.meant, places[2 * hover], places[2 * hover + 1]);
  }

  small(canvas, paint) {
    canvas.width = canvas.height = Math.round(2 * SPOT * this.ratio);
    const context = canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    paint(context);
  }

  async tint(scene, name, colours) {
    const grid = scene.grid.value, ink = await inkOf(scene, name, colours);
    if (scene.grid.peek() !== grid || colour.peek() !== name || palette.peek() !== colours) return;
    this.ink = ink;
    this.inked = grid;
    this.names = this.middles(name);
    this.all = true;
    this.soon();
  }

  // Where the name of each class stands: at the median of its places.
  middles(name) {
    const { scene } = this, at = scene.about.columns.findIndex((one) => one.name === name), column = scene.about.columns[at];
    if (!column || column.kind !== "category" || column.classes.length > 24) return [];
    const values = scene.columns.get(at), grid = scene.grid.peek(), each = column.classes.map(() => [[], []]);
    const step = Math.max(1, Math.floor(grid.count / 30000));
    for (let k = 0; k < grid.count; k += step) {
      const which = values[grid.rows[k]];
      if (which >= 0) { each[which][0].push(grid.sorted[2 * k]); each[which][1].push(grid.sorted[2 * k + 1]); }
    }
    const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];
    return each.map(([u, v], c) => (u.length ? { u: middle(u), v: middle(v), name: column.classes[c], c } : null)).filter(Boolean);
  }

  rect() { return draw.rectangle(this.scene.seen(), this.wide, this.high); }

  // Whether all that was asked for is drawn.
  get still() { return Boolean(this.first && !this.asked && !this.timer); }

  soon() { if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); }); }

  // Holes are found a moment after the map came to rest; until then the picture of before is moved along.
  later() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.scene.density || !layers.peek().includes("holes")) return;
    const flat = this.scene.dim <= 2 && this.holes && this.colours === palette.peek();
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (!this.wide) return;
      const rect = this.rect(), old = this.holes?.rect;
      const sharp = flat && old.right - old.left < 2.2 * (rect.right - rect.left);
      if (sharp && old.left <= rect.left && old.right >= rect.right && old.bottom <= rect.bottom && old.top >= rect.top) return;
      this.colours = palette.peek();
      this.holes = draw.holePicture(this.scene, rect, palette.peek());
      this.all = true;
      this.soon();
    }, this.holes ? 90 : 0);
  }

  draw() {
    if (!this.wide || !this.ink || this.inked !== this.scene.grid.peek()) return;
    const start = performance.now(), rect = this.rect(), colours = palette.peek();
    if (this.all) {
      this.all = false;
      this.beneath(rect, colours);
      const some = draw.thumbs(this.scene, rect, this.wide, this.high, this.scene.grid.peek().inside(rect));
      this.some = some;
      this.visible = this.points.draw(this.scene.grid.peek(), this.ink, rect, { dense: dense.peek() });
      if (some.length) this.scene.tiles.need(some.map((one) => one.row));
      this.count.textContent = said(this.visible, this.scene);
      this.first ||= performance.now();
    }
    this.atop(rect, colours);
    this.frames.push(performance.now() - start);
    if (this.frames.length > 3000) this.frames.shift();
  }

  clear(context) {
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.wide, this.high);
  }

  beneath(rect, colours) {
    const context = this.under, shown = layers.peek();
    this.clear(context);
    if (shown.includes("holes") && this.holes) draw.drawHoles(context, this.holes, rect, colours);
    ticks(context, rect, this.wide, this.high, this.scene.plane.peek().names, colours);
  }

  atop(rect, colours) {
    const context = this.over, { scene } = this, shown = layers.peek();
    this.clear(context);
    const at = (u, v) => [(u - rect.left) * rect.scale, (rect.top - v) * rect.scale];
    if (this.some?.length) draw.drawThumbs(context, scene, rect, this.some, this.ink);
    if (shown.includes("posteriors")) draw.drawPosteriors(context, scene, rect, this.ink, colours);
    if (shown.includes("prior")) draw.drawPrior(context, scene, rect, colours);
    for (const { u, v, name, c } of this.names || []) {
      const [x, y] = at(u, v);
      context.font = "700 16px system-ui, sans-serif";
      context.textAlign = "center"; context.textBaseline = "middle";
      context.lineWidth = 6; context.lineJoin = "round";
      context.strokeStyle = rgb(colours.paper, 0.94);
      context.strokeText(name, x, y);
      context.fillStyle = classColour(c, colours);
      context.fillText(name, x, y);
    }
    this.marks(context, at, colours);
    this.spots();
    if (this.lasso) outline(context, this.lasso.map(([u, v]) => at(u, v)), colours);
  }

  // Groups, the ends of walks and blends, and the way between them.
  marks(context, at, colours) {
    const { scene } = this, places = scene.places.peek();
    if (scene !== scenes.peek()[0]) return;
    for (const [name, ink] of [["A", colours.ink], ["B", colours.off]]) {
      const rows = groups.peek()[name];
      const step = Math.max(1, Math.ceil(rows.length / 4000)), many = rows.length > 300, size = many ? 2.4 : 4;
      context.strokeStyle = ink; context.lineWidth = many ? 0.9 : 1.3;
      for (let k = 0; k < rows.length; k += step) {
        const [x, y] = at(places[2 * rows[k]], places[2 * rows[k] + 1]);
        context.beginPath();
        if (name === "A") context.arc(x, y, size, 0, 6.3);
        else context.rect(x - size, y - size, 2 * size, 2 * size);
        context.stroke();
      }
    }
    if (tab.peek() === "films" && reel.peek()?.run === scene.name) this.way(context, at, colours, reel.peek(), futures.peek());
    if (!["walk", "blend"].includes(tab.peek())) return;
    const way = tab.peek() === "walk" ? course.peek() : null;
    if (way && way.codes.length > 1) {
      const along = way.codes.map((z) => at(...placed(scene.plane.peek(), z)));
      context.lineWidth = 2.2; context.lineJoin = "round";
      for (let k = 1; k < along.length; k++) {
        context.strokeStyle = way.marked[k] || way.marked[k - 1] ? colours.off : colours.ink;
        context.setLineDash(way.marked[k] || way.marked[k - 1] ? [4, 3] : []);
        context.beginPath(); context.moveTo(...along[k - 1]); context.lineTo(...along[k]); context.stroke();
      }
      context.setLineDash([]);
      for (const [x, y] of along) ring(context, x, y, 2.5, colours.ink, 1.4, colours.paper, true);
    }
    stops.peek().forEach((one, k) => {
      const z = codeOf(scene, one), places = scene.places.peek();
      const [x, y] = at(...(z ? placed(scene.plane.peek(), z) : [places[2 * one.row], places[2 * one.row + 1]]));
      ring(context, x, y, 9, colours.ink, 1.5, colours.paper, true);
      context.fillStyle = colours.ink; context.font = "600 11px system-ui, sans-serif";
      context.textAlign = "center"; context.textBaseline = "middle";
      context.fillText(String.fromCharCode(97 + k), x, y + 0.5);
    });
  }

  // A film: its frames in their order, the larger and lighter the less they could be foreseen; futures branch off, dashed.
  way(context, at, colours, film, ahead) {
    const spots = (codes, count, from = 0) => Array.from({ length: count }, (_, t) => at(...placed(this.scene.plane.peek(), codes.subarray((from + t) * this.scene.dim, (from + t + 1) * this.scene.dim))));
    const line = (points, ink, dash) => {
      context.strokeStyle = ink; context.setLineDash(dash);
      context.beginPath();
      points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
    };
    const along = spots(film.codes, film.count), now = moment.peek();
    context.lineWidth = 2; context.lineJoin = "round";
    line(along, colours.ink, []);
    const drawn = ahead ? Array.from({ length: ahead.draws }, (_, k) => spots(ahead.codes, ahead.steps, k * ahead.steps)) : [];
    for (const points of drawn) line([along[ahead.seen - 1], ...points], colours.off, [4, 3]);
    context.setLineDash([]);
    along.forEach(([x, y], t) => {
      const share = film.ranks[t];
      context.beginPath(); context.arc(x, y, 3 + 2.5 * share, 0, 6.3);
      context.fillStyle = scaleColour(share); context.fill();
      context.lineWidth = 1.2; context.strokeStyle = colours.paper; context.stroke();
    });
    context.font = "600 11px system-ui, sans-serif"; context.textAlign = "left"; context.textBaseline = "bottom"; context.lineJoin = "round";
    context.lineWidth = 4; context.strokeStyle = rgb(colours.paper, 0.94); context.strokeText("first", along[0][0] + 6, along[0][1] - 4);
    context.fillStyle = colours.ink; context.fillText("first", along[0][0] + 6, along[0][1] - 4);
    for (const points of [along, ...drawn.map((points) => [...along.slice(0, ahead.seen), ...points])]) if (points[now]) ring(context, ...points[now], 9, colours.ink, 1.8, colours.paper);
  }
}

function said(visible, scene) {
  const grid = scene.grid.peek(), all = scene.about.total, number = (n) => n.toLocaleString("en");
  const filtered = grid.count < scene.n ? `, ${number(grid.count)} pass the filter` : "";
  const drawn = scene.n < all ? `, ${number(scene.n)} on the map` : "";
  return `${number(visible)} of ${number(all)} examples in sight${filtered}${drawn}`;
}

function ring(context, x, y, radius, ink, width, paper, filled = false) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (filled) { context.fillStyle = paper; context.fill(); }
  else { context.lineWidth = width + 2; context.strokeStyle = paper; context.stroke(); }
  context.lineWidth = width; context.strokeStyle = ink; context.stroke();
}

function cross(context, x, y, fixed, colours) {
  for (const [ink, width] of [[colours.paper, 4], [colours.ink, 1.6]]) {
    context.strokeStyle = ink; context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) { context.moveTo(x + 5 * dx, y + 5 * dy); context.lineTo(x + 13 * dx, y + 13 * dy); }
    context.stroke();
    if (fixed) { context.beginPath(); context.arc(x, y, 5, 0, 6.3); context.stroke(); }
  }
}

function outline(context, points, colours) {
  context.beginPath();
  points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
  context.fillStyle = rgb(colours.on, 0.12); context.fill();
  context.strokeStyle = colours.on; context.lineWidth = 1.5; context.stroke();
}

function ticks(context, rect, wide, high, names, colours) {
  const raw = 90 / rect.scale, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= raw);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  context.font = "11px system-ui, sans-serif"; context.fillStyle = colours.muted;
  context.strokeStyle = rgb(colours.line, 0.55); context.lineWidth = 1;
  context.beginPath();
  for (let u = Math.ceil(rect.left / step) * step; u < rect.right; u += step) {
    const x = Math.round((u - rect.left) * rect.scale) + 0.5;
    context.moveTo(x, 0); context.lineTo(x, high);
    context.textAlign = "center"; context.textBaseline = "bottom";
    if (x > 30 && x < wide - 60) context.fillText(tidy(u, digits), x, high - 5);
  }
  for (let v = Math.ceil(rect.bottom / step) * step; v < rect.top && names[1]; v += step) {
    const y = Math.round((rect.top - v) * rect.scale) + 0.5;
    context.moveTo(0, y); context.lineTo(wide, y);
    context.textAlign = "left"; context.textBaseline = "middle";
    if (y > 90 && y < high - 30) context.fillText(tidy(v, digits), 6, y);
  }
  context.stroke();
  context.textAlign = "right"; context.textBaseline = "bottom";
  context.fillText(`${names[0]} →`, wide - 8, high - 5);
  if (names[1]) { context.save(); context.translate(16, 84); context.rotate(-Math.PI / 2); context.textAlign = "right"; context.restore(); context.textAlign = "left"; context.fillText(`↑ ${names[1]}`, 6, 84); }
}

const tidy = (value, digits) => (Math.abs(value) < 1e-9 ? "0" : value.toFixed(digits).replace("-", "−"));

// ---------------------------------------------------------------------- what one does

function press(canvas) {
  const { scene, above } = canvas, held = new Map();
  let drag = null, pinch = null;
  const where = (event) => {
    const box = above.getBoundingClientRect(), rect = canvas.rect(), x = event.clientX - box.left, y = event.clientY - box.top;
    return { x, y, u: rect.left + x / rect.scale, v: rect.top - y / rect.scale, rect };
  };
  const pick = ({ u, v, rect }) => scene.grid.peek().nearest(u, v, NEAR / rect.scale);

  const down = (event) => {
    above.setPointerCapture(event.pointerId);
    const at = where(event);
    held.set(event.pointerId, at);
    if (held.size === 2) { pinch = { spread: spread(held), view: scene.seen() }; drag = null; return; }
    if (tool.peek() === "lasso") { canvas.lasso = [[at.u, at.v]]; return; }
    const [u, v] = scene.place(), near = Math.hypot(u - at.u, v - at.v) * at.rect.scale < HOLD;
    drag = { at, view: scene.seen(), moved: false, probe: near && event.pointerType === "touch" };
  };
  const move = (event) => {
    const at = where(event);
    if (held.has(event.pointerId)) held.set(event.pointerId, at);
    if (pinch && held.size === 2) {
      const now = spread(held), view = pinch.view, k = pinch.spread.away / now.away, scale = Math.min(canvas.wide, canvas.high) / 2;
      look(scene, {
        half: view.half * k,
        x: view.x + ((pinch.spread.x - canvas.wide / 2) * view.half - (now.x - canvas.wide / 2) * view.half * k) / scale,
        y: view.y - ((pinch.spread.y - canvas.high / 2) * view.half - (now.y - canvas.high / 2) * view.half * k) / scale,
      });
      return;
    }
    if (canvas.lasso && held.size) { canvas.lasso.push([at.u, at.v]); canvas.soon(); return; }
    if (drag && held.size) {
      const dx = at.x - drag.at.x, dy = at.y - drag.at.y;
      if (!drag.moved && Math.hypot(dx, dy) < 4) return;
      drag.moved = true;
      if (drag.probe) { pinned.value = true; probe(scene, at.u, at.v); return; }
      look(scene, { ...drag.view, x: drag.view.x - dx / drag.at.rect.scale, y: drag.view.y + dy / drag.at.rect.scale });
      return;
    }
    if (event.pointerType === "touch") return;
    const row = pick(at);
    scene.hover.value = row;
    if (!pinned.peek() && tool.peek() === "look") probe(scene, at.u, at.v);
  };
  const up = (event) => {
    const at = where(event);
    held.delete(event.pointerId);
    if (pinch) { if (!held.size) pinch = null; return; }
    if (canvas.lasso) { choose(canvas); return; }
    if (drag && !drag.moved) {
      const row = pick(at);
      scene.hover.value = row;
      if (pinned.peek() && row < 0 && event.pointerType !== "touch") { pinned.value = false; probe(scene, at.u, at.v); }
      else { pinned.value = true; if (row >= 0) probeRow(scene, row); else probe(scene, at.u, at.v); }
    }
    drag = null;
  };
  const wheel = (event) => {
    event.preventDefault();
    const at = where(event), view = scene.seen(), k = Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * (event.ctrlKey ? 0.01 : 0.0022));
    const half = Math.min(scene.home.peek().half * 20, Math.max(scene.home.peek().half / 2000, view.half * k)), share = half / view.half;
    look(scene, { half, x: at.u + (view.x - at.u) * share, y: at.v + (view.y - at.v) * share });
  };
  const leave = () => { scene.hover.value = -1; };
  const listeners = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: () => { held.clear(); drag = pinch = canvas.lasso = null; }, pointerleave: leave };
  for (const [name, listener] of Object.entries(listeners)) above.addEventListener(name, listener);
  above.addEventListener("wheel", wheel, { passive: false });
}

function spread(held) {
  const [a, b] = [...held.values()];
  return { away: Math.max(10, Math.hypot(a.x - b.x, a.y - b.y)), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function choose(canvas) {
  const { scene } = canvas, rows = canvas.lasso.length > 2 ? scene.grid.peek().lassoed(canvas.lasso) : [];
  canvas.lasso = null;
  canvas.soon();
  if (scene !== scenes.peek()[0]) return;
  groups.value = { ...groups.peek(), [active.peek()]: rows };
  tool.value = "look";
  announce(`Group ${active.peek()} holds ${rows.length.toLocaleString("en")} examples.`);
}

let telling;
function tell(scene) {
  clearTimeout(telling);
  telling = setTimeout(async () => {
    await scene.needNames();
    const [row] = (await scene.nearestNow())[0] || [-1], [u, v] = scene.place(), names = scene.plane.value.names;
    const at = `${names[0]} ${u.toFixed(2)}${names[1] ? `, ${names[1]} ${v.toFixed(2)}` : ""}`;
    announce(`${at}; ${scene.said(scene.depth.value)}; nearest ${scene.called(row)}${labelOf(scene, row)}`);
  }, 350);
}

function keys(event, scene) {
  const by = event.shiftKey ? 1 : 0.1, steps = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] };
  const view = scene.seen();
  if (steps[event.key]) {
    pinned.value = true;
    scene.step(...steps[event.key]);
    if (scenes.peek().length > 1) probe(scene, ...scene.place());
    tell(scene);
  } else if (event.key === "+" || event.key === "=") look(scene, { ...view, half: view.half / 1.25 });
  else if (event.key === "-") look(scene, { ...view, half: view.half * 1.25 });
  else if (event.key === "0") look(scene, null);
  else if (event.key === "Enter") { addStop(scene); }
  else if (event.key === "n") attempt(async () => { const [[row]] = await scene.nearestNow(); pinned.value = true; probeRow(scene, row); tell(scene); });
  else if (event.key === "Escape") pinned.value = false;
  else return;
  event.preventDefault();
}

export function MapView({ scene, title }) {
  const frame = useRef(), below = useRef(), dots = useRef(), above = useRef(), probeSpot = useRef(), meant = useRef(), count = useRef();
  useEffect(() => {
    const canvas = new Canvas(scene, {
      frame: frame.current, below: below.current, dots: dots.current, above: above.current, probe: probeSpot.current, meant: meant.current, count: count.current,
    });
    page.maps.set(scene.name, canvas);
    press(canvas);
    return () => { canvas.close(); page.maps.delete(scene.name); };
  }, [scene]);
  const label = `Map of ${scene.about.title}: arrow keys move the probe by a tenth of a deviation, with shift by one; plus and minus zoom; n goes to the nearest example; enter adds the point to the walk.`;
  return html`<div class="map" ref=${frame}>
    <canvas ref=${below} aria-hidden="true"></canvas>
    <canvas ref=${dots} aria-hidden="true"></canvas>
    <canvas ref=${above} class="top ${tool.value}" tabindex="0" role="application" aria-roledescription="map" aria-label=${label}
      onKeyDown=${(event) => keys(event, scene)}></canvas>
    <canvas ref=${meant} class="spot" aria-hidden="true" hidden></canvas>
    <canvas ref=${probeSpot} class="spot" aria-hidden="true"></canvas>
    <p class="maptitle">${title}</p>
    <p class="count" ref=${count}></p>
  </div>`;
}
