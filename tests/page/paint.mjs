// Prints the milliseconds until a browser that has not seen the page before paints something: the median of some
// times. `node paint.mjs URL`; the measuring program of tests/bench holds it to its budget.

import { chromium } from "@playwright/test";

const [address, browser = process.env.MATRICULA_CHROMIUM ?? "/usr/bin/chromium"] = process.argv.slice(2);
const times = 7;
const launched = await chromium.launch({
  executablePath: browser,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const paints = [];
for (let time = 0; time < times; time += 1) {
  const context = await launched.newContext();
  const page = await context.newPage();
  await page.goto(address);
  const paint = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const painted = (entries) => entries.find((entry) => entry.name === "first-contentful-paint")?.startTime;
        const already = painted(performance.getEntriesByType("paint"));
        if (already !== undefined) return void resolve(already);
        new PerformanceObserver((list) => {
          const at = painted(list.getEntries());
          if (at !== undefined) resolve(at);
        }).observe({ type: "paint", buffered: true });
      }),
  );
  paints.push(paint);
  await context.close();
}
await launched.close();
console.log(paints.sort((a, b) => a - b)[Math.floor(times / 2)]);
