// A real Chromium, and what every test looks at in it.
import { createRequire } from "node:module";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { root } from "./pipeline.mjs";

const require = createRequire(join(root, ".build/page/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export class Browser {
  // open opens a Chromium with an empty profile.
  static async open() {
    const browser = new Browser();
    const executablePath = places.find((path) => path && existsSync(path));
    if (!executablePath) throw new Error("Chromium is missing: apt-get install chromium, or set CHROMIUM to its path");
    browser.profile = mkdtempSync(join(tmpdir(), "page-profile-"));
    browser.context = await chromium.launchPersistentContext(browser.profile, { executablePath, headless: true,
      viewport: { width: 1400, height: 900 }, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
    return browser;
  }

  // load opens a page and notes everything that it must not do.
  async load(url, theme = "light") {
    const page = await this.context.newPage();
    const seen = { errors: [], foreign: [], dialogs: [] };
    const origin = new URL(url).origin;
    page.on("console", (message) => {
      // A page whose run ends gets no more answers.
      if (message.type() === "error" && !/ERR_CONNECTION_REFUSED/.test(message.text())) seen.errors.push(message.text());
    });
    page.on("pageerror", (error) => seen.errors.push(error.message));
    page.on("dialog", (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
    page.on("popup", (popup) => seen.foreign.push(`popup ${popup.url()}`));
    page.on("request", (request) => {
      const to = request.url();
      const own = url.startsWith("file:") ? to === url : new URL(to).origin === origin;
      if (!own && to !== "data:,") seen.foreign.push(to.slice(0, 200));
    });
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(url);
    await page.waitForSelector("#flow .node");
    return { page, seen };
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}

// findViolations runs axe-core over the page, with every rule, and returns its findings as text.
export async function findViolations(page) {
  await page.evaluate(axe); // not by a script element: the page's policy would stop it
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.flatMap((violation) => violation.nodes.map((node) =>
    `${violation.id}: ${violation.help}: ${node.target.join(" ")} ${node.failureSummary}`));
}
