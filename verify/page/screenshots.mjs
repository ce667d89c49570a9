// The pictures of docs/local.md: the page of a served run, light, dark and on a narrow screen. Its argument is the
// folder. Reduce their size afterwards, for example with pngquant.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Browser } from "./browser.mjs";
import { Runs, put, root, until } from "./pipeline.mjs";
import { followEvent } from "./steps.mjs";

const folder = process.argv[2] || "docs";
const runs = new Runs();
let browser;
try {
  const run = await runs.serve("--speed", "20");
  const read = (name) => readFileSync(join(root, "testdata", name), "utf8").split("\n").filter(Boolean);
  browser = await Browser.open();
  const { page } = await browser.load(run.page, "light");
  await put(run, [...read("store-events.ndjson"), ...read("spoiled-events.ndjson")]);
  await until("dead letters", () => page.locator("#letters-scroll tbody tr").count(), 120);
  await put(run, read("store-events.ndjson").slice(0, 300));
  await followEvent(page, "spoiled-000017");
  await page.setViewportSize({ width: 1280, height: 880 });
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: join(folder, "page-light.png") });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: join(folder, "page-dark.png") });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 390, height: 840 });
  await page.screenshot({ path: join(folder, "page-narrow.png") });
} finally {
  await browser?.close();
  await runs.end();
}
