// Where the page begins in a notebook: in the output of a cell, with a kernel behind it.
import { begin } from "./app.js";
import { settle } from "./colours.js";
import { Kernel } from "./kernel.js";
import { effect } from "./lib.js";
import { groups, main, page, pinned } from "./state.js";

// model: the widget, as anywidget has it. el: where it stands. style: the page's, made for here. Gives what ends it.
export async function show(model, el, style) {
  const host = document.createElement("div"), inside = host.attachShadow({ mode: "open" });
  const sheet = document.createElement("style"), root = document.createElement("div");
  host.style.height = `${model.get("height")}px`;
  host.latentwalk = page;                       // for who looks on: tests
  host.dataset.lmSuppressShortcuts = "true";    // keys are ours here: JupyterLab looks for this before it acts on one,
  for (const name of ["keydown", "keyup", "keypress"]) host.addEventListener(name, (event) => event.stopPropagation());  // others after
  const placed = new ResizeObserver(() => {
    if (!host.clientWidth) return;
    placed.disconnect();
    const dark = isDark(el);
    host.dataset.scheme = dark ? "dark" : "light";
    settle(dark);
  });
  sheet.textContent = style;
  root.id = "app";
  inside.append(sheet, root);
  el.append(host);
  placed.observe(host);

  const kernel = new Kernel(model);
  kernel.go = (z) => { if (main.value?.dim === z.length) { pinned.value = true; main.value.z.value = z; } };
  const end = await begin(kernel, root);
  const told = effect(() => {                   // groups are known there, too, as rows of the space
    const scene = main.value, rows = groups.value;
    if (scene) kernel.tell({ groups: Object.fromEntries(["A", "B"].map((name) => [name, rows[name].map((row) => scene.numbers[row])])) });
  });
  return () => { placed.disconnect(); told(); end(); kernel.close(); host.remove(); };
}

// Whether it is dark here: by what lies behind the cell, as far as that says anything.
function isDark(from) {
  for (let one = from; one; one = one.parentElement) {
    const [r, g, b, opaque = 1] = (getComputedStyle(one).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (opaque > 0.5) return 0.3 * r + 0.59 * g + 0.11 * b < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
