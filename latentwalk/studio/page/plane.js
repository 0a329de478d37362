// A plane through a latent space: two axes, where codes fall on it, and the way back.
// A plane is { across, down, origin, names }: two directions (D,) and the point (D,) that falls on (0, 0).

// The plane of two latent dimensions. In a space of one dimension the second axis is empty.
export function axesPlane(dim, i, j) {
  const across = new Float64Array(dim), down = new Float64Array(dim);
  across[i] = 1;
  if (dim > 1) down[j] = 1;
  return { across, down, origin: new Float64Array(dim), names: [`z${i + 1}`, dim > 1 ? `z${j + 1}` : ""] };
}

// The plane of the two principal axes of the codes, as the server found them.
export function principalPlane(about) {
  const { mean, axes } = about.principal;
  return {
    across: Float64Array.from(axes[0]),
    down: Float64Array.from(axes[1]),
    origin: Float64Array.from(mean),
    names: ["principal axis 1", "principal axis 2"],
  };
}

// Where a code falls on the plane: [u, v].
export function placed(plane, z) {
  let u = 0, v = 0;
  for (let d = 0; d < z.length; d++) {
    const away = z[d] - plane.origin[d];
    u += away * plane.across[d];
    v += away * plane.down[d];
  }
  return [u, v];
}

// The code that falls on (u, v) and is otherwise like z.
export function lifted(plane, z, u, v) {
  const [u0, v0] = placed(plane, z);
  const out = new Float32Array(z.length);
  for (let d = 0; d < z.length; d++) out[d] = z[d] + (u - u0) * plane.across[d] + (v - v0) * plane.down[d];
  return out;
}

// Where all codes (n * D) fall: Float32Array (2 n). Of one dimension, the second place is a scatter that only tells dots apart.
export function placesOf(plane, codes, dim) {
  const n = codes.length / dim, out = new Float32Array(2 * n);
  for (let row = 0, at = 0; row < n; row++) {
    let u = 0, v = 0;
    for (let d = 0; d < dim; d++, at++) {
      const away = codes[at] - plane.origin[d];
      u += away * plane.across[d];
      v += away * plane.down[d];
    }
    out[2 * row] = u;
    out[2 * row + 1] = dim > 1 ? v : scatter(row);
  }
  return out;
}

function scatter(row) {
  let x = (row + 1) * 2654435761 >>> 0;
  x ^= x >>> 15; x = Math.imul(x, 2246822519) >>> 0; x ^= x >>> 13;
  return (x / 4294967296 - 0.5) * 0.8;
}

// The ellipse of one deviation of a Gaussian with these deviations (D,): [half width, half height, angle].
export function ellipse(plane, deviations) {
  let a = 0, b = 0, c = 0;
  for (let d = 0; d < deviations.length; d++) {
    const s = deviations[d] ** 2;
    a += s * plane.across[d] ** 2;
    b += s * plane.across[d] * plane.down[d];
    c += s * plane.down[d] ** 2;
  }
  const middle = (a + c) / 2, root = Math.hypot((a - c) / 2, b);
  return [Math.sqrt(middle + root), Math.sqrt(Math.max(0, middle - root)), 0.5 * Math.atan2(2 * b, a - c)];
}

// The square that shows nearly all places, and the prior: { x, y, half }.
export function homeOf(places, plane, prior) {
  const n = places.length / 2, step = Math.max(1, Math.floor(n / 20000)), us = [], vs = [];
  for (let row = 0; row < n; row += step) { us.push(places[2 * row]); vs.push(places[2 * row + 1]); }
  const ends = (values) => {
    const sorted = Float64Array.from(values).sort();
    const at = (p) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(p * (sorted.length - 1))))];
    return [at(0.003), at(0.997)];
  };
  const [u, v] = [ends(us), ends(vs)];
  const x = (u[0] + u[1]) / 2, y = (v[0] + v[1]) / 2;
  let half = Math.max(u[1] - u[0], v[1] - v[0], 1e-6) / 2;
  if (prior) {
    const [mu, mv] = placed(plane, prior.mean), [wide] = ellipse(plane, prior.deviations);
    const needed = Math.max(Math.abs(mu - x), Math.abs(mv - y)) + 2.1 * wide;
    if (needed < 3 * half) half = Math.max(half, needed);  // a prior far smaller or larger than the codes is looked for by zooming
  }
  return { x, y, half: half * 1.06 };
}

// Between two codes, as the library's own ways go: see latent/moves/paths.py.
export function linear(a, b, t) {
  return Float32Array.from(a, (value, d) => value + t * (b[d] - value));
}

// Along the great circle of the two directions, while the length goes evenly from one to the other.
export function spherical(a, b, t) {
  const na = Math.hypot(...a), nb = Math.hypot(...b);
  if (!(na > 0 && nb > 0)) return linear(a, b, t);
  let dot = 0;
  for (let d = 0; d < a.length; d++) dot += (a[d] / na) * (b[d] / nb);
  const angle = Math.acos(Math.min(1, Math.max(-1, dot)));
  if (angle < 1e-4 || Math.PI - angle < 1e-4) return linear(a, b, t);
  const length = na + t * (nb - na), s = Math.sin(angle);
  const wa = Math.sin((1 - t) * angle) / s / na, wb = Math.sin(t * angle) / s / nb;
  return Float32Array.from(a, (value, d) => length * (wa * value + wb * b[d]));
}
