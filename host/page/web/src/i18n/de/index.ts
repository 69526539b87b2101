import type { Translation } from "../catalogue";
import type { phrases as english } from "../en";
import { automation } from "./automation";
import { automations } from "./automations";
import * as codes from "./codes";
import { common } from "./common";

export const phrases: Translation<typeof english> = { ...common, ...automations, ...automation };
export { codes };
