// What every script of a browser needs: a phone in somebody's hand, and the task that the test gave.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

/** url, password, screenshots, answer, scratch, and what this script's test added. */
export const task = JSON.parse(process.env.LOA_TASK);

export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };
/** A state that does not come within this is missing. */
const PATIENCE_MS = 30_000;

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  "--use-fake-ui-for-media-stream",
];

/** In place of a WAV file: the microphone of the sound server that the test has started. */
export const MICROPHONE = Symbol("microphone");

/** A browser; `mic`: the WAV file that its microphone hears, over and over. */
export async function browser(mic) {
  const args = [...ARGUMENTS];
  if (mic !== MICROPHONE) args.push("--use-fake-device-for-media-stream");
  if (typeof mic === "string") args.push(`--use-file-for-fake-audio-capture=${mic}`);
  return await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

/** A phone of its own (or a PC), with nothing stored. Any error on its page is an error of the script. */
export async function device(from, { size = PHONE, language = "vi-VN", dark = false } = {}) {
  const isPhone = size.width < 600;
  const context = await from.newContext({
    baseURL: task.url,
    viewport: size,
    locale: language,
    timezoneId: "Asia/Ho_Chi_Minh",
    isMobile: isPhone,
    hasTouch: isPhone,
    deviceScaleFactor: isPhone ? 2 : 1,
    colorScheme: dark ? "dark" : "light",
    permissions: ["microphone"],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.troubles = [];
  page.on("pageerror", (error) => page.troubles.push(`${error.message}\n${error.stack}`));
  page.on("console", (line) => {
    // A refusal by the content security policy is told on the console only.
    if (/Content Security Policy|Content-Security-Policy/i.test(line.text())) page.troubles.push(line.text());
  });
  return page;
}

export const at = (page, testid) => page.getByTestId(testid);

export async function signIn(page, username, path = "/") {
  await page.goto(`/#${path}`);
  await at(page, "username").fill(username);
  await at(page, "password").fill(task.password);
  await at(page, "sign-in-submit").click();
  await at(page, "sign-in").waitFor({ state: "detached" });
}

/** Presses and holds until what it does has begun. */
export async function hold(page, locator, until) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await until();
  await page.mouse.up();
}

/** Presses and lets go in one breath, however slow the page is to hear of it: waited for, a press gets as long as the page is slow. */
export async function touch(page, locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const felt = await locator.evaluateHandle((button) => {
    const felt = { isOver: false };
    button.addEventListener("pointerup", () => (felt.isOver = true), { once: true });
    return felt;
  });
  await page.mouse.move(x, y);
  const line = await page.context().newCDPSession(page);
  const send = (type, buttons) => line.send("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons, clickCount: 1 });
  await Promise.all([send("mousePressed", 1), send("mouseReleased", 0)]);
  await until("the touch is felt", () => felt.evaluate((felt) => felt.isOver));
  await line.detach();
}

/** A call of the API as the person who is signed in on this page. */
export async function call(page, path, { method = "GET", body } = {}) {
  return await page.evaluate(
    async ([path, method, body]) => {
      const answer = await fetch(`/api/v1${path}`, {
        method,
        headers: { "content-type": "application/json" },
        body: body && JSON.stringify(body),
      });
      return { status: answer.status, body: await answer.json().catch(() => null) };
    },
    [path, method, body],
  );
}

/** Waits until `look` gives something; asks again every 100 ms. */
export async function until(what, look, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${patienceMs / 1000} s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

export async function picture(page, name, whole = false) {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${task.screenshots}/${name}.png`, fullPage: whole, animations: "disabled" });
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Serious and critical faults that axe finds on what the page shows, against WCAG 2.2 AA. */
export async function faults(page) {
  // Through the debugger, so that the page's content security policy stays as it is; once, for the page stands still for it.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    return (await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } })).violations;
  });
  return found
    .filter((one) => one.impact === "serious" || one.impact === "critical")
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`);
}

/** Runs a script; what it returns is the answer. A page's troubles are failures. */
export async function script(run) {
  const pages = [];
  const opened = [];
  const open = async (mic) => {
    const one = await browser(mic);
    opened.push(one);
    return one;
  };
  try {
    const answer = await run({
      open,
      device: async (...given) => {
        const page = await device(...given);
        pages.push(page);
        return page;
      },
    });
    const troubles = pages.flatMap((page) => page.troubles);
    if (troubles.length > 0) throw new Error(`the page told of troubles:\n${troubles.join("\n")}`);
    writeFileSync(task.answer, JSON.stringify(answer ?? {}));
  } catch (error) {
    console.error(error);
    for (const [n, page] of pages.entries()) {
      console.error(`page ${n}: ${page.url()}\n${page.troubles.join("\n")}`);
      await page.screenshot({ path: `${task.screenshots}/failed-${n}.png` }).catch(() => {});
      console.error(await page.locator("body").innerText().catch(() => ""));
    }
    process.exitCode = 1;
  } finally {
    await Promise.all(opened.map((one) => one.close().catch(() => {})));
  }
}
