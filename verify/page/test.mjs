// The page of a local run in a real Chromium: hostile events, accessibility, the keyboard, the report.
// `make verify` runs it through check.sh, which installs its packages.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Browser, findViolations } from "./browser.mjs";
import * as hostile from "./hostile.mjs";
import { reachEverything, useEverything } from "./keyboard.mjs";
import { Runs, put, root, until } from "./pipeline.mjs";
import { followEvent, openEverything } from "./steps.mjs";

const read = (name) => readFileSync(join(root, "testdata", name), "utf8").split("\n").filter(Boolean);
const failures = [];

// check notes the problems of one subject.
function check(subject, problems) {
  const list = [problems].flat().filter(Boolean);
  console.log(`${list.length ? "FAILED" : "passed"}: ${subject}`);
  for (const problem of [...new Set(list)].slice(0, 20)) console.log(`  ${problem}`);
  failures.push(...list);
}

const settled = (page) => until("all events to arrive", () => page.evaluate(() =>
  [...document.querySelectorAll(".buffer p")].every((each) => /empty/.test(each.textContent))), 120);

async function testHostile(browser, runs) {
  const run = await runs.serve("--speed", "60");
  const live = await browser.load(run.page);
  await hostile.sendMessage(run);
  await hostile.putObject(run);
  await put(run, hostile.events);
  await settled(live.page);
  const inject = async (problems) => problems.push(...await live.page.evaluate(hostile.findInjected));
  const problems = [];
  let texts = await openEverything(live.page, () => inject(problems));
  for (const id of hostile.visible) {
    const text = await followEvent(live.page, id);
    if (!/Row in the lake/.test(text)) problems.push(`not followed to the lake: ${id}: ${text.slice(0, 80)}`);
    texts += text;
    await inject(problems);
  }
  problems.push(...hostile.visible.filter((id) => !texts.includes(id)).map((id) => `not shown: ${id}`));
  check(`${hostile.ids.length} hostile ids in ${hostile.events.length} events are text on the live page`, problems);
  check("  no request left the page, and no error, dialog or window came", Object.values(live.seen).flat());

  run.child.kill("SIGINT");
  await until("the end of the run on the page", () => live.page.title().then((title) => /^Ended/.test(title)), 60);
  check("the page shows the end of the run", await run.ended === 0 ? [] : `status ${run.child.exitCode}: ${run.said()}`);
  const report = await browser.load(`file://${run.out}/report.html`);
  const found = [];
  texts = await openEverything(report.page, async () => found.push(...await report.page.evaluate(hostile.findInjected)));
  found.push(...hostile.visible.filter((id) => !texts.includes(id)).map((id) => `not shown: ${id}`));
  check("  and of report.html", found.concat(Object.values(report.seen).flat()));
  await live.page.close();
  await report.page.close();
}

async function testAccess(browser, runs) {
  const run = await runs.serve("--speed", "60");
  const { page, seen } = await browser.load(run.page);
  await put(run, [...read("store-events.ndjson"), ...read("spoiled-events.ndjson")]);
  await settled(page);
  check("every control is reached by Tab, with a visible focus", await reachEverything(page));
  const result = await useEverything(page, "spoiled-000017");
  check("an event is followed and dead letters are replayed by keyboard", /dead letter/.test(result) ? [] : result);
  await openEverything(page);
  check("every control is reached by Tab with everything opened", await reachEverything(page));
  check("axe-core: live page, light", await findViolations(page));
  await page.emulateMedia({ colorScheme: "dark" });
  check("axe-core: live page, dark", await findViolations(page));
  await page.setViewportSize({ width: 390, height: 800 });
  check("axe-core: live page, narrow", await findViolations(page));
  check("  nothing is cut off on a narrow screen", await page.evaluate(() =>
    document.documentElement.scrollWidth > innerWidth ? [`${document.documentElement.scrollWidth} px wide`] : []));
  check("  no error on the live page", Object.values(seen).flat());
  run.child.kill("SIGINT");
  await run.ended;
  for (const theme of ["light", "dark"]) {
    const report = await browser.load(`file://${run.out}/report.html`, theme);
    await report.page.click("#follow-form button[type=submit]");
    await report.page.waitForSelector("#follow-result .steps li");
    await openEverything(report.page);
    check(`axe-core: report.html, ${theme}`, await findViolations(report.page));
    check("  no error in it", Object.values(report.seen).flat());
    await report.page.close();
  }
  await page.close();
}

const runs = new Runs();
let browser;
try {
  browser = await Browser.open();
  console.log(`Chromium ${browser.context.browser()?.version() ?? ""}`);
  await testHostile(browser, runs);
  await testAccess(browser, runs);
} catch (error) {
  check("the tests", [error.stack]);
} finally {
  await browser?.close();
  await runs.end();
}
process.exitCode = failures.length ? 1 : 0;
