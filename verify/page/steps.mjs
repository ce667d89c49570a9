// What a person does on the page: with the mouse here, by keyboard in keyboard.mjs.
import { until } from "./pipeline.mjs";

// openEverything opens every group, dead letter, kind of file and file with rows, and returns all texts seen.
export async function openEverything(page, each = async () => {}) {
  let texts = "";
  const look = async () => {
    texts += await page.evaluate(() => document.body.textContent);
    await each();
  };
  for (const closed = page.locator("#letters-scroll button[aria-expanded=false]"); await closed.count() > 0;) {
    await closed.first().click();
  }
  await until("the dead letters", () => page.locator("td.open").evaluateAll((cells) =>
    cells.every((cell) => cell.parentElement.hidden || cell.childElementCount > 0)));
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
  await look();
  for (const next = page.locator("td.open button", { hasText: "Next dead letters" }); await next.count() > 0;) {
    const before = await page.evaluate(() => document.querySelector("#letters-scroll").textContent);
    await next.first().click();
    await until("more dead letters", () => page.evaluate((text) =>
      document.querySelector("#letters-scroll").textContent !== text, before));
    await page.evaluate(() => document.querySelectorAll("td.open details").forEach((each) => { each.open = true; }));
    await look();
  }
  for (const area of ["lake", "source", "errors", "index"]) {
    await page.click(`#area-${area}`);
    await page.waitForSelector("#files table, #files p");
    await page.waitForTimeout(200);
    const buttons = await page.locator("#files tbody button").count();
    for (let i = 0; i < Math.min(buttons, 4); i++) {
      await page.locator("#files tbody button").nth(i).click();
      await page.waitForSelector("#rows h3");
      await page.waitForTimeout(150);
      await look();
    }
  }
  return texts;
}

// followEvent follows an event of a live page and returns the result's text.
export async function followEvent(page, id) {
  await page.fill("#follow-id", id);
  await page.click("#follow-form button[type=submit]");
  await until(`event ${id}`, () => page.evaluate((wanted) =>
    document.querySelector("#followed b")?.textContent === wanted, id));
  await page.evaluate(() => document.querySelectorAll("#follow-result details").forEach((each) => { each.open = true; }));
  return page.locator("#follow-result").innerText();
}
