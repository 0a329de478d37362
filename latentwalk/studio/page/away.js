// Where the page begins in a file that was taken away: nothing behind it.
import { begin } from "./app.js";
import { Disk } from "./disk.js";
import { page } from "./state.js";

window.latentwalk = page;
begin(new Disk());
