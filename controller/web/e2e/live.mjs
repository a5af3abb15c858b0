// The hamlet head speaks, and the poles speak with him: held, chime, speech, let go; then who heard it.
import { at, call, faults, hold, picture, script, signIn, task, touch, until } from "./lib.mjs";

/** So often he speaks only to be looked at. The machine may stand still in one of them. */
const LOOKS = 3;
/** The office gives a phone up that sends nothing for two seconds: one that was held up for less than this was not lost by that. */
const HELD_UP_MS = 1_500;
/** Longer than a press takes to be a call of the office's. */
const ASKED_MS = 1_000;
/** Whoever knows of his call so long before he may speak sees the chime counted down. */
const CHIME_MS = 500;

await script(async ({ open, device }) => {
  const phone = await device(await open(task.mic));
  await signIn(phone, task.head);
  await at(phone, "speak-live").click();
  await at(phone, "speak-ready").waitFor();
  // The own hamlet is chosen already.
  await until("the hamlet's poles are counted", async () => /^2 loa, 1 /.test(await at(phone, "reach").innerText()));
  const warned = await at(phone, "speak-warning").innerText();
  const bad = await faults(phone);
  await picture(phone, "phone-live-ready");

  // A slip of the thumb is no call, and says so: not even when a hold that nobody lets go would have been asked for.
  await touch(phone, at(phone, "talk"));
  await at(phone, "talk-hint").waitFor();
  await phone.waitForTimeout(ASKED_MS);
  const { body: none } = await call(phone, "/calls");
  if (none.calls.length > 0) throw new Error("a touch began a call");

  const faces = await watch(phone);
  // Nothing looks closely meanwhile: it would hold the page up, and what is late sounds nowhere.
  const said = await speak(phone, faces, {
    onair: async () => {
      await phone.waitForFunction(() => Number(document.querySelector("[data-testid=voice-level]").getAttribute("aria-valuenow")) > 5);
      const delay = await at(phone, "delay").innerText();
      await phone.waitForTimeout(task.speak_ms);
      return delay;
    },
  });
  const reason = await at(phone, "call-reason").getAttribute("data-reason");
  await at(phone, "to-results").click();
  await at(phone, "call-result").waitFor();
  const pole = (heard) => phone.locator(`[data-testid=call-pole][data-heard=${heard}]`);
  await pole("live").waitFor();
  await pole("waiting").waitFor();
  const shown = await at(phone, "call-heard").evaluate((one) => ({ live: one.dataset.live, of: one.dataset.of }));
  bad.push(...(await faults(phone)));
  await picture(phone, "phone-live-results", true);
  const id = phone.url().split("/").pop();

  await phone.goto("/#/speak");
  bad.push(...(await look(phone, faces, said.isChimed)));
  return { call: id, delay: said.told, warned, reason, shown, faults: bad };
});

/** Each face of a call as soon as it is shown, and whether a countdown stood beside it: who looks now and then may miss one. */
function watch(phone) {
  return phone.evaluateHandle(() => {
    const faces = [];
    const note = () => {
      const face = document.querySelector("[data-testid=call-face]")?.dataset.face;
      if (!face) return;
      if (faces.at(-1)?.face !== face) faces.push({ face, counted: false, atMs: Date.now() });
      if (document.querySelector("[data-testid=countdown]")) faces.at(-1).counted = true;
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributeFilter: ["data-face"] });
    return faces;
  });
}

/** One call, from the press to the last word: `onair` as soon as a pole sounds with him. */
async function speak(phone, faces, { chiming, onair }) {
  let told;
  await phone.evaluate(() => performance.clearResourceTimings());
  await hold(phone, at(phone, "talk"), async () => {
    await chiming?.();
    await face(phone, "on_air").waitFor();
    await until("one of two poles is shown to sound", async () => {
      const { n, of } = await at(phone, "sounding").evaluate((one) => one.dataset);
      return n === "1" && of === "2";
    });
    told = await onair();
  });
  await at(phone, "call-ended").waitFor();
  const shown = await faces.evaluate((faces) => faces.splice(0));
  const { body } = await call(phone, "/calls?limit=1");
  return { told, isChimed: isChimed(shown, await knew(phone), Date.parse(body.calls[0].speak_at)) };
}

/** When the page had the office's answer to its call, and its line has had as long as that answer took to tell the office's time. */
function knew(phone) {
  return phone.evaluate(() => {
    const [asked, ...more] = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("/api/v1/calls"));
    if (!asked || more.length > 0) throw new Error("the page did not ask for one call");
    return performance.timeOrigin + asked.responseEnd + asked.duration;
  });
}

/**
 * Was the chime shown, and counted down? Where it was not, it must have been over, or nearly, when the page knew of its call: a
 * machine that stands still makes the office's answer late.
 */
function isChimed(faces, knewMs, speakAtMs) {
  if (faces.some(({ face, counted }) => face === "chime" && counted)) return true;
  const leftMs = Math.round(speakAtMs - knewMs);
  if (leftMs > CHIME_MS) throw new Error(`no chime was counted down, ${leftMs} ms before he may speak: ${JSON.stringify(faces)}`);
  console.error(`the page knew of its call ${leftMs} ms before he may speak: ${JSON.stringify(faces)}`);
  return false;
}

/** He speaks again, and nobody judges how it sounds: axe holds the page up, and that may cost it the line. Gives what axe finds. */
async function look(phone, faces, wasChimed) {
  let chimed = wasChimed;
  let found = null;
  for (let n = 0; n < LOOKS && !(chimed && found); n++) {
    await phone.waitForFunction(() => document.querySelector("[data-testid=talk]")?.disabled === false);
    const said = await speak(phone, faces, {
      chiming: async () => {
        await face(phone, "chime").or(face(phone, "on_air")).waitFor();
        await picture(phone, "phone-live-chime");
      },
      onair: async () => {
        const began = Date.now();
        await picture(phone, "phone-live");
        const seen = await faults(phone);
        const tookMs = Date.now() - began;
        if (await face(phone, "on_air").isVisible()) return seen;
        if (tookMs < HELD_UP_MS) throw new Error(`the call was lost while it was looked at for ${tookMs} ms`);
        console.error(`the page was looked at for ${tookMs} ms, and its call was lost: once more`);
        return null;
      },
    });
    chimed ||= said.isChimed;
    found ??= said.told;
  }
  if (!chimed) throw new Error("the chime was over each time before the page knew of its call");
  if (!found) throw new Error("each call was lost while it was looked at");
  return found;
}

function face(phone, name) {
  return phone.locator(`[data-testid=call-face][data-face=${name}]`);
}
