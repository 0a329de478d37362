// What some examples have and others lack, given to any example: by an attribute, or between two groups of the map.
import { effect, html, signal, untracked, useEffect, useRef } from "./lib.js";
import { Shown } from "./paint.js";
import { attempt, groups, guided, having, main, pinned, strength, tab } from "./state.js";
import { Groups } from "./select.js";
import { save } from "./walk.js";

const found = signal(null);                   // { direction, reading, key } of the direction
const subject = signal(null);                 // the code that it is given to, taken when it was chosen
const pair = signal(null);                    // { shown, z, reading }: before and after, decoded
const busy = signal(false);                   // a guide learns, or looks for a step,
const working = signal(false);                // for a picture of one's own
const own = signal(null);                     // { url of a picture of one's own, after }

const choicesOf = (scene) => scene.about.columns.filter((one) => one.kind === "category" && one.classes.length <= 60)
  .flatMap((one) => one.classes.map((name, at) => ({ value: `${one.name}=${name}`, column: one.name, at })));

let asked = 0;
effect(() => {
  const scene = main.value, what = having.value, both = groups.value;
  if (!scene || tab.value !== "transplant" || !what) { found.value = null; return; }
  const choice = choicesOf(scene).find((one) => one.value === what);
  if (!choice && (!both.A.length || !both.B.length)) { found.value = null; return; }
  const mine = ++asked;
  untracked(() => attempt(async () => {
    let rows = both.A, others = both.B;
    if (choice) {
      const values = await scene.column(scene.about.columns.findIndex((one) => one.name === choice.column));
      rows = []; others = [];
      for (let row = 0; row < scene.n; row++) if (values[row] >= 0) (values[row] === choice.at ? rows : others).push(row);
    }
    const answer = await scene.source.direction(scene.name, { having: rows, lacking: others });
    const name = choice ? what.replace("=", ": ") : "A against B";
    if (mine === asked) found.value = { ...answer, reading: answer.reading.replace("the examples given", name) };
  }));
});

let given = 0;
effect(() => {
  const scene = main.value, way = found.value, from = subject.value, times = strength.value, guide = guided.value;
  const mine = ++given;
  busy.value = false;
  if (!scene || !way || !from || from.length !== scene.dim) { pair.value = null; return; }
  const condition = scene.condition.value;
  untracked(() => attempt(async () => {
    let move = way.direction.map((value) => times * value), reading = "";
    if (guide) {
      busy.value = true;
      ({ move, reading } = await scene.source.guided(scene.name, { key: way.key, code: Array.from(from), condition }));
    }
    const both = new Float32Array(2 * scene.dim);
    both.set(from);
    from.forEach((value, d) => { both[scene.dim + d] = value + move[d]; });
    const shown = await scene.source.decode(scene.name, both, { condition });
    if (mine === given) pair.value = { shown, z: both.slice(scene.dim), reading };
  })).finally(() => { if (mine === given) busy.value = false; });
});

function Own({ scene }) {
  const upload = useRef();
  const put = () => attempt(async () => {
    const file = upload.current.files[0];
    if (!file || !found.value) return;
    upload.current.value = "";
    working.value = guided.value;
    try {
      const blob = await scene.source.graftOnto(scene.name, found.value.key, guided.value ? "guided" : strength.value, file);
      own.value = { before: URL.createObjectURL(file), after: URL.createObjectURL(blob), blob };
    } finally { working.value = false; }
  });
  return html`<div class="line"><label class="button">Your own picture…<input ref=${upload} type="file" accept="image/png,image/jpeg,image/webp" class="away" onChange=${put} /></label>
      ${own.value && html`<button onClick=${() => save(own.value.blob, "transplanted.png")}>Save it</button>`}</div>
    ${own.value && html`<div class="both"><figure><img src=${own.value.before} alt="The picture as it was" /><figcaption>yours</figcaption></figure>
      <figure><img src=${own.value.after} alt="The picture with what was transplanted" /><figcaption>with it, at its own size</figcaption></figure></div>`}`;
}

export function Transplant({ scene }) {
  const choices = choicesOf(scene), both = groups.value;
  useEffect(() => { if (!subject.value || subject.value.length !== scene.dim) subject.value = scene.z.peek(); }, [scene]);
  const apply = () => { pinned.value = true; scene.z.value = pair.value.z; };
  return html`<section aria-label="Transplant">
    <div class="line"><label class="grow">what <select value=${having.value} onChange=${(event) => { having.value = event.target.value; }}>
      <option value="">choose…</option>
      <option value="A">from group B to group A</option>
      ${choices.map((one) => html`<option value=${one.value}>${one.value.replace("=", ": ")}</option>`)}
    </select></label></div>
    ${having.value === "A" && html`<${Groups} scene=${scene} short=${true} />`}
    ${having.value === "A" && !(both.A.length && both.B.length) && html`<p class="quiet">Lasso a group A that has it, and a group B that lacks it.</p>`}
    <div class="line"><button onClick=${() => { subject.value = scene.z.peek(); }}>Give it to the probe</button>
      <label class="grow">strength <input type="range" min="-3" max="3" step="0.1" value=${strength.value} disabled=${guided.value} onInput=${(event) => { strength.value = Number(event.target.value); }} /></label><output>${guided.value ? "–" : strength.value.toFixed(1)}</output></div>
    ${scene.source.guided && scene.about.encodes && html`<div class="line"><label><input type="checkbox" checked=${guided.value} onChange=${() => { guided.value = !guided.value; }} /> guided: as much as this example takes, all else as it is read before</label></div>`}
    ${found.value && html`<p class="reading">${found.value.reading}</p>`}
    ${(busy.value || working.value) && html`<p class="quiet" role="status">Looking for its step; the first time, what reads it is learnt, which takes a while…</p>`}
    ${pair.value && html`${pair.value.reading && html`<p class="reading">${pair.value.reading}</p>`}
      <div class="both"><figure><${Shown} about=${scene.about} shown=${pair.value.shown} at=${0} label="Before" /><figcaption>before</figcaption></figure>
      <figure><${Shown} about=${scene.about} shown=${pair.value.shown} at=${1} label="After" before=${pair.value.shown} /><figcaption>after</figcaption></figure></div>
      <div class="line"><button onClick=${apply}>Move the probe there</button></div>`}
    ${scene.source.graftOnto && scene.about.kind === "image" && found.value && html`<${Own} scene=${scene} />`}
  </section>`;
}
