// The page by keyboard alone.
import { until } from "./pipeline.mjs";

const focused = (page) => page.evaluate(() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const style = getComputedStyle(element);
  element.dataset.reached = "true";
  return { text: (element.innerText || element.value || "").slice(0, 60), id: element.id,
    visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 };
});

// beginAtTop makes the next Tab lead to the first control.
async function beginAtTop(page) {
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
}

// reachEverything presses Tab through the page and returns the controls that were not reached, or not visibly.
export async function reachEverything(page) {
  const problems = [];
  await beginAtTop(page);
  for (let n = 0; n < 3000; n++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (!at) break; // behind the last control
    if (!at.visible) problems.push(`no visible focus: ${at.text || at.id}`);
  }
  return problems.concat(await page.evaluate(() => {
    const controls = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")];
    const missed = controls.filter((each) => each.checkVisibility() && each.dataset.reached !== "true");
    controls.forEach((each) => delete each.dataset.reached);
    return missed.map((each) => `not reached: ${each.tagName} ${each.id} ${each.textContent.slice(0, 40)}`);
  }));
}

// tabTo presses Tab until the focus is on an element that matches.
async function tabTo(page, selector) {
  for (let n = 0; n < 600; n++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  throw new Error(`no Tab leads to ${selector}`);
}

// useEverything follows an event, opens a group, replays, shows rows and changes the theme.
export async function useEverything(page, id) {
  await beginAtTop(page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // the skip link
  await until("the skip link", () => page.evaluate(() => document.activeElement.id === "main"));
  await tabTo(page, "#follow-id");
  await page.keyboard.type(id);
  await page.keyboard.press("Enter");
  await until("the followed event", () => page.locator("#follow-result .steps li").count());
  await tabTo(page, "#letters-scroll button[aria-expanded]");
  await page.keyboard.press("Space");
  await until("an opened group", () => page.locator("#letters-scroll button[aria-expanded=true]").count());
  await tabTo(page, "td.open summary");
  await page.keyboard.press("Enter");
  await until("an opened dead letter", () => page.locator("td.open details[open]").count());
  await tabTo(page, "td.actions button:not([aria-expanded])");
  await page.keyboard.press("Enter");
  await until("the replay", () => page.locator("#replay-result").innerText().then((text) => /accepted by/.test(text)), 120);
  await tabTo(page, "#area-lake");
  await page.keyboard.press("Enter");
  await until("files", () => page.locator("#files tbody button").count());
  await tabTo(page, "#files tbody button");
  await page.keyboard.press("Enter");
  await until("rows", () => page.locator("#rows table, #rows ol").count());
  await page.focus("#theme");
  await page.keyboard.press("End"); // Dark
  await until("the dark theme", () => page.evaluate(() => document.documentElement.dataset.theme === "dark"));
  await page.keyboard.press("Home");
  return page.locator("#replay-result").innerText();
}
