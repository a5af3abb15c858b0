// An administrator looks after the keys and the log, adds a pole with its code and sticker, and helps somebody who lost a phone.
import { at, call, DESK, faults, picture, script, signIn, task, until } from "./lib.mjs";

const found = [];
async function look(page, name, whole = true) {
  for (const fault of await faults(page)) found.push(`${name}: ${fault}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 1) found.push(`${name} is ${wide} px too wide`);
  await picture(page, name, whole);
}

await script(async ({ open, device }) => {
  const one = await open();
  const phone = await device(one);
  await signIn(phone, task.administrator, "/trust");
  await at(phone, "trust-root").waitFor();
  await look(phone, "phone-trust");

  // A pole with its code, on the screen and on paper.
  await phone.goto("/#/speakers/new");
  await at(phone, "new-speaker-name").fill("Trạm y tế Bản Chương");
  await at(phone, "new-speaker-area").selectOption({ index: 1 });
  await at(phone, "new-speaker-add").click();
  await at(phone, "new-code").waitFor();
  await look(phone, "phone-new-code");
  await at(phone, "new-speaker-done").click();
  await at(phone, "certificate-code").waitFor();
  await at(phone, "certificate").scrollIntoViewIfNeeded();
  await look(phone, "phone-certificate");
  const [sticker] = await Promise.all([phone.context().waitForEvent("page"), at(phone, "sticker").click()]);
  await sticker.locator("svg").first().waitFor();
  await sticker.pdf({ path: `${task.scratch}/sticker.pdf`, preferCSSPageSize: true });
  await sticker.screenshot({ path: `${task.screenshots}/sticker.png`, fullPage: true });
  const text = await sticker.locator("body").innerText();
  const scanned = /https?:\/\/\S+\/enrol#\S+/.exec(text)?.[0];
  if (!scanned) throw new Error(`no address on the sticker: ${text}`);
  await sticker.close();

  // Somebody scans it with a phone.
  const hash = scanned.slice(scanned.indexOf("#"));
  const visitor = await device(one);
  await visitor.goto(`/enrol${hash}`);
  await at(visitor, "enrol-command").waitFor();
  await look(visitor, "phone-enrol");
  const helper = await phone.context().newPage();
  await helper.goto(`/enrol${hash}`);
  await at(helper, "enrol-state").waitFor();
  await picture(helper, "phone-enrol-state", true);
  await until("nobody enrolled it", async () => (await at(helper, "enrol-state").getAttribute("data-enrolled")) === "false");
  await helper.close();

  // Retired: it says what happens, and does it.
  await at(phone, "speaker-remove").click();
  await at(phone, "speaker-remove-do-sheet").waitFor();
  await look(phone, "phone-retire", false);
  const box = await at(phone, "speaker-remove-do").boundingBox();
  await phone.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await phone.mouse.down();
  await at(phone, "speakers").waitFor();
  await phone.mouse.up();

  // Somebody lost the phone.
  await phone.goto("/#/people");
  await at(phone, "person").filter({ hasText: task.approver_name }).click();
  await at(phone, "person-sessions").click();
  await at(phone, "person-told").waitFor();
  await look(phone, "phone-person-security", false);
  await at(phone, "sheet-close").first().click();

  // And all of it stands in the log.
  await phone.goto("/#/audit");
  await at(phone, "audit-entry").first().waitFor();
  const deeds = async () => await at(phone, "audit-entry").evaluateAll((all) => all.map((one) => one.dataset.action));
  await until("the log tells of it", async () => {
    const all = await deeds();
    return all.includes("POST /speakers/{id}/retire") && all.includes("DELETE /users/{id}/sessions");
  });
  await at(phone, "audit-entry").first().locator("summary").click();
  await at(phone, "audit-verify-do").click();
  await at(phone, "audit-ok").waitFor();
  await look(phone, "phone-audit");
  await phone.goto("/#/more");
  await look(phone, "phone-more-trust");
  const desk = await device(one, { size: DESK });
  await signIn(desk, task.administrator, "/audit");
  await at(desk, "audit-entry").first().waitFor();
  await look(desk, "desk-audit", false);
  const entries = (await call(phone, "/audit?limit=200")).body.entries;
  return { faults: found, deeds: entries.map((entry) => entry.action) };
});
