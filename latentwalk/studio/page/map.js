// What is drawn on a map: points into the pixels of an ImageData, all else with a 2-D context above and below them.
import { parts, rgb } from "./colours.js";
import { ellipse, lifted, placed } from "./plane.js";
import { drawTile } from "./scene.js";

const THUMB = 30;                // pixels of a small picture
const THUMBS = 700;                     // points in sight, from which down pictures take the place of dots
const SOFT = 40000;                     // points in sight, up to which dots let through what lies beneath
const MOST = 1.6e6;                     // pixels of the layer of points; beyond that it is drawn coarser

// The rectangle of the plane that a view of { x, y, half } shows on wide * high pixels.
export function rectangle(view, wide, high) {
  const scale = Math.min(wide, high) / (2 * view.half);
  return {
    scale,
    left: view.x - wide / 2 / scale, right: view.x + wide / 2 / scale,
    bottom: view.y - high / 2 / scale, top: view.y + high / 2 / scale,
  };
}

// Dots: what a disc of this radius covers, as offsets, those at its rim with how far they are covered.
function disc(radius, stride) {
  const core = [], rim = [], most = Math.ceil(radius);
  for (let y = -most; y <= most; y++)
    for (let x = -most; x <= most; x++) {
      const covered = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(x, y)));
      if (covered > 0.9) core.push(y * stride + x);
      else if (covered > 0.12) rim.push([y * stride + x, Math.round(255 * covered)]);
    }
  return { core: Int32Array.from(core), rim: Int32Array.from(rim.map((r) => r[0])), covered: rim.map((r) => r[1]), most: most + 1 };
}

export class Points {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: false });
  }

  resize(wide, high, ratio) {
    const coarser = Math.min(1, Math.sqrt(MOST / (wide * high * ratio * ratio)));
    this.ratio = ratio * coarser;
    const w = Math.max(1, Math.round(wide * this.ratio)), h = Math.max(1, Math.round(high * this.ratio));
    if (this.canvas.width === w && this.canvas.height === h && this.image) return;
    this.canvas.width = w;
    this.canvas.height = h;
    this.image = this.context.createImageData(w, h);
    this.buffer = new Uint32Array(this.image.data.buffer);
    this.discs = new Map();
  }

  // grid: sorted places. ink: Uint32Array, one for each sorted place. Gives how many points are in sight.
  draw(grid, ink, rect, { dense }) {
    const { buffer, image } = this, w = image.width, h = image.height, scale = rect.scale * this.ratio;
    buffer.fill(0);
    const visible = grid.inside(rect);
    if (!dense) this.dots(grid, ink, rect, scale, w, h, visible);
    this.context.putImageData(image, 0, 0);
    if (dense) this.cloud(grid, ink, rect, scale, w, h);
    return visible;
  }

  dots(grid, ink, rect, scale, w, h, visible) {
    const { buffer } = this, area = (w * h) / (this.ratio * this.ratio);
    const radius = Math.min(4.2, Math.max(0.75, Math.sqrt((area * 0.035) / Math.max(visible, 1)))) * this.ratio;
    const rounded = Math.round(radius * 4) / 4;
    if (!this.discs.has(rounded)) this.discs.set(rounded, disc(rounded, w));
    const { core, rim, covered, most } = this.discs.get(rounded);
    const soft = visible <= SOFT, places = grid.sorted, left = rect.left, top = rect.top;
    grid.within(rect, (from, to) => {
      for (let at = from; at < to; at++) {
        const x = ((places[2 * at] - left) * scale) | 0, y = ((top - places[2 * at + 1]) * scale) | 0;
        if (x < most || y < most || x >= w - most || y >= h - most) continue;
        const base = y * w + x, colour = ink[at];
        if (soft) {
          for (let k = 0; k < core.length; k++) buffer[base + core[k]] = over(buffer[base + core[k]], colour, 200);
          for (let k = 0; k < rim.length; k++) buffer[base + rim[k]] = over(buffer[base + rim[k]], colour, (200 * covered[k]) >> 8);
        } else {
          for (let k = 0; k < core.length; k++) buffer[base + core[k]] = colour;
          for (let k = 0; k < rim.length; k++) {
            const place = base + rim[k];
            if (buffer[place] >>> 24 < covered[k]) buffer[place] = ((colour & 0xffffff) | (covered[k] << 24)) >>> 0;
          }
        }
      }
    });
  }

  // Density: how many points lie at each place, as depth of ink; its hue is the mean of theirs.
  cloud(grid, ink, rect, scale, w, h) {
    const cell = Math.max(2, Math.round(4 * this.ratio)), cw = Math.ceil(w / cell) + 2, ch = Math.ceil(h / cell) + 2;
    if (!this.sums || this.sums.length !== 4 * cw * ch) this.sums = new Float32Array(4 * cw * ch);
    const sums = this.sums.fill(0), places = grid.sorted;
    grid.within(rect, (from, to) => {
      for (let at = from; at < to; at++) {
        const x = ((places[2 * at] - rect.left) * scale) / cell , y = ((rect.top - places[2 * at + 1]) * scale) / cell;
        if (x < 0 || y < 0 || x >= cw - 1 || y >= ch - 1) continue;
        const column = x | 0, line = y | 0, fx = x - column, fy = y - line, colour = ink[at];
        const r = colour & 255, g = (colour >> 8) & 255, b = (colour >> 16) & 255;
        for (let k = 0; k < 4; k++) {
          const weight = (k & 1 ? fx : 1 - fx) * (k & 2 ? fy : 1 - fy), place = 4 * ((line + (k >> 1)) * cw + column + (k & 1));
          sums[place] += weight * r; sums[place + 1] += weight * g; sums[place + 2] += weight * b; sums[place + 3] += weight;
        }
      }
    });
    blurred(sums, cw, ch);
    let most = 0;
    for (let at = 3; at < sums.length; at += 4) if (sums[at] > most) most = sums[at];
    const root = 1 / Math.sqrt(most || 1), least = most / 4000;
    if (!this.small || this.small.width !== cw || this.small.height !== ch) this.small = new OffscreenCanvas(cw, ch);
    const context = this.small.getContext("2d"), small = context.createImageData(cw, ch), { data } = small;
    for (let at = 0; at < sums.length; at += 4) {
      const count = sums[at + 3];
      if (count < least) continue;
      for (let k = 0; k < 3; k++) data[at + k] = sums[at + k] / count;
      data[at + 3] = 250 * Math.min(1, Math.sqrt(count) * root * 1.15);
    }
    context.putImageData(small, 0, 0);
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(this.small, -cell / 2, -cell / 2, cw * cell, ch * cell);
  }
}

// Sums of four numbers a cell, each spread over its neighbours: twice (1 2 1) / 4 along both sides.
function blurred(sums, wide, high) {
  const line = new Float32Array(Math.max(wide, high));
  for (let twice = 0; twice < 2; twice++)
    for (let part = 0; part < 4; part++) {
      for (let y = 0; y < high; y++) {
        for (let x = 0; x < wide; x++) line[x] = sums[4 * (y * wide + x) + part];
        for (let x = 1; x + 1 < wide; x++) sums[4 * (y * wide + x) + part] = (line[x - 1] + 2 * line[x] + line[x + 1]) / 4;
      }
      for (let x = 0; x < wide; x++) {
        for (let y = 0; y < high; y++) line[y] = sums[4 * (y * wide + x) + part];
        for (let y = 1; y + 1 < high; y++) sums[4 * (y * wide + x) + part] = (line[y - 1] + 2 * line[y] + line[y + 1]) / 4;
      }
    }
}

// A colour laid over what is there, `alpha` of 255 of it.
function over(there, colour, alpha) {
  const before = there >>> 24;
  if (!before) return ((colour & 0xffffff) | (alpha << 24)) >>> 0;
  const after = alpha + ((before * (255 - alpha)) >> 8), share = ((alpha << 8) / after) | 0, rest = 256 - share;
  const r = ((colour & 255) * share + (there & 255) * rest) >> 8;
  const g = (((colour >> 8) & 255) * share + ((there >> 8) & 255) * rest) >> 8;
  const b = (((colour >> 16) & 255) * share + ((there >> 16) & 255) * rest) >> 8;
  return ((after << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

// How deep in holes the places of a view are, as a small picture that is stretched over them, and the edge of the data.
export function holePicture(scene, rect, colours) {
  const { density, dim } = scene, margin = 0.25;
  const across = (rect.right - rect.left) * margin, down = (rect.top - rect.bottom) * margin;
  const wider = { left: rect.left - across, right: rect.right + across, bottom: rect.bottom - down, top: rect.top + down };
  const work = density.constant.length * (dim * dim + 8);
  const columns = Math.max(24, Math.min(150, Math.round(Math.sqrt(1.6e7 / work))));
  const rows = Math.max(16, Math.round((columns * (wider.top - wider.bottom)) / (wider.right - wider.left)));
  const depth = density.grid(scene.plane.value, scene.z.peek(), lifted, wider, columns, rows);
  const canvas = new OffscreenCanvas(columns, rows), context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  const [r, g, b] = parts(colours.off);
  for (let at = 0; at < depth.length; at++) {
    if (depth[at] <= 0) continue;
    image.data.set([r, g, b, Math.round(255 * (0.05 + 0.15 * (1 - Math.exp(-depth[at] / 12))))], 4 * at);
  }
  context.putImageData(image, 0, 0);
  return { canvas, rect: wider, edge: contour(depth, columns, rows) };
}

// Where depth is 0, as pieces of line in shares of the picture's sides (marching squares).
function contour(depth, columns, rows) {
  const lines = [];
  for (let y = 0; y + 1 < rows; y++)
    for (let x = 0; x + 1 < columns; x++) {
      const corners = [depth[y * columns + x], depth[y * columns + x + 1], depth[(y + 1) * columns + x + 1], depth[(y + 1) * columns + x]];
      const ends = [];
      for (let k = 0; k < 4; k++) {
        const a = corners[k], b = corners[(k + 1) % 4];
        if (a > 0 === b > 0) continue;
        const t = a / (a - b), [dx, dy] = [[t, 0], [1, t], [1 - t, 1], [0, 1 - t]][k];
        ends.push((x + dx + 0.5) / columns, (y + dy + 0.5) / rows);
      }
      for (let k = 0; k + 3 < ends.length; k += 4) lines.push(ends.slice(k, k + 4));
    }
  return lines;
}

export function drawHoles(context, found, rect, colours) {
  const x = (u) => (u - rect.left) * rect.scale, y = (v) => (rect.top - v) * rect.scale, area = found.rect;
  const wide = x(area.right) - x(area.left), high = y(area.bottom) - y(area.top);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(found.canvas, x(area.left), y(area.top), wide, high);
  context.beginPath();
  for (const [ax, ay, bx, by] of found.edge) {
    context.moveTo(x(area.left) + ax * wide, y(area.top) + ay * high);
    context.lineTo(x(area.left) + bx * wide, y(area.top) + by * high);
  }
  context.strokeStyle = rgb(colours.off, 0.55);
  context.lineWidth = 1;
  context.stroke();
}

export function drawPrior(context, scene, rect, colours) {
  const prior = scene.about.prior, plane = scene.plane.value, [u, v] = placed(plane, prior.mean);
  const [wide, high, angle] = ellipse(plane, prior.deviations);
  context.save();
  context.setLineDash([5, 4]);
  context.strokeStyle = colours.muted;
  context.lineWidth = 1;
  for (const times of [1, 2]) oval(context, rect, u, v, times * wide, times * high, angle);
  context.restore();
}

// The posteriors of some examples in sight, as ellipses of one deviation.
export function drawPosteriors(context, scene, rect, ink, colours) {
  const scales = scene.scales.value;
  if (!scales) return;
  const grid = scene.grid.value, plane = scene.plane.value, visible = Math.max(1, grid.inside(rect)), step = Math.ceil(visible / 350);
  let count = 0;
  context.lineWidth = 1;
  grid.within(rect, (from, to) => {
    for (let at = from; at < to; at++) {
      if ((count++) % step) continue;
      const row = grid.rows[at], colour = ink[at];
      const shape = ellipse(plane, scales.subarray(row * scene.dim, (row + 1) * scene.dim));
      context.strokeStyle = `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255} / .8)`;
      oval(context, rect, grid.sorted[2 * at], grid.sorted[2 * at + 1], ...shape);
    }
  });
}

function oval(context, rect, u, v, wide, high, angle) {
  context.beginPath();
  const s = rect.scale;
  context.ellipse((u - rect.left) * s, (rect.top - v) * s, Math.max(wide * s, 0.5), Math.max(high * s, 0.5), -angle, 0, 2 * Math.PI);
  context.stroke();
}

// Small pictures, one at most for each square of the screen, the same ones while the map is moved.
export function thumbs(scene, rect, wide, high, visible) {
  if (!scene.about.tiled || scene.about.kind === "text" || visible > THUMBS) return [];
  const grid = scene.grid.value, size = THUMB / rect.scale, taken = new Map();
  grid.within(rect, (from, to) => {
    for (let at = from; at < to; at++) {
      const u = grid.sorted[2 * at], v = grid.sorted[2 * at + 1];
      if (u < rect.left || u > rect.right || v < rect.bottom || v > rect.top) continue;
      const key = `${Math.floor(u / size)},${Math.floor(v / size)}`;
      if (!taken.has(key)) taken.set(key, { row: grid.rows[at], at, u, v });
    }
  });
  return [...taken.values()];
}

export function drawThumbs(context, scene, rect, some, ink) {
  for (const { row, at, u, v } of some) {
    const tile = scene.tiles.get(row), colour = ink[at];
    if (!tile?.sheet || tile.at < 0) continue;
    const { wide, high } = tile.sheet, scale = THUMB / Math.max(wide, high), w = wide * scale, h = high * scale;
    const x = Math.round((u - rect.left) * rect.scale - w / 2), y = Math.round((rect.top - v) * rect.scale - h / 2);
    context.fillStyle = `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
    context.fillRect(x - 2, y - 2, w + 4, h + 4);
    if (scene.about.lines) { context.fillStyle = "#fff"; context.fillRect(x, y, w, h); }
    drawTile(context, tile, x, y, w, h);
  }
}
