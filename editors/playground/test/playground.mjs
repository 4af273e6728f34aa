// The page in a real browser: what a user writes, sees, tries and copies. With CATENA_UPDATE set it also makes the
// pictures of the documentation.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import axe from "axe-core";
import { catena, endOf, event, EXAMPLE, launch, open, paste, ROOT, says, serve, text, write } from "./session.mjs";

const TARGETS = ["spl", "sigma", "kql", "eql"];
const PICTURES = process.env.CATENA_UPDATE ? `${ROOT}docs/playground` : `${ROOT}target/playground`;
mkdirSync(PICTURES, { recursive: true });

const picture = async (page, name) => {
  assert.ok(process.env.CATENA_UPDATE || existsSync(`${ROOT}docs/playground/${name}.png`), `docs/playground/${name}.png is missing`);
  await page.screenshot({ path: `${PICTURES}/${name}.png` });
};
const tab = (page, id) => page.locator(`#tab-${id}`).click();
const query = (page, name) => text(page.locator(`#panel-${name} pre`).first());

async function aRuleIsWrittenAndItsQueriesAreShown({ page }) {
  await write(page, "");
  await says(page, "1 warning");
  await write(page, EXAMPLE);
  await says(page, "No findings");
  for (const name of TARGETS) {
    await tab(page, name);
    const printed = catena("compile", "docs/examples/sign_in_then_key.chain", "--target", name);
    assert.equal((await query(page, name)).trimEnd(), printed.trimEnd(), name);
  }
  await tab(page, "kql");
  await picture(page, "queries");
  await tab(page, "meaning");
  const drawn = page.locator("figure svg");
  assert.equal(await drawn.getAttribute("role"), "img");
  // Its style has the permission of the page.
  assert.equal(await drawn.locator("path").first().evaluate((path) => getComputedStyle(path).fill), "none");
  await picture(page, "meaning");
}

async function whatIsWrongIsUnderItsWord({ page }) {
  await endOf(page, EXAMPLE, "on actor.id");
  await page.keyboard.type("d");
  await says(page, "1 error");
  const marked = page.locator(".cm-lintRange-error");
  assert.equal(await text(marked), "actor.idd");
  const found = await text(page.locator("#problems li"));
  assert.match(found, /error E\d{4} line \d+: .*`actor\.idd`/);
  // The queries are those of the rule before, and say so.
  assert.match(await text(page.locator("#panel-queries .old .hint")), /has errors/);
  await page.keyboard.press("Escape");
  await marked.hover();
  await page.locator(".cm-tooltip .cm-diagnosticAction").waitFor();
  await picture(page, "finding");
  await page.getByRole("button", { name: "Write “actor.id”" }).click();
  await says(page, "No findings");
  assert.equal(await page.locator("#panel-queries .old").count(), 0);
}

async function completionsFitThePlace({ page }) {
  await endOf(page, EXAMPLE, "on actor.id");
  await page.keyboard.press("ControlOrMeta+Backspace");
  await page.keyboard.press("ControlOrMeta+Backspace");
  await page.keyboard.press("ControlOrMeta+Backspace");
  await page.keyboard.type(" actor.i");
  await page.keyboard.press("Control+Space");
  const option = page.locator(".cm-tooltip-autocomplete li", { hasText: /^actor\.id/ }).first();
  await option.waitFor();
  // The keyboard takes it only after a moment, so that nobody takes one by accident.
  await page.waitForTimeout(200);
  await option.click();
  await says(page, "No findings");
}

async function wordsHaveTheirColours({ page }) {
  const has = (kind, word) => page.locator(`.cm-content .tok-${kind}`, { hasText: new RegExp(`^${word}$`) }).first().waitFor();
  await has("keyword", "rule");
  await has("keyword", "chain");
  await has("typeName", "sign_in_then_key");
  await has("labelName", "severity");
  await has("propertyName", "cloud\\.account\\.id");
  await has("number", "15m");
  await has("comment", "# A console sign-in.*");
}

async function testsRun({ page }) {
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+Enter");
  await page.getByText("3 passed, 0 failed").waitFor();
  await write(page, EXAMPLE.replace("expect alert at 2m", "expect no alert"));
  await page.locator("#run").click();
  await page.getByText("2 passed, 1 failed").waitFor();
  assert.match(await text(page.locator(".failed pre")), /alert/);
  await page.locator(".failed button").click();
  assert.match(await text(page.locator(".cm-activeLine")), /test "a key two minutes after the sign-in"/);
}

async function pastedEventsBecomeATimeline({ page }) {
  const events = [
    event("09:00:00", "ConsoleLogin", "alice"), event("09:02:00", "CreateAccessKey", "alice"),
    event("10:00:00", "ConsoleLogin", "bob"), event("10:16:00", "CreateAccessKey", "bob"),
    event("11:00:00", "ConsoleLogin", "<img src=x onerror=alert(1)>"),
    event("11:01:00", "CreateAccessKey", "<img src=x onerror=alert(1)>"),
  ];
  await tab(page, "try");
  await page.locator("#events").click();
  await paste(page, events.map((one) => JSON.stringify(one)).join("\n"));
  await page.locator("#source").selectOption("aws.cloudtrail");
  await page.locator("#replay").click();
  await page.getByText("6 events: 2 alerts, 1 near miss").waitFor();
  const alert = page.locator(".alert").first();
  assert.deepEqual(await alert.locator(".timeline li b").allTextContents(), ["login", "key"]);
  assert.deepEqual(await alert.locator(".timeline .after").allTextContents(), ["+2m"]);
  assert.match(await text(alert.locator(".timeline li").first()), /2026-01-05T09:00:00Z/);
  assert.match(await text(alert), /user\/alice/);
  const miss = page.locator(".miss");
  assert.match(await text(miss.locator(".breaks")), /\+16m.*key/s);
  assert.match(await text(miss), /1m/);
  await alert.scrollIntoViewIfNeeded();
  await picture(page, "replay");
  // Events of a test are at hand, too.
  await page.locator("#example").selectOption({ label: "test “a key two minutes after the sign-in”" });
  await page.locator("#replay").click();
  await page.getByText("2 events: 1 alert, 0 near misses").waitFor();
  await page.locator("#events").fill("nonsense");
  await page.locator("#replay").click();
  await page.locator("#panel-try h3", { hasText: "Notes" }).waitFor();
}

async function aQueryIsCopied({ page }) {
  await tab(page, "eql");
  await page.locator("#panel-eql").getByRole("button", { name: "Copy" }).first().click();
  await page.locator("#panel-eql").getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await query(page, "eql"));
}

async function severalFilesAndRulesAreKeptApart({ page }) {
  await write(page, `${EXAMPLE}\n# mine\n`);
  await page.locator("#file").selectOption("an1318/aws.chain");
  await page.locator("#panel-queries", { hasText: "aws_untrusted_image_launch" }).waitFor();
  await page.locator("#file").selectOption("sign_in_then_key.chain");
  await page.locator("#panel-queries", { hasText: "sign_in_then_key" }).waitFor();
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+End");
  await page.locator(".cm-line", { hasText: "# mine" }).waitFor();
  const second = EXAMPLE.slice(0, EXAMPLE.indexOf("allowlist")).replace("rule sign_in_then_key", "rule second").replace("7c0a5e52", "7c0a5e53");
  await write(page, `${EXAMPLE}\n${second}`);
  await page.locator("#rule").selectOption("second");
  await page.locator("#panel-queries", { hasText: /second/ }).waitFor();
}

async function theKeyboardIsEnough({ page }) {
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName);
  const seen = [];
  for (let press = 0; press < 14; press += 1) {
    await page.keyboard.press("Tab");
    const now = await focused();
    if (now === "BODY") {
      // All the way round.
      break;
    }
    seen.push(now);
    const visible = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== "none" || document.activeElement.classList.contains("cm-content");
    });
    assert.ok(visible, `no outline: ${seen.at(-1)}`);
  }
  const order = ["skip", "file", "cm-content", "tab-queries", "tab-spl"];
  const at = order.map((id) => seen.findIndex((one) => one.includes(id)));
  assert.ok(at.every((place, index) => place >= 0 && (index === 0 || place > at[index - 1])), seen.join(", "));
  await page.locator("#tab-spl").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), "tab-sigma");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#panel-sigma").getByText("Copied").waitFor();
  await page.locator("#tab-queries").focus();
  await page.keyboard.press("End");
  assert.equal(await focused(), "tab-try");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "events");
  await page.keyboard.insertText("{}");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "replay");
  await page.keyboard.press("Enter");
  await page.locator("#panel-try", { hasText: /\d+ events?: 0 alerts/ }).waitFor();
}

async function aPhoneIsWideEnough({ page }) {
  for (const id of ["queries", "meaning", "tests", "try"]) {
    await tab(page, id);
    const [inner, scrolled] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(scrolled <= inner, `${id}: ${scrolled} of ${inner} pixels`);
  }
  await page.locator("#example").selectOption({ index: 1 });
  await page.locator("#replay").click();
  await page.locator(".timeline").waitFor();
  await page.locator("#replay").scrollIntoViewIfNeeded();
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await page.locator("#panels").evaluate((panels) => panels.scrollIntoView());
  await picture(page, "phone");
}

/** Everything that axe finds, contrast of colours and names of controls among it, in every panel. */
async function nobodyIsLeftOut({ page }) {
  await page.evaluate(axe.source);
  for (const id of ["queries", "meaning", "tests", "try"]) {
    await tab(page, id);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document));
    const told = violations.map(({ id: rule, help, nodes }) => `${rule}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join("\n  ")}`);
    assert.deepEqual(told, [], `panel ${id}`);
  }
}

async function itIsDarkForThoseWhoWantIt({ page }) {
  const light = () => page.evaluate(() => {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
    return (red + green + blue) / 3;
  });
  assert.ok(await light() < 64);
  await nobodyIsLeftOut({ page });
  await tab(page, "queries");
  await picture(page, "dark");
  await page.emulateMedia({ colorScheme: "light" });
  assert.ok(await light() > 192);
  await nobodyIsLeftOut({ page });
}

async function whatARuleSaysIsText({ page }) {
  const hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>";
  await write(page, EXAMPLE.replace("Access key created soon after", hostile).replace("Somebody signs in", `${hostile} </svg>`));
  await tab(page, "meaning");
  await page.locator("h2", { hasText: hostile }).waitFor();
  assert.equal(await page.locator("#panels img, #panels script").count(), 0);
}

/** The policy of the page holds, whatever would get into it. */
async function nothingForeignRunsOrLoads({ page, wrong }) {
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "globalThis.ran = true";
    document.body.append(script);
    const reached = await fetch("http://127.0.0.1:9/").then(() => true, () => false);
    return { ran: Boolean(globalThis.ran), reached };
  });
  assert.deepEqual(ran, { ran: false, reached: false });
  const directives = wrong.flatMap((one) => /Content Security Policy directive[:]? ["']([a-z-]+)/.exec(one)?.[1] ?? []);
  assert.deepEqual(directives.sort(), ["connect-src", "script-src"], wrong.join("\n"));
  wrong.length = 0;
}

async function aServerThatEndedIsSaid({ page, wrong }) {
  await stop();
  await endOf(page, EXAMPLE, "rule sign_in_then_key");
  await page.keyboard.type(" ");
  await says(page, "start `catena serve` again");
  // What the browser itself says of it.
  assert.ok(wrong.every((one) => /ERR_CONNECTION_REFUSED/.test(one)), wrong.join("\n"));
  wrong.length = 0;
}

const parts = [
  [aRuleIsWrittenAndItsQueriesAreShown], [whatIsWrongIsUnderItsWord], [completionsFitThePlace], [wordsHaveTheirColours],
  [testsRun], [pastedEventsBecomeATimeline], [aQueryIsCopied], [severalFilesAndRulesAreKeptApart], [theKeyboardIsEnough],
  [aPhoneIsWideEnough, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  [itIsDarkForThoseWhoWantIt, { colorScheme: "dark" }], [whatARuleSaysIsText], [nothingForeignRunsOrLoads],
  [aServerThatEndedIsSaid],
];
const { address, stop } = await serve();
const browser = await launch();
let failed = 0;
const wanted = process.argv[2] ?? "";
for (const [part, options] of parts.filter(([{ name }]) => name.toLowerCase().includes(wanted.toLowerCase()))) {
  const began = Date.now();
  const window = await open(browser, address, options);
  try {
    await part(window);
    assert.deepEqual(window.wrong, [], "what the browser complains of");
    console.log(`ok    ${part.name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed += 1;
    await window.page.screenshot({ path: `${ROOT}target/playground-failed-${part.name}.png` }).catch(() => {});
    console.error(`FAIL  ${part.name}\n${error.stack}\n${window.wrong.join("\n")}`);
  }
  await window.close();
}
await browser.close();
await stop();
process.exit(failed > 0 ? 1 : 0);
