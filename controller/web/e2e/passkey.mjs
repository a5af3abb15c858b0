// An approver makes a passkey on the phone. Gives it, so that another script has the same phone.
import { authenticator } from "./keys.mjs";
import { at, script, signIn, task } from "./lib.mjs";

await script(async ({ open, device }) => {
  const phone = await device(await open());
  const credentials = await authenticator(phone);
  await signIn(phone, task.approver, "/security");
  await at(phone, "passkey-add").click();
  await at(phone, "passkey-name").fill("Điện thoại của Minh");
  await at(phone, "passkey-make").click();
  await at(phone, "recovery-codes").waitFor();
  return { credentials: await credentials() };
});
