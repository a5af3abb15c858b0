// The hamlet head speaks live, again and again; what he says comes from the mouth that the test feeds.
import { at, call, hold, MICROPHONE, script, signIn, task } from "./lib.mjs";

await script(async ({ open, device }) => {
  const phone = await device(await open(MICROPHONE));
  await signIn(phone, task.head, "/speak");
  const calls = [];
  for (let n = 0; n < task.calls; n++) {
    await phone.waitForFunction(() => document.querySelector("[data-testid=talk]")?.disabled === false);
    await hold(phone, at(phone, "talk"), async () => {
      await phone.locator("[data-testid=call-face][data-face=on_air]").waitFor();
      await phone.waitForTimeout(task.seconds * 1_000);
    });
    await at(phone, "call-ended").waitFor();
    const last = await call(phone, "/calls?limit=1");
    calls.push(last.body.calls[0].id);
  }
  return { calls };
});
