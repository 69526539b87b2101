import type { Translation } from "../catalogue";
import type { phrases as english } from "../en";
import { automation } from "./automation";
import { automations } from "./automations";
import { catalogue } from "./catalogue";
import * as codes from "./codes";
import { common } from "./common";
import { credentials } from "./credentials";
import { forms } from "./forms";
import { start } from "./start";

export const phrases: Translation<typeof english> = { ...common, ...automations, ...automation, ...catalogue, ...credentials, ...forms, ...start };
export { codes };
