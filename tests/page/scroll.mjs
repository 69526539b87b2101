// Prints how a run of very many people scrolls: rows that were loaded, and the milliseconds between two frames, the median and the slowest
// hundredth, on the way from the first row to the last. `node scroll.mjs SIGN-IN-LINK PATH ROWS`; the measuring program of tests/bench
// holds it to its budget.

import { chromium } from "@playwright/test";

const [link, path, rows, browser = process.env.MATRICULA_CHROMIUM ?? "/usr/bin/chromium"] = process.argv.slice(2);
const launched = await chromium.launch({
  executablePath: browser,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const page = await launched.newPage({ viewport: { width: 1280, height: 800 } });
await page.goto(link);
await page.waitForURL(/#\/automations$/);
await page.evaluate((to) => { location.hash = to; }, path);
await page.waitForSelector(".records [role=listitem]");
const measured = await page.evaluate(
  (wanted) =>
    new Promise((resolve, reject) => {
      const scroller = document.querySelector(".records");
      const frames = [];
      let before = performance.now();
      let still = 0;
      const step = (now) => {
        frames.push(now - before);
        before = now;
        const last = Math.max(...[...scroller.querySelectorAll("[role=listitem]")].map((row) => Number(row.getAttribute("aria-posinset"))));
        if (last >= wanted) return resolve({ last, frames });
        const top = scroller.scrollTop;
        scroller.scrollTop = top + 2_000;
        still = scroller.scrollTop === top ? still + 1 : 0;
        if (still > 1_200) return reject(new Error(`stuck at row ${last}`));
        requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    }),
  Number(rows),
);
await launched.close();
const sorted = measured.frames.slice(1).sort((a, b) => a - b);
const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
console.log(JSON.stringify({ rows: measured.last, frames: sorted.length, median: at(0.5), p99: at(0.99), worst: sorted.at(-1) }));
