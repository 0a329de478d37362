// Where the page begins: with a server behind it.
import { begin } from "./app.js";
import { page } from "./state.js";
import { Wire } from "./wire.js";

window.latentwalk = page;
begin(new Wire());
