// A person guards the account: a passkey, then the codes of an authenticator app; in by either; out from elsewhere; and what
// weighs much asks who it is, in place.
import { authenticator, totp } from "./keys.mjs";
import { at, call, faults, picture, script, signIn, task, until } from "./lib.mjs";

const found = [];
async function look(page, name, whole = true) {
  for (const fault of await faults(page)) found.push(`${name}: ${fault}`);
  await picture(page, name, whole);
}

await script(async ({ open, device }) => {
  const one = await open();
  const phone = await device(one);
  await authenticator(phone);
  await signIn(phone, task.administrator, "/security");
  await at(phone, "totp-begin").waitFor();
  await at(phone, "session").first().waitFor();
  await look(phone, "phone-security");

  // A passkey of this phone; with it come the codes for the day it is lost.
  await at(phone, "passkey-add").click();
  await at(phone, "passkey-name").fill("Điện thoại của tôi");
  await at(phone, "passkey-make").click();
  await at(phone, "passkey").waitFor();
  await at(phone, "recovery-codes").waitFor();
  await until("there are ten codes", async () => (await at(phone, "recovery-codes").locator("li").count()) === 10);
  await look(phone, "phone-recovery-codes");
  await at(phone, "recovery-kept").check();
  await at(phone, "recovery-done").click();

  // An authenticator app.
  await at(phone, "totp-begin").click();
  await at(phone, "qr").waitFor();
  await phone.waitForFunction(() => document.querySelector("[data-testid=qr]").naturalWidth > 0);
  await phone.getByText("Không quét được?").click();
  const secret = await at(phone, "totp-secret").innerText();
  await at(phone, "totp-code").fill("000000");
  await at(phone, "totp-confirm").click();
  await at(phone, "totp-trouble").waitFor();
  await look(phone, "phone-totp");
  await at(phone, "totp-code").fill(totp(secret));
  await at(phone, "totp-confirm").click();
  await at(phone, "recovery-codes").waitFor();
  const recovery = await at(phone, "recovery-codes").locator("li").first().innerText();
  await at(phone, "recovery-kept").check();
  await at(phone, "recovery-done").click();
  await at(phone, "recovery-left").waitFor();
  await look(phone, "phone-security-on");

  // Out, and in again in two steps; a wrong code first.
  await phone.goto("/#/more");
  await at(phone, "sign-out").click();
  await at(phone, "sign-in").waitFor();
  await at(phone, "username").fill(task.administrator);
  await at(phone, "password").fill(task.password);
  await at(phone, "sign-in-submit").click();
  await at(phone, "second-step").waitFor();
  await at(phone, "code").fill("123456");
  await at(phone, "sign-in-submit").click();
  await at(phone, "sign-in-error").waitFor();
  await look(phone, "phone-second-step");
  // The code of this half minute was taken already; the next one's counts, too.
  await at(phone, "code").fill(totp(secret, 1));
  await at(phone, "sign-in-submit").click();
  await at(phone, "sign-in").waitFor({ state: "detached" });

  // By the passkey alone, without a name.
  await phone.goto("/#/more");
  await at(phone, "sign-out").click();
  await at(phone, "sign-in").waitFor();
  await look(phone, "phone-sign-in-passkey");
  await at(phone, "passkey").click();
  await at(phone, "sign-in").waitFor({ state: "detached" });

  // Another device, by a code from paper; the phone signs it out.
  const other = await device(one);
  await other.goto("/#/today");
  await at(other, "username").fill(task.administrator);
  await at(other, "password").fill(task.password);
  await at(other, "sign-in-submit").click();
  await at(other, "second-step").waitFor();
  await at(other, "code-other").click();
  await at(other, "code").fill(recovery);
  await at(other, "sign-in-submit").click();
  await at(other, "sign-in").waitFor({ state: "detached" });
  await phone.goto("/#/security");
  await at(phone, "session-end").first().waitFor();
  await at(phone, "sessions-end").click();
  await until("one device is left", async () => (await at(phone, "session").count()) === 1);
  if ((await call(other, "/me")).status !== 401) throw new Error("the other device is still signed in");
  return { faults: found };
});
