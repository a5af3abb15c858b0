// Every screen, on a phone and on a PC, in both languages: a picture of each, and what axe finds on it.
import { at, DESK, faults, PHONE, picture, script, signIn, task } from "./lib.mjs";

const SCREENS = {
  announce: "/",
  speak: "/speak",
  calls: "/calls",
  relay: "/relay",
  text: "/text",
  compose: "/compose",
  outbox: "/outbox",
  today: "/today",
  week: "/week",
  bulletin: `/bulletin/${task.bulletin}`,
  board: "/board",
  speakers: "/speakers",
  speaker: `/speaker/${task.speaker}`,
  "new-speaker": "/speakers/new",
  map: "/map",
  approvals: "/approvals",
  alerts: "/alerts",
  "alert-rules": "/alerts/rules",
  repairs: "/repairs",
  report: "/reports",
  days: "/reports/days",
  schedules: "/schedules",
  holidays: "/holidays",
  library: "/library",
  templates: "/templates",
  areas: "/areas",
  groups: "/groups",
  people: "/people",
  security: "/security",
  trust: "/trust",
  audit: "/audit",
  more: "/more",
  stop: "/stop",
};

const found = [];
let looked = 0;

async function look(page, name) {
  looked += 1;
  for (const fault of await faults(page)) found.push(`${name}: ${fault}`);
  await picture(page, name);
}

await script(async ({ open, device }) => {
  const one = await open();
  for (const [kind, size] of [["phone", PHONE], ["desk", DESK]]) {
    for (const language of ["vi-VN", "en-GB"]) {
      const short = language.slice(0, 2);
      const page = await device(one, { size, language });
      await page.goto("/#/");
      await at(page, "language").selectOption(short);
      await at(page, "sign-in").waitFor();
      await look(page, `${kind}-${short}-sign-in`);
      await signIn(page, task.administrator);
      for (const [name, path] of Object.entries(SCREENS)) {
        if (name === "compose") {
          await page.goto("/#/text");
          await at(page, "text").fill(task.text);
          await at(page, "text-next").click();
          await at(page, "compose").waitFor();
        } else {
          await page.goto(`/#${path}`);
        }
        await page.locator("main[data-testid]").waitFor();
        await page.locator("[data-testid=loading]").first().waitFor({ state: "detached" });
        const lang = await page.evaluate(() => document.documentElement.lang);
        if (lang !== short) throw new Error(`${name} is in ${lang}, not ${short}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 1) throw new Error(`${kind}-${short}-${name} is ${wide} px too wide`);
        await look(page, `${kind}-${short}-${name}`);
      }
      await page.context().close();
    }
  }
  const dark = await device(one, { dark: true });
  await signIn(dark, task.head);
  await look(dark, "phone-vi-dark");
  return { faults: found, looked };
});
