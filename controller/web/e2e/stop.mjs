// Something long sounds in the hamlet: the head holds Stop, and sees pole after pole fall silent.
import { at, call, hold, picture, script, signIn, task, touch, until } from "./lib.mjs";

/** Longer than Stop has to be held. */
const HOLD_MS = 1_500;

await script(async ({ open, device }) => {
  const phone = await device(await open());
  await signIn(phone, task.head, "/today");
  await until("both poles sound", async () => {
    const { body } = await call(phone, "/now");
    return body.speakers.filter((one) => one.sounding).length === 2;
  });
  await picture(phone, "phone-sounding");
  // A short touch does nothing, and says so: not even when a hold that nobody lets go would be over.
  await touch(phone, at(phone, "stop-all"));
  await at(phone, "hold-hint").waitFor();
  await phone.waitForTimeout(HOLD_MS);
  if (await at(phone, "stop-screen").isVisible()) throw new Error("a touch is taken for a hold");
  const { body } = await call(phone, "/now");
  if (body.speakers.some((one) => !one.sounding)) throw new Error("a touch stopped it");
  const began = Date.now();
  await hold(phone, at(phone, "stop-all"), () => at(phone, "stop-screen").waitFor());
  await until("both are shown silent", async () => (await phone.locator("[data-testid=stop-pole][data-state=silent]").count()) === 2);
  const silent_ms = Date.now() - began;
  await picture(phone, "phone-stopped");
  await at(phone, "stop-correct").click();
  await at(phone, "correct-send").click();
  const correction = await until("the correction is said", async () => {
    const { body } = await call(phone, "/bulletins?limit=10");
    return body.bulletins.find((one) => one.supersedes === task.bulletin);
  });
  return { silent_ms, correction: correction.id };
});
