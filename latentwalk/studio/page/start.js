// Where the page begins: with a server behind it.
import { begin } from "./app.js";
import { Wire } from "./wire.js";

begin(new Wire());
