// The commune's officer plans: 03:15 is warned of, 05:30 is not; then pauses, resumes, copies, and finds it in the week.
import { at, call, DESK, picture, script, signIn, task, until } from "./lib.mjs";

const DAY_MS = 86_400_000;
const format = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Ho_Chi_Minh", year: "numeric", month: "2-digit", day: "2-digit" });
const date = (days) => format.format(Date.now() + days * DAY_MS);

await script(async ({ open, device }) => {
  const desk = await device(await open(), { size: DESK });
  await signIn(desk, task.officer);
  const { speakers } = (await call(desk, "/speakers")).body;
  for (const one of speakers) {
    const { status } = await call(desk, `/speakers/${one.id}`, { method: "PATCH", body: { quiet_hours: [{ from: "22:00", to: "05:00" }] } });
    if (status !== 200) throw new Error(`quiet hours of ${one.name}: ${status}`);
  }

  await at(desk, "type-text").click();
  await at(desk, "text").fill(task.text ?? "Mời bà con quét dọn đường làng.");
  await at(desk, "text-next").click();
  await at(desk, "compose").waitFor();
  // The whole commune: one touch.
  await desk.locator("[data-testid^='quick-area.']").first().check();
  await choose(desk, "when-tomorrow");
  await at(desk, "when-time").fill("03:15");
  const quiet = desk.locator("[data-testid=warning][data-code=quiet_hours]");
  await quiet.waitFor();
  const seen = await quiet.evaluate((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });
  if (!seen) throw new Error("the warning stands below the fold");
  await picture(desk, "desk-quiet-hours");

  await choose(desk, "when-daily");
  await at(desk, "when-time").fill("05:30");
  await at(desk, "when-from").fill(date(1));
  await at(desk, "when-except").fill(date(2));
  await at(desk, "when-except-add").click();
  await at(desk, "skip-holidays").check();
  await quiet.waitFor({ state: "detached" });
  const said = () => at(desk, "sentence").innerText();
  await until("the sentence says it", async () => /05:30 sáng mỗi ngày.*trừ.*trừ ngày lễ/.test(await said()));
  await picture(desk, "desk-planning");
  const sentence = await said();
  await at(desk, "send").click();
  await at(desk, "progress").waitFor();
  await at(desk, "open-bulletin").click();
  await at(desk, "bulletin").waitFor();
  const bulletin = desk.url().split("/").pop();
  const state = async () => (await call(desk, `/bulletins/${bulletin}`)).body;
  const made = await state();
  if (made.when.except?.length !== 1 || !made.skip_holidays) throw new Error(JSON.stringify(made.when));

  await at(desk, "pause").click();
  await at(desk, "resume").waitFor();
  if ((await state()).state !== "paused") throw new Error("it is not paused");
  await at(desk, "resume").click();
  await at(desk, "pause").waitFor();
  if ((await state()).state !== "planned") throw new Error("it is not planned again");

  // Every day from tomorrow to Sunday but the day after tomorrow, on each speaker.
  const weekday = ((new Date(`${date(1)}T00:00:00Z`).getUTCDay() + 6) % 7) + 1;
  const days = 7 - weekday + 1 - (weekday < 7 ? 1 : 0);
  await desk.goto(`/#/week?date=${date(1)}`);
  await at(desk, "days-view").waitFor();
  const shown = desk.locator(`[data-testid=day-line] a[href="#/bulletin/${bulletin}"]`);
  await until(`it stands on ${days} days of the week`, async () => (await shown.count()) === days * speakers.length);
  await picture(desk, "desk-week-planned");

  await desk.goto(`/#/bulletin/${bulletin}`);
  await at(desk, "copy").click();
  await at(desk, "compose").waitFor();
  await until("the copy says the same", async () => (await said()).startsWith(sentence.split(",")[0]) && /05:30/.test(await said()));
  await quiet.waitFor({ state: "detached" });
  await at(desk, "discard").click();
  await at(desk, "discard-sure").click();
  await at(desk, "record").waitFor();

  // A station every morning, whose address changes one day.
  await desk.goto("/#/relay");
  await at(desk, "relay-url").fill("https://cu.example.vn/vov1.mp3");
  await at(desk, "relay-name").fill("VOV1");
  await at(desk, "relay-next").click();
  await at(desk, "compose").waitFor();
  await desk.locator("[data-testid^='quick-area.']").first().check();
  await at(desk, "send").click();
  await at(desk, "progress").waitFor();
  await at(desk, "open-bulletin").click();
  await at(desk, "retune").click();
  await at(desk, "relay-url").fill("https://moi.example.vn/vov1.m3u8");
  await at(desk, "relay-window").selectOption("45");
  await picture(desk, "desk-retune");
  await at(desk, "retune-save").click();
  await at(desk, "bulletin-told").waitFor();
  const relay = desk.url().split("/").pop();
  return { bulletin, sentence, relay };
});

/** The radio button itself is under its label. */
async function choose(page, testid) {
  await at(page, testid).locator("xpath=..").click();
}
