// The month's report is opened, printed and taken away; of a pole that is dead somebody takes the alert, opens a repair from it,
// and says that it is done.
import { readFileSync, statSync } from "node:fs";
import { at, call, DESK, picture, script, signIn, task, until } from "./lib.mjs";

const month = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Ho_Chi_Minh", year: "numeric", month: "2-digit" }).format(Date.now());
// An office that has just begun waits until whoever is there has said so.
const TOLD_WITHIN_MS = 240_000;
const A4 = { width: 595, height: 842 };

await script(async ({ open, device }) => {
  const one = await open();
  const desk = await device(one, { size: DESK });
  // By way of another page that can be printed: its rules stay loaded, and are none of the report's business.
  await signIn(desk, task.officer, "/security");
  await at(desk, "totp-begin").waitFor();
  await desk.goto(`/#/reports?month=${month}`);
  await at(desk, "month-paper").waitFor();
  // The month runs: nobody is to sign it by mistake.
  await at(desk, "report-incomplete").waitFor();
  const { body: report } = await call(desk, `/reports/monthly?month=${month}`);
  const said = new Intl.NumberFormat("vi").format(report.total.speakers);
  await at(desk, "report-totals").filter({ hasText: `${said} loa` }).waitFor();
  const totals = await at(desk, "report-totals").innerText();
  // A percentage never stands without what it is of.
  if (report.total.due > 0 && !/%\s*\([\d.]+ trên [\d.]+\)/.test(totals)) throw new Error(`no "n of m" in: ${totals}`);
  await picture(desk, "desk-report", true);

  const pdf = `${task.screenshots}/report.pdf`;
  await desk.pdf({ path: pdf, preferCSSPageSize: true });
  const paper = readFileSync(pdf).toString("latin1");
  const boxes = [...paper.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map((m) => [Number(m[1]), Number(m[2])]);
  if (boxes.length === 0) throw new Error("the PDF has no pages");
  for (const [width, height] of boxes) {
    if (Math.abs(width - A4.width) > 1 || Math.abs(height - A4.height) > 1) throw new Error(`a page of ${width} × ${height}`);
  }
  // On paper there is nothing to press, and there is a line to sign on.
  await desk.emulateMedia({ media: "print" });
  for (const gone of ["report-print", "report-xlsx", "stop-all", "tab-more", "month"]) {
    await at(desk, gone).waitFor({ state: "hidden" });
  }
  await desk.locator(".signatures").waitFor();
  await desk.emulateMedia({ media: null });

  const [download] = await Promise.all([desk.waitForEvent("download"), at(desk, "report-xlsx").click()]);
  if (!download.suggestedFilename().endsWith(".xlsx")) throw new Error(download.suggestedFilename());
  const xlsx = await download.path();
  // A workbook is a ZIP file.
  if (readFileSync(xlsx).subarray(0, 2).toString() !== "PK") throw new Error("the XLSX is no workbook");
  await at(desk, "report-saved").getByText(".xlsx").waitFor();

  await desk.goto(`/#/reports/days?month=${month}`);
  await at(desk, "bars-audible").waitFor();
  await at(desk, "bars-connected").waitFor();
  await picture(desk, "desk-days", true);

  // The commune wants to know at once; the rule reads as a sentence while it is made.
  const phone = await device(one);
  await signIn(phone, task.officer, "/alerts/rules");
  await at(phone, "rule-add").click();
  await at(phone, "rule-kind").selectOption("offline");
  await at(phone, "rule-after").selectOption("0");
  const sentence = await until("the rule reads as a sentence", async () => /^Khi một loa mất kết nối ở .+\.$/.exec(await at(phone, "rule-sentence").innerText())?.[0]);
  await picture(phone, "phone-rule");
  await at(phone, "rule-save").click();
  await at(phone, "rule-sheet").waitFor({ state: "detached" });
  await at(phone, "rule").filter({ hasText: sentence }).waitFor();

  await phone.goto("/#/alerts");
  const alert = phone.locator("[data-testid=alert]", { has: at(phone, "alert-take") }).first();
  await alert.waitFor({ timeout: TOLD_WITHIN_MS });
  const id = await alert.getAttribute("data-alert");
  const before = (await call(phone, "/alerts/count")).body.unacknowledged;
  await picture(phone, "phone-alerts", true);
  await alert.getByTestId("alert-take").click();
  // One touch is enough; a note may follow.
  await at(phone, "alert-took").waitFor();
  await until("one fewer waits for somebody", async () => (await call(phone, "/alerts/count")).body.unacknowledged === before - 1);
  await at(phone, "take-note").fill("Đã gọi anh Páo ra xem");
  await at(phone, "take-repair").click();
  await at(phone, "repair-what").waitFor();
  const open_alerts = async () => (await call(phone, "/alerts?state=open&limit=200")).body.items;
  const taken = (await open_alerts()).find((one) => one.id === id);
  if (taken?.acknowledged?.note !== "Đã gọi anh Páo ra xem") throw new Error(JSON.stringify(taken));

  await at(phone, "repair-what").fill("Thay nguồn, kiểm tra SIM");
  await at(phone, "repair-who").fill("Giàng A Páo");
  await at(phone, "repair-save").click();
  await at(phone, "repair-made").waitFor();
  await at(phone, "repair-close").click();
  const made = (await call(phone, "/repairs?state=open&limit=200")).body.items.find((one) => one.alert === id && one.who === "Giàng A Páo");
  await phone.goto("/#/repairs");
  const repair = phone.locator(`[data-repair="${made.id}"]`);
  await repair.getByText("Giàng A Páo").waitFor();
  await picture(phone, "phone-repairs", true);
  await repair.getByTestId("repair-finish").click();
  await at(phone, "finish-note").fill("Đã thay, phát thử nghe rõ");
  await at(phone, "repair-finish-do").click();
  await at(phone, "repair-finish-do-sheet").waitFor({ state: "detached" });
  const done = (await call(phone, "/repairs?state=done")).body.items.find((one) => one.id === made.id);
  if (!done?.done || done.note !== "Đã thay, phát thử nghe rõ") throw new Error(JSON.stringify(done));
  // The time to repair is a figure now.
  await until("the figure stands", async () => /\d/.test(await at(phone, "repair-time").locator(".figure").innerText()));
  return { pages: boxes.length, pdf_bytes: statSync(pdf).size, alert: id, repair: made.id };
});
