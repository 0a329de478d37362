// Ways through several points, as the library goes them: see latent/moves/walks.py, paths.py and graph.py.
import { linear, spherical } from "./plane.js";

const FINE = 513;                             // places of a leg on which its length and its holes are found
const NEIGHBOURS = 12, PRICE = 20, LOOKS = 4, DEEPEST = 12, LEAST = 1e-9, MARGIN = 0.5, BAND = 33, PULLS = 40;   // as in graph.py

const mixed = (a, b, t) => Float64Array.from(a, (value, d) => (1 - t) * value + t * b[d]);
const between = (a, b) => Math.hypot(...Array.from(a, (value, d) => b[d] - value));
const even = (count) => Array.from({ length: count }, (_, k) => k / (count - 1));

// How far one has come at each of these points.
function reached(points) {
  const out = [0];
  for (let k = 1; k < points.length; k++) out.push(out[k - 1] + between(points[k - 1], points[k]));
  return out;
}

// The way through points by straight lines, at an even pace: where it is at each share.
function along(points, shares) {
  const reach = reached(points), whole = reach.at(-1);
  return shares.map((share) => {
    if (share <= 0 || whole === 0) return points[0];
    if (share >= 1) return points.at(-1);
    let k = 1;
    while (k < points.length - 1 && reach[k] < share * whole) k++;
    const step = reach[k] - reach[k - 1];
    return step ? mixed(points[k - 1], points[k], (share * whole - reach[k - 1]) / step) : points[k];
  });
}

// ---------------------------------------------------------------------- around holes

// A graph of codes, as `Graph` made it: { nodes (m * D), pairs (2 e), costs (e), unit }; density; decode: codes → values.
export class Graph {
  constructor({ nodes, pairs, costs, unit }, dim, density, decode) {
    Object.assign(this, { dim, density, decode });
    this.count = nodes.length / dim;
    this.nodes = Array.from({ length: this.count }, (_, k) => Float64Array.from(nodes.subarray(k * dim, (k + 1) * dim)));
    this.edges = Array.from({ length: this.count + 2 }, () => []);
    this.unit = (at) => (typeof unit === "number" ? unit : unit[at]);
    for (let e = 0; e < costs.length; e++) this.join(pairs[2 * e], pairs[2 * e + 1], costs[e]);
  }

  join(a, b, cost) { this.edges[a].push([b, cost]); this.edges[b].push([a, cost]); }

  // The cheapest of the straight line, the path from code to code, and that path drawn tight: its points, BAND of them.
  async way(a, b) {
    const shares = even(BAND), path = along(await this.shortest(a, b), shares);
    const ways = [shares.map((t) => mixed(a, b, t)), path, this.tightened(path)], costs = await this.costs(ways);
    return ways[costs.indexOf(Math.min(...costs))];
  }

  async shortest(a, b) {
    const { count } = this, ends = [a, b].map((one) => Float64Array.from(one)), near = ends.map((end) => this.near(end));
    const known = [...ends, ...near.flat().map((k) => this.nodes[k])], outputs = await this.outputs(known), many = near[0].length;
    const added = [];
    near.forEach((some, end) => some.forEach((node, k) => {
      const at = 2 + end * many + k, moved = this.apart(outputs, end, at);
      added.push([count + end, node, Math.max(LEAST, moved * this.toll(ends[end], known[at]))]);
    }));
    added.forEach((one) => this.join(...one));
    const before = this.searched(count, count + 1);
    for (const [end, node] of added) { this.edges[end].pop(); this.edges[node].pop(); }
    const way = [count + 1];
    while (way[0] !== count) way.unshift(before[way[0]]);
    return way.map((k) => (k < count ? this.nodes[k] : ends[k - count]));
  }

  near(end) {
    return this.nodes.map((node, k) => [between(end, node), k]).sort((x, y) => x[0] - y[0]).slice(0, NEIGHBOURS).map(([, k]) => k);
  }

  // Dijkstra's search with a heap: of each node, the one before it on the cheapest path.
  searched(from, to) {
    const best = new Float64Array(this.count + 2).fill(Infinity), before = new Int32Array(this.count + 2).fill(-1), heap = [[0, from]];
    best[from] = 0;
    while (heap.length) {
      const [cost, node] = taken(heap);
      if (node === to) break;
      if (cost > best[node]) continue;
      for (const [next, price] of this.edges[node]) {
        if (cost + price >= best[next]) continue;
        best[next] = cost + price;
        before[next] = node;
        put(heap, [cost + price, next]);
      }
    }
    return before;
  }

  toll(a, b) {
    let sum = 0;
    for (let k = 0; k < LOOKS; k++) sum += Math.exp(Math.min(DEEPEST, this.density.depth(mixed(a, b, (k + 0.5) / LOOKS))));
    return 1 + (PRICE * sum) / LOOKS;
  }

  tightened(points) {
    let way = points;
    const allowed = way.map((z) => Math.max(-MARGIN, this.density.depth(z)));
    for (let pull = 0; pull < PULLS; pull++) {
      way = way.map((z, k) => {
        if (k === 0 || k === way.length - 1) return z;
        const pulled = mixed(way[k - 1], way[k + 1], 0.5), depth = this.density.depth(pulled);
        if (depth > allowed[k]) return z;
        allowed[k] = Math.min(allowed[k], Math.max(-MARGIN, depth));
        return pulled;
      });
    }
    return along(way, even(way.length));
  }

  async costs(ways) {
    const outputs = await this.outputs(ways.flat());
    return ways.map((way, w) => {
      let sum = 0;
      for (let k = 1; k < way.length; k++) sum += this.apart(outputs, w * BAND + k - 1, w * BAND + k) * this.toll(way[k - 1], way[k]);
      return sum;
    });
  }

  async outputs(codes) {
    const flat = new Float32Array(codes.length * this.dim);
    codes.forEach((z, k) => flat.set(z, k * this.dim));
    const values = await this.decode(flat);
    return { values, size: values.length / codes.length };
  }

  // How far two outputs are apart, as `Encoded.apart` has it of what has values.
  apart({ values, size }, a, b) {
    let sum = 0;
    for (let at = 0; at < size; at++) sum += ((values[a * size + at] - values[b * size + at]) / this.unit(at)) ** 2;
    return Math.sqrt(sum);
  }
}

function put(heap, one) {
  let at = heap.push(one) - 1;
  while (at && heap[(at - 1) >> 1][0] > heap[at][0]) { const up = (at - 1) >> 1; [heap[at], heap[up]] = [heap[up], heap[at]]; at = up; }
}

function taken(heap) {
  const top = heap[0], last = heap.pop();
  if (!heap.length) return top;
  heap[0] = last;
  for (let at = 0; ;) {
    const left = 2 * at + 1, small = left + 1 < heap.length && heap[left + 1][0] < heap[left][0] ? left + 1 : left;
    if (small >= heap.length || heap[small][0] >= heap[at][0]) return top;
    [heap[at], heap[small]] = [heap[small], heap[at]];
    at = small;
  }
}

// ---------------------------------------------------------------------- from point to point

// The way through codes, each of which is a step: { codes, marked, reading }. density, graph: null where they are not known.
export async function journey(points, steps, path, density, graph) {
  const legs = [], shares = even(FINE);
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1], points[k]];
    const band = path === "density" ? await graph.way(a, b) : null, go = path === "linear" ? linear : spherical;
    const course = band ? (t) => along(band, [t])[0] : (t) => (t === 0 ? a : t === 1 ? b : go(a, b, t));
    const line = band ? along(band, shares) : shares.map(course);
    legs.push({ course, line, length: reached(line).at(-1) });
  }
  const counts = legs.map(() => 1);            // the next step always goes to the leg whose steps are longest
  for (let left = Math.max(steps, points.length) - 1 - legs.length; left > 0; left--) {
    const long = legs.map((leg, k) => leg.length / counts[k]);
    counts[long.indexOf(Math.max(...long))]++;
  }
  const codes = [Array.from(points[0])];
  legs.forEach((leg, k) => { for (let step = 1; step <= counts[k]; step++) codes.push(Array.from(leg.course(step / counts[k]))); });
  const marked = codes.map((z) => Boolean(density && density.depth(z) > 0));
  return { codes, marked, reading: density ? crossed(along(legs.flatMap((leg) => leg.line), shares).map((z) => density.depth(z))) : "Whether the way crosses holes is not known." };
}

// A way in words, by its depth at even places.
function crossed(depths) {
  const parts = [], last = depths.length - 1;
  let from = depths[0] > 0 ? 0 : null;
  for (let k = 0; k < last; k++) {
    if (depths[k] > 0 === depths[k + 1] > 0) continue;
    const at = (k + depths[k] / (depths[k] - depths[k + 1])) / last;
    if (from === null) from = at; else { parts.push([from, at]); from = null; }
  }
  if (from !== null) parts.push([from, 1]);
  const share = parts.reduce((sum, [start, end]) => sum + end - start, 0), percent = (value) => `${Math.round(100 * value)} %`;
  const said = !parts.length ? "Crosses no hole" : share === 1 ? "In a hole all the way"
    : parts.length > 1 ? `In ${parts.length} holes, ${percent(share)} of the way in all` : `In a hole from ${percent(parts[0][0])} to ${percent(parts[0][1])} of the way`;
  return `${said}; a code that was encoded is called a hole 1 time in 20.`;
}
