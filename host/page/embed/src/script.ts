// For a script tag: the server is where this script came from. `currentScript` is empty in a module script, which then
// is found by its name.

import { define } from "./element.js";

const own =
  (document.currentScript as HTMLScriptElement | null) ??
  [...document.scripts].find((script) => /\/embed\.js([?#]|$)/.test(script.src));

define(own?.src ? new URL(".", own.src).href : null);
