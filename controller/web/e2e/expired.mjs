// The session ends while the hamlet head records: he signs in again in place, and what he said leaves by itself, once.
import { at, call, picture, script, signIn, task, until } from "./lib.mjs";

await script(async ({ open, device }) => {
  const one = await open(task.mic);
  const phone = await device(one);
  const desk = await device(one);
  await signIn(desk, task.administrator, "/today");
  await signIn(phone, task.head);
  const before = new Set((await bulletins(desk)).map((one) => one.id));

  await at(phone, "record").click();
  await at(phone, "record-finish").waitFor();
  const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const reach = (s) => until(`${s} s are recorded`, async () => seconds((await at(phone, "record-time").innerText()).trim()) >= s);
  await reach(1);
  const ended = await call(phone, "/session", { method: "DELETE" });
  if (ended.status >= 300) throw new Error(`the session does not end: ${ended.status}`);
  // Nobody is asked for a password in the middle of a word.
  await reach(3);
  if (await at(phone, "expired").isVisible()) throw new Error("the recording was disturbed");
  await at(phone, "record-finish").click();
  await at(phone, "compose").waitFor();
  // It may ask as soon as nothing is being said. Who puts it off can go on, and send.
  const later = at(phone, "expired-later");
  await later.click({ timeout: 5_000 }).catch(() => {});
  await at(phone, "send").click();
  await at(phone, "sent").waitFor();
  await until("it waits for its person", async () => (await phone.locator("[data-testid=item-state][data-state=sign_in]").count()) === 1);
  if ((await added(desk, before)).length > 0) throw new Error("it was sent by nobody");
  const bar = at(phone, "expired-bar");
  const password = at(phone, "expired-password");
  // The question stands open, or its bar asks to open it: whichever comes.
  await bar.or(password).first().waitFor();
  if (!(await password.isVisible())) await bar.click();
  await password.waitFor();
  await picture(phone, "phone-expired");

  // A wrong password first: it says so, and nothing is lost.
  await at(phone, "expired-password").fill("sai mat khau roi");
  await at(phone, "expired-submit").click();
  await at(phone, "expired-trouble").waitFor();
  await at(phone, "expired-password").fill(task.password);
  await at(phone, "expired-submit").click();
  await at(phone, "expired").waitFor({ state: "hidden" });
  await at(phone, "progress").waitFor();
  await at(phone, "open-bulletin").click();
  await at(phone, "bulletin").waitFor();
  const bulletin = phone.url().split("/").pop();
  const now = await added(desk, before);
  if (now.length !== 1 || now[0].id !== bulletin) throw new Error(`${now.length} bulletins came of one: ${JSON.stringify(now)}`);
  if (now[0].duration_s < 2.5) throw new Error(`only ${now[0].duration_s} s are left of three`);
  return { bulletin };
});

async function bulletins(page) {
  return (await call(page, "/bulletins?limit=200")).body.bulletins;
}
async function added(page, before) {
  return (await bulletins(page)).filter((one) => !before.has(one.id));
}
