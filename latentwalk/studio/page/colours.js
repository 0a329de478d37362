// Colours, the same as in the library's reports: ink on paper, ten classes that colour-blind eyes tell apart.
import { signal } from "./lib.js";

const LIGHT = {
  paper: "#fdfcfa", ink: "#1d1d1f", muted: "#6a6a70", line: "#d9d8d4", off: "#d1431f", on: "#2468c4", none: "#b9b7b1",
  classes: ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"],
};
const DARK = {
  paper: "#131316", ink: "#ececec", muted: "#9b9ba3", line: "#3a3a40", off: "#ff7a55", on: "#6ea8f7", none: "#4b4b52",
  classes: ["#5ba6ec", "#ffb733", "#f0604a", "#a9bab8", "#b873e6", "#c98f7c", "#ff8a3d", "#cfc388", "#8f94a3", "#a6e6e9"],
};

const asked = matchMedia("(prefers-color-scheme: dark)");
export const palette = signal(asked.matches ? DARK : LIGHT);
const follow = () => { palette.value = asked.matches ? DARK : LIGHT; };
asked.addEventListener("change", follow);

// Light or dark as what lies around is, whatever the system's taste.
export function settle(dark) {
  asked.removeEventListener("change", follow);
  palette.value = dark ? DARK : LIGHT;
}

export const still = matchMedia("(prefers-reduced-motion: reduce)");

const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const mixed = (a, b, t) => parts(a).map((value, at) => Math.round(value + t * (parts(b)[at] - value)));
const hexOf = (rgb) => "#" + rgb.map((value) => value.toString(16).padStart(2, "0")).join("");

// The colour of a class: after ten they come again, lighter or darker.
export function classColour(at, colours) {
  const base = colours.classes[at % 10], round = Math.floor(at / 10);
  return round ? hexOf(mixed(base, round % 2 ? colours.ink : colours.paper, 0.28 + 0.12 * (round >> 1))) : base;
}

// Of numbers: cividis, even in lightness, which colour-blind eyes read too, by nine of its stops.
const STOPS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

export function scaleColour(t) {
  const at = Math.min(STOPS.length - 1.0001, Math.max(0, t * (STOPS.length - 1))), low = Math.floor(at);
  return hexOf(mixed(STOPS[low], STOPS[low + 1], at - low));
}

// A table of 256 inks as an ImageData holds them (little endian: alpha, blue, green, red).
export function inks(hexes) {
  const out = new Uint32Array(256);
  hexes.forEach((hex, at) => {
    const [r, g, b] = parts(hex);
    out[at] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
  return out;
}

export const rgb = (hex, alpha) => `rgb(${parts(hex).join(" ")} / ${alpha})`;
export { parts };
