import type { Translation } from "../catalogue";
import type { automations as english } from "../en/automations";

export const automations: Translation<typeof english> = {
  "health.none": "Noch keine Durchgänge",
  "health.label": {
    one: "Letzter Durchgang: {good} erfolgreich, {partial} teilweise, {failed} fehlgeschlagen",
    other: "Letzte {n} Durchgänge: {good} erfolgreich, {partial} teilweise, {failed} fehlgeschlagen",
  },
};
