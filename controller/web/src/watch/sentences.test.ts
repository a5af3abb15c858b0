import { describe, expect, it } from "vitest";
import { facts, iso, no, speaker, tongue, unknown, yes } from "./sample";
import { advice, earsWords, factSentence, factWord, faultWords, firstTrouble, headline, lasting, percent, runWords, speakerSentence, testNotes, todayWords, totals } from "./sentences";
import type { BoardCounts } from "./types";

const counts = (over: Partial<BoardCounts>): BoardCounts => ({ speakers: 0, online: 0, silent: 0, offline: 0, muted: 0, trouble: 0, microphones: 0, not_heard: 0, ...over });

describe("a speaker in one sentence", () => {
  it("that is lost says why and since when", () => {
    const lost = speaker({ facts: facts({ connected: no("network", iso("2026-11-26T10:48")) }), cause: "network", since: iso("2026-11-26T10:48") });
    expect(speakerSentence(tongue, lost)).toBe("Loa vẫn chạy nhưng không có mạng (SIM, sóng hoặc cáp), từ 10:48 sáng nay (3 giờ trước).");
  });
  it("takes the cause of the outage over the fact's, for the pole's journal may have told it since", () => {
    const lost = speaker({ facts: facts({ connected: no("silent", iso("2026-11-26T12:58")) }), cause: "power", since: iso("2026-11-26T08:00") });
    expect(speakerSentence(tongue, lost)).toBe("Mất kết nối vì mất điện hoặc máy bị treo, từ 12:58 trưa nay (62 phút trước).");
  });
  it("that is connected and not heard says so, and not that all is well", () => {
    const mute = speaker({ facts: facts({ audible: no("not_heard", iso("2026-11-26T05:30")) }) });
    expect(speakerSentence(tongue, mute)).toMatch(/^Loa đã phát nhưng micro không nghe thấy tiếng, từ 05:30 sáng nay/);
  });
  it("without a microphone is never said to be heard", () => {
    expect(speakerSentence(tongue, speaker({ facts: facts({ audible: unknown("no_microphone") }) }))).toContain("Chưa rõ bà con có nghe được không");
    expect(speakerSentence(tongue, speaker())).toContain("micro nghe thấy");
  });
  it("that says nothing is not taken for connected", () => {
    const silent = speaker({ facts: facts({ powered: unknown(), connected: no("silent", iso("2026-11-26T13:56")), healthy: unknown(), audible: unknown("silent") }), cause: "unknown" });
    expect(speakerSentence(tongue, silent)).toBe("Loa im lặng, chưa rõ vì sao, từ 13:56 chiều nay (4 phút trước).");
    const office = speaker({ facts: facts({ powered: unknown(), connected: unknown("office"), healthy: unknown(), audible: unknown("silent") }) });
    expect(speakerSentence(tongue, office)).toBe("Máy chủ vừa ngừng hoặc vừa chạy lại, chưa nói được gì về loa.");
  });
  it("that runs on its battery is well with a but, and says it", () => {
    const battery = speaker({ facts: facts({ powered: yes("on_battery", iso("2026-11-26T13:00")) }) });
    expect(speakerSentence(tongue, battery)).toBe("Mất điện lưới, loa đang chạy bằng ắc quy, từ 13:00 chiều nay (60 phút trước).");
    expect(factWord(tongue, "powered", battery.facts.powered)).toBe("Chạy ắc quy");
    expect(factWord(tongue, "audible", battery.facts.audible)).toBe("Nghe được");
  });
});

describe("a fact", () => {
  it("that nobody knows has no beginning", () => {
    expect(factSentence(tongue, "powered", { state: "unknown", why: null, since: iso("2026-11-26T10:00") })).toBe("Chưa rõ loa có điện hay không.");
  });
  it("with a code of a newer office shows the code rather than nothing", () => {
    expect(factSentence(tongue, "healthy", no("fan_stopped" as "hot"))).toBe("Máy hoặc phần mềm có trục trặc (fan_stopped).");
  });
  it("that is well says since when", () => {
    expect(factSentence(tongue, "connected", yes(null, iso("2026-11-25T05:00")))).toBe("Đang có kết nối, từ 05:00 sáng qua (33 giờ trước).");
  });
});

describe("of several troubles", () => {
  it("the one from which the others follow comes first", () => {
    expect(firstTrouble(facts({ connected: no("power"), audible: no("not_heard") }))).toBe("connected");
    expect(firstTrouble(facts({ healthy: no("hot"), audible: no("muted") }))).toBe("audible");
    expect(firstTrouble(facts())).toBeNull();
  });
  it("there is advice where we know better than to wait", () => {
    expect(advice(tongue, facts({ connected: no("network") }))).toContain("SIM");
    expect(advice(tongue, facts({ healthy: no("restarted") }))).toBe("");
    expect(advice(tongue, facts())).toBe("");
  });
});

describe("the board's figures", () => {
  it("are one line, and what is not there is not counted", () => {
    expect(totals(tongue, counts({ speakers: 12, online: 9, offline: 3, trouble: 3 }))).toBe("12 loa: 9 có kết nối, 3 mất kết nối.");
  });
  it("begin with who needs somebody, and call nothing well that is only to be kept an eye on", () => {
    expect(headline(tongue, counts({ speakers: 12, trouble: 3 }), 2)).toBe("3 trên 12 loa cần người xem");
    expect(headline(tongue, counts({ speakers: 12 }), 2)).toBe("Không loa nào cần xem gấp, 2 loa nên để ý");
    expect(headline(tongue, counts({ speakers: 12 }), 0)).toBe("Cả 12 loa không có gì phải xem");
  });
  it("say what nobody can know", () => {
    expect(earsWords(tongue, counts({ speakers: 12 }))).toContain("không biết bà con có nghe thấy không");
    expect(earsWords(tongue, counts({ speakers: 12, microphones: 3 }))).toContain("3 trên 12");
  });
  it("are never rounded to all or to none", () => {
    expect(percent({ of: 1000, good: 999 })).toBe(99);
    expect(percent({ of: 1000, good: 1 })).toBe(1);
    expect(percent({ of: 3, good: 3 })).toBe(100);
  });
  it("give no percentage of nothing", () => {
    expect(todayWords(tongue, { of: 0, good: 0 })).toBe("Hôm nay chưa có lượt nào đến giờ");
    expect(todayWords(tongue, { of: 40, good: 38 })).toBe("Hôm nay đã phát 38 trên 40 lần (95\u00a0%)");
  });
});

describe("the machine's journal", () => {
  it("says how the run before ended", () => {
    const run = { at: iso("2026-11-26T08:30"), boot: 41, ended: "power_cut", alive: iso("2026-11-26T08:00") } as const;
    expect(runWords(tongue, run)).toBe("Chạy lại sau khi mất điện hoặc máy treo (lần thứ 41, còn sống đến 08:00 sáng nay)");
    expect(runWords(tongue, { ...run, ended: null, alive: null })).toBe("Chạy lại (lần thứ 41)");
  });
  it("says a fault in words, and one it does not know as it came", () => {
    expect(faultWords(tongue, { at: iso("2026-11-26T08:30"), code: "player", detail: "EIO" })).toBe("Lỗi khi phát tiếng (EIO)");
    expect(faultWords(tongue, { at: iso("2026-11-26T08:30"), code: "new", detail: "x" })).toBe("Loa báo lỗi “new”: x");
  });
  it("says of a self-test who wanted it and how clear it was", () => {
    const test = { at: iso("2026-11-26T09:00"), hearing: "heard", clarity: 24.25, delay_ms: 181, asked: false, trouble: null } as const;
    expect(testNotes(tongue, test)).toBe("hằng ngày, độ rõ 24,3, tiếng đến micro sau 181 ms");
  });
});

describe("a long time", () => {
  it("is said in days and hours", () => {
    expect(lasting(tongue, 42 * 60)).toBe("42 phút");
    expect(lasting(tongue, 3 * 3600 + 12 * 60 + 30)).toBe("3 giờ 12 phút");
    expect(lasting(tongue, 30 * 3600)).toBe("30 giờ");
    expect(lasting(tongue, 52 * 3600)).toBe("2 ngày 4 giờ");
  });
});

