// The page: one instrument around one or several maps.
import { effect, html, render, signal, useEffect, useRef } from "./lib.js";
import { classColour, palette, scaleColour } from "./colours.js";
import { MapView } from "./mapview.js";
import { Decoded, Probe } from "./explore.js";
import { Blend } from "./blend.js";
import { Films } from "./films.js";
import { Groups } from "./select.js";
import { Train } from "./train.js";
import { Transplant } from "./graft.js";
import { Walk, save } from "./walk.js";
import {
  announce, attempt, bounds, colour, dense, hiddenClasses, keepAddress, layers, look, main, message, openRuns, page, place, restore, scenes,
  source, studio, tab, tool, trouble,
} from "./state.js";

const TABS = [["probe", "Probe", Probe], ["groups", "Groups", Groups], ["walk", "Walk", Walk],
  ["blend", "Blend", Blend], ["transplant", "Transplant", Transplant], ["films", "Films", Films]];
const tabsOf = (scene) => TABS.filter(([name]) => name !== "films" || (scene.about.films && source.value.reel));
const LAYERS = [["holes", "holes"], ["prior", "prior"], ["posteriors", "posteriors"]];
const open = signal(false);                   // the legend, on small screens

function toggled(list, one) { return list.includes(one) ? list.filter((other) => other !== one) : [...list, one]; }

function Header() {
  const known = studio.value.runs, shown = scenes.value.map((scene) => scene.name);
  const choose = (name) => attempt(() => openRuns([name]));
  const beside = (name) => attempt(() => openRuns(shown.includes(name) ? shown.filter((one) => one !== name) : [...shown, name].slice(0, 3)));
  const link = () => attempt(async () => { await navigator.clipboard.writeText(location.href); announce("The link is copied: it leads back to just this."); });
  return html`<header>
    <h1><a href="#" onClick=${(event) => { event.preventDefault(); place.value = "explore"; }}>latentwalk</a> <span>studio</span></h1>
    ${known.length === 1 && html`<p class="run">${known[0].title}</p>`}
    ${known.length > 1 && html`<label class="run"><span class="away">Run</span><select value=${shown[0]} onChange=${(event) => choose(event.target.value)}>${known.map((one) => html`<option value=${one.name}>${one.title}</option>`)}</select></label>
      <details class="menu"><summary>Compare${shown.length > 1 ? ` (${shown.length})` : ""}</summary><fieldset><legend>On one pointer, up to three</legend>${known.map((one) => html`<label><input type="checkbox" checked=${shown.includes(one.name)} disabled=${shown.length === 1 && shown[0] === one.name} onChange=${() => beside(one.name)} />${one.title}</label>`)}</fieldset></details>`}
    ${studio.value.training && html`<nav aria-label="Pages"><button aria-pressed=${place.value === "explore"} disabled=${!main.value} onClick=${() => { place.value = "explore"; }}>Explore</button><button aria-pressed=${place.value === "train"} onClick=${() => { place.value = "train"; }}>Train</button></nav>`}
    <span class="grow"></span>
    ${source.value.shared && main.value && html`<button onClick=${link}>Copy link</button>`}
    ${source.value.export && main.value && html`<${Away} />`}
  </header>`;
}

function Away() {
  const busy = useRef(false);
  const take = () => attempt(async () => {
    if (busy.current) return;
    busy.current = true;
    announce("Writing one file with the map and its decoder…");
    try {
      save(await source.value.export(main.value.name), `${main.value.name}.html`);
      announce("The file opens from a disk, without a server, and decodes.");
    } finally { busy.current = false; }
  });
  return html`<button onClick=${take}>Take away</button>`;
}

function Toolbar({ scene }) {
  const { about } = scene, axes = scene.axes.value, view = scene.seen();
  const [i, j] = axes === "principal" ? [-1, -1] : axes.split(",").map(Number);
  const dimensions = Array.from({ length: about.dim }, (_, d) => d);
  const set = (next) => { for (const one of scenes.value) if (next === "principal" ? one.about.principal : next.split(",").every((d) => Number(d) < one.dim)) { one.axes.value = next; one.view.value = null; } };
  const other = (taken) => dimensions.find((d) => d !== taken) ?? 0;
  return html`<div class="toolbar" role="toolbar" aria-label="Map">
    ${about.dim > 1 && html`<label>across <select value=${axes === "principal" ? "p" : i} onChange=${(event) => set(event.target.value === "p" ? "principal" : `${event.target.value},${j < 0 || Number(event.target.value) === j ? other(Number(event.target.value)) : j}`)}>
      ${about.principal && html`<option value="p">principal 1</option>`}${dimensions.map((d) => html`<option value=${d}>z${d + 1}</option>`)}</select></label>
    <label>up <select value=${axes === "principal" ? "p" : j} onChange=${(event) => set(event.target.value === "p" ? "principal" : `${i < 0 || Number(event.target.value) === i ? other(Number(event.target.value)) : i},${event.target.value}`)}>
      ${about.principal && html`<option value="p">principal 2</option>`}${dimensions.map((d) => html`<option value=${d}>z${d + 1}</option>`)}</select></label>`}
    <label>colour <select value=${colour.value} onChange=${(event) => { hiddenClasses.value = []; bounds.value = null; colour.value = event.target.value; }}>
      ${about.columns.map((one) => html`<option value=${one.name}>${one.name}</option>`)}<option value="none">none</option></select></label>
    <fieldset class="chips"><legend class="away">Layers</legend>
      ${LAYERS.filter(([name]) => (name === "posteriors" ? about.posterior : name === "holes" ? about.holes : true)).map(([name, said]) => html`<label><input type="checkbox" checked=${layers.value.includes(name)} onChange=${() => { layers.value = toggled(layers.value, name); }} />${name === "prior" ? about.prior.title : said}</label>`)}
      <label><input type="checkbox" checked=${dense.value} onChange=${() => { dense.value = !dense.value; }} />density</label></fieldset>
    <span class="zoom"><button aria-label="Zoom in" onClick=${() => look(scene, { ...view, half: view.half / 1.5 })}>+</button><button aria-label="Zoom out" onClick=${() => look(scene, { ...view, half: view.half * 1.5 })}>−</button><button onClick=${() => look(scene, null)}>Whole map</button><button aria-pressed=${tool.value === "lasso"} onClick=${() => { tool.value = tool.value === "lasso" ? "look" : "lasso"; tab.value = "groups"; }}>Lasso</button></span>
  </div>`;
}

const tally = signal({});                     // { scene, name, counts }: how many of each class there are
effect(() => {
  const scene = main.value, name = colour.value, at = scene ? scene.about.columns.findIndex((one) => one.name === name && one.kind === "category") : -1;
  if (at < 0) return;
  scene.column(at).then((values) => {
    const counts = new Array(scene.about.columns[at].classes.length).fill(0);
    for (const which of values) if (which >= 0) counts[which]++;
    tally.value = { scene, name, counts };
  }, () => {});
});

function Legend({ scene }) {
  const column = scene.about.columns.find((one) => one.name === colour.value);
  if (!column) return null;
  if (column.kind === "category") {
    const counts = tally.value.scene === scene && tally.value.name === column.name ? tally.value.counts : [];
    const out = hiddenClasses.value, classes = column.classes.slice(0, 60);
    const only = (c) => { hiddenClasses.value = out.length === classes.length - 1 && !out.includes(c) ? [] : classes.map((_, k) => k).filter((k) => k !== c); };
    return html`<details class="legend" open=${open.value} onToggle=${(event) => { open.value = event.target.open; }}><summary>${column.name}${out.length ? html` <em>${column.classes.length - out.length} of ${column.classes.length}</em>` : ""}</summary><ul>${classes.map((name, c) => html`<li key=${c}><label><input type="checkbox" checked=${!out.includes(c)} onChange=${() => { hiddenClasses.value = toggled(out, c); }} /><i style=${{ background: classColour(c, palette.value) }}></i>${name}</label><span class="tally">${counts[c]?.toLocaleString("en")}</span><button class="link" aria-label="Only ${name}" onClick=${() => only(c)}>only</button></li>`)}</ul>
      ${out.length > 0 && html`<button class="small" onClick=${() => { hiddenClasses.value = []; }}>Show all</button>`}</details>`;
  }
  const [low, high] = bounds.value || [column.low, column.high], stepSize = (column.high - column.low) / 200 || 1;
  const set = (from, to) => { bounds.value = from <= column.low && to >= column.high ? null : [Math.min(from, to), Math.max(from, to)]; };
  const bar = Array.from({ length: 10 }, (_, k) => scaleColour(k / 9)).join(", ");
  return html`<details class="legend" open=${open.value} onToggle=${(event) => { open.value = event.target.open; }}><summary>${column.name}</summary>
    <div class="scale" style=${{ background: `linear-gradient(to right, ${bar})` }}></div><p class="ends"><span>${Number(low.toPrecision(4))}</span><span>${Number(high.toPrecision(4))}</span></p>
    <label>from <input type="range" min=${column.low} max=${column.high} step=${stepSize} value=${low} onInput=${(event) => set(Number(event.target.value), high)} /></label>
    <label>to <input type="range" min=${column.low} max=${column.high} step=${stepSize} value=${high} onInput=${(event) => set(low, Number(event.target.value))} /></label></details>`;
}

function Side({ scene }) {
  const tabs = tabsOf(scene), [current, , Panel] = tabs.find(([name]) => name === tab.value) || tabs[0];
  const turn = (event) => {
    const at = tabs.findIndex(([name]) => name === current), by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = tabs[(at + by + tabs.length) % tabs.length][0];
    tab.value = next;
    requestAnimationFrame(() => page.root.querySelector(`#tab-${next}`).focus());
  };
  return html`<aside aria-label="Under the probe">
    <div class="probes n${scenes.value.length}">${scenes.value.map((one) => html`<${Decoded} key=${one.name} scene=${one} small=${scenes.value.length > 1} />`)}</div>
    ${scene.about.conditions.length > 0 && html`<label class="under">decoded as <select value=${scene.condition.value} onChange=${(event) => { scene.condition.value = event.target.value; }}>${scene.about.conditions.map((name) => html`<option>${name}</option>`)}</select></label>`}
    <div class="tabs" role="tablist" aria-label="What to do">${tabs.map(([name, said]) => html`<button role="tab" id="tab-${name}" aria-selected=${current === name} aria-controls="panel" tabindex=${current === name ? 0 : -1} onKeyDown=${turn} onClick=${() => { tab.value = name; }}>${said}</button>`)}</div>
    <div class="panel" role="tabpanel" id="panel" aria-labelledby="tab-${current}" tabindex="0"><${Panel} scene=${scene} /></div>
  </aside>`;
}

function Explore() {
  const all = scenes.value, scene = main.value;
  useEffect(() => { open.value = page.root.clientWidth > 700; }, []);
  return html`<main class="explore">
    <div class="stage"><${Toolbar} scene=${scene} /><div class="maps n${all.length}">${all.map((one) => html`<${MapView} key=${one.name} scene=${one} title=${all.length > 1 ? one.about.title : ""} />`)}<${Legend} scene=${scene} /></div></div>
    <${Side} scene=${scene} /></main>`;
}

function App() {
  if (!studio.value) return html`<p class="opening">${trouble.value || "Opening…"}</p>`;
  return html`<${Header} />
    ${place.value === "train" && studio.value.training ? html`<${Train} />` : main.value ? html`<${Explore} />` : html`<main><p class="opening">There is no run to show yet.</p></main>`}
    <p class="said" role="status" aria-live="polite">${message.value}</p>
    ${trouble.value && html`<p class="trouble floating" role="alert">${trouble.value} <button class="link" onClick=${() => { trouble.value = ""; }}>Close</button></p>`}`;
}

// The page, within an element. from: whom it asks. Gives what ends it.
export async function begin(from, root = document.getElementById("app")) {
  Object.assign(page, { root, scenes, studio });
  source.value = from;
  root.textContent = "";
  render(html`<${App} />`, root);
  await attempt(async () => {
    studio.value = await from.studio();
    await restore(from.addressed ? location.hash.slice(1) : "");
    if (!from.addressed) return;
    keepAddress();
    addEventListener("hashchange", () => attempt(() => restore(location.hash.slice(1))));
  });
  return () => {
    render(null, root);
    for (const scene of scenes.value) scene.stop();
  };
}
