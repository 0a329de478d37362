// Where no encoded data lies. The server's `Holes` is a mixture of Gaussians and a level; this asks the same question here,
// so that each movement of the pointer is answered at once, and without a server too.

import { bytesOf } from "./wire.js";

export class Density {
  // about: { level, constant (K,), shift (K * D,), inverse (K * D (D + 1) / 2), of each the lower triangle, in base64 }, D
  constructor(about, dim) {
    this.dim = dim;
    this.level = about.level;
    this.constant = Float64Array.from(about.constant);
    this.shift = Float64Array.from(about.shift);
    this.inverse = new Float64Array(bytesOf(about.inverse).buffer);
    this.terms = new Float64Array(this.constant.length);
  }

  // The natural logarithm of the density at a code (D,).
  nats(z) {
    const { dim, terms, inverse, shift, constant } = this;
    let most = -Infinity;
    for (let k = 0, at = 0; k < terms.length; k++) {
      let sum = 0;
      for (let i = 0; i < dim; i++) {
        let away = -shift[k * dim + i];
        for (let j = 0; j <= i; j++, at++) away += inverse[at] * z[j];
        sum += away * away;
      }
      terms[k] = constant[k] - sum / 2;
      if (terms[k] > most) most = terms[k];
    }
    let total = 0;
    for (let k = 0; k < terms.length; k++) total += Math.exp(terms[k] - most);
    return most + Math.log(total);
  }

  // How many nats below the edge of the region of data: above 0 in a hole.
  depth(z) { return this.level - this.nats(z); }

  // Depths at side * side places of a plane, the first row the highest; `z` is what they are like otherwise.
  grid(plane, z, lifted, view, columns, rows) {
    const out = new Float32Array(columns * rows);
    for (let row = 0; row < rows; row++) {
      const v = view.top - ((row + 0.5) / rows) * (view.top - view.bottom);
      for (let column = 0; column < columns; column++) {
        const u = view.left + ((column + 0.5) / columns) * (view.right - view.left);
        out[row * columns + column] = this.depth(lifted(plane, z, u, v));
      }
    }
    return out;
  }
}
