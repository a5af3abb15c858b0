// The office wants to know who it is that sends: an announcement in the outbox waits and asks, a form keeps what was typed.
// (Ten minutes do not pass in a test: the refusal is the line's, everything after it is real.)
import { at, call, faults, picture, script, signIn, task, until } from "./lib.mjs";

const found = [];
async function look(page, name) {
  for (const fault of await faults(page)) found.push(`${name}: ${fault}`);
  await picture(page, name);
}
/** The next call of this kind is refused, once. */
async function refuseOnce(page, method, path) {
  let refused = false;
  await page.route(`**/api/v1${path}`, async (route) => {
    if (refused || route.request().method() !== method) return await route.fallback();
    refused = true;
    const error = { code: "proof_needed", message: "Hãy xác nhận lại.", details: { methods: ["password"] } };
    await route.fulfill({ status: 403, json: { error } });
  });
}

await script(async ({ open, device }) => {
  const one = await open();
  const phone = await device(one);
  await signIn(phone, task.head);
  await at(phone, "type-text").click();
  await at(phone, "text").fill(task.text);
  await at(phone, "hear").click();
  await at(phone, "text-next").click();
  await at(phone, "compose").waitFor();
  await refuseOnce(phone, "POST", "/bulletins");
  await at(phone, "send").click();
  await at(phone, "proof").waitFor();
  await look(phone, "phone-proof");
  // Put away, it waits, and says so.
  await at(phone, "proof-later").click();
  await at(phone, "item-prove").waitFor();
  await look(phone, "phone-proof-waits");
  if ((await call(phone, "/bulletins?limit=200")).body.bulletins.length !== 0) throw new Error("it was sent all the same");
  await phone.unroute("**/api/v1/bulletins");
  await refuseOnce(phone, "POST", "/bulletins");
  await at(phone, "item-prove").click();
  await at(phone, "proof-password").fill("sai mat khau roi");
  await at(phone, "proof-submit").click();
  await at(phone, "proof-trouble").waitFor();
  await at(phone, "proof-password").fill(task.password);
  await at(phone, "proof-submit").click();
  await at(phone, "progress").waitFor();
  const sent = await until("it is there", async () => {
    const { bulletins } = (await call(phone, "/bulletins?limit=200")).body;
    return bulletins.length > 0 ? bulletins : null;
  });
  if (sent.length !== 1) throw new Error(`${sent.length} came of one`);

  // A form with a dialog over it: what was typed is sent.
  const desk = await device(one);
  await signIn(desk, task.administrator, "/people");
  await at(desk, "person-add").click();
  await at(desk, "person-name").fill("Lò Thị Mai");
  await at(desk, "person-area").selectOption({ index: 1 });
  await refuseOnce(desk, "POST", "/users");
  await at(desk, "person-save").click();
  await at(desk, "proof-password").fill(task.password);
  await look(desk, "phone-proof-form");
  await at(desk, "proof-submit").click();
  await at(desk, "setup-link").waitFor();
  const people = (await call(desk, "/users")).body.users.filter((one) => one.name === "Lò Thị Mai");
  if (people.length !== 1) throw new Error(`${people.length} people came of one`);
  return { bulletin: sent[0].id, faults: found };
});
