// A pole is down: the one who watches opens the board, goes down to the pole and sees since when and why; then an officer asks
// another pole to test its sound.
//
// The task: `monitor` and `officer` (usernames), `lost` (a speaker that is offline), `speaker` (one that is there).
import { at, DESK, faults, hold, picture, script, signIn, task, until } from "./lib.mjs";

/** A pole that died is shown within 90 s. */
const DEAD_MS = 120_000;
/** An order goes out at once; the test itself takes some seconds. */
const ORDER_MS = 60_000;

await script(async ({ open, device }) => {
  const one = await open();
  const found = [];
  const look = async (page, name) => {
    for (const fault of await faults(page)) found.push(`${name}: ${fault}`);
    await picture(page, name);
  };

  const desk = await device(one, { size: DESK });
  await signIn(desk, task.monitor);
  // Who only watches begins here.
  await at(desk, "board").waitFor();
  const row = (page, speaker) => page.locator(`[data-testid=board-speaker][data-speaker="${speaker}"]`);
  const isLost = (page) => row(page, task.lost).locator("[data-fact=connected][data-state=no]").count();
  await until("the board shows it lost, by itself", async () => (await isLost(desk)) === 1, DEAD_MS);
  await until("the worst comes first", async () => (await at(desk, "board-speaker").first().getAttribute("data-severity")) !== "ok");
  const totals = await at(desk, "totals").innerText();
  await look(desk, "desk-watch-board");

  // Down, area by area, as far as it goes; the pole stays in sight.
  const drilled = [];
  while ((await at(desk, "board-area").count()) > 0) {
    const areas = at(desk, "board-area");
    const before = desk.url();
    drilled.push((await areas.first().innerText()).split("\n")[0]);
    await areas.first().click();
    await until("the area opens", async () => desk.url() !== before && (await at(desk, "totals").count()) === 1);
    await until("the pole is on its board", async () => (await isLost(desk)) === 1);
  }
  await look(desk, "desk-watch-area");
  const sentence = (await row(desk, task.lost).innerText()).split("\n");
  await row(desk, task.lost).click();
  await at(desk, "speaker").waitFor();
  await at(desk, "facts").locator("[data-fact=connected][data-state=no]").waitFor();
  const why = await at(desk, "facts").locator("[data-fact=connected]").innerText();
  // The picture ends in an outage, and the list says why.
  await at(desk, "presence").locator("[data-kind=gone]").last().waitFor();
  const outage = at(desk, "outages").locator("li").first();
  const cause = await outage.getAttribute("data-cause");
  const told = await outage.innerText();
  await look(desk, "desk-watch-speaker");
  for (const range of ["week", "month"]) {
    await at(desk, `range-${range}`).locator("xpath=..").click();
    await at(desk, "presence").waitFor();
  }
  // It only looks.
  for (const order of ["order-self-test", "order-restart"]) if (await at(desk, order).isVisible()) throw new Error(`who only watches may ${order}`);

  const phone = await device(one);
  await signIn(phone, task.officer, `/speaker/${task.speaker}`);
  await at(phone, "facts").waitFor();
  await at(phone, "order-self-test").click();
  await at(phone, "order-do-sheet").waitFor();
  await picture(phone, "phone-watch-order");
  await hold(phone, at(phone, "order-do"), () => at(phone, "order-do-sheet").waitFor({ state: "detached" }));
  const order = phone.locator("[data-order=self_test]").first();
  await until("the pole has done it", async () => (await order.getAttribute("data-state")) === "done", ORDER_MS);
  await until("what it heard is told", async () => (await at(phone, "order-result").count()) > 0, ORDER_MS);
  const result = await at(phone, "order-result").first().innerText();
  await at(phone, "orders").scrollIntoViewIfNeeded();
  await look(phone, "phone-watch-speaker");
  return { totals, drilled, sentence, why, cause, told, result, faults: found };
});
