import type { Translation } from "../catalogue";
import type { automation as english } from "../en/automation";

export const automation: Translation<typeof english> = {};
