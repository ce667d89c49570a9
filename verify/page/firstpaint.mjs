// How long a real Chromium takes to the first paint of a served page with data, and of its report: medians of 9 loads,
// beside those of a file with one word, which is the least that this machine can do. On a busy machine the CPU time of
// the main thread says more than the clock.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Browser } from "./browser.mjs";
import { Runs, put, root } from "./pipeline.mjs";

async function measure(browser, url) {
  const paints = [];
  const work = [];
  for (let i = 0; i < 9; i++) {
    const page = await browser.context.newPage();
    const session = await browser.context.newCDPSession(page);
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(url);
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    const { metrics } = await session.send("Performance.getMetrics");
    work.push(metrics.find((metric) => metric.name === "TaskDuration").value * 1000);
    await page.close();
  }
  const sorted = (list) => list.map(Math.round).sort((a, b) => a - b);
  return { medianMilliseconds: sorted(paints)[4], slowestMilliseconds: sorted(paints)[8],
    medianMainThreadMilliseconds: sorted(work)[4] };
}

const runs = new Runs();
let browser;
try {
  const run = await runs.serve("--speed", "60");
  const read = (name) => readFileSync(join(root, "testdata", name), "utf8").split("\n").filter(Boolean);
  await put(run, [...read("store-events.ndjson"), ...read("spoiled-events.ndjson")]);
  browser = await Browser.open();
  const least = join(runs.folder(), "word.html");
  writeFileSync(least, "<!doctype html><title>word</title><p>word");
  console.log(JSON.stringify({ firstPaint: "a word", ...await measure(browser, `file://${least}`) }));
  console.log(JSON.stringify({ firstPaint: "live page", ...await measure(browser, run.page) }));
  run.child.kill("SIGINT");
  await run.ended;
  console.log(JSON.stringify({ firstPaint: "report.html", ...await measure(browser, `file://${run.out}/report.html`) }));
} finally {
  await browser?.close();
  await runs.end();
}
