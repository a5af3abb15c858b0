import { describe, expect, it } from "vitest";
import { help, inOrder, measured, repairOf, taken, told, what, when, where, why } from "./alert";
import { tongue } from "./testing";
import type { Alert } from "./types";

const alert = (over: Partial<Alert> = {}): Alert => ({
  id: "a1",
  kind: "offline",
  cause: "power",
  area: "sang-moc",
  area_name: "Xã Sảng Mộc",
  speakers: [{ speaker: "ban-chuong-1", name: "Nhà văn hóa Bản Chương", back: null }],
  began: "2026-11-26T07:00:00+07:00",
  opened: "2026-11-26T07:05:00+07:00",
  closed: null,
  severity: "warning",
  acknowledged: null,
  told: 0,
  escalated: false,
  detail: { value: null, limit: null, cell: null },
  ...over,
});
const forty = alert({
  kind: "mast",
  cause: "mast",
  severity: "critical",
  speakers: Array.from({ length: 40 }, (_, n) => ({ speaker: `loa-${n}`, name: `Loa ${n}`, back: null as string | null })),
});

describe("alerts stand", () => {
  it("worst first; of equal ones those that nobody took; of those the longest", () => {
    const taken = { by: "Lan", at: "2026-11-26T08:00:00+07:00", note: null };
    const all = [
      alert({ id: "notice", severity: "notice" }),
      alert({ id: "taken", acknowledged: taken }),
      alert({ id: "new", began: "2026-11-26T09:00:00+07:00" }),
      alert({ id: "old", began: "2026-11-25T09:00:00+07:00" }),
      alert({ id: "mast", severity: "critical", acknowledged: taken }),
    ];
    expect(inOrder(all).map((a) => a.id)).toEqual(["mast", "old", "new", "taken", "notice"]);
  });
});

describe("an alert says", () => {
  it("what and where", () => {
    expect(what(tongue, alert())).toBe("Mất kết nối");
    expect(where(alert())).toBe("Nhà văn hóa Bản Chương, Xã Sảng Mộc");
  });
  it("of forty poles behind one mast one line", () => {
    expect(what(tongue, forty)).toBe("40 loa mất kết nối cùng lúc, chung một trạm phát sóng");
    expect(where(forty)).toBe("Xã Sảng Mộc");
  });
  it("of how many it still holds, while some are well again, and of all when it is over", () => {
    const speakers = forty.speakers.map((one, n) => ({ ...one, back: n < 38 ? "2026-11-26T08:00:00+07:00" : null }));
    expect(what(tongue, { ...forty, speakers })).toBe("2 loa mất kết nối cùng lúc, chung một trạm phát sóng");
    const over = forty.speakers.map((one) => ({ ...one, back: "2026-11-26T08:00:00+07:00" }));
    expect(what(tongue, { ...forty, speakers: over, closed: "2026-11-26T08:00:00+07:00" })).toContain("40 loa");
  });
  it("what was measured, with the limit that it passed", () => {
    const hot = alert({ kind: "temperature", cause: null, detail: { value: 83.4, limit: 80, cell: null } });
    expect(measured(tongue, hot)).toBe("Đo được 83,4 °C, mức báo là 80 °C");
    expect(measured(tongue, alert())).toBe("");
  });
  it("since when, and of one that is over how long it lasted", () => {
    expect(when(tongue, alert())).toBe("Từ 07:00 sáng nay, 3 giờ trước");
    expect(when(tongue, alert({ closed: "2026-11-26T07:40:00+07:00" }))).toBe("Từ 07:00 sáng nay đến 07:40 sáng nay, kéo dài 40 phút");
  });
  it("why, as far as it is known, and nothing where there is no cause to know", () => {
    expect(why(tongue, alert())).toBe("mất điện hoặc máy treo");
    expect(why(tongue, alert({ cause: "unknown" }))).toBe("chưa rõ, loa chưa kể lại");
    expect(why(tongue, alert({ kind: "temperature", cause: null }))).toBeNull();
  });
  it("whether anybody was told", () => {
    expect(told(tongue, alert())).toBe("Chưa gửi báo cho ai");
    expect(told(tongue, alert({ told: 3 }))).toBe("Đã báo 3 lần");
    expect(told(tongue, alert({ told: 3, escalated: true }))).toBe("Đã báo 3 lần, đã báo lên trên");
  });
  it("who took it, with the note", () => {
    expect(taken(tongue, alert())).toBe("");
    const acknowledged = { by: "Nông Thị Lan", at: "2026-11-26T08:00:00+07:00", note: "đã gọi anh Páo" };
    expect(taken(tongue, alert({ acknowledged }))).toBe("Nông Thị Lan nhận xử lý lúc 08:00 sáng nay. “đã gọi anh Páo”");
  });
  it("what helps, by its cause where that is known", () => {
    expect(help(tongue, alert())).toBe("Nên làm: hỏi xóm và điện lực xem đã có điện chưa.");
    expect(help(tongue, alert({ cause: "unknown" }))).toContain("xem đèn, nguồn điện và SIM");
  });
  it("what a repair of it would be", () => {
    expect(repairOf(tongue, alert())).toBe("Mất kết nối: mất điện");
    expect(repairOf(tongue, alert({ kind: "not_heard", cause: null }))).toBe("Có phát, nhưng micro không nghe thấy tiếng");
  });
});
