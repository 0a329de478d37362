// Places sorted into cells, so that those in sight, and the nearest to the pointer, are found without asking all.

export class Grid {
  // places (2 n), and which rows are shown: a Uint8Array (n,), or null for all.
  constructor(places, shown = null) {
    const n = places.length / 2;
    let left = Infinity, right = -Infinity, bottom = Infinity, top = -Infinity, count = 0;
    for (let row = 0; row < n; row++) {
      if (shown && !shown[row]) continue;
      const u = places[2 * row], v = places[2 * row + 1];
      if (u < left) left = u;
      if (u > right) right = u;
      if (v < bottom) bottom = v;
      if (v > top) top = v;
      count++;
    }
    this.places = places;
    this.count = count;
    this.side = Math.max(1, Math.min(256, Math.round(Math.sqrt(count / 6))));
    this.left = left; this.bottom = bottom;
    this.wide = Math.max((right - left) / this.side, 1e-12);
    this.high = Math.max((top - bottom) / this.side, 1e-12);
    const starts = new Int32Array(this.side * this.side + 1), cells = new Int32Array(n);
    for (let row = 0; row < n; row++) {
      if (shown && !shown[row]) { cells[row] = -1; continue; }
      const cell = this.cell(places[2 * row], places[2 * row + 1]);
      cells[row] = cell;
      starts[cell + 1]++;
    }
    for (let cell = 0; cell < starts.length - 1; cell++) starts[cell + 1] += starts[cell];
    const next = starts.slice(), rows = new Int32Array(count), sorted = new Float32Array(2 * count);
    for (let row = 0; row < n; row++) {
      if (cells[row] < 0) continue;
      const at = next[cells[row]]++;
      rows[at] = row;
      sorted[2 * at] = places[2 * row];
      sorted[2 * at + 1] = places[2 * row + 1];
    }
    this.starts = starts; this.rows = rows; this.sorted = sorted;
  }

  column(u) { return Math.min(this.side - 1, Math.max(0, Math.floor((u - this.left) / this.wide))); }
  line(v) { return Math.min(this.side - 1, Math.max(0, Math.floor((v - this.bottom) / this.high))); }
  cell(u, v) { return this.line(v) * this.side + this.column(u); }

  // Calls seen(from, to) for each run of sorted places in cells that meet the view.
  within(view, seen) {
    if (!this.count) return;
    const from = this.column(view.left), to = this.column(view.right);
    const first = this.line(view.bottom), last = this.line(view.top);
    for (let line = first; line <= last; line++) {
      const start = this.starts[line * this.side + from], end = this.starts[line * this.side + to + 1];
      if (end > start) seen(start, end);
    }
  }

  // How many places lie in the view.
  inside(view) {
    let count = 0;
    this.within(view, (from, to) => {
      for (let at = from; at < to; at++) {
        const u = this.sorted[2 * at], v = this.sorted[2 * at + 1];
        if (u >= view.left && u <= view.right && v >= view.bottom && v <= view.top) count++;
      }
    });
    return count;
  }

  // The row nearest to (u, v), no further than `reach`; -1 for none.
  nearest(u, v, reach) {
    let best = reach * reach, found = -1;
    this.within({ left: u - reach, right: u + reach, bottom: v - reach, top: v + reach }, (from, to) => {
      for (let at = from; at < to; at++) {
        const away = (this.sorted[2 * at] - u) ** 2 + (this.sorted[2 * at + 1] - v) ** 2;
        if (away <= best) { best = away; found = this.rows[at]; }
      }
    });
    return found;
  }

  // The rows that lie in a polygon [[u, v], …].
  lassoed(polygon) {
    const us = polygon.map((p) => p[0]), vs = polygon.map((p) => p[1]), rows = [];
    const view = { left: Math.min(...us), right: Math.max(...us), bottom: Math.min(...vs), top: Math.max(...vs) };
    this.within(view, (from, to) => {
      for (let at = from; at < to; at++)
        if (inPolygon(this.sorted[2 * at], this.sorted[2 * at + 1], polygon)) rows.push(this.rows[at]);
    });
    return rows.sort((a, b) => a - b);
  }
}

function inPolygon(x, y, polygon) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

// The `count` rows whose codes lie nearest to z, with how far, in deviations of the codes: [[row, distance], …].
export function nearestCodes(codes, dim, z, scale, count, shown = null) {
  const n = codes.length / dim, found = [];
  let worst = Infinity;
  for (let row = 0, at = 0; row < n; row++, at += dim) {
    if (shown && !shown[row]) continue;
    let sum = 0;
    for (let d = 0; d < dim; d++) {
      const away = (codes[at + d] - z[d]) / scale[d];
      sum += away * away;
      if (sum > worst) break;
    }
    if (sum >= worst) continue;
    let place = found.length;
    while (place > 0 && found[place - 1][1] > sum) place--;
    found.splice(place, 0, [row, sum]);
    if (found.length > count) found.pop();
    if (found.length === count) worst = found[count - 1][1];
  }
  return found.map(([row, sum]) => [row, Math.sqrt(sum)]);
}
