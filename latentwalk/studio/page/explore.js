// What is under the pointer: its picture, where it lies, its neighbours, and a slider for each dimension that is in use.
import { html, signal, useEffect } from "./lib.js";
import { Shown } from "./paint.js";
import { labelOf, pinned, probeRow, scenes } from "./state.js";
import { Thumb } from "./walk.js";

const all = signal(false);
const MANY = 24;                              // sliders, unless all are asked for

export function Decoded({ scene, small = false }) {
  const decoded = scene.decoded.value, depth = scene.depth.value, [nearest] = scene.nearest.value;
  useEffect(() => { scene.needNames(); }, [scene]);
  scene.tiles.arrived.value;
  const hole = depth !== null && depth > 0;
  return html`<div class="decoded ${small ? "little" : ""} ${scene.about.kind}">
    <div class="big" data-run=${scene.name}><${Shown} about=${scene.about} shown=${decoded?.shown} label="What the probe decodes to, by ${scene.about.title}" /></div>
    <div class="facts">
      ${scenes.value.length > 1 && html`<p class="who">${scene.about.title}</p>`}
      <p class="verdict ${hole ? "hole" : "land"}"><i></i>${scene.said(depth)}</p>
      ${nearest && html`<p class="quiet">nearest: <button class="link" onClick=${() => { pinned.value = true; probeRow(scene, nearest[0]); }}>${scene.called(nearest[0])}</button>${labelOf(scene, nearest[0])}, ${nearest[1].toFixed(2)} deviations off</p>`}
      ${nearest && scene.about.tiled && html`<${Thumb} scene=${scene} row=${nearest[0]} />`}
      ${!small && html`<p class="quiet">${scene.source.baked ? `What stands here was decoded beforehand: the nearest of ${scene.source.baked.codes.length / scene.dim}. ` : ""}${pinned.value ? html`The probe is fixed. <button class="link" onClick=${() => { pinned.value = false; }}>Let it follow the pointer</button>` : "Click to fix the probe."}</p>`}
      ${scene.failure.value && html`<p class="trouble" role="alert">${scene.failure.value}</p>`}
    </div></div>`;
}

function Dimensions({ scene }) {
  const { about } = scene, order = about.activity.map((_, d) => d).sort((a, b) => about.activity[b] - about.activity[a]);
  const used = order.filter((d) => about.active[d]), first = used.slice(0, MANY), more = order.length - first.length, most = Math.max(...about.activity) || 1;
  const z = scene.z.value;
  const slide = (d, value) => { pinned.value = true; scene.set(d, value); };
  return html`<section aria-label="Dimensions">
    <div class="sliders">${(all.value ? order : first).map((d) => {
      const [low, high] = about.range[d], margin = 0.25 * (high - low) || 1, from = Math.min(low - margin, z[d]), to = Math.max(high + margin, z[d]);
      return html`<label key=${d} class="slider"><span>z${d + 1}</span>
        <i class="activity" title="activity ${about.activity[d].toPrecision(2)}"><b style=${{ width: `${Math.max(2, (100 * about.activity[d]) / most)}%` }}></b></i>
        <input type="range" min=${from} max=${to} step="any" value=${z[d]} onInput=${(event) => slide(d, Number(event.target.value))}
          onKeyDown=${(event) => { const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key]; if (by) { event.preventDefault(); slide(d, z[d] + by * (event.shiftKey ? 1 : 0.1) * about.deviation[d]); } }} />
        <output>${z[d].toFixed(2).replace("-", "−")}</output></label>`;
    })}</div>
    <p class="quiet">${used.length} of ${about.dim} dimensions in use, the most active first.${more ? html` <button class="link" onClick=${() => { all.value = !all.value; }}>${all.value ? "Hide" : "Show"} the other ${more}</button>` : ""}</p>
  </section>`;
}

function Nearest({ scene }) {
  scene.tiles.arrived.value;
  const rows = scene.nearest.value;
  useEffect(() => { scene.tiles.need(rows.map(([row]) => row)); }, [rows]);
  return html`<section aria-label="Nearest examples"><table class="near"><thead><tr><th scope="col">example</th>${scene.about.tiled && html`<th scope="col">${scene.about.kind === "text" ? "text" : "picture"}</th>`}<th scope="col">known of it</th><th scope="col" class="num">deviations</th></tr></thead>
    <tbody>${rows.map(([row, away]) => html`<tr key=${row}><th scope="row"><button class="link" onClick=${() => { pinned.value = true; probeRow(scene, row); }}>${scene.called(row)}</button></th>
      ${scene.about.tiled && html`<td><${Thumb} scene=${scene} row=${row} /></td>`}<td>${labelOf(scene, row).replace(", ", "")}</td><td class="num">${away.toFixed(2)}</td></tr>`)}</tbody></table></section>`;
}

export function Probe({ scene }) {
  return html`<${Dimensions} scene=${scene} /><${Nearest} scene=${scene} />`;
}
