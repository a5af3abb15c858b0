import { describe, expect, it } from "vitest";
import { fresh, inOrder, looksRight, sentence, steps, trouble } from "./rule";
import { tongue } from "./testing";
import type { Rule, RuleBody } from "./types";

const rule = (over: Partial<RuleBody> = {}): RuleBody => ({ ...fresh("offline", "sang-moc"), ...over });
const lan = { by: "mail", to: "lan@sangmoc.vn" } as const;

describe("a rule is a sentence", () => {
  it("with what, how long, where, whom, how often, and whom then", () => {
    const full = rule({ tell: [lan, { by: "telegram", to: "-100123" }], repeat_s: 1800, escalate_s: 7200, escalate_to: [{ by: "webhook", to: "https://canhbao.vn/x/secret" }] });
    expect(sentence(tongue, full, "Xã Sảng Mộc")).toBe(
      "Khi một loa mất kết nối quá 5 phút ở Xã Sảng Mộc, báo cho lan@sangmoc.vn và Telegram -100123; nhắc lại mỗi 30 phút cho đến khi có người nhận; sau 2 giờ chưa ai nhận thì báo thêm cho webhook canhbao.vn.",
    );
  });
  it("that says so when it tells nobody, and then repeats nothing", () => {
    expect(sentence(tongue, rule(), null)).toBe("Khi một loa mất kết nối quá 5 phút ở mọi nơi, chỉ hiện trong ứng dụng, không gửi cho ai.");
  });
  it("with its number where it is told by one", () => {
    expect(sentence(tongue, { ...fresh("temperature", null), tell: [lan], repeat_s: null }, null)).toBe("Khi máy của một loa nóng hơn 80 °C quá 5 phút ở mọi nơi, báo cho lan@sangmoc.vn.");
    expect(sentence(tongue, { ...fresh("disk", null), after_s: 0, tell: [lan], repeat_s: null }, null)).toBe("Khi chỗ chứa của một loa còn trống dưới 5 % ở mọi nơi, báo cho lan@sangmoc.vn.");
  });
});

describe("a rule is saved", () => {
  it("when its number is sensible", () => {
    expect(trouble(tongue, fresh("temperature", null))).toBeNull();
    expect(trouble(tongue, { ...fresh("temperature", null), limit: 500 })).toBe("Con số phải từ 30 đến 150.");
  });
  it("without a number when the usual one is meant, and then says that one", () => {
    const usual = { ...fresh("disk", null), limit: null };
    expect(trouble(tongue, usual)).toBeNull();
    expect(sentence(tongue, usual, null)).toContain("dưới 5 %");
  });
  it("when every address can be one", () => {
    expect(trouble(tongue, rule({ tell: [{ by: "mail", to: "lan" }] }))).toBe("Có địa chỉ chưa đúng.");
    for (const right of [lan, { by: "webhook", to: "https://x.vn/hook" }, { by: "telegram", to: "-1001" }] as const) expect(looksRight(right), right.to).toBe(true);
    for (const wrong of [{ by: "mail", to: "lan@" }, { by: "webhook", to: "x.vn" }, { by: "telegram", to: "Lan" }] as const) expect(looksRight(wrong), wrong.to).toBe(false);
  });
  it("when somebody else is named who is told later", () => {
    expect(trouble(tongue, rule({ tell: [lan], escalate_s: 3600 }))).toBe("Hãy ghi báo thêm cho ai.");
  });
});

describe("rules", () => {
  it("that hold everywhere stand first", () => {
    const made = { may_change: true, changed_by: null, changed: "2026-11-26T00:00:00Z" };
    const all: Rule[] = [
      { ...fresh("clock", "b"), id: "1", ...made },
      { ...fresh("offline", "b"), id: "2", ...made },
      { ...fresh("disk", null), id: "3", ...made },
    ];
    expect(inOrder(all, () => "Bản Chương").map((r) => r.id)).toEqual(["3", "2", "1"]);
  });
  it("keep a time that was set elsewhere among those to choose from", () => {
    expect(steps([60, 300], 120)).toEqual([60, 120, 300]);
    expect(steps([60, 300], null)).toEqual([60, 300]);
  });
});
