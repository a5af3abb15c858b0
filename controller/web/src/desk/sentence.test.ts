import { describe, expect, it } from "vitest";
import type { BulletinView } from "$/api/types";
import { fill } from "$/lib/i18n/fill";
import core from "$/lib/i18n/vi.json";
import { places, sentence, speakerNames, type Tongue, whenWords } from "./sentence";
import vi from "./words/vi.json";

const say = (words: Record<string, string>) => (key: string, values = {}) => fill(words[key] ?? key, values, "vi");
const tongue: Tongue = {
  t: say(core),
  d: say(vi),
  language: "vi",
  zone: "Asia/Ho_Chi_Minh",
  now: Date.parse("2026-11-26T03:00:00Z"),
};
const bulletin = (over: Partial<BulletinView>) =>
  ({
    state: "planned",
    priority: "ordinary",
    status: "actual",
    duration_s: 42,
    target_names: ["Bản Chương"],
    speakers: 4,
    when: { at: "2026-11-26T19:00" },
    repeat: { times: 1, every_s: 0 },
    ...over,
  }) as BulletinView;

describe("a bulletin in one sentence", () => {
  it("says what, to whom and when", () => {
    expect(sentence(tongue, bulletin({}))).toBe("Bản tin thông thường dài 42 giây, tới Bản Chương (4 loa), 19:00 tối nay.");
  });

  it("says first that it is an exercise", () => {
    expect(sentence(tongue, bulletin({ status: "exercise", priority: "emergency" }))).toMatch(/^DIỄN TẬP\. Bản tin KHẨN CẤP/);
  });

  it("what is for now waits for whoever approves it, and says so", () => {
    const when = { now: "2026-11-26T02:50:00Z" };
    expect(sentence(tongue, bulletin({ when, state: "awaiting" }))).toContain("NGAY khi được duyệt");
    expect(sentence(tongue, bulletin({ when }))).toContain("ngay lúc 09:50 sáng nay");
  });

  it("a schedule is said with its days, its end, and its beginning when that is ahead", () => {
    const rule = (rrule: string, start = "2026-11-01T05:30") => whenWords(tongue, { rrule, start });
    expect(rule("FREQ=DAILY")).toBe("05:30 sáng hằng ngày");
    expect(rule("FREQ=WEEKLY;BYDAY=FR,MO;UNTIL=20270101")).toBe("05:30 sáng thứ hai và thứ sáu hằng tuần, đến hết 1/1/2027");
    expect(rule("FREQ=DAILY", "2026-12-01T05:30")).toBe("05:30 sáng hằng ngày, từ 1/12");
    expect(rule("FREQ=MONTHLY;BYMONTHDAY=5,20;INTERVAL=2")).toBe("05:30 sáng ngày 5 và 20 hằng tháng (2 tháng một lần)");
  });

  it("many places are told by the first, and how many more", () => {
    expect(places(tongue, ["A", "B"])).toBe("A và B");
    expect(places(tongue, ["A", "B", "C", "D", "E"])).toBe("A, B, C và 2 nơi khác");
    expect(speakerNames(tongue, ["A", "B", "C"], 2)).toBe("A, B và 1 loa khác");
  });
});
