/** English: the catalogue that the others are held to. Each area of the page has a file. */
import { automation } from "./automation";
import { automations } from "./automations";
import { catalogue } from "./catalogue";
import * as codes from "./codes";
import { common } from "./common";
import { credentials } from "./credentials";
import { forms } from "./forms";
import { start } from "./start";

export const phrases = { ...common, ...automations, ...automation, ...catalogue, ...credentials, ...forms, ...start };
export { codes };
