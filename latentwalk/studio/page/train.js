import { html } from "./lib.js";
export function Train() { return html`<main class="train"></main>`; }
