// The hamlet head speaks, and the poles speak with him: held, chime, speech, let go; then who heard it.
import { at, call, faults, picture, script, signIn, task, until } from "./lib.mjs";

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
  const face = (name) => phone.locator(`[data-testid=call-face][data-face=${name}]`);

  // A slip of the thumb is no call.
  await at(phone, "talk").click();
  const { body: none } = await call(phone, "/calls");
  if (none.calls.length > 0) throw new Error("a touch began a call");

  const box = await at(phone, "talk").boundingBox();
  await phone.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await phone.mouse.down();
  await face("chime").waitFor();
  await at(phone, "countdown").waitFor();
  await picture(phone, "phone-live-chime");
  await face("on_air").waitFor();
  const began = Date.now();
  await until("one of two poles is shown to sound", async () => {
    const { n, of } = await at(phone, "sounding").evaluate((one) => one.dataset);
    return n === "1" && of === "2";
  });
  await phone.waitForFunction(() => Number(document.querySelector("[data-testid=voice-level]").getAttribute("aria-valuenow")) > 5);
  const delay = await at(phone, "delay").innerText();
  bad.push(...(await faults(phone)));
  await picture(phone, "phone-live");
  await phone.waitForTimeout(Math.max(0, task.speak_ms - (Date.now() - began)));
  await phone.mouse.up();
  await at(phone, "call-ended").waitFor();
  const reason = await at(phone, "call-reason").getAttribute("data-reason");
  await at(phone, "to-results").click();
  await at(phone, "call-result").waitFor();
  const pole = (heard) => phone.locator(`[data-testid=call-pole][data-heard=${heard}]`);
  await pole("live").waitFor();
  await pole("waiting").waitFor();
  const shown = await at(phone, "call-heard").evaluate((one) => ({ live: one.dataset.live, of: one.dataset.of }));
  bad.push(...(await faults(phone)));
  await picture(phone, "phone-live-results", true);
  return { call: phone.url().split("/").pop(), delay, warned, reason, shown, faults: bad };
});
