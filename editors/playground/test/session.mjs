// A running `catena serve` and a browser beside it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const EXAMPLE = readFileSync(`${ROOT}docs/examples/sign_in_then_key.chain`, "utf8");
const CATENA = process.env.CATENA ?? `${ROOT}target/debug/catena`;
/** Allowlists have days on which entries end. */
const AS_OF = ["--as-of", "2026-11-28"];

/** The output of a command of the program. */
export function catena(...parameters) {
  return execFileSync(CATENA, [...parameters, ...AS_OF], { cwd: ROOT, encoding: "utf8" });
}

/** Starts the server on a free port; its address and how to end it. */
export async function serve() {
  const child = spawn(CATENA, ["serve", "--port", "0", "--timeout", "60", ...AS_OF], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", () => reject(new Error("catena serve ended before it listened")));
  });
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
  assert.ok(address, line);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return { address, stop: () => (child.kill("SIGINT"), ended) };
}

export const launch = () => chromium.launch({ executablePath: process.env.CATENA_CHROMIUM || "/usr/bin/chromium", timeout: 120_000 });

/** A new window with the page; `wrong` gathers what must not happen. */
export async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: address });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error}`));
  page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("data:")) {
      wrong.push(`request: ${url}`);
    }
  });
  await page.goto(`${address}/`);
  await says(page, "No findings");
  return { page, wrong, close: () => context.close() };
}

/** Waits until the state of the rule is said. */
export const says = (page, text) => page.locator("#status", { hasText: text }).waitFor();

/** Pastes a text where the cursor is. */
export async function paste(page, text) {
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press("ControlOrMeta+v");
}

/** Writes another text into the editor. */
export async function write(page, text) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Delete");
  if (text !== "") {
    await paste(page, text);
  }
}

/** Puts the cursor at the end of the line that has a text. */
export async function endOf(page, text, line) {
  const at = text.split("\n").findIndex((one) => one.includes(line));
  assert.ok(at >= 0, line);
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+Home");
  for (let down = 0; down < at; down += 1) {
    await page.keyboard.press("ArrowDown");
  }
  await page.keyboard.press("End");
}

/** The text of an element as it is, not as it looks. */
export const text = (locator) => locator.evaluate((element) => element.textContent);

/** An event as CloudTrail writes it. */
export function event(time, name, user, more = {}) {
  const source = name === "ConsoleLogin" ? "signin.amazonaws.com" : "iam.amazonaws.com";
  return {
    eventVersion: "1.09",
    eventTime: `2026-01-05T${time}Z`,
    eventSource: source,
    eventName: name,
    eventID: `${name}-${user}-${time}`,
    recipientAccountId: "111122223333",
    sourceIPAddress: "198.51.100.7",
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::111122223333:user/${user}`, userName: user },
    responseElements: name === "ConsoleLogin" ? { ConsoleLogin: "Success" } : { accessKey: { userName: user } },
    ...more,
  };
}
