// No signal: the app opens, takes an announcement, and sends it when the signal is back. One whose time has passed is
// not sent: the app asks.
import { at, call, picture, script, signIn, task, until } from "./lib.mjs";

await script(async ({ open, device }) => {
  const phone = await device(await open());
  const context = phone.context();
  await signIn(phone, task.head);
  await at(phone, "record").waitFor();
  // Everything that it needs to open is kept.
  await phone.evaluate(async () => {
    const worker = await navigator.serviceWorker.ready;
    return worker.active?.state;
  });
  await phone.waitForFunction(() => navigator.serviceWorker.controller !== null || navigator.serviceWorker.getRegistration().then((r) => r?.active?.state === "activated"));
  await phone.reload();
  await at(phone, "record").waitFor();
  await phone.goto("/#/speakers");
  await at(phone, "speaker-row").first().waitFor();

  await context.setOffline(true);
  await phone.goto("/#/");
  const before = Date.now();
  await phone.reload({ waitUntil: "commit" });
  await at(phone, "record").waitFor();
  const opened_ms = Date.now() - before;
  await at(phone, "offline").waitFor();
  await picture(phone, "phone-offline");

  // What was last known is shown with its age.
  await at(phone, "tab-speakers").click();
  await at(phone, "speaker-row").first().waitFor();
  await at(phone, "aged").first().waitFor();
  await picture(phone, "phone-offline-speakers");

  const write = async (text, choose) => {
    await phone.goto("/#/text");
    await at(phone, "text").fill(text);
    await at(phone, "text-next").click();
    await at(phone, "compose").waitFor();
    await choose?.();
    await at(phone, "send").click();
    await at(phone, "sent").waitFor();
  };
  await write(task.text);
  await write(task.stale, async () => {
    // Today, three minutes from now; the phone's clock then goes on by an hour.
    await at(phone, "when-today").locator("xpath=..").click();
    const time = new Intl.DateTimeFormat("vi-VN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Asia/Ho_Chi_Minh" });
    await at(phone, "when-time").fill(time.format(Date.now() + 180_000));
  });
  await phone.goto("/#/outbox");
  await until("both wait in the outbox", async () => (await at(phone, "outbox-item").count()) === 2);
  await picture(phone, "phone-outbox");
  return await ending({ phone, context, opened_ms });
});

async function ending({ phone, context, opened_ms }) {
  // The phone was in a pocket for four minutes without signal.
  await phone.clock.install();
  await phone.clock.setSystemTime(Date.now() + 240_000);
  await context.setOffline(false);
  await phone.evaluate(() => globalThis.dispatchEvent(new Event("online")));
  await phone.clock.resume?.();
  await until("the fresh one has left", async () => (await sent(phone, task.text)).length === 1, 60_000);
  await phone.goto("/#/outbox");
  await at(phone, "item-now").first().waitFor();
  await picture(phone, "phone-outbox-late");
  const late = await sent(phone, task.stale);
  if (late.length > 0) throw new Error("what had become pointless was sent");
  // He says it all the same, now.
  await at(phone, "item-now").first().click();
  await until("the late one is sent when he says so", async () => (await sent(phone, task.stale)).length === 1, 60_000);
  return { opened_ms, fresh: (await sent(phone, task.text))[0].id, late: (await sent(phone, task.stale))[0].id };
}

/** Bulletins that begin like this text. */
async function sent(phone, text) {
  const { body } = await call(phone, "/bulletins?limit=200");
  return (body?.bulletins ?? []).filter((one) => (one.text ?? one.title).startsWith(text.slice(0, 20)));
}
