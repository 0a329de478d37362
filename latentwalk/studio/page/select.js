// Two groups of examples, A and B: chosen with a lasso or with a button, counted, saved as CSV.
import { html, useRef } from "./lib.js";
import { active, announce, attempt, columnOf, groups, labelOf, page, pinned, probeRow, tool } from "./state.js";
import { rectangle } from "./map.js";
import { save } from "./walk.js";

const RUN = /^'*(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])[^]/;   // what a spreadsheet would run, as data/formulas.py has it

// A field of a CSV: text that a spreadsheet would run has an apostrophe before it, as in our own files.
export const cell = (value) => {
  const text = RUN.test(String(value)) && Number.isNaN(Number(String(value).replace(/^'*/, "").replace(",", "."))) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

// The rows of the groups with all that is known of them, as CSV.
async function csvOf(scene, groups) {
  const columns = scene.about.columns, values = await Promise.all(columns.map((_, at) => scene.column(at)));
  await scene.needNames();
  const head = ["group", "row", ...(scene.about.names ? ["name"] : []), ...columns.map((one) => one.name), ...Array.from({ length: scene.dim }, (_, d) => `z${d + 1}`)];
  const lines = [head.map(cell).join(",")];
  for (const [name, rows] of Object.entries(groups))
    for (const row of (await scene.need(rows), rows)) {
      const known = columns.map((one, at) => (one.kind === "category" ? (one.classes[values[at][row]] ?? "") : Number.isNaN(values[at][row]) ? "" : values[at][row]));
      lines.push([name, scene.numbers[row], ...(scene.about.names ? [scene.names[row]] : []), ...known, ...scene.code(row)].map(cell).join(","));
    }
  return lines.join("\n") + "\n";
}

function composition(scene, rows) {
  const at = columnOf(scene), column = scene.about.columns[at], values = scene.columns.get(at);
  if (!column || column.kind !== "category" || !values || !rows.length) return "";
  const counts = new Map();
  for (const row of rows) counts.set(values[row], (counts.get(values[row]) || 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 4);
  return most.map(([which, count]) => `${column.classes[which] ?? "none"} ${Math.round((100 * count) / rows.length)} %`).join(", ");
}

// The rows whose name, class or text holds these words, or whose number they are.
async function holding(scene, words) {
  const wanted = words.trim().toLowerCase(), rows = new Set();
  if (!wanted) return [];
  (await scene.needNames()).forEach((name, row) => { if (name.toLowerCase().includes(wanted)) rows.add(row); });
  for (const [at, column] of scene.about.columns.entries()) {
    const which = new Set(column.kind === "category" ? column.classes.flatMap((name, c) => (name.toLowerCase().includes(wanted) ? [c] : [])) : []);
    if (which.size) (await scene.column(at)).forEach((value, row) => { if (which.has(value)) rows.add(row); });
  }
  if (/^\d+$/.test(wanted) && scene.numbers.indexOf(Number(wanted)) >= 0) rows.add(scene.numbers.indexOf(Number(wanted)));
  if (scene.about.kind === "text" && scene.source.holding) for (const row of await scene.source.holding(scene.name, wanted)) rows.add(row);
  return [...rows].sort((a, b) => a - b);
}

function choose(scene, rows) {
  groups.value = { ...groups.value, [active.value]: rows };
  announce(`Group ${active.value} holds ${rows.length.toLocaleString("en")} examples.`);
}

export function Groups({ scene, short = false }) {
  const sought = useRef();
  const inSight = () => {
    const box = page.root.querySelector(".map").getBoundingClientRect(), rect = rectangle(scene.seen(), box.width, box.height);
    choose(scene, scene.grid.value.lassoed([[rect.left, rect.bottom], [rect.right, rect.bottom], [rect.right, rect.top], [rect.left, rect.top]]));
  };
  const near = () => attempt(async () => choose(scene, (await scene.nearestNow(50)).map(([row]) => row).sort((a, b) => a - b)));
  const find = (event) => {
    event.preventDefault();
    return attempt(async () => {
      const words = sought.current.value, rows = await holding(scene, words);
      if (!rows.length) { announce(`Nothing here is called ${words.trim() || "nothing"}.`); return; }
      choose(scene, rows);
      pinned.value = true;
      probeRow(scene, rows[0]);
    });
  };
  const alike = () => attempt(async () => {
    const at = columnOf(scene), [row] = (await scene.nearestNow())[0] || [-1];
    if (at < 0 || row < 0) return;
    const values = await scene.column(at), rows = [];
    for (let other = 0; other < scene.n; other++) if (values[other] === values[row] && (!scene.shown.value || scene.shown.value[other])) rows.push(other);
    choose(scene, rows);
  });
  const [row] = scene.nearest.value[0] || [-1];
  return html`<section aria-label="Groups">
    ${["A", "B"].map((name) => html`<div class="group" key=${name}>
      <label><input type="radio" name="group" checked=${active.value === name} onChange=${() => { active.value = name; }} /> <i class="mark ${name}"></i>Group ${name}</label>
      <b>${groups.value[name].length.toLocaleString("en")}</b><span class="quiet grow">${composition(scene, groups.value[name])}</span>
      <button class="small bare" aria-label="Empty group ${name}" disabled=${!groups.value[name].length} onClick=${() => { groups.value = { ...groups.value, [name]: [] }; }}>×</button></div>`)}
    <div class="line wrap">
      <button aria-pressed=${tool.value === "lasso"} onClick=${() => { tool.value = tool.value === "lasso" ? "look" : "lasso"; }}>Lasso</button>
      <button onClick=${inSight}>All in sight</button><button onClick=${near}>50 nearest</button>
      ${!short && row >= 0 && labelOf(scene, row) && html`<button onClick=${alike}>All with${labelOf(scene, row).replace(",", "")}</button>`}
    </div>
    <form class="line" onSubmit=${find}><input class="grow" ref=${sought} type="search" placeholder="${scene.about.kind === "text" ? "words" : scene.about.names ? "a name, a class" : "a class, a number"}" aria-label="Find examples by name, class, text or number" /><button>Find</button></form>
    ${!short && html`<div class="line wrap"><button disabled=${!groups.value.A.length && !groups.value.B.length} onClick=${() => attempt(async () => save(new Blob([await csvOf(scene, groups.value)], { type: "text/csv" }), "selection.csv"))}>Save as CSV</button></div>
    <p class="quiet">With the lasso, draw around points of the map. The file has the number, the name and the labels of each example, and its code.</p>`}
  </section>`;
}
