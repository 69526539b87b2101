/** Importing this registers `<matricula-automations>`. A bundled script does not know where it came from, so the
 * element needs its `server` attribute: the address of Matricula, such as `https://automations.example.com/`. */

import { define, type MatriculaAutomations } from "./element.js";

export type { MatriculaAutomations, SessionErrorDetail } from "./element.js";
export type { Phrases } from "./messages.js";

define(null);

declare global {
  interface HTMLElementTagNameMap {
    "matricula-automations": MatriculaAutomations;
  }
}
