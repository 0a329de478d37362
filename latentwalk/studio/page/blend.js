// Several points in one: a triangle of three, a square of four, each place of which is a mixture.
import { html, signal, useEffect, useRef } from "./lib.js";
import { palette } from "./colours.js";
import { isPicture, paint } from "./paint.js";
import { attempt, codeOf, pinned, stops } from "./state.js";
import { Stops } from "./walk.js";

const PER = 6;                                // tiles along a side
const SIDE = 300;
const share = signal([1 / 3, 1 / 3]);  // where in the triangle or the square

// The weights of the points at (x, y), both from 0 to 1: corners a (top), b (left), c (right); or a b over c d.
function weightsAt(count, x, y) {
  if (count === 2) return [1 - x, x];
  if (count === 3) {
    const a = 1 - y, b = Math.max(0, 1 - a - (x - a / 2)), c = Math.max(0, 1 - a - b);
    const sum = a + b + c;
    return [a / sum, b / sum, c / sum];
  }
  return [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
}

// Places of the tiles: rows of a triangle, or of a square.
function places(count) {
  const out = [];
  for (let row = 0; row < PER; row++) {
    const y = row / (PER - 1), many = count === 3 ? row + 1 : PER;
    for (let k = 0; k < many; k++) {
      const along = many === 1 ? 0.5 : k / (many - 1);
      out.push([count === 3 ? (1 - y) / 2 + along * y : along, y]);
    }
    if (count === 2) break;
  }
  return out;
}

function mixed(codes, weights) {
  const out = new Float32Array(codes[0].length);
  codes.forEach((z, k) => z.forEach((value, d) => { out[d] += weights[k] * value; }));
  return out;
}

function Pad({ scene, codes }) {
  const canvas = useRef(), count = codes.length, side = SIDE / PER, high = count === 2 ? side : SIDE;
  useEffect(() => {
    let gone = false;
    attempt(async () => {
      const all = places(count), flat = new Float32Array(all.length * scene.dim);
      all.forEach(([x, y], k) => flat.set(mixed(codes, weightsAt(count, x, y)), k * scene.dim));
      const shown = await scene.source.decode(scene.name, flat, { condition: scene.condition.value });
      if (gone || !canvas.current) return;
      const context = canvas.current.getContext("2d"), one = document.createElement("canvas");
      context.clearRect(0, 0, 2 * SIDE, 2 * SIDE);
      context.imageSmoothingEnabled = Math.max(...scene.about.shape) > 60;
      all.forEach(([x, y], k) => {
        const left = 2 * x * (SIDE - side), top = count === 2 ? 0 : 2 * y * (SIDE - side);
        if (isPicture(scene.about)) {
          paint(one, scene.about, shown, k);
          const scale = (2 * side - 4) / Math.max(one.width, one.height);
          context.drawImage(one, left + 2, top + 2 + (2 * side - 4 - one.height * scale) / 2, one.width * scale, one.height * scale);
        } else {
          context.fillStyle = palette.value.line;
          context.beginPath(); context.arc(left + side, top + side, 5, 0, 6.3); context.fill();
        }
      });
    });
    return () => { gone = true; };
  }, [codes, palette.value, scene.condition.value]);
  const at = (event) => {
    const box = canvas.current.getBoundingClientRect(), inner = (PER - 1) / PER;
    const unit = (value, from, length) => Math.min(1, Math.max(0, ((value - from) / length - 0.5 / PER) / inner));
    move(unit(event.clientX, box.left, box.width), count === 2 ? 0 : unit(event.clientY, box.top, box.height));
  };
  const move = (x, y) => {
    share.value = [x, y];
    pinned.value = true;
    scene.z.value = mixed(codes, weightsAt(count, x, y));
  };
  const key = (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    move(Math.min(1, Math.max(0, share.value[0] + by[0] * 0.05)), Math.min(1, Math.max(0, share.value[1] + by[1] * 0.05)));
  };
  const weights = weightsAt(count, ...share.value), said = weights.map((w, k) => `${String.fromCharCode(97 + k)} ${Math.round(100 * w)} %`).join(", ");
  const [x, y] = count === 3 ? spot(weights) : share.value;
  return html`<div class="pad" style=${{ width: `${SIDE}px`, height: `${high}px` }} tabindex="0" role="application" aria-roledescription="blend" aria-label="Blend: ${said}; arrow keys move it"
      onPointerMove=${at} onPointerDown=${at} onKeyDown=${key}>
      <canvas ref=${canvas} width=${2 * SIDE} height=${2 * high} aria-hidden="true"></canvas>
      <i class="dot" style=${{ left: `${side / 2 + x * (SIDE - side)}px`, top: `${side / 2 + (count === 2 ? 0 : y * (SIDE - side))}px` }}></i>
    </div><p class="reading">${said}</p>`;
}

const spot = ([a, b, c]) => [a * 0.5 + c, b + c];

export function Blend({ scene }) {
  const some = stops.value.slice(0, 4), codes = useRef([]), key = some.map((one) => one.row ?? Array.from(one.z).join()).join(";");
  const found = some.map((one) => codeOf(scene, one)), missing = some.filter((_, k) => !found[k]).map((one) => one.row);
  useEffect(() => { if (missing.length) attempt(() => scene.need(missing)); }, [scene.arrived.value, missing.join()]);
  if (codes.current.key !== key) codes.current = missing.length ? [] : Object.assign(found, { key });
  return html`<section aria-label="Blend">
    <${Stops} scene=${scene} least=${2} most=${4} />
    ${codes.current.length > 1 && html`<${Pad} scene=${scene} codes=${codes.current} />`}
    ${codes.current.length > 1 && !isPicture(scene.about) && html`<p class="quiet">What it decodes to stands above, under the probe.</p>`}
  </section>`;
}
