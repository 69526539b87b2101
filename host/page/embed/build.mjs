// Builds the element twice: `dist/index.js` for those who bundle it, `dist/embed.js` for a script tag. The latter also
// goes to `../dist`, from where the server serves it at `/embed.js`; so this build comes after the page's own, which
// empties that folder. The script's size is a promise (5 kB gzip), hence checked here.
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const limit = 5 * 1024;
const here = (path) => new URL(path, import.meta.url).pathname;
const common = { bundle: true, target: "es2022", minify: true, charset: "utf8", legalComments: "none" };

await build({ ...common, entryPoints: [here("src/index.ts")], format: "esm", outfile: here("dist/index.js") });
await build({ ...common, entryPoints: [here("src/script.ts")], format: "iife", outfile: here("dist/embed.js") });

const size = gzipSync(await readFile(here("dist/embed.js")), { level: 9 }).length;
if (size > limit) {
  console.error(`dist/embed.js has ${size} bytes gzip; at most ${limit} are promised`);
  process.exit(1);
}
await mkdir(here("../dist"), { recursive: true });
await copyFile(here("dist/embed.js"), here("../dist/embed.js"));
console.log(`dist/embed.js: ${size} bytes gzip`);
