// The stronger rule: an officer raises an emergency; it waits for the key of an approver, who hears it, reads what is signed,
// and signs. `credentials`: the passkey that `passkey.mjs` made.
import { authenticator } from "./keys.mjs";
import { at, call, faults, hold, picture, script, signIn, task, until } from "./lib.mjs";

const found = [];
async function look(page, name, whole = false) {
  for (const fault of await faults(page)) found.push(`${name}: ${fault}`);
  await picture(page, name, whole);
}

await script(async ({ open, device }) => {
  const one = await open();
  const officer = await device(one);
  const leader = await device(one);
  await authenticator(leader, task.credentials);
  await signIn(officer, task.officer);
  await at(officer, "type-text").click();
  await at(officer, "text").fill(task.text);
  await at(officer, "hear").click();
  await at(officer, "text-next").click();
  await at(officer, "compose").waitFor();
  await at(officer, "quick-area.ban-chuong").check();
  await at(officer, "priority-emergency").check();
  await at(officer, "emergency-rule").waitFor();
  await at(officer, "emergency-rule").scrollIntoViewIfNeeded();
  await look(officer, "phone-emergency-rule");
  await hold(officer, at(officer, "send-emergency"), () => at(officer, "sent").waitFor());
  await at(officer, "step-keys").waitFor();
  await look(officer, "phone-sent-keys");

  // Who has a passkey signs in with it.
  await leader.goto("/#/approvals");
  await at(leader, "passkey").click();
  await at(leader, "endorse").waitFor();
  await look(leader, "phone-endorse", true);
  const awaiting = (await call(leader, "/bulletins?state=awaiting")).body.bulletins;
  if (awaiting.length !== 1) throw new Error(`${awaiting.length} wait`);
  await at(leader, "endorse-open").click();
  await at(leader, "endorse-sheet").waitFor();
  // Not before it was heard.
  if (await at(leader, "endorse-do").isEnabled()) throw new Error("it can be signed unheard");
  await at(leader, "endorse-sheet").getByTestId("listen").click();
  await until("it was heard", () => at(leader, "endorse-do").isEnabled());
  await look(leader, "phone-endorse-sheet");
  await hold(leader, at(leader, "endorse-do"), () => at(leader, "approval-told").waitFor());
  await look(leader, "phone-endorsed");
  const b = await until("it goes on air", async () => {
    const b = (await call(leader, `/bulletins/${awaiting[0].id}`)).body;
    return b.state === "awaiting" ? null : b;
  });
  return { bulletin: b.id, given: b.endorsement.given.map((one) => one.name), faults: found };
});
