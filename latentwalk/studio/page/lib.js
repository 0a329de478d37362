// What the page is made with: Preact, htm for its markup, signals for its state.
import { h, render } from "./vendor/preact.mjs";
import { useEffect, useRef, useState } from "./vendor/hooks.mjs";
import htm from "./vendor/htm.mjs";
import { batch, computed, effect, signal, untracked } from "./vendor/signals.mjs";

const html = htm.bind(h);

export { html, render, useEffect, useRef, useState };
export { batch, computed, effect, signal, untracked };
