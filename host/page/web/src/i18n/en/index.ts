/** English: the catalogue that the others are held to. Each area of the page has a file. */
import { automation } from "./automation";
import { automations } from "./automations";
import * as codes from "./codes";
import { common } from "./common";

export const phrases = { ...common, ...automations, ...automation };
export { codes };
